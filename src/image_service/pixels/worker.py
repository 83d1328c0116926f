"""The process that meets hostile bytes: `python -I -m image_service.pixels.worker`, with no environment.

A line of JSON in, a line of JSON out (see `messages`). It can read and write the files that it is told
to, and nothing that it says is believed before `answers` has checked it. It ends when its input does.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from image_service.errors import Refusal
from image_service.pixels import libvips
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import MAX_DETAIL, MAX_LINE, READY, Drawing
from image_service.pixels.picture import Format
from image_service.pixels.probe import probe
from image_service.pixels.render import render

RESOURCES = (
    (resource.RLIMIT_CORE, 0),  # bytes; a core file would hold a customer's picture
    (resource.RLIMIT_AS, 2 * 1024**3),  # bytes of addresses; 50 megapixels of RGBA noise as WebP just fit
    (resource.RLIMIT_FSIZE, 256 * 1024**2),  # bytes; 50 megapixels of noise as RGBA in a PNG: 200 MB
    (resource.RLIMIT_NOFILE, 64),  # libvips opens a handful
)
MOST_FILES = 65_536  # none of a service's has a higher number
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and systemd signal the whole group;
        signal.signal(ignored, signal.SIG_IGN)  # the service still has pictures under way, and ends us itself
    die_with_parent()
    for kind, wanted in RESOURCES:
        _, hard = resource.getrlimit(kind)  # may be tighter already, and cannot be raised
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))
    libvips.configure()
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        silence()
        keep_only(0, 1, 2, answers.fileno())
        answers.write(line(READY))
        for request in requests(sys.stdin.buffer):
            answers.write(line(answer(request)))


def die_with_parent() -> None:
    """Linux only; elsewhere, and if the parent has gone by now, the end of the input does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def silence() -> None:
    """Nothing that a library prints may land among the answers, nor hostile text in the service's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def keep_only(*files: int) -> None:
    """What else was handed down is not for a stranger's code: the socket that the service listens on, its log."""
    for last, following in pairwise((-1, *sorted(files), MOST_FILES)):
        if last + 1 < following:  # Python 3.11 takes an empty range for all files there are
            os.closerange(last + 1, following)


def requests(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line of the stream; None for one that is too long."""
    while data := stream.readline(MAX_LINE):
        if data.endswith(b"\n"):
            yield data
            continue
        while data and not data.endswith(b"\n"):
            data = stream.readline(MAX_LINE)
        yield None


def answer(request: bytes | None) -> dict[str, Any]:
    """Never raises: a picture that breaks the code costs its own request, not the process."""
    reply: dict[str, Any] = {"id": None}
    if request is None:
        return reply | {"failed": "request too long"}
    try:
        job = json.loads(request)
        reply["id"] = job["id"]
        return reply | do(job)
    except Refused as refused:
        return reply | {"refused": refused.refusal, "detail": refused.detail[:MAX_DETAIL]}
    except MemoryError:
        return reply | {"refused": Refusal.TOO_MANY_PIXELS, "detail": "out of memory"}
    except Exception as error:  # the one place where nothing may escape
        return reply | {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:MAX_DETAIL]}


def do(job: dict[str, Any]) -> dict[str, Any]:
    if job["do"] == "probe":
        return {"probe": asdict(probe(Path(job["path"]), Limits(**job["limits"])))}
    drawing = Drawing(**job["drawing"] | {"format": Format(job["drawing"]["format"])})
    render(Path(job["source"]), Path(job["target"]), drawing)
    return {"drawn": True}


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


if __name__ == "__main__":
    main()
