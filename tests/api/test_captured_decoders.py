"""A decoder that crashes, hangs, hoards or attacks costs its own request: not the service, nor another's upload.

Every act runs in the real cage, in the place of a decoder (`tests/pixels/rogue_worker.py`).
"""

import asyncio
import ctypes
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from image_service.pixels.cage.calls import LIBSECCOMP
from image_service.pixels.limits import Limits
from image_service.pixels.pool.pool import PixelPool
from tests.conftest import Service, StartService
from tests.hostile.png import RGBA, interlaced_bytes, png, zeros
from tests.needs import needs
from tests.pixels.rogue_worker import FORBIDDEN, HARMLESS
from tests.processes import DEADLINE
from tests.shop import form, order

MEMORY = 128 * 1024**2  # bytes that a decoder which eats memory gets here: the cage's 2 GB would be the test's to pay
ROGUE = (sys.executable, "-I", str(Path(__file__).parents[1] / "pixels" / "rogue_worker.py"), "--memory", str(MEMORY))
CHECK_SECONDS = 4.0  # what a hanging decoder is given here
BREAKS = ("segfault", "leave", "spin", "sleep")
STARVES = (
    "hoard",
    "gorge",
    "abort",
)  # which GLib does when it gets no memory: no fault of the picture that can be seen
DAMAGED = {"file": ["is damaged"]}


def has_libseccomp() -> bool:
    try:
        ctypes.CDLL(LIBSECCOMP)
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
async def rogue(start_service: StartService) -> AsyncIterator[Service]:
    async with start_service(parts={"pixel_command": ROGUE}, check_seconds=CHECK_SECONDS) as service:
        yield service


@pytest.fixture
async def client(rogue: Service) -> AsyncIterator[httpx.AsyncClient]:
    token = (await rogue.new_store()).token
    async with rogue.client(headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE) as client:
        yield client


async def attack(client: httpx.AsyncClient, act: str) -> tuple[int, object]:
    answer = await client.post("/products/666/images", files=form(f"ROGUE {act}".encode()))
    return answer.status_code, answer.json()


async def test_good_uploads_amid_decoders_that_break(client: httpx.AsyncClient) -> None:
    acts = [*BREAKS, *STARVES]
    attacks = [asyncio.create_task(attack(client, act)) for act in acts]
    made: list[int] = []
    while not made or not all(task.done() for task in attacks):
        answer = await client.post("/products/1/images", files=form())
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    for act, task in zip(acts, attacks, strict=True):
        status, body = task.result()
        assert (status, body) == (422, DAMAGED) if act in BREAKS else status == 503, (act, status, body)
    assert await order(client, 1) == made
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_picture_within_the_limits_that_memory_is_too_short_for(client: httpx.AsyncClient) -> None:
    """392 MB at once, as no other picture within them needs: it is told apart from one that is broken."""
    rows = zeros(interlaced_bytes(7_000, 7_000, channels=8))
    data = png(7_000, 7_000, depth=16, colour=RGBA, idat=rows, interlace=1)
    answer = await client.post("/products/1/images", files=form(data))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


@needs(has_libseccomp(), LIBSECCOMP)
@pytest.mark.parametrize("act", sorted(FORBIDDEN))
async def test_what_a_captured_decoder_cannot_do(client: httpx.AsyncClient, act: str) -> None:
    assert await attack(client, act) == (422, DAMAGED)


@pytest.mark.parametrize("act", sorted(HARMLESS))
async def test_what_a_decoder_needs(client: httpx.AsyncClient, act: str) -> None:
    assert (await attack(client, act))[0] == 201


async def test_a_missing_layer_is_said_once(tmp_path: Path) -> None:
    """The pool works as before."""
    said = {"name": "Landlock", "holds": False, "detail": "no such call"}, {"name": "b", "holds": True, "detail": "7"}
    program = tmp_path / "worker.py"
    ready = json.dumps({"ready": True, "cage": said})
    program.write_text(f"import sys; print({ready!r}, flush=True); sys.stdin.read()")
    with capture_logs() as logs:
        async with PixelPool(2, Limits(), 20, 20, (sys.executable, "-I", str(program))) as pool:
            assert len(pool.pids) == 2
    assert [(line["log_level"], line.get("layers"), line.get("reason")) for line in logs] == [
        ("info", ["b (7)"], None),
        ("warning", None, "no such call"),
    ]


@needs(has_libseccomp(), LIBSECCOMP)
async def test_the_log_says_which_layers_hold() -> None:
    with capture_logs() as logs:
        async with PixelPool(1, Limits(), 20, 20):
            pass
    [said] = [line["layers"] for line in logs if line["event"] == "pixel processes are caged"]
    assert {"dropped privileges", "closed memory", "filter of system calls"} <= set(said)
