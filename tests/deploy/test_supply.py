"""What `make digests` and `make sbom` write; what the first does where it can look nothing up."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import ROOT

DIGESTS = ROOT / "deploy" / "supply" / "digests.py"
FILES = ("Dockerfile", "docker-compose.yml")
# Stands for docker, and knows two images of the three if it is told so.
DOCKER = """#!/bin/sh
for image; do :; done
case "$image" in
    $UNKNOWN) echo "ERROR: $image: not found" >&2; exit 1;;
    *) printf 'sha256:%s\\n' "$(printf %s "$image" | sha256sum | cut -d' ' -f1)";;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    return tmp_path


def pin(checkout: Path, unknown: str = "none") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{checkout / 'bin'}:{os.defpath}", "UNKNOWN": unknown}
    return subprocess.run(
        [sys.executable, DIGESTS], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def images(checkout: Path) -> list[str]:
    lines = [line.split() for name in FILES for line in (checkout / name).read_text().splitlines()]
    return [words[1] for words in lines if words and words[0] in ("FROM", "image:")]


def test_each_image_is_pinned_and_pinned_anew(checkout: Path) -> None:
    tags = [image for image in images(checkout) if image != "image-service"]
    assert len(tags) == 4
    for _ in range(2):
        done = pin(checkout)
        assert done.returncode == 0, done.stderr
        pinned = [image for image in images(checkout) if image != "image-service"]
        assert [image.partition("@")[0] for image in pinned] == [tag.partition("@")[0] for tag in tags]
        assert all(len(image.partition("@sha256:")[2]) == 64 for image in pinned)
    assert "image: image-service\n" in (checkout / "docker-compose.yml").read_text()  # built here


def test_nothing_is_pinned_unless_all_can_be(checkout: Path) -> None:
    before = [(checkout / name).read_text() for name in FILES]
    done = pin(checkout, unknown="postgres:*")
    assert done.returncode == 1
    assert "could not be looked up" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert [(checkout / name).read_text() for name in FILES] == before


def test_the_bill_of_materials_names_what_opens_pictures() -> None:
    wheel = {"bom-ref": "pyvips-binary-1", "name": "pyvips-binary"}
    bill = {"components": [wheel], "dependencies": [{"ref": "pyvips-binary-1"}]}
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "supply" / "sbom.py"],
        input=json.dumps(bill),
        capture_output=True,
        text=True,
        check=True,
    )
    made = json.loads(done.stdout)
    named = {each["name"]: each for each in made["components"]}
    assert {"libvips", "libheif", "libwebp", "pyvips-binary"} <= named.keys()
    assert named["libvips"]["purl"] == f"pkg:generic/libvips@{named['libvips']['version']}"
    references = {each["bom-ref"] for each in made["components"]}
    assert {each["ref"] for each in made["dependencies"]} == references
    assert set(made["dependencies"][0]["dependsOn"]) == references - {"pyvips-binary-1"}
