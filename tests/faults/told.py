"""What a webhook must have been told of asynchronous creates, and what it was told."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.processes import DEADLINE
from tests.webhooks.receiver import Message, Receiver

EVENTS = ["image.created", "gallery.changed", "image.failed", "job.finished"]


class Told:
    """A webhook of the store that the client speaks for."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._made: dict[str, Any] = {}

    async def begin(self, client: httpx.AsyncClient, url: str) -> None:
        made = await client.post(f"{url}/webhooks", json={"url": self._receiver.url(), "events": EVENTS})
        self._made = made.raise_for_status().json()

    @property
    def events(self) -> int:
        return len({each.id for each in self._receiver.got})

    @property
    def messages(self) -> int:
        return len(self._receiver.got)

    async def faults(
        self, client: httpx.AsyncClient, url: str, jobs: Sequence[Mapping[str, Any]], revisions: Mapping[int, int]
    ) -> list[str]:
        """Once nothing more is on its way. `revisions`: those of the galleries, by product."""
        waiting = f"{url}/webhooks/{self._made['id']}/deliveries"
        async with asyncio.timeout(DEADLINE):
            while True:
                if (await client.get(waiting, params={"state": "waiting"})).headers["X-Total-Count"] == "0":
                    break
                await asyncio.sleep(0.1)
        wanted: set[tuple[object, ...]] = {("job.finished", job["id"]) for job in jobs}
        wanted |= {("image.failed", job["id"]) for job in jobs if job["state"] == "failed"}
        wanted |= {("image.created", job["result"]["id"]) for job in jobs if job["state"] == "finished"}
        wanted |= {
            ("gallery.changed", product, number + 1) for product, last in revisions.items() for number in range(last)
        }
        told: defaultdict[tuple[object, ...], dict[str, Any]] = defaultdict(dict)
        found = []
        for message in self._receiver.got:
            if not self._is_ours(message):
                found.append(f"{message.id} has another signature")
            if told[_subject(message)].setdefault(message.id, _without_urls(message)) != _without_urls(message):
                found.append(f"{message.id} was told in two ways")
        found += [f"{subject} has {len(ids)} ids" for subject, ids in told.items() if len(ids) > 1]
        found += [f"{subject} was not told" for subject in wanted - told.keys()]
        found += [f"{subject} was told, and is not so" for subject in told.keys() - wanted]
        return found

    def _is_ours(self, message: Message) -> bool:
        """However long ago it came."""
        moment = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
        signed = Webhook(self._made["secret"]).sign(message.id, moment, message.raw.decode())
        return signed in message.headers["webhook-signature"].split(" ")


def _without_urls(message: Message) -> dict[str, Any]:
    """A service that is started again here has another port."""
    return message.body | {"data": {name: value for name, value in message.data.items() if name not in ("url", "src")}}


def _subject(message: Message) -> tuple[object, ...]:
    data = message.data
    match message.type:
        case "image.created":
            return message.type, data["id"]
        case "gallery.changed":
            return message.type, data["product_id"], data["revision"]
        case _:
            return message.type, data["job_id"]
