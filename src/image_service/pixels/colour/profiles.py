"""Finds a picture's ICC profile. Ignores unusable profiles, as browsers do.

Only the pixel processes import this.
"""

from importlib.resources import files

import pyvips

from image_service.pixels.colour.described import colours_of
from image_service.pixels.colour.icc import profile_of
from image_service.pixels.picture import Format

PROFILE = "icc-profile-data"
HEADER_BYTES = 128
CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")  # devices and colour spaces; other classes do not describe a picture
SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}  # by colour bands
CONNECTIONS = (b"XYZ ", b"Lab ")
# Colours to test a profile with, black first.
TRIED = {
    1: bytes((0, 255)),
    3: bytes((0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255)),
    4: bytes((0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 0)),
}
LEAST_CONTRAST = 64  # of 255, between black and each of the others


PRESS = files("image_service.pixels.colour").joinpath("press.icc").read_bytes()  # for CMYK without a profile


def with_colours(image: pyvips.Image, data: bytes, format: Format) -> pyvips.Image:
    """Return the picture with the profile to convert it with: its own if usable, else one made from the colours that
    `data` describes. A picture without a profile is sRGB.
    """
    image = with_usable_profile(image)
    if image.get_typeof(PROFILE):
        return image
    if image.interpretation == "cmyk":
        return _with(image, PRESS)
    colours = colours_of(data, format)
    return _with(image, profile_of(colours, is_grey=image.bands < 3)) if colours else image


def _with(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def with_usable_profile(image: pyvips.Image) -> pyvips.Image:
    """Return the picture without its profile if that is damaged, for another colour space, or makes all black."""
    if not image.get_typeof(PROFILE):
        return image
    bands = image.bands - image.hasalpha()
    if _is_usable(bytes(image.get(PROFILE)), bands):
        return image
    image = image.copy()
    image.remove(PROFILE)
    return image


def _is_usable(profile: bytes, bands: int) -> bool:
    kind, space, connection = profile[12:16], profile[16:20], profile[20:24]
    if len(profile) <= HEADER_BYTES or profile[36:40] != b"acsp":
        return False
    if kind not in CLASSES or space != SPACES.get(bands) or connection not in CONNECTIONS:
        return False
    try:
        seen = _tried(profile, bands)
    except pyvips.Error:
        return False
    black, *others = (max(seen[at : at + 3]) for at in range(0, len(seen), 3))
    return all(other - black >= LEAST_CONTRAST for other in others)


def _tried(profile: bytes, bands: int) -> bytes:
    """Convert the colours of `TRIED` to sRGB."""
    colours = TRIED[bands]
    patch = pyvips.Image.new_from_memory(colours, len(colours) // bands, 1, bands, "uchar")
    patch = patch.copy(interpretation={1: "b-w", 3: "srgb", 4: "cmyk"}[bands])
    patch.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return bytes(patch.icc_transform("srgb", embedded=True).write_to_memory())
