"""Imported by the process that others are forked from, and by no other: all that a worker needs, once."""

import gc

from image_service.pixels.cage.privileges import close_memory

close_memory()  # each process that is forked from this one has it too
gc.disable()  # a sixth of the time would go into looking for garbage among what is there to stay

from image_service.processes import preparation, worker  # noqa: E402 - only now

gc.freeze()  # so that a collection in a forked process leaves these pages as they are: shared
gc.enable()

__all__ = ["preparation", "worker"]
