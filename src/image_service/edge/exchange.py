"""Connection state of a request that ASGI does not define; the application finds it in the scope."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

EXCHANGE = "image_service.exchange"  # the scope's key; absent where another server runs the application


class Memory(Protocol):
    """Bytes read for a client that wait to be sent, bounded over all clients."""

    @property
    def is_short(self) -> bool: ...  # nothing large should be read now

    def taken(self, count: int) -> AbstractContextManager[None]: ...  # counts `count` bytes as read meanwhile

    async def room(self, count: int) -> None: ...  # waits until they fit, then counts them until `give_back`

    def give_back(self, count: int) -> None: ...  # they are sent, or never will be


@dataclass(slots=True)
class Exchange:
    abort: Callable[[], None]  # ends the connection at once
    is_backed_up: Callable[[], bool]  # the send buffer is full: another send would wait
    memory: Memory
    is_received: bool = False  # the whole request body has come
    is_malformed: bool = False  # the body is malformed: no more of it will come
