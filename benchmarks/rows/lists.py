"""The list of a product's 30 images, products at random, a million images in all."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import httpx

from benchmarks.contenders import peers, python
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.service import NAME
from benchmarks.filled import FIRST_PRODUCT, days_work_filled, filled
from benchmarks.load import get, load, sample
from benchmarks.loader import Plan
from benchmarks.measure import Result, Sample
from benchmarks.places import made
from benchmarks.run import Get, Run, got
from benchmarks.stock import A_PRODUCT
from benchmarks.wrk import paths_file

ROWS = 1_000_000
CONNECTIONS = 16


def million(run: Run) -> Result:
    folder = made("run", "lists")
    with ExitStack() as stack:
        ours = stack.enter_context(filled(ROWS, NAME))
        database = stack.enter_context(days_work_filled(ROWS))
        days_work = stack.enter_context(python.days_work(made("run", "days-work-files"), database))
        bare = stack.enter_context(python.bare(made("run", "bare-files"), database))
        paths = ours.lists()
        by_number = paths_file(folder, "bare", [f"/list/{product}" for product in ours.products()])
        by_path = paths_file(folder, "lists", paths)
        right = partial(_fault, ours.products()[0])
        gets = {
            NAME: Get(ours.service, paths[0], paths=by_path, fault=right),
            python.DAYS_WORK: Get(days_work, paths[0], paths=by_path, fault=right),
            python.BARE_LIST: Get(bare, f"/list/{ours.products()[0]}", paths=by_number, fault=right),
        }
        if run.peers:
            directus = stack.enter_context(peers.directus())
            peers.directus_rows(directus, ROWS, A_PRODUCT, FIRST_PRODUCT)
            asked = [peers.directus_list_path(product, A_PRODUCT) for product in ours.products()]
            by_filter = paths_file(folder, "directus", asked)
            gets[peers.DIRECTUS] = Get(directus, asked[0], paths=by_filter, fault=right)
        answer = folder / "answer.json"
        answer.write_bytes(gets[NAME].ask().content)
        memory = stack.enter_context(python.memory(answer, "application/json"))
        gets[python.MEMORY] = Get(memory, "/")
        load(Plan(ours.service.url, get(paths, ours.service.headers), CONNECTIONS))
        samples = got(run, gets)
    title = f"List of {A_PRODUCT} images, {ROWS // 1_000_000} million rows, with authentication and ETag"
    return run.result("list", title, NAME, samples, {python.DAYS_WORK: 4.0})


def once(run: Run) -> Result:
    """Each list for the first time since the service has started."""
    with ExitStack() as stack:
        ours = stack.enter_context(filled(ROWS, NAME))
        database = stack.enter_context(days_work_filled(ROWS))
        days_work = stack.enter_context(python.days_work(made("run", "days-work-files"), database))
        bare = stack.enter_context(python.bare(made("run", "bare-files"), database))
        products = list(dict.fromkeys(ours.products()))
        load(Plan(bare.url, get([f"/list/{product}" for product in products]), CONNECTIONS))  # into PostgreSQL's memory
        measured = {
            NAME: _first_times(run, ours.service, products, "/products/{}/images"),
            python.DAYS_WORK: _first_times(run, days_work, products, "/products/{}/images"),
            python.BARE_LIST: _first_times(run, bare, products, "/list/{}"),
        }
        samples = run.interleaved(measured)
    return run.result("list-once", f"The same, each of {len(products):,} lists once", NAME, samples, {})


def _first_times(run: Run, of: Contender, products: list[int], path: str) -> Callable[[int], Sample]:
    each = len(products) // run.rounds

    def measure(round_: int) -> Sample:
        paths = [path.format(product) for product in products[round_ * each : (round_ + 1) * each]]
        return sample(Plan(of.url, get(paths, of.headers), CONNECTIONS), of.roots, 200)

    return measure


def _fault(product: int, response: httpx.Response) -> str:
    """Not exactly the product's images, in their order."""
    told = response.json()
    images = told["data"] if isinstance(told, dict) else told  # Directus has an envelope
    found = [(each["product_id"], each["position"]) for each in images]
    return "" if found == [(product, position) for position in range(1, A_PRODUCT + 1)] else f"lists {found}"
