"""JSON, pages and scripts are compressed for whoever takes that; pictures and answers that hold a secret never are."""

import gzip
import json
from collections.abc import AsyncGenerator

import brotli
import httpx
import pytest
import zstandard
from starlette.types import Receive, Scope, Send
from starlette_compress import CompressMiddleware

from image_service.web.answers import StreamedResponse
from image_service.web.middleware.compress import LEAST_BYTES
from image_service.web.middleware.head import Head
from tests.api.pictures import ROCKET, uploaded, url_of
from tests.conftest import API, PHOTOS

DECODED = {"zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body), "br": brotli.decompress,
           "gzip": gzip.decompress}  # fmt: skip
LIST = "/products/1234/images?fields=all"


async def raw(client: httpx.AsyncClient, url: str, accepted: str | None) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it was sent."""
    headers = {"Accept-Encoding": accepted} if accepted is not None else {}
    request = client.build_request("GET", url, headers=headers)
    if accepted is None:
        del request.headers["Accept-Encoding"]
    answer = await client.send(request, stream=True)
    body = b"".join([chunk async for chunk in answer.aiter_raw()])
    await answer.aclose()
    return answer, body


@pytest.mark.parametrize("coding", DECODED)
async def test_a_list(client: httpx.AsyncClient, coding: str) -> None:
    await uploaded(client, ROCKET)
    plain, expected = await raw(client, LIST, None)
    assert "content-encoding" not in plain.headers
    answer, body = await raw(client, LIST, f"identity;q=0.5, {coding}")
    assert answer.headers["content-encoding"] == coding
    assert "Accept-Encoding" in answer.headers["vary"].split(", ")
    assert answer.headers["etag"] == plain.headers["etag"]
    assert int(answer.headers["content-length"]) == len(body) < len(expected) / 3
    assert json.loads(DECODED[coding](body)) == json.loads(expected)
    refused, _ = await raw(client, LIST, f"{coding};q=0")
    assert "content-encoding" not in refused.headers


@pytest.mark.parametrize("path", [LIST, "/images?fields=all", "/openapi.json", "/admin/products/1234/images.json"])
@pytest.mark.parametrize("coding", [*DECODED, "identity"])
async def test_head_has_the_headers_of_the_compressed_body(client: httpx.AsyncClient, path: str, coding: str) -> None:
    for _ in range(4):
        await uploaded(client, ROCKET)
    headers = {"Accept-Encoding": coding}
    shown, head = await client.get(path, headers=headers), await client.head(path, headers=headers)
    for answer in (shown, head):
        answer.headers.pop("x-request-id", None)
    assert (head.headers, head.content) == (shown.headers, b"")
    assert shown.headers.get("content-encoding", "identity") == coding


@pytest.mark.parametrize("coding", [*DECODED, "identity"])
async def test_head_of_a_streamed_list_reads_no_more_than_its_first_chunk(coding: str) -> None:
    read = 0

    async def chunks() -> AsyncGenerator[bytes, None]:
        nonlocal read
        for _ in range(5):
            read += 1
            yield bytes(2 * LEAST_BYTES)

    async def streamed(scope: Scope, receive: Receive, send: Send) -> None:
        body = chunks()
        await StreamedResponse(body, body.aclose, 200, {"Content-Type": "application/json"})(scope, receive, send)

    transport = httpx.ASGITransport(Head(CompressMiddleware(streamed)))
    async with httpx.AsyncClient(transport=transport, base_url=API, headers={"Accept-Encoding": coding}) as client:
        head = await client.head("/")
        assert read <= 1
        shown = await client.get("/")
    assert (head.content, head.headers) == (b"", shown.headers)
    assert len(shown.content) == 10 * LEAST_BYTES


@pytest.mark.parametrize("page", ["/docs", "/openapi.json", "/gallery", "/docs/static/code.js"])
async def test_what_anybody_may_ask_for_is_compressed_once(anyone: httpx.AsyncClient, page: str) -> None:
    _, expected = await raw(anyone, page, None)
    for coding in ("br", "gzip"):
        answer, body = await raw(anyone, page, coding)
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == (coding, "Accept-Encoding")
        assert DECODED[coding](body) == expected
        assert len(body) < len(expected) * 0.6
        assert (await raw(anyone, page, coding))[1] == body


@pytest.mark.parametrize("weight", ["q=0", "q=0.0", "q=0.00", " Q=0.000 "])
async def test_a_refused_coding_is_not_sent(anyone: httpx.AsyncClient, weight: str) -> None:
    answer, _ = await raw(anyone, "/docs", f"br;{weight}")
    assert "content-encoding" not in answer.headers
    answer, _ = await raw(anyone, "/docs", f"br;{weight}, gzip;q=0.001")
    assert answer.headers["content-encoding"] == "gzip"


async def test_pictures_are_not(client: httpx.AsyncClient) -> None:
    image = await uploaded(client, ROCKET)
    for url in (url_of(image), f"/images/{image['id']}/original"):
        answer, _ = await raw(client, url, "zstd, br, gzip")
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


async def test_nor_are_the_answers_of_tickets_which_hold_a_secret_beside_what_was_sent(
    client: httpx.AsyncClient,
) -> None:
    takes_all = {"Accept-Encoding": "zstd, br, gzip"}
    made = await client.post("/uploads", json={"product_id": 1}, headers=takes_all)
    url = made.json()["url"]
    file = {"file": (ROCKET, (PHOTOS / ROCKET).read_bytes())}
    sent = await client.post(f"{url}&fields=all", files=file, headers=takes_all)
    assert (made.status_code, sent.status_code) == (201, 201)
    assert len(sent.content) > LEAST_BYTES
    for answer in (made, sent):
        assert "content-encoding" not in answer.headers
