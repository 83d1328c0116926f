"""The HTTP client of an import, with retries."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from image_service.cli.importing.rows import Row
from image_service.errors import ImageServiceError

TIMEOUT = httpx.Timeout(90, connect=10)  # seconds; the service itself waits for a fetch and for a pixel process
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between two tries, doubling; a longer `Retry-After` wins
MOST_ASKED = 60.0  # seconds, the limit for a `Retry-After`
VERSION = "2025-03"  # the versioned prefix accepts every format that the service can show
PAGE = 200  # images per page, the maximum
FIELDS = "id,position,src,sha256,source_url"
STORE = re.compile(r"/stores/([0-9]{3}(?:/[0-9]{3})+)/")
OVER = {
    401: "the service does not know this token",
    403: "this token may only read",
    507: "the service has no space left",
}

Image = dict[str, Any]


class Stopped(ImageServiceError):
    """No further image can be sent."""


class Refused(ImageServiceError):
    """The service will not take this image; the message is its reason."""


class NoAnswer(ImageServiceError):
    """It is unknown whether the image arrived."""


class Service:
    """A client for `url` and the store of `token`. `patience`: seconds to retry a request while it is busy or down."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        concurrency: int,
        patience: float,
        transport: httpx.AsyncBaseTransport | None = None,
        task: str = "import",
    ) -> None:
        self.url = url.rstrip("/")
        self.concurrency = concurrency
        self._patience = patience
        self._prefix = ""  # set by `require`, which looks up the token's store
        self._products: dict[str, int] = {}  # product ids by key
        self._not_before = 0.0  # monotonic clock: a rate limit applies to all requests
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"image-service/{version('image-service')} {task}",
            },
            timeout=TIMEOUT,
            transport=transport,
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def require(self, earlier: str) -> None:
        """Raises `Stopped` if the service is down or refuses the token, or if the URL `earlier`, unless empty, names a
        picture of another store.
        """
        try:
            answer = await self.ask("GET", "/store", patience=0)
        except NoAnswer as error:
            raise Stopped(f"{self.url} cannot be reached: {error}") from None
        store = json_of(answer)
        if answer.status_code != 200 or not isinstance(store, dict) or not isinstance(store.get("id"), int):
            raise Stopped(f"no image-service is at {self.url}: GET {answer.request.url} {reason_of(answer)}")
        before = STORE.search(earlier)
        if before and int(before[1].replace("/", "")) != store["id"]:
            raise Stopped("the report beside the input is of another store: name another with --report")
        self._prefix = f"/{VERSION}/{store['id']}"

    async def product(self, key: str) -> int:
        """The id of the product with this key. Creates the product if there is none. Raises as `add` does."""
        if key not in self._products:
            answer = await self.ask("POST", "/products", json={"key": key})
            made = json_of(answer)
            if answer.status_code not in {200, 201} or not isinstance(made, dict) or "id" not in made:
                raise Refused(reason_of(answer))
            self._products[key] = int(made["id"])
        return self._products[key]

    async def add(self, row: Row, key: str) -> Image:
        """Raises `Refused`, `NoAnswer`, `Stopped`, `OSError` (the file)."""
        place = {} if row.position is None else {"position": row.position}
        if row.path is None:
            alt = {} if row.alt is None else {"alt": row.alt}
            sent: dict[str, Any] = {"json": {"src": row.source, **place, **alt}}
        else:
            texts = {f"alt[{tag}]": text for tag, text in row.alt.items()} if isinstance(row.alt, dict) else {}
            sent = {"data": place | texts | ({"alt": row.alt} if isinstance(row.alt, str) else {})}
        answer = await self.ask(
            "POST",
            f"{self._prefix}/products/{row.product_id}/images",
            path=row.path,
            params={"fields": FIELDS},
            headers={"Idempotency-Key": f"import-{key}"},
            **sent,
        )
        return _image(answer)

    async def gallery(self, product_id: int) -> AsyncIterator[Image]:
        """Raises `Refused`, `NoAnswer`, `Stopped`."""
        number, more = 1, True
        while more:
            params: dict[str, Any] = {"fields": FIELDS, "per_page": PAGE, "page": number}
            answer = await self.ask("GET", f"{self._prefix}/products/{product_id}/images", params=params)
            images = json_of(answer)
            if answer.status_code != 200 or not isinstance(images, list):
                raise Refused(reason_of(answer))
            for image in images:
                yield image
            number, more = number + 1, len(images) == PAGE

    async def position_of(self, product_id: int, image_id: int) -> int | None:
        """None if the image no longer exists. Raises as `add` does."""
        answer = await self.ask("GET", f"{self._prefix}/products/{product_id}/images/{image_id}")
        return None if answer.status_code == 404 else int(_image(answer)["position"])

    async def move(self, product_id: int, image_id: int, position: int) -> None:
        """Raises as `add` does."""
        route = f"{self._prefix}/products/{product_id}/images/{image_id}"
        _image(await self.ask("PUT", route, json={"position": position}))

    async def ask(
        self, method: str, route: str, *, path: Path | None = None, patience: float | None = None, **said: Any
    ) -> httpx.Response:
        """The final response, after retries. Raises `NoAnswer`, `Stopped`."""
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            wait = pause
            try:
                with path.open("rb") if path else nullcontext() as opened:
                    files = {"file": (_printable(path.name), opened)} if path and opened else None
                    answer = await self._client.request(method, route, files=files, **said)
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                if answer.status_code in OVER:
                    raise Stopped(f"{OVER[answer.status_code]} ({answer.status_code})")
                if answer.status_code not in {408, 409, 429} and answer.status_code < 500:
                    return answer
                reason = reason_of(answer)
                wait = max(pause, _retry_after(answer))
                if answer.status_code in {429, 503}:
                    self._not_before = max(self._not_before, time.monotonic() + wait)
            if time.monotonic() + wait > deadline:
                raise NoAnswer(reason)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


def _printable(name: str) -> str:
    """A name on disk may be any bytes."""
    return name.encode("utf-8", "replace").decode()


def _image(answer: httpx.Response) -> Image:
    image = json_of(answer)
    if answer.status_code not in {200, 201} or not isinstance(image, dict) or "id" not in image:
        raise Refused(reason_of(answer))
    return image


def json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def reason_of(answer: httpx.Response) -> str:
    """The service's error text, in any of its formats."""
    said = json_of(answer)
    for words in ("description", "detail"):
        if isinstance(said, dict) and isinstance(said.get(words), str):
            return str(said[words])
    if isinstance(said, dict) and all(isinstance(messages, list) for messages in said.values()):
        return "; ".join(f"{field} {message}" for field, messages in said.items() for message in messages)
    return f"answered {answer.status_code}"


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), MOST_ASKED) if text.isascii() and text.isdecimal() else 0.0
