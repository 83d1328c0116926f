"""Uploads, lists, moves and deletes with the client that was generated from the API's description, and nothing else.

Arguments: the service's URL, a write token, a PNG file. Ends with status 0 if every answer was as described.
"""

import base64
import io
import sys
from pathlib import Path

from image_service_client import AuthenticatedClient
from image_service_client.api.bukalapak import bukalapak_create_image, bukalapak_get_image_status
from image_service_client.api.tiendanube import (
    create_image,
    delete_image,
    get_image,
    get_original,
    list_images,
    update_image,
)
from image_service_client.api.tiendanube_v_1 import list_images_v1
from image_service_client.models import (
    CodeError,
    Created,
    Done,
    EmptyObject,
    FieldErrors,
    ImageBody,
    ImageForm,
    ImageInput,
    PickedImage,
    UploadForm,
)
from image_service_client.types import File

PRODUCT = 1234


def main(url: str, token: str, path: str) -> None:
    picture = Path(path).read_bytes()
    with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
        ids = [multipart(client, picture), in_base64(client, picture), from_bukalapak(client, picture)]
        assert listed(client) == ids

        before = list_images.sync_detailed(PRODUCT, client=client).headers["ETag"]
        moved = update_image.sync(PRODUCT, ids[2], client=client, body=ImageInput(position=1), if_match=before)
        assert isinstance(moved, ImageBody)
        assert (moved.id, moved.position) == (ids[2], 1)
        late = update_image.sync(PRODUCT, ids[0], client=client, body=ImageInput(position=1), if_match=before)
        assert isinstance(late, CodeError)
        assert late.code == 412
        assert listed(client) == [ids[2], ids[0], ids[1]]

        picked = get_image.sync(PRODUCT, ids[0], client=client, fields="id,width")
        assert isinstance(picked, PickedImage)
        assert picked.to_dict().keys() == {"id", "width"}
        original = get_original.sync(ids[0], client=client)
        assert isinstance(original, File)
        assert len(original.payload.read()) > 0

        gone = delete_image.sync(PRODUCT, ids[0], client=client)
        assert isinstance(gone, EmptyObject)
        unknown = delete_image.sync(PRODUCT, ids[0], client=client)
        assert isinstance(unknown, CodeError)
        assert listed(client) == [ids[2], ids[1]]

        refused = create_image.sync(PRODUCT, client=client, body=ImageInput(position=1))
        assert isinstance(refused, FieldErrors)
        assert refused["src"] == ["can't be blank"]
        versioned = list_images_v1.sync(1, PRODUCT, client=client)
        assert isinstance(versioned, list)
        assert [image.id for image in versioned] == [ids[2], ids[1]]
    with AuthenticatedClient(base_url=url, token="wrong") as stranger:
        answer = list_images.sync(PRODUCT, client=stranger)
        assert isinstance(answer, CodeError)
        assert answer.code == 401


def multipart(client: AuthenticatedClient, picture: bytes) -> int:
    form = ImageForm(file=File(io.BytesIO(picture), "Red shoe.png", "image/png"), position=1)
    answer = create_image.sync_detailed(PRODUCT, client=client, body=form)
    assert answer.status_code == 201
    assert isinstance(answer.parsed, ImageBody)
    assert answer.headers["Location"].endswith(f"/products/{PRODUCT}/images/{answer.parsed.id}")
    return answer.parsed.id


def in_base64(client: AuthenticatedClient, picture: bytes) -> int:
    body = ImageInput(attachment=base64.b64encode(picture).decode(), filename="shoe.png")
    first = create_image.sync(PRODUCT, client=client, body=body, idempotency_key="once")
    again = create_image.sync(PRODUCT, client=client, body=body, idempotency_key="once")
    assert isinstance(first, ImageBody)
    assert first == again
    return first.id


def from_bukalapak(client: AuthenticatedClient, picture: bytes) -> int:
    form = UploadForm(file=File(io.BytesIO(picture), "shoe.png", "image/png"))
    created = bukalapak_create_image.sync(client=client, body=form)
    assert isinstance(created, Created)
    assert created.message is None
    status = bukalapak_get_image_status.sync(int(created.id), client=client)
    assert isinstance(status, Done)
    assert status.message.value == "Orphaned"
    assigned = create_image.sync(PRODUCT, client=client, body=ImageInput(image_id=int(created.id)))
    assert isinstance(assigned, ImageBody)
    return assigned.id


def listed(client: AuthenticatedClient) -> list[int]:
    images = list_images.sync(PRODUCT, client=client)
    assert isinstance(images, list)
    found: list[int] = []
    for place, image in enumerate(images, start=1):
        assert isinstance(image, ImageBody)
        assert image.position == place
        found.append(image.id)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
