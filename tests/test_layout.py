"""The rooms of the code: imports run downwards only, and files stay small enough to have one subject."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "image_service"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 300

# A room may import those on the floors below its own, and itself. Files of the top folder are rooms of their own.
FLOORS = [
    {"cli"},
    {"commands"},
    {"copy_storage", "doctor", "importing"},
    {"console"},  # what all commands share
    {"serve"},
    {"worker"},
    {"app"},
    {"api"},
    {"ingest", "images"},  # which do not know each other
    {"stores"},  # images name the store that they belong to
    {"settings", "migrations", "embedded_postgres"},
    {"pixels", "storage", "database", "workers", "postgres_directory", "logs"},
    {"edge"},  # one connection
    {"metrics", "postgres_binaries"},  # every room counts
    {"errors", "metrics_files", "postgres_launcher"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Some are for few: the others get plain values.
ONLY_FOR = {
    "settings": {"app", "commands", "console", "copy_storage", "doctor", "importing", "serve", "worker"},
    "embedded_postgres": {"serve", "doctor"},
    "workers": {"serve", "worker", "cli"},
}


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


def test_the_service_itself_imports_no_decoder() -> None:
    """Pictures are opened in the pixel processes alone."""
    for path in MODULES:
        opens = {"pyvips", "thumbhash"} & _top_level(path)
        assert not opens or path.parent.name == "pixels", path


def _top_level(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES])
def test_files_have_one_subject(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_LINES
    assert not source or ast.get_docstring(ast.parse(source)), "a module says what it is"
