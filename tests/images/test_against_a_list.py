"""Galleries against the plainest model there is: a list for each product, and one of the orphans."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Service
from tests.faults.runs import RUNS
from tests.shop import form, order, orphan, png

PRODUCTS = (1, 2)


@dataclass(frozen=True)
class Deed:
    """What to do, where, and two numbers that pick an image and a place out of what there is then."""

    name: str
    product: int
    pick: int
    place: int | None


deeds = st.builds(
    Deed,
    name=st.sampled_from(
        ["add", "add", "add", "orphan", "assign", "move", "move", "replace", "copy", "remove", "remove by id", "empty"]
    ),
    product=st.sampled_from(PRODUCTS),
    pick=st.integers(0, 20),
    place=st.none() | st.integers(1, 9),
)


@dataclass
class Shop:
    """The service over HTTP, and the lists that it is compared with."""

    client: httpx.AsyncClient
    galleries: dict[int, list[int]] = field(default_factory=lambda: {product: [] for product in PRODUCTS})
    orphans: list[int] = field(default_factory=list)

    async def do(self, deed: Deed) -> None:
        ways: dict[str, Callable[[Deed, list[int]], Awaitable[None]]] = {
            "add": self.add,
            "orphan": self.orphan,
            "assign": self.assign,
            "move": self.move,
            "replace": self.replace,
            "copy": self.copy,
            "remove": self.remove,
            "remove by id": self.remove_by_id,
            "empty": self.empty,
        }
        await ways[deed.name](deed, self.galleries[deed.product])

    async def compare(self) -> None:
        for product, ids in self.galleries.items():
            assert await order(self.client, product) == ids  # and positions are 1..n
        orphans = (await self.client.get("/images?assigned=false&per_page=200")).json()
        assert [image["id"] for image in orphans] == sorted(self.orphans)

    def insert(self, deed: Deed, gallery: list[int], answer: httpx.Response) -> None:
        assert answer.status_code == 201, answer.text
        gallery.insert(len(gallery) if deed.place is None else deed.place - 1, answer.json()["id"])

    async def add(self, deed: Deed, gallery: list[int]) -> None:
        data = {} if deed.place is None else {"position": str(deed.place)}
        self.insert(deed, gallery, await self.client.post(_images(deed), files=form(), data=data))

    async def orphan(self, deed: Deed, gallery: list[int]) -> None:
        self.orphans.append(await orphan(self.client))

    async def assign(self, deed: Deed, gallery: list[int]) -> None:
        if self.orphans:
            id_ = self.orphans.pop(deed.pick % len(self.orphans))
            body = {"image_id": id_, "position": deed.place}
            self.insert(deed, gallery, await self.client.post(_images(deed), json=body))

    async def move(self, deed: Deed, gallery: list[int]) -> None:
        if gallery and deed.place is not None:
            id_ = gallery.pop(deed.pick % len(gallery))
            gallery.insert(deed.place - 1, id_)
            answer = await self.client.put(f"{_images(deed)}/{id_}", json={"position": deed.place})
            assert (answer.status_code, answer.json()["position"]) == (200, gallery.index(id_) + 1)

    async def replace(self, deed: Deed, gallery: list[int]) -> None:
        if gallery:
            id_ = gallery[deed.pick % len(gallery)]
            answer = await self.client.put(f"{_images(deed)}/{id_}", files=form(png("blue")))
            assert (answer.status_code, answer.json()["position"]) == (200, gallery.index(id_) + 1)

    async def copy(self, deed: Deed, gallery: list[int]) -> None:
        sources = [id_ for ids in self.galleries.values() for id_ in ids] + self.orphans
        if sources:
            source = await self.client.get(f"/images/{sources[deed.pick % len(sources)]}")
            body = {"src": source.json()["src"], "position": deed.place}
            self.insert(deed, gallery, await self.client.post(_images(deed), json=body))

    async def remove(self, deed: Deed, gallery: list[int]) -> None:
        if gallery:
            id_ = gallery.pop(deed.pick % len(gallery))
            assert (await self.client.delete(f"{_images(deed)}/{id_}")).status_code == 200

    async def remove_by_id(self, deed: Deed, gallery: list[int]) -> None:
        ids = gallery or self.orphans
        if ids:
            id_ = ids.pop(deed.pick % len(ids))
            assert (await self.client.delete(f"/v2/images/{id_}.json")).status_code == 200

    async def empty(self, deed: Deed, gallery: list[int]) -> None:
        gallery.clear()
        assert (await self.client.delete(f"/products/{deed.product}")).status_code == 200


def _images(deed: Deed) -> str:
    return f"/products/{deed.product}/images"


@given(todo=st.lists(deeds, min_size=1, max_size=12))
@settings(
    max_examples=5 * RUNS,
    deadline=None,  # uploads take what they take
    derandomize=True,  # the same runs everywhere: a failure is one that can be looked at
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_deeds_in_any_order(service: Service, todo: list[Deed]) -> None:
    store = await service.new_store()  # of its own for every example
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        shop = Shop(client)
        for deed in todo:
            await shop.do(deed)
            await shop.compare()
