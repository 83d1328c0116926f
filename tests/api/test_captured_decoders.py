"""A decoder that crashes, hangs, hoards or attacks costs its own request: not the service, nor another's upload.

Every act runs in the real cage, in the place of a decoder (`tests/pixels/rogue_worker.py`).
"""

import asyncio
import ctypes
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from image_service.pixels import cage
from image_service.pixels.limits import Limits
from image_service.pixels.pool import PixelPool
from tests.conftest import Service, StartService
from tests.needs import needs
from tests.pixels.rogue_worker import ACTS
from tests.shop import form, order

ROGUE = (sys.executable, "-I", str(Path(__file__).parents[1] / "pixels" / "rogue_worker.py"))
CHECK_SECONDS = 3.0  # what a hanging decoder is given here
BREAKS = ("segfault", "abort", "leave", "spin", "sleep", "hoard")
HARMLESS = ("thread",)
NOT_AN_IMAGE = {"file": ["must be a gif, jpg or png image"]}


def has_libseccomp() -> bool:
    try:
        ctypes.CDLL(cage.LIBSECCOMP)
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
    async with rogue.client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client


async def attack(client: httpx.AsyncClient, act: str) -> tuple[int, object]:
    answer = await client.post("/products/666/images", files=form(f"ROGUE {act}".encode()))
    return answer.status_code, answer.json()


async def test_good_uploads_amid_decoders_that_break(client: httpx.AsyncClient) -> None:
    attacks = [asyncio.create_task(attack(client, act)) for act in BREAKS for _ in range(2)]
    made: list[int] = []
    while not made or not all(task.done() for task in attacks):
        answer = await client.post("/products/1/images", files=form())
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    answers = dict(zip([act for act in BREAKS for _ in range(2)], [task.result() for task in attacks], strict=True))
    assert answers.pop("hoard") == (422, {"file": ["has too many pixels"]})
    assert set(answers) == set(BREAKS) - {"hoard"}
    assert all(answer == (422, NOT_AN_IMAGE) for answer in answers.values()), answers
    assert await order(client, 1) == made
    assert (await client.get("/health/ready")).status_code == 200


@needs(has_libseccomp(), cage.LIBSECCOMP)
@pytest.mark.parametrize("act", sorted(ACTS.keys() - {*BREAKS, *HARMLESS}))
async def test_what_a_captured_decoder_cannot_do(client: httpx.AsyncClient, act: str) -> None:
    assert await attack(client, act) == (422, NOT_AN_IMAGE)


@pytest.mark.parametrize("act", HARMLESS)
async def test_what_a_decoder_needs(client: httpx.AsyncClient, act: str) -> None:
    assert (await attack(client, act))[0] == 201


async def test_a_missing_filter_is_said_once(tmp_path: Path) -> None:
    """The pool works as before."""
    program = tmp_path / "worker.py"
    program.write_text(
        'import sys; print(\'{"ready": true, "unfiltered": "no such library"}\', flush=True); sys.stdin.read()'
    )
    with capture_logs() as logs:
        async with PixelPool(2, Limits(), 20, 20, (sys.executable, "-I", str(program))) as pool:
            assert len(pool.pids) == 2
    assert [line["reason"] for line in logs if "filter" in line["event"]] == ["no such library"]


@needs(has_libseccomp(), cage.LIBSECCOMP)
async def test_a_filter_that_is_there_is_not_spoken_of() -> None:
    with capture_logs() as logs:
        async with PixelPool(1, Limits(), 20, 20):
            assert logs == []
