"""Every picture has one URL, and nothing else has any."""

import httpx
import pytest

from tests.api.pictures import ROCKET, SECURITY, get_as_written, headers_of, uploaded, url_of
from tests.conftest import Service


@pytest.fixture(scope="module")
async def url(service: Service) -> str:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        url = url_of(await uploaded(client, ROCKET))
        await client.get(url)  # it is there, so that an alias would find it
        return url


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-640-0.", "-641-0."),
        ("-640-0.", "-0640-0."),
        ("-640-0.", "-640-640."),
        ("-640-0.", "-640."),
        ("-640-0.", "."),
        ("/rocket-", "/racket-"),
        ("/rocket-", "/Rocket-"),
        ("/rocket-", "/"),
        (".jpg", ".png"),
        (".jpg", ".gif"),
        (".jpg", ".jpeg"),
        (".jpg", ".JPG"),
        (".jpg", ".svg"),
        (".jpg", ""),
        (".jpg", ".jpg/"),
        (".jpg", ".jpg%00"),
        (".jpg", "%2Ejpg"),
        ("/rocket-", "/%72ocket-"),
        ("/products/", "/products//"),
        ("/products/", "/products/./"),
        ("/products/", "/products/../products/"),
        ("/products/", "/products/%2E%2E/products/"),
        ("/products/", "%2Fproducts%2F"),
        ("/products/", "/products/\\"),
        ("/stores/", "/stores//"),
        ("/stores/", "/stores/000/"),
        ("/stores/", "/stores/../stores/"),
    ],
)
async def test_every_picture_has_one_url(service: Service, url: str, old: str, new: str) -> None:
    assert url.count(old) == 1
    answer = await get_as_written(service, url.replace(old, new))
    assert answer.status_code == 404
    assert headers_of(answer) == {
        **SECURITY,
        "cache-control": "no-store",
        "content-type": "application/json",
        "content-length": answer.headers["Content-Length"],
    }
    assert answer.json() == {"code": 404, "message": "Not Found"}


async def test_another_key_and_another_store(service: Service, anyone: httpx.AsyncClient, url: str) -> None:
    key = url.rsplit("-", 3)[1]
    other = await service.new_store()
    digits = f"{other.store_id:06}"
    folder, slash, name = url.partition("/products/")
    for wrong in (
        url.replace(key, "0" * 32),
        url.replace(key, key[::-1]),
        url.replace(key, key.upper()),
        url.replace(key, key[:-1]),
        f"/stores/{digits[:3]}/{digits[3:]}{slash}{name}",
        f"/stores/{'/'.join(['999'] * 7)}{slash}{name}",
        f"/stores/000/000{slash}{name}",
        f"/stores/{slash}{name}",
        "/stores/",
        folder,
    ):
        for method in ("GET", "HEAD"):
            answer = await anyone.request(method, wrong)
            assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store"), wrong
            assert SECURITY.items() <= headers_of(answer).items()
