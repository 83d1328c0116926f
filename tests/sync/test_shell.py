"""`image-service sync` and `export` against a running service, in a pipe and on a terminal."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.hosting import hosted
from tests.processes import PROGRAM, Done, Server, command, eventually, serving
from tests.shop import form, png
from tests.terminal import Terminal

_products = count(1)
RED = "\x1b[31m"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("service"), FETCH_ALLOW_PRIVATE="true") as server:
        yield server


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where pictures are: `red.png` and so on."""
    folder = tmp_path_factory.mktemp("host")
    for color in ("red", "blue", "green", "gold"):
        (folder / f"{color}.png").write_bytes(png(color))
    with hosted(folder) as url:
        yield url


@dataclass
class Merchant:
    server: Server
    folder: Path
    host: str
    product: int = field(default_factory=lambda: next(_products))

    def write(self, *rows: str, name: str = "lists.csv") -> Path:
        """`P` is the product, `HOST` where pictures are."""
        file = self.folder / name
        text = "\n".join(rows).replace("HOST", self.host).replace("P,", f"{self.product},")
        file.write_text(text + "\n", encoding="utf-8")
        return file

    def run(self, *arguments: str, name: str = "sync", stdin: str = "") -> Done:
        words = [name, *arguments, "--url", self.server.url]
        return command(self.folder, *words, stdin=stdin, TOKEN=self.server.token)

    def sync(self, file: Path, *options: str) -> dict[str, Any]:
        done = self.run(str(file), "--json", *options)
        assert done.out, done.err
        return dict(done.json, status=done.status)

    def gallery(self, product: int | None = None) -> list[dict[str, Any]]:
        with self.server.client() as client:
            answer = client.get(f"/products/{product or self.product}/gallery?fields=id,alt,sha256,filename,source_url")
        images: list[dict[str, Any]] = answer.raise_for_status().json()["images"]
        return images

    def add(self, *colors: str) -> None:
        with self.server.client() as client:
            for color in colors:
                files = form(png(color), f"{color}.png")
                client.post(f"/products/{self.product}/images", files=files).raise_for_status()


@pytest.fixture
def merchant(server: Server, host: str, tmp_path: Path) -> Merchant:
    return Merchant(server, tmp_path, host)


def names(merchant: Merchant) -> list[str]:
    return [image["filename"].removesuffix(".png") for image in merchant.gallery()]


def test_rows_of_one_product_are_its_list(merchant: Merchant) -> None:
    other = next(_products)
    file = merchant.write(
        "product_id;src;alt;filename",
        "P;HOST/red.png;Red;".replace("P;", f"{merchant.product};"),
        f"{other};HOST/gold.png;;",
        f"{merchant.product};HOST/blue.png;;Blue shoe.png",
    )
    assert merchant.sync(file) == {
        "products": 2,
        "not_done": 0,
        "images": 3,
        "outcomes": {"added": 3},
        "status": 0,
    }
    assert [(each["filename"], each["alt"]) for each in merchant.gallery()] == [
        ("red.png", "Red"),
        ("Blue shoe.png", None),
    ]
    assert merchant.sync(file)["outcomes"] == {"unchanged": 3}
    assert [each["filename"] for each in merchant.gallery(other)] == ["gold.png"]


def test_export_edit_sync_is_a_round_trip(merchant: Merchant) -> None:
    merchant.add("red", "blue", "green")
    image = merchant.gallery()[0]["id"]
    tricky = '=HYPERLINK(1), "quoted"\nline'
    with merchant.server.client() as client:
        route = f"/products/{merchant.product}/images"
        client.put(f"{route}/{image}", json={"alt": {"pt-BR": "Vermelho", "es": "Rojo"}}).raise_for_status()
        client.put(f"{route}/{merchant.gallery()[1]['id']}", json={"alt": tricky}).raise_for_status()
    before = merchant.gallery()
    file = merchant.folder / "out.csv"
    done = merchant.run(str(file), name="export")
    assert done.status == 0, done.err
    assert merchant.sync(file)["outcomes"].keys() == {"unchanged"}
    assert merchant.gallery() == before

    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    mine = [row for row in rows if row["product_id"] == str(merchant.product)]
    assert not any(cell.startswith("=") for row in mine for cell in row.values())
    first, second, third = mine
    new = dict.fromkeys(first, "") | {"product_id": first["product_id"], "src": f"{merchant.host}/gold.png"}
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(first))
        writer.writeheader()
        writer.writerows([third, new, {**first, "alt_es": "Roja"}, {**second, "alt": ""}])
    assert merchant.sync(file)["outcomes"] == {"added": 1, "moved": 1, "described": 2}
    assert [(each["filename"], each["alt"]) for each in merchant.gallery()] == [
        ("green.png", None),
        ("gold.png", None),
        ("red.png", {"pt-BR": "Vermelho", "es": "Roja"}),
        ("blue.png", None),
    ]


