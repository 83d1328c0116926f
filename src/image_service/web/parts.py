"""The running service's parts, for use by routes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from image_service.database.database import Database
from image_service.galleries.sync import GallerySync
from image_service.images.idempotency import IdempotencyKeys
from image_service.images.library import Library
from image_service.images.ticket_signature import TicketKey
from image_service.images.variants import Variants
from image_service.ingest.sources import Ingest
from image_service.jobs.webhooks.sending import Sender
from image_service.pixels.picture import Format
from image_service.pixels.sizes import Offer
from image_service.storage.base import Storage
from image_service.storage.staging import Staging
from image_service.stores.rate_limit import RateLimit
from image_service.telemetry.count_buffer import CountBuffer
from image_service.telemetry.together import Together
from image_service.web.access.failed_credentials import FailedCredentials
from image_service.web.answer_cache import AnswerCache
from image_service.web.readiness import Readiness


@dataclass(frozen=True)
class Parts:
    """Built by `create_app` at the start; routes get them as a dependency, never by import."""

    database: Database
    storage: Storage
    staging: Staging
    readiness: Readiness
    ingest: Ingest
    library: Library
    gallery_sync: GallerySync
    idempotency_keys: IdempotencyKeys
    variants: Variants
    lists: AnswerCache  # answers to the list of a product's images
    api_base: str  # URL without a slash at its end
    delivery_base: str
    delivery_redirect: str | None  # another URL for stored pictures, without a trailing slash
    offer: Offer
    input_formats: tuple[Format, ...] | None  # for all dialects; None: each dialect's own
    max_image_bytes: int
    max_json_bytes: int
    max_images_per_product: int
    anonymous_store: int | None
    cors_origins: tuple[str, ...]
    ticket_key: TicketKey
    ticket_max_seconds: int
    failed_credentials: FailedCredentials
    rate_limit: RateLimit | None  # None: no limit
    negotiate_formats: bool
    is_stopping: Callable[[], bool]  # the service is stopping
    counts: CountBuffer  # counts not yet in the metrics
    scrape: Together[bytes]  # all metrics, as text
    nudge: Callable[[], None]  # signals work in the queue
    webhooks: Sender


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


# Async without awaiting: FastAPI would run a plain function in a thread.
PartsOf = Annotated[Parts, Depends(_parts)]
