"""Pictures that are answered with a redirect to where the bucket is public."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.pictures import ROCKET, uploaded, url_of
from tests.conftest import NewDatabase, NewS3, Service, StartService
from tests.s3.seaweed import BUCKET, SeaweedFS, new_prefix

BROWSER = "image/avif,image/webp,*/*;q=0.8"


@pytest.fixture(scope="module")
async def redirecting(
    start_service: StartService, new_s3: NewS3, seaweed: SeaweedFS, new_database: NewDatabase
) -> AsyncIterator[Service]:
    prefix = new_prefix()
    seaweed.open_to_all(f"{prefix}/public/*")
    public = f"{seaweed.endpoint}/{BUCKET}/{prefix}/public"
    async with start_service(
        parts={"storage": new_s3(prefix=prefix)}, database_url=await new_database(), delivery_redirect_url=public
    ) as service:
        yield service


@pytest.fixture
async def shop(redirecting: Service) -> AsyncIterator[httpx.AsyncClient]:
    store = await redirecting.new_store()
    async with redirecting.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client


async def followed(answer: httpx.Response, **headers: str) -> httpx.Response:
    """What a browser is answered by the bucket."""
    async with httpx.AsyncClient() as browser:
        return await browser.get(answer.headers["Location"], headers=headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("rendered", [False, True])
async def test_the_picture_is_where_the_redirect_leads(shop: httpx.AsyncClient, method: str, rendered: bool) -> None:
    url = url_of(await uploaded(shop, ROCKET), "240-0")
    if rendered:
        await shop.get(url)
    conditions = {"Range": "bytes=0-1", "If-None-Match": "*"}  # of what is there, not of the way to it
    answer = await shop.request(method, url, headers=conditions)
    assert (answer.status_code, answer.content) == (302, b"")
    assert answer.headers["Location"].endswith(url)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Vary"] == "Accept"
    assert "ETag" not in answer.headers
    picture = await followed(answer)
    assert (picture.status_code, picture.content[:3]) == (200, b"\xff\xd8\xff")
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert picture.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert picture.headers["Content-Disposition"] == "inline"
    part = await followed(answer, Range="bytes=0-1")
    assert (part.status_code, part.content) == (206, b"\xff\xd8")
    assert (await followed(answer, **{"If-None-Match": picture.headers["ETag"]})).status_code == 304


async def test_it_leads_to_the_format_that_was_chosen(shop: httpx.AsyncClient) -> None:
    url = url_of(await uploaded(shop, ROCKET), "50-0")
    answer = await shop.get(url, headers={"Accept": BROWSER})
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["Location"].endswith(url.replace(".jpg", ".avif"))
    assert (await followed(answer)).headers["Content-Type"] == "image/avif"
    webp = await shop.get(url.replace(".jpg", ".webp"))
    assert "Vary" not in webp.headers
    assert (await followed(webp)).headers["Content-Type"] == "image/webp"


async def test_what_is_not_a_picture_is_no_redirect(shop: httpx.AsyncClient) -> None:
    image = await uploaded(shop, ROCKET)
    url = url_of(image, "50-0")
    rendered = await shop.get(url)
    for wrong in (url.replace("-50-0", "-51-0"), url.replace(".jpg", ".png"), "/stores/000/001/products/x"):
        answer = await shop.get(wrong)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")
    await shop.delete(f"/images/{image['id']}")
    assert (await shop.get(url)).status_code == 404
    assert (await followed(rendered)).status_code == 404


async def test_originals_are_not_public(shop: httpx.AsyncClient, redirecting: Service) -> None:
    answer = await shop.get(url_of(await uploaded(shop, ROCKET), "50-0"))
    public = answer.headers["Location"].partition("/public/")[0]
    originals = [blob.name async for blob in redirecting.storage.list("private/")]
    assert len(originals) > 1
    async with httpx.AsyncClient() as browser:
        for name in (*originals, "", "?list-type=2"):
            assert (await browser.get(f"{public}/{name}")).status_code == 403
