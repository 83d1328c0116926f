"""Prints a plan as a table, and a result as a sentence."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from image_service.cli.syncing.run import FAILED, REMOVED, Result, Sums

STYLES = {REMOVED: "red", FAILED: "yellow"}
WORDS = {"fetch": "to be fetched"}
DULL = "unchanged"


def table_of(results: list[Result]) -> Table:
    """A table of all changes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, options in (
        ("product", {}),
        ("row", {"justify": "right"}),
        ("image", {"justify": "right"}),
        ("outcome", {}),
        ("entry", {"overflow": "ellipsis", "no_wrap": True}),
    ):
        table.add_column(name, **options)
    for result in results:
        if result.fault:
            table.add_row(_plain(result.list.name), "", "", "not sent", _plain(result.fault), style="yellow")
        for cells, style in _rows(result):
            table.add_row(*cells, style=style)
    return table


def _rows(result: Result) -> Iterator[tuple[list[str], str | None]]:
    for receipt in result.receipts:
        outcome = str(receipt["outcome"])
        if outcome != DULL:
            row = result.row(receipt)
            yield (
                [
                    _plain(result.list.name),
                    "" if row is None else str(row),
                    str(receipt["id"] or ""),
                    _plain(outcome + _why(receipt)),
                    "" if row is None else _plain(result.source(receipt)),
                ],
                STYLES.get(outcome),
            )


def tell_failures(console: Console, result: Result) -> None:
    if result.fault:
        console.print(f"product {_plain(result.list.name)}: {_plain(result.fault)}")
    for receipt in result.receipts:
        if receipt["outcome"] == FAILED:
            where = f"row {result.row(receipt)} (product {result.list.name}, {result.source(receipt)})"
            console.print(_plain(f"{where}: {FAILED}{_why(receipt)}"))


def sentence_of(sums: Sums) -> str:
    told = [f"{count} {WORDS.get(outcome, outcome)}" for outcome, count in sorted(sums.outcomes.items()) if count]
    unsent = f"; {sums.unsent} not done" if sums.unsent else ""
    return f"{sums.products} products{unsent}: {', '.join(told) or 'no images'}."


def _why(receipt: dict[str, Any]) -> str:
    why = " ".join(str(each) for each in (receipt["reason"], receipt["status"]) if each is not None)
    return f": {why}" if why else ""


def _plain(text: str) -> str:
    """Escapes markup and escape sequences in untrusted text."""
    return escape("".join(each if each.isprintable() else "?" for each in text))
