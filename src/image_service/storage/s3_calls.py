"""One call of obstore's: in a thread, again where it failed, its failures in the contract's words."""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from image_service.errors import BlobNotFound, StorageFull, StorageUnavailable

CALLS = 32  # at once; what they read is passed on in chunks

T = TypeVar("T")


@dataclass(frozen=True)
class S3Limits:
    """Seconds: how long a store may take that does not answer, or not well."""

    call: float = 15.0  # with all attempts; then the request that needed it is answered with 503
    put: float = 8.0  # one attempt: 10 MB over 10 Mbit/s
    silent: float = 5.0  # one attempt of anything else: the longest that nothing may come
    pauses: tuple[float, ...] = (0.1, 0.4, 1.2)  # before each further attempt, give or take a half


class Calls:
    def __init__(self, limits: S3Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(CALLS, thread_name_prefix="s3")

    async def call(self, name: str, attempt: Callable[[], T], threads: Executor | None = None) -> T:
        """What `attempt` returns, within `S3Limits.call` seconds.

        Raises `BlobNotFound`, `StorageFull`, `StorageUnavailable`, and what else `attempt` raises.
        """
        try:
            async with asyncio.timeout(self._limits.call):
                for pause in self._limits.pauses:
                    try:
                        return await self.in_thread(attempt, threads)
                    except (PermissionDeniedError, UnauthenticatedError):
                        raise  # it would say the same again
                    except BaseError:
                        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                return await self.in_thread(attempt, threads)
        except TimeoutError as error:
            raise StorageUnavailable(f"{name}: no answer within {self._limits.call:g} s") from error
        except FileNotFoundError as error:
            reason = reason_of(error)
            missing = StorageUnavailable if "<Code>NoSuchBucket</Code>" in reason else BlobNotFound
            raise missing(f"{name}: {reason}") from error
        except BaseError as error:
            reason = reason_of(error)
            full = "507 Insufficient Storage" in reason or "QuotaExceeded" in reason
            raise (StorageFull if full else StorageUnavailable)(f"{name}: {reason}") from error

    async def in_thread(self, function: Callable[[], T], threads: Executor | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads or self._threads, function)


def reason_of(error: Exception) -> str:
    """What obstore says to people, in one line."""
    said = " ".join(str(error).partition("\n\nDebug source:")[0].split())
    if said.endswith("HTTP error: builder error"):
        said += " (an endpoint of http:// takes AWS_ALLOW_HTTP=true)"
    return said[:600]
