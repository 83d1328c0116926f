"""The process that reads hostile bytes: `python -I -m image_service.pixels.worker`, with no environment.

Reads and writes lines of JSON (see `messages`). Each line passes its job's open files: the picture to read, and one
to write. The process opens no file itself. `answers` validates all its output. The process exits when its input ends.
"""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from image_service.pixels import libvips
from image_service.pixels.cage.enter import LAYERS, EnterLayer, enter, limit_processor_time
from image_service.pixels.family import render_family, render_kept_family
from image_service.pixels.keeping import Keep, opened
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import MAX_DETAIL, MAX_FILES, MAX_LINE, Rendering
from image_service.pixels.picture import Format, Pixels
from image_service.pixels.probe import probe
from image_service.pixels.render import render, render_kept

MOST_FILES = 65_536  # above any descriptor of the service

Do = Callable[[dict[str, Any], Sequence[int]], dict[str, Any]]


def main() -> None:
    serve(do)


def serve(do: Do, layers: Mapping[str, EnterLayer] = LAYERS) -> None:
    """Answer requests with `do`, in the cage of these layers, until the input ends."""
    # Closes other inherited descriptors to hostile code: the service's listening socket, its log.
    os.closerange(3, MOST_FILES)
    for ignored in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and systemd signal the whole group;
        signal.signal(ignored, signal.SIG_IGN)  # the service still has running jobs, and kills this process itself
    libvips.configure()
    jobs = socket.socket(fileno=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        cage = enter(layers)
        # Keeps library output out of the answers, and hostile text out of the service's log.
        for printed in (1, 2):
            os.dup2(nowhere, printed)
        os.close(nowhere)
        answers.write(line({"ready": True, "cage": [asdict(layer) for layer in cage]}))
        for request, files in requests(jobs):
            with libvips.giving_memory_back():
                reply = line(answer(request, files, do))
                for file in files:
                    os.close(file)
                answers.write(reply)


def requests(jobs: socket.socket) -> Iterator[tuple[bytes | None, list[int]]]:
    """Yield each line (None if too long) and its files. The next line comes only after the answer."""
    while True:
        data, files, is_long = b"", list[int](), False
        while not data.endswith(b"\n"):
            more, received, _, _ = socket.recv_fds(jobs, MAX_LINE, MAX_FILES)
            files += received
            if not more:
                return
            is_long = is_long or len(data) + len(more) > MAX_LINE
            data = more if is_long else data + more
        yield None if is_long else data, files


def answer(request: bytes | None, files: Sequence[int], do: Do) -> dict[str, Any]:
    """Never raises: a picture that breaks the code fails its own request, not the process.

    Does not refuse a picture for lack of memory: the walk bounds its memory, and the cage allows that much.
    """
    reply: dict[str, Any] = {"id": None}
    if request is None:
        return reply | {"failed": "request too long"}
    try:
        job = json.loads(request)
        reply["id"] = job["id"]
        limit_processor_time(job["seconds"])
        return reply | do(job, files)
    except Refused as refused:
        return reply | {"refused": refused.refusal, "kind": refused.kind, "detail": refused.detail[:MAX_DETAIL]}
    except MemoryError:
        pass  # answered below: the exception's traceback still holds all that memory
    except Exception as error:  # no exception may escape here
        return reply | {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:MAX_DETAIL]}
    return reply | {"failed": "out of memory"}


def do(job: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
    if job["do"] == "probe":
        formats = (Format(each) for each in job["limits"]["formats"])
        limits = Limits(**job["limits"] | {"formats": tuple(each for each in formats if libvips.reads(each))})
        libvips.allow(limits.formats)
        return {"probe": asdict(probe(read(files[0]), limits, keep_in(job, files[1:])))}
    if job["do"] == "family":
        return {"family": family(job, read(files[0]), files[1:])}
    rendering = rendering_of(job["rendering"])
    source, target, *others = files
    if job.get("pixels") is not None:
        libvips.allow([])
        format = render_kept(opened(read(source), Pixels(**job["pixels"])), target, rendering)
        return {"rendered": format, "kept": None}
    libvips.allow([rendering.original])
    format, kept = render(read(source), target, rendering, keep_in(job, others))
    return {"rendered": format, "kept": kept and asdict(kept)}


def family(job: dict[str, Any], source: bytes, targets: Sequence[int]) -> list[Format]:
    renderings = [rendering_of(each) for each in job["renderings"]]
    if job.get("pixels") is not None:
        libvips.allow([])
        return render_kept_family(opened(source, Pixels(**job["pixels"])), targets, renderings)
    libvips.allow([renderings[0].original])
    return render_family(source, targets, renderings)


def rendering_of(asked: dict[str, Any]) -> Rendering:
    named = {each: Format(asked[each]) for each in ("original", "format")}
    return Rendering(**asked | named | {"against": tuple(Format(each) for each in asked.get("against", ()))})


def keep_in(job: dict[str, Any], files: Sequence[int]) -> Keep | None:
    return Keep(files[0], **job["keep"]) if job.get("keep") is not None else None


def read(file: int) -> bytes:
    """Read the whole file, without calls that take file names. Raises `OSError`."""
    return os.pread(file, os.lseek(file, 0, os.SEEK_END), 0)


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


if __name__ == "__main__":
    main()
