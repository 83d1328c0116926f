"""Why bytes are not taken as a picture, and what they are instead."""

from enum import StrEnum


class Refusal(StrEnum):
    """Why bytes are not taken as a picture; the value is the label in logs and metrics."""

    NOT_AN_IMAGE = "not_an_image"  # nothing that we know
    OTHER_FORMAT = "other_format"  # a `Kind` that is not taken here
    CUT_SHORT = "cut_short"  # its end is missing, and pixels with it
    DAMAGED = "damaged"  # breaks its format's rules, or is more tangled than any honest file
    ANIMATED_AVIF = "animated_avif"
    TOO_WIDE_OR_HIGH = "too_wide_or_high"
    NOT_BASE64 = "not_base64"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_HEAVY = "too_heavy"  # sent: too many bytes
    TOO_HEAVY_FETCHED = "too_heavy_fetched"  # the same out of a URL: the request itself was small
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
