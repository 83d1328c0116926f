"""OpenAPI descriptions of Shopify's errors."""

from typing import Annotated, Any

from pydantic import BaseModel

from image_service.dialects.shopify.pages import NO_CURSOR, NO_IDS, NO_PAGES
from image_service.dialects.shopify.problems import IMAGE, LEAST_WAIT, NO_IMAGE, NO_PICTURE, WRONG_TOKEN, full
from image_service.dialects.shopify.rates import DESCRIBED
from image_service.web.images.bodies import described
from image_service.web.openapi.components import CHALLENGE, shared
from image_service.web.problem_bodies import description_of, duplicate
from image_service.web.problems import reason_of


class Sentence(BaseModel):
    """What went wrong with the request as a whole."""

    errors: str


class Invalid(BaseModel):
    """What is wrong with which field."""

    errors: Annotated[dict[str, list[str]], described("A map of a field's name to messages.")]


class Unreadable(BaseModel):
    """What the request lacks, or may not have."""

    errors: dict[str, str]


def _response(status: int, description: str, *examples: Any, model: Any = Sentence, **more: Any) -> dict[str, Any]:
    bodies = [{"errors": example} for example in examples]
    shown = (
        {"example": bodies[0]}
        if len(bodies) == 1
        else {"examples": {_title(each): {"value": body} for each, body in zip(examples, bodies, strict=True)}}
    )
    content = {"application/json": shown}
    name = f"Shopify{reason_of(status).replace(' ', '')}"
    return shared(name, {"description": description, "content": content, "headers": {}, "model": model, **more})


def _title(errors: Any) -> str:
    if isinstance(errors, str):
        return errors
    return "; ".join(f"{field}: {messages[0]}" for field, messages in errors.items())


def _plain(status: int, **more: Any) -> dict[str, Any]:
    text = description_of(status)
    return _response(status, text + ".", text, **more)


_WAIT = shared(
    "ShopifyRetryAfter",
    {
        "description": f"Seconds to wait, {LEAST_WAIT} at the least, as the decimal that the platform's clients read.",
        "schema": {"type": "string", "pattern": r"^[0-9]+\.0$", "examples": [f"{LEAST_WAIT}.0"]},
    },
)
_TOO_HEAVY = {IMAGE: ["The picture must weigh less than 10MB"]}

ERRORS: dict[int | str, dict[str, Any]] = {
    400: _response(
        400, "There is no `image` in the body, or the body cannot be read.", {IMAGE: NO_IMAGE}, model=Unreadable
    ),
    401: _response(401, "No token, or a wrong one.", WRONG_TOKEN, headers={**CHALLENGE, **DESCRIBED}),
    403: _plain(403),
    404: _response(404, "The store has no such image or product, or there is no such route.", reason_of(404)),
    408: _plain(408),
    409: _response(
        409,
        "The first request with this `Idempotency-Key` has not ended; or the product has the picture already, and "
        "`on_duplicate` refuses it.",
        description_of(409),
        {IMAGE: [duplicate(101)]},
        model=Sentence | Invalid,
    ),
    412: _plain(412),
    413: _response(
        413,
        "10 MB or more; or JSON of which, without `attachment`, there are more than 64 KiB or 2,000 values.",
        _TOO_HEAVY,
        description_of(413),
        model=Sentence | Invalid,
    ),
    415: _plain(415),
    422: _response(
        422,
        "A field cannot be used, what was sent is not a picture, or the product is full.",
        {IMAGE: [NO_PICTURE]},
        {IMAGE: ["PDF: must be a jpg, png, gif, webp or avif image"]},
        {IMAGE: ["The attachment is not base64"]},
        {IMAGE: ["The URL could not be fetched"]},
        {IMAGE: ["The URL answered 404"]},
        _TOO_HEAVY,
        {IMAGE: ["The picture is cut short"]},
        {IMAGE: ["The picture has too many pixels"]},
        {IMAGE: [full(250)]},
        {"position": ["must be greater than or equal to 1"]},
        {"variant_ids": ["must be an integer"]},
        {"Idempotency-Key": ["was used for another request"]},
        model=Invalid,
    ),
    429: _plain(429, headers={"Retry-After": _WAIT}),
    500: _plain(500),
    503: _plain(503),
    507: _plain(507),
}
_BAD_QUERY = _response(
    422,
    "A parameter of the query cannot be used.",
    {"limit": ["must be greater than or equal to 1"]},
    {"page_info": [NO_CURSOR]},
    {"ids": [NO_IDS]},
    model=Invalid,
)
_BAD_QUERY = shared("ShopifyBadQuery", _BAD_QUERY)


_PAGE_NUMBER = shared(
    "ShopifyPageNumber",
    _response(400, "There is a `page`. Follow the URLs of `Link` instead.", {"page": NO_PAGES}, model=Unreadable),
)


def errors(*statuses: int, bad_query: bool = False, paged: bool = False) -> dict[int | str, dict[str, Any]]:
    """A route's errors: `statuses`, and 401, 404, 429, 500 and 503, which every route has.
    `paged`: those of a list.
    """
    found: dict[int | str, dict[str, Any]] = {
        status: ERRORS[status] for status in sorted({401, 404, 429, 500, 503, *statuses})
    }
    return found | ({422: _BAD_QUERY} if bad_query or paged else {}) | ({400: _PAGE_NUMBER} if paged else {})
