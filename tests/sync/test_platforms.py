"""`image-service sync --from`: the exports of shop platforms."""

import pytest

from tests.sync.test_shell import Merchant, host, merchant, names, server

__all__ = ["host", "merchant", "server"]

SHOPIFY = """Handle,Title,Image Src,Image Position,Image Alt Text,Variant SKU
KEY,A shoe,HOST/blue.png,2,Blue,1
KEY,,HOST/red.png,1,,2
KEY,,,,,3"""
WOOCOMMERCE = """ID,Type,SKU,Images
P,variable,A,"HOST/red.png, HOST/blue.png"
77777,variation,B,HOST/gold.png"""
PRESTASHOP = """Product ID;Active (0/1);Name *;Image URLs (x,y,z...);Image alt texts (x,y,z...)
P;1;Shoe;HOST/red.png,HOST/blue.png;Red,Blue"""
TIENDANUBE = """Identificador de URL;Nombre;Nombre de propiedad 1;Valor de propiedad 1;SKU;Visibilidad;Imágenes
KEY;Zapato;Talle;38;A-38;Visible;"HOST/red.png, HOST/blue.png"
;;;39;A-39;;"""


@pytest.mark.parametrize(
    ("platform", "text"),
    [("shopify", SHOPIFY), ("woocommerce", WOOCOMMERCE), ("prestashop", PRESTASHOP), ("tiendanube", TIENDANUBE)],
)
def test_exports_of_platforms(merchant: Merchant, platform: str, text: str) -> None:
    key = f"{platform}-{merchant.product}"
    text = text.replace("KEY", key).replace("P;", f"{merchant.product};")
    assert merchant.sync(merchant.write(text), "--from", platform)["outcomes"] == {"added": 2}
    with merchant.server.client() as client:
        found = client.get("/products", params={"key": key}).json()
    product = found[0]["id"] if found else merchant.product
    assert [each["filename"] for each in merchant.gallery(product)] == ["red.png", "blue.png"]
    assert merchant.gallery(77777) == []


@pytest.mark.parametrize("kind", ["bundle", "variable-subscription", "booking, virtual", "external, virtual"])
def test_a_product_of_woocommerce_may_have_the_type_of_a_plugin(merchant: Merchant, kind: str) -> None:
    variations = (f'P,"{kind}",HOST/gold.png' for kind in ("variation, virtual", "subscription_variation"))
    file = merchant.write("ID,Type,Images", f'P,"{kind}",HOST/red.png', *variations)
    assert merchant.sync(file, "--from", "woocommerce")["outcomes"] == {"added": 1}
    assert names(merchant) == ["red"]


def test_a_comma_within_a_url_of_woocommerce(merchant: Merchant) -> None:
    """`WC_CSV_Exporter::implode_values` writes it behind a backslash."""
    urls = f"{merchant.host}/red.png?fit=800\\,600, {merchant.host}/blue.png"
    file = merchant.write("ID,Type,Images", f'P,simple,"{urls}"')
    for outcomes in ({"added": 2}, {"unchanged": 2}):
        assert merchant.sync(file, "--from", "woocommerce")["outcomes"] == outcomes
    sources = [each["source_url"] for each in merchant.gallery()]
    assert sources == [f"{merchant.host}/red.png?fit=800,600", f"{merchant.host}/blue.png"]


def test_a_comma_that_may_be_part_of_a_url_keeps_the_product_as_it_is(merchant: Merchant) -> None:
    merchant.add("gold")
    file = merchant.write("Product ID;Image URLs", f"{merchant.product};HOST/red.png?fit=800,600,HOST/blue.png")
    done = merchant.run(str(file), "--from", "prestashop", "--yes")
    assert done.status == 1
    assert f"product {merchant.product}: row 2: 600 is no http:// or https:// URL: does a URL hold a comma?" in done.err
    assert names(merchant) == ["gold"]
