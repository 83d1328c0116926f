"""What pyproject.toml promises: dependencies that are all there, and Pythons on which they can be had."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.packaging.conftest import PROJECT, ROOT

PYTHONS = [(3, int(found[1])) for each in PROJECT["classifiers"] if (found := re.search(r":: 3\.(\d+)$", each))]
# On 64-bit ARM thumbhash-rs has to be compiled, by Rust; all else has wheels there too.
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)] + ["manylinux2014_x86_64"]
NOT_INSTALLED = {"pi_heif": ["pi-heif-decoder"]}  # by `make setup`: an extra that whoever wants it brings
WITHOUT_WHEELS = {"pyvips"}  # Python alone, once pyvips-binary has brought the library


def imported() -> set[str]:
    """The top-level names that our modules and migrations take from elsewhere."""
    found: set[str] = set()
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "alembic").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"image_service"}


def test_all_that_is_imported_is_a_dependency_of_our_own() -> None:
    """Not only of another dependency, which may do without it in its next version. Or it is an extra of its own."""
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["s3"], *extras["heic"]]
    declared = {canonicalize_name(Requirement(each).name) for each in wanted}
    distributions = {**NOT_INSTALLED, **packages_distributions()}
    for name in imported():
        assert declared & {canonicalize_name(each) for each in distributions[name]}, f"{name} is not declared"


def locked() -> dict[str, list[str]]:
    """The wheels of all that the service needs with its extras, as uv.lock knows them."""
    packages = {each["name"]: each for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    own = packages["image-service"]
    names = {
        each["name"]
        for each in [
            *own["dependencies"],
            *own["optional-dependencies"]["embedded"],
            *own["optional-dependencies"]["s3"],
        ]
    }
    while more := {each["name"] for name in names for each in _wanted(packages[name])} - names:
        names |= more
    return {
        name: [Path(each["url"]).name for each in packages[name].get("wheels", [])] for name in names - WITHOUT_WHEELS
    }


def _wanted(package: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return [each for each in package.get("dependencies", []) if "win32" not in each.get("marker", "")]


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_every_locked_package_has_a_wheel_for_the_pythons_declared(python: tuple[int, int]) -> None:
    interpreter = f"cp{python[0]}{python[1]}"
    tags = {*cpython_tags(python, platforms=PLATFORMS), *compatible_tags(python, interpreter, PLATFORMS)}
    lacking = [
        name for name, wheels in locked().items() if not any(tags & parse_wheel_filename(each)[3] for each in wheels)
    ]
    assert lacking == []


def test_the_python_of_these_tests_is_declared() -> None:
    assert sys.version_info[:2] in PYTHONS
