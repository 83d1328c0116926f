"""The same request through nginx and asked of the service itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import PHOTOS
from tests.deploy.http import Answer, Headers, ask
from tests.deploy.nginx import Nginx
from tests.processes import Server, eventually

ROCKET, CUP, FILM = "rocket.jpg", "transparent.png", "animated.gif"

Paths = dict[tuple[str, str], str]  # of the variants, by size and format


@dataclass(frozen=True)
class Front:
    """The same service twice: through nginx, and directly."""

    nginx: Nginx
    service: Server
    port: int  # the service's own
    public: Path

    @property
    def both(self) -> tuple[int, int]:
        return self.nginx.port, self.port

    def reached(self, answer: Answer) -> bool:
        """Whether the service's log has the request."""
        assert answer.request_id
        return bool(self.service.logged(event="request", request_id=answer.request_id))


StartNginx = Callable[..., Nginx]


def uploaded(front: Front, name: str, data: bytes | None = None) -> Paths:
    """A photo's variants; none of them is rendered yet."""
    with front.service.client() as client:
        files = {"file": (name, (PHOTOS / name).read_bytes() if data is None else data)}
        answer = client.post("/products/1/images?fields=variants", files=files).raise_for_status()
    variants: list[dict[str, Any]] = answer.json()["variants"]
    return {(each["size"], each["format"]): each["url"].removeprefix(front.service.url) for each in variants}


def asked(front: Front, path: str, method: str = "GET", headers: Headers = ()) -> tuple[Answer, Answer, bool]:
    """nginx' answer, the service's own, and whether nginx asked the service."""
    through = ask(front.nginx.port, path, method, headers)
    direct = ask(front.port, path, method, headers)
    # The service logs in order: once the second request's line is there, that of the first is, if it has one.
    eventually(lambda: front.reached(direct))
    return through, direct, front.reached(through)


def alike(through: Answer, direct: Answer) -> bool:
    return (through.status, through.headers, through.body) == (direct.status, direct.headers, direct.body)
