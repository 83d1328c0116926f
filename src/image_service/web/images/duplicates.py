"""The query's `on_duplicate` of every create on a product."""

from typing import Annotated, Any

from fastapi import Query

from image_service.errors import ImageNotFound, InvalidField
from image_service.images.galleries import Expected
from image_service.images.idempotency import Once
from image_service.images.products.duplicates import OnDuplicate, Reused, unless_there
from image_service.images.queries import Image, image
from image_service.images.upload import Upload
from image_service.web.parts import Parts

OnDuplicateAsked = Annotated[
    OnDuplicate,
    Query(
        description="Where the product has this very picture (the same bytes): `add` it once more, `reuse` the image "
        "that is there, which is then the answer (200), or `refuse` (409, `Problem: duplicate`). With the "
        "last two `Prefer: respond-async` is passed over.",
    ),
]


def status_of(image: Image) -> int:
    """Of a create's answer."""
    return 200 if isinstance(image, Reused) else 201


async def added(
    parts: Parts,
    store_id: int,
    upload: Upload,
    on_duplicate: OnDuplicate,
    *,
    product_id: int | None = None,
    expected: Expected = None,
    once: Once[Image] | None = None,
    **more: Any,
) -> Image:
    """`Library.add`, if the product lacks the picture."""

    async def make(unique: bool) -> Image:
        return await parts.library.add(
            store_id, upload, product_id=product_id, expected=expected, once=once, unique=unique, **more
        )

    return await unless_there(
        parts.database, store_id, product_id, upload.picture.sha256, on_duplicate, make, expected=expected, once=once
    )


async def assigned(
    parts: Parts,
    store_id: int,
    image_id: int,
    product_id: int,
    on_duplicate: OnDuplicate,
    *,
    expected: Expected = None,
    once: Once[Image] | None = None,
    **more: Any,
) -> Image:
    """`Library.assign`; if the product has the picture, the orphan stays one."""

    async def make(unique: bool) -> Image:
        return await parts.library.assign(
            store_id, image_id, product_id, expected=expected, once=once, unique=unique, **more
        )

    if on_duplicate is OnDuplicate.ADD:
        return await make(False)
    try:
        orphan = await image(parts.database, store_id, image_id)
    except ImageNotFound:
        raise InvalidField("image_id", "does not exist") from None
    if orphan.product_id is not None:
        return await make(False)  # which refuses it
    return await unless_there(
        parts.database, store_id, product_id, orphan.sha256, on_duplicate, make, expected=expected, once=once
    )
