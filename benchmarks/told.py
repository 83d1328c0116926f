"""A webhook's receiver, as a program of its own: takes any number of requests on a connection, answers 204 to each.

`python -m benchmarks.told PORT`. `GET /` answers how many requests and connections there were so far.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop


class Told(asyncio.Protocol):
    requests = connections = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._counts = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            text = f"{Told.requests} {Told.connections}".encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            return
        Told.requests += 1
        Told.connections += self._counts
        self._counts = False
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Told, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
