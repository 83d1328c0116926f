"""A host is asked for what is not known: what is remembered of an answer, and to whom it is told again."""

import pytest

from image_service.ingest.fetch import Fetched, Fetcher, FetchFailed
from image_service.ingest.hosts.validators import Validators
from tests.ingest.fetching import PICTURE, Names, policy
from tests.ingest.server import ScriptedServer, answer, redirect
from tests.ingest.test_fetch_again import ABSURD

LONG_AGO = "Thu, 01 Jan 2026 00:00:00 GMT"
NOW = "Thu, 01 Jan 2026 00:00:01 GMT"


async def fetched(server: ScriptedServer, path: str = "/", known: Validators | None = None) -> tuple[Fetched, bytes]:
    received = bytearray()

    async def write(part: bytes) -> None:
        received.extend(part)

    fetcher = Fetcher(policy(server), resolver=Names())
    try:
        found = await fetcher.fetch(server.url(path), write, known=known)
    finally:
        await fetcher.aclose()
    return found, bytes(received)


async def test_what_is_remembered(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, PICTURE, ETag='W/"a b"', Last_Modified=LONG_AGO, Date=NOW)
    found, _ = await fetched(server)
    assert found.validators == Validators(server.url("/"), 'W/"a b"', LONG_AGO)


@pytest.mark.parametrize("date", ["then", *ABSURD])
async def test_an_answer_without_a_date_is_of_now(server: ScriptedServer, date: str) -> None:
    server.pages["/"] = answer(200, PICTURE, Last_Modified=LONG_AGO, Date=date)
    found, _ = await fetched(server)
    assert found.validators.modified == LONG_AGO


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"\N{SNOWMAN}"'},
        {"ETag": f'"{"x" * 2000}"'},
        {"ETag": ""},
        {"Last_Modified": "yesterday"},
        *({"Last_Modified": date} for date in ABSURD),
        {"Last_Modified": NOW, "Date": NOW},  # it may be changed again in this very second
    ],
)
async def test_what_cannot_be_relied_on_is_not(server: ScriptedServer, headers: dict[str, str]) -> None:
    server.pages["/"] = answer(200, PICTURE, **headers)
    found, _ = await fetched(server)
    assert found.validators == Validators(server.url("/"))


async def test_they_are_sent_again_and_nothing_comes(server: ScriptedServer) -> None:
    known = Validators(server.url("/"), '"a"', LONG_AGO)
    server.pages["/"] = answer(304)
    found, received = await fetched(server, known=known)
    assert (found.is_unchanged, found.validators, received) == (True, known, b"")
    [asked] = server.asked
    assert (asked.headers["if-none-match"], asked.headers["if-modified-since"]) == ('"a"', LONG_AGO)


async def test_behind_a_redirect_the_last_url_alone_is_told(server: ScriptedServer) -> None:
    server.pages |= {"/": redirect("/there"), "/there": answer(304)}
    found, _ = await fetched(server, known=Validators(server.url("/there"), '"a"'))
    assert found.is_unchanged
    assert ["if-none-match" in asked.headers for asked in server.asked] == [False, True]


async def test_a_redirect_that_leads_elsewhere_by_now(server: ScriptedServer) -> None:
    """Its picture has the same tag by chance; it would be taken for the old one."""
    server.pages |= {"/": redirect("/elsewhere"), "/elsewhere": answer(200, PICTURE, ETag='"a"')}
    found, received = await fetched(server, known=Validators(server.url("/there"), '"a"'))
    assert (found.is_unchanged, received) == (False, PICTURE)
    assert not any("if-none-match" in asked.headers for asked in server.asked)


async def test_a_304_that_nobody_asked_for_is_a_failure(server: ScriptedServer) -> None:
    server.pages["/"] = answer(304)
    with pytest.raises(FetchFailed) as failed:
        await fetched(server)
    assert failed.value.status == 304


async def test_a_head_is_enough_where_no_picture_is_wanted(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, b"", Content_Length="1000", ETag='"b"')  # whose body never comes
    fetcher = Fetcher(policy(server), resolver=Names())
    found = await fetcher.fetch(server.url("/"), None, known=Validators(server.url("/"), '"a"'))
    await fetcher.aclose()
    assert (found.is_unchanged, found.size) == (False, 0)
