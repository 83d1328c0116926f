"""`image-service import` of files that are not what they seem: empty, or changed under its hands."""

import pytest

from tests.importing.test_import import Merchant, merchant, server

__all__ = ["merchant", "server"]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_file_without_rows_is_said_to_have_none(merchant: Merchant, options: tuple[str, ...]) -> None:
    merchant.write()
    done = merchant.run(*options)
    assert (done.status, done.out, done.err) == (0, "0 rows: there is nothing to send.\n", "")
    sums = merchant.run(*options, "--json").json
    assert (sums["rows"], sums["added"], sums["failed"]) == (0, 0, 0)
