"""What two runs did to the hardware, held side by side: ordered writes, the reads that matter, or the final images.

Reads matter where they have an effect of their own (acknowledging an interrupt, moving on in VRAM) or where code waits
for an answer. Between two writes only the last value of each register counts, so that it does not matter how often a
loop asked, but it does that it waited for the right answer.
"""

from typing import NamedTuple

from knowledge.m65816.outcome import Outcome
from schemas.contract import Difference

__all__ = ["TIMED", "hardware_differences", "image_differences"]

TIMED = frozenset((0x2137, 0x213C, 0x213D, 0x213F, 0x4210, 0x4211, 0x4212))
"""Registers that answer by the clock."""
_EFFECTIVE = frozenset((*range(0x2137, 0x213E), 0x213F, 0x2180, 0x4016, 0x4017, 0x4210, 0x4211))
"""Registers that a read changes."""
_AWAITED = frozenset((*range(0x2140, 0x2144), 0x4212))
_BITS = {0x2137: 0, 0x213F: 0xC0, 0x4016: 0x03, 0x4017: 0x03, 0x4210: 0x80, 0x4211: 0x80, 0x4212: 0xC1}
"""Bits that the register itself answers; the rest is open bus or a version."""


class _Span(NamedTuple):
    """The reads up to a write, and the write; address -1: the end of the run."""

    reads: dict[int, int]
    address: int
    value: int


def _spans(outcome: Outcome) -> list[_Span]:
    spans: list[_Span] = []
    reads: dict[int, int] = {}
    for one in outcome.hardware:
        if one.kind == "write":
            spans.append(_Span(reads, one.address, one.value))
            reads = {}
        elif one.by == "cpu" and (one.address in _EFFECTIVE or one.address in _AWAITED):
            reads[one.address] = one.value & _BITS.get(one.address, 0xFF)
    return [*spans, _Span(reads, -1, 0)]


def hardware_differences(first: Outcome, second: Outcome) -> list[Difference]:
    """Return the first place where the second's dealings with the hardware are not the first's."""
    for number, (one, other) in enumerate(zip(_spans(first), _spans(second), strict=False), start=1):
        found = _read_difference(one.reads, other.reads)
        if found is not None:
            return [found]
        if one[1:] != other[1:]:
            return [Difference(where=f"hardware write {number}", original=_written(one), candidate=_written(other))]
    return []


def _written(span: _Span) -> str:
    return f"${span.address:04X} = ${span.value:02X}" if span.address >= 0 else "no more writes"


def _read_difference(one: dict[int, int], other: dict[int, int]) -> Difference | None:
    for address in sorted(one.keys() | other.keys()):
        left, right = one.get(address), other.get(address)
        if left != right and (left is not None or address in _EFFECTIVE):
            said = [f"${value:02X}" if value is not None else "not read" for value in (left, right)]
            return Difference(where=f"last read of ${address:04X}", original=said[0], candidate=said[1])
    return None


def image_differences(first: Outcome, second: Outcome) -> list[Difference]:
    """Return the first byte in which VRAM, CGRAM or OAM differ at the end; what was not touched is 0."""
    found: list[Difference] = []
    for name in ("vram", "cgram", "oam"):
        one, other = first.video.get(name, b""), second.video.get(name, b"")
        size = max(len(one), len(other))
        one, other = one.ljust(size, b"\0"), other.ljust(size, b"\0")
        if one != other:
            at = next(index for index in range(size) if one[index] != other[index])
            row = Difference(where=f"{name} ${at:04X}", original=f"${one[at]:02X}", candidate=f"${other[at]:02X}")
            found.append(row)
    return found
