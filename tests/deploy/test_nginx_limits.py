"""What nginx allows one client, and which address that is: requests a second, and connections at once."""

import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.deploy.both import Front, StartNginx
from tests.deploy.http import ask
from tests.processes import DEADLINE, eventually


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/images/status/1.json", {"status": "ERROR", "user_id": "null", "message": "Too Many Requests"}),
        ("/products", {"code": 429, "message": "Too Many Requests", "description": "Too Many Requests"}),
        (
            "/stores/001/products/x-0123456789abcdef0123456789abcdef-640-0.jpg",
            {"code": 429, "message": "Too Many Requests"},
        ),
        ("/admin/api/2026-01/products.json", {"errors": "Too Many Requests"}),
    ],
)
def test_one_client_that_asks_too_often(front: Front, start_nginx: StartNginx, path: str, body: object) -> None:
    """With a smaller burst than the file's. What nginx sends by itself is not counted."""
    strict = start_nginx(f"127.0.0.1:{front.port}", front.public, limit_req="zone=requests burst=4 nodelay",
                         limit_req_zone="$household zone=requests:10m rate=1r/m")  # fmt: skip
    answers = [ask(strict.port, path) for _ in range(8)]
    assert 429 not in [answer.status for answer in answers[:5]]
    for answer in answers[5:]:
        assert (answer.status, json.loads(answer.body)) == (429, body)
        is_decimal = path.startswith("/admin/")  # as its clients read it
        assert answer.header("retry-after") == ("2.0" if is_decimal else "1")
        assert answer.header("x-shopify-shop-api-call-limit") == ("1/40" if is_decimal else None)
        assert answer.header("cache-control") == "no-store"


def test_a_page_of_pictures_has_room(front: Front, warm: str) -> None:
    """250 at once that are rendered, and 250 that are not: the limits of the file itself."""
    cold = warm.replace("-640-0", "-641-0")
    with ThreadPoolExecutor(6) as browser:
        statuses = Counter(
            answer.status for answer in browser.map(lambda path: ask(front.nginx.port, path), [warm, cold] * 250)
        )
    assert statuses == {200: 250, 404: 250}


def test_one_client_that_holds_too_many_connections(front: Front, start_nginx: StartNginx) -> None:
    """Those that wait for something: an answer that is not taken, a body that does not come."""
    strict = start_nginx(f"127.0.0.1:{front.port}", front.public, limit_conn="connections 3")
    head = f"POST /products/1/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {front.service.token}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", strict.port), timeout=DEADLINE))
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 100")
        assert ask(strict.port, "/products").status == 429


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("unix:", "203.0.113.7", "127.0.0.1"),  # nobody is believed, as the file has it
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),  # a proxy elsewhere
        ("127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.0/8", "9.9.9.9, 203.0.113.7", "203.0.113.7"),  # a client that claims to be another
    ],
)
def test_a_client_behind_the_proxy_that_ends_tls(
    front: Front, start_nginx: StartNginx, trusted: str, forwarded: str, client: str
) -> None:
    """Its address counts for nginx' limits, stands in its log, and is what it tells the service."""
    behind = start_nginx(f"127.0.0.1:{front.port}", front.public, NGINX_TRUSTED_PROXY=trusted)
    answer = ask(behind.port, "/products", headers=[("X-Forwarded-For", forwarded)])
    [line] = eventually(lambda: behind.lines(answer.request_id))
    assert line["client"] == client
