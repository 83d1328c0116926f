"""The list of a product's 30 images, products at random, a million images in all."""

from contextlib import ExitStack

from benchmarks.contenders import peers, python
from benchmarks.contenders.service import NAME
from benchmarks.filled import FIRST_PRODUCT, days_work_filled, filled
from benchmarks.measure import Result
from benchmarks.places import made
from benchmarks.run import Get, Run, got
from benchmarks.stock import A_PRODUCT
from benchmarks.wrk import paths_file

ROWS = 1_000_000


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
        gets = {
            NAME: Get(ours.service, paths[0], paths=by_path),
            python.DAYS_WORK: Get(days_work, paths[0], paths=by_path),
            python.BARE_LIST: Get(bare, f"/list/{ours.products()[0]}", paths=by_number),
        }
        if run.peers:
            directus = stack.enter_context(peers.directus())
            peers.directus_rows(directus, ROWS, A_PRODUCT, FIRST_PRODUCT)
            asked = [peers.directus_list_path(product, A_PRODUCT) for product in ours.products()]
            gets[peers.DIRECTUS] = Get(directus, asked[0], paths=paths_file(folder, "directus", asked))
        answer = folder / "answer.json"
        for get in gets.values():
            listed = get.check()
            told = listed.json()
            images = told["data"] if get.of.name == peers.DIRECTUS else told
            found = [(each["product_id"], each["position"]) for each in images]
            if found != [(ours.products()[0], position) for position in range(1, A_PRODUCT + 1)]:
                raise ValueError(f"{get.of.name} lists {found}")
            if get.of is ours.service:
                answer.write_bytes(listed.content)
        memory = stack.enter_context(python.memory(answer, "application/json"))
        gets[python.MEMORY] = Get(memory, "/")
        samples = got(run, gets)
    title = f"List of {A_PRODUCT} images, {ROWS // 1_000_000} million rows, with authentication and ETag"
    return run.result("list", title, NAME, samples, {python.DAYS_WORK: 4.0})
