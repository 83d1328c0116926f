"""A stand-in for the pixel process: the name of the file that it is given to probe says how it behaves.

Run as a program; needs nothing but the standard library. Whoever tests with it waits for no time to pass:
it signals by a FIFO beside the file, opening which waits for the other side.
"""

import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

PROBE = {"format": "png", "width": 1, "height": 1, "frames": 1, "end": 1, "thumbhash": "AAAAAAAA", "kept": None}


def say(*messages: object) -> None:
    """All of them in one write, so that they arrive together."""
    sys.stdout.write("".join(json.dumps(message) + "\n" for message in messages))
    sys.stdout.flush()


def jobs(deaf: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Each with the path of its file, until the input ends. What comes once there is a file `deaf` stays unread."""
    input = socket.socket(fileno=0)
    while select.select([0], [], []) and not deaf.exists():
        line, files, _, _ = socket.recv_fds(input, 65_536, 2)
        if not line:
            return
        yield json.loads(line), path_of(files[0])
        for file in files:
            os.close(file)


def path_of(file: int) -> Path:
    if sys.platform == "darwin":
        return Path(fcntl.fcntl(file, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode())
    return Path(f"/proc/self/fd/{file}").readlink()


def stuff_input() -> None:
    """Its own, which is open for it to read alone."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        while os.write(0, b"x" * 4096):
            pass


def main() -> None:
    if Path(sys.argv[1]).exists():
        sys.exit(1)
    say({"ready": True, "cage": []})
    for job, path in jobs(Path(sys.argv[1]).with_name("deaf")):
        match path.name:
            case "hang":
                signal.pause()
            case "begin-and-hang":
                path.with_name("begun").write_text("begun")  # a FIFO
                signal.pause()
            case "begin-and-wait":
                path.with_name("begun").write_text("begun")
                path.with_name("go-on").read_text()
            case "die" | "starve":
                os.kill(os.getpid(), signal.SIGSEGV if path.name == "die" else signal.SIGKILL)  # the kernel's own
            case "exit":
                return
            case "flood":
                sys.stdout.write("x" * 1_000_000)
            case "answer":
                say({"id": job["id"]} | json.loads(path.read_text()))
                continue
            case "text":
                sys.stdout.write(path.read_text())
            case "stuff":
                stuff_input()
            case "chatter":
                say({"id": job["id"], "probe": PROBE}, {"id": job["id"] + 1, "probe": PROBE | {"end": 2}})
                continue
        say({"id": job["id"], "probe": PROBE})


if __name__ == "__main__":
    main()
