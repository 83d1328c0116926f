"""Work beside a block: cancelled and awaited at the block's end, which its errors do not change."""

import asyncio

import pytest

from image_service.background import running


async def test_it_has_ended_when_the_block_has() -> None:
    begun = asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("work")

    async with running(work()):
        await begun.wait()
    steps.append("block")
    assert steps == ["work", "block"]


async def test_its_error_does_not_reach_the_block() -> None:
    async def fail() -> None:
        raise ValueError("a bug")

    async with running(fail()) as task:
        await asyncio.wait({task})
    with pytest.raises(ValueError, match="a bug"):
        await task
