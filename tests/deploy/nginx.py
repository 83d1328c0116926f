"""nginx with the project's own configuration, filled in as the official image does it."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.files import ROOT, compose
from tests.processes import DEADLINE, eventually

TEMPLATE = ROOT / "deploy" / "nginx.conf"
ACCOUNT = 101  # nginx in the official image; no account of ours may be needed


def filled_in(template: str, values: Mapping[str, str]) -> str:
    """As `envsubst` with a list of names: what is not in it stays, such as nginx' own variables."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _command() -> list[str]:
    """What docker-compose.yml says after the program's name."""
    command: list[str] = compose({"POSTGRES_PASSWORD": "any"})["services"]["nginx"]["command"]
    assert command[0] == "nginx"
    return command[1:]


class Nginx:
    """Runs in `folder`, which every account must be able to enter; not as root."""

    def __init__(self, program: str, folder: Path, upstream: str, public: Path, **changes: str) -> None:
        """`changes`: names of the template, or whole words of it, and what stands there instead."""
        self.port = free_port()
        values = {
            "NGINX_LISTEN": f"127.0.0.1:{self.port}",
            "NGINX_UPSTREAM": upstream,
            "NGINX_ROOT": str(public),
            "NGINX_MAX_BODY": "16m",
            "NGINX_TRUSTED_PROXY": "unix:",
            "IMAGE_SERVICE_NEGOTIATE_FORMATS": "true",
        }
        text = filled_in(TEMPLATE.read_text(), values | changes)
        for name, value in ((name, value) for name, value in changes.items() if name not in values):
            text = re.sub(rf"\b{name} [^;]*;", f"{name} {value};", text)
        folder.mkdir()
        (folder / "nginx.conf").write_text(text)
        self._log = folder / "log"
        self._log.touch()
        account = ACCOUNT if os.geteuid() == 0 else None
        if account is not None:
            for path in (folder, self._log):
                os.chown(path, account, account)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, *(word.replace("/tmp", str(folder)) for word in _command())],  # noqa: S108 - the container's
                stdout=log,
                stderr=log,
                cwd=folder,
                user=account,
                group=account,
                extra_groups=None if account is None else [],
            )
        eventually(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def log(self) -> str:
        return self._log.read_text()

    def lines(self, request_id: str | None) -> list[dict[str, Any]]:
        """Those of that request; they may be a second late."""
        return [line for line in self.all_lines() if line["request_id"] == request_id]

    def all_lines(self) -> list[dict[str, Any]]:
        whole = self.log.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)
