"""What a request costs in CPU time: a service of one worker, asked by one client, one request after the other.

    .venv/bin/python -m benchmarks.request_cpu --requests 300

CPU time, not time: it says what a core can do, and is nearly the same on a machine that is busy with other things.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
from tests.processes import Server, family

PHOTO = Path(__file__).parents[1] / "src" / "image_service" / "site" / "static" / "sample.jpg"
PRODUCT_IMAGES = 8
TICK = os.sysconf("SC_CLK_TCK")


def spent(server: Server) -> dict[str, float]:
    """CPU seconds so far, those of ended children included, by what spent them."""
    found = dict.fromkeys(("service", "pixels", "database"), 0.0)
    for pid in family(server.process.pid):
        try:
            command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        kind = "database" if b"postgres" in command else "pixels" if b"pixels.worker" in command else "service"
        found[kind] += sum(map(int, fields[11:15])) / TICK
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    requests = parser.parse_args().requests
    photo = PHOTO.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "service", SWEEP_INTERVAL="0")
        try:
            server.ready()
            headers = {"Authorization": f"Bearer {server.token}"}
            with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
                measure(server, client, photo, requests)
        finally:
            server.end()


def measure(server: Server, client: httpx.Client, photo: bytes, requests: int) -> None:
    variants: list[str] = []

    def upload(number: int) -> None:
        path = f"/products/{number // PRODUCT_IMAGES + 1}/images?fields=variants"
        answer = client.post(path, files={"file": ("photo.jpg", photo)}).raise_for_status()
        variants.extend(
            each["url"] for each in answer.json()["variants"] if (each["size"], each["format"]) == ("640-0", "webp")
        )

    deeds: dict[str, Callable[[int], object]] = {
        f"upload of {len(photo) // 1000} kB": upload,
        f"list of {PRODUCT_IMAGES} images": lambda number: client.get(
            f"/products/{number % (requests // 8) + 1}/images"
        ),
        "variant, rendered": lambda number: client.get(variants[number]),
        "variant, from the disk": lambda number: client.get(variants[number]),
    }
    say(f"# {platform()}, {datetime.now(UTC):%Y-%m-%d}, {requests} of each; milliseconds of CPU for one")
    say("| request | service | pixel process | PostgreSQL |\n| --- | --- | --- | --- |")
    for name, deed in deeds.items():
        before = spent(server)
        for number in range(requests):
            deed(number)
        now = spent(server)
        each = [1000 * (now[kind] - before[kind]) / requests for kind in ("service", "pixels", "database")]
        say(f"| {name} | " + " | ".join(f"{value:.1f}" for value in each) + " |")


def platform() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {models[0].partition(': ')[2] if models else 'an unknown kind'}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
