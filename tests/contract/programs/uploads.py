"""Uploads, lists and deletes with the client that openapi-generator made, and nothing else.

Arguments: the service's URL, a write token, a PNG file.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from openapi_client import ApiClient, BukalapakApi, Configuration, TiendanubeApi, UploadsApi
from openapi_client.exceptions import UnprocessableEntityException
from openapi_client.models import Failed, ImageInput, TicketInput

PRODUCT = 4321


def main(url: str, token: str, path: str) -> None:
    picture = ("shoe.png", Path(path).read_bytes())
    with ApiClient(Configuration(host=url, access_token=token)) as client:
        bukalapak, gallery, uploads = BukalapakApi(client), TiendanubeApi(client), UploadsApi(client)
        created = bukalapak.bukalapak_create_image(file=picture)
        assert created.message is None
        first = gallery.create_image(PRODUCT, ImageInput(image_id=int(created.id))).actual_instance
        ticket = uploads.create_upload_ticket(ticket_input=TicketInput(product_id=PRODUCT))
        signed = {name: values[0] for name, values in parse_qs(urlsplit(ticket.url).query).items()}
    with ApiClient(Configuration(host=url)) as nobody:
        second = UploadsApi(nobody).upload_by_ticket(ticket.id, file=picture, **signed).actual_instance
    with ApiClient(Configuration(host=url, access_token=token)) as client:
        bukalapak, gallery = BukalapakApi(client), TiendanubeApi(client)
        assert [each.actual_instance.id for each in gallery.list_images(PRODUCT)] == [first.id, second.id]
        gallery.delete_image(PRODUCT, first.id)
        [left] = gallery.list_images(PRODUCT)
        assert (left.actual_instance.id, left.actual_instance.position) == (second.id, 1)
        refused = refusal(lambda: bukalapak.bukalapak_create_image(file=("notes.png", b"no picture")))
        assert (refused.user_id.actual_instance, refused.message) == ("null", "Harus berupa file gambar")


def refusal(call: Callable[[], object]) -> Failed:
    try:
        call()
    except UnprocessableEntityException as refused:
        return refused.data
    raise AssertionError("it was taken")


if __name__ == "__main__":
    main(*sys.argv[1:])
