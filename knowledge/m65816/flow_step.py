"""What one instruction does to a state: the transfer functions of flow analysis, by mnemonic.

Control itself (where it goes next, what a call does) is not here. Whatever has no rule makes the flags unknown that
`opcodes` says it writes.
"""

from collections.abc import Callable
from typing import Final

from knowledge.m65816.flow_alu import ALU
from knowledge.m65816.flow_state import TOUCHED, State
from knowledge.m65816.flow_work import ACCUMULATOR, ALL, INDEX, A, Pulled, Work, byte_flags
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import FLAGS, OPCODES
from knowledge.m65816.registers import C, M, X

__all__ = ["step"]

_STORED: Final = 0xFF & ~(M | X)
"""The flags that a State keeps in `p`."""
Rule = Callable[[Work, Instruction], None]


def _immediate(instruction: Instruction) -> int | None:
    return instruction.operand if instruction.opcode.mode.startswith("immediate") else None


def _lda(work: Work, instruction: Instruction) -> None:
    work.set_accumulator(_immediate(instruction))


def _load_index(work: Work, instruction: Instruction) -> None:
    work.set_index(instruction.opcode.mnemonic[2], _immediate(instruction))


def _to_index(work: Work, instruction: Instruction) -> None:
    """TAX and TAY take as much of the accumulator as the index is wide, whatever M says."""
    value = work.a if work.x == 1 else None if work.a is None or work.b is None else work.b << 8 | work.a
    work.set_index(instruction.opcode.mnemonic[2], value)


def _from_index(work: Work, instruction: Instruction) -> None:
    value = work.index(instruction.opcode.mnemonic[1])
    work.set_accumulator(value & 0xFF if value is not None and work.m == 1 else value)


