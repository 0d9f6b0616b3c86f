"""What the other instructions do: branches, jumps, calls, the stack, interrupts, block moves, modes of the CPU."""

from knowledge.m65816.cpu_spec_modes import flags, pull, push
from knowledge.m65816.opcodes import BRANCHES, Opcode

__all__ = ["body", "interrupt"]

_VECTORS = {"COP": (0xFFE4, 0xFFF4), "BRK": (0xFFE6, 0xFFFE), "ABORT": (0xFFE8, 0xFFF8), "NMI": (0xFFEA, 0xFFFA),
            "IRQ": (0xFFEE, 0xFFFE)}  # fmt: skip
"""Address of the vector in native mode and in emulation mode."""

_P = "(128 if n else 0) | (64 if v else 0) | (st & 3) << 4 | di | ii | (0 if z else 2) | c"
_TAKEN = {"n": "n", "v": "v", "c": "c", "z": "not z"}
_FETCH = "FETCH()"
_PAGE_1 = "s = 256 | s & 255"


def _set_p(name: str, state: int) -> list[str]:
    widths = "st & 12 | 3" if state & 4 else f"st & 12 | {name} >> 4 & 3"
    return [
        f"n = {name} & 128",
        f"v = {name} & 64",
        f"di = {name} & 8",
        f"ii = {name} & 4",
        f"z = 0 if {name} & 2 else 1",
        f"c = {name} & 1",
        f"st = {widths}",
        "if st & 1:",
        "    x = x & 255",
        "    y = y & 255",
        "STATE()",
    ]


def _branch(row: Opcode, state: int) -> list[str]:
    if row.mnemonic == "BRL":
        return [_FETCH, _FETCH, "IDLE()", "pc = TARGET()"]
    crossed = ["if (TARGET() ^ nx) & 65280:", "    IDLE()"] if state & 4 else []
    if row.mnemonic == "BRA":
        return [_FETCH, "IDLE()", *crossed, "pc = TARGET()"]
    asked = _TAKEN[BRANCHES[row.mnemonic]]
    if row.mnemonic in ("BPL", "BVC", "BCC", "BNE"):
        asked = "z" if asked == "not z" else f"not {asked}"
    return [_FETCH, f"if {asked}:", "    IDLE()", *(f"    {line}" for line in crossed), "    pc = TARGET()", "else:",
            "    pc = nx"]  # fmt: skip


def _jump(row: Opcode, state: int) -> list[str]:
    bank = "pc & 16711680"
    if row.mode == "absolute":
        return [_FETCH, _FETCH, f"pc = {bank} | o"]
    if row.mode == "absolute_long":
        return [_FETCH, _FETCH, _FETCH, "pc = o"]
    if row.mode == "absolute_indirect":
        return [_FETCH, _FETCH, "t = R16B(o)", f"pc = {bank} | t"]
    if row.mode == "absolute_x_indirect":
        return [_FETCH, _FETCH, "IDLE()", f"ea = ({bank}) | o + x & 65535", "t = R16P(ea)", f"pc = {bank} | t"]
    return [_FETCH, _FETCH, "u = o + 2 & 65535", "t = R16B(o)", "q = R8(u)", "pc = q << 16 | t"]


def _call(row: Opcode, state: int) -> list[str]:
    emulation, bank = bool(state & 4), "pc & 16711680"
    back = "r = nx - 1 & 65535"
    end = [_PAGE_1] if emulation else []
    if row.mnemonic == "JSL":
        return [_FETCH, _FETCH, back, *push("pc >> 16", wide=False, old=False), "IDLE(s + 1 & 65535)", _FETCH,
                *push("r", wide=True, old=False), *end, "pc = o"]  # fmt: skip
    if row.mode == "absolute":
        return [_FETCH, _FETCH, "IDLE()", back, *push("r", wide=True, old=emulation), f"pc = {bank} | o"]
    # the operand's high byte is fetched behind the pushes
    return [_FETCH, back, *push("r", wide=True, old=False), *end, _FETCH, "IDLE()", f"ea = ({bank}) | o + x & 65535",
            "t = R16P(ea)", f"pc = {bank} | t"]  # fmt: skip


def _return(row: Opcode, state: int) -> list[str]:
    emulation = bool(state & 4)
    if row.mnemonic == "RTS":
        return [
            "IDLE()",
            "IDLE()",
            *pull("t", wide=True, old=emulation),
            "IDLE(s)",
            "pc = pc & 16711680 | t + 1 & 65535",
        ]
    if row.mnemonic == "RTL":
        end = [_PAGE_1] if emulation else []
        return ["IDLE()", "IDLE()", *pull("t", wide=True, old=False), *pull("q", wide=False, old=False), *end,
                "pc = q << 16 | t + 1 & 65535"]  # fmt: skip
    lines = ["IDLE()", "IDLE()", *pull("q", wide=False, old=emulation), *pull("t", wide=True, old=emulation)]
    if not emulation:
        lines += [*pull("r", wide=False, old=False), "pc = r << 16 | t"]
    return [*lines, *([] if not emulation else ["pc = pc & 16711680 | t"]), *_set_p("q", state)]


