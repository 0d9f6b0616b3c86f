"""Draws cases for the emulator: every opcode in every mode, native and emulation, from a seed, the same each time.

What an instruction will touch is aimed at first and the registers and operands are solved for it, so that all of it
lies in WRAM (through any mirror) or in the last page of bank $00. A wrong aim does no harm: all of WRAM is known.
"""

from collections.abc import Callable, Iterator
from typing import Final

from knowledge.m65816.opcodes import OPCODES
from tests.oracle.draft import Collision, Draft, try_drafts
from tests.oracle.probe import Case, canonical
from tests.oracle.rom import HANDLERS

__all__ = ["LEFT_OUT", "OUTDATED", "UNTIMED", "cases", "draw", "fill"]

LEFT_OUT: Final[dict[str, str]] = {
    "STP": "only a reset ends it",
    "WAI": "needs an interrupt",
}
"""Mnemonics that are no case by themselves, and why."""
OUTDATED: Final[dict[str, str]] = {
    "PLB": "in emulation mode with S = $01FF a console reads $0200, bsnes v094 reads $0100 (gilyon, snes-tests)",
    "(d,X)": "in emulation mode with DL not 0 a console takes both bytes of the pointer from one page, "
    "bsnes v094 does not (gilyon, snes-tests)",
    "[d] and [d],Y": "in emulation mode with DL = 0 the pointer runs on over the end of the page, "
    "bsnes v094 wraps (its own later versions do not)",
    "PEI": "likewise",
}
"""Corners in which bsnes v094 is no judge, since what a console does there was found later; and who found it."""

UNTIMED: Final[dict[str, str]] = {
    "WDM": "bsnes fetches its second byte; the single-step files show an internal cycle, as short as the bus allows",
}
"""Mnemonics whose time on the emulator is not taken, and why."""


def _width(draft: Draft) -> int:
    width = draft.row.width
    return 2 if width == "16" or (width == "m" and not draft.m) or (width == "x" and not draft.x) else 1


def _wrapping(place: int, size: int) -> list[int]:
    """Addresses of bytes in bank $00, where the offset wraps."""
    return [place + step & 0xFFFF for step in range(size)]


def _running(place: int, size: int) -> list[int]:
    """Addresses of bytes that run on into the next bank."""
    return [place + step & 0xFFFFFF for step in range(size)]


def _data(draft: Draft, places: list[int]) -> None:
    for place in places:
        if draft.row.access in ("write", "modify") and canonical(place) is None and not draft.aim:
            raise Collision
        draft.ensure(place)


def _aim_direct(draft: Draft, index: int, size: int) -> list[int]:
    """Solve D and the operand for an address in bank $00; return the addresses of `size` bytes there."""
    place, r = draft.low(), draft.r
    aligned = draft.dice.random() < 0.5
    draft.operand = place - index & 0xFF if aligned else draft.byte()
    r.d = place - draft.operand - index & 0xFFFF
    if r.e and not r.d & 0xFF:
        draft.operand = place - index & 0xFF
        r.d = place & 0xFF00
        if draft.row.mode != "direct_indirect_long" and draft.row.mnemonic != "PEI":
            return [place & 0xFF00 | place + step & 0xFF for step in range(size)]
    return _wrapping(place, size)


def _aim_bank(draft: Draft, index: int) -> int:
    """Solve DB for a place in WRAM; return the 16 bits to which the index is added."""
    place = draft.anywhere()
    start = place - index & 0xFFFFFF
    draft.r.db = start >> 16
    _data(draft, _running(place, _width(draft)))
    return start & 0xFFFF


def _direct(draft: Draft) -> None:
    index = {"direct_x": draft.r.x, "direct_y": draft.r.y}.get(draft.row.mode, 0)
    _data(draft, _aim_direct(draft, index, _width(draft)))


