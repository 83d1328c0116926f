"""HEIC through the HTTP face of a service that takes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.pictures import decoded, uploaded, url_of
from tests.conftest import StartService
from tests.pixels.heics import file
from tests.processes import command
from tests.shop import form, path

ALL = "gif jpg png webp avif heic"
QUADRANTS = file("quadrants")


@pytest.fixture(scope="module")
async def heic_client(start_service: StartService) -> AsyncIterator[httpx.AsyncClient]:
    async with start_service(input_formats=ALL) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            yield client


async def test_it_stays_what_it_is_and_is_shown_as_jpeg(heic_client: httpx.AsyncClient) -> None:
    image = await uploaded(heic_client, "IMG_0001.HEIC", QUADRANTS)
    assert (image["format"], image["width"], image["height"], image["bytes"]) == ("heic", 120, 80, len(QUADRANTS))
    assert image["src"].endswith("-640-0.jpg")
    for size in ("50-0", "640-0", "0-0"):
        assert [each["format"] for each in image["variants"] if each["size"] == size] == ["jpg", "webp", "avif"]
    original = await heic_client.get(f"/images/{image['id']}/original")
    assert (original.headers["Content-Type"], original.content) == ("image/heic", QUADRANTS)
    shown = await heic_client.get(path(image["src"]))
    assert (shown.headers["Content-Type"], decoded(shown).size) == ("image/jpeg", (120, 80))
    for format in ("jpg", "webp", "avif"):
        assert decoded(await heic_client.get(url_of(image, "50-0", format))).size == (50, 33)
    negotiated = await heic_client.get(url_of(image, "100-0", "jpg"), headers={"Accept": "image/webp"})
    assert (negotiated.headers["Content-Type"], negotiated.headers["Vary"]) == ("image/webp", "Accept")
    assert (await heic_client.get(url_of(image, "50-0", "jpg").replace(".jpg", ".heic"))).status_code == 404


async def test_it_can_be_copied_and_found(heic_client: httpx.AsyncClient) -> None:
    image = await uploaded(heic_client, "IMG_0002.HEIC", QUADRANTS)
    copy = await heic_client.post("/products/2/images?fields=all", json={"src": image["src"]})
    assert (copy.status_code, copy.json()["format"]) == (201, "heic")
    found = await heic_client.get("/products/2/images", params={"src": copy.json()["src"]})
    assert [each["id"] for each in found.json()] == [copy.json()["id"]]


async def test_the_other_dialect(heic_client: httpx.AsyncClient) -> None:
    answer = await heic_client.post("/v2/images.json", files=form(QUADRANTS, "IMG_0003.HEIC"))
    assert answer.status_code == 200


async def test_what_is_wrong_with_one_is_said(heic_client: httpx.AsyncClient) -> None:
    for data, reason in ((QUADRANTS[:-50], "is cut short"), (QUADRANTS.replace(b"ispe", b"spei"), "is damaged")):
        answer = await heic_client.post("/products/1/images", files=form(data, "IMG_0004.HEIC"))
        assert (answer.status_code, answer.json()) == (422, {"file": [reason]})


def test_doctor_tells(tmp_path: Path) -> None:
    done = command(tmp_path, "doctor", "--json", PORT="1")
    [found] = [each for each in done.json["findings"] if each["check"] == "heic"]
    assert (found["level"], found["found"]) == ("ok", "can be taken: libheif 1.23.4")
