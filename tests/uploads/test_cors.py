"""Which pages may use a ticket: those whose origin it names, or the settings; and what the others can read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.conftest import API, StartService
from tests.shop import PRODUCT, order
from tests.uploads.tickets import SHOP, at, left, refusal, sent, ticket

ADMIN = "https://admin.example.com"
ALLOWED, EXPOSED = "access-control-allow-origin", "access-control-expose-headers"
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}


@dataclass
class Sides:
    shop: httpx.AsyncClient  # its back-end, with the token
    page: httpx.AsyncClient  # its front-end


@pytest.fixture(scope="module")
async def sides(start_service: StartService) -> AsyncIterator[Sides]:
    """The settings name the admin's origin."""
    async with start_service(cors_origins=ADMIN) as service:
        store = await service.new_store()
        async with (
            service.client(headers={"Authorization": f"Bearer {store.token}"}) as shop,
            service.client(headers={"Origin": SHOP}) as page,
        ):
            yield Sides(shop, page)


async def test_a_page_that_the_ticket_names(sides: Sides) -> None:
    made = await ticket(sides.shop, files=2, origins=["https://other.example.com", SHOP])
    asked = await sides.page.options(at(made), headers=ASK)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert "Idempotency-Key" in asked.headers["access-control-allow-headers"].split(", ")
    answers = [asked, *[await sent(sides.page, made) for _ in range(3)], await sides.page.post(at(made))]
    assert [each.status_code for each in answers] == [204, 201, 201, 410, 410]
    for each in answers:
        assert each.headers[ALLOWED] == SHOP
        assert {"X-Request-Id", "Retry-After", "Location"} <= set(each.headers[EXPOSED].split(", "))
        assert "access-control-allow-credentials" not in each.headers
        assert "Origin" in each.headers["vary"].split(", ")


@pytest.mark.parametrize(
    ("named", "sent_as"),
    [
        (SHOP + ":443", SHOP),
        ("http://shop.example.com:80", "http://shop.example.com"),
        ("http://[::1]:80", "http://[::1]"),
        (SHOP + ":80", SHOP + ":80"),
        (SHOP + ":8443", SHOP + ":8443"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost:80", "ionic://localhost:80"),
    ],
)
async def test_a_port_that_browsers_leave_out(sides: Sides, named: str, sent_as: str) -> None:
    made = await ticket(sides.shop, origins=[named])
    assert made["origins"] == [sent_as]
    answer = await sent(sides.page, made, headers={"Origin": sent_as})
    assert (answer.status_code, answer.headers[ALLOWED]) == (201, sent_as)


@pytest.mark.parametrize("origin", [SHOP, ADMIN])
async def test_headers_that_libraries_set_by_themselves(sides: Sides, origin: str) -> None:
    """Whether the ticket names the page or the settings do."""
    made = await ticket(sides.shop, origins=[SHOP])
    asked = {**ASK, "Origin": origin, "Access-Control-Request-Headers": "cache-control,x-requested-with, X-é, a b,,x-1"}
    answer = await sides.page.options(at(made), headers={k.encode(): v.encode() for k, v in asked.items()})
    assert answer.status_code == 204
    sent = answer.headers["access-control-allow-headers"].split(", ")
    assert sent[-3:] == ["cache-control", "x-requested-with", "x-1"]
    assert "Idempotency-Key" in sent
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [ADMIN, API])
async def test_pages_that_need_no_naming(sides: Sides, origin: str) -> None:
    """Those of the settings, and those on the service's own host."""
    made = await ticket(sides.shop)
    assert (await sides.page.options(at(made), headers={**ASK, "Origin": origin})).status_code == 204
    answer = await sent(sides.page, made, headers={"Origin": origin})
    assert (answer.status_code, answer.headers[ALLOWED]) == (201, origin)


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", SHOP + ".evil.test", SHOP + ":8443", "http://shop.example.com"]
)
async def test_other_pages_may_not(sides: Sides, origin: str) -> None:
    """A form goes out without being asked for: it is the service that must refuse it."""
    made = await ticket(sides.shop, product_id=PRODUCT, origins=[SHOP])
    for answer in (
        await sides.page.options(at(made), headers={**ASK, "Origin": origin}),
        await sent(sides.page, made, headers={"Origin": origin}),
    ):
        assert refusal(answer) == (403, "The upload ticket does not name this page's origin")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert await left(sides.shop, made) == 1
    assert await order(sides.shop) == []


async def test_what_is_no_page_needs_no_origin(sides: Sides) -> None:
    made = await ticket(sides.shop, origins=[SHOP])
    answer = await sent(sides.shop, made)  # whose token makes no difference here
    assert answer.status_code == 201
    assert ALLOWED not in answer.headers


async def test_any_page_may_read_that_it_is_over(sides: Sides) -> None:
    """Which origins it named is not known any more; a script must not take it for a broken line."""
    made = await ticket(sides.shop, origins=[SHOP])
    await sides.shop.delete(f"/uploads/{made['id']}")
    forged = {**made, "url": made["url"] + "x"}
    for each, status in ((made, 410), (forged, 403)):
        assert (await sides.page.options(at(each), headers=ASK)).status_code == 204
        answer = await sent(sides.page, each)
        assert refusal(answer)[0] == status
        assert answer.headers[ALLOWED] == "*"


async def test_options_that_are_no_preflight(sides: Sides) -> None:
    made = await ticket(sides.shop, origins=[SHOP])
    answer = await sides.page.options(at(made))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, POST"


async def test_a_token_s_routes_are_for_the_settings_origins_alone(sides: Sides) -> None:
    made = await ticket(sides.shop, origins=[SHOP])
    for origin, allowed in ((SHOP, None), (ADMIN, ADMIN)):
        answer = await sides.shop.get(f"/uploads/{made['id']}", headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get(ALLOWED)) == (200, allowed)
