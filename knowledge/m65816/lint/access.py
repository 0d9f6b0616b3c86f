"""Where instructions read and write, as far as the flow knows it: memory, registers, values, and the ways between."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from knowledge.m65816.flow import Flow, Node
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import OPCODES, effects

__all__ = [
    "Access",
    "Effect",
    "access",
    "before",
    "effect",
    "forced_cycles",
    "reads",
    "register",
    "stored",
    "system_bank",
    "width",
    "writes",
]

_DATA = ("read", "write", "modify")
_INDEX = {"absolute_x": "xr", "absolute_y": "yr", "absolute_long_x": "xr", "direct_x": "xr", "direct_y": "yr"}
_NARROWING = ("REP", "SEP", "PLP", "RTI", "XCE")
"""What may clear the high bytes of X and Y, and keeps the low ones."""
_SIMPLE = frozenset(("absolute", "absolute_long", "direct", *_INDEX))


class Access(NamedTuple):
    """One access to data."""

    address: int
    """Effective address, 24 bits; the bank is 0 where it is unknown."""
    size: int | None
    """Bytes; None when the width is unknown."""
    banked: bool
    """Whether the bank is known."""


def width(instruction: Instruction, state: State) -> int | None:
    """Return the bytes that an instruction reads or writes; None when M or X is unknown, 0 for no data."""
    kind = instruction.opcode.width
    if kind in ("m", "x"):
        flag = state.m if kind == "m" else state.x
        return None if flag is None else 2 - flag
    return {"8": 1, "16": 2}.get(kind, 0)


class Effect(NamedTuple):
    """What an instruction does to registers and flags, by the names of `opcodes.effects`, whatever M and X are."""

    reads: frozenset[str]
    """What it may read."""
    writes: frozenset[str]
    """What it writes in whatever width."""
    may_write: frozenset[str]


def effect(node: Node) -> Effect | None:
    """Return what an instruction does in every width that it may run in; None when its own length is unknown."""
    row, state = node.instruction.opcode, node.state
    if {"immediate_m": state.m, "immediate_x": state.x}.get(row.mode, 0) is None:
        return None
    return _effect(row.code, state.m, state.x, node.instruction.operand & 0xFF if row.mnemonic in ("REP", "SEP") else 0)


@lru_cache(maxsize=8192)
def _effect(code: int, known_m: int | None, known_x: int | None, operand: int) -> Effect:
    row = OPCODES[code]
    found = [
        effects(row, m, x, operand=operand)
        for m in ((0, 1) if known_m is None else (known_m,))
        for x in ((0, 1) if known_x is None else (known_x,))
    ]
    writes = frozenset[str].intersection(*(each.writes for each in found))
    return Effect(
        frozenset[str]().union(*(each.reads for each in found)),
        writes - {"X", "Y"} if row.mnemonic in _NARROWING else writes,
        frozenset[str]().union(*(each.writes for each in found)),
    )


def system_bank(bank: int) -> bool:
    """Tell whether a bank shows work RAM and the registers: $00-$3F and $80-$BF."""
    return not bank & 0x40


def access(node: Node) -> Access | None:
    """Return where an instruction reads or writes data; None when it does not, or its address is unknown."""
    instruction, state = node.instruction, node.state
    row = instruction.opcode
    if row.mode not in _SIMPLE or row.access not in _DATA:
        return None
    index = 0
    if row.mode in _INDEX:
        value = state.xr if _INDEX[row.mode] == "xr" else state.yr
        if value is None:
            return None
        index = value
    size = width(instruction, state)
    if row.mode.startswith("direct"):
        if state.d is None:
            return None
        return Access((state.d + instruction.operand + index) & 0xFFFF, size, banked=True)
    if row.mode.startswith("absolute_long"):
        return Access((instruction.operand + index) & 0xFFFFFF, size, banked=True)
    if state.db is None:
        return Access((instruction.operand + index) & 0xFFFF, size, banked=False)
    return Access((state.db << 16 | instruction.operand) + index & 0xFFFFFF, size, banked=True)


def register(node: Node) -> Access | None:
    """Return an access to a hardware register, its address cut to 16 bits; None when it is none.

    Where the data bank is unknown, an address of 16 bits without index counts as a register.
    """
    found = access(node)
    if found is None or not 0x2100 <= found.address & 0xFFFF < 0x4380:
        return None
    if found.banked and not system_bank(found.address >> 16):
        return None
    if not found.banked and node.instruction.opcode.mode != "absolute":
        return None
    return found._replace(address=found.address & 0xFFFF)


def reads(node: Node) -> bool:
    """Tell whether the instruction reads data."""
    return node.instruction.opcode.access in ("read", "modify")


def writes(node: Node) -> bool:
    """Tell whether the instruction writes data."""
    return node.instruction.opcode.access in ("write", "modify")


def stored(node: Node) -> int | None:
    """Return the value that a store writes; None when unknown, or when it is no plain store."""
    name, state = node.instruction.opcode.mnemonic, node.state
    if name == "STZ":
        return 0
    if name == "STA":
        return state.a if state.m == 1 else state.accumulator if state.m == 0 else None
    if name in ("STX", "STY"):
        return state.xr if name == "STX" else state.yr
    return None


def before(flow: Flow, address: int, *, most: int = 96) -> Iterator[Node]:
    """Give the instructions that surely ran before one, the last one first, as long as there is one way only.

    Ends at a join, a call, an entry, or after `most` instructions.
    """
    entries = {entry.address for entry in flow.entries}
    seen = {address}
    for _ in range(most):
        node = flow.nodes.get(address)
        if node is None or len(set(node.predecessors)) != 1 or address in entries or address in flow.routines:
            return
        address = node.predecessors[0]
        previous = flow.nodes.get(address)
        if previous is None or address in seen or previous.instruction.opcode.access == "call":
            return
        seen.add(address)
        yield previous


def forced_cycles(instruction: Instruction, state: State) -> int:
    """Return the most CPU cycles that an instruction can take here, a block move left out."""
    row = instruction.opcode
    extra = 0
    for modifier in row.modifiers:
        if modifier == "m":
            extra += state.m != 1
        elif modifier == "mm":
            extra += 2 * (state.m != 1)
        elif modifier == "x":
            extra += state.x != 1
        elif modifier == "w":
            extra += state.d is None or bool(state.d & 0xFF)
        elif modifier == "b":
            extra += 1_000
        else:
            extra += 1
    return row.cycles + extra
