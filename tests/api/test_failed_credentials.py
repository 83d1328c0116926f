"""Wrong credentials are limited by address; right ones never are."""

import base64
import itertools
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.web.access.failed_credentials import ADDRESSES, FailedCredentials
from tests.conftest import API, Service, StartService
from tests.edge.wire import ask, listening

WRONG = {"Authorization": "Bearer " + "x" * 43}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def strict(start_service: StartService) -> AsyncIterator[Service]:
    async with start_service(auth_failures_per_minute=5) as strict:
        yield strict


async def test_too_many(strict: Service, store: NewStore) -> None:
    right = {"Authorization": f"Bearer {store.token}"}
    async with strict.client() as client:
        wrong: list[dict[str, str]] = [
            WRONG,
            {"Authorization": "Bearer short"},
            {"Authorization": "nonsense"},
            {"Authorization": "Basic " + base64.b64encode(f"99:{store.token}".encode()).decode()},
            {"Authentication": "bearer " + "y" * 43},
        ]
        assert [(await client.get("/images", headers=each)).status_code for each in wrong] == [401] * 5
        for each in wrong:
            answer = await client.get("/images", headers=each)
            assert (answer.status_code, answer.json()["message"]) == (429, "Too Many Requests")
            assert 0 < int(answer.headers["Retry-After"]) <= 12
            assert "www-authenticate" not in answer.headers
        answer = await client.get("/v2/images/status/1.json", headers=WRONG)
        assert (answer.status_code, answer.json()["message"]) == (429, "Too Many Requests")
        # Others behind the same address go on; so does who shows nothing, and guesses nothing.
        assert (await client.get("/images", headers=right)).status_code == 200
        assert (await client.get("/images")).status_code == 401
        assert (await client.get("/images", headers=WRONG)).status_code == 429


@pytest.fixture(scope="module")
async def strict_port(start_service: StartService) -> AsyncIterator[int]:
    async with start_service(auth_failures_per_minute=2) as service, listening(service) as port:
        yield port


@pytest.fixture
def address(_addresses: Iterator[int]) -> str:
    """From which no other test asks."""
    return f"127.0.1.{next(_addresses)}"


@pytest.fixture(scope="module")
def _addresses() -> Iterator[int]:
    return itertools.count(1)


@pytest.mark.parametrize(
    "head",
    [
        b"Authorization: Basic \xe9",
        b"Authorization: Basic caf\xc3\xa9",
        b"Authorization: Basic \x80\xff:\xff",
        b"Authorization: Basic =",
        b"Authorization: Basic MTU6\xa0",
        b"Authorization: Basic MTU6\tMTU6",
        b"Authorization: Basic /////w==",
        b"Authorization: Basic MTU6AAAA",
        b"Authorization: Bearer \xe9\xff\xfe",
        b"Authorization: Bearer " + b"x" * 20_000,
        b"Authorization: \xe9",
        b"Authentication: \xff",
        b"Authentication: bearer \xc0\xaf",
        b"Authorization: Basic \xe9\r\nAuthorization: Basic \xe9",
        b"Authorization: Basic \xe9\r\nAuthentication: bearer \xe9",
    ],
)
@pytest.mark.parametrize("path", ["/images", "/products/1/images", "/v2/images/status/1.json", "/uploads/" + "0" * 32])
async def test_a_head_that_is_no_credentials_is_wrong_ones(
    strict_port: int, address: str, head: bytes, path: str
) -> None:
    """Whatever its bytes, as they come over a socket; and it counts."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n".encode() + head + b"\r\nConnection: close\r\n\r\n"
    answers = [await ask(strict_port, request, address) for _ in range(4)]
    assert [[answer.status for answer in each] for each in answers] == [[401], [401], [429], [429]]


async def test_each_address_has_its_own(strict: Service) -> None:
    for address, status in (("192.0.2.1", 401), ("192.0.2.1", 429), ("192.0.2.2", 401)):
        transport = httpx.ASGITransport(strict.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url=API, headers=WRONG) as client:
            answers = [(await client.get("/images")).status_code for _ in range(5)]
            assert answers == [status] * 5


async def test_a_revoked_token_stops_at_once_everywhere(start_service: StartService, store: NewStore) -> None:
    headers = {"Authorization": f"Bearer {store.token}"}
    async with (
        start_service() as one,
        start_service() as two,
        one.client(headers=headers) as here,
        two.client(headers=headers) as there,
    ):
        for client in (here, there):
            assert (await client.get("/images")).status_code == 200
        (token,) = await tokens.of_store(one.database, store.store_id)
        await tokens.revoke(one.database, token.id)
        for client in (here, there):
            assert (await client.get("/images")).status_code == 401


def test_a_minute_heals() -> None:
    clock = Clock()
    failed = FailedCredentials(6, clock)
    assert [failed.count("192.0.2.1") for _ in range(8)] == [None] * 6 + [10, 10]
    clock.now = 10
    assert [failed.count("192.0.2.1") for _ in range(2)] == [None, 10]
    clock.now = 1000
    assert [failed.count("192.0.2.1") for _ in range(7)] == [None] * 6 + [10]


def test_a_household_of_ipv6_is_one_address() -> None:
    failed = FailedCredentials(1, Clock())
    assert failed.count("2001:db8::1") is None
    assert failed.count("2001:db8::ffff:2") == 60
    assert failed.count("2001:db8:0:1::1") is None
    assert failed.count("::ffff:192.0.2.1") is None
    assert failed.count("::ffff:192.0.2.2") is None
    assert failed.count("") is None  # no address at all


def test_memory_is_bounded() -> None:
    """Who failed longest ago is forgotten first."""
    failed = FailedCredentials(1, Clock())
    failed.count("192.0.2.1")
    for number in range(ADDRESSES):
        assert failed.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") is None
    assert failed.count("10.0.0.0") == 60
    assert failed.count("192.0.2.1") is None
