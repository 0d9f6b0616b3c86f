"""Hooks: whether a write over existing code keeps instructions whole, and where control goes from there.

The original bytes are decoded from the nearest place where an instruction is known to begin. Where the widths are not
known, all of them are tried: what holds in each is certain, what holds in some is told as such.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from knowledge.m65816.flow import Flow
from knowledge.m65816.instruction import Instruction, Truncated, decode
from knowledge.m65816.opcodes import FLAGS, OPCODES

__all__ = ["JUMPS", "Decoded", "KnownCode", "Widths", "decode_over", "first_jump", "known_code", "leaves", "said"]

JUMPS: Mapping[int, str] = {
    0x20: "JSR", 0x22: "JSL", 0xFC: "JSR", 0x4C: "JMP", 0x5C: "JML", 0x6C: "JMP", 0x7C: "JMP", 0xDC: "JML",
    0x80: "BRA", 0x82: "BRL",
}  # fmt: skip
"""Opcodes that a hook begins with, as asar spells them."""
_REACH = 256
"""Bytes from a known instruction to a write, at most."""
_LONGEST = 4

Widths = tuple[int | None, int | None]
"""M and X (1: 8-bit); None where unknown."""


@dataclass(frozen=True)
class KnownCode:
    """What is known of the original code."""

    starts: Mapping[int, Widths] = field(default_factory=dict[int, Widths])
    """Places where an instruction begins, by SNES address, with M and X there."""
    targets: Mapping[int, int] = field(default_factory=dict[int, int])
    """Places that a branch, jump or call goes to, with the address of one that does."""


def known_code(flow: Flow) -> KnownCode:
    """Return what a flow analysis of the original ROM tells of its instructions."""
    starts: dict[int, Widths] = {at: (node.instruction.m, node.instruction.x) for at, node in flow.nodes.items()}
    targets = {
        edge.target: at
        for at, node in flow.nodes.items()
        for edge in node.successors
        if edge.kind in ("taken", "jump", "call")
    }
    return KnownCode(starts, targets)


class Decoded(NamedTuple):
    """The code at a write with one choice of widths."""

    replaced: tuple[Instruction, ...]
    """The original instructions that the write touches."""
    back: int
    """Offset of the first original instruction behind the write."""
    boundaries: frozenset[int]
    """Offsets where the new instructions begin."""
    runs_into: int
    """Offset behind the write where the new code goes on, when that is not `back`; else -1."""


def leaves(instruction: Instruction) -> bool:
    """Tell whether control never goes on to the next instruction."""
    row = instruction.opcode
    return row.access in ("jump", "return") or row.mnemonic in ("BRA", "BRL", "STP")


def said(instruction: Instruction) -> str:
    """Return an instruction with its bytes: `$008123 LDA (A5 10)`."""
    return f"${instruction.address:06X} {instruction.opcode.mnemonic} ({instruction.data.hex(' ').upper()})"


def _walk(data: bytes, address: int, m: int, x: int) -> Iterator[Instruction]:
    """Give the instructions of bytes one after another, REP and SEP followed; ends where the bytes end."""
    place = 0
    while place < len(data):
        try:
            instruction = decode(data[place : place + _LONGEST], address + place, m=m, x=x)
        except Truncated:
            return
        yield instruction
        if instruction.opcode.mnemonic in ("REP", "SEP"):
            value = int(instruction.opcode.mnemonic == "SEP")
            m = value if instruction.operand & FLAGS["m"] else m
            x = value if instruction.operand & FLAGS["x"] else x
        place += instruction.size


class _Window(NamedTuple):
    """The bytes around a write, by offset, from a known instruction on; SNES address = offset + shift."""

    original: bytes
    final: bytes
    start: int
    shift: int


def decode_over(
    original: bytes, final: bytes, starts: Mapping[int, Widths], *, first: int, end: int, address: int
) -> list[Decoded]:
    """Return the code at a write of the offsets `first` to `end` (excluded), for each choice of widths.

    `starts` gives the known instructions by offset; `address` is the SNES address of `first`. Empty when no known
    instruction is near enough, or an unconditional jump lies between.
    """
    lowest = max(first - (address & 0x7FFF), first - _REACH, 0)
    start = next((place for place in range(first, lowest - 1, -1) if place in starts), -1)
    if start < 0:
        return []
    stop = min(end + 3 * _LONGEST, first - (address & 0x7FFF) + 0x8000)
    window = _Window(original[start:stop], final[start:stop], start, address - first)
    m_widths, x_widths = ((0, 1) if width is None else (width,) for width in starts[start])
    found = (_decoded(window, first, end, m, x) for m, x in product(m_widths, x_widths))
    return [item for item in found if item is not None]


def _decoded(window: _Window, first: int, end: int, m: int, x: int) -> Decoded | None:
    replaced: list[Instruction] = []
    for instruction in _walk(window.original, window.start + window.shift, m, x):
        place = instruction.address - window.shift
        if place + instruction.size <= first and leaves(instruction):
            return None
        if place < end and place + instruction.size > first:
            replaced.append(instruction)
    if not replaced:
        return None
    last = replaced[-1]
    begin = replaced[0].address - window.shift
    new, into = _new_code(window, begin, end, replaced[0])
    back = last.address - window.shift + last.size
    return Decoded(tuple(replaced), back, frozenset(new), -1 if into in (begin, back) else into)


def _new_code(window: _Window, begin: int, end: int, first: Instruction) -> tuple[set[int], int]:
    """Return where the new instructions begin, and the offset at which they go on behind the write: `begin` itself,
    which is an instruction, when they do not go on."""
    found: set[int] = set()
    data = window.final[begin - window.start :]
    for instruction in _walk(data, begin + window.shift, first.m, first.x):
        place = instruction.address - window.shift
        if place >= end:
            return found, place
        found.add(place)
        if leaves(instruction):
            return found, begin
    return found, begin


def first_jump(data: bytes, address: int) -> Instruction | None:
    """Return the jump or call that a hook begins with; None when it begins with none, or the bytes cut it off."""
    if not data or data[0] not in JUMPS or len(data) < OPCODES[data[0]].size:
        return None
    return decode(data[:_LONGEST], address, m=1, x=1)
