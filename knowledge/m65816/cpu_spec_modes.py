"""What instructions on data do: the addressing modes, and the operations on what they reach."""

from knowledge.m65816.opcodes import Opcode

__all__ = ["body", "flags", "pull", "push"]

_REGISTER = {"A": "a", "X": "x", "Y": "y"}


def flags(name: str, wide: int) -> list[str]:
    """Return the statements that set N and Z from a value that fits its width."""
    return [f"n = {name} & {32768 if wide else 128}", f"z = {name}"]


def _load(register: str, wide: int) -> list[str]:
    kept = "a = a & 65280 | t" if register == "a" and not wide else f"{register} = t"
    return [kept, *flags("t", wide)]


def _arithmetic(mnemonic: str, wide: int) -> list[str]:
    full, sign, carry, top = (65535, 32768, 16, 12) if wide else (255, 128, 8, 4)
    own = "a" if wide else "a & 255"
    inverted = [f"t = t ^ {full}"] if mnemonic == "SBC" else []
    return [
        *inverted,
        "if di:",
        f"    r = {mnemonic.lower()}_decimal({own}, t, c, {top})",
        "    v = r & 131072",
        "    c = r >> 16 & 1",
        "else:",
        f"    r = ({own}) + t + c",
        f"    v = (a ^ r) & (t ^ r) & {sign}",
        f"    c = r >> {carry}",
        f"r = r & {full}",
        "a = r" if wide else "a = a & 65280 | r",
        *flags("r", wide),
    ]


def _compare(register: str, wide: int) -> list[str]:
    own = register if wide else f"({register} & 255)"
    full = 65535 if wide else 255
    return [f"r = {own} - t", "c = 0 if r < 0 else 1", f"r = r & {full}", *flags("r", wide)]


def _read(row: Opcode, wide: int) -> list[str]:
    name = row.mnemonic
    if name in ("LDA", "LDX", "LDY"):
        return _load(_REGISTER[name[2]], wide)
    if name in ("ADC", "SBC"):
        return _arithmetic(name, wide)
    if name in ("CMP", "CPX", "CPY"):
        return _compare({"CMP": "a", "CPX": "x", "CPY": "y"}[name], wide)
    if name == "BIT":
        signs = [f"n = t & {32768 if wide else 128}", f"v = t & {16384 if wide else 64}"]
        return ["z = t & a"] if row.mode == "immediate_m" else [*signs, "z = t & a"]
    if name == "AND":
        return ["t = t & a", *_load("a", wide)]
    mark = {"ORA": "|", "EOR": "^"}[name]
    return [f"a = a {mark} t", *(flags("a", wide=True) if wide else ["n = a & 128", "z = a & 255"])]


def _modify(name: str, wide: int) -> list[str]:
    full, top, width = (65535, 15, 16) if wide else (255, 7, 8)
    if name in ("TSB", "TRB"):
        own = "a" if wide else "a & 255"
        return ["z = t & a", f"t = t | {own}" if name == "TSB" else "t = t & ~a"]
    change = {
        "ASL": [f"c = t >> {top}", f"t = t << 1 & {full}"],
        "LSR": ["c = t & 1", "t = t >> 1"],
        "ROL": ["u = t << 1 | c", f"c = t >> {top}", f"t = u & {full}"],
        "ROR": [f"u = t | c << {width}", "c = t & 1", "t = u >> 1"],
        "INC": [f"t = t + 1 & {full}"],
        "DEC": [f"t = t - 1 & {full}"],
    }[name]
    return [*change, *flags("t", wide)]


def _pointer(index: str, state: int) -> list[str]:
    """Return the statements that read the pointer of a direct indirect mode into `q`."""
    if not state & 4:
        return [f"ea = d + o{index} & 65535", "q = R16B(ea)"]
    if index:
        paged = ["else:", "    u = (ea & 65280) | ea + 1 & 255"]
        wrapped = ["if d & 255:", "    ea = d + o + x & 65535", "else:", "    ea = d | o + x & 255"]
        return [*wrapped, "u = (ea & 65280) | ea + 1 & 255", "q = R8(ea)", "t = R8(u)", "q = q | t << 8"]
    paged = ["if d & 255:", "    u = ea + 1 & 65535", "else:", "    u = d | ea + 1 & 255"]
    return ["ea = d + o & 65535", *paged, "q = R8(ea)", "t = R8(u)", "q = q | t << 8"]