def _push(row: Opcode, state: int) -> list[str]:
    emulation, name = bool(state & 4), row.mnemonic
    wide = row.width == "16" or (row.width in ("m", "x") and not state & (2 if row.width == "m" else 1))
    if row.width != "16":
        value = {"PHA": "a" if wide else "a & 255", "PHX": "x", "PHY": "y", "PHP": _P, "PHB": "db >> 16",
                 "PHK": "pc >> 16"}[name]  # fmt: skip
        return ["IDLE()", f"t = {value}", *push("t", wide, old=emulation), "pc = nx"]
    before = {
        "PHD": ["IDLE()", "t = d"],
        "PEA": [_FETCH, _FETCH, "t = o"],
        "PER": [_FETCH, _FETCH, "IDLE()", "t = TARGET() & 65535"],
        "PEI": [_FETCH, "IDLEW()", "ea = d + o & 65535", "t = R16B(ea)"],
    }[name]
    return [*before, *push("t", wide=True, old=False), *([_PAGE_1] if emulation else []), "pc = nx"]


def _pull(row: Opcode, state: int) -> list[str]:
    emulation, name = bool(state & 4), row.mnemonic
    wide = row.width == "16" or (row.width in ("m", "x") and not state & (2 if row.width == "m" else 1))
    old = emulation and name not in ("PLD", "PLB")
    lines = ["IDLE()", "IDLE()", *pull("t", wide, old=old)]
    if emulation and not old:
        lines.append(_PAGE_1)
    into = {
        "PLA": ["a = t" if wide else "a = a & 65280 | t"],
        "PLX": ["x = t"],
        "PLY": ["y = t"],
        "PLB": ["db = t << 16"],
        "PLD": ["d = t", "st = st & 7 | (8 if d & 255 else 0)", "STATE()"],
        "PLP": _set_p("t", state),
    }[name]
    return [*lines, *into, *([] if name == "PLP" else flags("t", wide)), "pc = nx"]


def _enter(name: str, state: int, *, pushed: str, back: str) -> list[str]:
    """Return the pushes and the vector of an interrupt; D is cleared and I set, as on all CMOS parts."""
    emulation = bool(state & 4)
    bank = [] if emulation else push("pc >> 16", wide=False, old=False)
    vector = _VECTORS[name][emulation]
    return [*bank, f"r = {back} & 65535", *push("r", wide=True, old=emulation), f"t = {pushed}",
            *push("t", wide=False, old=emulation), "ii = 4", "di = 0", f"t = R16V({vector})", "pc = t",
            "LANDED()"]  # fmt: skip


def interrupt(name: str, state: int) -> tuple[str, ...]:
    """Return the body of a hardware interrupt; what stands behind its first cycle, which reads the opcode at PC."""
    if name == "RESET":
        cleared = ["d = 0", "db = 0", "di = 0", "ii = 4", "st = 7", "x = x & 255", "y = y & 255"]
        stack = ["IDLE(s)", "s = 256 | s - 1 & 255"] * 3
        return ("IDLE(pc)", *stack, *cleared, "STATE()", "t = R16V(65532)", "pc = t", "LANDED()")
    pushed = f"({_P}) & 239" if state & 4 else _P
    return ("IDLE(pc)", *_enter(name, state, pushed=pushed, back="pc"))


def _move(row: Opcode, state: int) -> list[str]:
    mark, full = "+" if row.mnemonic == "MVN" else "-", 255 if state & 1 else 65535
    return [
        _FETCH,
        _FETCH,
        "db = (o & 255) << 16",
        "t = R8((o & 65280) << 8 | x)",
        "W8(db | y, t)",
        "IDLE(db | y)",
        "IDLE(db | y)",
        f"x = x {mark} 1 & {full}",
        f"y = y {mark} 1 & {full}",
        "a = a - 1 & 65535",
        "pc = nx if a == 65535 else pc",
    ]


def _exchange_ce() -> list[str]:
    return [
        "IDLE()",
        "u = c",
        "c = st >> 2 & 1",
        "if u:",
        "    st = st & 8 | 7",
        "    x = x & 255",
        "    y = y & 255",
        f"    {_PAGE_1}",
        "else:",
        "    st = st & 11",
        "STATE()",
        "pc = nx",
    ]


def _special(row: Opcode, state: int) -> list[str]:
    name = row.mnemonic
    if name in ("BRK", "COP"):
        return [_FETCH, *_enter(name, state, pushed=_P, back="nx")]
    if name in ("REP", "SEP"):
        change = "t & ~o" if name == "REP" else "t | o"
        return [_FETCH, "IDLE()", f"t = {_P}", f"t = {change}", *_set_p("t", state), "pc = nx"]
    if name == "WDM":
        return ["IDLE()", "pc = nx"]
    if name == "XBA":
        return ["IDLE()", "IDLE()", "a = a >> 8 | (a & 255) << 8", "n = a & 128", "z = a & 255", "pc = nx"]
    if name == "XCE":
        return _exchange_ce()
    return ["IDLE()", "IDLE()", "pc = nx", "WAIT()" if name == "WAI" else "HALT()"]


def body(row: Opcode, state: int) -> list[str]:
    """Return the body of an instruction that this module states, in a state; empty when it is another's."""
    if row.access in ("branch", "jump", "call", "return", "push", "pull", "move"):
        made = {"branch": _branch, "jump": _jump, "call": _call, "return": _return, "push": _push, "pull": _pull,
                "move": _move}[row.access]  # fmt: skip
        return made(row, state)
    if row.mnemonic in ("BRK", "COP", "REP", "SEP", "WDM", "XBA", "XCE", "WAI", "STP"):
        return _special(row, state)
    return []
