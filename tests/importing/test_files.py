"""`image-service import` of files that are not what they seem: empty, or changed under its hands."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.importing.test_import import Merchant, merchant, server
from tests.processes import DEADLINE, PROGRAM, environment, eventually

__all__ = ["merchant", "server"]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_file_without_rows_is_said_to_have_none(merchant: Merchant, options: tuple[str, ...]) -> None:
    merchant.write()
    done = merchant.run(*options)
    assert (done.status, done.out, done.err) == (0, "0 rows: there is nothing to send.\n", "")
    sums = merchant.run(*options, "--json").json
    assert (sums["rows"], sums["added"], sums["failed"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (b"", "had 5000 rows when it was checked, and 2999 when they were sent"),
        (b'1,"', "cannot be read as CSV: row 3001: a quote opens a cell, and none closes it"),
    ],
)
def test_a_file_that_is_cut_while_its_rows_are_sent(merchant: Merchant, end: bytes, said: str) -> None:
    merchant.write(*(f"P,no-such-file-{number}.png,x" for number in range(2, 5002)))
    arguments: list[str | Path] = [PROGRAM, "import", merchant.file, "--url", merchant.server.url, "--concurrency", "1"]
    surroundings = environment(merchant.folder, TOKEN=merchant.server.token)
    with (merchant.folder / "errors").open("w+") as errors:
        process = subprocess.Popen(arguments, env=surroundings, stdout=subprocess.DEVNULL, stderr=errors)
        eventually(lambda: merchant.report.exists() and ",failed," in merchant.report.read_text())
        process.send_signal(signal.SIGSTOP)
        whole = merchant.file.read_bytes().splitlines(keepends=True)
        os.truncate(merchant.file, len(b"".join(whole[:3000])))
        with merchant.file.open("ab") as file:
            file.write(end)
        process.send_signal(signal.SIGCONT)
        assert process.wait(DEADLINE) == 1
        errors.seek(0)
        assert errors.read().splitlines()[-1] == f"image-service: {merchant.file} {said}"
