"""Bukalapak's document, example by example, and what real clients of it do beside it."""

import base64
from typing import Any

import httpx
import pytest

from tests.conftest import PHOTOS, Service, StartService
from tests.shop import added, form, order, orphan, png


async def test_create_answers_as_printed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/images.json", files=form())
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["status", "id", "message"]
    assert body["status"] == "OK"
    assert isinstance(body["id"], str)
    assert body["id"].isdecimal()
    assert body["message"] is None


@pytest.mark.parametrize("name", ["rocket.jpg", "transparent.png", "animated.gif", "coffee-orientation-6.jpg"])
async def test_all_three_formats_are_taken(client: httpx.AsyncClient, name: str) -> None:
    id_ = await orphan(client, (PHOTOS / name).read_bytes())
    stored = await client.get(f"/images/{id_}/original")
    assert stored.content == (PHOTOS / name).read_bytes()


@pytest.mark.parametrize(
    "files",
    [form(b"not a picture", "photo.png"), form(b""), {"other": ("a.png", png())}, None],
    ids=["not an image", "empty", "another field", "no body"],
)
async def test_what_is_no_picture_fails_as_printed(client: httpx.AsyncClient, files: Any) -> None:
    answer = await client.post("/v2/images.json", files=files)
    assert answer.status_code == 422
    assert answer.json() == {"status": "ERROR", "user_id": "null", "message": "Harus berupa file gambar"}
    assert (await client.get("/images")).json() == []


