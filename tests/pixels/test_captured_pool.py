"""What a pixel process says that a picture has taken over: nothing of it is believed."""

import json
import sys
from pathlib import Path

import pytest

from image_service.pixels.limits import Refused
from image_service.pixels.pool.pool import ProbeFailed
from tests.pixels.conftest import WAIT
from tests.pixels.fake_worker import PROBE
from tests.pixels.fakes import fakes


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 99},
        {"id": True},
        {"probe": None},
        {"probe": []},
        {"probe": {}},
        {"probe": PROBE | {"extra": 1}},
        {"probe": PROBE | {"format": "webp"}},
        {"probe": PROBE | {"format": ["png"]}},
        {"probe": PROBE | {"width": 0}},
        {"probe": PROBE | {"width": -1}},
        {"probe": PROBE | {"width": 1.0}},
        {"probe": PROBE | {"width": True}},
        {"probe": PROBE | {"width": "1"}},
        {"probe": PROBE | {"width": 10**30}},
        {"probe": PROBE | {"height": 16_385}},
        {"probe": PROBE | {"width": 16_384, "height": 16_384}},
        {"probe": PROBE | {"frames": 2}},
        {"probe": PROBE | {"format": "gif", "frames": 501}},
        {"probe": PROBE | {"end": 0}},
        {"probe": PROBE | {"end": 10_000}},
        {"probe": PROBE | {"thumbhash": "A" * 65}},
        {"probe": PROBE | {"thumbhash": "<script>"}},
        {"probe": PROBE | {"thumbhash": "AAAA\n"}},
        {"probe": PROBE | {"thumbhash": None}},
        {"refused": "not_fetched"},
        {"refused": ["not_an_image"]},
        {"drawn": True},
    ],
    ids=str,
)
async def test_a_captured_process_misleads_nobody(folder: Path, answer: dict[str, object]) -> None:
    (folder / "answer").write_text(json.dumps(answer))
    async with fakes(folder) as pool:
        with pytest.raises(Refused, match="its process"):
            await pool.probe(folder / "answer", wait=WAIT)
        assert pool.died == 1
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


@pytest.mark.parametrize("text", ["\n", "null\n", "[]\n", "\x00\xff\n", "[" * 16_000 + "\n", "1" * 9_000 + "\n"])
async def test_what_is_no_answer_ends_the_process(folder: Path, text: str) -> None:
    (folder / "text").write_text(text)
    async with fakes(folder) as pool:
        with pytest.raises(Refused, match="its process"):
            await pool.probe(folder / "text", wait=WAIT)
        assert pool.died == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
async def test_a_captured_process_that_fills_its_own_input_holds_up_nobody(folder: Path) -> None:
    async with fakes(folder) as pool:
        for died in (0, 1):
            await pool.probe(folder / "stuff", wait=WAIT)
            assert pool.died == died
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


async def test_a_reason_is_fit_for_a_log(folder: Path) -> None:
    async with fakes(folder) as pool:
        reason = {"detail": "one\ntwo \x1b[31m" + "x" * 5_000}
        (folder / "answer").write_text(json.dumps({"refused": "not_an_image"} | reason))
        with pytest.raises(Refused) as refused:
            await pool.probe(folder / "answer", wait=WAIT)
        assert refused.value.detail.startswith("one?two ?[31mxxx")
        assert len(refused.value.detail) == 300
        (folder / "answer").write_text(json.dumps({"failed": 7}))
        with pytest.raises(ProbeFailed):
            await pool.probe(folder / "answer", wait=WAIT)
        assert (pool.died, pool.killed) == (0, 0)
