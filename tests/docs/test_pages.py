"""README.md, CONTRIBUTING.md and docs/*.md: commands run, exchanges go as they are printed, links lead somewhere.

How a page is read, which docs/README.md tells its readers too:

- ```` ```sh ```` is run, in the order of the page. A block of JSON or text straight after it is what it prints.
- ```` ```http ```` is a request and its answer, sent as it stands; an answer alone is what a command has printed.
- ```` ```python ```` is a program, which ends without an error.
- ```` ```html ````: every URL of the service in it is there.
- ```` ```text ```` and the like are not run, and are no commands.
"""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.deploy.files import ROOT
from tests.docs.conftest import Reader
from tests.docs.exchange import Answer
from tests.docs.markdown import Block, anchors, blocks, links

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
# Pages with tests of their own, which need more than one service.
ELSEWHERE = {
    **{
        page.name: {"tests/test_docs_operations.py"}
        for page in [DOCS / "operations.md", *(DOCS / "operations").glob("*.md")]
    },
    "install.md": {"tests/test_docs_operations.py", "tests/packaging/test_installed.py"},
    "shell.md": {"tests/importing/test_import.py", "tests/doctor/test_doctor.py", "tests/test_shell.py"},
    "webhooks.md": {"tests/webhooks/test_docs.py"},
    "uploads.md": {"tests/uploads/test_docs.py", "tests/uploaders/test_recipes.py"},
}
MAKE = re.compile(r"([A-Z_]+=\d+ )?make [a-z-]+ *(#|$)")
NOT_RUN = {"text", "yaml", "csv"}
COMMANDS = re.compile(r"^(\$ |curl|image-service|make|pip|docker|psql|promtool|wget|python3?)\b", re.MULTILINE)


def in_order() -> list[Path]:
    """Those of the top folder, then docs/ as its index has them."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        INDEX,
        *(DOCS / name for name in re.findall(r"^\d+\. \[[^\]]+\]\((\S+\.md)\)", INDEX.read_text(), re.MULTILINE)),
    ]


PAGES = [page for page in in_order() if page.name not in ELSEWHERE]


def test_the_index_has_every_page() -> None:
    assert sorted(in_order()[3:]) == sorted({*DOCS.glob("*.md"), *DOCS.glob("operations/*.md")} - {INDEX})
    for test in set().union(*ELSEWHERE.values()):
        assert (ROOT / test).is_file()


def test_the_index_of_decisions_has_every_decision() -> None:
    folder = DOCS / "decisions"
    listed = re.findall(r"^- \[(\d+)\]\((\S+\.md)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(name for _, name in listed) == sorted(page.name for page in folder.glob("[0-9]*.md"))
    assert [name for number, name in listed if int(name[:4]) != int(number)] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_all_is_as_the_page_says(page: Path, reader: Reader) -> None:
    printed = None  # what the command before has printed
    for block in blocks(page):
        try:
            printed = read(block, printed, reader)
        except Exception as error:
            error.add_note(f"{block.place}\n{block.text}")
            raise


def read(block: Block, printed: str | None, reader: Reader) -> str | None:
    if block.language == "sh":
        return run(block.text, reader)
    is_request = block.language == "http" and not block.text.startswith("HTTP/")
    if printed is not None and block.follows and not is_request:
        if block.language == "http":
            reader.compare(reader.here(block.text), Answer.parse(printed))
        elif block.language == "json":
            reader.likeness.json(reader.here(block.text), printed)
        else:
            assert block.language == "text"
            reader.likeness.text(reader.here(block.text).strip(), printed.strip())
    elif block.language == "http":
        reader.exchange(block.text)
    elif block.language == "python":
        reader.program(block.text)
    elif block.language == "html":
        for url in re.findall(r"http://[^\s\"]+", reader.likeness.request(reader.here(block.text))):
            assert httpx.get(url).status_code == 200, url
    else:
        assert block.language in NOT_RUN
        assert not COMMANDS.search(block.text)
    return None


def run(commands: str, reader: Reader) -> str | None:
    if all(MAKE.match(line) for line in commands.splitlines()):
        for line in commands.splitlines():  # `make serve` has started this service, `make test` this test
            target = line.partition("#")[0].split()[-1]
            subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)
        return None
    return reader.run(commands)


@pytest.mark.parametrize("page", in_order(), ids=[str(page.relative_to(ROOT)) for page in in_order()])
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        if "://" not in path:
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_json_in_print_is_json() -> None:
    for page in in_order():
        for block in blocks(page):
            if block.language == "json":
                json.loads(block.text)
