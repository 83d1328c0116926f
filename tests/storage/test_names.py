"""Names in the blob store: one spelling each, there and back."""

import unicodedata

import pytest

from image_service.storage.names import MAX_STORE_ID, VariantName, new_key, original_name, slugify

KEY = "0123456789abcdef0123456789abcdef"


def test_a_key_is_new_every_time() -> None:
    keys = {new_key() for _ in range(1_000)}
    assert len(keys) == 1_000
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)


def test_an_original_lies_below_the_start_of_its_key() -> None:
    assert original_name(KEY) == f"private/01/{KEY}"


@pytest.mark.parametrize(
    ("store_id", "groups"),
    [
        (1, "000/001"),
        (1234, "001/234"),
        (999_999, "999/999"),
        (1_234_567, "001/234/567"),
        (100_000_000, "100/000/000"),
        (MAX_STORE_ID, "009/223/372/036/854/775/807"),
    ],
)
def test_a_variant_prints_as_its_path(store_id: int, groups: str) -> None:
    name = VariantName(store_id, "red-shoe", KEY, "640-0", "jpg")
    assert str(name) == f"stores/{groups}/products/red-shoe-{KEY}-640-0.jpg"
    assert name.blob == f"public/{name}"
    assert VariantName.parse(str(name)) == name


@pytest.mark.parametrize("slug", ["a", "x-640-0", f"x-{KEY}-640-0", KEY, "0", "a--b", "9" * 80])
@pytest.mark.parametrize("size", ["0-0", "640-0", "1024-1024"])
def test_a_slug_that_looks_like_more_is_still_the_slug(slug: str, size: str) -> None:
    name = VariantName(7, slug, KEY, size, "webp")
    assert VariantName.parse(str(name)) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        f"/stores/001/234/products/a-{KEY}-640-0.jpg",
        f"public/stores/001/234/products/a-{KEY}-640-0.jpg",
        f"stores/001/234/products/a-{KEY}-640-0.jpg\n",
        f"stores/001/234/products/a-{KEY}-640-0.jpg/",
        f"stores/001//234/products/a-{KEY}-640-0.jpg",
        f"stores/1/234/products/a-{KEY}-640-0.jpg",
        f"stores/001/products/a-{KEY}-640-0.jpg",
        f"stores/000/000/products/a-{KEY}-640-0.jpg",
        f"stores/000/001/234/products/a-{KEY}-640-0.jpg",
        f"stores/009/223/372/036/854/775/808/products/a-{KEY}-640-0.jpg",
        f"stores/١٢٣/٤٥٦/products/a-{KEY}-640-0.jpg",
        f"stores/001/234/products/{KEY}-640-0.jpg",
        f"stores/001/234/products/-{KEY}-640-0.jpg",
        f"stores/001/234/products/-a-{KEY}-640-0.jpg",
        f"stores/001/234/products/a--{KEY}-640-0.jpg",
        f"stores/001/234/products/A-{KEY}-640-0.jpg",
        f"stores/001/234/products/ä-{KEY}-640-0.jpg",
        f"stores/001/234/products/{'a' * 81}-{KEY}-640-0.jpg",
        f"stores/001/234/products/../a-{KEY}-640-0.jpg",
        f"stores/001/234/products/a-{KEY.upper()}-640-0.jpg",
        f"stores/001/234/products/a-{KEY[:-1]}-640-0.jpg",
        f"stores/001/234/products/a-{KEY}-640.jpg",
        f"stores/001/234/products/a-{KEY}-0640-0.jpg",
        f"stores/001/234/products/a-{KEY}-640-00.jpg",
        f"stores/001/234/products/a-{KEY}-640--0.jpg",
        f"stores/001/234/products/a-{KEY}-٦٤٠-0.jpg",
        f"stores/001/234/products/a-{KEY}-640-0.JPG",
        f"stores/001/234/products/a-{KEY}-640-0.jp2",
        f"stores/001/234/products/a-{KEY}-640-0.",
        f"stores/001/234/products/a-{KEY}-640-0.jpg.jpg",
    ],
)
def test_nothing_else_is_a_variant(path: str) -> None:
    assert VariantName.parse(path) is None


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("photo.jpg", "photo"),
        ("Red Shoe (2).JPG", "red-shoe-2"),
        ("Crème brûlée.png", "creme-brulee"),
        ("STRAẞE.gif", "strasse"),
        ("ﬁne ①.jpeg", "fine-1"),
        ("archive.tar.gz", "archive-tar"),
        ("no extension", "no-extension"),
        ("--a__b--.jpg", "a-b"),
        ("Ñandú azul.jpg", "nandu-azul"),
        (unicodedata.normalize("NFD", "Ñandú, Ảnh, сырой, 사진, が.jpg"), "nandu-anh-syroy-sajin-ga"),  # a Mac's
        ("Rød Sko.jpg", "rod-sko"),
        ("фото товара 1.jpg", "foto-tovara-1"),
        ("Большой объём.jpg", "bolshoy-obem"),  # soft and hard signs part no word
        ("Φωτογραφία προϊόντος.png", "fotografia-proiontos"),
        ("Ảnh sản phẩm đỏ.jpg", "anh-san-pham-do"),
        ("深圳 2.jpg", "shenzhen-2"),
        ("わが家.jpg", "wagajia"),
        ("사진.jpg", "sajin"),
        ("l’été — 100 €.jpg", "l-ete-100-eur"),
        ("👑.jpg", "crown"),
        ("\ud800\0.jpg", "image"),
        (".jpg", "image"),
        ("", "image"),
        ("a" * 200 + ".jpg", "a" * 80),
        ("a" * 79 + " b.jpg", "a" * 79),
        (f"x-{KEY}-640-0.jpg", f"x-{KEY}-640-0"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert slugify(name) == slug
    assert VariantName.parse(str(VariantName(1, slug, KEY, "0-0", "png"))) is not None
