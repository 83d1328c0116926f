"""The rest of the service through nginx: uploads, errors, limits, ids; what nginx refuses by itself."""

import json
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from tests.conftest import PHOTOS
from tests.deploy.both import Front, StartNginx
from tests.deploy.files import compose
from tests.deploy.http import Answer, Headers, ask, form
from tests.deploy.needs import program
from tests.deploy.nginx import free_port
from tests.processes import DEADLINE, eventually

ROCKET = (PHOTOS / "rocket.jpg").read_bytes()
LIMIT = 10 * 1024 * 1024


@pytest.fixture
def token(front: Front) -> Headers:
    return [("Authorization", f"Bearer {front.service.token}")]


def sent_twice(front: Front, path: str, method: str, headers: Headers, body: bytes) -> tuple[Answer, Answer]:
    """Through nginx and directly, `{}` in the path being another product each time."""
    through, direct = (
        ask(port, path.format(1000 + number), method, headers, body) for number, port in enumerate(front.both)
    )
    return through, direct


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/products/{}/images", b'{"attachment": "nonsense"}', "application/json"),
        ("/products/{}/images", b'{"src": ""}', "application/json"),
        ("/products/{}/images", b"{", "application/json"),
        ("/products/{}/images", b"a=b", "application/x-www-form-urlencoded"),
        ("/products/0/images", b"{}", "application/json"),
        ("/products/%31/images", b"{}", "application/json"),
        ("/v2/images.json", b"", "application/json"),
        ("/admin/api/2026-01/products/{}/images.json", b"{}", "application/json"),
        ("/v2/images.json", b"--b\r\ncut", "multipart/form-data; boundary=b"),
        ("/nowhere", b"{}", "application/json"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_errors_pass_as_they_are(
    front: Front, token: Headers, path: str, body: bytes, content_type: str, known: bool
) -> None:
    headers = [("Content-Type", content_type), *(token if known else [])]
    through, direct = sent_twice(front, path, "POST", headers, body)
    assert direct.status >= 400
    assert through.masked() == direct.masked()
    assert through.body == direct.body


@pytest.mark.parametrize(
    "path",
    ["/products/{}/images", "/products/{}/images?fields=all", "/v2/images.json", "/admin/products/{}/images.json"],
)
def test_uploads(front: Front, token: Headers, path: str) -> None:
    headers, body = form(ROCKET)
    through, direct = sent_twice(front, path, "POST", [*headers, *token], body)
    assert direct.status in (200, 201)
    assert through.masked() == direct.masked()


def test_an_upload_in_chunks(front: Front, token: Headers) -> None:
    """Without a length: nginx streams it on as it comes."""
    headers, body = form(ROCKET)
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:])]
    chunks.append(b"0\r\n\r\n")
    with_token = [*headers, *token, ("Transfer-Encoding", "chunked")]
    answers = [ask(port, "/products/7/images", "POST", with_token, chunks) for port in front.both]
    assert [answer.status for answer in answers] == [201, 201]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/docs", "/openapi.json", "/products", "/images"])
def test_what_is_read(front: Front, token: Headers, path: str) -> None:
    through, direct = (ask(port, path, headers=token) for port in front.both)
    assert direct.status == 200
    assert (through.status, through.headers, through.body) == (direct.status, direct.headers, direct.body)


def test_conditions_of_the_api(front: Front, token: Headers) -> None:
    headers, body = form(ROCKET)
    assert ask(front.port, "/products/8/images", "POST", [*headers, *token], body).status == 201
    etag = ask(front.nginx.port, "/products/8/images", headers=token).header("etag") or ""
    through, direct = (
        ask(port, "/products/8/images", headers=[*token, ("If-None-Match", etag)]) for port in front.both
    )
    assert direct.status == 304
    assert (through.status, through.headers) == (direct.status, direct.headers)


@pytest.mark.parametrize("path", ["/v2/images.json", "/products/1/images", "/admin/products/1/images.json"])
def test_a_picture_of_10_mb_is_refused_in_the_services_words(front: Front, token: Headers, path: str) -> None:
    headers, body = form(bytes(LIMIT))
    through, direct = sent_twice(front, path, "POST", [*headers, *token], body)
    assert direct.status == 413
    assert (through.status, through.headers, through.body) == (direct.status, direct.headers, direct.body)


@pytest.mark.parametrize("path", ["/v2/images.json", "/products/1/images", "/admin/products/1/images.json"])
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", "application/json"])
def test_what_nginx_itself_refuses_reads_the_same(front: Front, token: Headers, path: str, content_type: str) -> None:
    """Far over the limit: by its length alone, which is all that is sent."""
    headers = [("Content-Type", content_type), *token, ("Content-Length", "50000000")]
    through, direct = (ask(port, path, "POST", headers) for port in front.both)
    if path.startswith("/v2") and content_type == "application/json":
        assert (through.status, direct.status) == (413, 422)  # the service looks at the type first
        return
    assert (direct.status, direct.body) == (413, through.body)
    assert through.status == 413
    assert through.header("content-type") == direct.header("content-type")
    assert not front.reached(through)


def test_a_body_for_a_picture_is_refused_as_pictures_are(front: Front) -> None:
    path = "/stores/001/234/products/a-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.jpg"
    refused = ask(front.nginx.port, path, "POST", [("Content-Length", "50000000")])
    assert (refused.status, json.loads(refused.body)) == (413, {"code": 413, "message": "Content Too Large"})
    assert not front.reached(refused)
    own = ask(front.nginx.port, "/stores/x")
    for name in ("cache-control", "x-content-type-options", "content-security-policy", "access-control-allow-origin"):
        assert refused.header(name) == own.header(name)
        assert refused.header(name)
    assert refused.request_id


