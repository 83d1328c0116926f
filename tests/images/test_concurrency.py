"""Many clients on one gallery, through two services on one database: positions stay exactly 1..n."""

import asyncio
import random
from collections import Counter

import httpx

from image_service.images import queries
from image_service.stores.registry import NewStore
from tests.conftest import Service, StartService
from tests.faults.runs import RUNS
from tests.shop import PRODUCT, added, form, order, orphan, png

IMAGES = f"/products/{PRODUCT}/images"
CLIENTS = 16
ROUNDS = 2 * RUNS


async def one_client(number: int, client: httpx.AsyncClient, outcomes: Counter[tuple[str, int]]) -> None:
    chance = random.Random(number)

    async def known() -> list[int]:
        return [image["id"] for image in (await client.get(f"{IMAGES}?per_page=200")).json()]

    for _ in range(ROUNDS):
        deed = chance.choice(["add", "add", "assign", "move", "move", "replace", "remove", "remove by id"])
        ids = await known()
        id_ = chance.choice(ids) if ids else 2**62  # nobody's
        match deed:
            case "add":
                answer = await client.post(IMAGES, files=form(), data={"position": str(chance.randint(1, 20))})
            case "assign":
                answer = await client.post(IMAGES, json={"image_id": await orphan(client), "position": 1})
            case "move":
                answer = await client.put(f"{IMAGES}/{id_}", json={"position": chance.randint(1, len(ids) + 1)})
            case "replace":
                answer = await client.put(f"{IMAGES}/{id_}", files=form(png("blue")), data={"position": "2"})
            case "remove":
                answer = await client.delete(f"{IMAGES}/{id_}")
            case _:
                answer = await client.delete(f"/v2/images/{id_}.json")
        outcomes[deed, answer.status_code] += 1


async def test_16_clients_on_one_product(
    service: Service, store: NewStore, client: httpx.AsyncClient, start_service: StartService
) -> None:
    headers = {"Authorization": f"Bearer {store.token}"}
    outcomes: Counter[tuple[str, int]] = Counter()
    async with start_service() as replica, replica.client(headers=headers) as other:
        await asyncio.gather(*(one_client(number, (client, other)[number % 2], outcomes) for number in range(CLIENTS)))
    assert sum(outcomes.values()) == CLIENTS * ROUNDS
    # 404: someone else had removed it in between.
    assert {status for _, status in outcomes} <= {200, 201, 404}
    assert outcomes["add", 201] + outcomes["assign", 201] > CLIENTS
    ids = await order(client)  # which checks the positions
    made = outcomes["add", 201] + outcomes["assign", 201]
    gone = outcomes["remove", 200] + outcomes["remove by id", 200]
    assert len(ids) == len(set(ids)) == made - gone
    assert len((await client.get("/images?per_page=200")).json()) == len(ids)


async def test_the_last_place_is_given_once(service: Service, start_service: StartService) -> None:
    async with start_service(max_images_per_product=5) as small:
        store = await small.new_store()
        async with small.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            answers = await asyncio.gather(*(client.post(IMAGES, files=form()) for _ in range(12)))
            assert Counter(answer.status_code for answer in answers) == {201: 5, 422: 7}
            assert len(await order(client)) == 5


async def test_one_of_many_writers_with_the_same_tag_wins(client: httpx.AsyncClient) -> None:
    image = await added(client)
    tag = (await client.get(IMAGES)).headers["etag"]
    url = f"{IMAGES}/{image['id']}"
    answers = await asyncio.gather(
        *(client.put(url, json={"alt": str(number)}, headers={"If-Match": tag}) for number in range(8))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 7}


async def test_an_orphan_is_assigned_once(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    answers = await asyncio.gather(
        *(client.post(f"/products/{product}/images", json={"image_id": id_}) for product in range(1, 9))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 7}
    assert [each["images_count"] for each in (await client.get("/products")).json()] == [1]


async def test_deleting_while_assigning(client: httpx.AsyncClient) -> None:
    """Whichever comes first, the image ends up whole on its product or gone from everywhere."""
    for _ in range(10):
        id_ = await orphan(client)
        assigned, deleted = await asyncio.gather(
            client.post(IMAGES, json={"image_id": id_}), client.delete(f"/v2/images/{id_}.json")
        )
        assert assigned.status_code in (201, 422)
        assert deleted.status_code == 200
    assert await order(client) == []
    assert (await client.get("/images")).json() == []


async def test_removing_a_store_that_is_being_written_to(service: Service) -> None:
    for _ in range(4):
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await added(client)
            writers = [client.post(f"/products/{product}/images", files=form()) for product in (PRODUCT, 5, 6, 7)]
            writers += [client.put(f"{IMAGES}/{image['id']}", files=form(png("blue"))) for _ in range(3)]
            answers, removed = await asyncio.gather(asyncio.gather(*writers), service.remove_store(store.store_id))
            assert removed >= 1
            assert {answer.status_code for answer in answers} <= {200, 201, 401, 404}
            assert (await client.get("/images")).status_code == 401
        left = await queries.images(service.database, store.store_id, assigned=None, since_id=0, offset=0, limit=9)
        assert left.total == 0
