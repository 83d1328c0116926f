"""Connections that are as a test says."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Fake:
    address: str
    idle_since: float = 0.0
    is_idle: bool = False
    stalled_since: float | None = None
    buffered: int = 0
    ended: list["Fake"] = field(default_factory=list)

    def give_way(self) -> None:
        self.ended.append(self)
