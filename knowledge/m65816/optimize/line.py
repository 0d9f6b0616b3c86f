"""A line of a program while it is rewritten: an instruction whose target is another line and not an address."""

from typing import NamedTuple

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import Opcode, find

__all__ = ["CONTROL", "EITHER_M", "UNKNOWN", "Line", "changed"]

CONTROL = frozenset(("branch", "jump", "call", "return"))
"""Accesses of instructions after which control may be elsewhere."""


UNKNOWN = 2
"""The M of a line that runs with either; it is one of `EITHER_M`."""
EITHER_M = frozenset(("REP", "SEP", "INX", "INY", "DEX", "DEY", "LDX", "LDY", "CPX", "CPY", "CLC", "SEC", "NOP", "BRA"))
"""Instructions that do the same whatever M is."""


class Line(NamedTuple):
    """One instruction, free of its place."""

    key: int
    """Who it is, through all edits: the address that it had, or a negative number for what was added."""
    opcode: Opcode
    operand: int
    m: int
    """0, 1, or `UNKNOWN`."""
    x: int
    aim: int | None = None
    """Key of the line that a branch, jump or call leads to, when that is a line of the same code."""

    @property
    def name(self) -> str:
        """Its mnemonic."""
        return self.opcode.mnemonic

    @property
    def size(self) -> int:
        """Bytes."""
        return self.opcode.length(self.m, self.x)

    @property
    def ends(self) -> bool:
        """Whether control never goes on to the next line."""
        return self.opcode.access in ("return", "jump") or self.name in ("BRA", "BRL", "STP", "BRK", "COP")

    @property
    def controls(self) -> bool:
        """Whether it may send control elsewhere."""
        return self.opcode.access in CONTROL or self.name in ("STP", "BRK", "COP", "WAI")

    def at(self, address: int) -> Instruction:
        """Return the instruction at an address, its operand as it stands."""
        return Instruction(address, self.opcode, self.operand, self.m, self.x)

    @property
    def meaning(self) -> tuple[int, int, int | None, int, int]:
        """Return what makes two lines the same instruction."""
        return self.opcode.code, self.operand, self.aim, self.m, self.x


def changed(line: Line, mnemonic: str, mode: str, operand: int) -> Line | None:
    """Return the line with another instruction; None where the CPU has none."""
    row = find(mnemonic, mode)  # type: ignore[arg-type]  # a mode that does not exist is not found
    return None if row is None else line._replace(opcode=row, operand=operand, aim=None)
