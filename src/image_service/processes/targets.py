"""Functions for separate processes. They import their modules late: otherwise the service's main process would start
half a second later, and use twice the memory.
"""

import socket

from image_service.settings import Settings
from image_service.stores.new_store import NewStore


def work(settings: Settings, listener: socket.socket) -> None:
    """Serve the application with `worker.run`."""
    from image_service.processes import worker  # noqa: PLC0415 - imported before the fork

    worker.run(settings, listener)


def prepare(settings: Settings, *, own_database: bool) -> NewStore | None:
    """Create the schema and the first store: `preparation.prepare`."""
    from image_service.processes import preparation  # noqa: PLC0415 - imported before the fork

    return preparation.prepare(settings, own_database=own_database)
