"""A PostgreSQL of one's own, as an operator has it: over TCP, with a password, and a role that owns one database."""

import os
import subprocess
from pathlib import Path

from image_service.postgres.binaries import find_programs
from tests.deploy.nginx import free_port
from tests.processes import DEADLINE, eventually

NAME = "image_service"  # of the role and of its database, as in docker-compose.yml
PASSWORD = "0123456789abcdef"


class OwnPostgres:
    """Its data are below `folder`, which must exist."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        home = folder / "postgres"
        home.mkdir()
        self._programs = find_programs(home / "data")
        os.chown(home, *self._programs.owner)
        self._log = home / "log"
        (home / "password").write_text(PASSWORD)
        os.chown(home / "password", *self._programs.owner)
        with self._programs.reaching(home) as reached, self._log.open("wb") as log:
            data, secret = f"{reached.name}/data", f"--pwfile={reached.name}/password"
            initdb = ["initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", secret, "--no-sync"]
            subprocess.run(
                self._programs.command(*initdb), stdout=log, stderr=log, pass_fds=reached.descriptors, check=True
            )
            self._process = subprocess.Popen(
                self._programs.command("postgres", "-D", data, "-k", "", "-h", "127.0.0.1", "-p", str(self.port)),
                stdout=log,
                stderr=log,
                pass_fds=reached.descriptors,
            )
        eventually(self._answers)
        self.run("psql", "-c", f"CREATE ROLE {NAME} LOGIN PASSWORD '{PASSWORD}'")
        self.create(NAME)

    @property
    def directory(self) -> Path:
        """Of `pg_dump`, `psql` and their like."""
        return self._programs.directory

    @property
    def url(self) -> str:
        """For the service."""
        return f"postgresql+asyncpg://{NAME}:{PASSWORD}@127.0.0.1:{self.port}/{NAME}"

    def create(self, database: str) -> None:
        self.run("psql", "-c", f"CREATE DATABASE {database} OWNER {NAME}")

    def run(self, name: str, *arguments: str) -> str:
        """One of PostgreSQL's programs, as the superuser. Raises `CalledProcessError`."""
        connection = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": PASSWORD}
        environment = {"PATH": os.defpath, "LC_ALL": "C", **connection}
        command = self._programs.command(name, *arguments)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=True
        ).stdout

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        done = subprocess.run(self.is_ready(), check=False, capture_output=True, timeout=DEADLINE)
        return done.returncode == 0

    def is_ready(self) -> list[str]:
        return [str(self.directory / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(DEADLINE)
