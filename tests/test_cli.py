"""The commands of `image-service`, beside a running service and without one."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from image_service.postgres.embedded import EmbeddedPostgres
from tests.conftest import PHOTOS
from tests.needs import needs
from tests.processes import DEADLINE, PROGRAM, Done, Server, command, environment
from tests.shop import form

PAGE = (Path(__file__).parents[1] / "docs" / "shell.md").read_text()
IMPORTED = "a-secret-from-elsewhere-1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("service"))
    try:
        yield server.ready()
    finally:
        server.end()


def run(server: Server, *arguments: str, stdin: str = "") -> Done:
    """On the running service's data, as someone else in its place would do."""
    return command(server.data.parent, *arguments, stdin=stdin)


def done(server: Server, *arguments: str, stdin: str = "") -> Done:
    """One that must go well."""
    result = run(server, *arguments, stdin=stdin)
    assert (result.status, result.err) == (0, ""), result
    return result


def status(server: Server, token: str, method: str = "GET") -> int:
    with server.client(token) as client:
        files = form() if method == "POST" else None
        return client.request(method, "/products/7/images", files=files).status_code


def test_a_store_from_its_making_to_its_removal(server: Server) -> None:
    postmaster = server.postmaster
    made = done(server, "stores", "add", "Loja São João", "--json").json
    assert made.keys() == {"store_id", "token"}
    store, token = str(made["store_id"]), made["token"]
    assert status(server, token, "POST") == 201

    listed = done(server, "stores", "list", "--json").json
    assert [each["name"] for each in listed if each["id"] == made["store_id"]] == ["Loja São João"]
    assert "Loja São João" in done(server, "stores", "list").out

    done(server, "stores", "set", store, "--language", "pt-BR")
    assert [each["language"] for each in done(server, "stores", "list", "--json").json][-1] == "pt-BR"

    reader = done(server, "stores", "token", store, "--read-only", "--json").json
    assert (reader["store_id"], reader["scope"]) == (made["store_id"], "read")
    assert status(server, reader["token"]) == 200
    assert status(server, reader["token"], "POST") == 403

    tokens = done(server, "stores", "tokens", store, "--json").json
    assert [each["scope"] for each in tokens] == ["write", "read"]
    assert token not in json.dumps(tokens)
    done(server, "stores", "revoke", str(tokens[1]["id"]))
    assert status(server, reader["token"]) == 401
    assert status(server, token) == 200

    refused = run(server, "stores", "remove", store)  # nobody says yes
    assert refused.status == 1
    assert status(server, token) == 200
    assert "with 1 images" in done(server, "stores", "remove", store, "--yes").out
    assert status(server, token) == 401
    assert server.postmaster == postmaster, "the commands must leave the service's database alone"


