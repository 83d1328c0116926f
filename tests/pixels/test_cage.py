"""Each layer of the cage by itself, attacked from inside; and that the attacks succeed where there is none."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from image_service.pixels.cage import landlock
from image_service.pixels.cage.calls import LIBSECCOMP
from tests.needs import needs
from tests.pixels.captured import DONE, REFUSED, Captured, is_traceable
from tests.pixels.rogue_worker import CALLS, FILES, FORBIDDEN, OTHER_PROCESSES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no cage elsewhere")


def landlock_abi() -> int:
    version: int = ctypes.CDLL(None).syscall(landlock.CREATE_RULESET, None, 0, landlock.VERSION)
    return max(version, 0)


def has_libseccomp() -> bool:
    try:
        ctypes.CDLL(LIBSECCOMP)
    except OSError:
        return False
    return True


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_without_a_cage_the_attacks_succeed(processes: ExitStack, tmp_path: Path) -> None:
    """Else the tests below would show nothing."""
    captured = Captured(processes, tmp_path)
    acts = FILES | CALLS | (OTHER_PROCESSES if is_traceable() else {})
    if not is_traceable():
        acts = {act: do for act, do in acts.items() if "of the service" not in act}
    assert {act: captured.act(act) for act in acts} == dict.fromkeys(acts, DONE)


@needs(has_libseccomp(), LIBSECCOMP)
def test_the_filter_of_system_calls_by_itself(processes: ExitStack, tmp_path: Path) -> None:
    captured = Captured(processes, tmp_path, "filter of system calls")
    assert {act: captured.act(act) for act in FORBIDDEN} == dict.fromkeys(FORBIDDEN, "ENOSYS")


@needs(landlock_abi() > 0, "Landlock in the kernel")
@pytest.mark.parametrize("abi", range(1, len(landlock.ABIS) + 1))
def test_landlock_by_itself(processes: ExitStack, tmp_path: Path, abi: int) -> None:
    """In each of its versions, as an older kernel has it."""
    if abi > landlock_abi():
        pytest.skip(f"this kernel has Landlock's ABI {landlock_abi()}")
    captured = Captured(processes, tmp_path, "Landlock", newest=abi)
    for act in FILES | OTHER_PROCESSES:
        assert captured.act(act) in REFUSED, act
    assert captured.act(f"truncate {tmp_path}/orders") == ("EACCES" if abi >= 3 else DONE)
    assert captured.act("connect") == ("EACCES" if abi >= 4 else "ECONNREFUSED")
    assert captured.act("signal the service") == ("EPERM" if abi >= 6 else DONE)


@needs(is_traceable(), "a kernel that lets processes of one user look into each other")
@pytest.mark.parametrize("name", ["environ", "mem", "maps"])
def test_closed_memory_by_itself(processes: ExitStack, tmp_path: Path, name: str) -> None:
    """Neither has what root may do: it may look into everything."""
    attacker = Captured(processes, tmp_path, "dropped privileges")
    opened = Captured(processes, tmp_path, "dropped privileges")
    closed = Captured(processes, tmp_path, "dropped privileges", "closed memory")
    assert attacker.act(f"open {opened.proc(name)}") == DONE
    assert attacker.act(f"open {closed.proc(name)}") in REFUSED


def test_dropped_privileges_by_themselves(processes: ExitStack, tmp_path: Path) -> None:
    captured = Captured(processes, tmp_path, "dropped privileges")
    status = captured.proc("status").read_text()
    assert "NoNewPrivs:\t1\n" in status
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{kind}:\t0000000000000000\n" in status
    if os.geteuid() == 0:
        assert captured.act(f"open /proc/{os.getpid()}/environ") in REFUSED
