"""`image-service import` against a running service: every row once, in its order, whatever happens."""

import csv
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from image_service.cli.importing.report import Line, Report, Status
from image_service.cli.importing.rows import Row
from tests.conftest import PHOTOS
from tests.processes import DEADLINE, PROGRAM, Done, Server, command, environment, eventually, serving
from tests.shop import png

PAGE = (Path(__file__).parents[2] / "docs" / "shell.md").read_text()

_products = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("service"), FETCH_ALLOW_PRIVATE="true") as server:
        yield server


@dataclass
class Merchant:
    """Has a folder with photos.csv, and a product of its own."""

    server: Server
    folder: Path
    product: int

    @property
    def file(self) -> Path:
        return self.folder / "photos.csv"

    @property
    def report(self) -> Path:
        return self.folder / "photos.csv.report.csv"

    def write(self, *rows: str, header: str = "product_id,path,alt") -> None:
        """`P` is the product; a path that ends in .png gets a picture of its own."""
        lines = [row.replace("P,", f"{self.product},", 1) for row in rows]
        self.file.write_text("\n".join([header, *lines]) + "\n")

    def picture(self, *numbers: int) -> None:
        for number in numbers:
            (self.folder / f"{number}.png").write_bytes(png(f"#{number:06x}"))

    def run(self, *options: str, token: str | None = None, source: Path | None = None) -> Done:
        arguments = ["import", str(source or self.file), "--url", self.server.url, *options]
        return command(self.folder, *arguments, TOKEN=token or self.server.token)

    def sums(self, *options: str) -> dict[str, Any]:
        """What the run has counted, but for what is none."""
        found: dict[str, Any] = self.run(*options, "--json").json
        return {name: number for name, number in found.items() if number and name not in {"seconds", "report"}}

    def lines(self) -> list[dict[str, str]]:
        with self.report.open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def gallery(self, product: int | None = None) -> list[dict[str, Any]]:
        with self.server.client() as client:
            params: dict[str, str | int] = {"per_page": 200, "fields": "id,position,alt,sha256,filename"}
            answer = client.get(f"/products/{product or self.product}/images", params=params)
        images: list[dict[str, Any]] = answer.raise_for_status().json()
        assert [image["position"] for image in images] == list(range(1, len(images) + 1))
        return images

    def alts(self) -> list[str]:
        return [image["alt"] for image in self.gallery()]


@pytest.fixture
def merchant(server: Server, tmp_path: Path) -> Merchant:
    return Merchant(server, tmp_path, next(_products) * 1000)


def test_as_the_page_has_it(merchant: Merchant) -> None:
    table, shown = (
        re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for language in ("csv", "text")
    )
    assert table
    assert shown
    merchant.file.write_text(table[1])
    for name in ("front.jpg", "side.jpg"):
        (merchant.folder / name).write_bytes(png("red" if name == "front.jpg" else "blue"))
    done = merchant.run()
    figures, where = r"[0-9.]+ s, [0-9.]+ a second", "/home/me/"
    said = re.sub(figures, "…", done.err + done.out).replace(f"{merchant.folder}/", where)
    assert said == re.sub(figures, "…", shown[1])
    assert merchant.gallery(1234)[0]["alt"] == {"en": "A cup", "es": "Una taza"}


def test_all_are_in_and_a_second_run_sends_nothing(merchant: Merchant) -> None:
    rows = [f"P,{PHOTOS / name},{name}" for name in ("rocket.jpg", "animated.gif", "transparent.png")]
    merchant.write(*rows, f"{merchant.product + 1},{PHOTOS / 'rocket.jpg'},")
    done = merchant.run()
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("4 rows: 4 added; ")
    assert merchant.alts() == ["rocket.jpg", "animated.gif", "transparent.png"]
    assert merchant.gallery(merchant.product + 1)[0]["filename"] == "rocket.jpg"
    lines = merchant.lines()
    assert [(line["row"], line["status"]) for line in lines] == [(str(row), "added") for row in (2, 3, 4, 5)]
    assert [int(line["image_id"]) for line in lines[:3]] == [image["id"] for image in merchant.gallery()]
    before = merchant.report.read_bytes()
    assert merchant.sums() == {"rows": 4, "already": 4}
    assert merchant.report.read_bytes() == before


