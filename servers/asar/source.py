"""Where the code of a call comes from: assembly text, a patch file, bytes in hexadecimal, or a range of a ROM."""

import re
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from knowledge.m65816.program import Block, Listing, Program
from knowledge.snes.addresses import AddressError, translate
from knowledge.snes.mapping import Mapper, pc_offset
from servers.machine.asar import Assembly, asar_version, assemble_code, assemble_program, find_asar
from servers.machine.asar_files import patch_program
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.rom_file import read_rom
from servers.settings import Settings

__all__ = [
    "Asked",
    "CodeText",
    "EntryText",
    "FileName",
    "HexBytes",
    "MapperName",
    "PlaceOf",
    "RomName",
    "Source",
    "StartAt",
    "address_of",
    "assembled",
    "checked",
    "from_bytes",
    "from_rom",
    "gather",
    "said_version",
    "source_of",
]

MapperName = Annotated[
    Literal["lorom", "hirom", "exlorom", "exhirom", "sa1rom"],
    Field(description="memory map of the ROM; ALTTP is lorom"),
]
CodeText = Annotated[str, Field(description="asar source text, one instruction per line")]
FileName = Annotated[str, Field(description="instead of code: a patch file, relative to the project folder")]
HexBytes = Annotated[str, Field(description="instead of code: its bytes in hexadecimal, e.g. A9 00 6B")]
RomName = Annotated[str, Field(description="instead of code: a ROM file, relative to the project folder")]
PlaceOf = Annotated[str, Field(description="SNES address of the first byte, for hex and rom")]
StartAt = Annotated[str, Field(description="label or address where it begins; empty: the first instruction")]
EntryText = Annotated[
    str,
    Field(
        max_length=200,
        description="state at entry: widths m8 or m16 and x8 or x16, direct page d=, data bank db=; "
        "e.g. m8 x16 d=$0000 db=$7E; default m8 x8 d=0 db=0",
    ),
]
_MOST_HEX = 65_536
_MOST_SHOWN = 5


class Source(NamedTuple):
    """Code as bytes at addresses, with its text beside it where there was one."""

    program: Program
    listing: Listing
    asar_version: str


async def said_version(settings: Settings) -> str:
    """Return the version of the asar in use, or why there is none: each result says it."""
    try:
        return await asar_version(find_asar(settings))
    except ServerError:
        return "none found (run afs fetch asar)"


async def assembled(
    code: str, settings: Settings, *, mapper: Mapper = "lorom", start: str = "", what: str = "code"
) -> Source:
    """Assemble text for an analysis. Raises ServerError with asar's first diagnostics when it does not assemble."""
    return source_of(checked(await assemble_code(code, settings, mapper=mapper), what), start=start)


def checked(assembly: Assembly, what: str) -> Assembly:
    """Return an assembly that came to bytes. Raises ServerError with asar's first diagnostics when it did not."""
    if not assembly.ok:
        lines = [_said(assembly, number) for number in range(min(_MOST_SHOWN, len(assembly.diagnostics)))]
        raise ServerError(f"the {what} does not assemble with asar {assembly.asar_version}; " + "; ".join(lines))
    if not assembly.size:
        raise ServerError(f"the {what} makes no bytes; send at least one instruction")
    return assembly


def _said(assembly: Assembly, number: int) -> str:
    item = assembly.diagnostics[number]
    step = f" -> {item.next_step}" if item.next_step else ""
    return f"{item.file}:{item.line}: {item.code}: {item.message}{step}"


class Asked(NamedTuple):
    """The code of a call, as its arguments name it; just one of the first four is given."""

    code: str = ""
    file: str = ""
    hex: str = ""
    rom: str = ""
    address: str = "$008000"
    size: int = 0x8000
    """Bytes of the ROM to take at most."""
    start: str = ""
    mapper: Mapper = "lorom"


async def gather(asked: Asked, settings: Settings) -> Source:
    """Return the code that a call is about. Raises ServerError with the next step."""
    given = [name for name in ("code", "file", "hex", "rom") if getattr(asked, name).strip()]
    if len(given) != 1:
        said = f"{' and '.join(given)} are given" if given else "none is given"
        raise ServerError(f"give one of code, file, hex or rom; {said}")
    if asked.code.strip():
        return await assembled(asked.code, settings, mapper=asked.mapper, start=asked.start)
    if asked.file:
        with Root(settings.project_root) as root:
            patch = patch_program(root, asked.file, mapper=asked.mapper)
        return source_of(checked(await assemble_program(patch, settings), "patch"), start=asked.start)
    if asked.hex.strip():
        program = from_bytes(asked.hex, address=asked.address, mapper=asked.mapper)
    else:
        with Root(settings.project_root) as root:
            program = from_rom(root, asked.rom, address=asked.address, size=asked.size, mapper=asked.mapper)
    if asked.start:
        program = replace(program, entry=address_of(asked.start, asked.mapper))
    return Source(program, Listing(), await said_version(settings))


def source_of(assembly: Assembly, *, start: str = "", rom: bytes = b"") -> Source:
    """Return an assembly as a program that begins at `start` (a label or an address), else at its first line."""
    blocks = tuple(Block(block.address, block.data) for block in assembly.blocks)
    listing = assembly.listing()
    entry = _entry(assembly, start) if start else _first(listing)
    program = Program(blocks, assembly.mapper, entry, rom=rom)
    return Source(program, listing, assembly.asar_version)


def _first(listing: Listing) -> int:
    """Return where the first line that wrote anything did so; -1: the first block."""
    return next((line.address for line in listing.lines if line.address >= 0), -1)


def _entry(assembly: Assembly, start: str) -> int:
    if start in assembly.symbols:
        return assembly.symbols[start]
    try:
        return address_of(start, assembly.mapper)
    except ServerError as error:
        some = ", ".join(list(assembly.symbols)[:8]) or "none"
        raise ServerError(f"start: no label of the code ({some}), and {error}") from error


def from_bytes(text: str, *, address: str = "$008000", mapper: Mapper = "lorom") -> Program:
    """Return bytes written in hexadecimal (`A9 00 6B`, `$A9,$00`, `a9006b`) as a program. Raises ServerError."""
    digits = re.sub(r"(?:0x|\$|[\s,;])", "", text, flags=re.IGNORECASE)
    if not digits:
        raise ServerError("there are no bytes; send them in hexadecimal, e.g. A9 00 6B")
    if len(digits) > 2 * _MOST_HEX:
        raise ServerError(f"more than {_MOST_HEX} bytes; send fewer")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        raise ServerError(f"{show(text[:60])} is not hexadecimal in pairs of digits, e.g. A9 00 6B") from None
    return Program((Block(address_of(address, mapper), data),), mapper)


def from_rom(root: Root, rom: str, *, address: str, size: int, mapper: Mapper) -> Program:
    """Return a range of a ROM file as a program over that ROM. Raises ServerError."""
    image = read_rom(root, rom).data
    first = address_of(address, mapper)
    offset = pc_offset(first, mapper)
    if offset is None or offset >= len(image):
        raise ServerError(f"${first:06X} is not in this ROM ({len(image)} bytes, {mapper}); call translate_address")
    bank = 0x8000 if mapper in ("lorom", "exlorom", "sa1rom") else 0x10000
    room = bank - offset % bank
    return Program((Block(first, image[offset : offset + min(size, room)]),), mapper, rom=image)


def address_of(text: str, mapper: Mapper) -> int:
    """Return the SNES address that a text spells (`$008000`, `00:8000`, `pc:0x0`). Raises ServerError."""
    try:
        return translate(text, mapper).given
    except AddressError as error:
        raise ServerError(str(error)) from error
