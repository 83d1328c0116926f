"""A warm variant of 100 kB: whole, not modified, a range; from the service, and through nginx."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.contenders import nginx, peers, python
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.postgres import postgres
from benchmarks.contenders.service import NAME
from benchmarks.measure import Fact, Result
from benchmarks.places import made
from benchmarks.run import Get, Run, got
from benchmarks.stock import PHOTOS, files, original, stocked

SIZE, WIDTH = "1024-1024", 1024  # about 100 kB
SERVED = "image_service_variants_served_total"


def whole(run: Run) -> Result:
    """Rendered by the service; the others send the very same bytes."""
    with ExitStack() as stack:
        stock = stack.enter_context(stocked())
        path = stock.paths(SIZE)[0]
        file = _copied(stock.service, path)
        gets = {
            NAME: Get(stock.service, path),
            python.MEMORY: Get(stack.enter_context(python.memory(file)), "/"),
            nginx.PLAIN: Get(stack.enter_context(nginx.plain(file.parent, f"/{file.name}")), f"/{file.name}"),
        }
        database = stack.enter_context(postgres(made("data") / "days-work"))
        days_work = stack.enter_context(python.days_work(made("run", "days-work-files"), database))
        gets[python.DAYS_WORK] = Get(days_work, _in_days_work(days_work, file))
        if run.peers:
            gets |= _peers(stack)
        samples = got(run, gets)
    return run.result("warm", f"Warm variant of {file.stat().st_size // 1000} kB", NAME, samples, {python.MEMORY: 0.5})


def _peers(stack: ExitStack) -> dict[str, Get]:
    """Each sends what it drew itself, of the same photo and as wide; ipx keeps nothing."""
    thumbor = stack.enter_context(peers.thumbor(files(), stored=True))
    directus = stack.enter_context(peers.directus())
    ids = peers.directus_files(directus, [original(number) for number in range(PHOTOS)])
    return {
        peers.THUMBOR: Get(thumbor, peers.thumbor_path(0, "jpg", WIDTH)),
        peers.DIRECTUS: Get(directus, peers.directus_path(ids[0], "jpg", WIDTH)),
    }


def not_modified(run: Run) -> Result:
    return _conditional(run, "warm-304", "Warm variant, not modified", 304)


def part(run: Run) -> Result:
    return _conditional(run, "warm-range", "Warm variant, a range of 16 KiB", 206)


def _conditional(run: Run, row: str, title: str, status: int) -> Result:
    with ExitStack() as stack:
        stock = stack.enter_context(stocked())
        path = stock.paths(SIZE)[0]
        file = _copied(stock.service, path)
        contenders = {
            NAME: (stock.service, path),
            python.MEMORY: (stack.enter_context(python.memory(file)), "/"),
            nginx.PLAIN: (stack.enter_context(nginx.plain(file.parent, f"/{file.name}")), f"/{file.name}"),
        }
        gets = {}
        for name, (contender, where) in contenders.items():
            etag = httpx.get(contender.url + where).headers["etag"]
            asked = {"If-None-Match": etag} if status == 304 else {"Range": "bytes=0-16383"}
            gets[name] = Get(contender, where, status, asked)
        samples = got(run, gets)
    return run.result(row, title, NAME, samples, {python.MEMORY: 0.5})


def through_nginx(run: Run) -> Result:
    """As many requests as it takes, none of which reaches the service."""
    with ExitStack() as stack:
        stock = stack.enter_context(stocked())
        path = stock.paths(SIZE)[0]
        file = _copied(stock.service, path)
        plain = stack.enter_context(nginx.plain(file.parent, f"/{file.name}"))
        front = stack.enter_context(nginx.before(stock.service))
        ours = {key: value for key, value in httpx.get(front.url + path).headers.items() if key not in nginx.OWN}
        same = stack.enter_context(nginx.plain(file.parent, f"/{file.name}", ours))
        gets = {
            nginx.FRONT: Get(front, path),
            nginx.PLAIN: Get(plain, f"/{file.name}"),
            nginx.WITH_HEADERS: Get(same, f"/{file.name}"),
        }
        before = _served(stock.service)
        samples = got(run, gets)
        reached = _served(stock.service) - before
    result = run.result("warm-nginx", "Warm variant through nginx", nginx.FRONT, samples, {nginx.PLAIN: 0.9})
    return replace(result, facts=[Fact("requests that reached the service", reached, "", at_most=0)])


def _copied(service: Contender, path: str) -> Path:
    """Rendered, and its bytes as a file of their own."""
    response = httpx.get(service.url + path, timeout=60).raise_for_status()
    file = made("run", "warm") / "picture.jpg"
    file.write_bytes(response.content)
    return file


def _in_days_work(to: Contender, file: Path) -> str:
    """An image in it whose variant is rendered already: the same bytes as everybody's."""
    with original(0).open("rb") as photo:
        added = httpx.post(f"{to.url}/products/1/images", files={"file": photo}, timeout=60).raise_for_status()
    path = f"/images/{added.json()['id']}/640.jpg"
    httpx.get(to.url + path, timeout=60).raise_for_status()
    newest = max(made("run", "days-work-files").glob("*-640.jpg"), key=lambda each: each.stat().st_mtime)
    newest.write_bytes(file.read_bytes())
    return path


def _served(service: Contender) -> float:
    lines = httpx.get(f"{service.url}/metrics").raise_for_status().text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(SERVED))
