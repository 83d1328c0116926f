"""An httpx transport over the checked connection: one request per connection, HTTP/1.1.

There is no pool: fetches share nothing, not even an open connection. The transport ignores proxies and the
environment.
"""

import ssl
from collections.abc import AsyncIterator

import anyio
import httpcore
import httpx

from image_service.ingest.fetch_connect import PinningBackend, Resolver
from image_service.ingest.fetch_policy import FetchPolicy


class PinnedTransport(httpx.AsyncBaseTransport):
    """Raises httpcore's errors, and `FetchFailed` if the policy forbids the request."""

    def __init__(self, policy: FetchPolicy, resolver: Resolver, ssl_context: ssl.SSLContext) -> None:
        self._policy = policy
        self._resolver = resolver
        self._ssl_context = ssl_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        backend = PinningBackend(self._policy, self._resolver)
        connection = httpcore.AsyncHTTPConnection(url.origin, ssl_context=self._ssl_context, network_backend=backend)
        try:
            response = await connection.handle_async_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except BaseException:
            # httpcore leaves the socket open when it is cancelled in the middle of a TLS handshake.
            if backend.opened is not None:
                with anyio.CancelScope(shield=True):
                    await backend.opened.aclose()
            raise
        if backend.opened is not None:
            backend.opened.in_head = False
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response, connection))


class _Body(httpx.AsyncByteStream):
    """The body as it was sent; closing it closes the connection."""

    def __init__(self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection) -> None:
        self._response = response
        self._connection = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._response.aiter_stream())

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):  # closing must not be cancelled
            await self._response.aclose()
            await self._connection.aclose()