def _crossing(start: str, index: str, row: Opcode, state: int) -> list[str]:
    """Return the cycle in which an index is added to an address: when it crosses a page, or always."""
    shown = f"db | ({start} & 65280) | ({start}) + {index} & 255"
    if row.access != "read" or not state & 1:
        return [f"IDLE({shown})"]
    return [f"if ({start} & 255) + {index} > 255:", f"    IDLE({shown})"]


def _direct(row: Opcode, state: int) -> list[str]:
    mode = row.mode
    lines = ["FETCH()", "IDLEW()"]
    if mode == "direct":
        return [*lines, "ea = d + o & 65535"]
    if mode in ("direct_x", "direct_y"):
        index = mode[-1]
        plain = f"ea = d + o + {index} & 65535"
        paged = ["if d & 255:", f"    {plain}", "else:", f"    ea = d | o + {index} & 255"]
        return [*lines, "IDLE()", *(paged if state & 4 else [plain])]
    if mode == "direct_x_indirect":
        return [*lines, "IDLE()", *_pointer(" + x", state), "ea = db | q"]
    if mode == "direct_indirect":
        return [*lines, *_pointer("", state), "ea = db | q"]
    if mode == "direct_indirect_y":
        return [*lines, *_pointer("", state), *_crossing("q", "y", row, state), "ea = db + q + y & 16777215"]
    long = ["ea = d + o & 65535", "u = ea + 2 & 65535", "q = R16B(ea)", "t = R8(u)"]
    index = " + y" if mode == "direct_indirect_long_y" else ""
    return [*lines, *long, f"ea = (t << 16 | q){index} & 16777215"]


def _address(row: Opcode, state: int) -> list[str]:
    """Return the statements that make the effective address `ea`."""
    mode = row.mode
    if mode.startswith("direct"):
        return _direct(row, state)
    if mode == "absolute":
        return ["FETCH()", "FETCH()", "ea = db | o"]
    if mode in ("absolute_x", "absolute_y"):
        index = mode[-1]
        crossing = _crossing("o", index, row, state)
        return ["FETCH()", "FETCH()", *crossing, f"ea = db + o + {index} & 16777215"]
    if mode == "absolute_long":
        return ["FETCH()", "FETCH()", "FETCH()", "ea = o"]
    if mode == "absolute_long_x":
        return ["FETCH()", "FETCH()", "FETCH()", "ea = o + x & 16777215"]
    if mode == "stack_relative":
        return ["FETCH()", "IDLE()", "ea = s + o & 65535"]
    pointed = ["u = s + o + 1 & 65535", "ea = s + o & 65535", "q = R16B(ea)", "IDLE(u)"]
    return ["FETCH()", "IDLE()", *pointed, "ea = db + q + y & 16777215"]


def _in_bank_0(row: Opcode) -> bool:
    return row.mode in ("direct", "direct_x", "direct_y", "stack_relative")


def _wide(row: Opcode, state: int) -> bool:
    return not state & {"m": 2, "x": 1}.get(row.width, 4 | 3)


def _memory(row: Opcode, state: int) -> list[str]:
    wide, kind = _wide(row, state), "B" if _in_bank_0(row) else ""
    lines = _address(row, state)
    read = f"t = R16{kind}(ea)" if wide else "t = R8(ea)"
    if row.access == "read":
        return [*lines, read, *_read(row, wide), "pc = nx"]
    if row.access == "write":
        source = {"STA": "a", "STX": "x", "STY": "y", "STZ": "0"}[row.mnemonic]
        if wide:
            return [*lines, f"W16{kind}(ea, {source})", "pc = nx"]
        return [*lines, f"W8(ea, {source} & 255)" if source == "a" else f"W8(ea, {source})", "pc = nx"]
    write = f"W16{kind}H(ea, t)" if wide else "W8(ea, t)"
    last = "ea + 1 & 16777215" if wide and not kind else "ea + 1 & 65535" if wide else "ea"
    return [*lines, read, *_modify(row.mnemonic, wide), f"IDLE({last})", write, "pc = nx"]


