"""Products by the merchant's own keys in place of numbers."""

from tests.importing.test_import import Merchant, merchant, server

__all__ = ["merchant", "server"]

HEADER = "product_id,product_key,path"


def ids(merchant: Merchant, key: str) -> list[int]:
    with merchant.server.client() as client:
        found = client.get("/products", params={"key": key}).raise_for_status().json()
    return [product["id"] for product in found]


def test_products_are_found_or_made_by_their_keys(merchant: Merchant) -> None:
    key, other = f"SKU-{merchant.product}/ñ", f"=SKU {merchant.product}"
    merchant.picture(1, 2, 3, 4)
    with merchant.server.client() as client:
        client.put(f"/products/{merchant.product}", json={"key": key}).raise_for_status()
    rows = (f",{key},1.png", f",'{other},2.png", f",{key},3.png", "P,not looked at,4.png")
    merchant.write(*rows, header=HEADER)
    assert merchant.sums("--dry-run") == {"rows": 4, "added": 4}
    assert ids(merchant, other) == []  # nothing was sent
    assert merchant.sums() == {"rows": 4, "added": 4}
    assert ids(merchant, key) == [merchant.product]
    assert [image["position"] for image in merchant.gallery(merchant.product)] == [1, 2, 3]
    [made] = ids(merchant, other)
    assert made >= 2**52
    assert len(merchant.gallery(made)) == 1
    assert {line["product_id"] for line in merchant.lines()} == {str(merchant.product), str(made)}
    assert merchant.sums() == {"rows": 4, "already": 4}


def test_a_product_is_wanted(merchant: Merchant) -> None:
    merchant.picture(1)
    merchant.write(",,1.png", f",{'k' * 201},1.png", header=HEADER)
    assert merchant.sums() == {"rows": 2, "failed": 2}
    reasons = [line["reason"] for line in merchant.lines()]
    assert reasons == ["product_id must be a whole number from 1", "product_key has more than 200 characters"]
