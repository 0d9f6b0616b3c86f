"""Which registers and flags may still be read: liveness, backward over a flow, through calls and returns."""

from functools import cache
from typing import Final

from knowledge.m65816.flow import Flow, Node
from knowledge.m65816.flow_state import NAMES, TOUCHED
from knowledge.m65816.opcodes import OPCODES, effects

__all__ = ["live_after"]

ALL: Final = sum(TOUCHED.values())
_WIDE_INDEX: Final = frozenset(("TAX", "TAY", "TXY", "TYX", "TSX", "INX", "INY", "DEX", "DEY", "MVN", "MVP"))
_BY_M: Final = frozenset(("TXA", "TYA"))
_STAY: Final[dict[str, frozenset[str]]] = {
    "SEP": frozenset("XY"),
    "PLP": frozenset("XY"),
    "RTI": frozenset("XY"),
    "XCE": frozenset("mxXY"),
}
"""What a mnemonic changes but does not wholly replace."""


def _mask(found: frozenset[str]) -> int:
    total = 0
    for name in found:
        total |= TOUCHED.get(name, 0)
    return total


def _width_reads(code: int) -> frozenset[str]:
    """Return the width flags that decide what an instruction does."""
    row = OPCODES[code]
    found: set[str] = set()
    if row.width == "m" or row.mode == "accumulator" or row.mnemonic in _BY_M:
        found.add("m")
    if row.width == "x" or row.mnemonic in _WIDE_INDEX:
        found.add("x")
    if row.mnemonic in ("REP", "SEP", "PLP", "RTI", "XCE"):
        found.add("e")
    return frozenset(found)


@cache
def _use(code: int, m: int | None, x: int | None, operand: int) -> tuple[int, int]:
    """Return what an instruction reads, and what it replaces whatever the unknown widths are."""
    reads, replaces = 0, ALL
    for one in (0, 1) if m is None else (m,):
        for two in (0, 1) if x is None else (x,):
            effect = effects(OPCODES[code], one, two, operand=operand)
            reads |= _mask(effect.reads | _width_reads(code))
            replaces &= _mask(effect.writes - _STAY.get(OPCODES[code].mnemonic, frozenset()))
    return reads, replaces


def _uses(node: Node) -> tuple[int, int]:
    instruction, state = node.instruction, node.state
    name = instruction.opcode.mnemonic
    operand = instruction.operand if name in ("REP", "SEP") else 0xFF
    reads, replaces = _use(instruction.opcode.code, state.m, state.x, operand)
    if name in ("REP", "SEP") and state.e != 0:
        replaces &= ~(TOUCHED["m"] | TOUCHED["x"])
    return reads, replaces


def live_after(flow: Flow, live_out: frozenset[str] = NAMES) -> dict[int, frozenset[str]]:
    """Return the registers and flags that may be read after each instruction before they are written again.

    By address of the instruction; names as `opcodes.effects` uses them, m and x among them. `live_out` is what the
    caller of the entries reads after they return. Where control goes to code that nobody can see, all is live. Safe for
    removing code: what is not in the set is not read, unless `flow.conflicts` has the address.
    """
    uses = {address: _uses(node) for address, node in flow.nodes.items()}
    leaves = _leaving(flow, _mask(live_out))
    follow = _following(flow)
    before = dict.fromkeys(flow.nodes, 0)
    after = dict.fromkeys(flow.nodes, 0)
    sources: dict[int, list[int]] = {}
    for address, targets in follow.items():
        for target in targets:
            sources.setdefault(target, []).append(address)
    work = list(flow.nodes)
    while work:
        address = work.pop()
        live = leaves.get(address, 0)
        for target in follow[address]:
            live |= before[target]
        after[address] = live
        reads, replaces = uses[address]
        live = reads | live & ~replaces
        if live != before[address]:
            before[address] = live
            work += sources.get(address, ())
    sets: dict[int, frozenset[str]] = {}
    return {address: sets.setdefault(live, _names(live)) for address, live in after.items()}


def _names(live: int) -> frozenset[str]:
    return frozenset(name for name, bit in TOUCHED.items() if live & bit)


def _leaving(flow: Flow, live_out: int) -> dict[int, int]:
    """Return what is live where control leaves the program."""
    started = {entry.address for entry in flow.entries}
    leaves: dict[int, int] = {}
    for routine in flow.routines.values():
        for one in routine.exits:
            if one.kind not in ("rts", "rtl", "rti"):
                leaves[one.address] = ALL
            elif routine.address in started:
                leaves[one.address] = leaves.get(one.address, 0) | live_out
    for address, node in flow.nodes.items():
        lost = node.instruction.opcode.access == "call" and not node.successors
        if lost or not flow.complete or any(edge.assumed for edge in node.successors):
            leaves[address] = ALL
    return leaves


def _following(flow: Flow) -> dict[int, list[int]]:
    """Return where control goes next: into routines at calls, and from their exits behind every call to them."""
    follow: dict[int, list[int]] = {
        address: [edge.target for edge in node.successors if edge.kind != "after_call" or edge.assumed]
        for address, node in flow.nodes.items()
    }
    for routine in flow.routines.values():
        behind = [
            edge.target
            for caller in routine.callers
            if caller in flow.nodes
            for edge in flow.nodes[caller].successors
            if edge.kind == "after_call"
        ]
        for one in routine.exits:
            if one.address in follow:
                follow[one.address] += behind
    return follow
