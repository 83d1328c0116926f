"""Conditions and ranges, through nginx and asked of the service itself."""

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from tests.deploy.both import Front, alike, asked
from tests.deploy.http import ask

BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

TAGS = ["{}", "W/{}", '"another", {}', "*", '"another"', "nonsense", '""', "W/"]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(front: Front, warm: str, method: str, tag: str) -> None:
    etag = ask(front.port, warm).header("etag") or ""
    through, direct, reached = asked(front, warm, method, [("If-None-Match", tag.format(etag))])
    assert alike(through, direct)
    assert not reached


@pytest.mark.parametrize("seconds", [-1, 0, 10])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_modified_since(front: Front, warm: str, method: str, seconds: int) -> None:
    modified = parsedate_to_datetime(ask(front.port, warm).header("last-modified") or "")
    since = format_datetime(modified + timedelta(seconds=seconds), usegmt=True)
    through, direct, reached = asked(front, warm, method, [("If-Modified-Since", since)])
    assert alike(through, direct)
    assert (direct.status == 304) == (seconds >= 0)
    assert not reached


def test_a_date_that_is_none(front: Front, warm: str) -> None:
    through, direct, _ = asked(front, warm, headers=[("If-Modified-Since", "yesterday")])
    assert alike(through, direct)


def test_tag_and_date_together(front: Front, warm: str) -> None:
    """As browsers send them: both of one answer."""
    whole = ask(front.port, warm)
    both = [("If-None-Match", whole.header("etag") or ""), ("If-Modified-Since", whole.header("last-modified") or "")]
    through, direct, reached = asked(front, warm, headers=both)
    assert alike(through, direct)
    assert direct.status == 304
    assert not reached
    # One of the two that differs: nginx wants both to agree and sends the whole; the service looks at the tag alone.
    through, direct, _ = asked(front, warm, headers=[both[0], ("If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT")])
    assert (through.status, direct.status) == (200, 304)
    assert through.body == whole.body


@pytest.mark.parametrize("condition", ["If-Match", "If-Unmodified-Since"])
def test_conditions_that_the_service_does_not_know(front: Front, warm: str, condition: str) -> None:
    through, direct, _ = asked(front, warm, headers=[(condition, '"another"')])
    assert alike(through, direct)
    assert direct.status == 200


RANGES = [
    "bytes=0-0",
    "bytes=0-99",
    "bytes=0-",
    "bytes=0-999999999",
    "bytes=-100",
    "bytes=-999999999",
    "bytes=100-199",
    "bytes=100-",
    "bytes=999999999-",
    "bytes=-0",
    "Bytes=0-9",
    "bytes=0-1,3-4",
    "bytes=0-0,-1",
    "bytes=0-1,99999999-",
    "bytes=5-2",
    "bytes=-",
    "bytes=a-b",
    "pages=1-2",
    "bytes=0-1000000000000000000000",
    "0-5",
    "",
]


@pytest.mark.parametrize("range", RANGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_range(front: Front, warm: str, method: str, range: str) -> None:
    through, direct, reached = asked(front, warm, method, [("Range", range)])
    if direct.status == 206 and not reached:
        assert direct.header("accept-ranges") == "bytes"
        direct.headers.remove(("accept-ranges", "bytes"))  # nginx says it with whole answers alone
    assert alike(through, direct)


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"another"', "{date}", "yesterday"])
def test_if_range(front: Front, warm: str, condition: str) -> None:
    whole = ask(front.port, warm)
    value = condition.format(etag=whole.header("etag"), date=whole.header("last-modified"))
    through, direct, reached = asked(front, warm, headers=[("Range", "bytes=0-9"), ("If-Range", value)])
    assert (through.status, through.body) == (direct.status, direct.body)
    assert not reached


def test_head(front: Front, warm: str) -> None:
    through, direct, reached = asked(front, warm, "HEAD")
    assert alike(through, direct)
    assert direct.header("content-length") != "0"
    assert not reached
