"""A client that goes away in the middle of its upload leaves nothing."""

import socket
import struct
from pathlib import Path

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.edge.wire import PATIENCE, Wire, listening
from tests.faults.waiting import until
from tests.shop import order

ANNOUNCED, SENT = 2_000_000, 1_000_000  # bytes; enough for some of them to be staged already
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
STARTS = {"multipart/form-data; boundary=x": FORM, "application/json": b'{"attachment": "'}


def staged(service: Service) -> list[Path]:
    return list((service.settings.data_dir / "staging").iterdir())


@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("kind", STARTS)
async def test_a_client_that_goes_away(
    service: Service, store: NewStore, client: httpx.AsyncClient, kind: str, how: str
) -> None:
    originals = [blob.name async for blob in service.storage.list("private/")]
    head = (
        f"POST /products/1234/images HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {store.token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {ANNOUNCED}\r\n\r\n"
    )
    async with listening(service) as port:
        async with Wire(port) as wire:
            await wire.send(head.encode() + STARTS[kind] + b"A" * SENT)
            await until(lambda: any(path.stat().st_size for path in staged(service)), PATIENCE)
            if how == "reset":
                linger = struct.pack("ii", 1, 0)
                wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await until(lambda: not staged(service), PATIENCE)
    assert await order(client) == []
    assert [blob.name async for blob in service.storage.list("private/")] == originals
