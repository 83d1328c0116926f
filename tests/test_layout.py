"""The rooms of the code: imports run downwards only, and files stay small enough to have one subject."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "image_service"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 300

MAX_FILES = 15  # in a folder, not counting `__init__.py`

# A room is a folder or a file of the top folder. It may import itself and the rooms on the floors below its own.
FLOORS = [
    {"cli"},
    {"processes"},
    {"app"},
    {"work"},
    {"parts"},
    {"dialects", "own", "delivery", "site"},
    {"web"},
    {"jobs"},
    {"galleries"},  # which brings the two below together
    {"ingest", "images"},  # which do not know each other
    {"stores"},  # images name the store that they belong to
    {"settings", "postgres"},
    {"queue"},
    {"pixels", "storage", "database"},
    {"edge"},
    {"telemetry"},  # every room counts and logs
    {"background", "backoff"},
    {"errors"},
    {"refusals"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Some rooms are for few: the others get plain values.
ONLY_FOR = {
    "settings": {"app", "cli", "parts", "processes", "work"},
    "postgres": {"cli", "processes"},
    "parts": {"app", "cli", "work"},
}
DIALECTS = {path.name for path in (SOURCE / "dialects").iterdir() if (path / "routes.py").is_file()}


def room_of(name: str) -> str:
    return name.split(".")[1]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{each.name}" for each in node.names if node.module == "image_service"}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return {name for name in found if name.startswith("image_service.")}


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])
def test_imports_run_downwards(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for name in imports(path):
        other = room_of(name)
        if other != room:
            assert FLOOR[other] > FLOOR[room], f"{room} imports {name}"
            assert room in ONLY_FOR.get(other, FLOOR), f"{room} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])
def test_a_dialect_is_known_to_itself_and_to_the_application_alone(path: Path) -> None:
    """No dialect names another, and no shared room names one, not even in a comment; a setting may be for one."""
    here = path.relative_to(SOURCE).parts
    if here in (("app.py",), ("settings.py",)):
        return
    own = {here[1]} if here[0] == "dialects" else set()
    text = path.read_text().lower()
    assert {name for name in DIALECTS if name in text} <= own


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=lambda path: path.name)
def test_a_folder_is_one_room(folder: Path) -> None:
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= MAX_FILES


def test_the_floors_name_the_rooms_that_there_are() -> None:
    assert {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES} - {"__init__"} == set(FLOOR)


def test_the_architecture_names_the_rooms_that_there_are() -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text()
    tree = page.partition("src/image_service/\n")[2].partition("\nalembic/")[0]
    names = " ".join(re.split("  +", line.strip())[0] for line in tree.splitlines())  # without what is said of them
    named = set(re.findall(r"([a-z_]+)(?:/|\.py)", names))
    assert named == set(FLOOR)


DECODING = [SOURCE / "pixels" / room for room in ("", "animation", "colour")]


def test_the_service_itself_imports_no_decoder() -> None:
    """Pictures are opened in the pixel processes alone."""
    for path in MODULES:
        opens = {"pyvips", "thumbhash"} & _top_level(path)
        assert not opens or path.parent in DECODING, path


def _top_level(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_what_runs_the_service_imports_only_what_it_needs() -> None:
    """It lives as long as the service does, and starts while another process imports all this for the workers."""
    heavy = {"alembic", "asyncpg", "fastapi", "sqlalchemy", "sqlmodel", "uvicorn"}
    assert not heavy & imported("image_service.cli.main", "image_service.cli.program")


def test_the_commands_do_not_import_the_service() -> None:
    """Whoever lists stores does not wait for it."""
    assert not {"alembic", "fastapi", "pyvips", "starlette", "uvicorn"} & imported("image_service.cli.commands")


def imported(*modules: str) -> set[str]:
    """What is, once these are."""
    asked = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])
def test_files_have_one_subject(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_LINES
    assert not source or ast.get_docstring(ast.parse(source)), "a module says what it is"
