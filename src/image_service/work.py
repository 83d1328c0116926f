"""Builds the queue's handlers and runner from the settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from image_service.database.database import Database
from image_service.galleries.sync import GallerySync
from image_service.images.library import Library
from image_service.ingest.fetch import Fetcher, Resolver
from image_service.ingest.hosts.posting import Poster
from image_service.ingest.shares import Shares
from image_service.ingest.sources import Ingest, UploadResources
from image_service.jobs import creates, store_jobs, syncs
from image_service.jobs.creates import Creates
from image_service.jobs.retries import Retries
from image_service.jobs.syncs import Syncs
from image_service.jobs.webhooks.messages import Urls
from image_service.jobs.webhooks.sending import Sender
from image_service.parts import fetch_policy_of
from image_service.queue import outbox
from image_service.queue.runner import Runner
from image_service.queue.task import Handler
from image_service.settings import Settings
from image_service.web.images.view import BASIC_FIELDS, View


@dataclass(frozen=True)
class Work:
    handlers: dict[str, Handler]
    runner: Runner
    sender: Sender


def handlers_of(
    settings: Settings,
    database: Database,
    ingest: Ingest,
    library: Library,
    gallery_sync: GallerySync,
    sender: Sender,
) -> dict[str, Handler]:
    """The handler for each kind of work in the queue. A new one needs a module in `jobs/` and a line here."""
    view = View(settings.delivery_base, settings.offer, BASIC_FIELDS)
    retries = Retries(settings.job_retry_seconds)
    return {
        creates.KIND: store_jobs.handler(database, Creates(database, ingest, library, view.of, retries).run),
        syncs.KIND: store_jobs.handler(database, Syncs(database, gallery_sync, view.of, retries).run),
        outbox.KIND: sender.handler(),
    }


@asynccontextmanager
async def working(
    settings: Settings,
    database: Database,
    resources: UploadResources,
    library: Library,
    sync_of: Callable[[Ingest], GallerySync],
    resolver: Resolver | None,
) -> AsyncIterator[Work]:
    """Runs the queue's work until the block ends, unless `settings.jobs` is 0: then other instances do it."""
    async with AsyncExitStack() as stack:
        fetcher = Fetcher(replace(fetch_policy_of(settings), asks_again=False), resolver)
        stack.push_async_callback(fetcher.aclose)
        poster = Poster(fetch_policy_of(settings), resolver)
        stack.push_async_callback(poster.aclose)
        ingest = Ingest(replace(resources, fetcher=fetcher, places=Shares(settings.jobs or 1), for_jobs=True))
        sender = Sender(database, poster, Urls(settings.api_base, settings.delivery_base))
        handlers = handlers_of(settings, database, ingest, library, sync_of(ingest), sender)
        runner = Runner(database, handlers, settings.jobs)
        if settings.jobs:
            await stack.enter_async_context(runner.running())
        yield Work(handlers, runner, sender)
