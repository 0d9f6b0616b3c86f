"""The bytes of a program as analyses fetch them: by address or by any mirror of it, decoded once for each width."""

from bisect import bisect_right

from knowledge.m65816.instruction import Instruction, Truncated, decode
from knowledge.m65816.program import Block, Program
from knowledge.snes.mapping import pc_offset

__all__ = ["Code"]

_ROM = 0x1000000
_LONGEST_TABLE = 128


class Code:
    """A program's bytes. Addresses are 24 bits; a mirror of a block's ROM or WRAM shows the same bytes."""

    def __init__(self, program: Program, *, whole_rom: bool = False) -> None:
        self.program = program
        self.whole_rom = whole_rom
        self._blocks: list[tuple[int, bytes]] = sorted(
            (self.place(block.address), block.data) for block in _cut(program)
        )
        self._starts = [start for start, _ in self._blocks]
        self._decoded: dict[int, Instruction | None] = {}

    def place(self, address: int) -> int:
        """Return one number for an address and all its mirrors."""
        offset = pc_offset(address, self.program.mapper)
        if offset is not None:
            return _ROM + offset
        if address & 0x400000 == 0 and address & 0xFFFF < 0x2000:
            return 0x7E0000 | address & 0x1FFF
        return address

    def fetch(self, address: int, count: int) -> bytes:
        """Return up to `count` bytes of the code from an address on; fewer where the block ends."""
        place = self.place(address)
        count = min(count, 0x10000 - (address & 0xFFFF))
        number = bisect_right(self._starts, place) - 1
        data = b""
        while 0 <= number < len(self._blocks) and len(data) < count:
            start, block = self._blocks[number]
            at = place + len(data) - start
            if not 0 <= at < len(block):
                break
            data += block[at : at + count - len(data)]
            number += 1
        if not data and self.whole_rom and place >= _ROM:
            data = self.program.rom[place - _ROM : place - _ROM + count]
        return data

    def has(self, address: int) -> bool:
        """Return whether an address holds a byte of the code."""
        return bool(self.fetch(address, 1))

    def constant(self, address: int, count: int) -> int | None:
        """Return what ROM holds at an address, little-endian; None where it is RAM or nothing that is known."""
        place = self.place(address)
        if place < _ROM:
            return None
        data = self.fetch(address, count)
        if len(data) < count:
            data = self.program.rom[place - _ROM : place - _ROM + count]
        return int.from_bytes(data, "little") if len(data) == count else None

    def instruction(self, address: int, m: int, x: int) -> Instruction | None:
        """Return the instruction at an address, or None where no whole one lies."""
        key = address << 2 | m << 1 | x
        if key not in self._decoded:
            try:
                self._decoded[key] = decode(self.fetch(address, 4), address, m=m, x=x)
            except Truncated:
                self._decoded[key] = None
        return self._decoded[key]

    def table(self, address: int) -> tuple[int, ...]:
        """Return the targets of a table of 16-bit addresses whose end can be read; empty when it can't.

        Tables end where the first code that they point to begins, or with their block; every entry has to point into
        the program.
        """
        targets: list[int] = []
        at, bound = address, (address | 0xFFFF) + 1
        while at < bound and len(targets) < _LONGEST_TABLE:
            word = self.fetch(at, 2)
            if not word and targets:
                return tuple(targets)
            if len(word) < 2:
                return ()
            target = address & 0xFF0000 | int.from_bytes(word, "little")
            if not self.has(target) or address <= target < at + 2:
                return ()
            targets.append(target)
            if target > at:
                bound = min(bound, target)
            at += 2
        return tuple(targets) if at == bound else ()


def _cut(program: Program) -> list[Block]:
    """Return the blocks that hold anything, cut where their bank ends."""
    kept: list[Block] = []
    for block in program.blocks:
        address, data = block.address & 0xFFFFFF, block.data
        if data:
            kept.append(Block(address, data[: 0x10000 - (address & 0xFFFF)]))
    return kept
