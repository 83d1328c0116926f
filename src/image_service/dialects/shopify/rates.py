"""The header that reports a store's calls to Shopify's clients."""

from collections.abc import Mapping

from image_service.stores.rate_limit import Standing
from image_service.web.dialect import RateHeaders
from image_service.web.openapi.components import shared

CALL_LIMIT = "X-Shopify-Shop-Api-Call-Limit"


def _called(standing: Standing) -> Mapping[str, str]:
    return {CALL_LIMIT: f"{standing.limit - standing.remaining}/{standing.limit}"}


RATES = RateHeaders(
    _called,
    {
        CALL_LIMIT: shared(
            "ShopifyCallLimit",
            {
                "description": "Calls in the store's bucket, and its size. `1/40` if no limit is set.",
                "schema": {"type": "string", "pattern": "^[0-9]+/[0-9]+$", "examples": ["1/40"]},
            },
        )
    },
    {CALL_LIMIT: "1/40"},  # clients read it from every response
)
