"""Encodes drawn pictures: photos with each format's best settings, graphics losslessly if that is lighter."""

from collections.abc import Callable, Iterable
from typing import Any

import pyvips

from image_service.pixels.colour.chroma import FULL, filled_beneath
from image_service.pixels.graphics import Graphic
from image_service.pixels.picture import Format

# A variant is rendered once and sent many times, but its first client waits: each encoder is at the knee of its
# curve. Times: one busy core, 640 x 480 of a grainy photo; the ratios hold, the times vary. See docs/decisions/0057.
ENCODERS: dict[Format, tuple[str, dict[str, Any]]] = {
    Format.JPG: (
        "jpegsave_target",
        {
            # This table, baseline: 3 ms. Trellis quantisation with the standard's table at 82 takes 31 ms for the same
            # bytes and lower quality. Optimised Huffman tables save 1.3 % of the bytes and double the time. Progressive
            # scans save 2 % and take 4 ms more.
            "Q": 80,
            "quant_table": 3,
        },
    ),
    # 9 saves 2 to 4 % more and takes twice the time. Filters save 15 to 40 % of photos, in 68 ms instead of 13, and
    # shrink rows that repeat from 115 MB to 0.2.
    Format.PNG: ("pngsave_target", {"compression": 6, "filter": "all"}),
    Format.GIF: ("gifsave_target", {"effort": 1}),  # 12 frames: 0.9 s; 1.4 s at the default of 7, for 2 % fewer bytes
    Format.WEBP: ("webpsave_target", {"Q": 80, "effort": 2}),  # 18 ms; effort 4 takes 40 ms for 3 % fewer bytes
    Format.AVIF: (
        "heifsave_target",
        {"compression": "av1", "Q": 60, "effort": 0},  # 30 ms; effort 1: 130 ms, 9 % fewer bytes; 2: 200 ms, no fewer
    ),
}
# For graphics: exact colours, at most 256 (at less effort some are off by one), in half the bytes.
PALETTE: dict[str, Any] = {"palette": True, "Q": 100, "dither": 0, "effort": 5}
OPAQUE = (Format.JPG,)
WHITE = (255, 255, 255)
LOSSLESS: dict[str, Any] = {"lossless": True, "effort": 1}  # WebP; effort 4 takes a third longer for 1 % fewer bytes


def flatten(image: pyvips.Image, format: Format) -> pyvips.Image:
    """Flatten transparency onto white if the format has no alpha."""
    if format not in OPAQUE or not image.hasalpha():
        return image
    return image.flatten(background=WHITE[: image.bands - 1])


def stream(image: pyvips.Image, target: int, format: Format) -> None:
    """Encode into the open file, row by row."""
    save, options = ENCODERS[format]
    getattr(flatten(image, format), save)(pyvips.Target.new_to_descriptor(target), keep="none", **options)


def encoded(
    image: pyvips.Image,
    format: Format,
    graphic: Graphic | None,
    is_full: Callable[[], bool],
    sharp: Callable[[], bytes],
    effort: int | None,
) -> bytes:
    """Encode a picture in memory. `is_full`: whether its colours need full resolution; called only if needed. `sharp`:
    a graphic's lossless WebP.
    """
    slowly = _slowly(format, effort)
    if format is Format.AVIF and image.hasalpha() and image.bands > 3:
        return _saved(filled_beneath(image), format, FULL[format] | slowly)
    colours = FULL[format] if format in FULL and is_full() else {}
    if graphic and format is Format.WEBP:
        return min(sharp(), _saved(image, format, colours), key=len)
    if graphic and format is Format.PNG:
        few, palette = graphic.rounded(image), _palette(image, graphic)
        # Filters help if rows repeat, and harm most other pictures with few colours.
        return min((_saved(few, format, each) for each in ({}, palette, palette | {"filter": "none"})), key=len)
    return _saved(image, format, colours | slowly)


def lossless_webp(image: pyvips.Image) -> bytes:
    return _saved(image, Format.WEBP, LOSSLESS)


def is_lighter_without_loss(frames: Iterable[pyvips.Image]) -> bool:
    """Whether these samples of an animation's frames, in memory, have no more bytes as lossless WebP."""
    sizes = ((len(_saved(each, Format.WEBP, LOSSLESS)), len(_saved(each, Format.WEBP, {}))) for each in frames)
    lossless, lossy = zip(*sizes, strict=True)
    return bool(sum(lossless) <= sum(lossy))


def write(target: int, data: bytes) -> None:
    with open(target, "wb", closefd=False) as file:
        file.write(data)


def _palette(image: pyvips.Image, graphic: Graphic) -> dict[str, Any]:
    if image.bands >= 3:
        return PALETTE if graphic.takes_palette else {}
    return {"bitdepth": graphic.depth} if image.bands == 1 else {}


def plain(image: pyvips.Image, format: Format, effort: int | None = None) -> bytes:
    """Like `stream`, but returns the bytes."""
    return _saved(image, format, _slowly(format, effort))


def _slowly(format: Format, effort: int | None) -> dict[str, Any]:
    return {"effort": effort} if format is Format.AVIF and effort is not None else {}


def _saved(image: pyvips.Image, format: Format, more: dict[str, Any]) -> bytes:
    save, options = ENCODERS[format]
    return bytes(getattr(flatten(image, format), save.replace("target", "buffer"))(keep="none", **options | more))
