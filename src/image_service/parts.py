"""Builds parts from the settings, for the service and its commands. Knows nothing of HTTP."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from hashlib import sha256

from image_service.database.database import Database
from image_service.galleries.questions import Resources
from image_service.galleries.sync import GallerySync
from image_service.images.blobs import Blobs
from image_service.images.library import Library
from image_service.images.rendering.ahead import Ahead
from image_service.images.rendering.render_queue import RenderQueue
from image_service.images.rendering.renderer import Renderer
from image_service.images.upkeep.sweeper import Sweeper
from image_service.images.variants import Variants
from image_service.ingest.fetch import Fetcher, Resolver
from image_service.ingest.fetch_policy import USER_AGENT, FetchPolicy
from image_service.ingest.shares import Shares
from image_service.ingest.sources import Ingest, UploadResources
from image_service.jobs import upkeep
from image_service.pixels.picture import readable
from image_service.pixels.pool.kept import KeptPixels, kept_pixels_in
from image_service.pixels.pool.pool import PixelPool
from image_service.settings import Settings
from image_service.storage.base import Storage
from image_service.storage.places import staging_in
from image_service.storage.staging import Staging
from image_service.stores.rate_limit import RateLimit

HEAVIER = 4  # times `max_image_bytes`, a variant's limit: a palette or a JPEG grows as PNG


def blobs_of(
    settings: Settings,
    database: Database,
    storage: Storage,
    kept: KeptPixels | None = None,
    queue: RenderQueue | None = None,
) -> Blobs:
    """Use one instance per process: everything that stores originals shares its reserved keys."""
    return Blobs(database, storage, settings.sizes, kept, queue)


def database_of(settings: Settings, stack: AsyncExitStack) -> Database:
    """Closed at the end of `stack`, as all that the functions with a `stack` return."""
    if settings.database_url is None:
        raise ValueError("an application needs a DATABASE_URL; `serve` brings its own PostgreSQL")
    database = Database(
        settings.database_url, settings.database_connections // settings.workers, settings.database_seconds
    )
    stack.push_async_callback(database.close)
    return database


async def pixels_of(
    settings: Settings, stack: AsyncExitStack, kept: KeptPixels | None, command: Sequence[str]
) -> PixelPool:
    if kept is not None:
        stack.callback(kept.close)
    seconds = settings.check_seconds, settings.draw_seconds
    pool = PixelPool(settings.pixel_processes, settings.limits, *seconds, command, kept)
    return await stack.enter_async_context(pool)


def uploads_of(
    settings: Settings, stack: AsyncExitStack, staging: Staging, pixels: PixelPool, resolver: Resolver | None
) -> UploadResources:
    fetcher = Fetcher(fetch_policy_of(settings), resolver)
    stack.push_async_callback(fetcher.aclose)
    shares = Shares(settings.ingest_concurrency)
    return UploadResources(staging, pixels, fetcher, settings.max_image_bytes, settings.check_wait, shares)


def variants_of(
    settings: Settings,
    stack: AsyncExitStack,
    database: Database,
    storage: Storage,
    staging: Staging,
    pixels: PixelPool,
) -> Variants:
    renderer = Renderer(
        database,
        storage,
        staging,
        pixels,
        offer=settings.offer,
        draw_wait=settings.draw_wait,
        max_bytes=settings.max_image_bytes * HEAVIER,
    )
    stack.push_async_callback(renderer.close)
    return Variants(database, storage, renderer, settings.offer)


@asynccontextmanager
async def rendering_ahead(
    settings: Settings,
    database: Database,
    storage: Storage,
    staging: Staging,
    pixels: PixelPool,
    command: Sequence[str],
) -> AsyncIterator[RenderQueue | None]:
    """The queue of images to render ahead; None if the settings ask for no such sizes."""
    if not settings.eager_sizes:
        yield None
        return
    seconds = settings.check_seconds, settings.draw_seconds
    async with PixelPool(1, settings.limits, *seconds, command, yields=True) as own:
        ahead = Ahead(
            database,
            storage,
            staging,
            queue=(queue := RenderQueue()),
            pixels=pixels,
            own=own,
            offer=replace(settings.offer, sizes=settings.eager_sizes),
            formats=settings.eager_formats,
            effort=settings.eager_effort,
            max_bytes=settings.max_image_bytes * HEAVIER,
        )
        async with ahead.running():
            yield queue


def library_of(settings: Settings, database: Database, blobs: Blobs) -> Library:
    return Library(database, blobs, settings.max_images_per_product)


def gallery_sync_of(
    settings: Settings, database: Database, storage: Storage, blobs: Blobs, ingest: Ingest
) -> GallerySync:
    formats = settings.input_formats or readable()
    return GallerySync(
        Resources(database, storage, blobs, ingest, formats),
        delivery_base=settings.delivery_base,
        images_per_product=settings.max_images_per_product,
        seconds=settings.sync_seconds,
    )


def kept_pixels_of(settings: Settings) -> KeptPixels | None:
    """One cache for a replica's workers, which share the data directory."""
    data = sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:12]
    folder = settings.kept_pixels_dir / f"image-service-{os.geteuid()}-{data}"
    return kept_pixels_in(folder, settings.kept_pixels)


def sweeper_of(settings: Settings, database: Database, storage: Storage, kept: KeptPixels | None = None) -> Sweeper:
    library = library_of(settings, database, blobs_of(settings, database, storage, kept))
    staging = staging_in(settings.data_dir)
    return Sweeper(
        database,
        storage,
        staging,
        library,
        settings.sizes,
        settings.orphan_ttl,
        settings.audit_interval,
        forget_jobs=upkeep.forget,
    )


def fetch_policy_of(settings: Settings) -> FetchPolicy:
    return FetchPolicy(
        max_bytes=settings.max_image_bytes,
        total_seconds=settings.fetch_seconds,
        max_redirects=settings.fetch_redirects,
        user_agent=settings.fetch_user_agent or USER_AGENT,
        concurrency=settings.fetch_concurrency,
        allow_private=settings.fetch_allow_private,
        allow_networks=settings.fetch_allow_networks,
    )


def rate_limit_of(settings: Settings, database: Database) -> RateLimit | None:
    if settings.rate_limit_bucket is None or settings.rate_limit_per_second is None:
        return None
    return RateLimit(database, settings.rate_limit_bucket, settings.rate_limit_per_second)
