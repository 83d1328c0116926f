"""A host that has no time is asked once more, when it says, if the deadline allows it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from image_service.ingest.fetch import FetchReason
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED
from tests.ingest.fetching import PICTURE, Names, failure, fetch, policy
from tests.ingest.server import Handler, ScriptedServer, answer, redirect

# No machine integer holds the year of the one, or the zone of the other.
ABSURD = [f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}"]


def in_turn(*pages: bytes) -> Handler:
    """The first for the first that asks, and so on."""
    left = list(pages)

    async def send(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0))

    return send


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["0", "1", "date"])
async def test_it_is_asked_again(server: ScriptedServer, status: int, retry_after: str) -> None:
    if retry_after == "date":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    server.pages["/"] = in_turn(answer(status, Retry_After=retry_after), answer(200, PICTURE))
    begun = time.monotonic()
    assert (await fetch(server.url("/"), policy(server)))[2] == PICTURE
    assert server.connections == 2
    if retry_after == "1":
        assert time.monotonic() - begun >= 1


async def test_in_the_middle_of_redirects(server: ScriptedServer) -> None:
    server.pages["/a"] = redirect("/b")
    server.pages["/b"] = in_turn(answer(503, Retry_After="0"), redirect("/c"))
    server.pages["/c"] = answer(200, PICTURE)
    assert (await fetch(server.url("/a"), policy(server)))[2] == PICTURE
    assert [asked.target for asked in server.asked] == ["/a", "/b", "/b", "/c"]


async def test_once_and_no_more(server: ScriptedServer) -> None:
    server.pages["/"] = in_turn(*[answer(429, Retry_After="0")] * 2, answer(200, PICTURE))
    assert await failure(server.url("/"), policy(server)) == (FetchReason.BAD_STATUS, "answered 429")
    assert server.connections == 2


@pytest.mark.parametrize(
    "retry_after", ["20", "99999999999", "soon", "", "-1", "Fri, 31 Dec 9999 23:59:59 GMT", *ABSURD]
)
async def test_no_wait_beyond_the_deadline(server: ScriptedServer, retry_after: str) -> None:
    server.pages["/"] = answer(503, Retry_After=retry_after)
    begun = time.monotonic()
    assert await failure(server.url("/"), policy(server)) == (FetchReason.BAD_STATUS, "answered 503")
    assert time.monotonic() - begun < 10
    assert server.connections == 1


@pytest.mark.parametrize("status", [404, 500, 502])
@pytest.mark.parametrize("retry_after", ["0", *ABSURD])
async def test_others_are_not_asked_again(server: ScriptedServer, status: int, retry_after: str) -> None:
    server.pages["/"] = answer(status, Retry_After=retry_after)
    assert await failure(server.url("/"), policy(server)) == (FetchReason.BAD_STATUS, f"answered {status}")
    assert server.connections == 1


async def test_the_second_try_is_judged_anew(server: ScriptedServer) -> None:
    """A name that has become private in between."""
    server.pages["/"] = answer(503, Retry_After="0")
    names = Names(rebind=[["127.0.0.1"], ["10.0.0.1"]])
    refused = await failure(server.url("/", host="rebind.example"), policy(server), names)
    assert refused == (FetchReason.BLOCKED_ADDRESS, COULD_NOT_BE_FETCHED)
