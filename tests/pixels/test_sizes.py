import pytest

from image_service.pixels.picture import Format
from image_service.pixels.sizes import DEFAULT_SIZES, Offer, Size

OFFER, FULL = Offer(), Size(0, 0)


def test_a_size_prints_as_its_own_name() -> None:
    assert str(Size(640, 0)) == "640-0"
    assert [str(size) for size in DEFAULT_SIZES] == [
        "50-0", "100-0", "240-0", "320-0", "480-0", "640-0", "1024-1024", "1920-0", "0-0",
    ]  # fmt: skip
    assert all(Size.parse(str(size)) == size for size in DEFAULT_SIZES)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "640",
        "640-",
        "-640",
        "0640-0",
        "640-00",
        "+1-0",
        "1_0-0",
        "640-0 ",
        "640-0\n",
        "٦-0",
        "100000-0",
        "1.5-0",
    ],
)
def test_any_other_way_to_write_a_size_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        Size.parse(name)


@pytest.mark.parametrize(
    ("name", "picture", "rendered"),
    [
        ("640-0", (2000, 1500), (640, 480)),
        ("640-0", (1500, 2000), (640, 853)),
        ("640-0", (640, 480), (640, 480)),
        ("640-0", (300, 200), (300, 200)),
        ("0-100", (2000, 1500), (133, 100)),
        ("1024-1024", (2000, 1500), (1024, 768)),
        ("1024-1024", (1500, 2000), (768, 1024)),
        ("1024-1024", (1000, 5000), (205, 1024)),
        ("1024-1024", (2048, 2048), (1024, 1024)),
        ("0-0", (7000, 7000), (7000, 7000)),
        ("50-0", (16384, 1), (50, 1)),
        ("1024-1024", (1, 16384), (1, 1024)),
        ("1024-1024", (3, 16384), (1, 1024)),
    ],
)
def test_fit(name: str, picture: tuple[int, int], rendered: tuple[int, int]) -> None:
    assert Size.parse(name).fit(*picture) == rendered


def test_nothing_is_enlarged_or_leaves_its_box() -> None:
    for size in DEFAULT_SIZES:
        for width in (1, 2, 49, 50, 51, 999, 1023, 1025, 16384):
            for height in (1, 3, 50, 1024, 3000):
                w, h = size.fit(width, height)
                assert 1 <= w <= min(width, size.width or width)
                assert 1 <= h <= min(height, size.height or height)


def test_the_own_format_comes_first_and_is_always_there() -> None:
    assert OFFER.formats(Format.JPG, 1, (640, 480), FULL) == (Format.JPG, Format.WEBP, Format.AVIF)
    assert OFFER.formats(Format.GIF, 12, (640, 480), FULL) == (Format.GIF, Format.WEBP)
    assert OFFER.formats(Format.PNG, 1, (16_384, 10), FULL) == (Format.PNG, Format.AVIF)
    assert OFFER.formats(Format.JPG, 1, (7_000, 7_000), FULL) == (Format.JPG, Format.WEBP)
    assert OFFER.formats(Format.GIF, 2, (16_384, 10), FULL) == (Format.GIF,)


def test_what_few_clients_know_is_there_for_all_others_too() -> None:
    assert OFFER.formats(Format.WEBP, 1, (640, 480), FULL) == (Format.WEBP, Format.AVIF, Format.JPG)
    assert OFFER.formats(Format.WEBP, 1, (7_000, 7_000), FULL) == (Format.WEBP, Format.JPG)
    assert OFFER.formats(Format.AVIF, 1, (640, 480), FULL) == (Format.AVIF, Format.WEBP, Format.JPG)
    assert OFFER.formats(Format.AVIF, 1, (16_384, 10), FULL) == (Format.AVIF, Format.JPG)
    assert OFFER.formats(Format.WEBP, 9, (640, 480), FULL) == (Format.WEBP, Format.GIF)


def test_an_animation_that_would_take_too_long_as_gif_is_a_still_instead() -> None:
    quick, slow = Offer(draw_seconds=600), Offer(draw_seconds=10)
    full = (1000, 1000)  # 60 frames: 33 seconds at the worst as GIF, 21 as WebP
    assert quick.formats(Format.WEBP, 60, full, FULL) == (Format.WEBP, Format.GIF)
    assert slow.formats(Format.WEBP, 60, full, FULL) == (Format.WEBP, Format.JPG)
    assert slow.formats(Format.WEBP, 60, full, Size(100, 0)) == (Format.WEBP, Format.GIF)
    assert slow.formats(Format.GIF, 60, full, FULL) == (Format.GIF,)
    assert slow.formats(Format.GIF, 60, full, Size(100, 0)) == (Format.GIF, Format.WEBP)
