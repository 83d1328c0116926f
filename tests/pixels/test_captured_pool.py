"""What a pixel process says that a picture has taken over: nothing of it is believed."""

import json
from pathlib import Path

import pytest

from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.failures import ProbeFailed, RenderFailed
from image_service.pixels.pool.pool import Family, PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.fake_worker import PROBE
from tests.pixels.fakes import LONG, fakes
from tests.pixels.rogue_worker import DRAWINGS
from tests.pixels.workers import ROGUE


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
        {"probe": PROBE | {"format": "jpg", "frames": 2}},
        {"probe": PROBE | {"format": "gif", "frames": 501}},
        {"probe": PROBE | {"end": 0}},
        {"probe": PROBE | {"end": 10_000}},
        {"probe": PROBE | {"thumbhash": "A" * 65}},
        {"probe": PROBE | {"thumbhash": "<script>"}},
        {"probe": PROBE | {"thumbhash": "AAAA\n"}},
        {"probe": PROBE | {"thumbhash": None}},
        {"probe": PROBE | {"kept": True}},
        {"probe": PROBE | {"kept": {"width": 1, "height": 1, "orientation": 1}}},
        # More than the service has seen written, where it gave no file for it.
        {"probe": PROBE | {"kept": {"width": 1, "height": 1, "orientation": 1, "profile": 0}}},
        {"refused": "not_fetched"},
        {"refused": "not_base64"},
        {"refused": ["not_an_image"]},
        {"refused": "other_format"},
        {"refused": "other_format", "kind": "a sentence of its own"},
        {"refused": "other_format", "kind": ["PDF"]},
        {"refused": "damaged", "kind": "PDF"},
        {"rendered": True},
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


async def test_a_captured_process_that_writes_to_its_own_input_holds_up_nobody(folder: Path) -> None:
    async with fakes(folder) as pool:
        for _ in range(2):
            await pool.probe(folder / "stuff", wait=WAIT)
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pool.died == 0


async def test_what_was_rendered_stays_as_it_was(tmp_path: Path) -> None:
    """A captured process may keep the file that it drew into, and write to it later."""
    target, other = tmp_path / "target", tmp_path / "other"
    rendering = Rendering(Format.PNG, Format.PNG, 1, 1, 1)
    async with PixelPool(1, Limits(), LONG, LONG, ROGUE) as pool:
        for act, path in zip(DRAWINGS, (target, other), strict=True):
            (tmp_path / "orders").write_text(f"ROGUE {act}")
            await pool.render(tmp_path / "orders", path, rendering, wait=WAIT)
        assert (pool.died, pool.killed) == (0, 0)
    assert (target.read_bytes(), other.read_bytes()) == (b"as rendered", b"")
    assert {each.name for each in tmp_path.iterdir()} == {"orders", "target", "other"}  # noqa: ASYNC240


async def test_a_captured_process_names_no_format_that_it_was_not_asked_about(folder: Path) -> None:
    rendering = Rendering(Format.PNG, Format.AVIF, 1, 1, 1, (Format.WEBP, Format.PNG))
    (folder / "answer").write_text(json.dumps({"rendered": "gif", "kept": None}))
    async with fakes(folder) as pool:
        with pytest.raises(RenderFailed, match="not rendered"):
            await pool.render(folder / "answer", folder / "target", rendering, wait=WAIT)
        assert pool.died == 1


async def test_a_captured_process_answers_for_each_of_a_family(folder: Path) -> None:
    rendering = Rendering(Format.PNG, Format.AVIF, 1, 1, 1, (Format.PNG,))
    async with fakes(folder) as pool:
        for answer in ("avif", [], ["avif", "png"], ["gif"], [None]):
            (folder / "answer").write_text(json.dumps({"family": answer}))
            with pytest.raises(RenderFailed, match="not rendered"):
                await pool.render_family(folder / "answer", lambda: Family([folder / "target"], [rendering]), wait=WAIT)
        assert pool.died == 5


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
