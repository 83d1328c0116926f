"""What is published, and what is not."""

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Built

SOURCE = ROOT / "src" / "image_service"


def files(folder: Path) -> set[str]:
    """Those of the checkout that are meant, below the folder's parent."""
    found = (each for each in folder.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return {str(each.relative_to(folder.parent)) for each in found}


@pytest.fixture(scope="module")
def metadata(built: Built) -> Message:
    with zipfile.ZipFile(built.wheel) as wheel:
        [name] = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
        return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_the_package_the_migrations_the_guides_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    migrations = {f"image_service/{name}" for name in files(ROOT / "alembic")}
    guides = {f"image_service/{name}" for name in files(ROOT / "docs")}
    assert held == files(SOURCE) | migrations | guides
    static = {name for name in held if "/static/" in name}
    assert {f"image_service/site/static/{name}" for name in ("README.md", "sample.jpg")} <= static
    assert {
        f"image_service/site/static/docs/{page}.{kind}" for page in ("landing", "reference") for kind in ("css", "js")
    } <= static
    assert {f"image_service/site/templates/{page}.html" for page in ("landing", "reference")} <= held
    gallery = {"gallery.html", "icon.svg", "css/base.css", "js/main.js", "languages/en.json"}
    gallery |= {
        f"vendor/{each}" for each in ("sortable/Sortable.min.js", "photoswipe/LICENSE", "thumbhash/thumbhash.js")
    }
    assert {f"image_service/site/static/gallery/{name}" for name in gallery} <= static
    assert {f"image_service/alembic/{name}" for name in ("env.py", "script.py.mako")} <= migrations
    assert {f"image_service/alembic/versions/{each.name}" for each in (ROOT / "alembic/versions").glob("*.py")} <= held
    assert "image_service/postgres/launcher.py" in held  # started by its path, imported by nobody in its process


def test_the_sdist_holds_what_building_needs(built: Built) -> None:
    """That it is enough is shown by the wheel, which was built from it."""
    with tarfile.open(built.sdist) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    packed = {f"src/{name}" for name in files(SOURCE)} | files(ROOT / "alembic") | files(ROOT / "docs")
    about = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO"}
    assert held == packed | about | {".gitignore"}  # hatchling always adds the last: it tells what not to pack


def test_who_may_use_it_and_where(metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    libraries = ("photoswipe", "sortable", "thumbhash")
    assert metadata.get_all("License-File") == [
        "LICENSE",
        *(f"src/image_service/site/static/gallery/vendor/{name}/LICENSE" for name in libraries),
    ]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text().strip()


def test_the_extras(metadata: Message) -> None:
    assert metadata.get_all("Provides-Extra") == ["embedded", "heic", "s3"]
