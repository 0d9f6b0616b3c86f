"""One instruction on a symbolic state."""

from collections.abc import Callable

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.smt_address import load, place_of, read_bytes, store
from knowledge.m65816.smt_alu import added, compared, rotated, set_nz
from knowledge.m65816.smt_state import Image, State
from knowledge.m65816.smt_values import Unsupported, Value

__all__ = ["step"]

_LONGEST_MOVE = 64


def _accumulator(state: State) -> Value:
    return state.low if state.m else state.wide_a


def _set_accumulator(state: State, value: Value) -> None:
    if state.m:
        state.low = value
    else:
        state.low, state.high = state.world.bits.part(value, 7, 0), state.world.bits.part(value, 15, 8)


def _index_value(state: State, name: str) -> Value:
    value = state.x if name == "X" else state.y
    return state.world.bits.part(value, 7, 0) if state.narrow else value


def _set_index(state: State, name: str, value: Value) -> None:
    wide = state.world.bits.widened(value, 8, 16) if state.narrow else value
    if name == "X":
        state.x = wide
    else:
        state.y = wide


def _width(state: State, instruction: Instruction) -> int:
    flag = state.m if instruction.opcode.width == "m" else state.narrow
    return 8 if flag else 16


def _add(state: State, image: Image, ins: Instruction) -> None:
    width, bits = _width(state, ins), state.world.bits
    total = added(
        bits,
        _accumulator(state),
        load(state, image, ins, width),
        carry=state.flags["c"],
        width=width,
        decimal=state.flags["d"],
        subtract=ins.opcode.mnemonic == "SBC",
    )
    _set_accumulator(state, total.value)
    set_nz(state.flags, bits, total.value, width)
    state.flags |= {"c": total.carry, "v": total.overflow}


def _logic(state: State, image: Image, ins: Instruction) -> None:
    width, bits = _width(state, ins), state.world.bits
    way = {"AND": bits.both, "ORA": bits.either, "EOR": bits.differing}[ins.opcode.mnemonic]
    value = way(_accumulator(state), load(state, image, ins, width), width)
    _set_accumulator(state, value)
    set_nz(state.flags, bits, value, width)


def _bit(state: State, image: Image, ins: Instruction) -> None:
    width, bits = _width(state, ins), state.world.bits
    value = load(state, image, ins, width)
    state.flags["z"] = bits.is_zero(bits.both(_accumulator(state), value, width), width)
    if not ins.opcode.mode.startswith("immediate"):
        state.flags["n"] = bits.part(value, width - 1, width - 1)
        state.flags["v"] = bits.part(value, width - 2, width - 2)


def _load(state: State, image: Image, ins: Instruction) -> None:
    width = _width(state, ins)
    value = load(state, image, ins, width)
    if ins.opcode.mnemonic == "LDA":
        _set_accumulator(state, value)
    else:
        _set_index(state, ins.opcode.mnemonic[2], value)
    set_nz(state.flags, state.world.bits, value, width)


def _store(state: State, image: Image, ins: Instruction) -> None:
    name = ins.opcode.mnemonic[2]
    value = 0 if name == "Z" else _accumulator(state) if name == "A" else _index_value(state, name)
    store(state, image, place_of(state, image, ins), value, width=_width(state, ins))


def _compare(state: State, image: Image, ins: Instruction) -> None:
    width, name = _width(state, ins), ins.opcode.mnemonic[2]
    left = _accumulator(state) if name == "P" else _index_value(state, name)
    compared(state.world.bits, state.flags, left, load(state, image, ins, width), width)


def _modified(state: State, name: str, value: Value, width: int) -> Value:
    bits = state.world.bits
    if name in ("INC", "DEC"):
        result = bits.add(value, 1 if name == "INC" else (1 << width) - 1, width)
        set_nz(state.flags, bits, result, width)
        return result
    if name in ("TSB", "TRB"):
        mask = _accumulator(state)
        state.flags["z"] = bits.is_zero(bits.both(mask, value, width), width)
        if name == "TSB":
            return bits.either(value, mask, width)
        return bits.both(value, bits.inverse(mask, width), width)
    return rotated(bits, name, state.flags, value, width)


