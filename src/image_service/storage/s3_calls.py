"""Runs one obstore call in a thread, retries it, and converts its errors to the contract's errors."""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from image_service.errors import BlobNotFound, StorageFull, StorageUnavailable

CALLS = 32  # at once; reads are passed on in chunks

T = TypeVar("T")


@dataclass(frozen=True)
class S3Limits:
    """Timeouts in seconds for a store that does not respond, or fails."""

    call: float = 15.0  # for all attempts; then the client's request gets 503
    put: float = 8.0  # one attempt: 10 MB over 10 Mbit/s
    silent: float = 5.0  # one attempt of any other call: the longest time without data
    pauses: tuple[float, ...] = (0.1, 0.4, 1.2)  # before each retry, plus or minus 50 %


class Calls:
    def __init__(self, limits: S3Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(CALLS, thread_name_prefix="s3")

    async def call(self, name: str, attempt: Callable[[], T], threads: Executor | None = None) -> T:
        """Return the result of `attempt`, within `S3Limits.call` seconds.

        Raises `BlobNotFound`, `StorageFull`, `StorageUnavailable`, and any other exception of `attempt`.
        """
        try:
            async with asyncio.timeout(self._limits.call):
                for pause in self._limits.pauses:
                    try:
                        return await self.in_thread(attempt, threads)
                    except (PermissionDeniedError, UnauthenticatedError):
                        raise  # a retry would fail the same way
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
    """Return obstore's readable message, in one line."""
    said = " ".join(str(error).partition("\n\nDebug source:")[0].split())
    if said.endswith("HTTP error: builder error"):
        said += " (an endpoint of http:// takes AWS_ALLOW_HTTP=true)"
    return said[:600]
