"""A fault of the service while it sends is an attempt that has failed: nothing blocks a webhook for good."""

from collections.abc import Sequence
from pathlib import Path

from tests.conftest import NewDatabase, StartService
from tests.shop import added
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_sending import CREATED, hurry, until, waiting_again


async def test_it_counts_and_is_tried_again(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, receiver: Receiver
) -> None:
    is_faulty = True

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        if is_faulty:
            raise RuntimeError("a fault of the service")
        return ["127.0.0.1"]

    database = await new_database()
    async with start_service(database_url=database, data_dir=tmp_path, jobs=2, parts={"resolver": resolver}) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as shop:
            asked = {"url": f"http://shop.example:{receiver.port}/", "events": [CREATED]}
            made = (await shop.post("/webhooks", json=asked)).json()
            await added(shop)
            shown = await until(shop, made, attempts=1)
            assert (shown["state"], shown["reason"], shown["status"]) == ("waiting", "not_sent", None)
            assert (await shop.get(f"/webhooks/{made['id']}")).json()["failing_since"] is None
            tested = await shop.post(f"/webhooks/{made['id']}/test")
            assert (tested.status_code, tested.json()["reason"]) == (200, "not_sent")
            await waiting_again(service, made)
            is_faulty = False
            await added(shop)
            await hurry(service, made)
            assert len({message.id for message in await receiver.wait(2)}) == 2
            await until(shop, made, state="delivered", attempts=2)
