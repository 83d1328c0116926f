"""What a merchant's script does with Shopify's own client; only the host is another. A test runs it as a program.

python -m tests.shopify.script URL TOKEN URL_OF_A_PICTURE FILE
python -m tests.shopify.script URL TOKEN, where a store has two calls
"""

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import shopify
from pyactiveresource.connection import ClientError, ResourceNotFound, UnauthorizedAccess

PRODUCT = 632910392
VARIANTS = [808950810, 49148385]


def session(url: str, token: str, version: str = "2026-01") -> None:
    """What `activate_session` does, which knows hosts under one domain alone."""
    shopify.ShopifyResource.site = f"{url}/admin/api/{version}"
    shopify.ShopifyResource.headers["X-Shopify-Access-Token"] = token


def new(**attributes: Any) -> Any:
    return shopify.Image({"product_id": PRODUCT, **attributes})


def ids() -> list[int]:
    return [image.id for image in shopify.Image.find(product_id=PRODUCT)]


def creates(picture: str, file: bytes) -> tuple[Any, Any]:
    fetched = new(src=picture, alt="The front")
    assert fetched.save(), fetched.errors.full_messages()
    assert fetched.src != picture
    assert (fetched.position, fetched.alt, fetched.variant_ids) == (1, "The front", [])

    sent = new(position=1)
    sent.attach_image(file, "side.png")
    assert sent.save(), sent.errors.full_messages()
    assert "/side-" in sent.src
    assert ids() == [sent.id, fetched.id]
    assert httpx.get(sent.src).status_code == 200
    return fetched, sent


def reads(fetched: Any, sent: Any) -> None:
    assert shopify.Image.count(product_id=PRODUCT) == 2
    assert shopify.Image.find(sent.id, product_id=PRODUCT).src == sent.src
    [only] = shopify.Image.find(product_id=PRODUCT, since_id=fetched.id, fields="id")
    assert only.to_dict() == {"id": sent.id}
    product = shopify.Product.find(PRODUCT)
    assert [image.id for image in product.images] == [sent.id, fetched.id]
    assert (product.image.id, product.variants) == (sent.id, [])
    assert [each.id for each in shopify.Product.find()] == [PRODUCT]


def pages(sent: Any, fetched: Any) -> None:
    first = shopify.Image.find(product_id=PRODUCT, limit=1)
    assert (first.has_next_page(), first.has_previous_page()) == (True, False)
    second = first.next_page()
    assert [image.id for image in second] == [fetched.id]
    assert (second.has_next_page(), second.has_previous_page()) == (False, True)
    assert [image.id for image in second.previous_page()] == [sent.id]
    everything = shopify.PaginatedIterator(shopify.Image.find(product_id=PRODUCT, limit=1))
    assert [[image.id for image in page] for page in everything] == [[sent.id], [fetched.id]]


def changes(fetched: Any, sent: Any, file: bytes) -> None:
    """A save sends all that the object holds, also what was attached when it was made."""
    src = sent.src
    sent.alt = "The side"
    sent.variant_ids = VARIANTS
    assert sent.save()
    assert (sent.alt, sent.variant_ids, sent.src) == ("The side", VARIANTS, src)
    fetched.reload()
    fetched.position, fetched.variant_ids = 1, VARIANTS[:1]
    assert fetched.save()
    assert ids() == [fetched.id, sent.id]
    [image] = [each for each in shopify.Product.find(PRODUCT).images if each.id == sent.id]
    assert (image.variant_ids, image.position) == (VARIANTS[1:], 2)
    image.attach_image(file + b"\0trailing")  # what trails a picture is cut off: it is the same one
    assert image.save()
    assert image.src == src
    image.src = fetched.src  # a copy of another one's picture
    del image.attributes["attachment"]
    assert image.save()
    assert image.src not in (src, fetched.src)
    assert (image.variant_ids, image.id) == (VARIANTS[1:], sent.id)


def sizes(image: Any) -> None:
    """The client derives the URLs itself."""
    for name in ("pico", "icon", "thumb", "small", "compact", "medium", "large", "grande", "original"):
        answer = httpx.get(getattr(image, name), follow_redirects=True)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.url


def refused(url: str, token: str, picture: str) -> None:
    image = new(src=f"{picture}.gone")
    assert not image.save()
    assert image.errors.full_messages() == ["The URL answered 404"]
    image = new(attachment="no picture")
    assert not image.save()
    assert image.errors.full_messages() == ["The attachment is not base64"]
    assert not new().save()
    image = new(src=picture, position=0)
    assert not image.save()
    assert image.errors.full_messages() == ["position must be greater than or equal to 1"]
    with pytest.raises(ResourceNotFound) as unknown:
        shopify.Image.find(2**62, product_id=PRODUCT)
    assert unknown.value.response.body == b'{"errors":"Not Found"}'
    session(url, "shpat_00000000000000000000000000000000")
    with pytest.raises(UnauthorizedAccess):
        shopify.Image.find(product_id=PRODUCT)
    session(url, token)


def limits() -> None:
    ids()
    assert shopify.Limits.credit_left() == 39


def waits(url: str, token: str) -> None:
    """As scripts do that keep within the limit."""
    session(url, token)
    for left in (1, 0):
        assert ids() == []
        assert shopify.Limits.credit_left() == left
    assert shopify.Limits.credit_maxed()
    with pytest.raises(ClientError) as refusal:
        ids()
    response = refusal.value.response
    assert (response.code, float(response.headers["Retry-After"])) == (429, 1000.0)


def removes(*images: Any) -> None:
    for image in images:
        image.destroy()
    assert ids() == []


def works(url: str, token: str, picture: str, path: str) -> None:
    file = Path(path).read_bytes()
    session(url, token)
    fetched, sent = creates(picture, file)
    reads(fetched, sent)
    pages(sent, fetched)
    changes(fetched, sent, file)
    sizes(fetched)
    refused(url, token, picture)
    limits()
    removes(fetched, sent)
    # As private apps do: the token as a password, and no version.
    shopify.ShopifyResource.headers.pop("X-Shopify-Access-Token")
    shopify.ShopifyResource.site = f"{url}/admin".replace("://", f"://an-api-key:{token}@")
    fetched, sent = creates(picture, file)
    removes(fetched, sent)


if __name__ == "__main__":
    (works if len(sys.argv) > 3 else waits)(*sys.argv[1:])
