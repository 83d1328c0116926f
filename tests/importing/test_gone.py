"""An import whose service goes away in the middle, and comes back."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from image_service.cli.importing.folder import Folder
from image_service.cli.importing.report import Line, Report, Status
from image_service.cli.importing.run import MOST_UNANSWERED, Import, Known
from image_service.cli.importing.service import Service, Stopped

URL = "http://api.test"


class Away:
    """Takes images while it is `there`; while it is not, nobody hears whether they arrived."""

    there = False
    made = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if not self.there:
            raise httpx.ConnectError("connection refused")
        if request.method == "GET":
            return httpx.Response(200, json=[])
        self.made += 1
        return httpx.Response(201, json={"id": self.made, "position": 1, "src": f"{URL}/stores/000/001/products/a"})


async def run(folder: Path, away: Away) -> Counter[str]:
    counts = Counter[str]()

    def tell(status: Status | None, line: Line) -> None:
        counts[status or "already"] += 1

    source, report = Folder(folder), Report(folder.parent / "report.csv")
    known = Known(report, source, URL)
    service = Service(URL, "secret", concurrency=2, patience=0, transport=httpx.MockTransport(away))
    async with service:
        with report:
            await Import(source, service, report, known, tell).run(concurrency=2)
    return counts


async def test_it_stops_after_some_and_goes_on_later(tmp_path: Path) -> None:
    for number in range(MOST_UNANSWERED + 5):
        path = tmp_path / "photos" / str(number + 1) / "a.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes([number]))
    away = Away()
    with pytest.raises(Stopped, match="10 images in a row were not answered: connection refused"):
        await run(tmp_path / "photos", away)
    lines = list(Report(tmp_path / "report.csv").lines())
    assert MOST_UNANSWERED <= len(lines) <= MOST_UNANSWERED + 1
    assert {line.status for line in lines} == {Status.UNKNOWN}
    away.there = True
    assert await run(tmp_path / "photos", away) == {Status.ADDED: MOST_UNANSWERED + 5}
    assert await run(tmp_path / "photos", away) == {"already": MOST_UNANSWERED + 5}
    assert away.made == MOST_UNANSWERED + 5


async def test_half_a_line_after_the_machine_went_down_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "1" / "a.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    away = Away()
    away.there = True
    assert await run(tmp_path / "photos", away) == {Status.ADDED: 1}
    report = tmp_path / "report.csv"
    whole = report.read_bytes()
    report.write_bytes(whole + b"2,2,2/b.jpg,,add")
    assert await run(tmp_path / "photos", away) == {"already": 1}
    assert report.read_bytes() == whole