def _indirect(draft: Draft) -> None:
    mode = draft.row.mode
    pointer = _aim_direct(draft, draft.r.x if mode == "direct_x_indirect" else 0, 3 if "long" in mode else 2)
    index = draft.r.y if mode.endswith("_y") else 0
    if "long" in mode:
        place = draft.anywhere()
        _data(draft, _running(place, _width(draft)))
        draft.put(pointer, place - index & 0xFFFFFF)
    else:
        draft.put(pointer, _aim_bank(draft, index))


def _absolute(draft: Draft) -> None:
    mode = draft.row.mode
    index = draft.r.x if mode.endswith("_x") else draft.r.y if mode.endswith("_y") else 0
    if "long" in mode:
        place = draft.anywhere()
        _data(draft, _running(place, _width(draft)))
        draft.operand = place - index & 0xFFFFFF
    else:
        draft.operand = _aim_bank(draft, index)


def _stack_relative(draft: Draft) -> None:
    draft.operand = draft.byte() or 1
    if draft.row.mode == "stack_relative":
        _data(draft, _wrapping(draft.r.s + draft.operand, _width(draft)))
    else:
        draft.put(_wrapping(draft.r.s + draft.operand, 2), _aim_bank(draft, draft.r.y))


def _far_enough(draft: Draft, target: int) -> None:
    if (target - draft.r.pc + 8) & 0xFFFF < 20:
        raise Collision


def _branch(draft: Draft) -> None:
    long = draft.row.mode == "relative_long"
    if draft.row.mnemonic == "PER":
        draft.land(draft.next)
        return
    draft.operand = draft.dice.getrandbits(16 if long else 8)
    distance = draft.operand if long else (draft.operand ^ 0x80) - 0x80
    target = draft.next + distance & 0xFFFF
    _far_enough(draft, target)
    always = draft.row.mnemonic in ("BRA", "BRL")
    draft.land(*(() if always else (draft.next,)), draft.at(target))


def _jump(draft: Draft) -> None:
    mode, target = draft.row.mode, draft.anywhere(16)
    if mode in ("absolute", "absolute_indirect", "absolute_x_indirect"):
        target = draft.at(target)
    if target >> 16 == draft.r.pb:
        _far_enough(draft, target & 0xFFFF)
    if mode in ("absolute", "absolute_long"):
        draft.operand = target
    elif mode == "absolute_x_indirect":
        place = draft.anywhere() & 0xFFFF
        draft.operand = place - draft.r.x & 0xFFFF
        draft.put([draft.at(place + step) for step in range(2)], target & 0xFFFF)
    else:
        size = 3 if mode == "absolute_indirect_long" else 2
        draft.operand = draft.low()
        draft.put(_wrapping(draft.operand, size), target)
    draft.land(target)


def _pulled(draft: Draft, size: int) -> list[int]:
    """Addresses of the next bytes on the stack; the older instructions stay in page 1 in emulation mode."""
    s, wraps = draft.r.s, draft.r.e and draft.row.mnemonic not in ("PLB", "PLD", "RTL")
    places = [s + 1 + step for step in range(size)]
    return [0x100 | place & 0xFF for place in places] if wraps else [place & 0xFFFF for place in places]


def _return(draft: Draft) -> None:
    name, target = draft.row.mnemonic, draft.anywhere(16)
    if name == "RTS" or (name == "RTI" and draft.r.e):
        target = draft.at(target)
    back = target if name == "RTI" else target & 0xFF0000 | target - 1 & 0xFFFF
    if name == "RTI":
        size = 3 if draft.r.e else 4
        draft.put(_pulled(draft, size), back << 8 & 0xFFFFFF00 | draft.byte())
    else:
        draft.put(_pulled(draft, 2 if name == "RTS" else 3), back)
    draft.land(target)


def _pull(draft: Draft) -> None:
    for place in _pulled(draft, _width(draft)):
        draft.ensure(place)


