"""Contenders take turns, and are asked once before they are loaded."""

import asyncio
from collections.abc import Callable

import pytest

from benchmarks.contenders.contender import Contender
from benchmarks.measure import Sample
from benchmarks.run import Get, Run
from tests.ingest.server import ScriptedServer, answer


def test_contenders_take_turns() -> None:
    turns: list[str] = []

    def measure(name: str) -> Callable[[int], Sample]:
        def one(round_: int) -> Sample:
            turns.append(f"{name}{round_}")
            return Sample(requests=1, seconds=1.0, p50=1.0, p99=1.0)

        return one

    samples = Run(rounds=2).interleaved({"a": measure("a"), "b": measure("b")})
    assert turns == ["a0", "b0", "a1", "b1"]
    assert {name: len(rounds) for name, rounds in samples.items()} == {"a": 2, "b": 2}


def test_nobody_is_there_to_be_loaded() -> None:
    found = Get(Contender("gone", "http://127.0.0.1:1", ()), "/").sample(1)
    assert (found.requests, found.wrong) == (0, 1)


@pytest.mark.parametrize(("status", "body"), [(500, b"right"), (200, b"wrong")])
async def test_a_wrong_answer_is_no_speed(status: int, body: bytes, server: ScriptedServer) -> None:
    server.pages["/"] = answer(status, body)
    get = Get(Contender("wrong", server.url(""), ()), "/", fault=lambda response: response.text.replace("right", ""))
    found = await asyncio.to_thread(get.sample, 1)
    assert (found.requests, found.wrong) == (0, 1)
    assert len(server.asked) == 1
