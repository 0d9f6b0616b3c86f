"""A program as bytes at addresses: what every analysis, run and comparison takes."""

from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.snes.mapping import Mapper

__all__ = ["Block", "Listing", "Program", "SourceLine", "snippet"]


class Block(NamedTuple):
    """Bytes one after another, within one bank."""

    address: int
    """SNES address of the first byte, 24 bits."""
    data: bytes


class SourceLine(NamedTuple):
    """One line of assembly text and where its bytes went."""

    file: str
    line: int
    """1-based."""
    text: str
    address: int
    """SNES address of the first byte that the line made; -1 when it made none."""


@dataclass(frozen=True)
class Listing:
    """The text of a program beside its addresses: for findings and counts by line."""

    lines: tuple[SourceLine, ...] = ()
    labels: dict[str, int] = field(default_factory=dict[str, int])
    """SNES address by label, sub-labels joined by `_` as asar writes them."""


@dataclass(frozen=True)
class Program:
    """Code and data at SNES addresses, in ROM or in RAM."""

    blocks: tuple[Block, ...]
    mapper: Mapper = "lorom"
    entry: int = -1
    """SNES address where it starts; -1: the first byte of the first block."""
    rom: bytes = b""
    """The ROM below the blocks, without copier header; empty: none, so that only the blocks are mapped."""
    fast_rom: bool = False
    """Whether ROM in banks $80-$FF is read in 6 clocks from the start ($420D bit 0)."""

    @property
    def start(self) -> int:
        """SNES address of the first instruction."""
        return self.entry if self.entry >= 0 or not self.blocks else self.blocks[0].address

    @property
    def size(self) -> int:
        """Bytes in the blocks."""
        return sum(len(block.data) for block in self.blocks)

    def byte(self, address: int) -> int | None:
        """Return the byte that a block holds at exactly this address; None outside the blocks."""
        for block in self.blocks:
            if block.address <= address < block.address + len(block.data):
                return block.data[address - block.address]
        return None


def snippet(data: bytes, *, address: int = 0x008000, mapper: Mapper = "lorom") -> Program:
    """Return a program of one block."""
    return Program((Block(address, data),), mapper)