def _between_indexes(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic
    work.set_index(name[2], work.index(name[1]))


def _tsx(work: Work, instruction: Instruction) -> None:
    work.set_index("X", None)


def _set_stack_pointer(work: Work, instruction: Instruction) -> None:
    work.stack = None
    work.touched |= TOUCHED["S"]


def _tcd(work: Work, instruction: Instruction) -> None:
    work.d = None if work.a is None or work.b is None else work.b << 8 | work.a
    work.touched |= TOUCHED["D"]
    work.judge(work.d, 16)


def _tdc(work: Work, instruction: Instruction) -> None:
    value = work.d if instruction.opcode.mnemonic == "TDC" else None
    work.a, work.b = (None, None) if value is None else (value & 0xFF, value >> 8)
    work.touched |= ACCUMULATOR
    work.judge(value, 16)


def _xba(work: Work, instruction: Instruction) -> None:
    work.a, work.b = work.b, work.a
    work.touched |= ACCUMULATOR
    work.judge(work.a, 8)


def _change_index(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic
    value = work.index(name[2])
    work.set_index(name[2], None if value is None else value + (1 if name[0] == "I" else -1))


def _one_flag(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic
    bit = FLAGS[name[2].lower()]
    work.know(bit, bit if name[0] == "S" else 0)


def _rep(work: Work, instruction: Instruction) -> None:
    mask = instruction.operand
    work.know(mask & _STORED, 0)
    work.touched |= mask
    work.set_widths(0 if mask & M else work.m, 0 if mask & X else work.x)


def _sep(work: Work, instruction: Instruction) -> None:
    mask = instruction.operand
    work.know(mask & _STORED, mask)
    work.touched |= mask
    work.set_widths(1 if mask & M else work.m, 1 if mask & X else work.x)


def _xce(work: Work, instruction: Instruction) -> None:
    carry = (1 if work.p & C else 0) if work.known & C else None
    old, work.e = work.e, carry
    if old is None:
        work.forget(C)
    else:
        work.know(C, C if old else 0)
    work.touched |= TOUCHED["e"] | M | X
    work.set_widths(work.m, work.x)


def _php(work: Work, instruction: Instruction) -> None:
    value, known = byte_flags(work)
    work.push_item(Pulled("P", 1, value & known, known, work.touched & 0xFF, instruction.address))


def _plp(work: Work, instruction: Instruction) -> None:
    item = work.pull(1, "P")
    own = item is not None and item.kind == "P"
    value, known, touched = (item.value, item.known, item.touched & 0xFF) if item and own else (0, 0, 0xFF)
    if item and not own:
        value, known = item.value, item.known
    work.p, work.known = value & known & _STORED, known & _STORED
    work.touched = work.touched & ~0xFF | touched
    x = (1 if value & X else 0) if known & X else None
    if x is None and work.x is None and not own:
        work.narrow(certain=False)
    work.set_widths((1 if value & M else 0) if known & M else None, x)


def _push(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic
    if name == "PHA":
        size = None if work.m is None else 2 - work.m
        work.push("A", size, instruction, work.accumulator, work.touched & (A if size == 1 else ACCUMULATOR))
    elif name in ("PHX", "PHY"):
        size = None if work.x is None else 2 - work.x
        work.push(name[2], size, instruction, work.index(name[2]), work.touched & INDEX[name[2]])
    elif name == "PHB":
        work.push("DB", 1, instruction, work.db, work.touched & TOUCHED["DB"])
    elif name == "PHD":
        work.push("D", 2, instruction, work.d, work.touched & TOUCHED["D"])
    elif name == "PHK":
        work.push("PB", 1, instruction, instruction.address >> 16, TOUCHED["DB"])
    else:
        value = {"PEA": instruction.operand, "PER": (instruction.next + instruction.operand) & 0xFFFF}.get(name)
        work.push("value", 2, instruction, value, ALL)


def _value(item: Pulled | None) -> int | None:
    whole = item is not None and item.size is not None and item.known == (1 << 8 * item.size) - 1
    return item.value if item is not None and whole else None


def _restored(work: Work, item: Pulled | None, kind: str, bits: int) -> None:
    """Mark a register written, or as it was when it was pushed."""
    work.touched |= bits
    if item is not None and item.kind == kind:
        work.touched = work.touched & ~bits | item.touched & bits


def _pla(work: Work, instruction: Instruction) -> None:
    item = work.pull(None if work.m is None else 2 - work.m, "A")
    before = work.touched
    work.set_accumulator(_value(item))
    work.touched = work.touched & ~ACCUMULATOR | before & ACCUMULATOR
    _restored(work, item, "A", A if work.m == 1 else ACCUMULATOR)


def _pull_index(work: Work, instruction: Instruction) -> None:
    name = instruction.opcode.mnemonic[2]
    item = work.pull(None if work.x is None else 2 - work.x, name)
    work.set_index(name, _value(item))
    _restored(work, item, name, INDEX[name])


def _plb(work: Work, instruction: Instruction) -> None:
    item = work.pull(1, "DB")
    work.db = _value(item)
    work.judge(work.db, 8)
    _restored(work, item, "DB", TOUCHED["DB"])


def _pld(work: Work, instruction: Instruction) -> None:
    item = work.pull(2, "D")
    work.d = _value(item)
    work.judge(work.d, 16)
    _restored(work, item, "D", TOUCHED["D"])


def _moved(work: Work, value: int | None, distance: int | None) -> int | None:
    if value is None or distance is None or work.x is None:
        return None
    return value + distance & (0xFF if work.x else 0xFFFF)


def _move(work: Work, instruction: Instruction) -> None:
    distance = None if work.a is None or work.b is None else (work.b << 8 | work.a) + 1
    if distance is not None and instruction.opcode.mnemonic == "MVP":
        distance = -distance
    work.xr, work.yr = _moved(work, work.xr, distance), _moved(work, work.yr, distance)
    work.a = work.b = 0xFF
    work.db = instruction.operand & 0xFF
    work.touched |= ACCUMULATOR | INDEX["X"] | INDEX["Y"] | TOUCHED["DB"]


_RULES: Final[dict[str, Rule]] = {
    "LDA": _lda, "LDX": _load_index, "LDY": _load_index, "TAX": _to_index, "TAY": _to_index, "TXA": _from_index,
    "TYA": _from_index, "TXY": _between_indexes, "TYX": _between_indexes, "TSX": _tsx, "TXS": _set_stack_pointer,
    "TCS": _set_stack_pointer, "TCD": _tcd, "TDC": _tdc, "TSC": _tdc, "XBA": _xba, "INX": _change_index,
    "INY": _change_index, "DEX": _change_index, "DEY": _change_index, "CLC": _one_flag, "SEC": _one_flag,
    "CLD": _one_flag, "SED": _one_flag, "CLI": _one_flag, "SEI": _one_flag, "CLV": _one_flag, "REP": _rep, "SEP": _sep,
    "XCE": _xce, "PHP": _php, "PLP": _plp, "PHA": _push, "PHX": _push, "PHY": _push, "PHB": _push, "PHD": _push,
    "PHK": _push, "PEA": _push, "PEI": _push, "PER": _push, "PLA": _pla, "PLX": _pull_index, "PLY": _pull_index,
    "PLB": _plb, "PLD": _pld, "MVN": _move, "MVP": _move,
} | ALU  # fmt: skip
_BY_CODE: Final = tuple(_RULES.get(row.mnemonic) for row in OPCODES)
_FORGOTTEN: Final = tuple(sum(FLAGS[name] for name in row.flags_written if name in FLAGS) for row in OPCODES)


def step(state: State, instruction: Instruction) -> State:
    """Return the state behind an instruction; the very same one when it tells nothing new.

    Calls, jumps and returns leave the state as it is. Immediates must have been decoded with the widths of `state`.
    """
    row = instruction.opcode
    rule = _BY_CODE[row.code]
    if rule is not None and row.access != "modify":
        work = Work(state)
        rule(work, instruction)
        return work.state()
    if row.access in ("write", "modify") and row.mode == "stack_relative" and state.stack is not None:
        work = Work(state)
        work.overwrite(instruction.operand, 1 if state.m == 1 else 2)
        state = work.state()
    flags = _FORGOTTEN[row.code] & _STORED
    if not flags or (not state.known & flags and state.touched & flags == flags) or row.access == "return":
        return state
    return state._replace(p=state.p & ~flags, known=state.known & ~flags, touched=state.touched | flags)
