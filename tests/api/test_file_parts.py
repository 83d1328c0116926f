"""Forms with several parts called `file`: which one is the picture."""

import httpx
import pytest

from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images?fields=filename,width"
NAMED = b'name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + png(size=(7, 5))
METADATA = b'name="file"\r\n\r\n{}'  # FilePond's, for each file
UNCHOSEN = b'name="file"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n'  # an input left empty
NAMELESS = b'name="file"\r\n\r\n' + png(size=(7, 5))


async def post(client: httpx.AsyncClient, *parts: bytes) -> httpx.Response:
    body = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--b--\r\n"
    return await client.post(IMAGES, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})


@pytest.mark.parametrize(
    "parts",
    [[METADATA, NAMED], [NAMED, METADATA], [UNCHOSEN, NAMED], [NAMED, UNCHOSEN], [NAMED, METADATA, UNCHOSEN]],
    ids=["metadata before", "metadata behind", "empty before", "empty behind", "both"],
)
async def test_the_one_with_a_name_is_the_picture(client: httpx.AsyncClient, parts: list[bytes]) -> None:
    answer = await post(client, *parts)
    assert (answer.status_code, answer.json()) == (201, {"filename": "a.png", "width": 7})


async def test_alone_it_needs_no_name(client: httpx.AsyncClient) -> None:
    answer = await post(client, NAMELESS)
    assert (answer.status_code, answer.json()) == (201, {"filename": "image.png", "width": 7})


@pytest.mark.parametrize("parts", [[NAMED, NAMED], [NAMELESS, NAMELESS], [METADATA, NAMED, NAMED]])
async def test_two_pictures_are_refused(client: httpx.AsyncClient, parts: list[bytes]) -> None:
    answer = await post(client, *parts)
    assert (answer.status_code, answer.json()) == (422, {"file": ["must be a single file"]})


async def test_with_metadata_alone_there_is_no_picture(client: httpx.AsyncClient) -> None:
    answer = await post(client, METADATA)
    assert answer.status_code == 422
    assert list(answer.json()) == ["file"]
