"""Messages between the pool and its processes: one JSON object per bounded line; jobs also pass open files.

Never use pickle: a captured decoder could send code. Imports no decoder.
"""

from dataclasses import dataclass, replace

from image_service.pixels.picture import Format, Pixels

MAX_LINE = 16 * 1024  # bytes with newline; a job has about 400, a family job 6,000, an answer 500
MAX_FAMILY = 24  # variants that one job renders
MAX_PIXELS = 25_000_000  # of a picture that is held in memory as a whole: of each variant of a family, for example
MAX_FILES = 1 + MAX_FAMILY  # per job: the source, the targets; or a file for kept pixels
MAX_DETAIL = 300  # characters of an error's detail, for the log


@dataclass(frozen=True)
class Layer:
    """One layer of a pixel process's cage."""

    name: str
    holds: bool
    detail: str  # why it does not hold, or the version that does

    def __str__(self) -> str:
        return f"{self.name} ({self.detail})" if self.detail else self.name


@dataclass(frozen=True)
class Probe:
    """The result of a full decode of a file."""

    format: Format
    width: int  # pixels, upright
    height: int  # pixels, of one frame, upright
    frames: int  # 1 unless animated
    end: int  # offset of the first byte behind the image; the caller cuts there
    thumbhash: str  # base64, of the first frame
    kept: Pixels | None = None  # describes the kept pixels, if any were written


@dataclass(frozen=True)
class Rendering:
    """A variant to render from a probed picture. The caller decides the aspect: see `Size.fit`."""

    original: Format  # of the picture; the render can open no other format
    format: Format  # of the variant
    width: int  # pixels, exactly
    height: int  # pixels, of one frame, exactly
    frames: int  # of the picture; 1: only the first frame is read
    against: tuple[Format, ...] = ()  # to compare with `format` for the lightest; the last is the picture's own
    fixed: bool = True  # True: always render `format`; False: render the lightest
    own_bytes: int | None = None  # of the stored variant in the picture's own format; None: it is not stored
    effort: int | None = None  # of the AVIF encoder; None: for a client that waits

    @property
    def alternatives(self) -> "tuple[Rendering, ...]":
        """The same in each format that it is compared with."""
        return tuple(replace(self, format=each) for each in self.against)
