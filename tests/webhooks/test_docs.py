"""docs/webhooks.md: its exchanges as they are printed, and both of its receivers, told by a real service."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.deploy.nginx import free_port
from tests.docs.conftest import Reader
from tests.docs.markdown import blocks
from tests.processes import DEADLINE, Server, eventually, serving
from tests.shop import form

PAGE = ROOT / "docs" / "webhooks.md"
PRINTED = "https://shop.example.com/image-events"
RECEIVERS = {"python": [sys.executable, "-c"], "js": ["node", "-e"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), FETCH_ALLOW_PRIVATE="true") as server:
        yield server


def code(language: str) -> str:
    [found] = [block.text for block in blocks(PAGE) if block.language == language]
    return found


@dataclass
class Running:
    url: str
    output: Path

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines()


@contextmanager
def receiver(language: str, folder: Path, secret: str, port: int) -> Iterator[Running]:
    """That of the page, until the block ends."""
    words = [*RECEIVERS[language], code(language).replace("9000", str(port))]
    program(words[0], words[0])
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(words, env={**os.environ, "WEBHOOK_SECRET": secret}, stdout=file)
        try:
            running = Running(f"http://127.0.0.1:{port}", output)
            eventually(lambda: _answers(running.url))
            yield running
        finally:
            process.terminate()
            process.wait(DEADLINE)


def _answers(url: str) -> bool:
    try:
        return httpx.post(url, content=b"").status_code == 401
    except httpx.TransportError:
        return False


def made(server: Server, url: str, *events: str) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post("/webhooks", json={"url": url, "events": list(events)})
        webhook: dict[str, Any] = answer.raise_for_status().json()
    return webhook


@pytest.mark.parametrize("language", RECEIVERS)
def test_a_receiver_of_the_page_is_told(server: Server, tmp_path: Path, language: str) -> None:
    assert len([line for line in code(language).splitlines() if line]) <= 20
    port = free_port()
    webhook = made(server, f"http://127.0.0.1:{port}", "image.created")
    with receiver(language, tmp_path, webhook["secret"], port) as running, server.client() as client:
        image = client.post("/products/1234/images", files=form()).raise_for_status().json()
        eventually(lambda: running.lines() != [])
        [line] = running.lines()
        assert line.startswith("image.created ")
        assert image["src"] in line
        forged = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
        assert httpx.post(running.url, content=b"{}", headers=forged).status_code == 401
        # Signed, but long ago; then fresh, and twice.
        assert sent(running.url, webhook["secret"], datetime(2020, 1, 1, tzinfo=UTC)) == 401
        assert [sent(running.url, webhook["secret"], datetime.now(UTC)) for _ in range(2)] == [204, 204]
        eventually(lambda: len(running.lines()) == 2)
        # While one secret takes the place of another, what is sent has two signatures.
        client.post(f"/webhooks/{webhook['id']}/rotate").raise_for_status()
        tested = client.post(f"/webhooks/{webhook['id']}/test").raise_for_status().json()
        assert (tested["state"], tested["status"]) == ("delivered", 204)
        client.delete(f"/webhooks/{webhook['id']}").raise_for_status()


def sent(url: str, secret: str, moment: datetime) -> int:
    body = '{"type": "image.created", "data": {}}'
    headers = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_2", moment, body),
    }
    return httpx.post(url, content=body, headers=headers).status_code


def test_the_exchanges_are_as_printed(server: Server, tmp_path: Path) -> None:
    """With a receiver of ours in the place of the shop's."""
    port = free_port()
    reader = Reader(server, tmp_path, "")
    first, *others = [block.text for block in blocks(PAGE) if block.language == "http"]

    def here(text: str) -> str:
        return text.replace(PRINTED, f"http://127.0.0.1:{port}/")

    reader.exchange(here(first))
    with server.client() as client:
        [webhook] = client.get("/webhooks").json()
        secret = client.post(f"/webhooks/{webhook['id']}/rotate").json()["secret"]
    with receiver("python", tmp_path, secret, port):
        for block in others:
            reader.exchange(
                re.sub(
                    '"previous_secret_until": null', '"previous_secret_until": "2026-01-01T00:00:00+00:00"', here(block)
                )
            )
