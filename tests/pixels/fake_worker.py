"""A stand-in for the pixel process: the name of the file that it is to probe says how it behaves.

Run as a program; needs nothing but the standard library. Whoever tests with it waits for no time to pass:
it signals by a FIFO beside the file, opening which waits for the other side.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROBE = {"format": "png", "width": 1, "height": 1, "frames": 1, "end": 1, "thumbhash": "AAAAAAAA"}


def say(*messages: object) -> None:
    """All of them in one write, so that they arrive together."""
    sys.stdout.write("".join(json.dumps(message) + "\n" for message in messages))
    sys.stdout.flush()


def jobs(deaf: Path) -> Iterator[dict[str, Any]]:
    """Until the input ends, or until there is a file `deaf`: what comes then stays unread."""
    while select.select([0], [], []) and not deaf.exists() and (line := sys.stdin.readline()):
        yield json.loads(line)


def stuff_input() -> None:
    """Its own."""
    with Path("/proc/self/fd/0").open("wb", buffering=0) as stdin:
        os.set_blocking(stdin.fileno(), False)
        while stdin.write(b"x" * 4096):
            pass


def main() -> None:
    if Path(sys.argv[1]).exists():
        sys.exit(1)
    say({"ready": True, "unfiltered": ""})
    for job in jobs(Path(sys.argv[1]).with_name("deaf")):
        path = Path(job["path"])
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
                say({"id": job["id"], "probe": PROBE})
                signal.pause()
            case "chatter":
                say({"id": job["id"], "probe": PROBE}, {"id": job["id"] + 1, "probe": PROBE | {"end": 2}})
                continue
        say({"id": job["id"], "probe": PROBE})


if __name__ == "__main__":
    main()
