"""Five photos as cameras and phones took them, from Debian's packages of desktop backgrounds.

No wheel has photos of today's sizes. These are fetched when a row first needs them, into the cache; each is checked by
its SHA-256, so that figures from two machines are of the same bytes.
"""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.places import made


class PhotosMissing(Exception):
    """They cannot be fetched here."""


@dataclass(frozen=True)
class Real:
    name: str  # of the file in the cache, without its ending
    kind: str  # as tables call it
    package: str
    path: str  # in the package
    sha256: str


REAL = (
    Real(  # by "blackcombwhistler07", GPL-2+
        "leaf",
        "leaf, 2.3 MP",
        "mate-backgrounds",
        "usr/share/backgrounds/mate/nature/RainDrops.jpg",
        "3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16",
    ),
    Real(  # by Charles Barbin and Hylke Bons, GPL-2+
        "seeds",
        "seeds, 4 MP",
        "mate-backgrounds",
        "usr/share/backgrounds/mate/nature/TwoWings.jpg",
        "665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb",
    ),
    Real(  # by Trevor "Freespace", CC-BY-4.0
        "plate",
        "plate, 4.5 MP progressive",
        "lomiri-wallpapers-16.04",
        "usr/share/backgrounds/Picture_0B_by_freespace.jpg",
        "c8c0ab18e48d9e0419fe42881112137f3afafc27dfddc29ec3a6d54c56d225ad",
    ),
    Real(  # by "Bolly", CC-BY-SA-4.0
        "dragonfly",
        "dragonfly, 13 MP progressive",
        "lomiri-wallpapers-16.04",
        "usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
        "af5af17841009732def24b09bb1e669a1b09d2b4bdeee7812c371101c30d2bb3",
    ),
    Real(  # by Lukas Baubkus, CC-BY-SA-3.0
        "nuthatch",
        "nuthatch, 20 MP",
        "lomiri-wallpapers-20.04",
        "usr/share/backgrounds/Kleiber_by_Lukas_Baubkus.jpg",
        "6572410c09f4492c74ccadde133565a14c0161617d5917d4c820c66d65a44ba7",
    ),
)


def real_photos() -> dict[str, Path]:
    """By kind. Raises `PhotosMissing`."""
    folder = made("photos")
    for package in {each.package for each in REAL if not (folder / f"{each.name}.jpg").exists()}:
        _fetch(package, folder)
    return {each.kind: folder / f"{each.name}.jpg" for each in REAL}


def _fetch(package: str, folder: Path) -> None:
    """`apt-get download` needs no other account than one's own, and installs nothing."""
    unpacked = made("photos", package)
    try:
        subprocess.run(["apt-get", "download", "--quiet", package], check=True, cwd=unpacked)  # noqa: S603, S607
        (archive,) = unpacked.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, unpacked], check=True)  # noqa: S603, S607
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise PhotosMissing(_how(package, folder, str(error))) from error
    for each in REAL:
        if each.package == package:
            found = unpacked / each.path
            if not found.exists() or hashlib.sha256(found.read_bytes()).hexdigest() != each.sha256:
                raise PhotosMissing(_how(package, folder, f"it has another {each.path}"))
            found.replace(folder / f"{each.name}.jpg")
    shutil.rmtree(unpacked)


def _how(package: str, folder: Path, why: str) -> str:
    wanted = "\n".join(f"  {folder}/{each.name}.jpg: {each.path}" for each in REAL if each.package == package)
    return f"Debian 12's package {package} cannot be fetched ({why}). From elsewhere, put\n{wanted}"
