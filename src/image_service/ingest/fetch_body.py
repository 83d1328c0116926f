"""The response's body: checks that the response holds a picture; counts and inflates its bytes, in fair turns."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import anyio.lowlevel
import httpcore
import httpx

from image_service.ingest.fetch_again import retry_after
from image_service.ingest.fetch_coding import ContentDecoder, TooLarge, Undecodable
from image_service.ingest.fetch_policy import FetchFailed, FetchReason

Write = Callable[[bytes], Awaitable[None]]

WRITE_BYTES = 256 * 1024  # per call of `write`, which is likely to switch to a thread

# Of chunked bodies: 10 MB in chunks of 160 bytes. A chunk of any size costs some 10 us of the event loop,
# so a body in single-byte chunks would be a cheap way to block the service.
MAX_PARTS = 65_536
PARTS_AT_A_TIME = 64  # parsed from one network read before yielding to other tasks

TAKEN = (200, 203)  # 203: a proxy has changed something. 206 if its range is the whole
_WHOLE = re.compile(r"bytes 0-([0-9]{1,18})/([0-9]{1,18})")


async def receive(
    response: httpx.Response, write: Write, max_bytes: int, memory: AbstractAsyncContextManager[Any]
) -> int:
    """Passes the picture's bytes to `write`; returns how many. Enters `memory` if inflating needs much memory.

    Raises `FetchFailed`, and the exceptions of `write`.
    """
    whole = require_picture(response)
    if int(response.headers.get("Content-Length", 0)) > max_bytes:  # h11 ensures digits
        raise too_heavy(max_bytes)
    try:
        decoder = ContentDecoder(response.headers.get("Content-Encoding", ""), max_bytes)
        async with memory if decoder.needs_memory else nullcontext():
            return await _Body(response, write, max_bytes).receive(decoder, whole)
    except Undecodable as error:
        raise FetchFailed(FetchReason.ENCODED_BODY, str(error), "was compressed, and is damaged") from None
    except TooLarge:
        raise too_heavy(max_bytes) from None


def require_picture(response: httpx.Response) -> int | None:
    """The length that a whole 206 must have. Raises `FetchFailed` for a response without a picture."""
    if response.status_code in TAKEN:
        return None
    if response.status_code == 206:
        range_ = _WHOLE.fullmatch(response.headers.get("Content-Range", "").strip())
        if range_ and int(range_[1]) + 1 == int(range_[2]):
            return int(range_[2])
    status = str(response.status_code)
    raise FetchFailed(
        FetchReason.BAD_STATUS,
        status,
        f"answered {status}",
        status=response.status_code,
        retry_after=retry_after(response),
    )


def too_heavy(max_bytes: int) -> FetchFailed:
    return FetchFailed(FetchReason.TOO_HEAVY, f"over {max_bytes} bytes", "is too large")


class _Body:
    def __init__(self, response: httpx.Response, write: Write, max_bytes: int) -> None:
        self._response = response
        self._write = write
        self._max_bytes = max_bytes
        self._size = 0
        self._waiting = bytearray()

    async def receive(self, decoder: ContentDecoder, whole: int | None) -> int:
        sent = 0
        async for part in self._parts():
            sent += len(part)
            if sent > self._max_bytes:
                raise too_heavy(self._max_bytes)
            for number, piece in enumerate(decoder.feed(part)):
                if number:  # a high compression ratio: yield
                    await anyio.lowlevel.checkpoint()
                await self._take(piece)
        for piece in decoder.finish():
            await self._take(piece)
        if whole not in (None, sent):
            raise FetchFailed(FetchReason.CUT_OFF, f"{sent} of {whole} bytes", "broke off before its end")
        if self._size == 0:
            raise FetchFailed(FetchReason.EMPTY, public="answered with nothing")
        await self._flush()
        return self._size

    async def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            raise too_heavy(self._max_bytes)
        self._waiting += piece
        if len(self._waiting) >= WRITE_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, bytearray()
            await self._write(bytes(waiting))

    async def _parts(self) -> AsyncIterator[bytes]:
        """The parts as sent. Translates only network errors, not those of `write`."""
        count = 0
        try:
            async for part in self._response.aiter_raw():
                yield part
                count += 1
                if count > MAX_PARTS:
                    raise FetchFailed(FetchReason.FRAGMENTED, public="was sent in too small pieces")
                if count % PARTS_AT_A_TIME == 0:
                    await anyio.lowlevel.checkpoint()
        except httpcore.TimeoutException as error:
            raise FetchFailed(FetchReason.TOO_SLOW, type(error).__name__, "was sent too slowly") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed(FetchReason.CUT_OFF, repr(error), "broke off before its end") from None
