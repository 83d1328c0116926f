"""Copies the bytes of an image for another image."""

from image_service.images.blobs import open_original
from image_service.images.queries import Image
from image_service.ingest.sources import Intake
from image_service.pixels.picture import Picture
from image_service.storage.base import Storage
from image_service.telemetry.metrics import Source


async def copied(storage: Storage, intake: Intake, image: Image) -> Picture:
    """Copy the bytes: images never share a blob. The image's format was accepted once, so it is again."""
    received = await intake.receiver("src")
    blob = await open_original(storage, image)
    try:
        async for chunk in blob.chunks:
            await received.write(chunk)
    finally:
        await blob.aclose()
    return await intake.from_upload(received, Source.COPY, formats=[image.format])
