"""Bodies that never change while the service runs, compressed once in each coding."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Mapping

import brotli
from starlette.requests import Request
from starlette.responses import Response

from image_service.web import etags
from image_service.web.answers import accepted_in

LEAST_BYTES = 500  # smaller bodies are not compressed
# In order of preference. Brotli's level 11 takes 20 times as long as 9 and saves a tenth.
CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=9),
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}


class Prepared:
    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        """`headers`: other than type, length, `ETag`, and those about the coding."""
        self._media_type = media_type
        self._bodies = {"identity": body}
        self._is_text = not media_type.startswith("image/") or media_type == "image/svg+xml"
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
            **({"Vary": "Accept-Encoding"} if self._is_text else {}),
            **headers,
        }
        self._compressing = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """200 or 304."""
        if etags.is_current(request, self._headers["ETag"]):
            return Response(status_code=304, headers=self._headers)
        coding = self._coding(request)
        headers = self._headers if coding == "identity" else {**self._headers, "Content-Encoding": coding}
        return Response(await self._in(coding), media_type=self._media_type, headers=headers)

    def _coding(self, request: Request) -> str:
        if self._is_text and len(self._bodies["identity"]) >= LEAST_BYTES:
            accepted = accepted_in(",".join(request.headers.getlist("accept-encoding")))
            for coding in CODINGS:
                if coding in accepted:
                    return coding
        return "identity"

    async def _in(self, coding: str) -> bytes:
        if (body := self._bodies.get(coding)) is not None:
            return body
        async with self._compressing:
            if coding not in self._bodies:
                self._bodies[coding] = await asyncio.to_thread(CODINGS[coding], self._bodies["identity"])
        return self._bodies[coding]
