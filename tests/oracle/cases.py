"""Draws cases for the emulator: every opcode in every mode, native and emulation, from a seed, the same each time.

What an instruction will touch is aimed at first and the registers and operands are solved for it, so that all of it
lies in WRAM (through any mirror) or in the last page of bank $00. A wrong aim does no harm: all of WRAM is known.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from knowledge.m65816.opcodes import OPCODES, Opcode
from knowledge.m65816.registers import Registers
from tests.oracle.probe import SCRATCH, Case, canonical
from tests.oracle.rom import HANDLERS, LAST_PAGE

__all__ = ["LEFT_OUT", "cases", "draw"]

LEFT_OUT: Final[dict[str, str]] = {
    "STP": "only a reset ends it",
    "WAI": "needs an interrupt",
}
"""Mnemonics that are no case by themselves, and why."""

_CORNERS: Final = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x00FF, 0x0100, 0xFF00, 0x9999, 0x0099)


class _Collision(Exception):
    """Two parts of a case want the same byte, or a byte that is not there: draw again."""


class _Draft:
    """A case under construction."""

    def __init__(self, row: Opcode, e: int, index: int, seed: str) -> None:
        self.row = row
        self.dice = random.Random(f"{row.code:02x} {e} {index} {seed}")
        self.memory: dict[int, int] = {}
        self.fixed: set[int] = set()
        self.landings: tuple[int, ...] = ()
        self.operand = self.dice.getrandbits(24)
        p = self.dice.getrandbits(8)
        p = p & 0xCF | (0x30 if e else (index & 3) << 4)
        self.r = Registers(self.word(), self.word(), self.word(), 0, self.word(), self.byte(), 0, 0, p, e).settled()
        self.r.s = 0x100 | self.byte() if e else 0x20 + self.dice.randrange(0x1F80)
        if self.dice.random() < 0.2:
            self.r.s = 0x100 | self.dice.choice((0x00, 0x01, 0x02, 0xFD, 0xFE, 0xFF))

    @property
    def m(self) -> int:
        return self.r.p >> 5 & 1

    @property
    def x(self) -> int:
        return self.r.p >> 4 & 1

    def word(self) -> int:
        return self.dice.choice(_CORNERS) if self.dice.random() < 0.3 else self.dice.getrandbits(16)

    def byte(self) -> int:
        if self.dice.random() < 0.3:
            return self.dice.choice(_CORNERS) & 0xFF
        value = self.dice.getrandbits(8)
        return value if self.dice.random() < 0.6 else value // 26 << 4 | value % 10  # often a decimal one

    def ensure(self, address: int, value: int | None = None) -> None:
        """Let the byte at a 24-bit address hold a value, or any value but a known one."""
        offset = canonical(address)
        if offset is None:
            if address >> 8 == 0x00FF and value in (None, LAST_PAGE[address & 0xFF]):
                return
            raise _Collision
        if SCRATCH <= offset < 0x2000 or offset in self.fixed or (value is not None and offset in self.memory):
            raise _Collision
        if value is not None:
            self.fixed.add(offset)
        if offset not in self.memory:
            self.memory[offset] = self.byte() if value is None else value

    def put(self, addresses: list[int], value: int) -> None:
        for step, address in enumerate(addresses):
            self.ensure(address, value >> 8 * step & 0xFF)

    def low(self, size: int = 4) -> int:
        """An address in bank $00 where `size` bytes can be read, now and then at its end."""
        if self.dice.random() < 0.12:
            return self.dice.choice((0xFFFF, 0xFFFE, 0xFF00 + self.byte()))
        return self.dice.randrange(SCRATCH - size)

    def anywhere(self, size: int = 2) -> int:
        """A 24-bit address in WRAM, through some mirror."""
        kind = self.dice.random()
        if kind < 0.1:
            return self.dice.choice((0x7EFFFF, 0x7FFFFF, 0x7E1FFF, 0x7F0000, 0x7E0000 + self.word()))
        if kind < 0.75:
            return 0x7E0000 + self.dice.getrandbits(17)
        return self.dice.choice((0, 0x80)) << 16 | self.dice.getrandbits(6) << 16 | self.dice.randrange(SCRATCH - size)

    def lie(self) -> None:
        """Choose where the instruction lies."""
        place = self.anywhere(16)
        if self.dice.random() < 0.06:
            place = self.dice.choice((0x7EFFFD, 0x7FFFFE, 0x7EFFFF, 0x7FFFFC))
        self.r.pb, self.r.pc = place >> 16, place & 0xFFFF

    def at(self, pc: int) -> int:
        """The 24-bit address of an offset in the program bank."""
        return self.r.pb << 16 | pc & 0xFFFF

    @property
    def next(self) -> int:
        return self.at(self.r.pc + self.row.length(self.m, self.x))

    def land(self, *places: int) -> None:
        """Name where it leads; the bytes of the way back are kept free."""
        self.landings = places
        for place in places:
            if place not in HANDLERS.values():
                self.put([place & 0xFF0000 | place + step & 0xFFFF for step in range(4)], 0)

    def case(self) -> Case:
        """Put the instruction's own bytes and close the draft."""
        data = bytes((self.row.code,)) + self.operand.to_bytes(3, "little")
        for step in range(self.row.length(self.m, self.x)):
            self.ensure(self.at(self.r.pc + step), data[step])
        ways = {canonical(place & 0xFF0000 | place + step & 0xFFFF) for place in self.landings for step in range(4)}
        memory = {offset: value for offset, value in sorted(self.memory.items()) if offset not in ways}
        return Case(self.row.code, self.r, memory, self.landings)


