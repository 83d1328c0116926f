"""The name that a client gives its file, made fit to keep and to show."""

import re
import unicodedata

from image_service.pixels.picture import Format

MAX_FILENAME = 255  # characters


def clean_filename(name: str, format_: Format) -> str:
    """The last segment of whatever path it came with (Windows' too), without control characters.

    A name that leaves nothing is called after its format: `image.jpg`.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    return kept[-MAX_FILENAME:] or f"image.{format_}"