def _modify(state: State, image: Image, ins: Instruction) -> None:
    width, name = 8 if state.m else 16, ins.opcode.mnemonic
    if ins.opcode.mode == "accumulator":
        _set_accumulator(state, _modified(state, name, _accumulator(state), width))
        return
    place = place_of(state, image, ins)
    if place.stacked is None and isinstance(place.address.value, int) and place.address.value & 0xE000 == 0x2000:
        raise Unsupported("a hardware register modified in place")
    value = read_bytes(state, image, place, width // 8)
    store(state, image, place, _modified(state, name, value, width), width=width, downward=True)


def _count(state: State, image: Image, ins: Instruction) -> None:
    name, bits = ins.opcode.mnemonic, state.world.bits
    width = 8 if state.narrow else 16
    value = bits.add(_index_value(state, name[2]), 1 if name[:2] == "IN" else (1 << width) - 1, width)
    _set_index(state, name[2], value)
    set_nz(state.flags, bits, value, width)


def _flag(state: State, image: Image, ins: Instruction) -> None:
    name = ins.opcode.mnemonic
    state.flags[name[2].lower()] = int(name[:2] == "SE")


def _widths(state: State, image: Image, ins: Instruction) -> None:
    value = int(ins.opcode.mnemonic == "SEP")
    for name, bit in FLAGS.items():
        if ins.operand & bit and name not in "mx":
            state.flags[name] = value
    if state.world.emulation:
        return
    if ins.operand & FLAGS["m"]:
        state.m = value
    if ins.operand & FLAGS["x"]:
        state.narrow = value
    _narrow_indexes(state)


def _narrow_indexes(state: State) -> None:
    if state.narrow:
        bits = state.world.bits
        state.x, state.y = (bits.widened(bits.part(one, 7, 0), 8, 16) for one in (state.x, state.y))


def _transfer(state: State, image: Image, ins: Instruction) -> None:
    bits, (source, target) = state.world.bits, (ins.opcode.mnemonic[1], ins.opcode.mnemonic[2])
    if target == "A":
        width = 8 if state.m else 16
        value = bits.part(state.x if source == "X" else state.y, width - 1, 0)
        _set_accumulator(state, value)
    else:
        width = 8 if state.narrow else 16
        whole = {"A": state.wide_a, "X": state.x, "Y": state.y, "S": state.s}[source]
        value = bits.part(whole, width - 1, 0)
        _set_index(state, target, value)
    set_nz(state.flags, bits, value, width)


def _whole_transfer(state: State, image: Image, ins: Instruction) -> None:
    name, bits = ins.opcode.mnemonic, state.world.bits
    if name in ("TCS", "TXS"):
        _set_stack(state, state.wide_a if name == "TCS" else state.x)
        return
    if name == "TCD":
        value = state.d = bits.plain(bits.term(state.wide_a, 16))
    else:
        value = state.d if name == "TDC" else state.s
        state.low, state.high = bits.part(value, 7, 0), bits.part(value, 15, 8)
    set_nz(state.flags, bits, value, 16)


def _set_stack(state: State, value: Value) -> None:
    bits = state.world.bits
    away = value if isinstance(value, int) else bits.plain(value - state.world.names["S"])
    if isinstance(value, int) or not isinstance(away, int):
        raise Unsupported("a stack pointer that is not S at entry plus a constant")
    offset = (away ^ 0x8000) - 0x8000
    if not -0x60 <= offset <= 0x18:
        raise Unsupported("a stack pointer far from S at entry")
    state.sp = offset


def _exchange(state: State, image: Image, ins: Instruction) -> None:
    state.low, state.high = state.high, state.low
    set_nz(state.flags, state.world.bits, state.low, 8)


def _push_value(state: State, value: Value, width: int) -> None:
    for index in reversed(range(width // 8)):
        state.push(state.world.bits.part(value, 8 * index + 7, 8 * index))


def _pull_value(state: State, width: int) -> Value:
    low = state.pull()
    return low if width == 8 else state.world.bits.joined(state.pull(), low, 8, 8)


def _status(state: State) -> Value:
    bits = state.world.bits
    value: Value = 0
    for index, name in enumerate(reversed(FLAGS)):
        flag = state.m if name == "m" else state.narrow if name == "x" else state.flags[name]
        value = bits.joined(flag, value, 1, index) if index else flag
    return value


def _push(state: State, image: Image, ins: Instruction) -> None:
    name = ins.opcode.mnemonic
    if name in ("PHA", "PHX", "PHY"):
        value = _accumulator(state) if name == "PHA" else _index_value(state, name[2])
        _push_value(state, value, _width(state, ins))
    elif name in ("PHB", "PHK", "PHP"):
        state.push({"PHB": state.db, "PHK": state.pb}.get(name) if name != "PHP" else _status(state))
    elif name == "PEI":
        _push_value(state, read_bytes(state, image, place_of(state, image, ins), 2), 16)
    else:
        _push_value(state, {"PHD": state.d, "PEA": ins.operand, "PER": ins.next + ins.operand & 0xFFFF}[name], 16)


def _pull(state: State, image: Image, ins: Instruction) -> None:
    name, bits = ins.opcode.mnemonic, state.world.bits
    if name == "PLP":
        _set_status(state, state.pull())
        return
    if name in ("PLB", "PLD"):
        value, width = (state.pull(), 8) if name == "PLB" else (_pull_value(state, 16), 16)
        value = value if isinstance(value, int) else bits.plain(value)
        if name == "PLB":
            state.db = value
        else:
            state.d = value
    else:
        width = _width(state, ins)
        value = _pull_value(state, width)
        if name == "PLA":
            _set_accumulator(state, value)
        else:
            _set_index(state, name[2], value)
    set_nz(state.flags, bits, value, width)


def _set_status(state: State, value: Value) -> None:
    bits = state.world.bits
    for index, name in enumerate(reversed(FLAGS)):
        flag = bits.part(value, index, index)
        if name not in "mx":
            state.flags[name] = flag
        elif state.world.emulation:
            continue
        elif not isinstance(flag, int):
            raise Unsupported(f"PLP with an unknown {name} flag")
        elif name == "m":
            state.m = flag
        else:
            state.narrow = flag
    _narrow_indexes(state)


def _move(state: State, image: Image, ins: Instruction) -> None:
    bits, target, source = state.world.bits, ins.operand & 0xFF, ins.operand >> 8
    count = state.wide_a
    if not isinstance(count, int) or count >= _LONGEST_MOVE or not isinstance(state.x, int):
        raise Unsupported("a block move of unknown extent")
    if not isinstance(state.y, int):
        raise Unsupported("a block move to an unknown place")
    towards = 1 if ins.opcode.mnemonic == "MVN" else -1
    limit = 0xFF if state.narrow else 0xFFFF
    row = ins._replace(opcode=ins.opcode._replace(mode="absolute_long"))
    for _ in range(count + 1):
        byte = load(state, image, row._replace(operand=source << 16 | state.x), 8)
        place = place_of(state, image, row._replace(operand=target << 16 | state.y))
        store(state, image, place, byte, width=8)
        state.x, state.y = state.x + towards & limit, state.y + towards & limit
    state.low = state.high = 0xFF
    state.db = bits.part(target, 7, 0)


def _nothing(state: State, image: Image, ins: Instruction) -> None:
    return


_Handler = Callable[[State, Image, Instruction], None]
_TABLE: tuple[tuple[str, _Handler], ...] = (
    ("ADC SBC", _add),
    ("AND ORA EOR", _logic),
    ("LDA LDX LDY", _load),
    ("STA STX STY STZ", _store),
    ("CMP CPX CPY", _compare),
    ("ASL LSR ROL ROR INC DEC TSB TRB", _modify),
    ("INX INY DEX DEY", _count),
    ("CLC SEC CLD SED CLI SEI CLV", _flag),
    ("REP SEP", _widths),
    ("TAX TAY TXA TYA TXY TYX TSX", _transfer),
    ("TCS TXS TCD TDC TSC", _whole_transfer),
    ("PHA PHX PHY PHB PHK PHP PHD PEA PEI PER", _push),
    ("PLA PLX PLY PLB PLD PLP", _pull),
    ("MVN MVP", _move),
    ("NOP WDM", _nothing),
    ("BIT", _bit),
    ("XBA", _exchange),
)
_HANDLERS = {name: handler for names, handler in _TABLE for name in names.split()}


def step(state: State, image: Image, instruction: Instruction) -> None:
    """Carry out one instruction that goes on to the next one; raise Unsupported where it cannot be modelled."""
    handler = _HANDLERS.get(instruction.opcode.mnemonic)
    if handler is None:
        raise Unsupported(instruction.opcode.mnemonic)
    handler(state, image, instruction)
