"""A full disk is emptied by the sweep: by hand, and by itself."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import NewDatabase, StartService
from tests.faults.disks import fill, small_disk
from tests.images.blobs import OLD, age, age_trash, sweep, trash_count
from tests.processes import DEADLINE
from tests.shop import added

INTERVAL = 0.5


@pytest.mark.parametrize("interval", [0, INTERVAL], ids=["by hand", "by itself"])
async def test_a_full_disk(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, interval: float
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        async with start_service(database_url=await new_database(), data_dir=disk, sweep_interval=interval) as service:
            store = await service.new_store()
            async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                image = await added(client)
                kept = await added(client)
                assert (await client.delete(f"/images/{image['id']}")).status_code == 200
                stale = [disk / "staging/stale", disk / "blobs/tmp/stale"]
                for file in stale:
                    file.parent.mkdir(exist_ok=True)
                    file.write_bytes(b"of a crash")
                    age(file, OLD)
                fill(disk)
                await age_trash(service, OLD)
                if not interval:
                    told = await sweep(service, audit=False, dry_run=True)
                    assert (told.trash, told.staged) == (1, 2)
                    told = await sweep(service, audit=False)
                    assert (told.trash, told.staged) == (1, 2)
                async with asyncio.timeout(DEADLINE):
                    while await trash_count(service) or any(file.exists() for file in stale):  # noqa: ASYNC110
                        await asyncio.sleep(INTERVAL / 5)
                assert (await client.get(f"/images/{kept['id']}/original")).status_code == 200
                assert (await client.get(f"/images/{image['id']}")).status_code == 404
