"""The image and its container without Docker: built by the Dockerfile's own commands, run as its user, read-only."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.deploy.files import ROOT, Stage

ACCOUNT = 10001

# The rest of the machine read-only, for this process and its children alone; `data` and `tmp` stay.
READ_ONLY = """
mount --bind "$1" "$1" && mount -t tmpfs -o size=64m,mode=1777 tmpfs "$2" && mount -o remount,bind,ro / && shift 2 &&
    exec "$@"
"""


def interpreter() -> str | None:
    """A Python that the container's user can run: ours may be in a home directory that is closed to others."""
    for path in (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3"):
        asked = [path, "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        with suppress(OSError):
            if subprocess.run(asked, check=False, capture_output=True, cwd="/", **_drop()).returncode == 0:
                return path
    return None


def _drop() -> dict[str, Any]:
    """Options of a process that is not to be root."""
    return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}


def build(stage: Stage, folder: Path, python: str) -> Path:
    """What the build stage makes of /app, in `folder`; returns its `bin`. Raises `CalledProcessError`."""
    [work] = stage.every("WORKDIR")
    environment = {name: value.replace(work, str(folder)) for name, value in stage.environment.items()}
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUAL_ENV")}
    environment = {**inherited, "UV_PYTHON": python, **environment, "PATH": tools}
    folder.mkdir()
    for name, value in stage.instructions:
        if name == "COPY":
            *sources, target = value.split()
            for source in sources:
                _copy(ROOT / source, folder / target / ("" if source.endswith("/") else source))
        elif name == "RUN" and "pip install" not in value:  # uv is here
            subprocess.run(value, shell=True, cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S602
    return folder / ".venv" / "bin"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def can_be_read_only() -> bool:
    """Whether this machine lets us mount; many a container does not."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    tried = ["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"]
    return subprocess.run(tried, check=False, capture_output=True).returncode == 0


def start(
    command: list[str], environment: Mapping[str, str], data: Path, tmp: Path, log: Path, *, read_only: bool
) -> "subprocess.Popen[bytes]":
    """The container's process: not root, nothing of our environment, /data and /tmp of its own."""
    if os.geteuid() == 0:
        os.chown(data, ACCOUNT, ACCOUNT)
    if read_only:
        drop = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--bounding-set=-all"]
        drop += ["--inh-caps=-all", "--no-new-privs"]
        command = ["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh", str(data), str(tmp), *drop, *command]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, "TMPDIR": str(tmp)},
            cwd=data,
            start_new_session=True,
            **({} if read_only else _drop()),
        )


def accounts(pids: list[int]) -> set[int]:
    """The real, effective, saved and file system user ids of these processes."""
    found: set[int] = set()
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        match = re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)
        assert match
        found |= set(map(int, match[1].split()))
    return found
