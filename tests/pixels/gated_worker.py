"""The pixel process, which draws when a test lets it.

For each picture it signals by the FIFO `begun` in the folder that its argument names, and waits for `go-on`.
"""

import sys
from pathlib import Path
from typing import Any

from image_service.pixels import worker

FOLDER = Path(sys.argv[1])


def do(job: dict[str, Any]) -> dict[str, Any]:
    if job["do"] == "render":
        (FOLDER / "begun").write_text("begun")
        (FOLDER / "go-on").read_text()
    return worker.do(job)


if __name__ == "__main__":
    worker.serve(do)
