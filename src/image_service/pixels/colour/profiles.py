"""Finds a picture's ICC profile. Ignores unusable profiles, as browsers do.

Only the pixel processes import this.
"""

from importlib.resources import files

import pyvips

from image_service.pixels.colour.described import Colours
from image_service.pixels.colour.icc import profile_of
from image_service.pixels.colour.png import PngColours
from image_service.pixels.picture import Format

PROFILE = "icc-profile-data"
HEADER_BYTES = 128
MOST_TAGS = 100  # of a profile; real ones have ten to thirty
CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")  # devices and colour spaces; other classes do not describe a picture
SPACE = slice(16, 20)
RGB = b"RGB "
# By colour bands. A grey picture may have a profile of RGB, as the picture that it was made from.
SPACES = {1: {b"GRAY": 1, RGB: 3}, 3: {RGB: 3}, 4: {b"CMYK": 4}}  # bands of the profile
CONNECTIONS = (b"XYZ ", b"Lab ")
# Colours to test a profile with, black first.
TRIED = {
    1: bytes((0, 255)),
    3: bytes((0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255)),
    4: bytes((0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0, 0)),
}
LEAST_CONTRAST = 64  # of 255, between black and each of the others


PRESS = files("image_service.pixels.colour").joinpath("press.icc").read_bytes()  # for CMYK without a profile


def with_colours(image: pyvips.Image, data: bytes, format: Format, coded: Colours | None = None) -> pyvips.Image:
    """Return the picture with the profile to convert it with: its own if usable, else one made from the colours that
    `data` describes, or from its `coded` ones. A picture without a profile is sRGB.
    """
    if format is Format.PNG:
        return _with_colours_of_png(image, data)
    image = with_usable_profile(image)
    if image.get_typeof(PROFILE):
        return image
    if image.interpretation == "cmyk":
        return _with(image, PRESS)
    return _described(image, coded) if coded else image


def _with_colours_of_png(image: pyvips.Image, data: bytes) -> pyvips.Image:
    """libpng finds other profiles than browsers do: second ones, damaged ones, and none after a palette."""
    described, image = PngColours(data), _without(image)
    if described.coded:
        return _described(image, described.coded)
    profile, bands = described.profile, image.bands - image.hasalpha()
    if profile is not None and _is_usable(profile, bands) and (not described.otherwise or _is_applied(profile)):
        return _with(image, profile)
    if not described.otherwise or (profile is not None and _is_of_other_colours(profile, bands)):
        return image
    return _described(image, described.otherwise)


def _described(image: pyvips.Image, colours: Colours) -> pyvips.Image:
    return image if colours.is_srgb else _with(image, profile_of(colours, is_grey=image.bands < 3))


def _with(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    image = _coloured(image).copy() if profile[SPACE] == RGB else image.copy()
    image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def _coloured(image: pyvips.Image) -> pyvips.Image:
    """Return a grey picture in RGB."""
    if image.bands >= 3:
        return image
    return image.colourspace("rgb16" if image.format == "ushort" else "srgb")


def _without(image: pyvips.Image) -> pyvips.Image:
    if not image.get_typeof(PROFILE):
        return image
    image = image.copy()
    image.remove(PROFILE)
    return image


def with_usable_profile(image: pyvips.Image) -> pyvips.Image:
    """Return the picture without its profile if that is damaged, for another colour space, or makes all black."""
    if not image.get_typeof(PROFILE):
        return image
    profile, bands = bytes(image.get(PROFILE)), image.bands - image.hasalpha()
    if not _is_usable(profile, bands):
        return _without(image)
    return _coloured(image) if profile[SPACE] == RGB else image


def intent_of(profile: bytes) -> str:
    """The rendering intent to apply a profile with. As in Chromium the perceptual one, where a printer's black is
    black and not the grey of its ink; relative if the profile has a table for that alone.
    """
    entries = range(HEADER_BYTES + 4, HEADER_BYTES + 4 + 12 * int.from_bytes(profile[HEADER_BYTES:][:4]), 12)
    tags = {profile[at : at + 4] for at in entries[:MOST_TAGS]}
    return "relative" if b"A2B1" in tags and b"A2B0" not in tags else "perceptual"


def _is_of_other_colours(profile: bytes, bands: int) -> bool:
    """Whether it may be a good profile, but for pictures of other colours."""
    space = profile[SPACE]
    known = any(space in spaces for spaces in SPACES.values())
    return profile[36:40] == b"acsp" and known and space not in SPACES[bands]


def _is_usable(profile: bytes, bands: int) -> bool:
    kind, space, connection = profile[12:16], profile[SPACE], profile[20:24]
    if len(profile) <= HEADER_BYTES or profile[36:40] != b"acsp":
        return False
    if kind not in CLASSES or space not in SPACES.get(bands, {}) or connection not in CONNECTIONS:
        return False
    try:
        seen = _tried(profile, SPACES[bands][space])
    except pyvips.Error:
        return False
    black, *others = (max(seen[at : at + 3]) for at in range(0, len(seen), 3))
    return all(other - black >= LEAST_CONTRAST for other in others)


def _is_applied(profile: bytes) -> bool:
    """Whether libvips uses the profile: in place of a damaged one it uses the next best."""
    if profile[SPACE] != RGB:
        return True
    one, other = (_tried(profile, 3, input_profile=name) for name in ("srgb", "p3"))
    return one == other


def _tried(profile: bytes, bands: int, **options: str) -> bytes:
    """Convert the colours of `TRIED` to sRGB."""
    colours = TRIED[bands]
    patch = pyvips.Image.new_from_memory(colours, len(colours) // bands, 1, bands, "uchar")
    patch = patch.copy(interpretation={1: "b-w", 3: "srgb", 4: "cmyk"}[bands])
    patch.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return bytes(patch.icc_transform("srgb", embedded=True, intent=intent_of(profile), **options).write_to_memory())
