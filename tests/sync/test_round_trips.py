"""An export that nobody has edited changes nothing, whatever the texts are."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Done, Server, command, serving
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
BLANKS = ["", " ", "   ", "\xa0", " lead", "trail ", " both ", "\ttab", "last\r", "last\n"]
BLANKS += ["' x", "'x ", " '=1", " =1", "'=1 ", "\u2003wide"]
TAGS: list[Any] = [
    {"en": "x", "en ": "y"},
    {" en": "x", "EN": "y", "pt-BR": "z"},
    {"a\nb": "x", "a\rb": "y", "a,b": "z"},
    {"%20": "x", "=1": "y", '"': "z", "日本": "w"},
    {"en": " x ", "es": ""},
    {"en": ""},
    None,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("service"), FETCH_ALLOW_PRIVATE="true") as server:
        yield server


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
    described(server, product, [*LINES, *SIGNS, *BLANKS, *TAGS, *({"en": text, "es": "x"} for text in LINES)])
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


def test_blanks_that_people_type_do_not_count_but_those_behind_an_apostrophe(server: Server, tmp_path: Path) -> None:
    described(server, 300, [None])
    [image] = gallery(server, 300)
    file = tmp_path / "typed.csv"
    for cell, alt in (
        (" typed\t", "typed"),
        ("   ", None),
        ("' lead", " lead"),
        ("'trail ", "trail "),
        (" '=1", "=1"),
        ("'", ""),
        ("'tis", "'tis"),
    ):
        file.write_text(f'product_id , id,alt\n 300 ," {image["id"]} ","{cell}"\n')
        done = run(server, tmp_path, "sync", str(file))
        assert (done.status, gallery(server, 300)) == (0, [{"id": image["id"], "alt": alt}]), done.err


@pytest.mark.parametrize("name", ["sync", "import"])
def test_keys_whose_blanks_count(server: Server, tmp_path: Path, name: str) -> None:
    """`export` and a person's file name the same product; no other is made."""
    (tmp_path / "red.png").write_bytes(png("red"))
    key = f"key of {name}"
    with server.client() as client:
        numbers = {
            key: client.post("/products", json={"key": key}).raise_for_status().json()["id"]
            for key in (key, f" {key}", f"{key} ")
        }
        described(server, numbers[f"{key} "], ["x"])
        [image] = gallery(server, numbers[f"{key} "])
        file = tmp_path / "keys.csv"
        if name == "sync":
            run(server, tmp_path, "export", str(file))
            rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
            [row] = [row for row in rows if row["id"] == str(image["id"])]
            file.write_text(f"product_key,id,alt\n{row['product_key']},{image['id']},y\n")
        else:
            file.write_text(f"product_key,path,alt\n'{key} ,red.png,y\n  {key}  ,red.png,\n")
        done = run(server, tmp_path, name, str(file))
        assert done.status == 0, done.err
        found = {key: client.get("/products", params={"key": key}).json() for key in numbers}
    assert {key: [each["id"] for each in products] for key, products in found.items()} == {
        key: [number] for key, number in numbers.items()
    }
    counts = {key: len(gallery(server, number)) for key, number in numbers.items()}
    assert counts == {key: int(name == "import"), f" {key}": 0, f"{key} ": 1 + (name == "import")}
    assert gallery(server, numbers[f"{key} "])[-1]["alt"] == "y"
