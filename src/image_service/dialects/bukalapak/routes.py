"""Bukalapak's image API, to the letter of its document: three routes under `/v2`."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.bukalapak import described
from image_service.images import queries
from image_service.images.idempotency import Once
from image_service.images.queries import Image
from image_service.web import offered
from image_service.web.access.callers import Reader, Writer
from image_service.web.numbers import ImageId
from image_service.web.offered import JustAPicture, Offer
from image_service.web.openapi.routes import Router
from image_service.web.parts import PartsOf

router = Router(prefix="/v2", tags=["Bukalapak"])


@router.post("/images.json", **described.CREATE)
async def create(request: Request, caller: Writer, parts: PartsOf) -> Response:
    """Upload a picture as the form's `file`. It belongs to no product until it is assigned to one:
    send its id as `image_id` to `POST /products/{product_id}/images`.

    `curl -u 1:TOKEN HOST/v2/images.json -F file=@product-image.png -X POST`
    """

    async def make(_: JustAPicture, offer: Offer, once: Once[Image] | None) -> Image:
        return await parts.library.add(caller.store_id, await offer.upload(), once=once)

    return await offered.created(request, parts, caller.store_id, lambda _: JustAPicture(), make, _created)


def _created(image: Image) -> Response:
    return JSONResponse({"status": "OK", "id": str(image.id), "message": None})


@router.get("/images/status/{id}.json", **described.STATUS)
async def status(id: ImageId, caller: Reader, parts: PartsOf) -> Response:
    """Check whether an image has been assigned to a product or not."""
    image = await queries.image(parts.database, caller.store_id, id)
    if image.product_id is None:
        return JSONResponse({"status": "OK", "id": id, "message": "Orphaned"})
    return JSONResponse({"status": "ERROR", "user_id": id, "message": "Assigned"})


@router.delete("/images/{id}.json", **described.DELETE)
async def delete(id: ImageId, caller: Writer, parts: PartsOf) -> Response:
    """Delete an image, assigned or unassigned; on a product the images after it close up."""
    await parts.library.remove(caller.store_id, id)
    return JSONResponse({"status": "OK", "id": id, "message": "Image deleted"})
