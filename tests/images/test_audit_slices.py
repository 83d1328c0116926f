"""An audit goes by folders: each slice has its own 5 %, and one that is cut short is resumed."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.errors import StorageUnavailable
from image_service.images import instance
from image_service.images.upkeep import runs
from image_service.images.upkeep.audit import Audit, Round, SweepRefused
from image_service.images.upkeep.sweep import STRAY_AGE, Found
from image_service.storage.local import LocalStorage
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import OLD, names, put, put_stray
from tests.shop import added

DAY = 86_400.0


class Folders(LocalStorage):
    """Knows what was listed, and breaks where it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []
        self.breaks_at: str | None = None

    async def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        if prefix == self.breaks_at:
            raise StorageUnavailable(prefix)
        self.listed.append(prefix)
        async for some in super().names(prefix):
            yield some


def stray(first: str) -> str:
    """The name of an original whose key begins with these digits."""
    return f"private/{first}/{first.ljust(32, '0')}"


async def audited(service: Service, *, whole: bool = True, began: float = 0, **options: Any) -> Found:
    mark, _ = await instance.is_as_left(service.database, service.storage)
    began = time.time() - began
    round_ = await runs.cursor_of(service.database, runs.AUDIT, Round) or Round(whole, mark, began, began)
    audit = Audit(service.database, service.storage, round_, interval=7 * DAY, **options)
    return await audit.run(await service.storage.check() - STRAY_AGE)


async def under_way(service: Service) -> Round | None:
    return await runs.cursor_of(service.database, runs.AUDIT, Round)


async def test_each_slice_has_its_own_share(shop: httpx.AsyncClient, empty: Service) -> None:
    """Few are judged together with all before; where the whole is too little, it is refused as ever."""
    await asyncio.gather(*(added(shop) for _ in range(38)))
    await put(empty, stray("ff"), OLD)
    with pytest.raises(SweepRefused, match=r"1 of [1-9] originals have no row, in private/ff/ to private/ff/"):
        await audited(empty, judged=1)
    kept = await under_way(empty)
    assert kept is not None
    assert kept.after < "private/ff/"
    assert await blobs.trash_count(empty) == 0
    found = await audited(empty, judged=30, dry_run=True)
    assert found == Found(strays=1)
    assert await audited(empty, judged=30) == found
    assert await blobs.trash_count(empty) == 1
    assert await under_way(empty) is None


async def test_slices_before_one_that_is_refused_stay_done(shop: httpx.AsyncClient, empty: Service) -> None:
    """Nine strays in one folder, of 30 originals: the folders before have none, those after are not looked at."""
    await asyncio.gather(*(added(shop) for _ in range(30)))
    for number in range(9):
        await put(empty, f"private/80/80{number:030x}", OLD)
    with pytest.raises(SweepRefused):
        await audited(empty, judged=2)
    assert await blobs.trash_count(empty) == 0
    assert (await audited(empty, judged=2, force=True)).strays == 9


async def test_one_that_is_cut_short_goes_on(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    storage = Folders(tmp_path / "blobs")
    async with start_service(
        parts={"storage": storage}, database_url=await new_database(), data_dir=tmp_path
    ) as service:
        for first in ("00", "33", "66", "99", "cc"):
            await put(service, stray(first), OLD)
        storage.breaks_at = "private/99/"
        options: dict[str, Any] = {"judged": 1, "portion": 1, "force": True}
        with pytest.raises(StorageUnavailable):
            await audited(service, **options)
        assert await blobs.trash_count(service) == 3
        storage.breaks_at = None
        # A sweep needs a whole one, as there was none yet.
        storage.listed.clear()
        assert (await blobs.sweep(service, audit=False, force=True)).strays == 2
        assert storage.listed == ["private/99/", "private/cc/"]
        assert (await runs.results(service.database))[runs.AUDIT].counts == {"strays": 5, "variants": 0}
        # With another mark in the blob store, as after a restore, it begins anew.
        storage.breaks_at = "private/99/"
        with pytest.raises(StorageUnavailable):
            await audited(service, **options)
        storage.breaks_at = None
        kept = await under_way(service)
        assert kept is not None
        assert kept.after == "private/66/"
        (tmp_path / "blobs/private/mark").write_text("that of a restored copy")
        storage.listed.clear()
        await blobs.sweep(service, audit=False, force=True)
        assert storage.listed == [f"private/{first}/" for first in ("00", "33", "66", "99", "cc")]


async def test_one_that_nothing_calls_for_is_spread_over_days(shop: httpx.AsyncClient, empty: Service) -> None:
    """Of the seven days between two it takes half: half of that for originals, half for variants."""
    originals = [name for _, name, _ in [await blobs.shown(shop) for _ in range(3)]]
    folders = [name[: len("private/00/")] for name in sorted(originals)]
    options: dict[str, Any] = {"judged": 1, "portion": 1}
    await audited(empty, whole=False, **options)
    kept = await under_way(empty)
    assert kept is not None
    assert kept.after == folders[0]  # one portion, and for more it is too early
    await runs.keep_cursor(empty.database, runs.AUDIT, vars(kept) | {"began": time.time() - 1.7 * DAY})
    await audited(empty, **options)
    kept = await under_way(empty)
    assert kept is not None
    assert folders[1] <= kept.after < "public/"
    await runs.keep_cursor(empty.database, runs.AUDIT, vars(kept) | {"began": time.time() - 3.6 * DAY})
    await audited(empty, **options)
    assert await under_way(empty) is None
    assert (await runs.results(empty.database))[runs.AUDIT].last_success > 0


async def test_what_another_version_has_kept_is_passed_over(shop: httpx.AsyncClient, empty: Service) -> None:
    await asyncio.gather(*(added(shop) for _ in range(20)))
    await put_stray(empty, OLD)
    await runs.keep_cursor(empty.database, runs.AUDIT, {"folder": "private/ff/"})
    before = await names(empty)
    assert (await blobs.sweep(empty)).strays == 1
    await blobs.age_trash(empty, timedelta(hours=25))
    assert (await blobs.sweep(empty)).trash == 1
    assert len(before - await names(empty)) == 1
