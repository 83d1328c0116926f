"""Restricts a pixel process before it reads untrusted bytes: memory, time, privileges, files, system calls. It also
gets a lower CPU priority than the processes that answer requests.

A captured decoder can then only read and write its job's files, and send an untrusted answer. Each layer works
without the others. See docs/decisions/0071.
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
    (resource.RLIMIT_AS, 2 * 1024**3),  # bytes of address space; just fits 50 megapixels of RGBA noise as WebP
    (resource.RLIMIT_FSIZE, 256 * 1024**2),  # bytes; 50 megapixels of noise as RGBA in a PNG: 200 MB
    (resource.RLIMIT_NOFILE, 64),  # libvips opens a handful
)
YIELDING = 10  # niceness: rendering yields to answering requests

EnterLayer = Callable[[], str]  # returns a detail, or raises OSError

# In this order: the filter forbids the calls that set up the other layers.
LAYERS: Mapping[str, EnterLayer] = {
    "dropped privileges": privileges.drop,
    "closed memory": privileges.close_memory,
    "Landlock": landlock.close_files,
    "filter of system calls": calls.filter_calls,
}


def enter(layers: Mapping[str, EnterLayer] = LAYERS) -> list[Layer]:
    """Enter the cage permanently, with one thread. Returns which layers hold; the limits always do."""
    privileges.die_with_parent()
    os.nice(YIELDING)
    for kind, wanted in RESOURCES:
        _, hard = resource.getrlimit(kind)  # may already be lower, and cannot be raised
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
    """Limit CPU time from now on. Beyond it the kernel kills the process, even without its parent.

    The pool's own limit, of wall-clock time, comes first unless a picture keeps several threads busy.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(time.process_time() + seconds) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