async def test_status_of_an_orphan_and_of_an_assigned_image(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    answer = await client.get(f"/v2/images/status/{id_}.json")
    assert (answer.status_code, answer.json()) == (200, {"status": "OK", "id": id_, "message": "Orphaned"})

    assigned = await client.post("/products/9/images", json={"image_id": id_})
    assert assigned.status_code == 201
    answer = await client.get(f"/v2/images/status/{id_}.json")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ERROR", "user_id": id_, "message": "Assigned"}


async def test_delete_answers_as_printed(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    answer = await client.delete(f"/v2/images/{id_}.json")
    assert (answer.status_code, answer.json()) == (200, {"status": "OK", "id": id_, "message": "Image deleted"})

    again = await client.delete(f"/v2/images/{id_}.json")
    assert again.status_code == 404
    assert again.json() == {"status": "ERROR", "user_id": id_, "message": "Failed to delete image"}


async def test_deleting_an_assigned_image_closes_its_gallery_up(client: httpx.AsyncClient) -> None:
    ids = [(await added(client))["id"] for _ in range(3)]
    assert (await client.delete(f"/v2/images/{ids[0]}.json")).status_code == 200
    assert await order(client) == ids[1:]


async def test_another_stores_image(service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    other = await service.new_store()
    auth = (str(other.store_id), other.token)
    answer = await anyone.delete(f"/v2/images/{id_}.json", auth=auth)
    assert answer.status_code == 403
    assert answer.json() == {"status": "ERROR", "user_id": id_, "message": "Can't delete another user's image"}
    answer = await anyone.get(f"/v2/images/status/{id_}.json", auth=auth)
    assert (answer.status_code, answer.json()["message"]) == (404, "Image not found")
    assert (await client.get(f"/v2/images/status/{id_}.json")).json()["message"] == "Orphaned"


@pytest.mark.parametrize("id_", ["abc", "0", "007", "+1", "1_0", "1.5", "%31", "%D9%A1", "a%20b", "a%2fb", "9" * 2_000])
async def test_ids_that_name_nothing(client: httpx.AsyncClient, id_: str) -> None:
    await orphan(client)
    status = await client.get(f"/v2/images/status/{id_}.json")
    assert (status.status_code, status.json()["message"]) == (404, "Image not found")
    deleted = await client.delete(f"/v2/images/{id_}.json")
    assert (deleted.status_code, deleted.json()["message"]) == (404, "Failed to delete image")
    assert deleted.json()["user_id"] == "null"


async def test_an_id_has_one_spelling(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    alias = "".join(f"%{ord(digit):x}" for digit in str(id_))
    assert (await client.get(f"/v2/images/status/{alias}.json")).status_code == 404
    assert (await client.get(f"/images/{alias}")).status_code == 404
    assert (await client.get(f"/images/{id_}")).status_code == 200


async def test_unknown_id_is_carried_as_user_id(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v2/images/9223372036854775807.json")
    assert (answer.status_code, answer.json()["user_id"]) == (404, 9223372036854775807)


@pytest.mark.parametrize("id_", [2**63, int("9" * 40)])
async def test_an_id_beyond_64_bits_is_carried_too(client: httpx.AsyncClient, id_: int) -> None:
    status = await client.get(f"/v2/images/status/{id_}.json")
    assert (status.status_code, status.json()) == (
        404,
        {"status": "ERROR", "user_id": id_, "message": "Image not found"},
    )
    deleted = await client.delete(f"/v2/images/{id_}.json")
    assert (deleted.status_code, deleted.json()) == (
        404,
        {"status": "ERROR", "user_id": id_, "message": "Failed to delete image"},
    )


async def test_paths_that_lead_nowhere_are_just_not_found(client: httpx.AsyncClient) -> None:
    for path in (
        "/v2",
        "/v2/",
        "/v2/images/status/7",
        "/v2/im%61ges/7.json",
        "/v2/images/status/7.json/x",
        "/v2/images/a/7.json",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (
            404,
            {"status": "ERROR", "user_id": "null", "message": "Not Found"},
        )


async def test_a_compressed_body_is_refused_with_the_id_of_the_request(client: httpx.AsyncClient) -> None:
    """Before there is a route."""
    gzip = {"Content-Encoding": "gzip"}
    deleted = await client.delete("/v2/images/181244.json", headers=gzip)
    assert (deleted.status_code, deleted.json()) == (
        415,
        {"status": "ERROR", "user_id": 181244, "message": "Unsupported Media Type"},
    )
    created = await client.post("/v2/images.json", headers=gzip, files=form())
    assert (created.status_code, created.json()) == (
        415,
        {"status": "ERROR", "user_id": "null", "message": "Unsupported Media Type"},
    )


async def test_wrong_credentials(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/v2/images/status/7.json", auth=("1", "wrong"))
    assert answer.status_code == 401
    assert answer.json() == {"status": "ERROR", "user_id": 7, "message": "Invalid credentials"}
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_too_heavy(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/images.json", files=form(png() + bytes(10 * 1024 * 1024)))
    assert answer.status_code == 413
    assert answer.json() == {"status": "ERROR", "user_id": "null", "message": "Image must be less than 10MB"}


async def test_too_many_pixels(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/images.json", files=form(png(size=(16_384, 3_200))))
    assert (answer.status_code, answer.json()["message"]) == (422, "Image is too large to process")


async def test_method_that_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v2/images.json")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"status": "ERROR", "user_id": "null", "message": "Method Not Allowed"}


async def test_always_200_for_old_clients(start_service: StartService) -> None:
    async with start_service(bukalapak_always_200=True) as service, service.client() as client:
        store = await service.new_store()
        auth = (str(store.store_id), store.token)
        answer = await client.delete("/v2/images/9223372036854775807.json", auth=auth)
        assert (answer.status_code, answer.json()["message"]) == (200, "Failed to delete image")
        answer = await client.post("/v2/images.json", auth=auth, files=form(b"nothing"))
        assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")
        assert (await client.delete("/v2/images/9.json")).status_code == 401
        assert (await client.get("/products/1/images/9", auth=auth)).status_code == 404


async def raw_form(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post(
        "/v2/images.json", content=body, headers={"Content-Type": "multipart/form-data; boundary=XyZ"}
    )


HEAD = b'--XyZ\r\nContent-Disposition: form-data; name="file"; filename="C:\\Photos\\red shoe.png"\r\n'


@pytest.mark.parametrize(
    "body",
    [
        HEAD + b"Content-Type: multipart/form-data\r\n\r\n" + png() + b"\r\n--XyZ--\r\n",
        HEAD + b"\r\n" + png() + b"--XyZ--\r\n",
        HEAD + b"\r\n" + png() + b"--XyZ--",
        b"\r\n" + HEAD + b"\r\n" + png() + b"\r\n--XyZ--",
    ],
    ids=["part type multipart/form-data", "no CRLF before the end", "nor after it", "a blank line first"],
)
async def test_ragged_forms_work(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await raw_form(client, body)
    assert answer.status_code == 200, answer.text
    image = (await client.get(f"/images/{answer.json()['id']}", params={"fields": "filename,src"})).json()
    assert image["filename"] == "red shoe.png"
    assert "/red-shoe-" in image["src"]
    original = await client.get(f"/images/{answer.json()['id']}/original")
    assert original.content == png()


async def test_names_in_any_script(client: httpx.AsyncClient) -> None:
    for name, slug in (("Crème brûlée.png", "creme-brulee"), ("鞋.png", "xie"), ("../../etc/pass wd.png", "pass-wd")):
        answer = await client.post("/v2/images.json", files={"file": (name, png())})
        image = (await client.get(f"/images/{answer.json()['id']}", params={"fields": "filename,src"})).json()
        assert image["filename"] == name.rpartition("/")[2]
        assert f"/products/{slug}-" in image["src"]


@pytest.mark.parametrize("cut", [1, 2, 6, 30, len(png())])
async def test_a_form_cut_short_keeps_nothing(client: httpx.AsyncClient, cut: int) -> None:
    body = HEAD + b"\r\n" + png() + b"\r\n--XyZ--"
    answer = await raw_form(client, body[:-cut])
    assert answer.status_code == 422
    assert answer.json()["message"] == "Harus berupa file gambar"
    assert (await client.get("/images")).json() == []


async def test_what_trails_the_picture_is_cut_off(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client, png() + b"<?php evil() ?>")
    assert (await client.get(f"/images/{id_}/original")).content == png()


async def test_basic_credentials_as_curl_sends_them(anyone: httpx.AsyncClient, service: Service) -> None:
    """A migrated client keeps its store id and its 20-character secret, those of the document."""
    token = "wcrG8WPPWaq9Ndiesbj" + "n"
    store = await service.new_store(token=token)
    basic = base64.b64encode(f"{store.store_id}:{token}".encode()).decode()
    answer = await anyone.post("/v2/images.json", files=form(), headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200
