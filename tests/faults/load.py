"""Clients of every kind at once, who remember what they were promised and repeat what was not answered."""

import asyncio
import base64
import hashlib
import io
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from tests.ingest.server import ScriptedServer
from tests.shop import form, page

CLIENTS = 8
PRODUCTS = range(1, 9)
AGAIN = {409, 502, 503}  # the README: send it again
NO_ANSWER = (httpx.TransportError, AttributeError)  # the latter is anyio's, for a connection that was reset at once
PAUSE = 0.3  # seconds of a client before it repeats; the processor is wanted for what it waits for
PATIENCE = 1.0  # seconds; then a client leaves its repeats to themselves and goes on with something else
MOST_OPEN = 3 * CLIENTS  # deeds that wait for their answer, while the service is down
DEEDS = {  # with their weights
    "form": 5,
    "base64": 4,
    "src": 3,
    "orphan": 4,  # Bukalapak's create
    "assign": 3,
    "move": 4,
    "replace": 3,
    "delete": 3,
    "delete orphan": 1,  # Bukalapak's delete
    "look": 4,
}


@dataclass
class Kept:
    """What an image that was acknowledged must be."""

    id: int
    product: int | None
    sha256: str


@dataclass(frozen=True)
class Created:
    """A POST, and the id that its first answer gave."""

    path: str
    request: dict[str, Any]
    id: int


