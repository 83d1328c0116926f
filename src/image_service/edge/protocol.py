"""HTTP/1.1 on a socket: uvicorn's httptools protocol, with the limits that it leaves to a proxy.

Requests refused here have no path yet, so the answer is in no dialect; `web/middleware/guard.py` refuses the rest.
`tests/edge/test_framing.py` lists what httptools itself refuses, such as conflicting lengths.
"""

import asyncio
import socket
import time
from http import HTTPStatus
from typing import Any, ClassVar

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from image_service.edge.client_address import Networks, client_address, home, is_trusted
from image_service.edge.exchange import EXCHANGE, Exchange
from image_service.edge.limits import (
    HEALTH_PLACES,
    MAX_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    MAX_PIPELINED,
    SEND_BUFFER_BYTES,
    ConnectionLimits,
)
from image_service.edge.lingering import LingeringTransport
from image_service.edge.memory import ClientMemory, SendMemory
from image_service.edge.places import Places
from image_service.edge.reasons import set_reasons
from image_service.edge.refusal import refusal
from image_service.edge.taking import Taking

log = structlog.get_logger()

VERSIONS = ("1.0", "1.1")
HEALTH = b"/health/"


class _Refused(Exception):
    """Raised in a parser callback; httptools wraps it."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `protocol_of` makes the class for uvicorn."""

    limits: ClassVar[ConnectionLimits]
    trusted_proxies: ClassVar[Networks]
    places: ClassVar[Places]
    memory: ClassVar[SendMemory]
    without_place: ClassVar[list["GuardedProtocol"]]  # oldest first; their requests are not known yet

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._lingering = LingeringTransport(transport, self.limits, self._is_sending)
        self._exchange = Exchange(self._lingering.abort, self._is_backed_up, ClientMemory(self.memory, self))
        self._timer: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None
        self._in_head = True  # waiting for a request's head, or the rest of one
        self._is_upgrade = False
        self._is_priming = False
        self._is_deaf = False  # further input is ignored
        self._is_turned_away = False
        self._head_bytes = self._framing_bytes = 0
        self._refusal = HTTPStatus.BAD_REQUEST
        self.idle_since = time.monotonic()
        if wire := transport.get_extra_info("socket"):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._taking = Taking(self._lingering.get_write_buffer_size, self.memory.look_soon)
        super().connection_made(self._lingering)
        self._peer = self.client[0] if self.client else ""
        self.address = home(self._peer)
        self._is_proxy = is_trusted(self._peer, self.trusted_proxies)
        if not self.places.add(self):
            self.without_place.append(self)
            if len(self.without_place) > HEALTH_PLACES:
                self.without_place[0].turn_away()
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._leave()
        self._lingering.lost()
        super().connection_lost(exc)
        if self._answered is not None and not self._answered.response_complete:
            # uvicorn notifies the last request; with pipelining, another one may be being answered.
            self._answered.disconnected = True
            self._answered.message_event.set()

    def shutdown(self) -> None:
        if self._lingering.is_closing():
            self._lingering.end()
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.idle_since = time.monotonic()
        super().on_response_complete()

    @property
    def is_idle(self) -> bool:
        """No request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _is_sending(self) -> bool:
        has_begun = self._head_bytes > 0 if self._in_head else not self._exchange.is_received
        return has_begun or self._is_turned_away

    def _is_backed_up(self) -> bool:
        return bool(self.flow.write_paused)

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self._lingering.get_write_buffer_size()

    @property
    def stalled_since(self) -> float | None:
        return self._taking.stalled_since

    def give_way(self) -> None:
        self._leave()
        self.connections.discard(self)
        self._lingering.abort()

    def turn_away(self) -> None:
        """No place is left: answer 503."""
        self._leave()
        self._is_turned_away = True
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _leave(self) -> None:
        self.places.remove(self)
        self.memory.remove(self)
        if self in self.without_place:
            self.without_place.remove(self)
        self._taking.end()

    def _settle(self) -> None:
        """Once the head is complete. Raises `_Refused` if there is no place, except for health checks."""
        if self._is_proxy:
            forwarded = [value.decode("latin-1") for name, value in self.headers if name == b"x-forwarded-for"]
            self.places.move(self, home(client_address(self._peer, forwarded, self.trusted_proxies)))
        if self not in self.without_place:
            return
        if self.places.add(self):
            self.without_place.remove(self)
        elif not self.url.startswith(HEALTH):
            self._refusal = HTTPStatus.SERVICE_UNAVAILABLE
            raise _Refused

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking.begin()
        self.memory.back_up(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taking.end()
        self.memory.go_on(self)

    # --- The head's deadline ---

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.head_seconds, self._expired)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        self._timer = None
        if self.is_idle:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._arm()  # for the next request; this one's answer has its own limits

    # --- Input ---

    def data_received(self, data: bytes) -> None:
        if self._lingering.is_closing() or self._is_deaf:
            self._lingering.discard(len(data))
            return
        self._unset_keepalive_if_required()
        while data and not (self._lingering.is_closing() or self._is_deaf):
            if self._in_head:
                room = MAX_HEAD_BYTES - self._head_bytes
                part, data = data[:room], data[room:]
                self._head_bytes += len(part)
                self._feed(part)
                if self._in_head and self._head_bytes >= MAX_HEAD_BYTES:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                elif self._in_head and self._head_bytes and not self._lingering.is_closing():
                    self._arm()
            else:
                part, data = data, b""
                self._framing_bytes += len(part)
                self._feed(part)
                if not self._in_head and self._framing_bytes > MAX_FRAMING_BYTES:
                    self._break_off()

    def _feed(self, part: bytes) -> None:
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(part[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._break_off()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Only HTTP/1.1 is spoken, so stay with it. httptools would lose the request's body, as another protocol's.
        Java's client and `curl --http2` ask for `h2c` with their first request, for any method and path.
        """
        self._is_upgrade = False
        framing = [each for each in self.headers if each[0] in (b"content-length", b"transfer-encoding")]
        self.parser = httptools.HttpRequestParser(self)
        self._is_priming = True
        self._feed(b"POST / HTTP/1.1\r\n" + b"".join(b"%s: %s\r\n" % each for each in framing) + b"\r\n")
        self.data_received(rest)

    def on_message_begin(self) -> None:
        if self._is_priming:
            return
        if self.pipeline and len(self.pipeline) >= MAX_PIPELINED:
            raise _Refused
        self._in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_priming:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else a trailer: too late to affect any decision
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_priming:
            self._is_priming = False
            return
        if self.parser.get_http_version() not in VERSIONS:
            self._refusal = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
            raise _Refused
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _Refused
        self._settle()
        self._is_upgrade = self.parser.should_upgrade()
        self._exchange = Exchange(self._lingering.abort, self._is_backed_up, self._exchange.memory)
        self.scope[EXCHANGE] = self._exchange  # type: ignore[literal-required]  # an extension of ours
        self._framing_bytes = 0
        super().on_headers_complete()
        if self in self.without_place:
            self.cycle.keep_alive = False
        self._in_head = False
        self._disarm()

    def on_body(self, body: bytes) -> None:
        self._framing_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_upgrade:
            return  # the body has not come yet
        self._exchange.is_received = True
        self._in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    # --- Refusals ---

    def _break_off(self) -> None:
        """The input is malformed."""
        if self._in_head:
            self._refuse(self._refusal)
            return
        self._is_deaf = True
        self._exchange.is_malformed = True
        self.cycle.message_event.set()  # wakes the application, which answers

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer without the application, and close."""
        self._disarm()
        if self.is_idle:  # else this would land inside another answer
            self._lingering.write(refusal(status))
            log.info("refused", status=int(status), client=self._peer or None)
        self._lingering.close()


def protocol_of(limits: ConnectionLimits, trusted_proxies: Networks = ()) -> type[GuardedProtocol]:
    """For `uvicorn.Config(http=…)`. Sets uvicorn's reason phrases too."""
    set_reasons()
    places = Places(limits.connections)
    shared = {"places": places, "memory": SendMemory(places, limits.buffered_bytes), "without_place": []}
    return type("LimitedProtocol", (GuardedProtocol,), {"limits": limits, "trusted_proxies": trusted_proxies} | shared)
