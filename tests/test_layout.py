"""The rooms of the code: imports run downwards only, and files stay small enough to have one subject."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "image_service"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 300

# A room may import those on the floors below its own, and itself. Files of the top folder are rooms of their own.
FLOORS = [
    {"cli"},
    {"commands"},
    {"copy_storage", "doctor", "importing", "program"},
    {"console"},  # what all commands share
    {"serve"},
    {"forked", "preloaded"},  # the first names what is done in other processes, which the second imports for them
    {"worker", "preparation"},
    {"app"},
    {"api"},
    {"assembly"},
    {"ingest", "images"},  # which do not know each other
    {"stores"},  # images name the store that they belong to
    {"places", "schema"},
    {"settings", "migrations", "embedded_postgres"},
    {"pixels", "storage", "database", "workers", "postgres_directory", "logs"},
    {"edge", "database_pool"},  # connections, those that come and those that are made
    {"metrics", "postgres_binaries"},  # every room counts
    {"errors", "metrics_files", "postgres_launcher", "migration_scripts", "database_limits"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Some are for few: the others get plain values.
ONLY_FOR = {
    "settings": {
        *("app", "assembly", "commands", "console", "copy_storage", "doctor", "forked", "importing", "places"),
        *("preparation", "program", "serve", "worker"),
    },
    "database_pool": {"database"},
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


def test_what_runs_the_service_imports_only_what_it_needs() -> None:
    """It lives as long as the service does, and starts while another process imports all this for the workers."""
    heavy = {"alembic", "asyncpg", "fastapi", "sqlalchemy", "sqlmodel", "uvicorn"}
    assert not heavy & imported("image_service.cli", "image_service.program")


def test_the_commands_do_not_import_the_service() -> None:
    """Whoever lists stores does not wait for it."""
    assert not {"alembic", "fastapi", "pyvips", "starlette", "uvicorn"} & imported("image_service.commands")


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
