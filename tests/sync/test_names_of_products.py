"""Rows that name a product by its id, and rows that name it by its key, make one list: a second list would remove what
the first has added.
"""

import json
import unicodedata
from typing import Any

import pytest

from tests.sync.test_shell import Merchant, host, merchant, names, server

__all__ = ["host", "merchant", "server"]


def keyed(merchant: Merchant) -> str:
    """The key of the product."""
    key = f"SKU-{merchant.product}/ñ"
    with merchant.server.client() as client:
        client.put(f"/products/{merchant.product}", json={"key": key}).raise_for_status()
    return key


def test_a_key_in_two_forms_of_unicode(merchant: Merchant) -> None:
    key = keyed(merchant)
    composed, apart = (unicodedata.normalize(form, key) for form in ("NFC", "NFD"))
    assert composed != apart
    rows = (f"{composed},HOST/red.png", f"{apart},HOST/blue.png", f"{composed},HOST/gold.png")
    file = merchant.write("product_key,src", *rows)
    for outcomes in ({"added": 3}, {"unchanged": 3}):
        found = merchant.sync(file, "--concurrency", "1")
        assert (found["products"], found["outcomes"], found["status"]) == (1, outcomes, 0)
    assert names(merchant) == ["red", "blue", "gold"]


def test_a_number_in_several_spellings(merchant: Merchant) -> None:
    number = merchant.product
    spelled = (f"{number}", f"00{number}", f" {number} ", f"{number}.0")
    colors = ("red", "blue", "green", "gold")
    rows = (f"{each},HOST/{color}.png" for each, color in zip(spelled, colors, strict=True))
    found = merchant.sync(merchant.write("product_id,src", *rows), "--concurrency", "1")
    assert (found["products"], found["outcomes"]) == (1, {"added": 4})
    assert names(merchant) == list(colors)


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_an_id_in_some_rows_and_the_key_in_others(merchant: Merchant, kind: str) -> None:
    key, unknown = keyed(merchant), f"new-{merchant.product}"
    if kind == "csv":
        rows = ["product_id,product_key,src", f",{key},HOST/red.png", f"P,{key},HOST/blue.png"]
        rows += [f",{unknown},HOST/red.png", f",{key},HOST/gold.png", "P,,HOST/green.png"]
    else:
        who: list[dict[str, Any]] = [{"product_key": key}, {"product_id": merchant.product}, {"product_key": unknown}]
        who += [{"product_key": key}, {"product_id": str(merchant.product)}]
        told = zip(who, ("red", "blue", "red", "gold", "green"), strict=True)
        rows = [json.dumps({**each, "src": f"{merchant.host}/{color}.png"}) for each, color in told]
    file = merchant.write(*rows, name=f"lists.{kind}")
    plan = merchant.sync(file, "--dry-run")
    assert (plan["products"], plan["outcomes"]) == (2, {"fetch": 5})
    for outcomes in ({"added": 5}, {"unchanged": 5}):
        found = merchant.sync(file)
        assert (found["products"], found["outcomes"], found["status"]) == (2, outcomes, 0)
    assert names(merchant) == ["red", "blue", "gold", "green"]


def test_positions_and_faults_count_for_all_rows_of_the_product(merchant: Merchant) -> None:
    key = keyed(merchant)
    rows = (f",{key},HOST/red.png,3", "P,,HOST/blue.png,2", f",{key},HOST/gold.png,1", "P,,HOST/green.png,")
    file = merchant.write("product_id,product_key,src,position", *rows)
    assert merchant.sync(file)["outcomes"] == {"added": 4}
    assert names(merchant) == ["gold", "blue", "red", "green"]
    done = merchant.run(str(merchant.write("product_id,product_key,src", f",{key},HOST/red.png", "P,,")), "--yes")
    assert (done.status, done.out) == (1, "1 products; 1 not done: no images.\n")
    assert f"product {merchant.product}: row 3: names no image" in done.err
    assert names(merchant) == ["gold", "blue", "red", "green"]
