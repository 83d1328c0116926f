"""What an operator may say of the fetch of a `src`."""

import httpx

from tests.conftest import StartService
from tests.ingest.server import ScriptedServer, answer, redirect
from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"


async def test_redirects_and_the_name_to_fetch_under(start_service: StartService, server: ScriptedServer) -> None:
    agent = "my-shop/1.0 (+https://my-shop.example/contact)"
    for hop in range(3):
        server.pages[f"/{hop}"] = redirect(f"/{hop + 1}")
    server.pages["/3"] = answer(200, png())
    async with start_service(fetch_redirects=2, fetch_user_agent=agent) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            taken = await client.post(IMAGES, json={"src": server.url("/1")})
            refused = await client.post(IMAGES, json={"src": server.url("/0")})
    assert taken.status_code == 201
    assert (refused.status_code, refused.json()) == (422, {"src": ["redirects too often"]})
    assert {asked.headers["user-agent"] for asked in server.asked} == {agent}


async def test_blanks_around_a_source_are_not_its_own(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/a.png"] = answer(200, png())
    url = server.url("/a.png")
    made = await client.post(f"{IMAGES}?fields=source_url", json={"src": f" {url}\n"})
    assert made.json() == {"source_url": url}
    for src in (url, f"{url} "):
        assert len((await client.get(IMAGES, params={"src": src})).json()) == 1


async def test_a_source_without_a_scheme_is_https(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    """That the server here does not speak it is all that goes wrong."""
    refused = await client.post(IMAGES, json={"src": server.url("/a.png").removeprefix("http:")})
    assert refused.json() == {"src": ["could not be fetched"]}
    assert server.connections == 1
