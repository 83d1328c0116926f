"""What a picture is called, and its URL, however the client or the host writes the name."""

from typing import Any

import httpx
import pytest

from tests.ingest.server import ScriptedServer, answer
from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"
NAME = "Ñandú azul.png"
SENT = {
    "browsers, curl, requests": f'form-data; name="file"; filename="{NAME}"'.encode(),
    ".NET": b"form-data; name=file; filename=\"=?utf-8?B?w5FhbmTDuiBhenVsLnBuZw==?=\"; filename*=utf-8''"
    b"%C3%91and%C3%BA%20azul.png",
    "old requests": b"form-data; name=\"file\"; filename*=utf-8''%C3%91and%C3%BA%20azul.png",
    "aiohttp": b'form-data; name="file"; filename="%C3%91and%C3%BA%20azul.png"',
    "old Java": b'form-data; name="file"; filename="\xd1and\xfa azul.png"',
    "Windows": 'form-data; name="file"; filename="C:\\Fotos\\Ñandú azul.png"'.encode(),
}


async def post(client: httpx.AsyncClient, url: str, disposition: bytes) -> Any:
    head = b"--BB\r\nContent-Disposition: " + disposition + b"\r\nContent-Type: image/png\r\n\r\n"
    body = head + png() + b"\r\n--BB--\r\n"
    made = await client.post(url, content=body, headers={"Content-Type": "multipart/form-data; boundary=BB"})
    assert made.is_success, made.text
    return made.json()


@pytest.mark.parametrize("disposition", SENT.values(), ids=SENT.keys())
async def test_a_name_in_a_form(client: httpx.AsyncClient, disposition: bytes) -> None:
    made = await post(client, f"{IMAGES}?fields=filename,src", disposition)
    assert made["filename"] == NAME
    assert "/nandu-azul-" in made["src"]
    orphan = await post(client, "/v2/images.json", disposition)
    image = (await client.get(f"/images/{orphan['id']}?fields=filename")).json()
    assert image == {"filename": NAME}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("می\u200cخواهم.png", "می\u200cخواهم.png"),
        ("👨\u200d👩\u200d👧.png", "👨\u200d👩\u200d👧.png"),
        ("\u200da\u202e\u200b\x07b.png\u200c", "ab.png"),
        ("\u200d \u200c \u200d", "image.png"),
        (" \u200c ", "image.png"),
    ],
)
async def test_joiners_are_kept_within_a_name(client: httpx.AsyncClient, sent: str, kept: str) -> None:
    made = await post(client, f"{IMAGES}?fields=filename", f'form-data; name="file"; filename="{sent}"'.encode())
    assert made == {"filename": kept}


@pytest.mark.parametrize(
    ("path", "disposition", "filename"),
    [
        ("/uc?export=download&id=1AbC", b"attachment; filename*=UTF-8''%C3%91and%C3%BA%20azul.png", NAME),
        ("/uc?export=download", b"attachment; filename=\"x.png\"; filename*=UTF-8''%C3%91and%C3%BA%20azul.png", NAME),
        ("/download", b"inline;filename=\xd1and\xfa azul.png", NAME),
        ("/download", b'attachment; filename="../../etc/Foto.png"', "Foto.png"),
        ("/a/%C3%91and%C3%BA%20azul.png?w=1", b"inline", NAME),
        ("/a/%D1and%FA%20azul.png", b"", NAME),
    ],
)
async def test_a_name_of_a_host(
    client: httpx.AsyncClient, server: ScriptedServer, path: str, disposition: bytes, filename: str
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Disposition: " + disposition + b"\r\nConnection: close\r\n\r\n"
    server.pages[path] = head + png()
    made = await client.post(f"{IMAGES}?fields=filename", json={"src": server.url(path)})
    assert (made.status_code, made.json()) == (201, {"filename": filename})


async def test_a_name_that_the_client_gives_wins(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/download"] = answer(200, png(), Content_Disposition='attachment; filename="a.png"')
    given = {"src": server.url("/download"), "filename": "b.png"}
    assert (await client.post(f"{IMAGES}?fields=filename", json=given)).json() == {"filename": "b.png"}
