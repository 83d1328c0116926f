"""The private PostgreSQL of a service that is root, where every folder is closed to others, as in a container."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import pytest

from image_service.postgres import copies
from tests.databases import rows, write_row
from tests.needs import needs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's PostgreSQL runs as that user")

# Starts the database on a folder, says its URL after what it logs, and stops it when its input ends.
SERVICE = """
import logging, os, sys
from pathlib import Path
from image_service.postgres.embedded import EmbeddedPostgres
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
os.umask(0o077)
database = EmbeddedPostgres(Path(sys.argv[1]))
database.start()
print(database.url, flush=True)
sys.stdin.read()
database.stop()
"""

# Refuses user namespaces, as Docker's and Podman's filter of system calls does, and becomes another program.
REFUSE = """
import ctypes, os, sys
seccomp, allow, eperm = ctypes.CDLL("libseccomp.so.2"), 0x7FFF0000, 0x00050001
seccomp.seccomp_init.restype = ctypes.c_void_p
rules = ctypes.c_void_p(seccomp.seccomp_init(allow))
assert seccomp.seccomp_rule_add(rules, eperm, seccomp.seccomp_syscall_resolve_name(b"unshare"), 0) == 0
assert seccomp.seccomp_load(rules) == 0
assert ctypes.CDLL(None).unshare(0x10000000) == -1
os.execv(sys.argv[1], sys.argv[1:])
"""
WITHOUT_NAMESPACES = [sys.executable, "-c", REFUSE]
ONLY_ROOT = ["/usr/bin/unshare", "--map-root-user"]  # as in a container without other users


def has_libseccomp() -> bool:
    with suppress(OSError):
        return bool(ctypes.CDLL("libseccomp.so.2"))
    return False


def may_be_only_root() -> bool:
    """Whether a process may have a user namespace, and another in that: it may not in a container, nor in a chroot."""
    tried = [*ONLY_ROOT, *ONLY_ROOT, "true"]
    return Path(ONLY_ROOT[0]).exists() and subprocess.run(tried, check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Started:
    url: str
    logged: list[str]
    uid: int
    capabilities: int
    program: Path


@contextmanager
def started(root: Path, *before: str, packages: Path | None = None) -> Iterator[Started]:
    """A service on `root`, started by way of `before`, that finds the wheel in `packages` if these are given."""
    command = [*before, sys.executable, "-c", SERVICE, str(root)]
    env = os.environ | ({"PYTHONPATH": str(packages)} if packages else {})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as service:
        assert service.stdin
        assert service.stdout
        said = []
        for line in service.stdout:
            said.append(line.strip())
            if line.startswith("postgresql"):
                break
        assert said, "it says on standard error why"
        postmaster = Path("/proc") / (root / "pgdata/postmaster.pid").read_text().split()[0]
        status = dict(line.split(":\t", 1) for line in (postmaster / "status").read_text().splitlines())
        uid, capabilities = int(status["Uid"].split()[1]), int(status["CapEff"], 16)
        yield Started(said[-1], said[:-1], uid, capabilities, (postmaster / "exe").readlink())
        service.stdin.close()
        assert service.wait() == 0


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def packages(closed: Path) -> Iterator[Path]:
    """The wheel as another is, in a folder that is closed to others. Its copy is removed in the end."""
    wheel = metadata.distribution(copies.MODULE)
    found = Path(str(wheel.locate_file("")))
    there = closed / "packages"
    there.mkdir(mode=0o700)
    for name in (copies.MODULE, f"{copies.MODULE}.libs", f"{copies.MODULE}-{wheel.version}.dist-info"):
        shutil.copytree(found / name, there / name)
    with (there / f"{copies.MODULE}-{wheel.version}.dist-info" / "RECORD").open("a") as record:
        record.write(f"{uuid4()},,\n")
    before = set(copies.FOLDER.glob("*"))
    yield there
    for made in set(copies.FOLDER.glob("pginstall*")) - before:
        shutil.rmtree(made)


@needs(has_libseccomp(), "libseccomp2")
async def test_nothing_is_open_to_others_and_there_are_no_user_namespaces(closed: Path, packages: Path) -> None:
    root = closed / "data" / "postgres"
    modes = {path: path.stat().st_mode for path in (closed, packages)}
    with started(root, *WITHOUT_NAMESPACES, packages=packages) as first:
        await write_row(first.url)
        assert (first.uid > 0, first.capabilities) == (True, 0)
        assert first.program.is_relative_to(copies.FOLDER)
        [line] = first.logged
        assert str(first.program).startswith(line.split(" copied to ")[1].split(":")[0])
        assert (root / "pgdata").stat().st_uid == first.uid
    with started(root, *WITHOUT_NAMESPACES, packages=packages) as second:
        assert await rows(second.url) == [7]
        assert (second.program, second.logged) == (first.program, [])
    assert {path: path.stat().st_mode for path in modes} == modes
    assert [path.stat().st_mode & 0o077 for path in (root.parent, root)] == [0, 0]


@pytest.mark.parametrize("owner", [0, 12345])
async def test_data_of_another_account_go_on_where_they_are(closed: Path, owner: int) -> None:
    """Root's, as versions before left them, whose PostgreSQL ran in a namespace; or of a machine with other ids."""
    root = closed / "postgres"
    with started(root) as before:
        await write_row(before.url)
    below = [root / "run", root / "pgdata", *(root / "pgdata").rglob("*")]
    for path in below:
        os.chown(path, owner, owner)
    with started(root) as after:
        assert await rows(after.url) == [7]
        assert {path.stat().st_uid for path in below if path.exists()} == {after.uid}


@pytest.mark.skipif(not may_be_only_root(), reason="no user namespaces here")
async def test_root_that_can_become_nobody_else(closed: Path) -> None:
    with started(closed / "postgres", *ONLY_ROOT) as service:
        await write_row(service.url)
    with started(closed / "postgres") as service:
        assert await rows(service.url) == [7]
