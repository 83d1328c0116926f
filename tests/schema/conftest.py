"""A running service, and schemathesis against it, in a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.described import described, operations
from tests.ingest.server import ScriptedServer
from tests.processes import Server, command
from tests.shop import page, png

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "1")  # of each operation in each phase that makes them up
IS_LONG = int(EXAMPLES) > 1
# Else left out: the routes of /v1/, described in the same words (tests/api/test_openapi.py).
REPEATED = "/2025-03/"
SECONDS = 600 + 15 * int(EXAMPLES)  # for a whole run; a tenth of that where nothing else goes on


@dataclass(frozen=True)
class Run:
    """What schemathesis has found."""

    status: int
    said: str
    report: dict[str, Any]

    def found_nothing_in(self, operations: set[str]) -> None:
        """And left nothing out."""
        assert self.status == 0, self.said
        assert self.report["operations"]["tested"] == len(operations)
        assert not self.report["failures"]
        assert not self.report["errors"]


@dataclass(frozen=True)
class Attacked:
    """The service, with two stores."""

    server: Server
    operations: set[str]  # that are attacked, of the description, as schemathesis calls them: `GET /images/{id}`
    environment: dict[str, str]
    folder: Path

    async def attack(self, config: str, *options: str) -> Run:
        report, said = self.folder / "report.json", self.folder / "said"
        report.unlink(missing_ok=True)
        words = ["--config-file", str(HERE / config), "run", f"{self.server.url}/openapi.json", "--no-color"]
        words += ["--max-examples", EXAMPLES, "--report-json-path", str(report), *options]
        words += [] if IS_LONG else ["--exclude-path-regex", f"^{REPEATED}"]
        with said.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                SCHEMATHESIS, *words, cwd=self.folder, env=self.environment, stdout=output, stderr=output
            )
        try:
            async with asyncio.timeout(SECONDS):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"not within {SECONDS} s: {said.read_text()}") from None
        assert report.exists(), said.read_text()
        return Run(status, said.read_text(), json.loads(report.read_text()))


@pytest.fixture(scope="package")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    # Wrong credentials and thousands of images are what this run is made of.
    server = Server(
        folder, AUTH_FAILURES_PER_MINUTE="1000000", MAX_IMAGES_PER_PRODUCT="10000", FETCH_ALLOW_PRIVATE="true"
    )
    try:
        async with ScriptedServer() as elsewhere:
            elsewhere.pages["/photo.png"] = page(png("blue"))
            server.ready()
            other = command(folder, "stores", "add", "other", "--json").json["token"]
            tokens = {"one": server.token, "other": other}
            authorized = [
                {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
                for name, token in tokens.items()
            ]
            (folder / "stores.json").write_text(json.dumps({"auth": authorized}))
            environment = os.environ | {
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.schema.hooks",
                "ATTACKED_URL": server.url,
                "ATTACKED_STORE": "1",
                "ATTACKED_TOKEN": server.token,
                "ATTACKED_SRC": elsewhere.url("/photo.png"),
            }
            async with httpx.AsyncClient(base_url=server.url) as anyone:
                named = [name.split(" ") for name, _ in operations(await described(anyone))]
            attacked = {
                f"{method.upper()} {path}" for method, path in named if IS_LONG or not path.startswith(REPEATED)
            }
            yield Attacked(server, attacked, environment, folder)
    finally:
        server.end()
