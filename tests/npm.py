"""What package-lock.json of a folder of tests pins, installed beside it."""

import hashlib
import subprocess
from fcntl import LOCK_EX, flock
from pathlib import Path

from tests.deploy.needs import need, program


def npm_packages(folder: Path) -> Path:
    """Its node_modules. None of the packages runs a program while it is installed."""
    npm = program("npm", "npm")
    modules = folder / "node_modules"
    installed, wanted = modules / ".installed", hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    with (folder / ".installing").open("w") as lock:
        flock(lock, LOCK_EX)  # tests run in several processes, which share the folder
        if not installed.is_file() or installed.read_text() != wanted:
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            need(done.returncode == 0, f"the packages of {folder.name}/package-lock.json: {done.stderr[-500:]}")
            installed.write_text(wanted)
    return modules
