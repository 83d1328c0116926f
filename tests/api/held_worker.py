"""A pixel process that does nothing with a job of the kind that `hold` in its folder names, until it is told to go on:
by FIFOs, which wait for the other side.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from image_service.pixels import worker

FOLDER = Path(sys.argv[1])


def do(job: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
    hold = FOLDER / "hold"
    if hold.exists() and hold.read_text() == job["do"]:
        hold.unlink()
        (FOLDER / "begun").write_text("begun")
        (FOLDER / "go-on").read_text()
    return worker.do(job, files)


worker.serve(do, layers={})
