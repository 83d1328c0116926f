"""A cache of served pictures: the headers of each answer, and the bytes of recently requested ones.

Each lookup checks that the blob store still has the same blob, so a picture that another worker or replica removes is
gone here at once.
"""

from typing import NamedTuple

from cachetools import LRUCache
from prometheus_client import Counter

from image_service.delivery.asked import Asked, Key
from image_service.delivery.find import Served
from image_service.errors import RangeNotSatisfiable
from image_service.storage.base import BlobPart, ByteRange, Storage
from image_service.telemetry import metrics

MAX_ANSWERS = 8192  # cached headers; about 16 MB
MAX_BYTES = 1024 * 1024  # of a picture that is read in one blocking call: 0.1 ms
CACHE_BYTES = 32 * 1024 * 1024  # of pictures in memory
MAX_CACHED_BYTES = 256 * 1024  # of each

Headers = list[tuple[bytes, bytes]]


class Hit(NamedTuple):
    """A whole answer, without `X-Request-Id`."""

    status: int
    headers: Headers
    body: bytes | bytearray
    counters: tuple[Counter, ...]  # incremented besides those of all answers


class PictureCache:
    def __init__(self) -> None:
        self._answers: LRUCache[Key, Served] = LRUCache(MAX_ANSWERS)
        self._bytes: LRUCache[str, BlobPart] = LRUCache(CACHE_BYTES, lambda whole: whole.size)  # by blob
        self._counters: dict[tuple[str, bool], tuple[Counter, ...]] = {}

    def keep(self, key: Key, served: Served) -> None:
        self._answers[key] = served

    def find(self, asked: Asked, storage: Storage) -> Hit | None:
        """None if the answer is not cached, or its blob is gone, has changed, cannot be read without waiting, or ends
        before the range.
        """
        served = self._answers.get(asked.key)
        if served is None or asked.condition not in ("", served.etag):
            return None
        hit = self._unchanged(served, storage) if asked.condition else self._read(served, asked.range, storage)
        if hit is None and storage.etag_nowait(served.blob) != served.etag:
            del self._answers[asked.key]
        return hit

    def _unchanged(self, served: Served, storage: Storage) -> Hit | None:
        if storage.etag_nowait(served.blob) != served.etag:
            return None
        return Hit(304, list(served.headers), b"", self._counters_of(served))

    def _read(self, served: Served, byte_range: ByteRange | None, storage: Storage) -> Hit | None:
        found = self._found(served, byte_range, storage)
        if found is None:
            return None
        headers = [
            *served.headers,
            (b"accept-ranges", b"bytes"),
            (b"content-type", served.format.media_type.encode()),
            (b"content-length", b"%d" % len(found.data)),
        ]
        if byte_range is None:
            return Hit(200, headers, found.data, self._counters_of(served))
        stop = found.start + len(found.data)
        headers.append((b"content-range", b"bytes %d-%d/%d" % (found.start, stop - 1, found.size)))
        return Hit(206, headers, found.data, self._counters_of(served))

    def _counters_of(self, served: Served) -> tuple[Counter, ...]:
        kind = served.format, served.negotiated
        if (counters := self._counters.get(kind)) is None:
            counters = (metrics.SERVED.labels(served.format),)
            if served.negotiated:
                counters += (metrics.NEGOTIATED.labels(served.format),)
            self._counters[kind] = counters
        return counters

    def _found(self, served: Served, byte_range: ByteRange | None, storage: Storage) -> BlobPart | None:
        whole = self._bytes.get(served.blob)
        if whole is None or whole.etag != served.etag:
            whole = storage.read_nowait(served.blob, MAX_BYTES if byte_range is None else MAX_CACHED_BYTES)
            if whole is None and byte_range is not None:  # too large to cache: read only the range
                part = storage.read_nowait(served.blob, MAX_BYTES, byte_range)
                return part if part is not None and part.etag == served.etag else None
            if whole is None or whole.etag != served.etag:
                return None
            if whole.size <= MAX_CACHED_BYTES:
                self._bytes[served.blob] = whole._replace(data=bytes(whole.data))
        elif storage.etag_nowait(served.blob) != served.etag:
            del self._bytes[served.blob]
            return None
        if byte_range is None:
            return whole
        try:
            start, stop = byte_range.within(whole.size)
        except RangeNotSatisfiable:
            return None
        return BlobPart(whole.data[start:stop], start, whole.size, whole.etag)
