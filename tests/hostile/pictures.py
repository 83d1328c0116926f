"""The collection: 145 pictures that have broken image services, or come close, and what each must get here.

`python -m tests.hostile.pictures FOLDER` writes them down.
"""

import sys
from pathlib import Path

from tests.hostile.gif import gifs
from tests.hostile.jpeg import jpegs
from tests.hostile.others import others
from tests.hostile.picture import Hostile
from tests.hostile.png import pngs


def hostile_pictures() -> list[Hostile]:
    """Some 50 MB; the same bytes in every run."""
    return [*pngs(), *gifs(), *jpegs(), *others()]


if __name__ == "__main__":
    for picture in hostile_pictures():
        Path(sys.argv[1], picture.name).write_bytes(picture.data)
