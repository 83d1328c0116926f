"""Requests that are held, so that a test decides what reaches the service and when the page hears of it."""

import re

from playwright.sync_api import APIResponse, Page, Route

from tests.processes import DEADLINE

LOOK = 20  # milliseconds, in which Playwright hands over what has come


class Held:
    """The requests of a page with this method, to paths that match: they get no answer until `let_go`."""

    def __init__(self, page: Page, method: str, path: str) -> None:
        self._page, self._method = page, method
        self._waiting: list[Route] = []
        self._answers: list[tuple[Route, APIResponse]] = []
        self._is_over = False
        page.route(re.compile(path), self._take)

    def _take(self, route: Route) -> None:
        if self._is_over or route.request.method != self._method:
            route.fallback()
        else:
            self._waiting.append(route)

    def come(self) -> None:
        """Waits for the next one."""
        for _ in range(DEADLINE * 1000 // LOOK):
            if self._waiting:
                return
            self._page.wait_for_timeout(LOOK)
        raise AssertionError(f"no {self._method} came")

    def reach(self) -> None:
        """The next one reaches the service. The page does not hear of its answer yet."""
        self.come()
        route = self._waiting.pop(0)
        self._answers.append((route, route.fetch()))

    def answer(self) -> None:
        """The page hears of those that have reached the service."""
        for route, answer in self._answers:
            route.fulfill(response=answer)
        self._answers.clear()

    def let_go(self) -> None:
        """Deliver all answers. Send the requests that are still held; later ones are not held."""
        self._is_over = True
        self.answer()
        for route in self._waiting:
            route.fallback()


def put(page: Page) -> object:
    """Waits for the answer to a change that was made."""
    return page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok)


def listed(page: Page) -> object:
    """Waits until the open pictures were loaded."""
    return page.expect_response(lambda answer: answer.request.method == "GET" and "/images?" in answer.url)


def move(page: Page, place: int, *keys: str) -> None:
    """The picture at a place, by keyboard."""
    page.locator(".tile .move").nth(place).focus()
    for key in ("Space", *keys, "Space"):
        page.keyboard.press(key)


def open_other(page: Page, product: int) -> None:
    """Another product, in the same page."""
    page.evaluate(f"location.hash = '#/products/{product}'")