def test_a_store_that_brings_its_id_and_secret(server: Server) -> None:
    made = done(server, "stores", "add", "from elsewhere", "--id", "15", "--token-stdin", stdin=IMPORTED + "\n")
    assert "15" in made.out
    assert IMPORTED not in made.out
    assert status(server, IMPORTED) == 200
    assert IMPORTED not in server.log_file.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stores", "add", "twice", "--id", "1"], "id: is in use already"),
        (["stores", "add", "short", "--token-stdin"], "token: must be 20 to 200"),
        (["stores", "token", "4242"], "no store 4242"),
        (["stores", "set", "4242", "--language", "es"], "no store 4242"),
        (["stores", "set", "1", "--language", "español"], "language: must be a language"),
        (["stores", "tokens", "4242"], "no store 4242"),
        (["stores", "remove", "4242", "--yes"], "no store 4242"),
        (["stores", "revoke", "4242"], "no token 4242"),
    ],
)
def test_what_cannot_be_done_is_one_line(server: Server, arguments: list[str], said: str) -> None:
    result = run(server, *arguments, stdin="short\n")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("image-service: ")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_verify_names_what_is_damaged_and_what_is_missing(server: Server) -> None:
    with server.client() as client:
        ids = [client.post("/products/9/images", files=form()).raise_for_status().json()["id"] for _ in range(3)]
        keys = [client.get(f"/products/9/images/{id}").json()["src"].rsplit("-", 3)[1] for id in ids]
    files = [server.data / "blobs" / "private" / key[:2] / key for key in keys]
    flipped = bytearray(files[0].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    files[0].write_bytes(flipped)
    files[1].unlink()
    result = run(server, "verify", "--json")
    assert result.status == 1
    assert {(each["image_id"], each["state"]) for each in result.json["bad"]} == {
        (ids[0], "damaged"),
        (ids[1], "missing"),
    }
    said = run(server, "verify")
    assert said.status == 1
    assert f"damaged: image {ids[0]} of store 1" in said.out
    assert f"missing: image {ids[1]} of store 1" in said.out
    with server.client() as client:
        assert client.delete("/products/9").status_code == 200
    assert run(server, "verify").status == 0


@needs(shutil.which("faketime") is not None, "faketime")
def test_a_sweep_whose_clock_is_two_days_ahead(server: Server) -> None:
    """What counts is the clock of the files, and that of the database."""
    with server.client() as client:
        kept = client.post("/products/10/images", files=form()).raise_for_status().json()
        gone = client.post("/products/10/images", files=form()).raise_for_status().json()
        client.delete(f"/products/10/images/{gone['id']}").raise_for_status()
    under_way = [server.data / "staging" / "half", server.data / "blobs" / "tmp" / "half"]
    for path in under_way:
        path.write_bytes(b"half a picture")
    # Its own clock alone: not that of the files, nor the one that measures how long things take.
    ahead = {"NO_FAKE_STAT": "1", "FAKE_UTIME": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    done = subprocess.run(
        ["faketime", "-f", "+2d", PROGRAM, "sweep", "--json"],
        env=environment(server.data) | ahead,
        capture_output=True,
        check=True,
        timeout=DEADLINE,
    )
    assert json.loads(done.stdout) == dict.fromkeys(
        ("staged", "trash", "strays", "variants", "unused", "keys", "orphans", "tickets", "jobs", "deliveries"), 0
    )
    assert run(server, "verify").status == 0
    for path in under_way:
        path.unlink()
    with server.client() as client:
        assert client.get(kept["src"].removeprefix(server.url)).status_code == 200
        assert client.delete("/products/10").status_code == 200


def test_sweep_and_verify(server: Server) -> None:
    with server.client() as client:
        image = client.post("/products/8/images", files=form()).raise_for_status().json()
    swept = done(server, "sweep", "--dry-run", "--json").json
    assert swept.keys() >= {"trash", "strays", "variants", "staged"}
    whole = done(server, "verify", "--json").json
    assert whole["whole"] >= 1
    assert whole["bad"] == []
    for original in server.data.glob("blobs/private/*/*"):
        original.write_bytes(b"damaged")
    found = run(server, "verify", "--json")
    assert found.status == 1
    assert [(each["image_id"], each["state"]) for each in found.json["bad"]] == [(image["id"], "damaged")]
    assert run(server, "verify").status == 1


def test_openapi_needs_nothing(tmp_path: Path) -> None:
    first, second = (command(tmp_path / port, "openapi", PORT=port) for port in ("8000", "9"))
    assert first.json["openapi"].startswith("3.")
    assert first.out == second.out
    assert not (tmp_path / "9" / "data").exists()


def test_without_a_running_service_the_database_is_started_and_stopped_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert command(tmp_path, "migrate").status == 0
        assert not (tmp_path / "data/postgres/pgdata/postmaster.pid").exists()
    log = (tmp_path / "data/postgres/postgres.log").read_text()
    assert log.count("database system is shut down\n") == 2


def test_with_a_database_of_ones_own_nothing_embedded_starts(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    assert command(tmp_path, "migrate", DATABASE_URL=postgres.url).status == 0
    assert command(tmp_path, "stores", "list", "--json", DATABASE_URL=postgres.url).status == 0
    assert not (tmp_path / "data").exists()


def test_a_database_url_with_a_sslmode_is_taken_by_every_way(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    url = f"{postgres.url}&sslmode=prefer"
    assert command(tmp_path, "migrate", DATABASE_URL=url).status == 0
    assert command(tmp_path, "stores", "list", "--json", DATABASE_URL=url).status == 0
    assert command(tmp_path, "jobs", "list", "--json", DATABASE_URL=url).status == 0


def test_a_database_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = command(tmp_path, "stores", "list", DATABASE_URL=f"postgresql+asyncpg://me@/mine?host={tmp_path}")
    assert result.status == 1
    assert result.err.startswith("image-service: ")
    assert result.err.count("\n") == 1


def test_a_database_that_is_not_reached_is_named(tmp_path: Path) -> None:
    for name in ("migrate", "jobs list", "serve --port 0"):
        result = command(tmp_path, *name.split(), DATABASE_URL="postgresql://me:5ecret@no-such-host.invalid/mine")
        assert result.status == 1
        *logged, said = result.err.splitlines()
        assert said.startswith("image-service: the database cannot be reached: gaierror: ")
        assert "IMAGE_SERVICE_DATABASE_URL" in said
        assert "5ecret" not in result.err
        assert all(line.startswith("{") for line in logged)


def test_a_store_without_a_name(tmp_path: Path) -> None:
    result = command(tmp_path, "stores", "add", "   ")
    assert (result.status, "NAME: it is empty" in result.err) == (2, True)


def test_help_and_version(tmp_path: Path) -> None:
    assert command(tmp_path, "--version").out == version("image-service") + "\n"
    shown = command(tmp_path, "--help").out
    assert all(name in shown for name in ("serve", "migrate", "stores", "sweep", "verify", "openapi"))


@pytest.mark.parametrize(("name", "needs_it"), [("upload", False), ("openapi", False), ("stores", True)])
def test_a_command_loads_the_database_library_only_if_it_needs_it(tmp_path: Path, name: str, needs_it: bool) -> None:
    env = environment(tmp_path / "data") | {"PYTHONPROFILEIMPORTTIME": "1"}
    asked = subprocess.run([PROGRAM, name, "--help"], capture_output=True, text=True, check=True, env=env)
    assert f"image-service {name}" in asked.stdout
    assert "image_service.cli" in asked.stderr  # which lists what is imported
    assert ("sqlalchemy.orm" in asked.stderr) == needs_it


def test_output_that_nobody_can_take_is_no_traceback(tmp_path: Path) -> None:
    result = command(tmp_path, "openapi", output=Path("/dev/full"))
    assert (result.status, result.err) == (1, "image-service: [Errno 28] No space left on device\n")


def test_pictures_are_uploaded_in_order_as_the_page_has_it(server: Server, tmp_path: Path) -> None:
    for name in ("front.jpg", "side.jpg"):
        shutil.copy(PHOTOS / "rocket.jpg", tmp_path / name)
    run_it, printed = re.findall(
        r"^```[a-z]+\n(.*?)\n```", PAGE.split("## Upload")[1].split("## Doctor")[0], re.S | re.M
    )
    words = run_it.replace("http://127.0.0.1:8000", server.url).split()[1:]
    files = [str(tmp_path / word) if word.endswith(".jpg") else word for word in words]
    said = command(tmp_path, *files, TOKEN=server.token)
    assert (said.status, said.err) == (0, "")
    plain = re.sub(r"-[0-9a-f]{32}-", "-…-", said.out.replace(server.url, "http://127.0.0.1:8000")).strip()
    assert plain == re.sub(r"-[0-9a-f]{32}-", "-…-", printed)
    told = command(tmp_path, *files, "--json", TOKEN=server.token).json
    with server.client() as client:
        images = client.get("/products/1234/images", params={"fields": "id,position,src"}).json()
    assert [image["src"] for image in images[:2]] == said.out.split()
    assert images[2:] == told


def test_an_upload_that_fails_says_of_which_file(server: Server, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture")
    words = ["upload", str(PHOTOS / "rocket.jpg"), str(notes), "--product", "4321", "--url", server.url]
    refused = command(tmp_path, *words, TOKEN=server.token)
    assert (refused.status, refused.out.count("http")) == (1, 1)
    assert refused.err == f"image-service: {notes}: file must be a gif, jpg or png image\n"
    assert "the service does not know this token" in command(tmp_path, *words, TOKEN="x" * 20).err
    assert "a token is needed" in command(tmp_path, *words).err
    assert "--url must be the service's own" in command(tmp_path, *words[:-1], "ftp://x").err
    assert command(tmp_path, "upload", str(tmp_path / "gone.jpg"), "--product", "1").status == 2
