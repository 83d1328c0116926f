"""What others made for the same work, each installed from its packages below the cache, and run as its guide says."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.contenders.contender import Contender
from benchmarks.load import form, load
from benchmarks.loader import Plan, Request
from benchmarks.places import PEERS, made
from benchmarks.processes import free_port, running

THUMBOR, THUMBOR_POOL, IPX, SHARP, DIRECTUS = "thumbor", "thumbor, threads", "ipx", "sharp", "Directus"
QUALITY = {"jpg": 82, "webp": 80, "avif": 60}  # the service's own
PASSWORD = "benchmark-password"  # noqa: S105 - of a Directus in the cache
_JPEG = {"jpg": "jpeg"}
_FIELDS = {
    "product_id": "integer",
    "position": "integer",
    "filename": "string",
    "src": "string",
    "created_at": "timestamp",
    "updated_at": "timestamp",
}


class PeerMissing(Exception):
    """A peer could not be installed."""


def install_renderers() -> None:
    """Those that render, if they are not there yet. Raises `PeerMissing`."""
    if not (PEERS / "thumbor" / "bin" / "thumbor").exists():
        _run([sys.executable, "-m", "venv", PEERS / "thumbor"])
        _run([PEERS / "thumbor" / "bin" / "pip", "install", "--quiet", "thumbor"])
    _npm("ipx", "ipx", "sharp")


def install() -> None:
    """All that is not there yet. Raises `PeerMissing`."""
    install_renderers()
    _npm("directus", "directus", "sqlite3")


def versions() -> str:
    """The versions of all peers that are installed, for readers of the figures."""
    found = []
    for folder, package in (("ipx", "ipx"), ("ipx", "sharp"), ("directus", "directus")):
        about = PEERS / folder / "node_modules" / package / "package.json"
        if about.exists():
            found.append(f"{package} {json.loads(about.read_text())['version']}")
    script = (
        "from importlib.metadata import version as of; print('thumbor', of('thumbor') + ', its Pillow', of('pillow'))"
    )
    command: list[str | Path] = [PEERS / "thumbor" / "bin" / "python", "-c", script]
    found.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())  # noqa: S603
    return ", ".join(found)


def _npm(name: str, *packages: str) -> None:
    folder = made("peers", name)
    if (folder / "node_modules" / packages[-1]).exists():
        return
    if shutil.which("npm") is None:
        raise PeerMissing("npm is not installed: `apt-get install nodejs npm`, or Node 22 from elsewhere")
    (folder / "package.json").write_text('{"private": true}\n')
    _run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *packages])


def _run(command: Sequence[str | Path]) -> None:
    try:
        subprocess.run(command, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise PeerMissing(f"{' '.join(map(str, command[:4]))}: {error}") from error


@contextmanager
def thumbor(files: Path, *, threads: int = 0, stored: bool = False) -> Iterator[Contender]:
    """As installed it renders on its event loop; with `threads`, on so many. `stored`: it keeps what it has made."""
    port = free_port()
    folder = made("run", f"thumbor-{threads}")
    shutil.rmtree(folder / "storage", ignore_errors=True)
    (folder / "thumbor.conf").write_text(
        "LOADER = 'thumbor.loaders.file_loader'\n"
        f"FILE_LOADER_ROOT_PATH = {str(files)!r}\n"
        f"FILE_STORAGE_ROOT_PATH = {str(folder / 'storage')!r}\n"
        f"ENGINE_THREADPOOL_SIZE = {threads}\n"
        f"RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {str(folder / 'storage' / 'rendered')!r}\n"
        + (
            "RESULT_STORAGE = 'thumbor.result_storages.file_storage'\nRESULT_STORAGE_STORES_UNSAFE = True\n"
            if stored
            else ""
        )
    )
    command: list[str | Path] = [
        PEERS / "thumbor" / "bin" / "thumbor",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-c",
        "thumbor.conf",
    ]
    url = f"http://127.0.0.1:{port}"
    name = THUMBOR_POOL if threads else THUMBOR
    with running(name, command, f"{url}/healthcheck", folder) as pid:
        yield Contender(name, url, (pid,))


def thumbor_path(number: int | str, format_: str, width: int = 640) -> str:
    filters = f"filters:format({_JPEG.get(format_, format_)}):quality({QUALITY[format_]})"
    return f"/unsafe/{width}x0/{filters}/{number}.jpg"


@contextmanager
def ipx(files: Path) -> Iterator[Contender]:
    port = free_port()
    command: list[str | Path] = [
        "node",
        PEERS / "ipx" / "node_modules" / "ipx" / "bin" / "ipx.mjs",
        "serve",
        "--dir",
        files,
    ]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    env = {"NODE_ENV": "production"}
    with running(IPX, command, url + ipx_path(0, "jpg", 16), made("run", "ipx"), env) as pid:
        yield Contender(IPX, url, (pid,))


def ipx_path(number: int | str, format_: str, width: int = 640) -> str:
    return f"/w_{width},f_{_JPEG.get(format_, format_)},q_{QUALITY[format_]}/{number}.jpg"


def sharp(picture: Path, times: int, formats: Sequence[str], sizes: Sequence[int]) -> tuple[float, float]:
    """Every size in every format of a picture, so many times over, each by itself as its guide shows it.

    Seconds of CPU, and as they pass.
    """
    script = """
        const sharp = require("sharp"), [file, times, formats, sizes, quality] = JSON.parse(process.argv[1]);
        (async () => {
            const cpu = process.cpuUsage(), since = process.hrtime.bigint();
            for (let time = 0; time < times; time++)
                for (const width of sizes)
                    for (const format of formats)
                        await sharp(file).rotate().resize({width})
                            .toFormat(format, {quality: quality[format]}).toBuffer();
            const {user, system} = process.cpuUsage(cpu);
            console.log(JSON.stringify([(user + system) / 1e6, Number(process.hrtime.bigint() - since) / 1e9]));
        })();
    """
    asked = json.dumps([str(picture), times, list(formats), list(sizes), QUALITY])
    command = ["node", "-e", script, asked]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PEERS / "ipx")  # noqa: S603
    cpu, seconds = json.loads(done.stdout)
    return cpu, seconds


@contextmanager
def directus() -> Iterator[Contender]:
    """With its own SQLite, and nothing rendered."""
    port = free_port()
    folder = made("data", "directus")
    env = {
        "SECRET": "benchmark",
        "DB_CLIENT": "sqlite3",
        "DB_FILENAME": str(folder / "data.db"),
        "STORAGE_LOCAL_ROOT": str(folder / "uploads"),
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_PASSWORD": PASSWORD,
        "ADMIN_TOKEN": PASSWORD,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TELEMETRY": "false",
        "LOG_LEVEL": "warn",
        "NODE_ENV": "production",
    }
    program = PEERS / "directus" / "node_modules" / "directus" / "cli.js"
    if not (folder / "data.db").exists():
        command: list[str | Path] = ["node", program, "bootstrap"]
        subprocess.run(command, check=True, cwd=folder, env=os.environ | env, capture_output=True)  # noqa: S603
    for rendered in (folder / "uploads").glob("*__*"):
        rendered.unlink()
    url = f"http://127.0.0.1:{port}"
    with running(DIRECTUS, ["node", program, "start"], f"{url}/server/ping", folder, env) as pid:
        yield Contender(DIRECTUS, url, (pid,), {"Authorization": f"Bearer {PASSWORD}"})


def directus_files(to: Contender, originals: Sequence[Path]) -> list[str]:
    """The ids of these files in it, uploaded once."""
    listed = made("data", "directus") / "ids.json"
    if not listed.exists():
        folder = made("run", "directus-stock")
        requests = []
        for original in originals:
            body, content_type = form(folder, original)
            requests.append(Request("/files", "POST", to.headers | {"Content-Type": content_type}, str(body)))
        load(Plan(to.url, requests, connections=4, keep=str(folder), keep_every=1))
        ids = [json.loads((folder / str(number)).read_text())["data"]["id"] for number in range(len(requests))]
        shutil.rmtree(folder)
        listed.write_text(json.dumps(ids))
    found: list[str] = json.loads(listed.read_text())
    return found


def directus_rows(to: Contender, rows: int, a_product: int, first_product: int) -> None:
    """A collection `pictures` in it with so many rows, an index on the product, made once."""
    filled = made("data", "directus") / "filled"
    if filled.exists():
        return
    primary = {"is_primary_key": True, "has_auto_increment": True}
    fields = [{"field": "id", "type": "integer", "meta": {}, "schema": primary}]
    fields += [{"field": name, "type": kind, "meta": {}, "schema": {}} for name, kind in _FIELDS.items()]
    with httpx.Client(base_url=to.url, headers=to.headers, timeout=60) as client:
        client.delete("/collections/pictures")  # an earlier one that was not filled
        pictures = {"collection": "pictures", "meta": {}, "schema": {}, "fields": fields}
        client.post("/collections", json=pictures).raise_for_status()
    with sqlite3.connect(made("data", "directus") / "data.db", timeout=60) as database:
        columns = ", ".join(_FIELDS)
        database.executemany(
            f"INSERT INTO pictures ({columns}) VALUES (?, ?, 'photo.jpg', ?, ?, ?)",  # noqa: S608 - our own words
            (
                (first_product + n // a_product, n % a_product + 1, f"/assets/{n}", 1795000000000, 1795000000000)
                for n in range(rows)
            ),
        )
        database.execute("CREATE INDEX pictures_product ON pictures (product_id)")
    database.close()
    filled.touch()


def directus_list_path(product: int, limit: int) -> str:
    return f"/items/pictures?filter[product_id][_eq]={product}&sort=position&limit={limit}"


def directus_path(file_id: str, format_: str, width: int = 640) -> str:
    return f"/assets/{file_id}?width={width}&format={format_}&quality={QUALITY[format_]}"
