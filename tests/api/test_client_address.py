"""The client's address: the peer's, or what a trusted proxy says; and headers that never make a URL."""

from ipaddress import ip_network

import httpx
import pytest
from structlog.testing import capture_logs

from image_service.edge.client_address import client_address
from image_service.stores.registry import NewStore
from tests.conftest import API, DELIVERY, Service, StartService
from tests.shop import added, form

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # who is no proxy of ours speaks for itself
        ("10.0.0.1", ["198.51.100.1, 192.0.2.7"], "192.0.2.7"),  # the client made up the first
        ("10.0.0.1", ["198.51.100.1, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),  # two proxies of ours
        ("10.0.0.1", ["198.51.100.1", "192.0.2.7,10.0.0.2"], "192.0.2.7"),  # in two headers
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a client of our own network
        ("10.0.0.1", ["192.0.2.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["fe80::1%eth0"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7\r\nforged"], "10.0.0.1"),
        ("", ["192.0.2.7"], ""),
        ("testclient", ["192.0.2.7"], "testclient"),
    ],
)
def test_the_right_most_hop_that_is_not_ours(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.0/8", "192.0.2.7")])
async def test_in_the_log(start_service: StartService, trusted: str, client: str) -> None:
    with capture_logs() as lines:
        async with start_service(trusted_proxies=trusted) as proxied, proxied.client() as anyone:
            await anyone.get("/health/live", headers={"X-Forwarded-For": "192.0.2.7"})
    assert [line["client"] for line in lines if line["event"] == "request"] == [client]


async def test_failures_are_the_clients_not_the_proxys(start_service: StartService) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    async with (
        start_service(trusted_proxies="127.0.0.1", auth_failures_per_minute=1) as proxied,
        proxied.client(headers=wrong) as client,
    ):
        for address, status in (("192.0.2.7", 401), ("192.0.2.7", 429), ("192.0.2.8", 401)):
            answer = await client.get("/images", headers={"X-Forwarded-For": f"203.0.113.9, {address}"})
            assert answer.status_code == status


@pytest.mark.parametrize("trusted", ["", "0.0.0.0/0 ::/0"])
async def test_no_header_makes_a_url(start_service: StartService, store: NewStore, trusted: str) -> None:
    evil = {
        "Host": "evil.test",
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "X-Original-Url": "/evil",
        "X-Rewrite-Url": "/evil",
        "Forwarded": "for=192.0.2.7;host=evil.test;proto=gopher",
        "Authorization": f"Bearer {store.token}",
    }
    async with start_service(trusted_proxies=trusted) as proxied, proxied.client(headers=evil) as client:
        images = "/products/1/images"
        created = await client.post(images, files=form())
        assert created.headers["Location"].startswith(f"{API}{images}/")
        assert created.json()["src"].startswith(f"{DELIVERY}/stores/")
        await added(client, 1)
        answers = [
            created,
            await client.get(images, params={"per_page": 1, "fields": "all"}),
            await client.get(images + "/"),
            await client.get("/images/"),
            await client.get("/nowhere"),
            await client.get("/docs"),
            await client.get("/openapi.json"),
            await client.get("/v2/images/status/1.json/"),
            await client.request("PATCH", images),
        ]
        assert answers[1].headers["Link"].startswith(f"<{API}{images}?")
        for answer in answers:
            assert not {"evil", "gopher", "666"} & set(answer.text.replace("/", " ").replace(":", " ").split())
            assert "evil" not in str(answer.headers)
            assert "location" not in answer.headers or answer.status_code == 201


async def test_the_peer_of_a_service_without_proxies(service: Service) -> None:
    transport = httpx.ASGITransport(service.app, client=("192.0.2.1", 4711))
    with capture_logs() as lines:
        async with httpx.AsyncClient(transport=transport, base_url=API) as client:
            await client.get("/health/live", headers={"X-Forwarded-For": "192.0.2.7"})
    assert [line["client"] for line in lines if line["event"] == "request"] == ["192.0.2.1"]
