"""Which format a plain URL is sent in: what the client names and does not refuse, the smallest first."""

import io

import httpx
import pytest
from PIL import Image

from tests.api.pictures import CUP, ROCKET, decoded, uploaded, url_of
from tests.conftest import StartService
from tests.shop import png

BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("image/*,*/*;q=0.8", "image/jpeg"),
        ("image/png", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/avif", "image/avif"),
        (BROWSER, "image/avif"),
        ("image/webp, image/avif", "image/avif"),
        ("image/webp;q=1.0, image/avif;q=0.1", "image/avif"),
        ("IMAGE/WebP ; q=0.5", "image/webp"),
        ("image/avif;q=0, image/webp", "image/webp"),
        ("image/avif; q=0.000, image/webp;Q=0.0", "image/jpeg"),
        ("image/avif;q=0.00, image/webp;v=1;q=0.", "image/jpeg"),
        ("image/avif;q=0.001", "image/avif"),
        ("image/avif-sequence, image/webpx", "image/jpeg"),
        (",;,=", "image/jpeg"),
    ],
)
async def test_the_best_that_is_named(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, accept: str | None, media_type: str
) -> None:
    url = url_of(await uploaded(client, "square.jpg", _jpeg()), "50-0")
    answer = await anyone.get(url, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.headers["Vary"] == "Accept"
    assert f"image/{(decoded(answer).format or '').lower()}" == media_type


async def test_it_is_the_variant_of_that_format(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    image = await uploaded(client, CUP)
    plain = await anyone.get(url_of(image), headers={"Accept": BROWSER})
    avif = await anyone.get(url_of(image, format="avif"))
    assert (plain.content, plain.headers["ETag"]) == (avif.content, avif.headers["ETag"])


async def test_accept_may_come_in_several_lines(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    url = url_of(await uploaded(client, "small.png", png()))
    answer = await anyone.get(url, headers=[("Accept", "text/html"), ("Accept", "image/webp")])
    assert answer.headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("format", ["webp", "avif"])
async def test_who_names_a_format_gets_it(client: httpx.AsyncClient, anyone: httpx.AsyncClient, format: str) -> None:
    url = url_of(await uploaded(client, "small.png", png()), format=format)
    answer = await anyone.get(url, headers={"Accept": "image/avif, image/webp;q=0"})
    assert answer.headers["Content-Type"] == f"image/{format}"
    assert "Vary" not in answer.headers


async def test_another_images_format_is_no_alias(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    url = url_of(await uploaded(client, "small.png", png()), "0-0")
    alias = url.replace(".png", ".jpg")
    for _ in range(2):  # before the WebP of it is there, and after
        for accept in (BROWSER, "*/*"):
            assert (await anyone.get(alias, headers={"Accept": accept})).status_code == 404
        assert (await anyone.get(url, headers={"Accept": BROWSER})).status_code == 200


async def test_it_can_be_switched_off(start_service: StartService) -> None:
    async with start_service(negotiate_formats=False) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await uploaded(client, ROCKET)
            answer = await client.get(url_of(image), headers={"Accept": BROWSER})
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert "Vary" not in answer.headers
            webp = await client.get(url_of(image, format="webp"))
            assert webp.headers["Content-Type"] == "image/webp"


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "JPEG")
    return buffer.getvalue()