def push(value: str, wide: int, *, old: bool) -> list[str]:
    """Return the statements that push; `old` keeps S within page 1, as the 6502's own instructions do in emulation."""
    if not old:
        if wide:
            return ["ea = s - 1 & 65535", f"W16BH(ea, {value})", "s = s - 2 & 65535"]
        return [f"W8(s, {value})", "s = s - 1 & 65535"]
    step = "s = 256 | s - 1 & 255"
    return [f"W8(s, {value} >> 8)", step, f"W8(s, {value} & 255)", step] if wide else [f"W8(s, {value})", step]


def pull(name: str, wide: int, *, old: bool) -> list[str]:
    """Return the statements that pull into a name; `old` as with `push`."""
    if not old:
        if wide:
            return ["ea = s + 1 & 65535", f"{name} = R16B(ea)", "s = s + 2 & 65535"]
        return ["s = s + 1 & 65535", f"{name} = R8(s)"]
    step = "s = 256 | s + 1 & 255"
    if wide:
        return [step, f"{name} = R8(s)", step, "u = R8(s)", f"{name} = {name} | u << 8"]
    return [step, f"{name} = R8(s)"]


def _implied(row: Opcode, state: int) -> list[str]:
    """Return the operation of an instruction of two cycles on registers alone."""
    name = row.mnemonic
    wide_m, wide_x = not state & 2, not state & 1
    if row.mode == "accumulator":
        return [
            "t = a" if wide_m else "t = a & 255",
            *_modify(name, wide_m),
            "a = t" if wide_m else "a = a & 65280 | t",
        ]
    if name in ("INX", "INY", "DEX", "DEY"):
        register, mark = name[2].lower(), "+" if name[0] == "I" else "-"
        return [f"{register} = {register} {mark} 1 & {65535 if wide_x else 255}", *flags(register, wide_x)]
    if name in ("TAX", "TAY", "TSX", "TXY", "TYX"):
        source, target = name[1].lower(), name[2].lower()
        return [f"{target} = {source}" if wide_x else f"{target} = {source} & 255", *flags(target, wide_x)]
    if name in ("TXA", "TYA"):
        return [f"t = {name[1].lower()}" if wide_m else f"t = {name[1].lower()} & 255", *_load("a", wide_m)]
    if name in ("TCS", "TXS"):
        source = "a" if name == "TCS" else "x"
        return [f"s = 256 | {source} & 255" if state & 4 else f"s = {source}"]
    simple = {
        "TCD": ["d = a", "st = st & 7 | (8 if d & 255 else 0)", "STATE()", *flags("d", wide=True)],
        "TDC": ["a = d", *flags("a", wide=True)],
        "TSC": ["a = s", *flags("a", wide=True)],
        "CLC": ["c = 0"],
        "SEC": ["c = 1"],
        "CLD": ["di = 0"],
        "SED": ["di = 8"],
        "CLI": ["ii = 0"],
        "SEI": ["ii = 4"],
        "CLV": ["v = 0"],
        "NOP": [],
    }
    return simple[name]


def body(row: Opcode, state: int) -> list[str]:
    """Return the body of an instruction that leads to the next one, in a state."""
    if row.mode in ("immediate_m", "immediate_x"):
        wide = _wide(row, state)
        return ["FETCH()", *(["FETCH()"] if wide else []), "t = o", *_read(row, wide), "pc = nx"]
    if row.mode in ("implied", "accumulator"):
        return ["IDLE()", *_implied(row, state), "pc = nx"]
    return _memory(row, state)
