"""What is delivered: every offered size of a photo, in every format that is listed for it."""

import asyncio
import hashlib
import io

import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from image_service.pixels.sizes import DEFAULT_SIZES
from image_service.stores.registry import NewStore
from tests.api.pictures import COFFEE, CUP, FILM, ROCKET, decoded, uploaded, url_of
from tests.conftest import DELIVERY, PHOTOS, StartService
from tests.shop import path

MEDIA_TYPES = {
    "jpg": ("JPEG", "image/jpeg"),
    "png": ("PNG", "image/png"),
    "gif": ("GIF", "image/gif"),
    "webp": ("WEBP", "image/webp"),
    "avif": ("AVIF", "image/avif"),
}
SIZES = ["50-0", "100-0", "240-0", "320-0", "480-0", "640-0", "1024-1024", "1920-0", "0-0"]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize(
    ("photo", "formats"),
    [
        (ROCKET, ["jpg", "webp", "avif"]),
        (COFFEE, ["jpg", "webp", "avif"]),
        (CUP, ["png", "webp", "avif"]),
        (FILM, ["gif", "webp"]),
    ],
)
async def test_every_variant_is_what_the_list_says(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, photo: str, formats: list[str]
) -> None:
    image = await uploaded(client, photo)
    variants = image["variants"]
    assert [(each["size"], each["format"]) for each in variants] == [
        (size, format) for size in SIZES for format in formats
    ]
    answers = await asyncio.gather(*(anyone.get(path(each["url"])) for each in variants))
    for each, answer in zip(variants, answers, strict=True):
        picture = decoded(answer)
        pillows, media_type = MEDIA_TYPES[each["format"]]
        assert (picture.format, *picture.size) == (pillows, each["width"], each["height"]), each
        assert answer.headers["Content-Type"] == media_type
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        assert not picture.getexif()
        assert not {"icc_profile", "exif", "xmp", "comment"} & set(picture.info)


async def test_sizes_are_fitted_and_never_enlarged(client: httpx.AsyncClient) -> None:
    image = await uploaded(client, ROCKET)
    assert (image["width"], image["height"]) == (640, 427)
    listed = {each["size"]: (each["width"], each["height"]) for each in image["variants"]}
    assert listed == {
        "50-0": (50, 33),
        "100-0": (100, 67),
        "240-0": (240, 160),
        "320-0": (320, 214),
        "480-0": (480, 320),
        "640-0": (640, 427),
        "1024-1024": (640, 427),
        "1920-0": (640, 427),
        "0-0": (640, 427),
    }
    assert list(listed) == [str(size) for size in DEFAULT_SIZES]


async def test_the_url_is_made_of_store_slug_key_size_and_format(client: httpx.AsyncClient, store: NewStore) -> None:
    image = await uploaded(client, "Red  Shoe (2).PNG", (PHOTOS / ROCKET).read_bytes())
    digits = f"{store.store_id:06}"
    folder = f"{DELIVERY}/stores/{digits[:3]}/{digits[3:]}/products/red-shoe-2-"
    assert image["src"].startswith(folder)
    assert image["src"].endswith("-640-0.jpg")  # by its bytes, whatever the name said


