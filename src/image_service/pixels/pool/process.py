"""The service's handle on one pixel process: an input socket, an output pipe, and a signal to end it."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from image_service.pixels.messages import MAX_LINE, Layer

START_SECONDS = 15.0  # usually 0.2 s; leaves room for a machine that has just booted and swaps
STDOUT = 1

# Exit statuses of a process without memory: GLib and C++ abort, and the kernel's OOM killer kills.
STARVED = (-signal.SIGABRT, -signal.SIGKILL)
END_SECONDS = 1.0  # between a process's last output and its exit; only a hostile process takes longer


class Died(Exception):
    """The process exited, or wrote more than any valid answer."""


class Starved(Died):
    """The process probably exited for lack of memory."""


class NotTaken(Died):
    """The process exited before it read its job, so another may do it: idle processes can be killed too."""


class Input:
    """The socket to a process, which also passes open files. Our copy of the other end stays open: it shows what an
    exited process has not read, and keeps writes from failing.
    """

    def __init__(self) -> None:
        self.read_end, self._write_end = socket.socketpair()
        self._write_end.setblocking(False)
        self._write_end.shutdown(socket.SHUT_RD)  # the process sends nothing back on it

    def write(self, line: bytes, files: Sequence[int]) -> None:
        """Raises `NotTaken` if the socket does not accept the whole line; an idle process's does."""
        try:
            taken = socket.send_fds(self._write_end, [line], list(files))
        except OSError as error:
            raise NotTaken(str(error)) from None
        if taken != len(line):
            raise NotTaken("does not read")

    @property
    def unread(self) -> int:
        """Unread bytes; 0 once the socket is closed."""
        if self.read_end.fileno() < 0:
            return 0
        return int.from_bytes(fcntl.ioctl(self.read_end, termios.FIONREAD, bytes(4)), sys.byteorder)

    def close(self) -> None:
        self.read_end.close()
        self._write_end.close()


class Output(asyncio.SubprocessProtocol):
    """Collects a process's output in bounded memory.

    `asyncio.create_subprocess_exec` does not work: its `wait` never returns for a killed process that has
    flooded its output, or whose child still holds the pipe.
    """

    def __init__(self) -> None:
        self.said = bytearray()  # not read yet
        self.silent = False  # output is over: the pipe has closed, or held too much
        self.exited = asyncio.Event()
        self._news = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if not self.silent:
            self.said += data
            self.silent = len(self.said) > MAX_LINE
        self._news.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.silent = self.silent or fd == STDOUT
        self._news.set()

    def process_exited(self) -> None:
        self.exited.set()

    async def line(self) -> bytes:
        """Return the next line. Raises `Died` if the output is over."""
        while b"\n" not in self.said:
            if self.silent:
                raise Died("ended without an answer, or said too much")
            self._news.clear()
            await self._news.wait()
        line, _, self.said = self.said.partition(b"\n")
        return bytes(line)


class PixelProcess:
    def __init__(self, transport: asyncio.SubprocessTransport, input: Input, output: Output) -> None:
        self._transport = transport
        self._output = output
        self._input = input
        self.cage: tuple[Layer, ...] = ()

    @classmethod
    async def start(cls, command: Sequence[str]) -> Self:
        """Returns once the process is ready for its first job.

        Forks in the event loop's thread (some 5 ms): the parent-death signal follows the forking thread,
        and an executor's thread may end at any time.
        Raises `OSError`, `Died`, `TimeoutError`.
        """
        input = Input()
        try:
            transport, output = await asyncio.get_running_loop().subprocess_exec(
                Output,
                *command,
                stdin=input.read_end.fileno(),
                stdout=asyncio.subprocess.PIPE,
                stderr=None,  # inherited until the process is ready, so that start errors reach the log
                env={},  # hides the service's secrets
            )
        except BaseException:
            input.close()
            raise
        process = cls(transport, input, output)
        try:
            async with asyncio.timeout(START_SECONDS):
                await process._ready()
        except BaseException:
            await process.kill()
            raise
        return process

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    def yield_to_all(self) -> None:
        """Set the idle scheduling class. Call before its first job, while it has one thread."""
        with suppress(OSError, AttributeError):  # not available: keeps its niceness
            os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    @property
    def usable(self) -> bool:
        """Whether the process, between two jobs, is alive and has written nothing."""
        return not (self._output.exited.is_set() or self._output.silent or self._output.said)

    async def ask(self, request: dict[str, Any], files: Sequence[int], seconds: float) -> bytes:
        """Send one line with the open `files`, and return one line. After any exception the process is unusable:
        `kill` it.

        Raises `TimeoutError` after `seconds`, `NotTaken`, `Died`, `Starved`, `ValueError` if the request is too long.
        """
        line = json.dumps({**request, "seconds": seconds}).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise ValueError("request too long")
        self._input.write(line, files)
        try:
            async with asyncio.timeout(seconds):
                return await self._output.line()
        except Died:
            if self._input.unread >= len(line):
                raise NotTaken("between two jobs") from None
            if await self._ended_by_itself() in STARVED:
                raise Starved("ended as for want of memory") from None
            raise

    async def _ended_by_itself(self) -> int | None:
        """Return its exit status, or None if it still runs: tells the kernel's SIGKILL from our own."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._output.exited.wait()
        return self._transport.get_returncode()

    async def kill(self) -> None:
        """Kill the process. Returns once it has exited and cannot write to any file."""
        with suppress(ProcessLookupError):
            self._transport.kill()
        try:
            await self._output.exited.wait()
        finally:
            self._transport.close()
            self._input.close()

    async def _ready(self) -> None:
        """Read its first line, sent once its libraries are loaded. It has read no picture yet."""
        try:
            said = json.loads(await self._output.line())
            self.cage = tuple(Layer(**layer) for layer in said["cage"])
        except (ValueError, TypeError, KeyError):
            raise Died("did not get ready") from None
