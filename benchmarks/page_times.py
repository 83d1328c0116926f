"""How long pages take over a slow line, in Chromium: 1.6 Mbit/s down, 0.75 up, 150 ms there and back.

    .venv/bin/python -m benchmarks.page_times --url http://127.0.0.1:8000 --token TOKEN

It asks a running service, in the environment of `make setup`. Each page is opened with an empty cache, and once more
with the cache of the first time. The median of several rounds is printed. The shop page of docs/delivery.md comes from
a shop of its own, and shows a product that this makes.
"""

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.shop_page import shop

DOWN, UP = 1_600_000 / 8, 750_000 / 8  # bytes a second
LATENCY = 150  # milliseconds, there and back
PAGES = {
    "`/`": "/",
    "`/docs`": "/docs",
    "`/guides/`": "/guides/",
    "`/guides/tiendanube`, the longest": "/guides/tiendanube",
    "`/gallery`": "/gallery",
    "a product list": "/products?per_page=30",
}
SHOP = "the shop page, 12 photos"
SEARCH = "the guides' search, from the first key to results"
MEASURE = """async () => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const files = performance.getEntriesByType("resource").filter(file => !file.initiatorType.includes("fetch"));
  const seen = type => new Promise(resolve => {
    new PerformanceObserver(list => resolve(list.getEntries())).observe({type, buffered: true});
    setTimeout(resolve, 300, []);
  });
  const largest = (await seen("largest-contentful-paint")).at(-1)?.startTime ?? page.responseEnd;
  const shift = (await seen("layout-shift")).reduce((sum, each) => sum + each.value, 0);
  return {bytes: [page, ...files].reduce((sum, each) => sum + each.transferSize, 0), files: files.length + 1,
          paint: paint?.startTime ?? page.responseEnd, largest, shift, loaded: page.loadEventEnd};
}"""
# Of what is in view, as lazy pictures below it may wait for ever.
IS_SHOWN = """() => performance.getEntriesByType('navigation')[0].loadEventEnd > 0 && [...document.images].every(
  image => image.complete || image.getBoundingClientRect().top > innerHeight)"""


@dataclass(frozen=True)
class Times:
    bytes: int  # on the wire
    files: int
    paint: float  # milliseconds
    largest: float  # milliseconds, of the largest picture or text
    shift: float  # of the layout, cumulative
    loaded: float  # milliseconds


def main() -> None:
    options = _options()
    _say("| page | bytes | files | first paint | largest paint | layout shift | loaded | loaded again |")
    _say("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with sync_playwright() as playwright:
        path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, page in {**PAGES, **{f"`{each}`": each for each in options.page}}.items():
            _row(browser, options, name, options.url + page)
        with shop(options.url, options.token) as page:
            _row(browser, options, SHOP, page)
        _say(f"\n{SEARCH}: {statistics.median(_search(browser, options) for _ in range(options.rounds)):.2f} s")
        browser.close()


def _row(browser: Browser, options: argparse.Namespace, name: str, url: str) -> None:
    first, again = zip(*(_round(browser, options, url) for _ in range(options.rounds)), strict=True)
    seconds = [_middle(first, "paint"), _middle(first, "largest"), _middle(first, "loaded"), _middle(again, "loaded")]
    paint, largest, loaded, once_more = (f"{each / 1000:.2f} s" for each in seconds)
    size, files = _middle(first, "bytes"), _middle(first, "files")
    shift = f"{max(each.shift for each in first):.3g}"
    _say(f"| {name} | {size:,.0f} | {files:.0f} | {paint} | {largest} | {shift} | {loaded} | {once_more} |")


def _round(browser: Browser, options: argparse.Namespace, url: str) -> tuple[Times, Times]:
    """The first time, and again."""
    with _slow(browser, options, url) as context:
        return _open(context, url), _open(context, url)


def _search(browser: Browser, options: argparse.Namespace) -> float:
    """Seconds."""
    with _slow(browser, options, options.url) as context:
        page = _throttled(context)
        page.goto(f"{options.url}/guides/", wait_until="load")
        begun = time.monotonic()
        page.locator("#search").press_sequentially("retry")
        page.locator("#found a").first.wait_for()
        return time.monotonic() - begun


@contextmanager
def _slow(browser: Browser, options: argparse.Namespace, url: str) -> Iterator[BrowserContext]:
    """With the token in every request to the service, as a client has it that reads lists."""
    headers = {"Authorization": f"Bearer {options.token}"} if url.startswith(options.url) else {}
    with browser.new_context(extra_http_headers=headers) as context:
        yield context


def _open(context: BrowserContext, url: str) -> Times:
    page = _throttled(context)
    page.goto(url, wait_until="load")
    page.wait_for_function(IS_SHOWN)
    times = Times(**page.evaluate(MEASURE))
    page.close()
    return times


def _throttled(context: BrowserContext) -> Page:
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY, "downloadThroughput": DOWN, "uploadThroughput": UP},
    )
    return page


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
