"""Products by the merchant's own keys, and their names."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from image_service.images.library import UNCHANGED
from image_service.images.products import naming
from image_service.images.products.naming import Described
from image_service.own.products import described
from image_service.own.products.schemas import ProductByKeyInput, ProductInput, shown
from image_service.web import etags
from image_service.web.access.callers import Writer
from image_service.web.bodies import uploads
from image_service.web.bodies.validated import validated
from image_service.web.idempotency import idempotent, key_of
from image_service.web.numbers import ProductId
from image_service.web.openapi.routes import Router
from image_service.web.parts import PartsOf

router = Router(tags=["Products"])


@router.put("/products/{product_id}", **described.PUT_PRODUCT)
async def put_product(request: Request, product_id: ProductId, caller: Writer, parts: PartsOf) -> Response:
    """Name a product: `key` is your own id for it, `name` is for people. It need not have images. A product without key
    and name is nothing but its images.
    """
    expected = etags.expected_versions(request)
    asked = validated(ProductInput, (await uploads.read_fields(request)).fields)
    said = asked.model_fields_set
    product = await naming.describe(
        parts.database,
        caller.store_id,
        product_id,
        key=asked.key if "key" in said else UNCHANGED,
        name=asked.name if "name" in said else UNCHANGED,
        expected=expected,
    )
    return JSONResponse(shown(product, caller.language), headers={"ETag": etags.etag(request, product.revision)})


@router.post("/products", **described.FIND_OR_MAKE_PRODUCT)
async def find_or_make_product(request: Request, caller: Writer, parts: PartsOf) -> Response:
    """For systems without numbers for their products: answers the number of the product with this key; use it in all
    other paths. A new product gets a number above 2^52, which JavaScript represents exactly. Requests at the same time
    get the same product.
    """
    idempotency_key = key_of(request)
    body = await uploads.read_fields(request)
    asked = validated(ProductByKeyInput, body.fields)

    def show(found: tuple[Described, bool]) -> Response:
        product, is_new = found
        headers = {
            "ETag": etags.etag(request, product.revision),
            "Location": f"{parts.api_base}/products/{product.id}",
        }
        return JSONResponse(shown(product, caller.language), 201 if is_new else 200, headers)

    async with idempotent(request, parts, caller.store_id, idempotency_key, body.fields, body, show) as run:
        if run.answered is not None:
            return run.answered
        found = await naming.find_or_make(parts.database, caller.store_id, asked.key, name=asked.name, once=run.once)
    return show(found)
