"""In which order an upload reaches the disk, seen from the kernel; and a disk that answers with errors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults import killing
from tests.faults.killing import SETTINGS, TOKEN
from tests.faults.tracing import Call, calls, needs_strace, traced
from tests.processes import Server, eventually, family
from tests.shop import form, png

IMAGES = "/products/1/images"
WRITES = "--trace=write,writev,pwrite64,sendto,sendmsg,link,linkat,rename,renameat,renameat2,mkdir,fsync,fdatasync"

pytestmark = needs_strace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("writes") / "service", **SETTINGS)
    try:
        server.ready()
        server.token = TOKEN
        yield server
    finally:
        server.end()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def order(client: httpx.Client) -> list[int]:
    images = client.get(IMAGES).raise_for_status().json()
    assert [image["position"] for image in images] == list(range(1, len(images) + 1))
    return [image["id"] for image in images]


def left(server: Server) -> list[str]:
    """What lies about where files are on their way."""
    folders = (server.data / "staging", server.data / "blobs" / "tmp")
    return [path.name for folder in folders for path in folder.iterdir()]


def only(found: list[Call], is_it: Callable[[Call], bool]) -> Call:
    (call,) = filter(is_it, found)
    assert call.worked
    return call


def test_bytes_then_name_then_commit_then_answer(server: Server, client: httpx.Client, tmp_path: Path) -> None:
    """The order that nothing acknowledged can be lost by, even to a power failure; `fsync` is the disk's own word."""
    output, data = tmp_path / "trace", png("navy", (40, 30))
    (worker,) = killing.worker(server)
    with traced([worker], output, "-f", WRITES):
        answer = client.post(IMAGES, files=form(data))
        assert answer.status_code == 201
        client.get("/health/live").raise_for_status()  # so the call that sent the answer has returned, and been noted
    key = answer.json()["src"].split("-")[-3]
    assert (server.data / "blobs" / "private" / key[:2] / key).read_bytes() == data
    found = calls(output)

    named = only(found, lambda call: call.name.startswith("rename") and f"/private/{key[:2]}/{key}" in call.arguments)
    temporary = named.arguments.split('"')[1]
    linked = only(found, lambda call: call.name.startswith("link") and f'"{temporary}"' in call.arguments)
    staged = linked.arguments.split('"')[1]
    written = [call for call in found if call.name == "write" and f"<{staged}>" in call.arguments]
    settled = only(found, lambda call: call.name == "fsync" and f"<{temporary}>" in call.arguments)
    folder = f"<{Path(named.arguments.split(chr(34))[3]).parent}>"
    recorded = only(found, lambda call: call.name == "fsync" and folder in call.arguments and call.begun > named.ended)
    commits = [call for call in found if "COMMIT;" in call.arguments]
    answered = only(found, lambda call: '"HTTP/1.1 201' in call.arguments)

    assert sum(call.result for call in written) == len(data)
    assert max(call.ended for call in written) < settled.begun
    assert settled.ended < named.begun
    assert named.ended < recorded.begun
    assert recorded.ended < commits[-1].begun
    assert commits[-1].ended < answered.begun
    # The folder's own name is on the disk too, before anything counts on it.
    above = f"<{Path(folder[1:-1]).parent}>"
    assert any(call.name == "fsync" and above in call.arguments and call.ended < named.begun for call in found)


@pytest.mark.parametrize(("error", "status"), [("EIO", 503), ("ENOSPC", 507), ("EDQUOT", 507)])
def test_a_disk_that_cannot_keep_what_it_was_given(
    server: Server, client: httpx.Client, tmp_path: Path, error: str, status: int
) -> None:
    """`fsync` says so, and then nobody is told that there is an image."""
    before = order(client)
    (worker,) = killing.worker(server)
    originals = sorted((server.data / "blobs" / "private").rglob("*"))
    fails = ("--trace=fsync,fdatasync", f"--inject=fsync,fdatasync:error={error}")
    with traced([worker], tmp_path / "trace", "-f", *fails):
        for path, request in (
            (IMAGES, {"files": form()}),
            ("/v2/images.json", {"files": form()}),
            (IMAGES, {"json": {"attachment": "R0lGODlhAQABAIAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="}}),
        ):
            assert client.post(path, **request).status_code == status
        if before:
            assert client.put(f"{IMAGES}/{before[0]}", files=form(png("green"))).status_code == status
        assert client.get("/health/ready").status_code == 503
        assert order(client) == before
    assert left(server) == []
    assert sorted((server.data / "blobs" / "private").rglob("*")) == originals
    answer = client.post(IMAGES, files=form())
    assert answer.status_code == 201
    assert order(client) == [*before, answer.json()["id"]]
    assert client.get(f"/images/{answer.json()['id']}/original").content == png()


def test_a_database_whose_disk_cannot_keep_its_log(server: Server, client: httpx.Client, tmp_path: Path) -> None:
    """PostgreSQL then believes nothing any more that it has in memory: it panics, and begins again from its log."""
    kept = client.post(IMAGES, files=form(png("blue"))).raise_for_status().json()["id"]
    before = order(client)
    backends = set(family(server.postmaster)) - {server.postmaster}
    key = {"Idempotency-Key": "a disk that failed"}
    with traced(backends, tmp_path / "trace", "--trace=fdatasync", "--inject=fdatasync:error=EIO"):
        assert client.post(IMAGES, files=form()).status_code == 503
    assert "PANIC" in (server.postgres / "postgres.log").read_text()
    assert eventually(lambda: client.get("/health/ready").status_code == 200)
    assert order(client) in (before, [*before, kept + 1])  # whether it had reached the disk nobody knew
    assert client.get(f"/images/{kept}/original").content == png("blue")
    made = client.post(IMAGES, files=form(), headers=key).raise_for_status().json()["id"]
    assert order(client)[-1] == made
