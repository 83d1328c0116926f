"""Imported only by the fork server: loads once all that a worker needs."""

import gc

from image_service.pixels.cage.privileges import close_memory

close_memory()  # forked processes inherit this
gc.disable()  # saves a sixth of the import time: the imported objects are permanent

from image_service.processes import preparation, worker  # noqa: E402 - only now

gc.freeze()  # so that a collection in a forked process keeps these pages shared
gc.enable()

__all__ = ["preparation", "worker"]
