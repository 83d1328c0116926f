"""`python -I -m image_service.pixels.about`: which libvips this is, and what of it is missing, as JSON."""

import json
import sys

import pyvips

from image_service.pixels import libvips

SAVERS = (".jpg", ".png", ".gif", ".webp", ".avif")


def main() -> None:
    libvips.configure()
    missing = [name for name in libvips.LOADERS.values() if not pyvips.type_from_name(name)]
    picture = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    for suffix in SAVERS:
        try:
            picture.write_to_buffer(suffix)
        except pyvips.Error:
            missing.append(f"a writer of {suffix}")
    version = ".".join(str(pyvips.version(part)) for part in range(3))
    json.dump({"version": version, "missing": missing}, sys.stdout)


if __name__ == "__main__":
    main()
