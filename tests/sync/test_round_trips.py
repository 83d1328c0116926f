"""An export that nobody has edited changes nothing, whatever the texts are."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Done, Server, command
from tests.shop import form, png

LINES = ["cr\ronly", "\rcr first", "lf\nonly", "crlf\r\nboth"]
SIGNS = [
    '=1+1, "quoted"',
    "=",
    "+1",
    "-1",
    "@a",
    "\t=1",
    "'=1",
    "''=1",
    "'tis",
    "'",
    '"',
    '""',
    ",",
    ";",
    "a,b;c",
    "sep=;",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("service"), FETCH_ALLOW_PRIVATE="true")
    try:
        yield server.ready()
    finally:
        server.end()


def run(server: Server, folder: Path, *words: str) -> Done:
    return command(folder, *words, "--url", server.url, TOKEN=server.token)


def described(server: Server, product: int, alts: list[Any]) -> None:
    """The product has one image for each `alt`."""
    with server.client() as client:
        for alt in alts:
            made = client.post(f"/products/{product}/images", files=form(png("red"), "red.png")).raise_for_status()
            route = f"/products/{product}/images/{made.json()['id']}"
            client.put(route, json={"alt": alt}).raise_for_status()


def gallery(server: Server, product: int) -> list[dict[str, Any]]:
    with server.client() as client:
        answer = client.get(f"/products/{product}/gallery?fields=id,alt").raise_for_status()
    images: list[dict[str, Any]] = answer.json()["images"]
    return images


@pytest.mark.parametrize("name", ["out.csv", "out.ndjson"])
def test_an_unedited_export_changes_nothing(server: Server, tmp_path: Path, name: str) -> None:
    product = 100 + len(name)
    described(server, product, [*LINES, *SIGNS, *({"en": text, "es": "x"} for text in LINES)])
    before = gallery(server, product)
    file = tmp_path / name
    assert run(server, tmp_path, "export", str(file)).status == 0
    done = run(server, tmp_path, "sync", str(file), "--json")
    assert (done.status, set(done.json["outcomes"])) == (0, {"unchanged"}), done.err
    assert gallery(server, product) == before


def test_a_line_break_of_any_kind_is_in_quotes(server: Server, tmp_path: Path) -> None:
    """Readers take a lone CR outside of quotes for the end of a row."""
    described(server, 200, LINES)
    assert run(server, tmp_path, "export", str(tmp_path / "out.csv")).status == 0
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig")
    outside = "".join(text.split('"')[::2])
    assert "\r" not in outside.replace("\r\n", "")
    assert "\n" not in outside.replace("\r\n", "")
    assert len({len(row) for row in csv.reader(text.splitlines(keepends=True))}) == 1
