"""Where the bytes of a program and the memories of the console lie: page tables, code ranges and mirrors.

SRAM has the size that the header gives, else 32 KiB, and is mirrored over its area; the map itself is that of
`knowledge.snes.memory_map`.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from knowledge.m65816.flow_code import Code
from knowledge.m65816.memory import HARDWARE, PAGE, PAGES, ROM, SRAM, WRAM
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Block, Program
from knowledge.snes.mapping import MAPPERS, Mapper, pc_offset
from knowledge.snes.memory_map import clocks, region, sram_address

__all__ = ["ROM_LIMIT", "Layout", "Piece", "access_clocks", "check_program", "lay_out"]

ROM_LIMIT = 0x1000000
"""Bytes of ROM, at most."""

_DEFAULT_SRAM = 0x8000
_SRAM_LIMIT = 0x80000


class Piece(NamedTuple):
    """Bytes at an offset of the storage."""

    offset: int
    data: bytes


class Layout(NamedTuple):
    """How the address space of a program is laid out over the storage."""

    storage: int
    """Bytes of storage."""
    reads: list[int]
    writes: list[int]
    """Storage offset by page, or HARDWARE."""
    rom: tuple[Piece, ...]
    """What lies in ROM."""
    ram: tuple[Piece, ...]
    """Blocks in WRAM and SRAM: there at the start of each run."""
    gaps: tuple[tuple[int, int], ...]
    """(offset, size) of bytes that share a ROM page with a block but belong to none."""
    code: tuple[tuple[int, int], ...]
    """(first address, address behind the last) of all that may be executed, mirrors included."""
    sram: int
    """Bytes of SRAM."""
    mapper: Mapper

    def offset(self, address: int) -> int:
        """Return where an address lies in WRAM or SRAM; -1 where it is neither."""
        offset = self.writes[address // PAGE]
        return offset if offset < 0 else offset + address % PAGE

    def address(self, offset: int) -> int:
        """Return the first address of a byte of WRAM or SRAM."""
        if offset < SRAM:
            return 0x7E0000 | offset
        address = sram_address(offset - SRAM, self.mapper)
        assert address is not None  # what the layout shows has an address
        return address


class _Plan(NamedTuple):
    """The pages of a mapper, whatever the program."""

    rom: dict[int, tuple[int, ...]]
    """Pages by their offset in the ROM file."""
    sram: dict[int, int]
    """Offset in SRAM, mirrors not folded, by page."""
    wram: dict[int, int]
    """Offset in WRAM by page."""


def access_clocks(page: int, *, fast: bool) -> int:
    """Return the master clocks of an access to a page: 6 or 8, or 0 for the page of $4000, which has 12 and 6."""
    address = page * PAGE
    if not address & 0x400000 and address & 0xE000 == 0x4000:
        return 0
    return clocks(address).fast if fast else clocks(address).slow


@lru_cache(maxsize=len(MAPPERS))
def _plan(mapper: Mapper) -> _Plan:
    rom: dict[int, list[int]] = {}
    sram: dict[int, int] = {}
    wram: dict[int, int] = {}
    for page in range(PAGES):
        area, offset = region(page * PAGE, mapper)
        if (
            mapper == "norom"
        ):  # it says where bytes lie in the file alone: work RAM and registers are there all the same
            plain = region(page * PAGE, "lorom")
            area, offset = plain if plain.area == "wram" else (area, offset)
        if area == "wram":
            wram[page] = offset
        elif not page * PAGE & 0x400000 and page * PAGE & 0xFFFF < 0x6000:
            continue  # registers
        elif area == "rom":
            rom.setdefault(offset, []).append(page)
        elif area == "sram":
            sram[page] = offset
    return _Plan({offset: tuple(pages) for offset, pages in rom.items()}, sram, wram)


@lru_cache(maxsize=16)
def _ram_pages(mapper: Mapper, sram: int) -> tuple[int, ...]:
    """Return the page table with WRAM and SRAM alone."""
    plan = _plan(mapper)
    pages = [HARDWARE] * PAGES
    for page, offset in plan.wram.items():
        pages[page] = WRAM + offset
    if sram:
        for page, offset in plan.sram.items():
            pages[page] = SRAM + offset % sram
    return tuple(pages)


def _sram_size(program: Program) -> int:
    """Return the bytes of SRAM: by the header where there is one with a checksum and its complement."""
    if program.mapper not in ("lorom", "hirom", "exlorom", "exhirom"):
        return _DEFAULT_SRAM
    header = pc_offset(0x00FFC0, program.mapper)
    data = program.rom[header : header + 0x20] if header is not None else b""
    words = [int.from_bytes(data[at : at + 2], "little") for at in (0x1C, 0x1E)]
    if len(data) < 0x20 or words[0] ^ words[1] != 0xFFFF or data[0x18] > 9:
        return _DEFAULT_SRAM
    return min(_SRAM_LIMIT, max(PAGE, 0x400 << data[0x18])) if data[0x18] else 0


def _mirror(offset: int, size: int) -> int:
    """Return where an offset behind the end of a ROM shows up in it: each missing address line folds it down."""
    folded, mask = 0, 1 << 23
    while offset >= size:
        while not offset & mask:
            mask >>= 1
        offset -= mask
        if size > mask:
            size -= mask
            folded += mask
        mask >>= 1
    return folded + offset


def _pieces(block: Block) -> Iterator[Block]:
    """Yield a block cut where pages end."""
    address, data = block
    while data:
        room = PAGE - address % PAGE
        yield Block(address, data[:room])
        address, data = address + room, data[room:]


def check_program(program: Program, entries: Iterable[int] = ()) -> None:
    """Raise CodeError for a program that cannot be, without laying it out.

    That is one with an unknown mapper, without bytes, with a block outside the address space or across a bank; or with
    an entry, its own or one of `entries` (SNES addresses), where neither a block nor the ROM has a byte.
    """
    if program.mapper not in MAPPERS:
        raise CodeError(f"no mapper named {program.mapper!r}; use one of {', '.join(MAPPERS)}")
    if not any(block.data for block in program.blocks):
        raise CodeError("the program has no bytes; give code to run")
    for address, data in program.blocks:
        if not 0 <= address <= 0xFFFFFF:
            raise CodeError(f"a block lies at {address:#x}, which is no SNES address; use $000000 to $FFFFFF")
        if (address & 0xFFFF) + len(data) > 0x10000:
            raise CodeError(
                f"the block at ${address:06X} ({len(data)} bytes) crosses the end of its bank; split it there"
            )
    wanted = {*entries} | ({program.entry} - {-1})
    code = Code(program, whole_rom=True) if wanted else None
    for entry in sorted(wanted):
        if not 0 <= entry <= 0xFFFFFF:
            raise CodeError(f"the entry {entry:#x} is no SNES address; use $000000 to $FFFFFF")
        if code is not None and not code.has(entry):
            raise CodeError(f"the entry ${entry:06X} lies in none of the blocks; start at an address that has code")


def _reject_overlaps(pieces: Iterable[tuple[int, int, int]]) -> None:
    """Raise when two of (offset, size, address) cover the same byte."""
    for (offset, size, first), (behind, _, second) in pairwise(sorted(pieces)):
        if behind < offset + size:
            raise CodeError(f"the blocks at ${first:06X} and ${second:06X} cover the same bytes; move one of them")


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ranges in order, those that touch joined within their bank."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1] and start & 0xFFFF:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return tuple(out)


class _Builder:
    """Lays one program out."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.plan = _plan(program.mapper)
        self.sram = _sram_size(program)
        self.writes = list(_ram_pages(program.mapper, self.sram))
        self.reads = self.writes.copy()
        self.rom: list[Piece] = []
        self.ram: list[Piece] = []
        self.ranges: list[tuple[int, int]] = []
        self.spans: list[tuple[int, int, int]] = []
        self.end = ROM

    def show_whole(self, size: int) -> None:
        """Show a ROM of `size` bytes in all its mirrors, all of it code."""
        self.end = ROM + size
        for offset, pages in self.plan.rom.items():
            for page in pages:
                self.reads[page] = ROM + _mirror(offset, size)
                self.ranges.append((page * PAGE, page * PAGE + PAGE))

    def show_page(self, offset: int) -> int:
        """Show one page of a ROM of which only blocks are known; return where it lies in the storage."""
        pages = self.plan.rom[offset]
        if self.reads[pages[0]] == HARDWARE:
            for page in pages:
                self.reads[page] = self.end
            self.end += PAGE
        return self.reads[pages[0]]

    def place(self, piece: Block) -> None:
        """Put a piece of a block where it belongs."""
        address, data = piece
        page, low = divmod(address, PAGE)
        if self.writes[page] != HARDWARE:
            target = self.writes[page]
            self.ram.append(Piece(target + low, data))
            pages: Iterable[int] = (at for at, offset in enumerate(self.writes) if offset == target)
        else:
            offset = pc_offset(address - low, self.program.mapper)
            if offset is None or offset not in self.plan.rom or page not in self.plan.rom[offset]:
                raise CodeError(
                    f"${address:06X} is neither ROM nor RAM in {self.program.mapper}; "
                    "put the code at a ROM address such as $008000, or in WRAM at $7E0000-$7FFFFF"
                )
            pages = self.plan.rom[offset]
            target = self.reads[page] if self.program.rom else self.show_page(offset)
            self.rom.append(Piece(target + low, data))
        self.spans.append((target + low, len(data), address))
        self.ranges += ((at * PAGE + low, at * PAGE + low + len(data)) for at in pages)

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the bytes of ROM pages that no block covers."""
        if self.program.rom:
            return ()
        found: list[tuple[int, int]] = []
        at = ROM
        for offset, data in sorted(self.rom):
            if offset > at:
                found.append((at, offset - at))
            at = offset + len(data)
        if self.end > at:
            found.append((at, self.end - at))
        return tuple(found)


def _rom_size(program: Program) -> int:
    """Return the bytes of the ROM with all its blocks, in whole pages."""
    size = len(program.rom)
    for block in program.blocks:
        in_rom = block.address & 0xFE0000 != 0x7E0000 and bool(block.address & 0x408000)
        offset = pc_offset(block.address, program.mapper) if in_rom else None
        if offset is not None:
            size = max(size, offset + len(block.data))
    size = -(-size // PAGE) * PAGE
    if size > ROM_LIMIT:
        raise CodeError(f"the ROM has {size:,} bytes; the limit is {ROM_LIMIT:,}")
    return size


def lay_out(program: Program) -> Layout:
    """Return where everything lies.

    Raises CodeError for what `check_program` refuses, a block outside ROM and RAM, and blocks that overlap.
    """
    check_program(program)
    builder = _Builder(program)
    if program.rom:
        builder.show_whole(_rom_size(program))
        builder.rom.append(Piece(ROM, program.rom))
    for block in program.blocks:
        for piece in _pieces(block):
            builder.place(piece)
    _reject_overlaps(builder.spans)
    return Layout(
        builder.end,
        builder.reads,
        builder.writes,
        tuple(builder.rom),
        tuple(builder.ram),
        builder.gaps(),
        _merged(builder.ranges),
        builder.sram,
        program.mapper,
    )
