"""In which order processes get the files of tests: the longest first, so that none is left with one of them when the
others have ended; and what shares a server goes to one process.
"""

from fnmatch import fnmatch
from functools import cache

import pytest
from xdist.scheduler import LoadScopeScheduling

# Beginnings of paths as patterns, the longest first: what takes more than some ten seconds on a quiet machine of two
# cores, and what shares a server: nginx before one service, one built wheel, or a service that is ready for pages.
LONGEST = (
    "test_docs_operations.py",
    "schema",
    "faults/test_kills.py",
    "deploy/test_replicas.py",
    "test_serve.py",
    "test_serve_stop.py",
    "faults/test_power_loss.py",
    "faults/test_stopping.py",
    "deploy/test_nginx",  # three files on one service and its nginx
    "hostile/test_hostile_pictures.py",
    "test_upgrades.py",
    "gallery/test_[a-l]",
    "site/test_[g-s]",
    "hostile/test_webp_and_avif.py",
    "test_backup.py",
    "test_serve_metrics.py",
    "contract/test_openapi_generator.py",
    "contract/test_python_client.py",
    "test_embedded_postgres.py",
    "gallery/test_[m-z]",
    "uploaders/test_recipes.py",
    "test_cli.py",
    "contract/test_typescript.py",
    "uploads/test_at_once.py",
    "packaging",  # on one wheel
    "docs/test_pages.py",
    "client",
    "deploy/test_container.py",
    "test_log_forging.py",
    "faults/test_database_line.py",
    "s3/test_moving.py",
    "importing/test_import.py",
    "test_shell.py",
    "hostile/test_mutations.py",
)


def begins(nodeid: str) -> str | None:
    """The one of those that are named that it begins with."""
    return _begins(nodeid.partition("::")[0])


@cache
def _begins(file: str) -> str | None:
    return next((each for each in LONGEST if fnmatch(file, f"tests/{each}*")), None)


def longest_first(items: list[pytest.Item]) -> None:
    """The order of all others stays."""
    ranks = {name: rank for rank, name in enumerate((*LONGEST, None))}
    items.sort(key=lambda item: ranks[begins(item.nodeid)])


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no types of its own
    """Whole files, in the order of the items."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return begins(nodeid) or nodeid.partition("::")[0]
