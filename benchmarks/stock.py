"""Data that take long to make, made once and kept in the cache: a service with many photos, the same photos as files.

Made anew when the schema has changed, as a service of another version could not read them.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pictures
from benchmarks.contenders.service import Service, service
from benchmarks.load import form, load
from benchmarks.loader import Plan, Request
from benchmarks.places import CHECKOUT, made

PHOTOS = 480  # each cold render takes one; 400 MB
A_PRODUCT = 30  # images
OWN = "-640-0.jpg"  # the end of every `src`


class NotStocked(Exception):
    """An upload of the stock was refused."""


@dataclass(frozen=True)
class Stocked:
    service: Service
    sources: Sequence[str]  # paths of 640-0.jpg, one a photo

    def paths(self, size: str = "640-0", ext: str = "jpg") -> list[str]:
        return [source.removesuffix(OWN) + f"-{size}.{ext}" for source in self.sources]


def schema() -> str:
    """The newest revision's number."""
    return max(path.name[:4] for path in (CHECKOUT / "alembic" / "versions").glob("[0-9]*.py"))


def original(number: int) -> Path:
    """Photos of 2 and 4 megapixels, in turn."""
    return pictures.photo(4 if number % 2 else 2)


@contextmanager
def stocked(**settings: str) -> Iterator[Stocked]:
    """A service with all photos, and none of them rendered."""
    folder = made("data", f"photos-{schema()}")
    listed = folder / "sources.json"
    if not listed.exists():
        shutil.rmtree(folder)
        with service(folder) as started:
            listed.write_text(json.dumps(_upload(started)))
    shutil.rmtree(folder / "data" / "blobs" / "public" / "stores", ignore_errors=True)
    with service(folder, **settings) as started:
        yield Stocked(started, json.loads(listed.read_text()))


def _upload(to: Service) -> list[str]:
    folder = made("run", "stock")
    requests = []
    for number in range(PHOTOS):
        body, content_type = form(folder, original(number))
        headers = to.headers | {"Content-Type": content_type}
        requests.append(Request(f"/products/{number // A_PRODUCT + 1}/images", "POST", headers, str(body)))
    report = load(Plan(to.url, requests, connections=4, keep=str(folder), keep_every=1))
    refused = [answer.status for answer in report.answers if answer.status != 201]
    if refused:
        raise NotStocked(f"{len(refused)} uploads failed, the first with {refused[0]}")
    sources = [json.loads((folder / str(number)).read_text())["src"] for number in range(PHOTOS)]
    shutil.rmtree(folder)
    return ["/" + source.split("/", 3)[3] for source in sources]


def files() -> Path:
    """The same photos as `0.jpg`, `1.jpg`, …: links, as the service's are read from memory too."""
    folder = made("data", "files")
    for number in range(PHOTOS):
        path = folder / f"{number}.jpg"
        if not path.exists():
            os.link(original(number), path)
    return folder
