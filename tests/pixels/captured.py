"""A pixel process that a picture has captured, in the layers of the cage that a test names."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from image_service.pixels.cage import landlock
from tests.pixels.workers import ROGUE, Worker, started

REFUSED = {"EACCES", "EPERM", "ENOSYS"}
DONE = "done"


class Captured:
    """Does what it is told, if it can."""

    def __init__(
        self,
        processes: ExitStack,
        orders: Path,
        *layers: str,
        newest: int = len(landlock.ABIS),
        under: Sequence[str] = (),
    ) -> None:
        self._orders = orders / "orders"
        command = (*under, *ROGUE, "--landlock", str(newest), "--layers", *layers)
        self.worker: Worker = processes.enter_context(started(*command))

    def act(self, act: str) -> str:
        self._orders.write_text(f"ROGUE {act}")
        answer = self.worker.probe(self._orders)
        return DONE if "probe" in answer else str(answer["detail"])

    def proc(self, name: str) -> Path:
        return Path("/proc") / str(self.worker.process.pid) / name


def is_traceable() -> bool:
    """Whether processes of one user may look into each other; Yama, where it is there, may say no to all."""
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return not scope.exists() or scope.read_text() == "0\n"
