"""What is done in processes of their own. Named here without being imported: the process that runs the service would
take half a second more to start, and twice its memory for as long as it lives.
"""

import socket

from image_service.settings import Settings
from image_service.stores.new_store import NewStore


def work(settings: Settings, listener: socket.socket) -> None:
    """Serve the application, as `worker.run`."""
    from image_service.processes import worker  # noqa: PLC0415 - imported before the fork

    worker.run(settings, listener)


def prepare(settings: Settings, *, own_database: bool) -> NewStore | None:
    """The schema and the first store, as `preparation.prepare`."""
    from image_service.processes import preparation  # noqa: PLC0415 - imported before the fork

    return preparation.prepare(settings, own_database=own_database)
