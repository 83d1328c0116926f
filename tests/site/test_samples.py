"""Every sample of the page at /docs does what it says, against a real service."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import PHOTOS
from tests.deploy.needs import program
from tests.processes import DEADLINE, Server
from tests.shop import form
from tests.site.html import elements

PRODUCTS = itertools.count(5000)
PICTURES = {"get_picture", "get_original"}  # which a sample keeps in a file, and says nothing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of someone who tries them, with a photo."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copy(PHOTOS / "rocket.jpg", folder / "photo.jpg")
    return folder


def samples(server: Server, language: str) -> dict[str, str]:
    """By operation."""
    shown = elements(httpx.get(f"{server.url}/docs").text)
    found = {}
    for each in shown:
        article = each.inside("article")
        if each.tag == "pre" and each.attributes.get("data-language") == language and article:
            found[article.attributes["id"]] = each.text
    assert found.keys() == {each.attributes["id"] for each in shown if each.tag == "article"}
    return found


def with_real_names(sample: str, client: httpx.Client) -> str:
    """A product, an image and a ticket that are there, in place of those of the examples."""
    product = next(PRODUCTS)
    image = client.post(f"/products/{product}/images", files=form()).json()
    ticket = client.post("/uploads", json={"product_id": product}).json()
    query = dict(each.split("=", 1) for each in urlsplit(ticket["url"]).query.split("&"))
    examples: Mapping[str, str] = {
        "1234": str(product),
        "101": str(image["id"]),
        "8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c": ticket["id"],
        "1767226500": query["expires"],
        "Jk0p3sW6mQz1nB8vX4cT7yH2gF5dR9aLoU_iEeKwZ-M": query["signature"],
        "001/234/products/sample-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.jpg": image["src"].partition("/stores/")[2],
    }
    for example, real in examples.items():
        sample = re.sub(rf"\b{re.escape(example)}\b", real, sample)
    return sample


def is_right(answer: str) -> bool:
    """Whether what was sent was understood. What an example names may be there already, or not yet."""
    return answer.startswith(("2", "404", "409")) or "_taken" in answer


def test_in_curl(server: Server, folder: Path) -> None:
    program("curl", "curl")
    with server.client(server.token) as client:
        for operation, sample in samples(server, "curl").items():
            command = with_real_names(sample, client).replace("curl ", "curl -sS -w '%{stderr}%{http_code}' ", 1)
            command = command.replace("-o photo.jpg", "-o got.jpg")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env={**os.environ, "TOKEN": server.token},
                capture_output=True,
                timeout=DEADLINE,
                check=False,
            )
            assert is_right(f"{done.stderr.decode()} {done.stdout.decode(errors='replace')}"), (
                operation,
                command,
                done,
            )


def test_in_python(server: Server, folder: Path) -> None:
    with server.client(server.token) as client:
        programs = {name: with_real_names(each, client) for name, each in samples(server, "Python").items()}
    run_all = (
        "import json, sys\n"
        "for name, text in json.load(sys.stdin).items():\n    print(name, end=' ')\n    exec(text, {})\n    print()"
    )
    done = subprocess.run(
        [sys.executable, "-c", run_all],
        input=json.dumps({name: each.replace('open("photo.jpg", "wb")', 'open("got.jpg", "wb")')
                          for name, each in programs.items()}),
        cwd=folder,
        env={**os.environ, "TOKEN": server.token},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answered = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line.partition(" ")[0] in programs)
    assert answered.keys() == programs.keys()
    for name, answer in answered.items():
        assert is_right(answer) or name in PICTURES, (name, answer)


def test_in_php(server: Server, folder: Path) -> None:
    php = program("php", "php-cli php-curl")
    with server.client(server.token) as client:
        programs = {name: with_real_names(each, client) for name, each in samples(server, "PHP").items()}
    run_all = (
        "foreach (json_decode(stream_get_contents(STDIN)) as $name => $text) "
        "{ echo \"\\n\", $name, ' '; (function () use ($text) { eval($text); })(); }"
    )
    done = subprocess.run(
        [php, "-r", run_all],
        input=json.dumps({name: each.replace("_contents('photo.jpg'", "_contents('got.jpg'")
                          for name, each in programs.items()}).encode(),
        cwd=folder,
        env={**os.environ, "TOKEN": server.token},
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answered = dict(
        line.split(" ", 1) for line in done.stdout.decode().splitlines() if line.partition(" ")[0] in programs
    )
    assert answered.keys() == programs.keys()
    for name, answer in answered.items():
        assert is_right(answer) or name in PICTURES, (name, answer)


def test_in_javascript(server: Server, folder: Path) -> None:
    """That it can be read; the page's own *Try it* makes the same calls."""
    node = program("node", "nodejs")
    file = folder / "samples.mjs"
    functions = [f"async (token, input) => {{\n{each}\n}}" for each in samples(server, "JavaScript").values()]
    file.write_text(f"export default [{', '.join(functions)}];")
    subprocess.run([node, "--check", file], check=True, timeout=DEADLINE)
