"""The places of images created by `Prefer: respond-async`: those of the requests, whichever picture arrives first."""

import asyncio
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import httpx
import pytest

from tests.ingest.server import ScriptedServer, answer
from tests.jobs.conftest import asked, ended
from tests.shop import form, order, png


class Pictures:
    """A host's pictures, each sent when it is told to."""

    def __init__(self, client: httpx.AsyncClient, server: ScriptedServer) -> None:
        self._client = client
        self._server = server
        self._sent: list[asyncio.Event] = []
        self._accepted: list[httpx.Response] = []
        self.ids: list[int] = []  # by the order of the requests; 0: not yet created

    async def request(self, **fields: Any) -> int:
        """Asks for the next picture; returns its number."""
        number, sent = len(self._sent), asyncio.Event()

        async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await sent.wait()
            writer.write(answer(200, png()))

        self._server.pages[f"/{number}.png"] = waits
        self._sent.append(sent)
        self.ids.append(0)
        self._accepted.append(await asked(self._client, self._server.url(f"/{number}.png"), **fields))
        return number

    async def send(self, *numbers: int) -> None:
        """Sends these, each after the one before it has become an image."""
        for number in numbers:
            self._sent[number].set()
            job = await ended(self._client, self._accepted[number])
            assert job["state"] == "finished", job
            self.ids[number] = job["result"]["id"]

    async def stand(self) -> list[int]:
        """The numbers of the product's images, by position; -1: another image."""
        return [self.ids.index(id) if id in self.ids else -1 for id in await order(self._client, 1)]


@pytest.fixture
def pictures(client: httpx.AsyncClient, server: ScriptedServer) -> Pictures:
    return Pictures(client, server)


ARRIVALS = [each for each in permutations(range(4)) if each != (0, 1, 2, 3)]


@pytest.mark.parametrize("positions", [[None] * 4, [1, 2, 3, 4]], ids=["to the end", "numbered"])
@pytest.mark.parametrize("arrival", ARRIVALS[::4], ids=str)
async def test_a_new_product(pictures: Pictures, positions: list[int | None], arrival: Sequence[int]) -> None:
    for position in positions:
        await pictures.request(position=position)
    await pictures.send(*arrival)
    assert await pictures.stand() == [0, 1, 2, 3]


async def test_each_to_the_front(pictures: Pictures) -> None:
    for _ in range(3):
        await pictures.request(position=1)
    await pictures.send(0, 2, 1)
    assert await pictures.stand() == [2, 1, 0]


async def test_behind_the_images_that_are_there(client: httpx.AsyncClient, pictures: Pictures) -> None:
    for _ in range(2):
        await client.post("/products/1/images", files=form())
    for position in (None, 2, None):
        await pictures.request(position=position)
    await pictures.send(2, 1, 0)
    assert await pictures.stand() == [-1, 1, -1, 0, 2]


async def test_what_fails_leaves_no_gap(client: httpx.AsyncClient, server: ScriptedServer, pictures: Pictures) -> None:
    await pictures.request()
    gone = await asked(client, server.url("/gone.png"))
    await pictures.request()
    assert (await ended(client, gone))["state"] == "failed"
    await pictures.send(1, 0)
    assert await pictures.stand() == [0, 1]


async def test_an_image_uploaded_meanwhile_is_there_already(client: httpx.AsyncClient, pictures: Pictures) -> None:
    await pictures.request()
    await client.post("/products/1/images", files=form())
    await pictures.send(0)
    assert await pictures.stand() == [-1, 0]


async def test_an_image_that_was_moved_stays_there(client: httpx.AsyncClient, pictures: Pictures) -> None:
    await client.post("/products/1/images", files=form())
    first, second = [await pictures.request() for _ in range(2)]
    await pictures.send(second)
    moved = await client.put(f"/products/1/images/{pictures.ids[second]}", json={"position": 1})
    assert moved.status_code == 200
    await pictures.send(first)
    assert await pictures.stand() == [second, -1, first]


async def test_a_list_that_was_synced_stays_together(client: httpx.AsyncClient, pictures: Pictures) -> None:
    other = (await client.post("/products/1/images", files=form())).json()["id"]
    first, second = [await pictures.request() for _ in range(2)]
    await pictures.send(second)
    listed = {"images": [{"id": pictures.ids[second]}, {"id": other}]}
    assert (await client.put("/products/1/gallery", json=listed)).status_code == 200
    await pictures.send(first)
    assert await pictures.stand() == [second, -1, first]
