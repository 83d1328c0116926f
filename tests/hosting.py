"""Another host on loopback: it serves the files of a folder, and what a test adds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Files(SimpleHTTPRequestHandler):
    """The files of a folder, without a line of log for each."""

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole response. The body is JSON unless `headers` say otherwise."""
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A test closed the connection on purpose, or the browser did."""


@contextmanager
def hosted(folder: Path, handler: type[Files] = Files, **given: Any) -> Iterator[str]:
    """Yields the URL. `given` are further arguments of `handler`."""
    with _Server(("127.0.0.1", 0), partial(handler, directory=str(folder), **given)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
