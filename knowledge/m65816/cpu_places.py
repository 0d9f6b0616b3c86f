"""Where execution may go, where it stops, and what a sweep may start from: checked once for both CPUs."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Literal

from knowledge.m65816.cpu import POKES, Code, SweepStart
from knowledge.m65816.memory import HARDWARE, Memory
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.registers import Registers

__all__ = ["Places", "check_starts", "settle"]


class Places:
    """The code and the stops of a run, ranges merged and in order."""

    def __init__(self, code: Code, stops: Collection[int]) -> None:
        self.code = tuple(code)
        self.stops = frozenset(stops)
        merged: list[tuple[int, int]] = []
        for start, end in sorted(self.code):
            if not 0 <= start < end <= 0x1000000:
                raise CodeError(f"the code range ${start:06X} to ${end:06X} is empty or outside the 24-bit addresses")
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        self.ranges = tuple(merged)
        self._starts = [start for start, _ in merged]

    def same(self, code: Code, stops: Collection[int]) -> bool:
        """Return whether these are the places of a code and stops."""
        return tuple(code) == self.code and len(stops) == len(self.stops) and self.stops.issuperset(stops)

    def inside(self, address: int) -> bool:
        """Return whether an address lies in the code."""
        place = bisect_right(self._starts, address) - 1
        return place >= 0 and address < self.ranges[place][1]

    def reason(self, address: int) -> Literal["", "stop", "end", "outside"]:
        """Return why execution ends before an address; empty when it does not."""
        if address in self.stops:
            return "stop"
        place = bisect_right(self._starts, address) - 1
        if place >= 0 and address <= self.ranges[place][1]:
            return "" if address < self.ranges[place][1] else "end"
        return "outside"


def settle(given: Registers) -> Registers:
    """Return what the CPU makes of registers: every value cut to its width, the rules of emulation and X kept."""
    p = given.p & 0xFF | (0x30 if given.e & 1 else 0)
    index = 0xFF if p & 0x10 else 0xFFFF
    s = 0x0100 | given.s & 0xFF if given.e & 1 else given.s & 0xFFFF
    return Registers(
        given.a & 0xFFFF,
        given.x & index,
        given.y & index,
        s,
        given.d & 0xFFFF,
        given.db & 0xFF,
        given.pb & 0xFF,
        given.pc & 0xFFFF,
        p,
        given.e & 1,
    )


def check_starts(starts: Sequence[SweepStart], memory: Memory) -> None:
    """Raise CodeError for a start of a sweep with too many pokes, or with one that no plain memory takes."""
    for start in starts:
        if len(start.pokes) > POKES:
            raise CodeError(f"{len(start.pokes)} bytes to set in one start; a sweep takes at most {POKES}")
        for address, value in start.pokes:
            if not 0 <= address < 0x1000000 or not 0 <= value < 256 or memory.writes[address >> 13] == HARDWARE:
                raise CodeError(f"${value:02X} cannot be set at ${address:06X}: name a byte of WRAM or SRAM")
