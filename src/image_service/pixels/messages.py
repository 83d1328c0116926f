"""What passes between the pool and its processes: one JSON object a line, bounded both ways, and open files with a job.

Never pickle: a captured decoder could send code. Imports no decoder.
"""

from dataclasses import dataclass

from image_service.pixels.picture import Format, Pixels

MAX_LINE = 16 * 1024  # bytes, newline included; a job has some 400, 6,000 with a family, an answer some 500
MAX_FAMILY = 24  # variants that one job renders
MAX_FILES = 1 + MAX_FAMILY  # with one job: what is read, what is rendered into; or where decoded pixels are kept
MAX_DETAIL = 300  # characters of a reason, for the log


@dataclass(frozen=True)
class Layer:
    """Of the cage of a pixel process."""

    name: str
    holds: bool
    detail: str  # why it does not hold, or which version does

    def __str__(self) -> str:
        return f"{self.name} ({self.detail})" if self.detail else self.name


@dataclass(frozen=True)
class Probe:
    """What a full decode has shown of a file."""

    format: Format
    width: int  # pixels, upright
    height: int  # pixels, of one frame, upright
    frames: int  # 1 unless animated
    end: int  # offset of the first byte behind the image; the caller cuts there
    thumbhash: str  # base64, of the first frame
    kept: Pixels | None = None  # what was written into the file for them, if anything was


@dataclass(frozen=True)
class Rendering:
    """A variant to be rendered of a probed picture. The aspect is the caller's: see `Size.fit`."""

    original: Format  # of the picture; nothing else can be opened while it is rendered
    format: Format  # of the variant
    width: int  # pixels, exactly
    height: int  # pixels, of one frame, exactly
    frames: int  # of the picture; 1: only the first frame is read
    against: tuple[Format, ...] = ()  # which is the lightest of `format` and these? the last is the picture's own
    fixed: bool = True  # `format` is rendered whichever that is; False: the lightest
