"""What a pixel process gives up before it meets strangers' bytes: memory, time, privileges, all files but those of its
job, most of the system's calls; and its turn on a processor, to the processes that answer.

A decoder that has been captured can then read and write the files that it was given, and answer a line that is not
trusted. Each layer holds without the others. See docs/decisions/0071.
"""

import math
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping

from image_service.pixels.cage import calls, landlock, privileges
from image_service.pixels.messages import Layer

RESOURCES = (
    (resource.RLIMIT_CORE, 0),  # bytes; a core file would hold a customer's picture
    (resource.RLIMIT_AS, 2 * 1024**3),  # bytes of addresses; 50 megapixels of RGBA noise as WebP just fit
    (resource.RLIMIT_FSIZE, 256 * 1024**2),  # bytes; 50 megapixels of noise as RGBA in a PNG: 200 MB
    (resource.RLIMIT_NOFILE, 64),  # libvips opens a handful
)
YIELDING = 10  # niceness: on a busy machine rendering yields to answering

EnterLayer = Callable[[], str]  # answers a detail, or raises OSError

# In this order: the filter allows none of the calls that make the others.
LAYERS: Mapping[str, EnterLayer] = {
    "dropped privileges": privileges.drop,
    "closed memory": privileges.close_memory,
    "Landlock": landlock.close_files,
    "filter of system calls": calls.filter_calls,
}


def enter(layers: Mapping[str, EnterLayer] = LAYERS) -> list[Layer]:
    """For good, with one thread. Says which of the layers hold; the limits always do."""
    privileges.die_with_parent()
    os.nice(YIELDING)
    for kind, wanted in RESOURCES:
        _, hard = resource.getrlimit(kind)  # may be tighter already, and cannot be raised
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))
    return [_entered(name, enter_layer) for name, enter_layer in layers.items()]


def _entered(name: str, enter_layer: EnterLayer) -> Layer:
    if sys.platform != "linux":
        return Layer(name, False, f"there is none on {sys.platform}")
    try:
        return Layer(name, True, enter_layer())
    except OSError as error:
        return Layer(name, False, str(error))


def limit_processor_time(seconds: float) -> None:
    """From now on; beyond it the system ends the process, even if its parent is gone.

    The pool's own limit, of time as it passes, is reached first unless a picture keeps several threads busy.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(time.process_time() + seconds) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
