"""How long pages take over a slow line, in Chromium: 1.6 Mbit/s down, 0.75 up, 150 ms there and back.

    .venv/bin/python -m benchmarks.page_times --url http://127.0.0.1:8000 --token TOKEN

It asks a running service, in the environment of `make setup`. Each page is opened with an empty cache, and once more
with what the first time has left. The median of several rounds is printed.
"""

import argparse
import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, sync_playwright

DOWN, UP = 1_600_000 / 8, 750_000 / 8  # bytes a second
LATENCY = 150  # milliseconds, there and back
PAGES = {
    "`/`": "/",
    "`/docs`": "/docs",
    "`/gallery`": "/gallery",
    "a product list": "/products?per_page=30",
}
MEASURE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const files = performance.getEntriesByType("resource").filter(file => !file.initiatorType.includes("fetch"));
  return {bytes: [page, ...files].reduce((sum, each) => sum + each.transferSize, 0), files: files.length + 1,
          paint: paint?.startTime ?? page.responseEnd, loaded: page.loadEventEnd};
}"""


@dataclass(frozen=True)
class Times:
    bytes: int  # on the wire
    files: int
    paint: float  # milliseconds, as all that follow
    loaded: float


def main() -> None:
    options = _options()
    _say("| page | bytes | files | first paint | loaded | loaded again |\n| --- | --- | --- | --- | --- | --- |")
    with sync_playwright() as playwright:
        path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, page in {**PAGES, **{f"`{each}`": each for each in options.page}}.items():
            first, again = zip(*(_round(browser, options, page) for _ in range(options.rounds)), strict=True)
            seconds = [_middle(first, "paint"), _middle(first, "loaded"), _middle(again, "loaded")]
            shown = " | ".join(f"{each / 1000:.2f} s" for each in seconds)
            _say(f"| {name} | {_middle(first, 'bytes'):,.0f} | {_middle(first, 'files'):.0f} | {shown} |")
        browser.close()


def _round(browser: Browser, options: argparse.Namespace, page: str) -> tuple[Times, Times]:
    """The first time, and again."""
    with _slow(browser, options.token) as context:
        return _open(context, options.url + page), _open(context, options.url + page)


@contextmanager
def _slow(browser: Browser, token: str) -> Iterator[BrowserContext]:
    """With the token in every request, as a client has it that reads lists."""
    with browser.new_context(extra_http_headers={"Authorization": f"Bearer {token}"}) as context:
        yield context


def _open(context: BrowserContext, url: str) -> Times:
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY, "downloadThroughput": DOWN, "uploadThroughput": UP},
    )
    page.goto(url, wait_until="load")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    times = Times(**page.evaluate(MEASURE))
    page.close()
    return times


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _middle(times: tuple[Times, ...], of: str) -> float:
    middle: float = statistics.median(getattr(each, of) for each in times)
    return middle


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--page", action="append", default=[], help="a path beside the usual ones; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    main()
