"""Where things are kept: all that can be made again under one folder, which git ignores."""

import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
CACHE = Path(os.environ.get("BENCH_CACHE", HERE / ".cache")).resolve()
PEERS = CACHE / "peers"
RESULTS = HERE / "results"
PLOTS = CHECKOUT / "docs" / "benchmarks"


def made(*parts: str) -> Path:
    """A folder of the cache, made if it is missing."""
    folder = CACHE.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def emptied(*parts: str) -> Path:
    """The same, with nothing in it: what an earlier run uploaded would only fill the disk."""
    shutil.rmtree(made(*parts))
    return made(*parts)