def test_an_export_that_fails_leaves_nothing(merchant: Merchant) -> None:
    merchant.add("red")
    folder = merchant.folder / "out.csv"
    folder.mkdir()
    assert merchant.run(str(folder), name="export").status == 1
    assert [path.name for path in merchant.folder.glob("out.csv*")] == ["out.csv"]


def test_ndjson_is_a_round_trip_too(merchant: Merchant) -> None:
    merchant.add("red", "blue")
    file = merchant.folder / "out.ndjson"
    assert merchant.run(str(file), name="export").status == 0
    assert set(merchant.sync(file)["outcomes"]) == {"unchanged"}
    [mine] = [line for line in map(json.loads, file.read_text().splitlines()) if line["product_id"] == merchant.product]
    mine["images"].reverse()
    lines = [json.dumps({**entry, "product_id": merchant.product}) for entry in mine["images"]]
    assert merchant.sync(merchant.write(*lines, name="entries.ndjson"))["outcomes"] == {"moved": 2}
    assert names(merchant) == ["blue", "red"]


def test_a_number_in_ndjson_may_be_a_string(merchant: Merchant) -> None:
    merchant.add("red")
    entry = {"product_id": str(merchant.product), "id": merchant.gallery()[0]["id"]}
    assert merchant.sync(merchant.write(json.dumps(entry), name="a.ndjson"))["outcomes"] == {"unchanged": 1}
    for line, said in (
        ('{"product_id": "x"}', "line 1: product_id must be a whole number from 1"),
        ('{"product_id": true}', "line 1: product_id must be a whole number from 1"),
        ('{"product_key": 5}', "line 1: has neither a product_id nor a product_key"),
        ("[]", "line 1: is not a JSON object"),
        ('{"product_id": 1, "images": [{"src": "a", "alt": "b", "src": "c"}]}', "line 1: has src twice"),
    ):
        done = merchant.run(str(merchant.write(line, name="bad.ndjson")))
        assert (done.status, said in done.err) == (1, True), done.err


def test_by_keys_and_a_plan_makes_none(merchant: Merchant) -> None:
    key = f"SKU {merchant.product}/é"
    file = merchant.write("product_key,src", f"{key},HOST/red.png", f"{key},HOST/blue.png")
    plan = merchant.sync(file, "--dry-run")
    assert (plan["outcomes"], plan["status"]) == ({"fetch": 2}, 0)
    with merchant.server.client() as client:
        assert client.get("/products", params={"key": key}).json() == []
        assert merchant.sync(file)["outcomes"] == {"added": 2}
        [product] = client.get("/products", params={"key": key}).json()
    assert [each["filename"] for each in merchant.gallery(product["id"])] == ["red.png", "blue.png"]


def test_a_bad_row_keeps_its_product_as_it_is(merchant: Merchant) -> None:
    """What the list lacks would be removed."""
    merchant.add("red", "blue")
    ids = [each["id"] for each in merchant.gallery()]
    file = merchant.write("product_id,id,src", f"P,{ids[1]},", f"P,{ids[0]},HOST/red.png", "P,,")
    done = merchant.run(str(file))
    assert done.status == 1
    assert "row 3: has id and src: leave one of them empty; row 4: names no image" in done.err
    assert names(merchant) == ["red", "blue"]


def test_a_row_with_more_fields_than_columns_keeps_its_product_as_it_is(merchant: Merchant) -> None:
    """A comma that is not in quotes; but a separator at the end of each row is none."""
    merchant.add("red")
    file = merchant.write("product_id,src,alt", "P,HOST/blue.png,Blue, from the side")
    done = merchant.run(str(file), "--yes")
    assert (done.status, names(merchant)) == (1, ["red"])
    assert f"product {merchant.product}: row 2: has more fields than there are columns" in done.err
    file = merchant.write("product_id,src,alt", "P,HOST/blue.png,Blue,, ")
    assert merchant.sync(file, "--yes")["outcomes"] == {"added": 1, "removed": 1}


