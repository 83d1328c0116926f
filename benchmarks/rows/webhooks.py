"""What an upload costs more where a webhook is told of it: CPU of the service's whole tree, not of the receiver."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

import httpx

from benchmarks import pictures
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.service import BEFORE, before, service
from benchmarks.load import form, sample
from benchmarks.loader import Plan, Request
from benchmarks.measure import Fact, Result, Sample
from benchmarks.places import CHECKOUT, emptied, made
from benchmarks.processes import cpu_seconds, free_port, running
from benchmarks.run import Run

CLIENTS = 4
NONE, ONE, ALL = "no webhook", "image.created", "both events"
EVENTS = {ONE: ["image.created"], ALL: ["image.created", "gallery.changed"]}
AT_MOST = 1.05  # of the CPU without a webhook
TOLD_SECONDS = 30  # until the last event has arrived
REST_SECONDS = 1.0  # after it, for what is written down then: in every contender
_products = count(1_000_000)


def told(run: Run) -> Result:
    body, content_type = form(made("run", "uploads"), pictures.photo(2))
    other = before()
    with ExitStack() as stack:
        port = free_port()
        receiver = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "benchmarks.told", str(port)]
        env = {"PYTHONPATH": str(CHECKOUT)}
        stack.enter_context(running("receiver", command, receiver, emptied("run", "receiver"), env))
        measured = {}
        for name in (NONE, ONE, ALL, *([BEFORE] if other else [])):
            folder = emptied("run", f"told-{name.replace(' ', '-')}")
            settings = {"fetch_allow_private": "true"}
            if other and name == BEFORE:
                settings["programs"] = other
            ours = stack.enter_context(service(folder, name, **settings))
            events = EVENTS.get(name, [])
            if events:
                asked = {"url": receiver, "events": events}
                httpx.post(f"{ours.url}/webhooks", json=asked, headers=ours.headers).raise_for_status()
            measured[name] = _uploads(run, ours, receiver, len(events), str(body), content_type)
        samples = run.interleaved(measured)
        requests, connections = _counts(receiver)
    size = pictures.photo(2).stat().st_size // 1000
    found = run.result("upload-told", f"Upload of a photo of {size} kB, with a webhook", NONE, samples, {})
    facts = [
        Fact(f"CPU, {ratio.against}, of that without", ratio.cpu, "x", at_most=AT_MOST)
        for ratio in found.ratios
        if ratio.against in EVENTS
    ]
    facts += [Fact("deliveries on a connection", requests / connections, "")]
    return replace(found, facts=facts)


def _uploads(
    run: Run, to: Contender, receiver: str, events: int, body: str, content_type: str
) -> Callable[[int], Sample]:
    """Until all of their events have arrived. Once before it counts: then everything is loaded."""
    number = 2 * run.requests

    def measure(_: int) -> Sample:
        headers = to.headers | {"Content-Type": content_type}
        paths = [f"/products/{next(_products)}/images" for _ in range(number)]
        requests = [Request(path, "POST", headers, body) for path in paths]
        due = _counts(receiver)[0] + events * number
        before = cpu_seconds(to.roots)
        found = sample(Plan(to.url, requests, CLIENTS), to.roots, 201)
        deadline = time.monotonic() + TOLD_SECONDS
        while (there := _counts(receiver)[0]) < due and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(REST_SECONDS)
        return replace(found, cpu_seconds=cpu_seconds(to.roots) - before, wrong=found.wrong + due - there)

    measure(0)
    return measure


def _counts(receiver: str) -> Sequence[int]:
    """Requests and connections so far."""
    return [int(each) for each in httpx.get(receiver).text.split()]