def test_a_failure_is_told_mended_and_put_into_its_place(merchant: Merchant) -> None:
    merchant.picture(1, 3)
    (merchant.folder / "broken.png").write_bytes(png()[:40])
    merchant.write("P,1.png,one", "P,2.png,two", "P,3.png,three", "P,broken.png,no", "none,1.png,", "P,1.png,one")
    done = merchant.run("--concurrency", "3")
    assert done.status == 1
    assert f"row 3 (product {merchant.product}, 2.png): there is no such file\n" in done.err
    assert "6 rows: 2 added, 1 the same as an earlier row, 3 failed; " in done.out
    assert [(line["row"], line["status"], line["reason"]) for line in merchant.lines()] == [
        ("2", "added", ""),
        ("3", "failed", "there is no such file"),
        ("4", "added", ""),
        ("5", "failed", "file is cut short"),
        ("6", "failed", "product_id must be a whole number from 1"),
        ("7", "duplicate", "the same as an earlier row"),
    ]
    merchant.picture(2)
    assert merchant.sums() == {"rows": 6, "added": 1, "already": 3, "failed": 2}
    assert merchant.alts() == ["one", "two", "three"]
    assert [line["status"] for line in merchant.lines()].count("failed") == 2


def test_a_quote_that_is_not_closed_stops_it_before_anything_is_sent(merchant: Merchant) -> None:
    """It takes the rows after it into its cell, in a column that is not even used."""
    merchant.picture(1, 2, 3)
    merchant.write("P,1.png,one,", 'P,2.png,two,"5 in. screen', "P,3.png,three,", header="product_id,path,alt,notes")
    for options in ([], ["--dry-run"]):
        done = merchant.run(*options)
        assert (done.status, done.out) == (1, "")
        said = f"{merchant.file} cannot be read as CSV: row 3: a quote opens a cell, and none closes it\n"
        assert done.err == f"image-service: {said}"
    assert merchant.gallery() == []
    assert not merchant.report.exists()


def test_urls_with_texts_in_languages(merchant: Merchant) -> None:
    merchant.picture(1)
    merchant.write("P,1.png,one")
    merchant.run()
    src = merchant.lines()[0]["src"]
    row = f"{merchant.product + 1},{src},Taza,Cup"
    (merchant.folder / "urls.csv").write_text(f"product_id,src,alt_es,alt_en\n{row}\nP,{src}x,,\n")
    done = merchant.run(source=merchant.folder / "urls.csv")
    assert "2 rows: 1 added, 1 failed" in done.out
    assert merchant.gallery(merchant.product + 1)[0]["alt"] == {"es": "Taza", "en": "Cup"}


