"""What passes over the buses: the ordered log of hardware accesses, the remarks, and what the data lines last held."""

from collections.abc import Callable
from typing import Protocol

from knowledge.m65816.outcome import HardwareAccess, Remark, RemarkCode

__all__ = ["LOG_LIMIT", "REMARK_LIMIT", "Ports", "Reader", "Traffic", "Writer"]

LOG_LIMIT = 100_000
"""Hardware accesses that are kept of one run."""
REMARK_LIMIT = 1_000
"""Remarks that are kept of one run."""

Reader = Callable[[int, int], int]
"""Answers a read: (16-bit register address, master clock) -> byte."""
Writer = Callable[[int, int, int], None]
"""Takes a write: (16-bit register address, byte, master clock)."""


class Ports(Protocol):
    """A family of registers."""

    readers: dict[int, Reader]
    writers: dict[int, Writer]

    def reset(self) -> None:
        """Go back to the state at power-on."""
        ...


def _no_bus() -> int:
    return 0


class Traffic:
    """The log of one run. `pc` is the instruction at work; `ppu1` and `ppu2` are what the two PPUs last put out."""

    def __init__(self) -> None:
        self.pc = 0
        self.ppu1 = 0
        self.ppu2 = 0
        self.dropped = 0
        self.accesses: list[tuple[int, int, int, str, str, int]] = []
        self.remarks: dict[tuple[RemarkCode, int, int], str] = {}
        self.open_bus: Callable[[], int] = _no_bus
        """Gives the byte that the CPU's data lines still hold: what a read of nothing answers."""

    def reset(self) -> None:
        """Forget all of it."""
        self.ppu1 = self.ppu2 = self.dropped = 0
        self.accesses = []
        self.remarks = {}

    def note(self, clock: int, address: int, value: int, kind: str, by: str) -> None:
        """Append one access; past LOG_LIMIT it is only counted."""
        if len(self.accesses) < LOG_LIMIT:
            self.accesses.append((clock, address, value, kind, by, self.pc))
        else:
            self.dropped += 1

    def remark(self, code: RemarkCode, address: int, message: str) -> None:
        """Keep a remark, once for each code, instruction and address."""
        if len(self.remarks) < REMARK_LIMIT:
            self.remarks.setdefault((code, self.pc, address), message)

    def hardware(self, began: int) -> tuple[HardwareAccess, ...]:
        """Return the log, in clocks since `began`."""
        if not began:
            return tuple(map(HardwareAccess._make, self.accesses))
        return tuple(HardwareAccess._make((row[0] - began, *row[1:])) for row in self.accesses)

    def told(self) -> tuple[Remark, ...]:
        """Return the remarks, in the order in which they came up."""
        found = [Remark(code, message, pc) for (code, pc, _), message in self.remarks.items()]
        if self.dropped:
            text = f"{self.dropped:,} more hardware accesses were not kept: the log holds {LOG_LIMIT:,}."
            found.append(Remark("log_full", text, self.pc))
        return tuple(found)