def test_a_head_too_large(front: Front) -> None:
    for path in ("/products", "/v2/images/status/1.json", "/stores/x"):
        answer = ask(front.nginx.port, path, headers=[("X-Filler", "a" * 40_000)])
        assert answer.status == 431
        assert "Request Header Fields Too Large" in json.loads(answer.body)["message"]
        assert not front.reached(answer)
    assert ask(front.nginx.port, "/" + "a" * 40_000).status == 414
    assert ask(front.nginx.port, "/products", headers=[("X-Filler", "a" * 4_000)]).status == 401


def test_the_request_id_is_one(front: Front) -> None:
    """The client's if it fits, else nginx' own: in the answer and in both logs."""
    for given in ("checkout-17", "bad id", None):
        headers = [] if given is None else [("X-Request-Id", given)]
        answer = ask(front.nginx.port, "/health/live", headers=headers)
        assert answer.request_id == given or given != "checkout-17"
        assert answer.request_id
        assert " " not in answer.request_id
        assert eventually(lambda answer=answer: front.reached(answer))  # type: ignore[misc]
        assert eventually(lambda answer=answer: front.nginx.lines(answer.request_id))  # type: ignore[misc]


@pytest.mark.parametrize("prefix", ["/v1/1", "/2025-03/1"])
def test_a_request_under_a_platforms_prefix_is_named_only_where_it_brought_a_name(front: Front, prefix: str) -> None:
    """Answers of the service and of nginx; the logs of both have one id all the same."""
    token = ("Authentication", f"bearer {front.service.token}")
    for method, path, more in (
        ("GET", "/products", [token]),
        ("GET", "/products", []),
        ("POST", "/products/1/images", [token, ("Content-Length", "50000000")]),
    ):
        answer = ask(front.nginx.port, prefix + path, method, more)
        assert answer.request_id is None
        assert answer.header("cache-control")
        named = ask(front.nginx.port, prefix + path, method, [*more, ("X-Request-Id", "checkout-18")])
        assert named.request_id == "checkout-18"

    def id_of_the_first() -> str | None:
        lines = front.nginx.all_lines()
        return next((each["request_id"] for each in lines if each["path"] == f"{prefix}/products"), None)

    assert front.service.logged(event="request", request_id=eventually(id_of_the_first))


def test_metrics_are_not_for_the_world(front: Front) -> None:
    for path in ("/metrics", "/%6detrics", "/x/../metrics", "//metrics"):
        answer = ask(front.nginx.port, path)
        assert answer.status == 404
        assert json.loads(answer.body)["code"] == 404


def test_the_log_is_json_and_holds_no_token(front: Front, token: Headers) -> None:
    answer = ask(front.nginx.port, "/products?q=secret-in-a-query", headers=[*token, ("User-Agent", 'forged"\\"}')])
    [line] = eventually(lambda: front.nginx.lines(answer.request_id))
    assert {"timestamp", "request_id", "client", "method", "path", "status"} <= line.keys()
    assert line["agent"] == 'forged"\\"}'
    assert front.service.token not in front.nginx.log
    assert "secret-in-a-query" not in front.nginx.log


def received(port: int, data: bytes) -> tuple[bytes, float]:
    """What comes until the server closes, or resets the connection, and after how many seconds it did."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
        client.sendall(data)
        answer = b""
        with suppress(ConnectionResetError):
            while chunk := client.recv(65536):
                answer += chunk
    return answer, time.monotonic() - started


def test_slow_clients_are_given_up(front: Front, start_nginx: StartNginx) -> None:
    """With shorter limits than the file's, for there is nothing else to wait for."""
    hasty = start_nginx(f"127.0.0.1:{front.port}", front.public, client_header_timeout="1s", client_body_timeout="1s")
    answer, seconds = received(hasty.port, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow")
    assert answer == b""
    assert 0.9 < seconds < 10
    head = f"POST /products/1/images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {front.service.token}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n"
    answer, seconds = received(hasty.port, head.encode())
    assert answer.startswith(b"HTTP/1.1 408") or answer == b""
    assert 0.9 < seconds < 10


def test_a_size_that_a_client_has_written_into_a_url(front: Front, warm: str) -> None:
    """It is no file: the service says where the picture is."""
    stem, dot, extension = warm.rpartition(".")
    through, direct = (ask(port, f"{stem}_small{dot}{extension}?v=1") for port in front.both)
    assert direct.status == 302
    assert (through.status, through.headers) == (direct.status, direct.headers)
    assert (through.header("location") or "").endswith(f"-100-0.{extension}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/images.json", {"status": "ERROR", "user_id": "null", "message": "Bad Gateway"}),
        ("/products", {"code": 502, "message": "Bad Gateway", "description": "Bad Gateway"}),
        ("/admin/products.json", {"errors": "Bad Gateway"}),
    ],
)
def test_a_service_that_is_away(front: Front, start_nginx: StartNginx, path: str, body: dict[str, object]) -> None:
    alone = start_nginx(f"127.0.0.1:{free_port()}", front.public)
    answer = ask(alone.port, path)
    assert (answer.status, json.loads(answer.body)) == (502, body)
    assert answer.header("cache-control") == "no-store"
    assert answer.request_id


def test_its_health_check_needs_the_service(front: Front, start_nginx: StartNginx) -> None:
    kind, name, *words = compose({"POSTGRES_PASSWORD": "any"})["services"]["nginx"]["healthcheck"]["test"]
    assert kind == "CMD"
    alone = start_nginx(f"127.0.0.1:{free_port()}", front.public)
    for port, healthy in ((front.nginx.port, True), (alone.port, False)):
        command = [program(name, name), *(word.replace("8080", str(port)) for word in words)]
        assert (subprocess.run(command, check=False).returncode == 0) == healthy
