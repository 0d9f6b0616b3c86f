"""The memory that a CPU runs on: storage, page tables, and the face of what is not memory.

The 24-bit address space is 2,048 pages of 8 KiB. A page shows a part of `storage`, or it is hardware and asks `Io`.
Both CPUs, Python and WebAssembly, run on these same tables; the second keeps its storage in its own linear memory.
"""

from typing import Protocol

__all__ = ["HARDWARE", "PAGE", "PAGES", "ROM", "SRAM", "WRAM", "Io", "Memory"]

PAGE = 0x2000
"""Bytes a page."""
PAGES = 0x1000000 // PAGE
HARDWARE = -1
"""In a page table: not memory, ask `Io`."""

WRAM = 0
"""Where WRAM (128 KiB) lies in the storage."""
SRAM = 0x20000
"""Where SRAM lies in the storage, up to 512 KiB."""
ROM = 0xA0000
"""Where the ROM lies in the storage."""


class Io(Protocol):
    """All that is not plain memory: hardware registers, open bus, writes to ROM."""

    event: int
    """Master clock at which `poll` wants to be called next."""

    def read(self, address: int, clock: int, pc: int) -> int:
        """Return the byte that the CPU sees at a 24-bit address; `pc` is the instruction's own 24-bit address."""
        ...

    def write(self, address: int, value: int, clock: int, pc: int) -> int:
        """Take a byte; return the master clocks for which the CPU is held (DMA), usually 0."""
        ...

    def poll(self, clock: int) -> int:
        """Return what is pending and move `event` on: 1 NMI (an edge, told once), 2 IRQ (a level)."""
        ...


class Memory:
    """Page tables over a storage. `reads` and `writes` hold offsets into the storage, or HARDWARE."""

    def __init__(self, storage: memoryview) -> None:
        self.storage = storage
        self.reads = [HARDWARE] * PAGES
        self.writes = [HARDWARE] * PAGES
        self.clocks = [8] * PAGES
        """Master clocks of one access: 6 or 8; in the pages of $4000-$5FFF of banks $00-$3F and $80-$BF it is 12 below
        $4200 and 6 above, which the CPUs know by themselves when this says 0."""

    def show(self, page: int, offset: int, *, writable: bool) -> None:
        """Let a page show the storage at an offset, for reading or for both."""
        self.reads[page] = offset
        self.writes[page] = offset if writable else HARDWARE
