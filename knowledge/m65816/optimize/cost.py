"""What an instruction costs, as far as its bytes tell: the estimate that steers the search.

It counts SlowROM and RAM at 8 master clocks an access and 6 for an internal cycle, no page crossed, and a branch taken
half of the time. What a result claims is measured by running it, never taken from here.
"""

from collections.abc import Iterable

from knowledge.m65816.optimize.line import Line

__all__ = ["bytes_of", "clocks_of"]

_POINTER = {
    "direct_indirect": 2,
    "direct_x_indirect": 2,
    "direct_indirect_y": 2,
    "direct_indirect_long": 3,
    "direct_indirect_long_y": 3,
    "stack_relative_indirect_y": 2,
    "absolute_indirect": 2,
    "absolute_x_indirect": 2,
    "absolute_indirect_long": 3,
}
_STACKED = {"RTS": 2, "RTL": 3, "RTI": 4, "JSR": 2, "JSL": 3}


def _cycles(line: Line) -> int:
    extra = 0
    for modifier in line.opcode.modifiers:
        if modifier == "m":
            extra += 1 - line.m
        elif modifier == "mm":
            extra += 2 - 2 * line.m
        elif modifier in ("x", "p"):
            extra += 1 - line.x
    return line.opcode.cycles + extra


def _data(line: Line) -> int:
    """Return the accesses beside the instruction's own bytes."""
    width = line.opcode.width
    size = {"m": 2 - line.m, "x": 2 - line.x, "8": 1, "16": 2}.get(width, 0)
    access = line.opcode.access
    if line.opcode.mode.startswith("immediate") or line.opcode.mode == "accumulator" or not access:
        return 0
    if line.name == "PEI":
        return 4
    return size * (2 if access == "modify" else 1) + _POINTER.get(line.opcode.mode, 0) + _STACKED.get(line.name, 0)


def clocks_of(line: Line) -> int:
    """Return the estimate for one line, in halves of a master clock."""
    reads = line.size + _data(line)
    taken = 6 if line.opcode.access == "branch" and line.name not in ("BRA", "BRL") else 0
    return 16 * reads + 12 * max(0, _cycles(line) - reads) + taken


def bytes_of(lines: Iterable[Line]) -> int:
    """Return the bytes of some lines."""
    return sum(line.size for line in lines)