def _width(draft: _Draft) -> int:
    width = draft.row.width
    return 2 if width == "16" or (width == "m" and not draft.m) or (width == "x" and not draft.x) else 1


def _wrapping(place: int, size: int) -> list[int]:
    """Addresses of bytes in bank $00, where the offset wraps."""
    return [place + step & 0xFFFF for step in range(size)]


def _running(place: int, size: int) -> list[int]:
    """Addresses of bytes that run on into the next bank."""
    return [place + step & 0xFFFFFF for step in range(size)]


def _data(draft: _Draft, places: list[int]) -> None:
    for place in places:
        if draft.row.access in ("write", "modify") and canonical(place) is None:
            raise _Collision
        draft.ensure(place)


def _aim_direct(draft: _Draft, index: int, size: int) -> list[int]:
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


def _aim_bank(draft: _Draft, index: int) -> int:
    """Solve DB for a place in WRAM; return the 16 bits to which the index is added."""
    place = draft.anywhere()
    start = place - index & 0xFFFFFF
    draft.r.db = start >> 16
    _data(draft, _running(place, _width(draft)))
    return start & 0xFFFF


def _direct(draft: _Draft) -> None:
    index = {"direct_x": draft.r.x, "direct_y": draft.r.y}.get(draft.row.mode, 0)
    _data(draft, _aim_direct(draft, index, _width(draft)))


def _indirect(draft: _Draft) -> None:
    mode = draft.row.mode
    pointer = _aim_direct(draft, draft.r.x if mode == "direct_x_indirect" else 0, 3 if "long" in mode else 2)
    index = draft.r.y if mode.endswith("_y") else 0
    if "long" in mode:
        place = draft.anywhere()
        _data(draft, _running(place, _width(draft)))
        draft.put(pointer, place - index & 0xFFFFFF)
    else:
        draft.put(pointer, _aim_bank(draft, index))


def _absolute(draft: _Draft) -> None:
    mode = draft.row.mode
    index = draft.r.x if mode.endswith("_x") else draft.r.y if mode.endswith("_y") else 0
    if "long" in mode:
        place = draft.anywhere()
        _data(draft, _running(place, _width(draft)))
        draft.operand = place - index & 0xFFFFFF
    else:
        draft.operand = _aim_bank(draft, index)


def _stack_relative(draft: _Draft) -> None:
    draft.operand = draft.byte() or 1
    if draft.row.mode == "stack_relative":
        _data(draft, _wrapping(draft.r.s + draft.operand, _width(draft)))
    else:
        draft.put(_wrapping(draft.r.s + draft.operand, 2), _aim_bank(draft, draft.r.y))


def _far_enough(draft: _Draft, target: int) -> None:
    if (target - draft.r.pc + 8) & 0xFFFF < 20:
        raise _Collision


def _branch(draft: _Draft) -> None:
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


def _jump(draft: _Draft) -> None:
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


def _pulled(draft: _Draft, size: int) -> list[int]:
    """Addresses of the next bytes on the stack; the older instructions stay in page 1 in emulation mode."""
    s, wraps = draft.r.s, draft.r.e and draft.row.mnemonic not in ("PLB", "PLD", "RTL")
    places = [s + 1 + step for step in range(size)]
    return [0x100 | place & 0xFF for place in places] if wraps else [place & 0xFFFF for place in places]


def _return(draft: _Draft) -> None:
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


def _pull(draft: _Draft) -> None:
    for place in _pulled(draft, _width(draft)):
        draft.ensure(place)


def _move(draft: _Draft) -> None:
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


def _trap(draft: _Draft) -> None:
    name = draft.row.mnemonic.lower()
    emulated = {"brk": "irq_e", "cop": "cop_e"}
    draft.land(HANDLERS[emulated[name] if draft.r.e else name])


def _register(draft: _Draft) -> None:
    name, r = draft.row.mnemonic, draft.r
    if name in ("TXS", "TCS") and not r.e:
        safe = 0x20 + draft.dice.randrange(0x1F80)
        if name == "TCS":
            r.a = safe
        else:
            r.x = safe & (0xFF if draft.x else 0xFFFF)
            if r.x < 2:
                raise _Collision
    if name in ("TXS", "TCS", "XCE"):  # the way back pushes P there
        s = {"TXS": r.x, "TCS": r.a}.get(name, r.s)
        draft.ensure(0x100 | s & 0xFF if r.e or name == "XCE" else s)


_BY_MODE: Final[dict[str, Callable[[_Draft], None]]] = {
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


def _fill(draft: _Draft) -> None:
    """Give the instruction all that it will touch."""
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


def draw(opcode: int, e: int, index: int, *, seed: str = "") -> Case:
    """Return one case of an opcode in native (`e` = 0) or emulation mode; four indices in a row have all widths."""
    for attempt in range(1000):
        draft = _Draft(OPCODES[opcode], e, index, f"{seed} {attempt}")
        try:
            draft.lie()
            _fill(draft)
            return draft.case()
        except _Collision:
            continue
    raise ValueError(f"no case fits opcode ${opcode:02X}, e={e}, index {index}")


def cases(*, native: int, emulation: int, seed: str = "") -> Iterator[Case]:
    """Yield so many cases of every opcode in either mode, in the order of the opcodes."""
    for row in OPCODES:
        if row.mnemonic not in LEFT_OUT:
            for e, count in ((0, native), (1, emulation)):
                for index in range(count):
                    yield draw(row.code, e, index, seed=seed)
