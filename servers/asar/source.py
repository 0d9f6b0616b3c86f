"""Where the code of a call comes from: assembly text, a patch file, bytes in hexadecimal, or a range of a ROM.

One argument says it: text is assembly; `hex: A9 00 6B` or `hex: $7E2000: A9 00 6B` are bytes; `rom: game.sfc $008000
64` is a part of a ROM of the project; `file: patches/main.asm` a patch of the project with what it includes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from knowledge.m65816.program import Block, Listing, Program
from knowledge.snes.mapping import MAPPERS, Mapper, pc_offset
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.settings import Settings

if TYPE_CHECKING:
    from servers.machine.asar import Assembly

    pass

__all__ = [
    "CodeText",
    "EntryText",
    "MapperName",
    "Source",
    "address_of",
    "assembly_of",
    "checked",
    "gather",
    "rom_bytes",
    "said_version",
    "source_of",
]

MapperName = Annotated[
    Literal["lorom", "hirom", "exlorom", "exhirom", "sa1rom"],
    Field(description="memory map of the ROM; ALTTP is lorom"),
]
CodeText = Annotated[
    str,
    Field(
        description="asar source text, one instruction per line; or bytes, `hex: $008000: A9 00 6B`; or a part of a ROM"
        " of the project, `rom: game.sfc $008000 64` (address, bytes); or a patch of the project, `file: main.asm`"
    ),
]
EntryText = Annotated[
    str,
    Field(
        max_length=200,
        description="state at entry: widths m8 or m16 and x8 or x16, direct page d=, data bank db=, start= a label or "
        "address; e.g. m8 x16 d=$0000 db=$7E; default m8 x8 d=0 db=0, from the first instruction",
    ),
]
_OTHER = re.compile(r"(hex|bytes|rom|file)[ \t]{0,8}:", re.IGNORECASE)
_PLACE = re.compile(r"\$?[0-9A-Fa-f]{1,2}:?[0-9A-Fa-f]{4}|\$[0-9A-Fa-f]+|pc:\S+", re.IGNORECASE)
_LONGEST_NAME = 5_000
_MOST_HEX = 65_536
_MOST_SHOWN = 5
_ROM_BYTES = 256


class Source(NamedTuple):
    """Code as bytes at addresses, with its text beside it where there was one."""

    program: Program
    listing: Listing
    asar_version: str
    text: str = ""
    """The assembly text, when it came as text."""


async def said_version(settings: Settings) -> str:
    """Return the version of the asar in use, or why there is none: each result says it."""
    from servers.machine.asar import asar_version, find_asar

    try:
        return await asar_version(find_asar(settings))
    except ServerError:
        return "none found (run afs fetch asar)"


async def gather(code: str, settings: Settings, *, start: str = "", what: str = "code") -> Source:
    """Return the code that an argument names. Raises ServerError with the next step."""
    kind, rest = _kind(code)
    if kind in ("text", "file"):
        assembly = checked(await assembly_of(code, settings), what)
        source = source_of(assembly, start=start, text=code if kind == "text" else "")
        return _started(source, start)
    program = _from_rom(rest, settings) if kind == "rom" else _from_bytes(rest)
    if start:
        program = replace(program, entry=address_of(start, program.mapper))
    return _started(Source(program, Listing(), await said_version(settings)), start)


def _started(source: Source, start: str) -> Source:
    """Return code that begins where it should. Raises ServerError when it has nothing there."""
    place, blocks = source.program.start, source.program.blocks
    if start and not any(block.address <= place < block.address + len(block.data) for block in blocks):
        parts = ", ".join(f"${item.address:06X}-${item.address + len(item.data) - 1:06X}" for item in blocks[:4])
        raise ServerError(
            f"start=${place:06X} lies outside the code ({parts}); start at one of its addresses or labels"
        )
    return source


class _Kind(NamedTuple):
    name: str
    """text, hex, bytes, rom or file."""
    rest: str
    """What stands behind the name; of text, all of it."""


def _kind(code: str) -> _Kind:
    text = code.strip()
    match = _OTHER.match(text)
    if match is None:
        return _Kind("text", code)
    name, rest = match[1].lower(), text[match.end() :].strip()
    plain = "#" not in rest if name in ("hex", "bytes") else "\n" not in rest
    return _Kind(name, rest) if plain else _Kind("text", code)


async def assembly_of(
    code: str, settings: Settings, *, mapper: Mapper = "lorom", include: tuple[str, ...] = (), rom: bytes = b""
) -> Assembly:
    """Assemble text, or the patch that `file: main.asm` names, over a ROM or a blank one. Raises ServerError."""
    from servers.machine.asar import assemble_code, assemble_program
    from servers.machine.asar_files import patch_program
    from servers.machine.beneath import Root

    kind, rest = _kind(code)
    if kind not in ("text", "file"):
        raise ServerError(f"{kind}: is nothing to assemble; send assembly text, or file: and a patch of the project")
    if kind == "file":
        with Root(settings.project_root) as root:
            program = patch_program(root, rest, mapper=mapper, include=include, rom=rom)
        return await assemble_program(program, settings)
    return await assemble_code(code, settings, mapper=mapper, rom=rom)


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


def source_of(assembly: Assembly, *, start: str = "", text: str = "", rom: bytes = b"") -> Source:
    """Return an assembly as a program that begins at `start` (a label or an address), else at its first line."""
    blocks = tuple(Block(block.address, block.data) for block in assembly.blocks)
    listing = assembly.listing()
    entry = _entry(assembly, start) if start else _first(listing)
    return Source(Program(blocks, assembly.mapper, entry, rom=rom), listing, assembly.asar_version, text)


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


def _from_bytes(text: str) -> Program:
    """Read `A9 00 6B`, `$7E2000: A9,00` or `hirom $C08000: a9006b`."""
    said, text = _mapper_first(text)
    mapper = said or "lorom"
    place, colon, digits = text.rpartition(":")
    digits = re.sub(r"(?:0x|\$|[\s,;])", "", digits, flags=re.IGNORECASE)
    if not digits:
        raise ServerError("there are no bytes; send them in hexadecimal, e.g. hex: $008000: A9 00 6B")
    if len(digits) > 2 * _MOST_HEX:
        raise ServerError(f"more than {_MOST_HEX} bytes; send fewer")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        raise ServerError(f"{show(text[:60])} is not hexadecimal in pairs of digits, e.g. A9 00 6B") from None
    return Program((Block(address_of(place, mapper) if colon else 0x008000, data),), mapper)


def _mapper_first(text: str) -> tuple[Mapper | None, str]:
    word, _, rest = text.strip().partition(" ")
    for name in MAPPERS:
        if word.lower() == name:
            return name, rest  # type: ignore[return-value]  # MAPPERS are the values of Mapper
    return None, text


def rom_bytes(settings: Settings, path: str) -> bytes:
    """Return a ROM of the project, without copier header. Raises ServerError."""
    from servers.machine.beneath import Root
    from servers.machine.rom_file import read_rom

    with Root(settings.project_root) as root:
        return read_rom(root, path).data


def _from_rom(text: str, settings: Settings) -> Program:
    """Read `game.sfc $008000 64` or `hirom game.sfc $C08000`."""
    said, text = _mapper_first(text)
    part = _part(text)
    image = rom_bytes(settings, part.path)
    mapper = said or _mapper_of(image)
    first = address_of(part.place, mapper)
    offset = pc_offset(first, mapper)
    if offset is None or offset >= len(image):
        raise ServerError(f"${first:06X} is not in this ROM ({len(image)} bytes, {mapper}); call translate_address")
    bank = 0x8000 if mapper in ("lorom", "exlorom", "sa1rom") else 0x10000
    size = min(_size(part.size), bank - offset % bank)
    return Program((Block(first, image[offset : offset + size]),), mapper, rom=image)


def _mapper_of(image: bytes) -> Mapper:
    from knowledge.snes.header import find_mapper

    return find_mapper(image).mapper


class _Part(NamedTuple):
    path: str
    place: str
    size: str | None


def _part(text: str) -> _Part:
    """Read `game.sfc $008000 64`; the name may hold spaces, the size may be missing."""
    words = text[:_LONGEST_NAME].split()
    sized = len(words) > 2 and _PLACE.fullmatch(words[-2]) is not None
    if len(text) > _LONGEST_NAME or len(words) < 2 or not (sized or _PLACE.fullmatch(words[-1])):
        raise ServerError("say which part of the ROM: rom: game.sfc $008000 64 (file, address, bytes)")
    path, *rest = text.strip().rsplit(None, 2 if sized else 1)
    return _Part(path.strip("\"'"), rest[0], rest[1] if sized else None)


def _size(text: str | None) -> int:
    if text is None:
        return _ROM_BYTES
    try:
        size = int(text[1:], 16) if text.startswith("$") else int(text, 0)
    except ValueError:
        size = 0
    if not 0 < size <= _MOST_HEX:
        raise ServerError(f"{show(text[:40])} is no number of bytes from 1 to {_MOST_HEX}")
    return size


def address_of(text: str, mapper: Mapper) -> int:
    """Return the SNES address that a text spells (`$008000`, `00:8000`, `pc:0x0`). Raises ServerError."""
    from knowledge.snes.addresses import AddressError, translate

    try:
        return translate(text, mapper).given
    except AddressError as error:
        raise ServerError(str(error)) from error
