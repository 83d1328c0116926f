"""What the connection knows of a request that ASGI has no word for; the application finds it in the scope."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

EXCHANGE = "image_service.exchange"  # the scope's key; absent where another server runs the application


class Memory(Protocol):
    """What is read for a client, and waits for it: bounded for all of them together."""

    @property
    def is_short(self) -> bool: ...  # nothing large should be read now

    def take(self, count: int) -> None: ...  # so many bytes are read, until `give_back`

    async def room(self, count: int) -> None: ...  # takes them as soon as they fit

    def give_back(self, count: int) -> None: ...  # it has taken them, or never will


@dataclass(slots=True)
class Exchange:
    abort: Callable[[], None]  # ends the connection at once
    is_backed_up: Callable[[], bool]  # so much waits for the client that a further send would have to
    memory: Memory
    is_received: bool = False  # all of the request's body has come
    is_malformed: bool = False  # its body breaks off in nonsense: no more of it will come
