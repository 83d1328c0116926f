"""The process that meets hostile bytes: `python -I -m image_service.pixels.worker`, with no environment.

A line of JSON in, a line of JSON out (see `messages`). It can read and write the files that it is told
to, and nothing that it says is believed before `answers` has checked it. It ends when its input does.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from image_service.pixels import cage, libvips
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import MAX_DETAIL, MAX_LINE, Drawing
from image_service.pixels.picture import Format
from image_service.pixels.probe import probe
from image_service.pixels.render import render

MOST_FILES = 65_536  # none of a service's has a higher number

Do = Callable[[dict[str, Any]], dict[str, Any]]


def main() -> None:
    serve(do)


def serve(do: Do) -> None:
    """Answer requests by `do`, in the cage, until the input ends."""
    # What else was handed down is not for a stranger's code: the socket that the service listens on, its log.
    os.closerange(3, MOST_FILES)
    for ignored in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and systemd signal the whole group;
        signal.signal(ignored, signal.SIG_IGN)  # the service still has pictures under way, and ends us itself
    libvips.configure()
    unfiltered = cage.enter()
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        silence()
        answers.write(line({"ready": True, "unfiltered": unfiltered[:MAX_DETAIL]}))
        for request in requests(sys.stdin.buffer):
            answers.write(line(answer(request, do)))


def silence() -> None:
    """Nothing that a library prints may land among the answers, nor hostile text in the service's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def requests(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line of the stream; None for one that is too long."""
    while data := stream.readline(MAX_LINE):
        if data.endswith(b"\n"):
            yield data
            continue
        while data and not data.endswith(b"\n"):
            data = stream.readline(MAX_LINE)
        yield None


def answer(request: bytes | None, do: Do) -> dict[str, Any]:
    """Never raises: a picture that breaks the code costs its own request, not the process.

    No memory is no verdict: the walk has bounded what a picture may need, and the cage has room for that.
    """
    reply: dict[str, Any] = {"id": None}
    if request is None:
        return reply | {"failed": "request too long"}
    try:
        job = json.loads(request)
        reply["id"] = job["id"]
        cage.limit_processor_time(job["seconds"])
        return reply | do(job)
    except Refused as refused:
        return reply | {"refused": refused.refusal, "detail": refused.detail[:MAX_DETAIL]}
    except MemoryError:
        pass  # and answered below: until the exception has gone, all that filled the memory is still held by it
    except Exception as error:  # the one place where nothing may escape
        return reply | {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:MAX_DETAIL]}
    return reply | {"failed": "out of memory"}


def do(job: dict[str, Any]) -> dict[str, Any]:
    if job["do"] == "probe":
        limits = Limits(**job["limits"] | {"formats": tuple(map(Format, job["limits"]["formats"]))})
        libvips.allow(limits.formats)
        return {"probe": asdict(probe(Path(job["path"]), limits))}
    drawing = Drawing(**job["drawing"] | {each: Format(job["drawing"][each]) for each in ("original", "format")})
    libvips.allow([drawing.original])
    render(Path(job["source"]), Path(job["target"]), drawing)
    return {"drawn": True}


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


if __name__ == "__main__":
    main()
