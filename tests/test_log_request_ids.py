"""One request's lines can be told from all others, also where a pixel process has its part in them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import PHOTOS
from tests.processes import Server, eventually, family, serving
from tests.shop import form


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It renders nothing in time."""
    with serving(tmp_path_factory.mktemp("service"), DRAW_SECONDS="0.0001") as server:
        yield server


def lines(server: Server, id: str) -> list[dict[str, Any]]:
    """All of one request: the line of the request itself comes last."""
    eventually(lambda: server.logged(event="request", request_id=id))
    return server.logged(request_id=id)


def pixel_processes(server: Server) -> list[int]:
    pids = family(server.process.pid)
    return [pid for pid in pids if b"image_service.pixels.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_an_id_is_given_or_taken_and_answered(server: Server) -> None:
    with server.client() as client:
        given = client.get("/products/1/images").headers["X-Request-Id"]
        taken = client.get("/products/1/images", headers={"X-Request-Id": "shop-7:a.b_c"}).headers["X-Request-Id"]
        assert taken == "shop-7:a.b_c"
        for useless in (b"x" * 65, b"a b", "ü".encode(), b""):
            answer = client.get("/products/1/images", headers={b"X-Request-Id": useless})
            assert answer.headers["X-Request-Id"] not in {useless.decode(), given}
    (line,) = lines(server, given)
    assert line["route"] == "/products/{product_id}/images"
    assert line["agent"].startswith("python-httpx/")
    assert (line["store"], line["status"], line["method"]) == (1, 200, "GET")


def test_a_refused_picture(server: Server) -> None:
    with server.client() as client:
        answer = client.post("/products/1/images", files=form(b"none"))
    (line,) = lines(server, answer.headers["X-Request-Id"])
    assert "not_an_image" in line["reason"]
    assert line["bytes_in"] > 4


def test_a_render_that_takes_too_long(server: Server) -> None:
    id = uuid4().hex
    with server.client() as client:
        photo = (PHOTOS / "rocket.jpg").read_bytes()
        image = client.post("/products/1/images", files=form(photo, "rocket.jpg")).raise_for_status().json()
        answer = client.get(urlsplit(image["src"]).path, headers={"X-Request-Id": id})
    assert answer.status_code == 503
    killed, failed, request = lines(server, id)
    assert (killed["event"], killed["reason"]) == ("pixel process killed", "time_limit")
    assert (failed["event"], failed["reason"]) == ("variant not rendered", "took too long")
    assert request["status"] == 503


def test_a_process_that_has_died(server: Server) -> None:
    id = uuid4().hex
    with server.client() as client:
        client.post("/products/1/images", files=form()).raise_for_status()  # at least one process waits for work
        dead = pixel_processes(server)
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        client.post("/products/1/images", files=form(), headers={"X-Request-Id": id}).raise_for_status()
    *others, died, request = lines(server, id)
    assert (died["event"], request["status"]) == ("pixel process died", 201)
    assert {line["process"] for line in (*others, died)} <= set(dead)
    assert died["pid"] == request["pid"]
