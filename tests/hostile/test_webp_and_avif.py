"""Hostile WebPs and AVIFs where `INPUT_FORMATS` lets these in, and where it does not."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from image_service.pixels.limits import Limits
from image_service.pixels.picture import Format
from tests.conftest import StartService
from tests.hostile.avif import avifs
from tests.hostile.picture import Hostile, reject
from tests.hostile.test_hostile_pictures import NOT_AN_IMAGE
from tests.hostile.trial import WAYS, Upload, by_file, each_kind, judge, weigh
from tests.hostile.webp import webps
from tests.ingest.server import ScriptedServer


@pytest.fixture(scope="module")
def pictures() -> list[Hostile]:
    found = [*webps(), *avifs()]
    assert len({each.name for each in found}) == len(found) > 100
    return found


@pytest.fixture(scope="module")
async def open_client(start_service: StartService) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service that takes every format."""
    async with start_service(input_formats="gif jpg png webp avif") as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            yield client


@pytest.mark.parametrize(("upload", "field", "every"), WAYS)
async def test_each_gets_what_it_deserves(
    open_client: httpx.AsyncClient,
    server: ScriptedServer,
    pictures: list[Hostile],
    upload: Upload,
    field: str,
    every: int,
) -> None:
    some, not_an_image = each_kind(pictures, every), "must be a gif, jpg, png, webp or avif image"
    await judge(open_client, server, some, upload, field, not_an_image)


async def test_by_default_none_is_taken(
    client: httpx.AsyncClient, server: ScriptedServer, pictures: list[Hostile]
) -> None:
    refused = [reject(each.name, each.data, each.why) for each in pictures]
    await judge(client, server, refused, by_file, "file", NOT_AN_IMAGE)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
async def test_none_costs_much(pictures: list[Hostile], tmp_path: Path) -> None:
    await weigh(pictures, Limits(formats=tuple(Format)), tmp_path)
