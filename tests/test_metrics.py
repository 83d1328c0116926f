"""What is counted, where it happens; and that docs/metrics.md tells it all."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from image_service.images.upkeep import runs
from image_service.telemetry.metrics import Timings
from tests.conftest import Service
from tests.ingest.server import ScriptedServer
from tests.scrape import Scrape
from tests.shop import PRODUCT, added, form, orphan, page, path, png

DOCUMENT = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text()
JOB_METRICS = ("image_service_job_", "image_service_sweep_", "image_service_verify_")

Grown = Callable[..., Any]


def documented() -> set[tuple[str, str, frozenset[str]]]:
    rows = re.findall(r"^\| `(image_service_\w+)` \| (\w+) \|([^|]*)\|", DOCUMENT, re.MULTILINE)
    assert rows
    return {(name, kind, frozenset(labels.replace("`", "").split())) for name, kind, labels in rows}


async def scrape(anyone: httpx.AsyncClient) -> Scrape:
    answer = await anyone.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    return Scrape(answer.text)


@pytest.fixture
async def grown(anyone: httpx.AsyncClient) -> Grown:
    """By how much a metric has grown since the test began."""
    before = await scrape(anyone)

    async def by(name: str, **labels: str) -> float:
        return (await scrape(anyone)).value(name, **labels) - before.value(name, **labels)

    return by


def test_timings_are_the_same_one_by_one_and_together() -> None:
    seconds = (0, 0.1, 0.1000001, 0.5, 0.75, 1, 1.5, 0.1)
    registries = CollectorRegistry(), CollectorRegistry()
    by_one, together = (Timings("t", "t", buckets=(0.1, 0.5, 1), registry=each) for each in registries)
    for each in seconds:
        by_one.observe(each)
    together.observe_all(seconds)
    together.observe_all([])
    assert generate_latest(registries[0]) == generate_latest(registries[1])
    assert registries[1].get_sample_value("t_bucket", {"le": "0.1"}) == 3
    assert registries[1].get_sample_value("t_count") == len(seconds)


async def test_the_document_and_the_answer_name_the_same(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await added(client)
    await anyone.get(path(image["src"]), headers={"Accept": "image/webp"})
    for job in (runs.SWEEP, runs.VERIFY, runs.VERIFY_SAMPLE):
        async with runs.recorded(service.database, job) as counts:
            counts["anything"] = 1
    found = set((await scrape(anyone)).described())
    assert found == documented()


async def test_the_document_names_the_values_of_labels(anyone: httpx.AsyncClient) -> None:
    found = await scrape(anyone)
    for name, label in (
        ("ingest_total", "source"),
        ("ingest_total", "outcome"),
        ("fetches_total", "outcome"),
        ("variants_served_total", "format"),
        ("variants_refused_total", "reason"),
        ("pixel_processes_ended_total", "reason"),
    ):
        rows = re.findall(rf"^\| (?:`{name}`'s )?`{label}` \| (.*) \|$", DOCUMENT, re.MULTILINE)
        assert any(found.labels(name, label) <= set(re.findall(r"`(\w+)`", row)) for row in rows), (name, label)


async def test_requests_are_counted_by_their_route_and_never_by_their_path(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, store: Any, grown: Grown
) -> None:
    versioned = {"dialect": "tiendanube", "route": "/v1/{store_id}/products/{product_id}/images", "method": "GET"}
    for product in (1, 2, 3):
        await client.get(f"/v1/{store.store_id}/products/{product}/images")
    await client.get(f"/2025-03/{store.store_id}/products/1/images/1")
    await client.get("/v2/images/status/1.json")
    await anyone.get("/products/7/images")
    await anyone.request("BREW", "/products/8/images")
    for unknown in ("/index.php", "/wp-login.php", "/stores", "/v1/x/y"):
        await anyone.get(unknown)
    await anyone.get("/stores/000/001/products/none")
    requests = "http_requests_total"
    assert await grown(requests, status="200", **versioned) == 3
    assert await grown("http_request_duration_seconds_count", **versioned) == 3
    assert await grown(requests, route="/2025-03/{store_id}/products/{product_id}/images/{id}", status="404") == 1
    assert await grown(requests, dialect="bukalapak", route="/v2/images/status/{id}.json", status="404") == 1
    assert await grown(requests, route="/products/{product_id}/images", status="401") == 1
    assert await grown(requests, route="/products/{product_id}/images", method="other", status="405") == 1
    assert await grown(requests, route="none", status="404") == 4
    assert await grown(requests, dialect="delivery", route="/stores/{path}", status="404") == 1
    assert await grown(requests, dialect="operations", route="/metrics", status="200") > 1
    routes = (await scrape(anyone)).labels(requests, "route")
    assert not [route for route in routes if re.search(r"/\d+(/|$)", route)]


async def test_pictures_by_where_they_came_from(
    client: httpx.AsyncClient, server: ScriptedServer, grown: Grown
) -> None:
    url = f"/products/{PRODUCT}/images"
    picture = png("blue")
    server.pages["/photo.png"] = page(picture)
    image = (await client.post(url, json={"attachment": base64.b64encode(picture).decode()})).json()
    await client.post(url, json={"src": server.url("/photo.png")})
    await client.post(url, json={"src": image["src"]})
    await client.post(url, json={"image_id": await orphan(client, picture)})
    await client.put(f"{url}/{image['id']}", json={"position": 1})  # no picture
    for source, size in (("file", 1), ("attachment", 1), ("src", 1), ("copy", 1), ("image_id", 0)):
        assert await grown("ingest_total", source=source, outcome="accepted") == 1, source
        assert await grown("ingest_bytes_total", source=source) == size * len(picture), source
    assert await grown("ingest_total") == 5
    assert await grown("fetches_total", outcome="fetched") == 1
    assert await grown("fetch_duration_seconds_count") == 1
    assert await grown("ingest_in_progress") == 0
    assert await grown("http_received_bytes_total", dialect="bukalapak") > len(picture)


async def test_pictures_refused_and_why(client: httpx.AsyncClient, server: ScriptedServer, grown: Grown) -> None:
    url = f"/products/{PRODUCT}/images"
    server.pages["/large"] = page(b"", "200 OK\r\nX: y").replace(b"Content-Length: 0", b"Content-Length: 20000000")
    await client.post(url, files=form(b"no picture"))
    await client.post(url, files=form(bytes(11_000_000)))
    await client.post(url, json={"attachment": "%"})
    await client.post(url, json={"src": server.url("/missing")})
    await client.post(url, json={"src": server.url("/large")})
    await client.post(url, json={"src": "ftp://x.test/"})
    assert await grown("ingest_total", source="file", outcome="not_an_image") == 1
    assert await grown("ingest_total", source="file", outcome="too_heavy") == 1
    assert await grown("ingest_total", source="attachment", outcome="not_base64") == 1
    assert await grown("ingest_total", source="src", outcome="not_fetched") == 2
    assert await grown("ingest_total", source="src", outcome="too_heavy_fetched") == 1
    assert await grown("ingest_total", outcome="accepted") == 0
    assert await grown("ingest_bytes_total") == 0
    for outcome in ("bad_status", "too_heavy", "bad_scheme"):
        assert await grown("fetches_total", outcome=outcome) == 1


async def test_pictures_delivered(client: httpx.AsyncClient, anyone: httpx.AsyncClient, grown: Grown) -> None:
    src = path((await added(client))["src"])
    first = await anyone.get(src)
    await anyone.get(src, headers={"If-None-Match": first.headers["ETag"]})
    await anyone.get(src, headers={"Accept": "image/webp"})
    await anyone.get(src.replace(".png", ".webp"))
    await anyone.get(src, headers={"Range": "bytes=999999-"})
    await anyone.get(src.replace("-640-0", "-641-0"))
    assert await grown("variants_served_total", format="png") == 2
    assert await grown("variants_served_total", format="webp") == 2
    assert await grown("variants_negotiated_total") == 1
    assert await grown("variant_draw_duration_seconds_count", format="png") == 1
    assert await grown("variant_draw_duration_seconds_count", format="webp") == 1
    assert await grown("variants_refused_total", reason="range") == 1
    assert await grown("variants_refused_total", reason="not_found") == 1
    assert await grown("pixel_wait_seconds_count") == 3


async def test_the_database_pool(service: Service, client: httpx.AsyncClient, grown: Grown) -> None:
    assert await grown("database_connections_limit") == 0
    await client.get(f"/products/{PRODUCT}/images")
    assert await grown("database_wait_seconds_count") > 0
    async with service.client() as anyone:
        found = await scrape(anyone)
    assert found.value("database_connections_limit") >= service.settings.database_connections
    assert found.value("database_up") == 1


class Refuses(Exception):
    pass


async def test_what_jobs_have_done_last(service: Service, anyone: httpx.AsyncClient) -> None:
    async with runs.recorded(service.database, runs.VERIFY) as counts:
        counts |= {"whole": 5, "damaged": 1}
    good = await scrape(anyone)
    assert good.value("verify_originals", state="damaged") == 1
    assert good.value("job_last_run_failed", task="verify") == 0
    succeeded = good.value("job_last_success_timestamp_seconds", task="verify")
    assert succeeded == good.value("job_last_run_timestamp_seconds", task="verify") > 1_700_000_000

    with pytest.raises(Refuses):
        async with runs.recorded(service.database, runs.VERIFY):
            raise Refuses
    bad = await scrape(anyone)
    assert bad.value("job_last_run_failed", task="verify") == 1
    assert bad.value("job_last_run_timestamp_seconds", task="verify") > succeeded
    assert bad.value("job_last_success_timestamp_seconds", task="verify") == succeeded
    assert bad.value("verify_originals", state="whole") == 5