def _move(draft: Draft) -> None:
    r, count = draft.r, draft.dice.randrange(5)
    r.a = count
    step = 1 if draft.row.mnemonic == "MVN" else -1
    mask = 0xFF if draft.x else 0xFFFF
    banks = draft.anywhere() >> 16, draft.anywhere() >> 16
    draft.operand = banks[1] << 8 | banks[0]
    for name, bank in (("x", banks[1]), ("y", banks[0])):
        start = draft.anywhere() & (mask if bank >= 0x7E and bank & 0x7F >= 0x7E else mask & 0x1FFF)
        setattr(r, name, start)
        for moved in range(count + 1):
            draft.ensure(bank << 16 | start + step * moved & mask)
    draft.land(draft.next)


def _trap(draft: Draft) -> None:
    name = draft.row.mnemonic.lower()
    emulated = {"brk": "irq_e", "cop": "cop_e"}
    draft.land(HANDLERS[emulated[name] if draft.r.e else name])


def _register(draft: Draft) -> None:
    name, r = draft.row.mnemonic, draft.r
    if name in ("TXS", "TCS") and not r.e:
        safe = 0x20 + draft.dice.randrange(0x1F80)
        if name == "TCS":
            r.a = safe
        else:
            r.x = safe & (0xFF if draft.x else 0xFFFF)
            if r.x < 2:
                raise Collision
    if name in ("TXS", "TCS", "XCE"):  # the way back pushes P there
        s = {"TXS": r.x, "TCS": r.a}.get(name, r.s)
        draft.ensure(0x100 | s & 0xFF if r.e or name == "XCE" else s)


_BY_MODE: Final[dict[str, Callable[[Draft], None]]] = {
    "direct": _direct,
    "direct_x": _direct,
    "direct_y": _direct,
    "direct_indirect": _indirect,
    "direct_x_indirect": _indirect,
    "direct_indirect_y": _indirect,
    "direct_indirect_long": _indirect,
    "direct_indirect_long_y": _indirect,
    "absolute": _absolute,
    "absolute_x": _absolute,
    "absolute_y": _absolute,
    "absolute_long": _absolute,
    "absolute_long_x": _absolute,
    "stack_relative": _stack_relative,
    "stack_relative_indirect_y": _stack_relative,
    "relative": _branch,
    "relative_long": _branch,
    "block_move": _move,
}


def _outdated(draft: Draft) -> bool:
    """Whether the emulator is no judge of this draft: see OUTDATED."""
    r, mode = draft.r, draft.row.mode
    pointer = r.d + (draft.operand & 0xFF)
    if not r.e:
        return False
    if mode == "direct_x_indirect":
        return bool(r.d & 0xFF) and pointer + r.x & 0xFF == 0xFF
    if mode.startswith("direct_indirect_long") or draft.row.mnemonic == "PEI":
        return not r.d & 0xFF and pointer & 0xFF >= 0xFE
    return draft.row.mnemonic == "PLB" and r.s == 0x1FF


def fill(draft: Draft) -> None:
    """Give the instruction all that it will touch. Raises Collision for what the emulator is no judge of."""
    row = draft.row
    if row.access in ("jump", "call"):
        _jump(draft)
    elif row.access == "return":
        _return(draft)
    elif row.mnemonic in ("BRK", "COP"):
        _trap(draft)
    elif row.mode in _BY_MODE:
        _BY_MODE[row.mode](draft)
    elif row.access == "pull":
        _pull(draft)
    else:
        _register(draft)
    if not draft.landings:
        draft.land(draft.next)
    if _outdated(draft):
        raise Collision


def draw(opcode: int, e: int, index: int, *, seed: str = "") -> Case:
    """Return one case of an opcode in native (`e` = 0) or emulation mode; four indices in a row have all widths."""
    return try_drafts(OPCODES[opcode], e, index, seed, fill)


def cases(*, native: int, emulation: int, seed: str = "") -> Iterator[Case]:
    """Yield so many cases of every opcode in either mode, in the order of the opcodes."""
    for row in OPCODES:
        if row.mnemonic not in LEFT_OUT:
            for e, count in ((0, native), (1, emulation)):
                for index in range(count):
                    yield draw(row.code, e, index, seed=seed)
