"""All 145 hostile pictures through the HTTP face, some in each way of uploading, and what each costs its process."""

import sys
from pathlib import Path

import httpx
import pytest

from image_service.pixels.limits import Limits
from tests.hostile.picture import Hostile
from tests.hostile.pictures import hostile_pictures
from tests.hostile.trial import WAYS, Upload, each_kind, judge, weigh
from tests.ingest.server import ScriptedServer

NOT_AN_IMAGE = "must be a gif, jpg or png image"


@pytest.fixture(scope="module")
def pictures() -> list[Hostile]:
    found = hostile_pictures()
    assert (len(found), len({each.name for each in found})) == (145, 145)
    return found


@pytest.mark.parametrize(("upload", "field", "every"), WAYS)
async def test_each_gets_what_it_deserves(
    client: httpx.AsyncClient, server: ScriptedServer, pictures: list[Hostile], upload: Upload, field: str, every: int
) -> None:
    await judge(client, server, each_kind(pictures, every), upload, field, NOT_AN_IMAGE)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
async def test_none_costs_much(pictures: list[Hostile], tmp_path: Path) -> None:
    await weigh(pictures, Limits(), tmp_path)
