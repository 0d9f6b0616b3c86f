"""A case under construction: registers at random, and bytes claimed one by one so that no two parts share one."""

import random
from collections.abc import Callable
from typing import Final, Literal

from knowledge.m65816.opcodes import Opcode
from knowledge.m65816.registers import Registers
from tests.oracle.probe import SCRATCH, Case, canonical
from tests.oracle.rom import HANDLERS, LAST_PAGE

__all__ = ["Collision", "Draft", "try_drafts"]

_CORNERS: Final = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x00FF, 0x0100, 0xFF00, 0x9999, 0x0099)


class Collision(Exception):
    """Two parts of a case want the same byte, or a byte that is not there: draw again."""


class Draft:
    """A case under construction: registers at random, no byte set yet."""

    def __init__(self, row: Opcode, e: int, index: int, seed: str) -> None:
        self.row = row
        self.dice = random.Random(f"{row.code:02x} {e} {index} {seed}")
        self.memory: dict[int, int] = {}
        self.fixed: set[int] = set()
        self.landings: tuple[int, ...] = ()
        self.operand = self.dice.getrandbits(24)
        self.aim: dict[Literal["low", "anywhere"], int] = {}
        """Where `low` and `anywhere` shall point instead of a random place."""
        p = self.dice.getrandbits(8)
        p = p & 0xCF | (0x30 if e else (index & 3) << 4)
        self.r = Registers(self.word(), self.word(), self.word(), 0, self.word(), self.byte(), 0, 0, p, e).settled()
        self.r.s = 0x100 | self.byte() if e else 0x20 + self.dice.randrange(0x1F80)
        if self.dice.random() < (0.5 if e else 0.2):
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
            if address in self.aim.values() or address - 1 in self.aim.values():
                return
            if address >> 8 == 0x00FF and value in (None, LAST_PAGE[address & 0xFF]):
                return
            raise Collision
        if SCRATCH <= offset < 0x2000 or offset in self.fixed or (value is not None and offset in self.memory):
            raise Collision
        if value is not None:
            self.fixed.add(offset)
        if offset not in self.memory:
            self.memory[offset] = self.byte() if value is None else value

    def put(self, addresses: list[int], value: int) -> None:
        for step, address in enumerate(addresses):
            self.ensure(address, value >> 8 * step & 0xFF)

    def low(self, size: int = 4) -> int:
        """An address in bank $00 where `size` bytes can be read, now and then at its end or at a page's."""
        if "low" in self.aim:
            return self.aim["low"]
        if self.dice.random() < 0.12:
            return self.dice.randrange(0x1F) << 8 | 0xFF
        if self.dice.random() < 0.12:
            return self.dice.choice((0xFFFF, 0xFFFE, 0xFF00 + self.byte()))
        return self.dice.randrange(SCRATCH - size)

    def anywhere(self, size: int = 2) -> int:
        """A 24-bit address in WRAM, through some mirror."""
        if "anywhere" in self.aim:
            return self.aim["anywhere"]
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


def try_drafts(row: Opcode, e: int, index: int, seed: str, fill: Callable[[Draft], None]) -> Case:
    """Return the first case that can be filled without two parts of it in the same place."""
    for attempt in range(1000):
        draft = Draft(row, e, index, f"{seed} {attempt}")
        try:
            draft.lie()
            fill(draft)
            return draft.case()
        except Collision:
            continue
    raise ValueError(f"no case fits opcode ${row.code:02X}, e={e}, index {index}")
