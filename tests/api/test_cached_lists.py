"""Lists that are answered from a cache, by the gallery's revision, which every request asks for."""

import httpx

from image_service.web.answer_cache import AnswerCache
from image_service.web.answers import Answer
from tests.conftest import Service, StartService
from tests.scrape import Scrape
from tests.shop import PRODUCT, added, order

IMAGES = f"/products/{PRODUCT}/images"


async def kept(client: httpx.AsyncClient) -> float:
    return Scrape((await client.get("/metrics")).text).value("lists_total", source="kept")


async def test_a_list_that_has_not_changed_is_not_read_again(client: httpx.AsyncClient) -> None:
    made = await added(client)
    first = await client.get(IMAGES)
    before = await kept(client)
    again = await client.get(IMAGES)
    assert await kept(client) == before + 1
    assert (again.status_code, again.content) == (200, first.content)
    own = {name: value for name, value in first.headers.items() if name != "x-request-id"}
    assert own.items() <= again.headers.items()
    assert [image["id"] for image in again.json()] == [made["id"]]
    assert (await client.get(IMAGES, headers={"If-None-Match": first.headers["etag"]})).status_code == 304


async def test_every_change_is_seen_by_the_next_request_wherever_it_was_made(
    service: Service, client: httpx.AsyncClient, start_service: StartService
) -> None:
    async with start_service() as other, other.client(headers=client.headers) as elsewhere:
        one, two = [(await added(client))["id"] for _ in range(2)]
        for method, image, change, expected in (
            ("PUT", two, {"position": 1}, [two, one]),
            ("DELETE", two, None, [one]),
            ("PUT", one, {"alt": "a red one"}, [one]),
            ("DELETE", one, None, []),
        ):
            await order(client)  # so that there is an older list to be kept
            (await elsewhere.request(method, f"{IMAGES}/{image}", json=change)).raise_for_status()
            assert await order(client) == expected
            assert (await client.get(IMAGES)).content == (await elsewhere.get(IMAGES)).content


async def test_each_page_and_choice_of_fields_is_an_answer_of_its_own(client: httpx.AsyncClient) -> None:
    made = [(await added(client))["id"] for _ in range(3)]
    for _ in range(2):
        assert (await client.get(f"{IMAGES}?per_page=1&page=2&fields=id")).json() == [{"id": made[1]}]
        assert (await client.get(f"{IMAGES}?fields=id")).json() == [{"id": each} for each in made]
        assert len((await client.get(IMAGES)).json()[0]) > 1


async def test_a_store_never_sees_what_was_kept_for_another(
    service: Service, client: httpx.AsyncClient, start_service: StartService
) -> None:
    await added(client)
    assert len(await order(client)) == 1
    stranger = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {stranger.token}"}) as theirs:
        assert await order(theirs) == []
    async with service.client(headers={"Authorization": "Bearer nobodys-token-0123456789"}) as nobody:
        assert (await nobody.get(IMAGES)).status_code == 401


def test_the_least_recently_used_make_room() -> None:
    cache = AnswerCache(max_bytes=10_000)
    for number in range(10):
        cache.keep(number, 1, Answer(200, {"ETag": f'"{number}"'}, b"[]" * 100))
        assert cache.find(0, 1) is not None  # it is asked for all the time
    found = {number for number in range(10) if cache.find(number, 1)}
    assert {0, 9} <= found
    assert 4 <= len(found) < 10
    assert cache.find(9, 2) is None


def test_one_that_is_larger_than_the_cache_stays_out() -> None:
    cache = AnswerCache(max_bytes=1000)
    cache.keep("large", 1, Answer(200, {"ETag": '"1"'}, b"[]"))
    assert cache.find("large", 1) is None
