"""One instruction: bytes to meaning and back."""

from typing import NamedTuple

from knowledge.m65816.opcodes import OPCODES, Opcode

__all__ = ["Instruction", "Truncated", "decode", "encode", "relocate"]


class Truncated(ValueError):
    """The bytes end in the middle of an instruction."""


class Instruction(NamedTuple):
    """A decoded instruction at its place."""

    address: int
    """SNES address of the opcode byte, 24 bits."""
    opcode: Opcode
    operand: int
    """The operand's bytes read little-endian, as they stand: a branch's displacement is unsigned here."""
    m: int
    x: int
    """The widths it was decoded with (1: 8-bit); they say how long an immediate is."""

    @property
    def size(self) -> int:
        """Bytes, 1 to 4."""
        return self.opcode.length(self.m, self.x)

    @property
    def next(self) -> int:
        """SNES address behind it; the offset wraps within the bank, as PC does."""
        return self.address & 0xFF0000 | (self.address + self.size) & 0xFFFF

    @property
    def target(self) -> int | None:
        """SNES address that a branch, jump or call names; None when it is indirect or there is none."""
        mode, bank = self.opcode.mode, self.address & 0xFF0000
        if mode == "relative":
            return bank | (self.next + (self.operand ^ 0x80) - 0x80) & 0xFFFF
        if mode == "relative_long" and self.opcode.mnemonic != "PER":
            return bank | (self.next + self.operand) & 0xFFFF
        if self.opcode.access not in ("jump", "call"):
            return None
        if mode == "absolute":
            return bank | self.operand
        return self.operand if mode == "absolute_long" else None

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return encode(self)


def decode(data: bytes, address: int, *, m: int, x: int) -> Instruction:
    """Return the instruction at the start of `data`, decoded with the widths given.

    Raises Truncated when the bytes end before it does.
    """
    if not data:
        raise Truncated("no bytes at all")
    row = OPCODES[data[0]]
    size = row.length(m, x)
    if len(data) < size:
        raise Truncated(f"{row.mnemonic} at ${address:06X} needs {size} bytes, {len(data)} are there")
    return Instruction(address, row, int.from_bytes(data[1:size], "little"), m, x)


def encode(instruction: Instruction) -> bytes:
    """Return the bytes of an instruction."""
    size = instruction.size
    return bytes((instruction.opcode.code,)) + instruction.operand.to_bytes(size - 1, "little")


def relocate(instruction: Instruction, address: int, target: int) -> Instruction | None:
    """Return a relative branch moved to `address` and aimed at `target`; None when it cannot reach."""
    moved = instruction._replace(address=address)
    distance = (target - moved.next + 0x8000 & 0xFFFF) - 0x8000
    if moved.opcode.mode == "relative" and not -0x80 <= distance <= 0x7F:
        return None
    return moved._replace(operand=distance & (0xFF if moved.opcode.mode == "relative" else 0xFFFF))
