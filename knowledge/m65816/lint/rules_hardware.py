"""Rules over hardware registers: widths, directions, the order of VRAM writes, results read too early.

Sources: the register table of `knowledge.snes.registers`; the latencies of the multiplier (8 CPU cycles) and the
divider (16) as fullsnes and the snesdev wiki give them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.flow import Node
from knowledge.m65816.lint.access import Access, before, forced_cycles, reads, register, stored, writes
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import vectors
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.origins import origin
from knowledge.snes.registers import register_at

__all__ = ["hardware_rules"]

_NEVER_WIDE = frozenset((0x2100, 0x2103, 0x2104, 0x2117, 0x2119, 0x2121, 0x2122, 0x2132, 0x2180, 0x4200))
"""Registers whose upper neighbour is never meant by the same write, whatever the value."""
_WIDE_IF_ZERO = (
    frozenset((0x2101, 0x2106, 0x2108, 0x210A, 0x2115, 0x211A, 0x2131, 0x2133, 0x4208, 0x420A, 0x420B, 0x420C))
    | frozenset(range(0x210C, 0x2115))
    | frozenset(range(0x211B, 0x2121))
)
"""Registers that programs clear together with their neighbour, which is the only wide write that makes sense."""
_NEVER_WIDE_READ = {
    0x2180: "the second byte is open bus",
    0x213B: "the second byte is the H counter, and each colour takes two reads of $213B",
    0x4210: "the second byte is $4211, whose flag is cleared too: a timer IRQ gets lost",
}
_BLANKED = {0x2104: "OAM", 0x2118: "VRAM", 0x2119: "VRAM", 0x2122: "CGRAM"}
_LATENCY = {0x4203: (8, (0x4214, 0x4217), "multiplication"), 0x4206: (16, (0x4214, 0x4217), "division")}


def hardware_rules(context: Context) -> Iterator[Finding]:
    """Find accesses that the hardware does not answer as their author thinks."""
    for address, node in context.sound_nodes.items():
        found = register(node)
        if found is None:
            continue
        if writes(node):
            yield from _written(context, address, node, found)
        if reads(node):
            yield from _read(context, address, node, found)
        if found.address in (0x2118, 0x2119) and writes(node):
            yield from _vram_order(context, address, node, found)
        if writes(node) and found.address in _BLANKED:
            yield from _outside_blank(context, address, found)
        if writes(node) and (started := _starts(found)) is not None:
            yield from _early(context, address, started)


def _name(offset: int) -> str:
    found = register_at(offset)
    return f"${offset:04X} ({found.name})" if found else f"${offset:04X}"


def _written(context: Context, address: int, node: Node, found: Access) -> Iterator[Finding]:
    offset = found.address
    what = register_at(offset)
    if what is not None and not what.writable:
        yield context.at_address(
            "read-only-write",
            address,
            f"{_name(offset)} can only be read: the write does nothing",
            fix="remove it, or write the register that is meant",
        )
    zero = stored(node) == 0
    if found.size == 2 and (offset in _NEVER_WIDE or (offset in _WIDE_IF_ZERO and not zero)):
        yield context.at_address(
            "wide-write",
            address,
            f"a 16-bit write to {_name(offset)} also writes {_name(offset + 1)}",
            path=[origin(context, address, node.instruction.opcode.width)],
            fix=_narrow(node),
        )


def _narrow(node: Node) -> str:
    flag, name = ("#$20", "8-bit A") if node.instruction.opcode.width == "m" else ("#$10", "8-bit X and Y")
    return f"sep {flag} before it ({name}), and rep {flag} behind it if 16 bits are needed again"


def _read(context: Context, address: int, node: Node, found: Access) -> Iterator[Finding]:
    offset = found.address
    what = register_at(offset)
    if what is not None and not what.readable:
        yield context.at_address(
            "write-only-read",
            address,
            f"{_name(offset)} can only be written: reading it gives open bus",
            fix="keep a copy of what was written in RAM and read that",
        )
    elif found.size == 2 and offset in _NEVER_WIDE_READ and node.instruction.opcode.access == "read":
        yield context.at_address(
            "wide-read",
            address,
            f"a 16-bit read of {_name(offset)}: {_NEVER_WIDE_READ[offset]}",
            path=[origin(context, address, node.instruction.opcode.width)],
            fix="sep #$20 before it",
        )
    elif found.size == 2 and offset == 0x4212 and _asks_sign(context, node):
        yield context.at_address(
            "wide-read",
            address,
            "a 16-bit read of $4212 (HVBJOY) followed by a branch on N tests bit 7 of $4213, not of $4212",
            path=[origin(context, address, node.instruction.opcode.width)],
            fix="sep #$20 before it",
        )


def _asks_sign(context: Context, node: Node) -> bool:
    following = [context.nodes.get(edge.target) for edge in node.successors]
    names = {after.instruction.opcode.mnemonic for after in following if after is not None}
    return node.instruction.opcode.mnemonic in ("LDA", "BIT") and bool(names & {"BMI", "BPL"})


def _vram_order(context: Context, address: int, node: Node, found: Access) -> Iterator[Finding]:
    """Compare the write with VMAIN bit 7, as far as both are sure."""
    past = _vram_past(context, address)
    mode, halves = past.mode, past.halves
    if mode is None:
        return
    high_last = bool(mode & 0x80)
    step = "the address steps after " + ("$2119" if high_last else "$2118")
    said = f"VMAIN is ${mode:02X}: {step}"
    if found.size == 2 and found.address == 0x2118 and not high_last:
        yield context.at_address(
            "vram-order",
            address,
            f"{said}, between the two bytes of this 16-bit write: they go to different words",
            fix="write #$80 to $2115 first",
        )
    first, second = (0x2118, 0x2119) if high_last else (0x2119, 0x2118)
    if found.size == 1 and found.address == first and halves == [second]:
        yield context.at_address(
            "vram-order",
            address,
            f"{said}, so ${second:04X} before ${first:04X} puts the bytes of a word at different addresses",
            fix=f"write ${first:04X} first, then ${second:04X}"
            + ("" if high_last else ", or write #$80 to $2115 and the low byte first"),
        )


class _VramPast(NamedTuple):
    mode: int | None
    halves: list[int]


def _vram_past(context: Context, address: int) -> _VramPast:
    """Return VMAIN, and the data bytes written since the VRAM address was set, the last one first."""
    halves: list[int] = []
    open_end = False
    for node in before(context.flow, address):
        found = register(node)
        if found is None or not writes(node):
            continue
        covered = range(found.address, found.address + (found.size or 2))
        if 0x2115 in covered:
            value = stored(node)
            return _VramPast(None if value is None else value & 0xFF, halves)
        if 0x2116 in covered or 0x2117 in covered:
            open_end = True
        elif not open_end:
            halves += [offset for offset in (0x2118, 0x2119) if offset in covered]
    return _VramPast(None, halves)


def _outside_blank(context: Context, address: int, found: Access) -> Iterator[Finding]:
    """Report a write that surely follows the end of a forced blank: this code began it, or the console's reset."""
    shown = -1
    last = address
    for node in before(context.flow, address):
        if node.instruction.opcode.mnemonic in ("WAI", "PLP", "CLI", "RTI"):
            return
        other, last = register(node), node.instruction.address
        if other is None:
            continue
        if reads(node) and other.address in (0x4210, 0x4211, 0x4212, 0x213D, 0x2137):
            return
        if not writes(node) or other.address != 0x2100:
            continue
        value = stored(node)
        if value is None:
            return
        if value & 0x80:
            if shown >= 0:
                yield _blank_finding(context, address, found, shown, node.instruction.address)
            return
        shown = node.instruction.address if shown < 0 else shown
    if shown >= 0 and vectors(context.program).get(last) == "reset":
        yield _blank_finding(context, address, found, shown, last)