def test_what_fails_is_told_by_its_row(merchant: Merchant) -> None:
    file = merchant.write("product_id,src", "P,HOST/red.png", "P,HOST/none.png")
    done = merchant.run(str(file))
    assert (done.status, done.out) == (1, "1 products: 1 added, 1 failed.\n")
    assert f"row 3 (product {merchant.product}, {merchant.host}/none.png): failed: not_found 404" in done.err


def test_a_quote_that_is_not_closed_removes_nothing(merchant: Merchant) -> None:
    merchant.add("red", "blue", "green")
    ids = [each["id"] for each in merchant.gallery()]
    file = merchant.write("product_id,id,note", f'P,{ids[0]},"5 in', f"P,{ids[1]},", f"P,{ids[2]},")
    done = merchant.run(str(file), "--yes")
    assert (done.status, done.out) == (1, "")
    assert "row 2: a quote opens a cell" in done.err
    assert names(merchant) == ["red", "blue", "green"]


def test_many_removals_need_a_yes(merchant: Merchant) -> None:
    merchant.add(*["red", "blue"] * 3)
    file = merchant.write("product_id,id", f"P,{merchant.gallery()[0]['id']}")
    done = merchant.run(str(file))
    assert (done.status, len(merchant.gallery())) == (1, 6)
    assert "5 of 6 images would be removed: say --yes if that is meant; nothing was done" in done.err
    assert merchant.sync(file, "--missing", "keep")["outcomes"] == {"unchanged": 1}
    assert merchant.sync(file, "--yes")["outcomes"] == {"removed": 5, "unchanged": 1}


def test_on_a_terminal_it_shows_red_and_asks(merchant: Merchant) -> None:
    merchant.add("red", "blue", "green")
    ids = [each["id"] for each in merchant.gallery()]
    file = merchant.write("product_id,id,src", f"P,{ids[1]},", "P,,HOST/gold.png")
    words = (str(PROGRAM), "sync", str(file), "--url", merchant.server.url)

    plan = Terminal(merchant.folder, *words, "--dry-run", TOKEN=merchant.server.token)
    try:
        eventually(lambda: "you will be asked" in plan.seen)
        assert plan.process.wait(30) == 0
        lines = plan.seen.split("\n")
        removed = [line for line in lines if "removed" in line and RED in line]
        assert [str(ids[at]) in line for at, line in zip((0, 2), removed, strict=False)] == [True, True]
        assert not any(RED in line for line in lines if "fetch" in line and "gold" in line)
        assert "2 of 3 images would be removed" in plan.seen
    finally:
        plan.close()
    assert names(merchant) == ["red", "blue", "green"]

    for answer, status, left in ((b"n\n", 1, ["red", "blue", "green"]), (b"y\n", 0, ["blue", "gold"])):
        asked = Terminal(merchant.folder, *words, TOKEN=merchant.server.token)
        try:
            eventually(lambda asked=asked: "Go on?" in asked.seen)  # type: ignore[misc]
            asked.type(answer)
            assert asked.process.wait(30) == status
        finally:
            asked.close()
        assert names(merchant) == left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,src\na,b", "none of the columns product_id, product_key"),
        ("product_id,alt\n1,b", "no column that names images: id, src, sha256"),
        ("Identificador de URL;SKU\na;b", "no column that names images: Imágenes, Imagens, Images"),
        ("product_id,src\nabc,HOST/red.png", "row 2: product_id must be a whole number from 1; nothing was sent"),
        ("product_id,src,src\n1,a,b", "the column src is there twice"),
        ('product_id,src,note\n1,HOST/red.png,"5 in\n1,HOST/blue.png,', "row 2: a quote opens a cell"),
    ],
)
def test_files_that_cannot_be_read(merchant: Merchant, text: str, said: str) -> None:
    done = merchant.run(str(merchant.write(text)), *(("--from", "tiendanube") if "Identificador" in text else ()))
    assert done.status == 1
    assert said in done.err


def test_the_help_of_an_export_names_what_is_only_to_look_at(merchant: Merchant) -> None:
    said = " ".join(command(merchant.folder, "export", "--help").out.split())
    assert "The columns filename_now, source_url and url are only to be looked at." in said
