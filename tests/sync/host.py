"""Someone's shop with pictures, which says by `ETag` what has changed, and remembers what it was asked for."""

import asyncio
import hashlib
from dataclasses import dataclass, field

from tests.ingest.server import ScriptedServer, answer


@dataclass
class Shop:
    """`pictures` by path; those in `down` are answered with a status; `tags`: it knows conditional requests."""

    server: ScriptedServer
    tags: bool = True
    pictures: dict[str, bytes] = field(default_factory=dict)
    down: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)  # paths of whole pictures
    asked: list[str] = field(default_factory=list)  # paths

    def has(self, path: str, picture: bytes) -> str:
        """Returns its URL."""
        self.pictures[path] = picture
        self.server.pages[path] = self._send
        return self.server.url(path)

    def forget(self) -> None:
        self.sent.clear()
        self.asked.clear()

    async def _send(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = self.server.asked[-1]
        path = asked.target
        self.asked.append(path)
        if path in self.down:
            writer.write(answer(self.down[path]))
            return
        picture = self.pictures[path]
        tag = f'"{hashlib.sha256(picture).hexdigest()[:16]}"'
        if self.tags and asked.headers.get("if-none-match") == tag:
            writer.write(answer(304, ETag=tag))
            return
        self.sent.append(path)
        writer.write(answer(200, picture, **({"ETag": tag} if self.tags else {})))
