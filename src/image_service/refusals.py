"""Why bytes are not accepted as a picture, and what they are instead."""

from enum import StrEnum


class Refusal(StrEnum):
    """Why bytes are not taken as a picture; the value is the label in logs and metrics."""

    NOT_AN_IMAGE = "not_an_image"  # no known format
    OTHER_FORMAT = "other_format"  # a known `Kind` that is not accepted
    CUT_SHORT = "cut_short"  # the end is missing, with some pixels
    DAMAGED = "damaged"  # violates its format, or is more complex than any honest file
    ANIMATED_AVIF = "animated_avif"
    TOO_WIDE_OR_HIGH = "too_wide_or_high"
    NOT_BASE64 = "not_base64"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_HEAVY = "too_heavy"  # an upload has too many bytes
    TOO_HEAVY_FETCHED = "too_heavy_fetched"  # the same, fetched from a URL: the request itself was small
    NOT_FETCHED = "not_fetched"


class Kind(StrEnum):
    """What bytes are that are known but not taken; the value is the name that people read."""

    AVIF = "AVIF"
    BMP = "BMP"
    HEIC = "HEIC"
    ICON = "ICO"
    JPEG_2000 = "JPEG 2000"
    JPEG_XL = "JPEG XL"
    PDF = "PDF"
    PHOTOSHOP = "PSD"
    POSTSCRIPT = "EPS"
    SVG = "SVG"
    TIFF = "TIFF"
    UNUSUAL_JPEG = "JPEG of a kind that browsers do not show"
    VIDEO = "video"
    WEB_PAGE = "web page"
    WEBP = "WebP"
    ZIP = "ZIP archive"
