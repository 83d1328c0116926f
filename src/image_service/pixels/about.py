"""`python -I -m image_service.pixels.about`: prints library versions and what is missing, as JSON."""

import json
import mmap
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyvips

from image_service.pixels import heic, libvips

SAVERS = (".jpg", ".png", ".gif", ".webp", ".avif")

# The wheel's libvips links these statically, without exports: their versions are read from the version strings in
# the library. libheif and libwebp leave none there.
WITHIN = {
    "libaom": rb"AOMedia Project AV1 Encoder v([\d.]+)\0",
    "libheif": rb"libheif[ /]v?(\d+\.\d+\.\d+)\0",
    "libpng": rb"\0(1\.6\.\d+)\0",
    "libwebp": rb"libwebp[ /]v?(\d+\.\d+\.\d+)\0",
    "mozjpeg": rb"mozjpeg version ([\d.]+)",
    "libjpeg-turbo": rb"libjpeg-turbo version ([\d.]+)",
    "zlib-ng": rb"\0([\d.]+)\.zlib-ng",
}
# The system's libvips loads shared libraries, whose file names contain their interface versions.
BESIDE = re.compile(r"/lib(aom|heif|jpeg|png16|webp)\.so\.([\d.]+)$")


def main() -> None:
    libvips.configure()
    missing = [name for name in libvips.LOADERS.values() if not pyvips.type_from_name(name)]
    picture = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    for suffix in SAVERS:
        try:
            picture.write_to_buffer(suffix)
        except pyvips.Error:
            missing.append(f"a writer of {suffix}")
    versions = {"libvips": ".".join(str(pyvips.version(part)) for part in range(3)), **_packages(), **_libraries()}
    json.dump({"versions": versions, "missing": missing, "heic": heic.version()}, sys.stdout)


def _packages() -> dict[str, str]:
    found = {}
    for name in ("pyvips", "pyvips-binary"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _libraries() -> dict[str, str]:
    """Return the versions of loaded libraries; empty without /proc."""
    try:
        maps = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return {}
    files = sorted({line.split(maxsplit=5)[5] for line in maps if ".so" in line and len(line.split(maxsplit=5)) == 6})
    found = {f"lib{match[1]}": match[2] for file in files if (match := BESIDE.search(str(Path(file).resolve())))}
    for file in files:
        if "/libvips" in file:
            found |= _named_in(Path(file))
    return found


def _named_in(path: Path) -> dict[str, str]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        matches = {name: re.search(pattern, data) for name, pattern in WITHIN.items()}
        return {name: match[1].decode() for name, match in matches.items() if match}


if __name__ == "__main__":
    main()