@dataclass
class Load:
    """`url` is where the service is just now. All of it runs in one event loop, for one store."""

    client: httpx.AsyncClient
    url: Callable[[], str]
    pages: ScriptedServer
    chance: random.Random
    kept: dict[int, Kept] = field(default_factory=dict)  # but those that a deed is under way with
    gone: set[int] = field(default_factory=set)  # whose deletion was acknowledged
    created: list[Created] = field(default_factory=list)
    acknowledged: Counter[str] = field(default_factory=Counter)  # by deed
    repeated: Counter[str] = field(default_factory=Counter)  # by why: a status, or no answer
    faults: list[str] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def writes(self) -> int:
        """How many were acknowledged."""
        return self.acknowledged.total() - self.acknowledged["look"]

    @property
    def images(self) -> int:
        """How many were acknowledged and not deleted again."""
        return len(self.kept)

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; ends when everything has its answer."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._one_client(stop))
        await asyncio.gather(*self._open)

    async def close(self) -> None:
        """Give up what is still to be answered."""
        for deed in self._open:
            deed.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _one_client(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            deed = asyncio.create_task(self._deed())
            self._open.add(deed)
            await asyncio.wait({deed}, timeout=PATIENCE)
            while len(self._open) > MOST_OPEN:
                await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
                self._close_done()
            self._close_done()

    def _close_done(self) -> None:
        for deed in [each for each in self._open if each.done()]:
            self._open.discard(deed)
            deed.result()

    async def _deed(self) -> None:
        name = self.chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        if name in {"form", "base64", "src", "orphan"}:
            await self._create(name)
            return
        on_product = None if name == "look" else name in {"move", "replace", "delete"}
        held = [each for each in self.kept.values() if on_product in (None, each.product is not None)]
        if held:
            image = self.kept.pop(self.chance.choice(held).id)  # nobody else does anything with it meanwhile
            await {"look": self._look, "assign": self._assign, "move": self._move, "replace": self._replace}.get(
                name, self._delete
            )(image)

    async def _create(self, name: str) -> None:
        data = picture(self.chance)
        product = None if name == "orphan" else self.chance.choice(PRODUCTS)
        path = "/v2/images.json" if product is None else f"/products/{product}/images"
        match name:
            case "base64":
                request: dict[str, Any] = {"json": {"attachment": base64.b64encode(data).decode(), "filename": "a.png"}}
            case "src":
                target = f"/{uuid4().hex}.png"
                self.pages.pages[target] = page(data)
                request = {"json": {"src": self.pages.url(target), "position": 1}}
            case _:
                request = {"files": form(data)}
        request["headers"] = {"Idempotency-Key": uuid4().hex}
        id_ = int((await self._insist(name, "POST", path, **request))[0].json()["id"])
        self._note(id_ not in self.kept and id_ not in self.gone, f"image {id_} was given out twice")
        self.kept[id_] = Kept(id_, product, hashlib.sha256(data).hexdigest())
        self.created.append(Created(path, request, id_))

    async def _assign(self, image: Kept) -> None:
        product = self.chance.choice(PRODUCTS)
        path = f"/products/{product}/images"
        request = {"json": {"image_id": image.id}, "headers": {"Idempotency-Key": uuid4().hex}}
        if self._is_there(image, *await self._insist("assign", "POST", path, **request)):
            image.product = product
            self.created.append(Created(path, request, image.id))

    async def _move(self, image: Kept) -> None:
        place = {"position": self.chance.randint(1, 20)}
        self._is_there(image, *await self._insist("move", "PUT", _path(image), json=place))

    async def _replace(self, image: Kept) -> None:
        data = picture(self.chance)
        if self._is_there(image, *await self._insist("replace", "PUT", _path(image), files=form(data))):
            image.sha256 = hashlib.sha256(data).hexdigest()

    async def _delete(self, image: Kept) -> None:
        bukalapak = image.product is None or self.chance.random() < 0.3
        path = f"/v2/images/{image.id}.json" if bukalapak else _path(image)
        answer, repeated = await self._insist("delete", "DELETE", path)
        self._note(answer.status_code == 200 or repeated, f"image {image.id} was not there to be deleted")
        self.gone.add(image.id)

    async def _look(self, image: Kept) -> None:
        """At its original and at a variant, as far as there is someone who answers."""
        try:
            answer = await self.client.get(f"{self.url()}/images/{image.id}/original")
            self._note(answer.status_code in {200, 503}, f"image {image.id}: {answer.status_code}")
            if answer.status_code == 200:
                self._note(_sha256(answer) == image.sha256, f"image {image.id} has other bytes")
            shown = await self.client.get(f"{self.url()}/images/{image.id}")
            if shown.status_code == 200:
                path = httpx.URL(shown.json()["src"]).path
                rendered = await self.client.get(f"{self.url()}{path}")
                self._note(rendered.status_code in {200, 503}, f"variant of {image.id}: {rendered.status_code}")
                self.acknowledged["look"] += 1
        except NO_ANSWER:
            self.repeated["no answer"] += 1
        self.kept[image.id] = image

    def _is_there(self, image: Kept, answer: httpx.Response, _: bool) -> bool:
        """Whether it was found, as it must be."""
        found = answer.is_success
        self._note(found, f"image {image.id}: {answer.request.method} was answered {answer.text}")
        self.kept[image.id] = image
        return found

    async def _insist(self, name: str, method: str, path: str, **request: Any) -> tuple[httpx.Response, bool]:
        """The answer, and whether it took more than one attempt to get it."""
        repeated = False
        while True:
            try:
                answer = await self.client.request(method, self.url() + path, **request)
            except NO_ANSWER as error:
                self.repeated["half an answer" if "incomplete" in str(error) else "no answer"] += 1
            else:
                # The host of a `src` is this process, which may be too busy to answer in time.
                if answer.status_code not in AGAIN and (name != "src" or answer.is_success):
                    self.acknowledged[name] += 1
                    # What is gone is found out by whoever asked for it; nothing else may be refused.
                    assert answer.is_success or answer.status_code == 404, f"{name}: {answer.text}"
                    return answer, repeated
                self.repeated[str(answer.status_code)] += 1
            repeated = True
            await asyncio.sleep(PAUSE)

    def _note(self, is_right: bool, fault: str) -> None:
        if not is_right:
            self.faults.append(fault)


def picture(chance: random.Random, size: tuple[int, int] | None = None) -> bytes:
    """One that nobody has uploaded before, of noise; a few are large enough to be written in several pieces."""
    size = size or ((300, 200) if chance.random() < 0.2 else (40, 30))
    buffer = io.BytesIO()
    Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3)).save(buffer, "PNG")
    return buffer.getvalue()


def _path(image: Kept) -> str:
    return f"/products/{image.product}/images/{image.id}"


def _sha256(answer: httpx.Response) -> str:
    return hashlib.sha256(answer.content).hexdigest()
