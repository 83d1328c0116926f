"""A host that is away for an hour, in every way that hosts are, while a merchant's system sends its list all the time:
it costs no picture, and when it is back the gallery is what the list says.
"""

import asyncio
from pathlib import Path

from tests.conftest import NewDatabase, StartService
from tests.images import blobs
from tests.ingest.server import Handler, answer, redirect, then_silence
from tests.jobs.conftest import ASYNC, ended
from tests.shop import png
from tests.sync.calls import GALLERY, ids, outcomes, shown, synced
from tests.sync.host import Shop


async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


AWAY: dict[str, bytes | Handler] = {
    "it refuses": answer(503, Retry_After="3600"),
    "it fails": answer(500, b"<html>Sorry"),
    "it limits": answer(429),
    "it hangs up": hangs_up,
    "it does not answer": then_silence(b""),
    "it stops in the middle": then_silence(answer(200, b"\x89PNG", Content_Length="9999")),
    "it sends nothing": answer(200),
    "it has a page for that": answer(200, b"<html>Back soon"),
    "it wants a login": redirect("/login"),
    "its disk is not mounted": answer(404),
    "it says that they are gone": answer(410),
}


async def test_an_outage_of_an_hour_costs_no_picture(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, shop: Shop
) -> None:
    async with start_service(
        database_url=await new_database(),
        data_dir=tmp_path,
        jobs=2,
        job_retry_seconds=0.6,
        sync_seconds=1.5,
        fetch_seconds=30,
    ) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            entries = [{"src": shop.has(f"/{color}", png(color)), "alt": color} for color in ("red", "blue", "green")]
            before = await synced(client, entries)
            kept = await blobs.names(service)
            entries.insert(1, {"src": shop.has("/gold", png("gold"))})  # new, and it has never come
            paths, pages = list(shop.pictures), dict(shop.server.pages)

            for way, page in AWAY.items():  # one every few minutes
                shop.server.pages |= dict.fromkeys(paths, page)
                refetch = "always" if way == "it fails" else "changed"
                told = await synced(client, entries, refetch=refetch)
                assert (told["images"], outcomes(told)) == (before["images"], ["failed"] * 4), way
                assert told["revision"] == before["revision"]
            later = await client.put(GALLERY, json={"images": entries}, headers=ASYNC)
            assert outcomes(await ended(client, later)) == ["failed"] * 4  # its tries are over

            for name in kept:  # much later
                blobs.age(blobs.file_of(service, name), blobs.OLD)
            await blobs.age_trash(service, blobs.OLD)
            await blobs.sweep(service)
            assert await shown(client) == {name: before[name] for name in ("images", "revision")}
            assert await blobs.names(service) == kept  # and nothing was left behind

            shop.server.pages |= pages
            shop.forget()
            after = await synced(client, entries)
            assert outcomes(after) == ["unchanged", "added", "moved", "moved"]
            assert [ids(after)[at] for at in (0, 2, 3)] == ids(before)
            assert shop.sent == ["/gold"]
            srcs = [image["src"] for image in after["images"]]
            assert [srcs[at] for at in (0, 2, 3)] == [image["src"] for image in before["images"]]
            for image in ids(after):
                assert (await client.get(f"/images/{image}/original")).status_code == 200
