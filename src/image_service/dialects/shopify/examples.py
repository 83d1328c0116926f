"""Our own examples of Shopify's bodies."""

from typing import Any

_SRC = "https://images.example.com/stores/001/234/products/{}-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.{}"


def _image(id_: int, name: str, ext: str, position: int, *variant_ids: int, alt: str | None = None) -> dict[str, Any]:
    return {
        "id": id_,
        "alt": alt,
        "position": position,
        "product_id": 1234,
        "created_at": "2026-01-09T19:36:42+00:00",
        "updated_at": "2026-01-09T19:36:42+00:00",
        "admin_graphql_api_id": f"gid://shopify/ProductImage/{id_}",
        "width": 1200,
        "height": 800,
        "src": _SRC.format(name, ext),
        "variant_ids": list(variant_ids),
    }


FRONT = _image(101, "front", "jpg", 1, alt="The front of a red shoe")
SIDE = _image(112, "side", "png", 2, 808950810)
MOVED = {**SIDE, "position": 1, "updated_at": "2026-01-10T08:00:00+00:00"}

DOT = "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="

CREATE = {
    # First, because forms offer the first example: it works without any other host.
    "attachment": {
        "summary": "In base64",
        "value": {"image": {"filename": "dot.gif", "position": 1, "attachment": DOT}},
    },
    "url": {"summary": "From a URL", "value": {"image": {"src": "http://example.com/front.jpg"}}},
    "variants": {
        "summary": "Of a variant",
        "value": {"image": {"src": "http://example.com/front.jpg", "variant_ids": [808950810]}},
    },
}
UPDATE = {
    "move": {"summary": "Move it to the front", "value": {"image": {"position": 1}}},
    "alt": {"summary": "Describe it", "value": {"image": {"alt": "The side of a red shoe"}}},
    "variants": {"summary": "Give it variants", "value": {"image": {"variant_ids": [808950810]}}},
    "replace": {"summary": "Replace its bytes", "value": {"image": {"src": "http://example.com/side.jpg"}}},
}
