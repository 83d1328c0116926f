"""An import: sends each row once, and keeps a product's rows in order, also after failures."""

import asyncio
from bisect import insort
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from image_service.cli.importing import in_order
from image_service.cli.importing.report import Line, Report, Status
from image_service.cli.importing.rows import BadRow, Identity, Input, Order, Row, RowError
from image_service.cli.importing.service import Image, NoAnswer, Refused, Service, Stopped

MOST_UNANSWERED = 10  # consecutive images: the service is down, and will stay down for the others


class Known:
    """The state of earlier runs, from the report, and of this run: half a kilobyte for each image."""

    def __init__(self, report: Report, source: Input, url: str) -> None:
        """Raises `ValueError` if the report is for another service."""
        self.settled: set[bytes] = set()
        self.unknown: set[bytes] = set()
        self.sent_now: set[bytes] = set()
        self._placed: dict[tuple[int, bool], list[tuple[Order, int]]] = {}
        self.earlier = ""  # the URL of a picture that an earlier run has sent
        for line in report.lines():
            if line.service != url:
                raise ValueError(
                    f"{report.path} is of an import to {line.service}: name another with --report, or put the new "
                    "address into it if it is the same service"
                )
            if line.status is Status.ADDED:
                self.earlier = line.src
                self.settled.add(_short(line.key))
                position = int(line.position) if line.position else None
                order = source.order(line.row, line.source) if position is None else (position, line.row)
                self.place(int(line.product_id), order, int(line.image_id), by_position=position is not None)
            elif line.status in {Status.UNKNOWN, Status.SENDING}:
                self.unknown.add(_short(line.key))

    def has(self, identity: Identity) -> bool:
        return _short(identity.key) in self.settled

    def place(self, product_id: int, order: Order, image_id: int, *, by_position: bool) -> None:
        """Record an added image at its row's `order`. Rows with and without a position are kept apart."""
        insort(self._placed.setdefault((product_id, by_position), []), (order, image_id))

    def after(self, product_id: int, order: Order, *, by_position: bool) -> list[int]:
        """The ids of the images that belong after this one, in order."""
        placed = self._placed.get((product_id, by_position), [])
        return [image_id for other, image_id in placed if other >= order]

    def added(self, product_id: int, image_id: int) -> bool:
        both = (self._placed.get((product_id, by_position), []) for by_position in (False, True))
        return any(image_id == other for placed in both for _, other in placed)


class Import:
    def __init__(
        self, source: Input, service: Service, report: Report, known: Known, tell: Callable[[Status | None, Line], None]
    ) -> None:
        """`tell` is called for each finished row; its status is None if an earlier run did it."""
        self._source = source
        self._service = service
        self._report = report
        self._known = known
        self._tell = tell
        self._unanswered = 0

    async def run(self, concurrency: int) -> None:
        """Raises `Stopped`, and `OSError` if the report cannot be written."""
        await in_order.run(self._source.rows(), _product_of, self._row, concurrency=concurrency)

    async def _row(self, row: Row | BadRow) -> None:
        if isinstance(row, BadRow):
            line = Line(row.number, row.product_id, row.source, "", Status.FAILED, reason=row.reason)
            self._done(line, f"row {row.number}")
            return
        position = "" if row.position is None else str(row.position)
        line = Line(row.number, row.product, row.source, position, Status.SENDING)
        try:
            identity = await asyncio.to_thread(row.identity)
        except RowError as error:
            self._done(replace(line, status=Status.FAILED, reason=str(error)), f"row {row.number}")
            return
        if self._known.has(identity):
            if _short(identity.key) in self._known.sent_now:
                again = replace(line, status=Status.DUPLICATE, reason="the same as an earlier row")
                self._done(again, f"{identity.key}+{row.number}")
            else:
                self._tell(None, line)
            return
        await self._send(row, identity, line)

    async def _send(self, row: Row, identity: Identity, line: Line) -> None:
        self._note(line, identity.key)
        try:
            if row.product_key is not None:
                row = replace(row, product_id=await self._service.product(row.product_key))
                line = replace(line, product_id=str(row.product_id))
            image = await self._found(row, identity) or await self._service.add(row, identity.key)
            with suppress(Refused):  # it has been deleted already
                await self._place(row, image["id"])
        except (Refused, OSError) as error:
            self._done(replace(line, status=Status.FAILED, reason=str(error)), identity.key)
        except NoAnswer as error:
            self._known.unknown.add(_short(identity.key))
            self._done(replace(line, status=Status.UNKNOWN, reason=f"no answer: {error}"), identity.key)
            self._unanswered += 1
            if self._unanswered >= MOST_UNANSWERED:
                raise Stopped(f"{self._unanswered} images in a row were not answered: {error}") from None
            return
        else:
            key = _short(identity.key)
            self._known.settled.add(key)
            self._known.sent_now.add(key)
            added = replace(line, status=Status.ADDED, image_id=str(image["id"]), src=str(image["src"]))
            self._done(added, identity.key)
        self._unanswered = 0

    async def _found(self, row: Row, identity: Identity) -> Image | None:
        """Finds an image that an earlier run may have sent: the service keeps keys only for a day."""
        if _short(identity.key) not in self._known.unknown:
            return None
        async for image in self._service.gallery(row.product_id):
            same = image["sha256"] == identity.sha256 if identity.sha256 else image["source_url"] == row.source
            if same and not self._known.added(row.product_id, image["id"]):
                return image
        return None

    async def _place(self, row: Row, image_id: int) -> None:
        """Move it before the images of later rows, if those were added first because this one had failed."""
        by_position = row.position is not None
        order = (row.position, row.number) if by_position else row.order
        for later in self._known.after(row.product_id, order, by_position=by_position):
            before = await self._service.position_of(row.product_id, later)
            if before is None:
                continue  # it has been deleted since
            if before < (await self._service.position_of(row.product_id, image_id) or 0):
                await self._service.move(row.product_id, image_id, before)
            break
        self._known.place(row.product_id, order, image_id, by_position=by_position)

    def _note(self, line: Line, key: str) -> None:
        self._report.write(replace(line, service=self._service.url, key=key))

    def _done(self, line: Line, key: str) -> None:
        self._note(line, key)
        self._tell(line.status, line)


def _product_of(row: Row | BadRow) -> object:
    return row.product if isinstance(row, Row) else row


def _short(key: str) -> bytes:
    """16 bytes, not 81."""
    return bytes.fromhex(key)
