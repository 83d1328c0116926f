"""The header that reports a store's calls to Shopify's clients."""

from collections.abc import Mapping

from image_service.stores.rate_limit import Standing
from image_service.web.dialect import RateHeaders
from image_service.web.openapi.components import shared

CALL_LIMIT = "X-Shopify-Shop-Api-Call-Limit"
PLATFORM_BUCKET = 40  # the platform's own, shown where no limit is set

DESCRIBED = {
    CALL_LIMIT: shared(
        "ShopifyCallLimit",
        {
            "description": f"Calls in the store's bucket, and its size; `1/{PLATFORM_BUCKET}` if no limit is set. An "
            "answer that is counted for no store, such as a 401, says one call.",
            "schema": {"type": "string", "pattern": "^[0-9]+/[0-9]+$", "examples": [f"1/{PLATFORM_BUCKET}"]},
        },
    )
}


def _called(standing: Standing) -> Mapping[str, str]:
    return {CALL_LIMIT: f"{standing.limit - standing.remaining}/{standing.limit}"}


def rates(bucket: int | None) -> RateHeaders:
    """`bucket`: calls that a store's bucket holds; None: no limit is set. Clients read the header from every answer."""
    return RateHeaders(_called, DESCRIBED, {CALL_LIMIT: f"1/{bucket or PLATFORM_BUCKET}"})
