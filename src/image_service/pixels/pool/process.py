"""One pixel process, as the service sees it: a socket in, a pipe out, and a signal to end it."""

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

START_SECONDS = 15.0  # 0.2 s when idle; a machine that has just booted and swaps is no reason to give up
STDOUT = 1

# How a process ends that gets no memory: GLib and C++ abort, and the kernel kills what the machine cannot hold.
STARVED = (-signal.SIGABRT, -signal.SIGKILL)
END_SECONDS = 1.0  # between a process's last word and its end; only one that lingers on purpose takes longer


class Died(Exception):
    """The process ended, or said more than any answer has."""


class Starved(Died):
    """It ended for want of memory, as far as can be seen."""


class NotTaken(Died):
    """It ended before it had read its job, which another process may do: an idle one can be killed, too."""


class Input:
    """The socket to a process, over which open files can be sent. Its other end stays open here too: what a process has
    left in it can be seen when it has ended, and to write to it never fails.
    """

    def __init__(self) -> None:
        self.read_end, self._write_end = socket.socketpair()
        self._write_end.setblocking(False)
        self._write_end.shutdown(socket.SHUT_RD)  # nothing comes back this way

    def write(self, line: bytes, files: Sequence[int]) -> None:
        """Raises `NotTaken` if it does not take the line whole, as that of an idle process does."""
        try:
            taken = socket.send_fds(self._write_end, [line], list(files))
        except OSError as error:
            raise NotTaken(str(error)) from None
        if taken != len(line):
            raise NotTaken("does not read")

    @property
    def unread(self) -> int:
        """Bytes; 0 once it is closed."""
        if self.read_end.fileno() < 0:
            return 0
        return int.from_bytes(fcntl.ioctl(self.read_end, termios.FIONREAD, bytes(4)), sys.byteorder)

    def close(self) -> None:
        self.read_end.close()
        self._write_end.close()


class Output(asyncio.SubprocessProtocol):
    """What has come from a process, in bounded memory.

    `asyncio.create_subprocess_exec` will not do: its `wait` never ends for a killed process that has
    flooded its output, or has left a child behind that holds the pipe.
    """

    def __init__(self) -> None:
        self.said = bytearray()  # and not read yet
        self.silent = False  # nothing more is taken: the pipe has ended, or held too much
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
        """Raises `Died` when no more will come."""
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

        It is forked here, in the loop's own thread (some 5 ms): Linux ties a process's life to the thread
        that made it, and a thread of an executor may end at any time.
        Raises `OSError`, `Died`, `TimeoutError`.
        """
        input = Input()
        try:
            transport, output = await asyncio.get_running_loop().subprocess_exec(
                Output,
                *command,
                stdin=input.read_end.fileno(),
                stdout=asyncio.subprocess.PIPE,
                stderr=None,  # ours, until it is ready: why it could not start belongs in the log
                env={},  # no secret of the service's is there to be read
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
        """Work when no other process on this machine wants to; before its first job, when it has one thread."""
        with suppress(OSError, AttributeError):  # where there is no such class, it is as polite as the others
            os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    @property
    def usable(self) -> bool:
        """Between two jobs it is there, and has nothing to say."""
        return not (self._output.exited.is_set() or self._output.silent or self._output.said)

    async def ask(self, request: dict[str, Any], files: Sequence[int], seconds: float) -> bytes:
        """One line for one line, and the open `files` that go with it. After any exception the process is of no more
        use: `kill` it.

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
        """Its exit status; None while it runs, so that our own signal is not taken for the kernel's."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._output.exited.wait()
        return self._transport.get_returncode()

    async def kill(self) -> None:
        """Returns when it has gone, and so writes to no file any more."""
        with suppress(ProcessLookupError):
            self._transport.kill()
        try:
            await self._output.exited.wait()
        finally:
            self._transport.close()
            self._input.close()

    async def _ready(self) -> None:
        """Its first line, once its libraries are loaded: it has met no picture yet."""
        try:
            said = json.loads(await self._output.line())
            self.cage = tuple(Layer(**layer) for layer in said["cage"])
        except (ValueError, TypeError, KeyError):
            raise Died("did not get ready") from None
