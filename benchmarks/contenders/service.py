"""image-service, as installed: no setting but where its data are and the first store's token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders.contender import BIN, Contender
from benchmarks.processes import free_port, running

NAME = "image-service"
BEFORE = "BENCH_BEFORE"
"""Of the environment: the folder of another version's programs (`.venv/bin`), to be measured beside this one."""
TOKEN = "benchmark-token-0123456789"  # noqa: S105 - of a store that lives in the cache


@dataclass(frozen=True)
class Service(Contender):
    data: Path = Path()

    @property
    def public(self) -> Path:
        return self.data / "blobs" / "public"


def before() -> str | None:
    return os.environ.get(BEFORE)


@contextmanager
def service(folder: Path, name: str = NAME, programs: str = str(BIN), **settings: str) -> Iterator[Service]:
    """On the data in folder/data; settings as in the README's table, in lower case. `programs`: another version's."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    told = {"data_dir": str(folder / "data"), "bootstrap_store": "benchmark", "bootstrap_token": TOKEN, **settings}
    env = {f"IMAGE_SERVICE_{key.upper()}": value for key, value in told.items()}
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [Path(programs) / "image-service", "serve", "--port", str(port)]
    with running(name, command, f"{url}/health/ready", folder, env) as pid:
        yield Service(name, url, (pid,), {"Authorization": f"Bearer {TOKEN}"}, folder / "data")
