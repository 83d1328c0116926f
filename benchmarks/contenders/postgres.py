"""A PostgreSQL like the service's own, for those that bring none: the same binaries and settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_service.postgres.embedded import EmbeddedPostgres


@dataclass(frozen=True)
class Postgres:
    url: str  # for SQLAlchemy with asyncpg
    pid: int

    @property
    def plain_url(self) -> str:
        """For asyncpg itself."""
        return self.url.replace("+asyncpg", "")


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    server = EmbeddedPostgres(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server.start()
    try:
        pid = int((folder / "pgdata" / "postmaster.pid").read_text().split()[0])
        yield Postgres(server.url, pid)
    finally:
        server.stop()