@pytest.mark.parametrize("format", ["jpg", "webp", "avif"])
async def test_a_photo_from_a_phone_is_upright(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, format: str
) -> None:
    image = await uploaded(client, COFFEE)
    assert (image["width"], image["height"]) == (300, 400)
    picture = decoded(await anyone.get(url_of(image, "0-0", format)))
    with Image.open(PHOTOS / COFFEE) as stored:
        upright = stored.transpose(Image.Transpose.ROTATE_270)
    assert picture.size == upright.size
    assert difference(picture, upright) < 6  # of 255; turned another way it is ten times that
    assert difference(picture, upright.transpose(Image.Transpose.ROTATE_180)) > 20


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
async def test_transparent_stays_transparent(client: httpx.AsyncClient, anyone: httpx.AsyncClient, format: str) -> None:
    picture = decoded(await anyone.get(url_of(await uploaded(client, CUP), "320-0", format)))
    alpha = picture.convert("RGBA").getchannel("A")
    corner, middle = alpha.getpixel((0, 0)), alpha.getpixel((alpha.width // 2, alpha.height // 2))
    assert isinstance(corner, int)
    assert isinstance(middle, int)
    assert (corner, middle >= 250) == (0, True)


@pytest.mark.parametrize("format", ["gif", "webp"])
async def test_a_film_stays_one(client: httpx.AsyncClient, anyone: httpx.AsyncClient, format: str) -> None:
    data = film([RED, GREEN, BLUE], durations=[70, 200, 500], loop=3)
    image = await uploaded(client, "film.gif", data)
    picture = decoded(await anyone.get(url_of(image, "50-0", format)))
    assert getattr(picture, "n_frames", 1) == 3
    durations, colors = [], []
    for frame in range(3):
        picture.seek(frame)
        picture.load()
        durations.append(picture.info["duration"])
        colors.append(tuple(round(band / 255) * 255 for band in ImageStat.Stat(picture.convert("RGB")).mean))
    assert durations == [70, 200, 500]
    assert colors == [RED, GREEN, BLUE]
    # A GIF counts the repeats, a WebP the plays.
    assert picture.info["loop"] == (3 if format == "gif" else 4)


async def test_a_film_has_no_avif(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    url = url_of(await uploaded(client, FILM))
    assert (await anyone.get(url.replace(".gif", ".avif"))).status_code == 404
    answer = await anyone.get(url, headers={"Accept": "image/avif, image/webp"})
    assert answer.headers["Content-Type"] == "image/gif"
    assert "Vary" not in answer.headers
    assert getattr(decoded(answer), "n_frames", 1) == 12


async def test_a_gif_of_one_frame_is_a_picture_like_any_other(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await uploaded(client, "still.gif", film([RED], durations=[0], loop=None))
    assert {each["format"] for each in image["variants"]} == {"gif", "webp", "avif"}
    assert decoded(await anyone.get(url_of(image, "0-0", "avif"))).format == "AVIF"


async def test_what_the_camera_wrote_beside_the_photo_is_left_behind(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera's maker"
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), RED).save(buffer, "JPEG", exif=exif, comment=b"where we live")
    image = await uploaded(client, "photo.jpg", buffer.getvalue())
    for each in image["variants"]:
        content = (await anyone.get(path(each["url"]))).content
        assert b"maker" not in content, each
        assert b"where we live" not in content, each
        assert b"Exif" not in content, each
    original = await client.get(f"/images/{image['id']}/original")
    assert hashlib.sha256(original.content).hexdigest() == image["sha256"]


async def test_a_format_that_cannot_hold_a_size_is_not_offered(start_service: StartService) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 17_000), BLUE).save(buffer, "PNG")
    async with start_service(max_side=20_000) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await uploaded(client, "tower.png", buffer.getvalue())
            offered: dict[str, list[str]] = {each["size"]: [] for each in image["variants"]}
            for each in image["variants"]:
                offered[each["size"]].append(each["format"])
            assert offered["0-0"] == ["png"]
            assert offered["1024-1024"] == ["png", "webp", "avif"]
            url = url_of(image, "0-0")
            for other in ("webp", "avif"):
                assert (await client.get(url.replace(".png", f".{other}"))).status_code == 404
            answer = await client.get(url, headers={"Accept": "image/avif, image/webp"})
            assert (answer.headers["Content-Type"], answer.headers["Vary"]) == ("image/png", "Accept")
            assert decoded(answer).size == (3, 17_000)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean of all pixels' distances, of 255."""
    bands = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(bands) / len(bands)


def film(colors: list[tuple[int, int, int]], *, durations: list[int], loop: int | None) -> bytes:
    frames = [Image.new("RGB", (60, 40), color) for color in colors]
    buffer = io.BytesIO()
    options = {} if loop is None else {"loop": loop}
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, **options)
    return buffer.getvalue()
