"""Between a service and its PostgreSQL: a line that breaks, hangs, or loses the one answer that matters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from sqlalchemy import make_url

SECONDS = 1.0  # for `DATABASE_SECONDS`, in tests
BOUND = 10.0  # seconds within which a call must be answered then: one statement, and the ends of two connections

SOCKET = ".s.PGSQL.5432"
ASKS_FOR_TLS = (80877103).to_bytes(4, "big")
COMMIT = b"Q\0\0\0\x0cCOMMIT;\0"  # a simple query, as asyncpg sends it (PostgreSQL's manual, 54.7)


_SAID = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of crash of another server process\0\0"
LAST_WORDS = b"E" + (4 + len(_SAID)).to_bytes(4, "big") + _SAID  # of every connection, when one of its processes died


class Line(Enum):
    WORKS = auto()
    SILENT = auto()  # connections are there, and nothing passes either way
    CUT = auto()  # those that were there are ended, new ones refused


class Commit(Enum):
    """What becomes of the next COMMIT. Its connection is ended after all but the last."""

    LOST = auto()  # it never arrives
    UNSAID = auto()  # it is done, and the answer does not come back
    SWALLOWED = auto()  # the same, but the connection stays, and says nothing more


class Messages:
    """What a client sends after its first message, cut into messages (PostgreSQL's manual, 54.7)."""

    def __init__(self) -> None:
        self._rest = b""

    def kinds(self, data: bytes) -> bytes:
        """A letter for each that `data` ends."""
        found = bytearray()
        self._rest += data
        while len(self._rest) > 4 and len(self._rest) > (length := int.from_bytes(self._rest[1:5], "big")):
            found.append(self._rest[0])
            self._rest = self._rest[1 + length :]
        return bytes(found)


class Proxy:
    """Listens on TCP; `url` leads to the same database as the one given, whose server listens on a unix socket."""

    def __init__(self, database_url: str) -> None:
        self._database = make_url(database_url)
        self._server = Path(str(self._database.query["host"])) / SOCKET
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: dict[asyncio.StreamWriter, asyncio.Event] = {}  # set: the server says nothing more to it
        self._tasks: set[asyncio.Task[None]] = set()
        self._works = asyncio.Event()
        self._works.set()
        self._cut = False
        self.trips = 0  # what waited for an answer of the server's: a Sync, or a simple query
        self.next_commit: Commit | None = None
        self.caught = asyncio.Event()  # that COMMIT came
        self.port = 0

    @property
    def url(self) -> str:
        url = self._database.set(host="127.0.0.1", port=self.port, query={})
        return url.render_as_string(hide_password=False)

    def set(self, line: Line) -> None:
        self._cut = line is Line.CUT
        if self._cut:
            for writer in self._writers:
                writer.transport.abort()
        if line is Line.SILENT:
            self._works.clear()
        else:
            self._works.set()

    def say_last_words(self) -> None:
        """To all who are connected. The end of the connection itself does not come."""
        for writer, is_mute in self._clients.items():
            is_mute.set()
            writer.write(LAST_WORDS)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        ours = {writer, server_writer}
        self._writers |= ours
        swallowing = self._clients[writer] = asyncio.Event()
        back = asyncio.create_task(self._back(server_reader, writer, swallowing))
        try:
            with suppress(ConnectionError):
                await self._forth(reader, server_reader, server_writer, back, swallowing)
        finally:
            back.cancel()
            self._writers -= ours
            del self._clients[writer]
            for each in ours:
                each.transport.abort()

    async def _forth(
        self,
        reader: asyncio.StreamReader,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
        back: asyncio.Task[None],
        swallowing: asyncio.Event,
    ) -> None:
        await self._pass_start(reader, server_writer)
        messages = Messages()
        while data := await reader.read(65536):
            await self._works.wait()
            self.trips += sum(kind in b"SQ" for kind in messages.kinds(data))
            if self.next_commit is None or COMMIT not in data:
                server_writer.write(data)
                continue
            fate, self.next_commit = self.next_commit, None
            self.caught.set()
            if fate is Commit.SWALLOWED:
                swallowing.set()
                server_writer.write(data)
                continue
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            if fate is Commit.UNSAID:
                server_writer.write(data)
                assert await server_reader.read(1)  # it is done
            return

    async def _pass_start(self, reader: asyncio.StreamReader, server_writer: asyncio.StreamWriter) -> None:
        """Until the first message whose kind is said: it is asked for TLS, maybe, and then begun."""
        told = ASKS_FOR_TLS
        with suppress(asyncio.IncompleteReadError):
            while told == ASKS_FOR_TLS:
                length = await reader.readexactly(4)
                told = await reader.readexactly(int.from_bytes(length, "big") - 4)
                await self._works.wait()
                server_writer.write(length + told)

    async def _back(
        self, server_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallowing: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while data := await server_reader.read(65536):
                await self._works.wait()
                if not swallowing.is_set():
                    writer.write(data)
            writer.close()


@asynccontextmanager
async def proxied(database_url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(database_url)
    async with await asyncio.start_server(proxy.accept, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            await proxy.close()
