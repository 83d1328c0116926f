"""Pixels that are kept: what is rendered of them is what the picture gives, and the cache is bounded."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format, Kept, Pixels
from image_service.pixels.pool.failures import RenderFailed
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.sizes import Size
from tests.needs import needs
from tests.pixels.conftest import WAIT
from tests.processes import DEADLINE

MB = 1024**2
KEY, OTHER = "0" * 32, "1" * 32
SRC = Size(640, 0)


def photo(width: int, height: int, **options: object) -> "Photo":
    return Photo(width, height, options)


class Photo:
    """Grain on gradients, which shows every difference of scale."""

    def __init__(self, width: int, height: int, options: dict[str, object]) -> None:
        self.width, self.height, self.options = width, height, options

    def save(self, path: Path) -> Path:
        size = (self.width, self.height)
        slope = Image.linear_gradient("L").resize(size)
        grain = Image.effect_noise(size, 60)
        mixed = ImageChops.add(slope, grain, 2)
        # Grain in the colours too, but for one that has all of its colours: it would need them all.
        planes = (mixed, mixed, mixed) if self.options.get("subsampling") == 0 else (slope, grain, mixed)
        Image.merge("RGB", planes).save(path, "JPEG", **self.options)
        return path


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PHOTOS = {
    "12 megapixels": photo(4000, 3000, quality=85),
    "4:4:4": photo(2400, 1600, quality=92, subsampling=0),
    "progressive": photo(2400, 1600, quality=85, progressive=True),
    "turned": photo(4000, 3000, quality=85, exif=turned(6)),
    "with a profile": photo(2400, 1600, quality=85, icc_profile=PROFILE),
    "not shrunk": photo(900, 700, quality=85),
    "not shrunk, turned, with a profile": photo(1600, 1200, quality=85, exif=turned(6), icc_profile=PROFILE),
    "smaller than all": photo(500, 300, quality=85),
}


@pytest.fixture
def cache(tmp_path: Path) -> KeptPixels:
    return KeptPixels(tmp_path / "cache", 256 * MB)


@pytest.fixture
async def keeping(cache: KeptPixels) -> AsyncIterator[PixelPool]:
    async with PixelPool(1, Limits(), DEADLINE, DEADLINE, kept=cache) as pool:
        yield pool


def rendering(image: tuple[int, int], size: Size, format: Format) -> Rendering:
    return Rendering(Format.JPG, format, *size.fit(*image), 1)


@pytest.mark.parametrize("name", PHOTOS)
async def test_renders_are_those_of_the_original(
    keeping: PixelPool, cache: KeptPixels, tmp_path: Path, name: str
) -> None:
    """To the byte at the size that a shop shows first, whether the check has kept the pixels or a render."""
    original = PHOTOS[name].save(tmp_path / "original.jpg")
    by_check, by_render = cache.new(), cache.new()
    probe = await keeping.probe(original, wait=WAIT, keep=by_check)
    sides = (probe.width, probe.height)
    wanted = rendering(sides, SRC, Format.JPG)
    _, pixels = await keeping.render(original, tmp_path / "first", wanted, wait=WAIT, keep=by_render)
    assert probe.kept is not None
    assert pixels == probe.kept
    assert by_check.read_bytes() == by_render.read_bytes()
    await keeping.render(original, tmp_path / "whole", wanted, wait=WAIT)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "whole").read_bytes()
    for format in (Format.JPG, Format.WEBP, Format.AVIF):
        wanted = rendering(sides, SRC, format)
        await keeping.render(original, tmp_path / "whole", wanted, wait=WAIT)
        await keeping.render(by_check, tmp_path / "kept", wanted, wait=WAIT, pixels=probe.kept)
        assert (tmp_path / "kept").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("sides", [(4000, 3000), (1600, 1200)])
async def test_smaller_sizes_are_no_worse(
    keeping: PixelPool, cache: KeptPixels, tmp_path: Path, sides: tuple[int, int]
) -> None:
    """Against the picture as a whole, resized by another library."""
    original = photo(*sides, quality=85).save(tmp_path / "original.jpg")
    keep = cache.new()
    probe = await keeping.probe(original, wait=WAIT, keep=keep)
    assert probe.kept is not None
    for size in (Size(320, 0), Size(100, 0)):
        wanted = rendering(sides, size, Format.PNG)
        await keeping.render(original, tmp_path / "whole", wanted, wait=WAIT)
        await keeping.render(keep, tmp_path / "kept", wanted, wait=WAIT, pixels=probe.kept)
        with Image.open(original) as image:
            best = image.resize((wanted.width, wanted.height), Image.Resampling.LANCZOS)
        errors = []
        for name in ("kept", "whole"):
            with Image.open(tmp_path / name) as image:
                errors.append(sum(ImageStat.Stat(ImageChops.difference(image.convert("RGB"), best)).rms))
        assert errors[0] <= errors[1] * 1.02


@pytest.mark.parametrize("mode", ["L", "CMYK"])
async def test_what_is_no_plain_rgb_is_not_kept(
    keeping: PixelPool, cache: KeptPixels, tmp_path: Path, mode: str
) -> None:
    Image.new(mode, (2400, 1600)).save(tmp_path / "original.jpg")
    probe = await keeping.probe(tmp_path / "original.jpg", wait=WAIT, keep=cache.new())
    assert (probe.width, probe.kept) == (2400, None)


async def test_a_cut_picture_is_refused_with_pixels_as_without(
    keeping: PixelPool, cache: KeptPixels, tmp_path: Path
) -> None:
    whole = PHOTOS["4:4:4"].save(tmp_path / "original.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(Refused):
        await keeping.probe(tmp_path / "cut.jpg", wait=WAIT, keep=cache.new())


async def test_pixels_that_are_missing_fail_the_render(keeping: PixelPool, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(bytes(10))
    wanted = rendering((640, 480), SRC, Format.JPG)
    with pytest.raises(RenderFailed):
        await keeping.render(tmp_path / "kept", tmp_path / "a", wanted, wait=WAIT, pixels=Pixels(640, 480, 1, 0))


async def put(cache: KeptPixels, key: str, side: int) -> None:
    pixels = Pixels(side, side, 1, 0)
    kept = Kept(cache.new(), pixels)
    kept.path.write_bytes(bytes(pixels.bytes))
    await cache.adopt(kept, key)


async def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = KeptPixels(tmp_path / "cache", 3 * 100 * 100 * 3)  # three of them
    keys = [f"{number:032x}" for number in range(4)]
    for key in keys[:3]:
        await put(cache, key, 100)
    assert cache.find(keys[0]) is not None
    await put(cache, keys[3], 100)
    assert [key for key in keys if cache.find(key) is None] == [keys[1]]


async def test_what_was_dropped_is_not_found(cache: KeptPixels) -> None:
    await put(cache, KEY, 10)
    await put(cache, OTHER, 10)
    cache.drop([KEY])
    assert cache.find(KEY) is None
    assert cache.find(OTHER) is not None


async def test_another_worker_finds_them_and_the_memory_is_given_back(cache: KeptPixels, tmp_path: Path) -> None:
    await put(cache, KEY, 10)
    other = KeptPixels(tmp_path / "cache", 256 * MB)
    assert other.find(KEY) == cache.find(KEY)
    other.close()
    assert cache.find(KEY) is None
    assert not (tmp_path / "cache").exists()
    await put_nothing(cache)


async def put_nothing(cache: KeptPixels) -> None:
    """The folder has gone with the other worker: nothing is kept, and nobody is told."""
    await cache.adopt(Kept(cache.new(), Pixels(1, 1, 1, 0)), KEY)
    assert cache.find(KEY) is None


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(PermissionError):
        KeptPixels(tmp_path / "open", MB)
    (tmp_path / "elsewhere").symlink_to(tmp_path)
    with pytest.raises(OSError, match="elsewhere"):
        KeptPixels(tmp_path / "elsewhere", MB)


@pytest.fixture
def small_tmpfs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tmpfs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def can_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@needs(can_mount(), "to mount a tmpfs")
async def test_a_full_tmpfs_costs_nothing_but_the_pixels(small_tmpfs: Path, tmp_path: Path) -> None:
    original = PHOTOS["12 megapixels"].save(tmp_path / "original.jpg")
    cache = KeptPixels(small_tmpfs / "kept", 256 * MB)
    assert cache.has_room()
    (small_tmpfs / "others").write_bytes(bytes(MB - 16 * 1024))
    assert not cache.has_room()  # so none is asked for
    cache.most = 64 * MB  # as if others had filled it since
    async with PixelPool(1, Limits(), DEADLINE, DEADLINE, kept=cache) as pool:
        keep = cache.new()
        probe = await pool.probe(original, wait=WAIT, keep=keep)
        assert (probe.width, probe.kept) == (4000, None)
        cache.discard(keep)
        wanted = rendering((4000, 3000), SRC, Format.JPG)
        _, pixels = await pool.render(original, tmp_path / "a", wanted, wait=WAIT, keep=cache.new())
        assert pixels is None
    with Image.open(tmp_path / "a") as image:
        assert image.size == (640, 480)
