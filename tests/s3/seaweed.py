"""A real S3 server, SeaweedFS, for the length of a test run."""

import hashlib
import hmac
import json
import random
import re
import secrets
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.processes import DEADLINE

WEED = Path(sys.executable).parent / "weed"
KEY, SECRET, REGION = "testkey", "testsecret123", "us-east-1"
BUCKET = "pictures"
PARTS = ("s3", "master", "volume", "filer", "admin")  # each on a port, and on one more for gRPC


def new_prefix() -> str:
    """Of nobody else in the bucket."""
    return f"tests/{secrets.token_hex(8)}"


class SeaweedFS:
    """All parts in one process, on loopback ports of its own choice below those that the system hands out."""

    def __init__(self, folder: Path) -> None:
        self._readable: list[str] = []
        for _ in range(5):
            self._ports = ports = _free_ports(2 * len(PARTS))
            self.endpoint = f"http://127.0.0.1:{ports[0]}"
            self._log = (folder / "log").open("wb")
            self._process = subprocess.Popen(
                [WEED, "-logtostderr=true", "mini", *_options(folder, ports)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "HOME": str(folder)},
            )
            if self._answers():
                assert self.request("PUT", f"/{BUCKET}").status_code == 200
                return
            self.stop()  # someone else was faster to take a port
        raise AssertionError((folder / "log").read_text()[-2000:])

    def _answers(self) -> bool:
        deadline = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                if self.request("GET", "/").status_code == 200:
                    return True
            except httpx.TransportError:
                time.sleep(0.05)
        return False

    def stop(self) -> None:
        """At once: nobody needs what it holds, and it takes seconds to say goodbye."""
        self._process.kill()
        self._process.wait()
        self._log.close()
        for socket_file in Path("/tmp").glob("seaweedfs-*-grpc-*.sock"):  # noqa: S108 - where it puts them
            if int(socket_file.stem.rpartition("-")[2]) in self._ports:
                socket_file.unlink(missing_ok=True)

    def config(self, endpoint: str | None = None) -> dict[str, str]:
        """For `S3Storage`."""
        return {
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            "region": REGION,
            "endpoint": endpoint or self.endpoint,
            "allow_http": "true",
        }

    @property
    def variables(self) -> dict[str, str]:
        """The same as the environment of a program."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    def open_to_all(self, pattern: str) -> None:
        """By the bucket policy of docs/operations/s3.md: these objects may be read, and nothing else."""
        self._readable.append(pattern)
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": [f"arn:aws:s3:::{BUCKET}/{each}" for each in self._readable],
            },
        }
        answer = self.request("PUT", f"/{BUCKET}?policy=", json.dumps(policy).encode())
        assert answer.is_success, answer.text

    def unfinished(self) -> list[str]:
        """The keys of multipart uploads that nobody has ended."""
        answer = self.request("GET", f"/{BUCKET}?uploads=")
        assert answer.status_code == 200, answer.text
        return re.findall("<Upload>.*?<Key>(.*?)</Key>", answer.text)

    def request(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        """Signed (AWS Signature Version 4); the query's parameters must be in order."""
        url = httpx.URL(self.endpoint + path)
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": url.netloc.decode(), "x-amz-content-sha256": digest, "x-amz-date": now}
        lines = [f"{name}:{value}" for name, value in signed.items()]
        names = ";".join(signed)
        canonical = "\n".join([method, url.path, url.query.decode(), *lines, "", names, digest])
        scope = [now[:8], REGION, "s3", "aws4_request"]
        text = "\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{SECRET}".encode()
        for part in scope:
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={KEY}/{'/'.join(scope)}, SignedHeaders={names}, Signature={signature}"
        )
        return httpx.request(method, url, headers=signed, content=body)


def _options(folder: Path, ports: list[int]) -> list[str]:
    chosen = [f"-{part}.port={port}" for part, port in zip(PARTS, ports, strict=False)]
    chosen += [f"-{part}.port.grpc={port}" for part, port in zip(PARTS, ports[len(PARTS) :], strict=True)]
    return [
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *chosen,
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.localSocket={folder}/s3.sock",
        f"-filer.localSocket={folder}/filer.sock",
        "-s3.autoCreateBucket=false",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
    ]


def _free_ports(count: int) -> list[int]:
    """Side by side, and free a moment ago."""
    while True:
        first = random.randrange(20_000, 32_000)
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return list(range(first, first + count))
