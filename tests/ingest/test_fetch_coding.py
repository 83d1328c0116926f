"""Bodies that came compressed, or are only labelled so: the bytes decide, and what comes out is bounded."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

from image_service.ingest.fetch import FetchReason
from tests.ingest.fetching import PICTURE, failure, fetch, policy
from tests.ingest.server import ScriptedServer, answer

JPEG = b"\xff\xd8\xff\xe0" + PICTURE
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: "


def deflated(data: bytes) -> bytes:
    """Without zlib's frame, as some servers understand `deflate`."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def halves(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(JPEG[:500]) + compress(JPEG[500:])


COMPRESSED = {
    "gzip": gzip.compress(JPEG),
    "x-gzip": gzip.compress(JPEG),
    "GZIP": gzip.compress(JPEG) + b"\0" * 512,  # padded, as a tape is
    " gzip ": halves(gzip.compress),  # two files, one behind the other, are one (RFC 1952, 2.2)
    "deflate": zlib.compress(JPEG),
    "Deflate": deflated(JPEG),
    "br": brotli.compress(JPEG),
    "gzip, br": brotli.compress(gzip.compress(JPEG)),
    "gzip, gzip": gzip.compress(JPEG),  # labelled twice
    "aws-chunked,gzip": gzip.compress(JPEG),
    "identity, gzip": gzip.compress(JPEG)[:-8],  # without its own end
}


# fmt: off
LABELS = [
    "base64", "aws-chunked", "utf-8", "UTF-8", "none", "binary", "identity", "image/jpeg", "null", "", "zstd", ",",
    "gzip", "x-gzip", "deflate", "br", "gzip, deflate, base64",
]
# fmt: on


@pytest.mark.parametrize(("coding", "body"), COMPRESSED.items())
async def test_what_came_compressed_is_inflated(server: ScriptedServer, coding: str, body: bytes) -> None:
    server.pages["/"] = answer(200, body, Content_Encoding=coding)
    assert (await fetch(server.url("/"), policy(server)))[2] == JPEG


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_byte_by_byte(server: ScriptedServer, coding: str) -> None:
    body = {"gzip": halves(gzip.compress), "deflate": deflated(JPEG), "br": brotli.compress(JPEG)}[coding]
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    server.pages["/"] = CHUNKED + coding.encode() + b"\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert (await fetch(server.url("/"), policy(server)))[2] == JPEG


@pytest.mark.parametrize("coding", LABELS)
async def test_what_is_only_labelled_is_taken_as_it_is(server: ScriptedServer, coding: str) -> None:
    server.pages["/"] = answer(200, JPEG, Content_Encoding=coding)
    assert (await fetch(server.url("/"), policy(server)))[2] == JPEG


@pytest.mark.parametrize(
    "picture", [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x1cftypavif", b"GIF8"]
)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_every_kind_of_picture_is_known(server: ScriptedServer, picture: bytes, coding: str) -> None:
    server.pages["/"] = answer(200, picture, Content_Encoding=coding)
    assert (await fetch(server.url("/"), policy(server)))[2] == picture


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(JPEG)[:-8] + bytes(8)),  # a wrong checksum
        ("gzip", gzip.compress(JPEG)[:10] + b"\xff" * 100),
        ("gzip", gzip.compress(b"") * 1001),
        ("deflate", PICTURE),
        ("br", PICTURE),
        ("gzip, gzip, gzip", JPEG),  # nobody means that
    ],
)
async def test_damaged(server: ScriptedServer, coding: str, body: bytes) -> None:
    server.pages["/"] = answer(200, body, Content_Encoding=coding)
    damaged = (FetchReason.ENCODED_BODY, "was compressed, and is damaged")
    assert await failure(server.url("/"), policy(server)) == damaged


async def test_the_limit_is_that_of_the_picture(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, gzip.compress(JPEG), Content_Encoding="gzip")
    assert (await fetch(server.url("/"), policy(server, max_bytes=len(JPEG))))[2] == JPEG
    too_heavy = await failure(server.url("/"), policy(server, max_bytes=len(JPEG) - 1))
    assert too_heavy[0] is FetchReason.TOO_HEAVY


ZEROS = 100_000_000
BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda zeros: gzip.compress(zeros, 1),
    "deflate": lambda zeros: zlib.compress(zeros, 1),
    "br": lambda zeros: brotli.compress(zeros, quality=1),
    "gzip, gzip": lambda zeros: gzip.compress(gzip.compress(zeros, 1)),
    "br, gzip": lambda zeros: gzip.compress(brotli.compress(zeros, quality=1)),
    # Large in its middle, nothing in the end.
    "gzip, br": lambda zeros: brotli.compress(gzip.compress(b"", 1) + zeros, quality=1),
}


@pytest.mark.parametrize("coding", BOMBS)
async def test_a_bomb_is_not_held_in_memory(server: ScriptedServer, coding: str) -> None:
    server.pages["/"] = answer(200, BOMBS[coding](bytes(ZEROS)), Content_Encoding=coding)
    tracemalloc.start()
    try:
        refused = await failure(server.url("/"), policy(server, max_bytes=2_000_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused == (FetchReason.TOO_HEAVY, "is too large")
    assert peak < 20_000_000  # what the test itself keeps of 2 MB, and buffers
