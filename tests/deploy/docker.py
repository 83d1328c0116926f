"""As much of `docker compose` as docs/operations/ uses, on processes of this machine in place of containers.

    python docker.py STATE compose …

The commands within containers are run for real, with the environment that docker-compose.yml and .env give them. What
is not known here fails, so that the page cannot outgrow its test.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.deploy.files import compose, dockerfile
from tests.processes import eventually, family, left


class Machine:
    """`state`: a JSON file with what differs here: bin, postgres (its programs), port, database_port, data."""

    def __init__(self, state: Path) -> None:
        self._state: dict[str, Any] = json.loads(state.read_text())
        self._pid = state.with_suffix(".pid")
        self._log = state.with_suffix(".log")
        lines = [line.partition("=") for line in Path(".env").read_text().splitlines() if line and line[0] != "#"]
        self._dotenv = {name: value for name, _, value in lines}
        self._services = compose(self._dotenv)["services"]

    def _environment(self, name: str) -> dict[str, str]:
        here = self._state
        if name == "database":
            given = self._services["database"]["environment"]
            where = {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(here["database_port"]),
                "PGPASSWORD": given["POSTGRES_PASSWORD"],
            }
            return {"PATH": f"{here['postgres']}:{os.defpath}", "LC_ALL": "C", **where}
        found = {**dockerfile()[-1].environment, **self._dotenv, **self._services[name]["environment"]}
        url = found["IMAGE_SERVICE_DATABASE_URL"].replace("@database/", f"@127.0.0.1:{here['database_port']}/")
        return found | {
            "PATH": f"{here['bin']}:{os.defpath}",
            "IMAGE_SERVICE_HOST": "127.0.0.1",
            "IMAGE_SERVICE_PORT": str(here["port"]),
            "IMAGE_SERVICE_DATA_DIR": here["data"],
            "IMAGE_SERVICE_DATABASE_URL": url,
        }

    def run(self, name: str, words: list[str]) -> int:
        command = [word.replace("/data", self._state["data"]) for word in words]
        environment = self._environment(name)
        return subprocess.run(command, env=environment, check=False, cwd="/").returncode

    def up(self) -> int:
        if self._pid.exists():
            return 0
        image = dockerfile()[-1]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [Path(self._state["bin"]) / image.command("ENTRYPOINT")[0], *image.command("CMD")],
                env=self._environment("service"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid.write_text(str(process.pid))
        eventually(lambda: process.poll() is not None or self.run("service", image.health_check) == 0)
        return process.poll() or 0

    def stop(self) -> int:
        if self._pid.exists():
            members = family(int(self._pid.read_text()))
            os.kill(int(self._pid.read_text()), signal.SIGTERM)
            eventually(lambda: not left(members))
            self._pid.unlink()
        return 0

    def logs(self) -> int:
        sys.stdout.write(self._log.read_text())
        return 0


def main(state: str, *words: str) -> int:
    machine = Machine(Path(state))
    entrypoint = dockerfile()[-1].command("ENTRYPOINT")
    match words:
        case ["compose", "up", "--detach", "--wait", "database"] | ["compose", "build", "service"]:
            return 0  # it runs already; there is nothing to build
        case ["compose", "up", "--detach", "--build", "--wait"] | ["compose", "up", "--detach", "--wait"]:
            return machine.up()
        case ["compose", "stop", "nginx", "service"]:
            return machine.stop()
        case ["compose", "logs", "--no-log-prefix", "--since", "24h", "service"]:
            return machine.logs()
        case ["compose", "exec", "-T", "database" | "service" as name, *command]:
            return machine.run(name, command)
        case ["compose", "run", "--rm", "-T", "--no-deps", "--entrypoint", program, "service", *arguments]:
            return machine.run("service", [program, *arguments])
        case ["compose", "run", "--rm", "-T", "--no-deps", "service", *arguments]:
            return machine.run("service", [*entrypoint, *arguments])
        case _:
            sys.stderr.write(f"docker: not known to this test: {words}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