def test_positions_in_any_order(merchant: Merchant) -> None:
    merchant.picture(1, 2, 3, 4)
    rows = [f"P,{number}.png,{number},{number}" for number in (4, 2, 3, 1)]
    merchant.write(*rows, header="product_id,path,alt,position")
    assert merchant.sums() == {"rows": 4, "added": 4}
    assert merchant.alts() == ["1", "2", "3", "4"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_ended_in_the_middle_and_started_again(merchant: Merchant, number: signal.Signals) -> None:
    merchant.picture(*range(30))
    merchant.write(*(f"{merchant.product + each % 3},{each}.png,{each}" for each in range(30)))
    arguments: list[str | Path] = [PROGRAM, "import", str(merchant.file), "--url", merchant.server.url]
    process = subprocess.Popen(arguments, env=environment(merchant.folder, TOKEN=merchant.server.token), text=True)
    eventually(lambda: merchant.report.exists() and merchant.report.read_text().count(",added,") >= 8)
    process.send_signal(number)
    assert process.wait(DEADLINE) == (130 if number is signal.SIGINT else -number)
    sums = merchant.sums()
    assert sums["added"] + sums["already"] == sums["rows"] == 30
    assert sums["already"] >= 8
    for offset in range(3):
        images = merchant.gallery(merchant.product + offset)
        assert [int(image["alt"]) for image in images] == list(range(offset, 30, 3))
    assert [line["status"] for line in merchant.lines()] == ["added"] * 30


def test_what_arrived_unanswered_is_found_when_its_key_is_forgotten(merchant: Merchant) -> None:
    """As after a day: the picture is there, sent under no key that the service knows."""
    merchant.picture(1, 2)
    merchant.write("P,1.png,", "P,2.png,")
    with merchant.server.client() as client, (merchant.folder / "1.png").open("rb") as file:
        image = client.post(f"/products/{merchant.product}/images", files={"file": file}).raise_for_status().json()
    key = Row(2, merchant.product, "1.png", (2,), merchant.folder / "1.png").identity().key
    with Report(merchant.report) as report:
        line = Line(2, str(merchant.product), "1.png", "", Status.SENDING, service=merchant.server.url, key=key)
        report.write(line)
    assert [(each["status"], each["reason"]) for each in merchant.lines()] == [("unknown", "interrupted")]
    assert merchant.sums() == {"rows": 2, "added": 2}
    assert len(merchant.gallery()) == 2
    assert merchant.lines()[0]["image_id"] == str(image["id"])


def test_a_folder_and_what_it_gains_later(merchant: Merchant) -> None:
    merchant.picture(1, 3)
    folder = merchant.folder / "photos"
    (folder / str(merchant.product)).mkdir(parents=True)
    for number, name in ((1, "1.png"), (3, "10.png")):
        (merchant.folder / f"{number}.png").rename(folder / str(merchant.product) / name)
    assert merchant.run(source=folder).status == 0
    merchant.picture(2)
    (merchant.folder / "2.png").rename(folder / str(merchant.product) / "2.png")
    assert "1 added, 2 in already" in merchant.run(source=folder).out
    assert [image["filename"] for image in merchant.gallery()] == ["1.png", "2.png", "10.png"]
    assert (merchant.folder / "photos.report.csv").exists()


def test_a_dry_run_sends_nothing_and_needs_no_service(merchant: Merchant) -> None:
    merchant.picture(1)
    merchant.write("P,1.png,one,x", "P,2.png,two,x", header="product_id,path,alt,sku")
    done = command(merchant.folder, "import", str(merchant.file), "--dry-run")
    assert done.status == 1
    assert done.out.splitlines()[1] == "2 rows: 1 would be sent, 1 cannot be sent."
    assert done.err == "columns that are not known and are not used: sku\n"
    assert not merchant.report.exists()


def test_a_dry_run_reads_the_pictures_and_says_what_would_fail(merchant: Merchant) -> None:
    merchant.picture(1)
    whole = (merchant.folder / "1.png").read_bytes()
    for name, data in {
        "cut.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "text.jpg": b"hello",
        "scan.pdf": b"%PDF-1.7",
        "heavy.png": whole + bytes(10 * 1024 * 1024),
    }.items():
        (merchant.folder / name).write_bytes(data)
    names = ("cut.png", "empty.png", "text.jpg", "scan.pdf", "heavy.png", "1.png")
    merchant.write(*(f"P,{name}" for name in names), header="Nr,File")
    done = command(merchant.folder, "import", str(merchant.file), "--dry-run", "--map", "product_id=Nr,path=File")
    assert done.status == 1
    assert [line.rpartition("): ")[2] for line in done.out.splitlines()] == [
        "would be refused: cut short",
        "would be refused: not an image",
        "would be refused: not an image",
        "would be refused: PDF",
        f"weighs {len(whole) + 10 * 1024 * 1024:,} bytes: the service takes less than 10MB unless it is set otherwise",
        "6 rows: 1 would be sent, 5 cannot be sent.",
    ]


def test_what_keeps_it_from_beginning_is_one_line(merchant: Merchant) -> None:
    merchant.picture(1)
    merchant.write("P,1.png,one")
    refused = merchant.run(token="x" * 20)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == "image-service: the service does not know this token (401)\n"
    assert command(merchant.folder, "import", str(merchant.file)).err.startswith("image-service: a token is needed")
    assert command(merchant.folder, "import", "nothing.csv").status == 2
    assert merchant.run("--url", "api.test").err.startswith("image-service: --url must be")
    assert not merchant.report.exists()


def test_a_token_that_may_only_read_ends_it_at_the_first_image(merchant: Merchant) -> None:
    merchant.picture(1, 2)
    merchant.write("P,1.png,one", "P,2.png,two")
    made = command(merchant.server.data.parent, "stores", "token", "1", "--read-only", "--json")
    done = merchant.run("--concurrency", "1", token=json.loads(made.out)["token"])
    assert done.status == 1
    assert done.err == "image-service: this token may only read (403)\n"
    assert merchant.sums() == {"rows": 2, "added": 2}


def test_a_report_of_another_store_or_service_is_not_taken_for_this_one(merchant: Merchant) -> None:
    merchant.picture(1)
    merchant.write("P,1.png,one")
    assert merchant.run().status == 0
    made = command(merchant.server.data.parent, "stores", "add", "another", "--json").json
    assert "the report beside the input is of another store" in merchant.run(token=made["token"]).err
    assert "is of an import to http" in merchant.run("--url", "http://127.0.0.1:1").err
    assert "photos.csv is no report of an import" in merchant.run("--report", str(merchant.file)).err
    assert merchant.file.read_text().startswith("product_id,path")
    other = merchant.run("--report", str(merchant.folder / "other.csv"), token=made["token"])
    assert other.status == 0
