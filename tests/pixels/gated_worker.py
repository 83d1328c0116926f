"""The pixel process, which renders when a test lets it.

For each picture it signals by the FIFO `begun` in the folder that its argument names, and waits for `go-on`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from image_service.pixels import worker

FOLDER = Path(sys.argv[1])


def do(job: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
    if job["do"] in ("render", "family"):
        (FOLDER / "begun").write_text("begun")
        (FOLDER / "go-on").read_text()
    return worker.do(job, files)


if __name__ == "__main__":
    worker.serve(do, {})  # in no cage, which lets nothing be opened
