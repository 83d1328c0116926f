"""The service as one ASGI application: builds its parts at startup, and mounts the dialects."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from image_service import parts as building
from image_service.background import running
from image_service.database.database import Database
from image_service.delivery import described as pictures
from image_service.delivery.delivery import Delivery
from image_service.delivery.names import PREFIX
from image_service.dialects.bukalapak import dialect as bukalapak
from image_service.dialects.shopify import dialect as shopify
from image_service.dialects.tiendanube import dialect as tiendanube
from image_service.errors import ImageServiceError
from image_service.images import instance
from image_service.images.idempotency import IdempotencyKeys
from image_service.images.ticket_signature import TicketKey
from image_service.ingest.fetch import Resolver
from image_service.ingest.sources import Ingest
from image_service.own.gallery import dialect as gallery
from image_service.own.jobs import dialect as jobs
from image_service.own.products import dialect as products
from image_service.own.store import dialect as store
from image_service.own.tickets import dialect as tickets
from image_service.own.webhooks import dialect as webhooks
from image_service.pixels.pool.pool import WORKER
from image_service.settings import Settings
from image_service.site import dialect as site
from image_service.site.client import add_client
from image_service.site.documentation import add_documentation
from image_service.site.gallery import add_gallery
from image_service.site.guides.site import add_guides
from image_service.site.landing import add_landing
from image_service.site.operations import scrapes_of
from image_service.storage.base import Storage
from image_service.storage.places import staging_in, storage_at
from image_service.storage.staging import Staging
from image_service.telemetry.count_buffer import CountBuffer
from image_service.telemetry.request_log import Recorder, RequestLog
from image_service.web.access.failed_credentials import FailedCredentials
from image_service.web.answer_cache import AnswerCache
from image_service.web.dialect import Dialect, Dialects, dialect_of, problem_response
from image_service.web.middleware.compress import Compress
from image_service.web.middleware.cors import Cors
from image_service.web.middleware.guard import Guard
from image_service.web.middleware.head import Head
from image_service.web.middleware.query import Query
from image_service.web.middleware.response_headers import ResponseHeaders
from image_service.web.openapi import document as openapi
from image_service.web.openapi.allowed import AllowedMethods
from image_service.web.parts import Parts
from image_service.web.readiness import Readiness
from image_service.work import working

log = structlog.get_logger()

LISTS_BYTES = 32 * 1024 * 1024  # for cached lists: some 9,000 with 30 images each


def dialects_of(settings: Settings) -> tuple[Dialect, ...]:
    """All APIs of the service. A new one needs a folder and a line here."""
    return (
        *tiendanube.DIALECTS,
        shopify.dialect(bucket=settings.rate_limit_bucket),
        bukalapak.dialect(always_200=settings.bukalapak_always_200),
        store.DIALECT,
        products.DIALECT,
        gallery.DIALECT,
        tickets.DIALECT,
        jobs.DIALECT,
        webhooks.DIALECT,
        site.DIALECT,
    )


class Application(FastAPI):
    """A FastAPI application behind the delivery of pictures."""

    def __init__(self, delivery: Delivery, **options: Any) -> None:
        super().__init__(**options)
        self._delivery = delivery

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_picture = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._delivery if is_picture else super().__call__)(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    storage: Storage | None = None,
    resolver: Resolver | None = None,
    pixel_command: Sequence[str] = WORKER,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Application:
    """`settings.database_url` must be set; `is_stopping` returns whether the process is shutting down. The
    other arguments replace the real ones in tests.
    """

    counts = CountBuffer()
    recorder = Recorder(counts)
    dialects = dialects_of(settings)
    readers = [each.read_size for each in dialects if each.read_size]
    delivery = Delivery(settings.connection_limits, settings.trusted_proxies, recorder, readers)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(counts.hand_on)
            blobs = storage or storage_at(settings.storage_url, settings.data_dir)
            parts = await _build(settings, stack, blobs, resolver, pixel_command, is_stopping, counts)
            app.state.parts = delivery.parts = parts
            yield

    app = Application(
        delivery,
        title="image-service",
        version=version("image-service"),
        lifespan=lifespan,
        openapi_url=None,  # `add_documentation` adds it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # redirects would be built from `Host`
    )
    # FastAPI tries routers in order. Syncs come first: there are thousands, and most change nothing.
    for dialect in sorted(dialects, key=lambda each: each is not gallery.DIALECT):
        app.router.routes += dialect.router.routes  # `include_router` would prepare all of them anew, and as long again
    _add_pages(app, settings)
    app.openapi = lambda: openapi.document(app, dialects, pictures)  # type: ignore[method-assign]  # FastAPI's own way
    for kind in (ImageServiceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _handle)
    app.state.allowed_methods = AllowedMethods(app.routes, pictures.PATHS)
    _add_middleware(app, settings, dialects, recorder)
    return app


def _add_pages(app: Application, settings: Settings) -> None:
    add_client(app)
    add_guides(app, settings.api_base, app.version, has_gallery=settings.gallery)
    add_landing(app, app.version, has_gallery=settings.gallery)
    add_documentation(app, settings.api_base, has_gallery=settings.gallery)
    add_gallery(
        app,
        settings.delivery_base,
        max_image_bytes=settings.max_image_bytes,
        limits=settings.limits,
        has_gallery=settings.gallery,
    )


def _add_middleware(app: Application, settings: Settings, dialects: Sequence[Dialect], recorder: Recorder) -> None:
    app.add_middleware(Compress)  # the innermost
    app.add_middleware(Head)  # outside it: the headers of HEAD are those of the compressed body
    app.add_middleware(Query)
    app.add_middleware(Guard, render=problem_response, limits=settings.connection_limits)
    app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(RequestLog, render=problem_response, label_of=_label, recorder=recorder, names=_names)
    app.add_middleware(ResponseHeaders, dialect_of=Dialects(dialects).of, trusted_proxies=settings.trusted_proxies)


async def _build(
    settings: Settings,
    stack: AsyncExitStack,
    storage: Storage,
    resolver: Resolver | None,
    pixel_command: Sequence[str],
    is_stopping: Callable[[], bool],
    counts: CountBuffer,
) -> Parts:
    database = building.database_of(settings, stack)
    staging = staging_in(settings.data_dir)
    # While the pixel processes load their libraries.
    claiming = await stack.enter_async_context(running(_claim(database, storage, staging)))
    kept = building.kept_pixels_of(settings)
    pixels = await building.pixels_of(settings, stack, kept, pixel_command)
    resources = building.uploads_of(settings, stack, staging, pixels, resolver)
    variants = building.variants_of(settings, stack, database, storage, staging, pixels)
    ingest = Ingest(resources)
    if settings.anonymous_store is not None:
        log.warning("calls without credentials act as a store", store=settings.anonymous_store)
    ahead = await stack.enter_async_context(
        building.rendering_ahead(settings, database, storage, staging, pixels, pixel_command)
    )
    blobs = building.blobs_of(settings, database, storage, kept, ahead)
    stack.push_async_callback(blobs.close)
    library = building.library_of(settings, database, blobs)
    await claiming
    work = await stack.enter_async_context(
        working(
            settings,
            database,
            resources,
            library,
            lambda ingest: building.gallery_sync_of(settings, database, storage, blobs, ingest),
            resolver,
        )
    )
    await stack.enter_async_context(
        building.sweeper_of(settings, database, storage, kept).every(settings.sweep_interval)
    )
    return Parts(
        database=database,
        storage=storage,
        staging=staging,
        readiness=Readiness(database, storage, staging),
        ingest=ingest,
        library=library,
        gallery_sync=building.gallery_sync_of(settings, database, storage, blobs, ingest),
        idempotency_keys=IdempotencyKeys(database, wait=settings.idempotency_wait),
        variants=variants,
        lists=AnswerCache(LISTS_BYTES),
        api_base=settings.api_base,
        delivery_base=settings.delivery_base,
        delivery_redirect=settings.delivery_redirect_url,
        offer=settings.offer,
        input_formats=settings.input_formats,
        max_image_bytes=settings.max_image_bytes,
        max_json_bytes=settings.max_json_bytes,
        max_images_per_product=settings.max_images_per_product,
        anonymous_store=settings.anonymous_store,
        cors_origins=settings.cors_origins,
        ticket_key=TicketKey(database),
        ticket_max_seconds=settings.upload_ticket_max_seconds,
        failed_credentials=FailedCredentials(settings.auth_failures_per_minute),
        rate_limit=building.rate_limit_of(settings, database),
        negotiate_formats=settings.negotiate_formats,
        is_stopping=is_stopping,
        counts=counts,
        scrape=scrapes_of(database, counts, work.handlers),
        nudge=work.runner.nudge,
        webhooks=work.sender,
    )


async def _claim(database: Database, storage: Storage, staging: Staging) -> None:
    try:
        await instance.claim(database, storage, staging)
    except ImageServiceError as error:
        log.warning("not ready yet", reason=str(error))  # /health/ready tries again


def _label(scope: Scope) -> str:
    return dialect_of(scope).name


def _names(scope: Scope) -> bool:
    return dialect_of(scope).names_requests


async def _handle(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        known = (error.headers or {}).get("Allow", "")  # FastAPI names the methods of one route only
        error.headers = {"Allow": request.app.state.allowed_methods.of(request.url.path, known)}
    return problem_response(request, error)
