"""What is left when the dust has settled, compared with what was promised."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from tests.faults.load import PRODUCTS, Load
from tests.processes import command

DAYS = 2 * 86_400.0  # older than anything that may be under way
REPEATS = 60  # of the keys, after the end; enough to have some from before each kill


async def faults(load: Load, folder: Path, **settings: Any) -> list[str]:
    """Every promise that was not kept; of a service that is ready again, in `folder`."""
    return [
        *load.faults,
        *await _lists(load),
        *await _originals(load),
        *await _repeats(load),
        *_verified(folder, **settings),
        *_unknown(folder, **settings),
    ]


async def _lists(load: Load) -> list[str]:
    """Galleries and orphans hold exactly what was acknowledged, and galleries in the order 1..n."""
    found = []
    everything: dict[int | None, list[dict[str, Any]]] = {None: await _all(load, "/images", assigned="false")}
    for number in PRODUCTS:
        images = everything[number] = await _all(load, f"/products/{number}/images")
        positions = [image["position"] for image in images]
        if positions != list(range(1, len(images) + 1)):
            found.append(f"product {number} has the positions {positions}")
    for product, images in everything.items():
        there = [image["id"] for image in images]
        promised = {image.id for image in load.kept.values() if image.product == product}
        found += [f"image {each} is lost from product {product}" for each in promised - set(there)]
        found += [f"image {each} is on product {product}, and nobody knows why" for each in set(there) - promised]
    return found


async def _originals(load: Load) -> list[str]:
    found = []
    for image in load.kept.values():
        answer = await load.client.get(f"{load.url()}/images/{image.id}/original")
        if answer.status_code != 200:
            found.append(f"image {image.id} is lost: {answer.status_code}")
        elif hashlib.sha256(answer.content).hexdigest() != image.sha256:
            found.append(f"image {image.id} has other bytes")
    for id_ in load.gone:
        if (await load.client.get(f"{load.url()}/images/{id_}")).status_code != 404:
            found.append(f"image {id_} was deleted and is there")
    return found


async def _repeats(load: Load) -> list[str]:
    """A repeat with its key is told of the first image; the lists are as they were."""
    found = []
    for created in load.created[:: max(1, len(load.created) // REPEATS)]:
        answer = await load.client.post(load.url() + created.path, **created.request)
        if not answer.is_success or int(answer.json()["id"]) != created.id:
            found.append(f"a repeat of image {created.id} was answered {answer.text}")
    return found + await _lists(load)


def _verified(folder: Path, **settings: Any) -> list[str]:
    done = command(folder, "verify", "--json", **settings)
    if not done.out:
        return [f"verify: {done.err}"]
    bad: list[dict[str, Any]] = done.json["bad"]
    return [f"verify: {each['blob']} of image {each['image_id']} is {each['state']}" for each in bad]


def _unknown(folder: Path, **settings: Any) -> list[str]:
    """Bytes that no image, no trash and no reservation names: only a list of everything finds them."""
    then = time.time() - DAYS
    for path in (folder / "data" / "blobs" / "private").rglob("*"):
        os.utime(path, (then, then))
    done = command(folder, "sweep", "--audit", "--dry-run", "--force", "--json", **settings)
    return [f"sweep: {done.err or done.out}"] if not done.out or done.json["strays"] else []


async def _all(load: Load, path: str, **parameters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page: dict[str, str | int] = {"per_page": 200, "page": len(found) // 200 + 1, **parameters}
        answer = await load.client.get(load.url() + path, params=page)
        images: list[dict[str, Any]] = answer.raise_for_status().json()
        found += images
        if len(found) == int(answer.headers["X-Total-Count"]):
            return found
