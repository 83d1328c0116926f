"""How pictures are delivered: methods, headers, conditions (RFC 9110, 13), ranges (14)."""

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.api.pictures import ROCKET, SECURITY, decoded, headers_of, uploaded, url_of
from tests.conftest import Service

FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}


@pytest.fixture(scope="module")
async def image(service: Service) -> dict[str, Any]:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        return await uploaded(client, ROCKET)


@pytest.fixture(scope="module")
def url(image: dict[str, Any]) -> str:
    return url_of(image)


@pytest.fixture
async def whole(anyone: httpx.AsyncClient, url: str) -> httpx.Response:
    return await anyone.get(url)


# --- what is sent ---


async def test_a_picture(whole: httpx.Response) -> None:
    decoded(whole)
    assert headers_of(whole) == {
        **SECURITY,
        **FOR_EVER,
        "vary": "Accept",
        "etag": whole.headers["ETag"],
        "last-modified": whole.headers["Last-Modified"],
        "accept-ranges": "bytes",
        "content-type": "image/jpeg",
        "content-length": str(len(whole.content)),
    }
    assert whole.headers["ETag"].startswith('"')  # strong
    assert whole.headers["Last-Modified"].endswith(" GMT")


async def test_head_says_the_same_without_the_bytes(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    answer = await anyone.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert headers_of(answer) == headers_of(whole)


async def test_head_knows_conditions_but_no_ranges(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    assert (await anyone.head(url, headers={"If-None-Match": whole.headers["ETag"]})).status_code == 304
    assert (await anyone.head(url, headers={"Range": "bytes=0-1"})).status_code == 200
    assert (await anyone.head(url.replace("-640-0", "-641-0"))).status_code == 404


async def test_head_renders_too(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    cold = url_of(await uploaded(client, ROCKET), "100-0")
    length = (await anyone.head(cold)).headers["Content-Length"]
    assert int(length) == len((await anyone.get(cold)).content)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods(anyone: httpx.AsyncClient, url: str, method: str) -> None:
    answer = await anyone.request(method, url)
    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["Allow"].split(",")} == {"GET", "HEAD"}
    assert answer.json() == {"code": 405, "message": "Method Not Allowed"}
    assert SECURITY.items() <= headers_of(answer).items()


async def test_the_description_names_the_route_once(service: Service) -> None:
    operations = service.app.openapi()["paths"]["/stores/{path}"]
    assert set(operations) == {"get"}


async def test_no_token_is_asked_for_and_none_is_looked_at(anyone: httpx.AsyncClient, url: str) -> None:
    answer = await anyone.get(url, headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 200


async def test_a_query_is_ignored(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    assert (await anyone.get(url, params={"v": "2"})).content == whole.content


# --- conditions ---


@pytest.mark.parametrize("tag", ["{}", "W/{}", '"another", {}', "*", '"a,b" , W/{}'])
async def test_who_has_it_is_told_so(anyone: httpx.AsyncClient, url: str, whole: httpx.Response, tag: str) -> None:
    answer = await anyone.get(url, headers={"If-None-Match": tag.format(whole.headers["ETag"])})
    assert (answer.status_code, answer.content) == (304, b"")
    assert headers_of(answer) == {
        **SECURITY,
        **FOR_EVER,
        "vary": "Accept",
        "etag": whole.headers["ETag"],
        "last-modified": whole.headers["Last-Modified"],
    }


@pytest.mark.parametrize("tag", ['"another"', "nonsense", '""', "W/"])
async def test_who_has_another_gets_it(anyone: httpx.AsyncClient, url: str, whole: httpx.Response, tag: str) -> None:
    # The tag counts, and the date beside it does not.
    headers = {"If-None-Match": tag, "If-Modified-Since": whole.headers["Last-Modified"]}
    assert (await anyone.get(url, headers=headers)).status_code == 200


async def test_a_tag_is_that_of_one_format(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    headers = {"If-None-Match": whole.headers["ETag"], "Accept": "image/webp"}
    assert (await anyone.get(url, headers=headers)).headers["Content-Type"] == "image/webp"


async def test_by_date(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    modified = parsedate_to_datetime(whole.headers["Last-Modified"])
    for seconds, status in ((0, 304), (10, 304), (-1, 200)):
        since = format_datetime(modified + timedelta(seconds=seconds), usegmt=True)
        assert (await anyone.get(url, headers={"If-Modified-Since": since})).status_code == status, seconds


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "Mon, 32 Jan 2024 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 2024 99:00:00 GMT",
    ],
)
async def test_a_date_that_is_none_says_nothing(anyone: httpx.AsyncClient, url: str, date: str) -> None:
    assert (await anyone.get(url, headers={"If-Modified-Since": date})).status_code == 200
    assert (await anyone.get(url, headers={"Range": "bytes=0-0", "If-Range": date})).status_code == 200


# --- ranges ---


@pytest.mark.parametrize(
    ("range", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=-999999999", 0, None),
        ("bytes=10-999999999", 10, None),
        ("Bytes=0-9", 0, 10),
    ],
)
async def test_a_range(
    anyone: httpx.AsyncClient, url: str, whole: httpx.Response, range: str, start: int, stop: int | None
) -> None:
    answer = await anyone.get(url, headers={"Range": range})
    size = len(whole.content)
    first, last, _ = slice(start, stop).indices(size)
    assert (answer.status_code, answer.content) == (206, whole.content[first:last])
    assert headers_of(answer) == headers_of(whole) | {
        "content-range": f"bytes {first}-{last - 1}/{size}",
        "content-length": str(last - first),
    }


@pytest.mark.parametrize("range", ["bytes=999999999-", "bytes=999999999-999999999", "bytes=-0"])
async def test_a_range_beyond_the_end(anyone: httpx.AsyncClient, url: str, whole: httpx.Response, range: str) -> None:
    answer = await anyone.get(url, headers={"Range": range})
    assert answer.status_code == 416
    assert headers_of(answer) == {
        **SECURITY,
        "cache-control": "no-store",
        "content-range": f"bytes */{len(whole.content)}",
        "content-type": "application/json",
        "content-length": answer.headers["Content-Length"],
    }
    assert answer.json()["code"] == 416


@pytest.mark.parametrize(
    "range",
    ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=0-1000000000000000000000", "0-5", ""],
)
async def test_what_is_no_single_range_gets_all(
    anyone: httpx.AsyncClient, url: str, whole: httpx.Response, range: str
) -> None:
    answer = await anyone.get(url, headers={"Range": range})
    assert (answer.status_code, answer.content) == (200, whole.content)


async def test_a_range_of_what_is_still_the_same(anyone: httpx.AsyncClient, url: str, whole: httpx.Response) -> None:
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    later = format_datetime(parsedate_to_datetime(date) + timedelta(seconds=1), usegmt=True)
    cases = {tag: 206, date: 206, f"W/{tag}": 200, '"another"': 200, later: 200}
    for condition, status in cases.items():
        answer = await anyone.get(url, headers={"Range": "bytes=0-9", "If-Range": condition})
        assert (answer.status_code, len(answer.content)) == (status, 10 if status == 206 else len(whole.content))


async def test_a_range_of_a_cold_picture(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    cold = url_of(await uploaded(client, ROCKET), "50-0")
    answer = await anyone.get(cold, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (206, b"\xff\xd8")