def _blank_finding(context: Context, address: int, found: Access, shown: int, blanked: int) -> Finding:
    kind = _BLANKED[found.address]
    return context.at_address(
        "video-outside-blank",
        address,
        f"{kind} is written after the picture was turned on: outside of blank the write is lost or goes astray",
        path=[context.step(blanked, "forced blank from here on"), context.step(shown, "forced blank ends")],
        fix="write to $2100 last, after all of VRAM, CGRAM and OAM",
    )


def _starts(found: Access) -> int | None:
    """Return the register among those written that starts the multiplier or the divider."""
    covered = range(found.address, found.address + (found.size or 1))
    return next((offset for offset in _LATENCY if offset in covered), None)


def _early(context: Context, address: int, started: int) -> Iterator[Finding]:
    needed, (low, high), what = _LATENCY[started]
    node = context.nodes[address]
    waiting = [(edge.target, 0) for edge in node.successors]
    seen: set[int] = set()
    while waiting:
        place, passed = waiting.pop()
        after = context.nodes.get(place)
        if after is None or place in seen or passed >= needed:
            continue
        seen.add(place)
        row = after.instruction.opcode
        found = register(after)
        cycles = forced_cycles(after.instruction, after.state)
        if found is not None and writes(after) and _starts(found) is not None:
            continue
        if found is not None and reads(after) and low <= found.address <= high:
            at = passed + cycles - (found.size or 1) + 1
            if row.access == "read" and at < needed:
                yield context.at_address(
                    "early-result",
                    place,
                    f"the {what} started {at} CPU cycles before this read; it takes {needed}",
                    path=[context.step(address, f"the {what} starts")],
                    fix=f"put other work or {-(-(needed - at) // 2)} x nop between",
                )
            continue
        if row.access not in ("call", "return"):
            waiting += [(edge.target, passed + cycles) for edge in after.successors]
