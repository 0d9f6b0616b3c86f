"""The tools for places and their names: translate an address, turn one symbol file into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import anyio.to_thread
from pydantic import Field

from knowledge.snes.mapping import Mapper
from schemas.frozen import Frozen
from servers.asar.source import MapperName, assembly_of, checked, rom_bytes, said_version
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.machine.symbol_file import read_table
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.snes.addresses import Translation
    from knowledge.snes.symbol_table import SymbolTable
    from knowledge.snes.symbols import Format

__all__ = ["offer_addressing"]

_MOST_PROBLEMS = 20


class Translated(Frozen):
    """What `translate_address` returns."""

    asar_version: str
    asked: str
    mapper: str
    snes: str = Field(description="the SNES address that was asked for, e.g. $80FFC0")
    canonical: str = Field(description="the one SNES address that stands for all its mirrors")
    area: str = Field(description="wram, rom, sram, register, coprocessor or open_bus")
    area_offset: int = Field(description="byte within WRAM, ROM or SRAM; -1: none")
    mirrors: list[str] = Field(description="every place that shows the same byte, as bank ranges")
    pc_offset: str = Field(description="offset in the ROM file, e.g. 0x007FC0; empty: no ROM there")
    headered_offset: str = Field(description="the same with a 512-byte copier header")
    register_name: str = Field(description="the hardware register there; empty: none")
    clocks: int = Field(description="master clocks of one access")
    clocks_fast: int = Field(description="the same with FastROM on")
    notes: list[str] = []
    text: str = Field(description="all of it as text")

    def as_text(self) -> str:
        """Say all that the fields say."""
        return f"{self.text}\nasar {self.asar_version}"


class Converted(Frozen):
    """What `convert_symbols` returns."""

    asar_version: str
    format: str
    symbols: int = Field(description="symbols in all")
    lines: list[str] = Field(description="lines of the symbol file, from offset on")
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    problems: list[str] = Field(description="what could not be read, or not be said in the new format")

    def as_text(self) -> str:
        """Return the file's lines behind a line about them."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        head = f"{self.symbols} symbols in {self.format}, lines from {self.offset}{more} (asar {self.asar_version})"
        return "\n".join([head, *(f"problem: {text}" for text in self.problems), "", *self.lines])


def _hex(value: int | None) -> str:
    return "" if value is None else f"0x{value:06X}"


def _translated(found: Translation, version: str) -> Translated:
    return Translated(
        asar_version=version,
        asked=found.asked,
        mapper=found.mapper,
        snes=f"${found.given:06X}",
        canonical=f"${found.address:06X}",
        area=found.area,
        area_offset=found.area_offset,
        mirrors=[str(mirror) for mirror in found.mirrors],
        pc_offset=_hex(found.pc_offset),
        headered_offset=_hex(found.headered_offset),
        register_name=found.register,
        clocks=found.clocks.slow,
        clocks_fast=found.clocks.fast,
        notes=list(found.notes),
        text=str(found),
    )


class _Found(NamedTuple):
    """Symbols, and the memory map in which they lie."""

    table: SymbolTable
    mapper: Mapper


async def _table(settings: Settings, symbols: str, code: str, mapper: Mapper) -> _Found:
    """Return the symbols that a call is about; code may name its own memory map."""
    from knowledge.snes.symbol_table import Symbol, table_of

    if bool(symbols) == bool(code.strip()):
        raise ServerError("give one of symbols (a symbol file) and code")
    if symbols:
        return _Found(await anyio.to_thread.run_sync(read_table, settings.project_root, symbols, mapper), mapper)
    assembly = await assembly_of(code, settings, mapper=mapper)
    if not assembly.symbols:
        checked(assembly, "code")
        raise ServerError("the code has no labels; put one before a line, for example Main:")
    return _Found(table_of(Symbol(name, place) for name, place in assembly.symbols.items()), assembly.mapper)


def _converted(found: _Found, to: Format, version: str, *, offset: int, limit: int) -> Converted:
    from knowledge.snes.symbols import write_symbols

    table = found.table
    written = write_symbols(table, to, mapper=found.mapper)
    lines = written.text.removesuffix("\n").split("\n")
    page = page_of(lines, offset=offset, limit=limit, weigh=len)
    problems = [
        (f"line {item.line}: " if item.line else "") + item.message for item in (*table.problems, *written.problems)
    ]
    return Converted(
        asar_version=version,
        format=to,
        symbols=len(table.symbols),
        lines=list(page.items),
        offset=offset,
        next_offset=page.next_offset,
        problems=problems[:_MOST_PROBLEMS],
    )


def offer_addressing(face: Face, settings: Settings) -> None:
    """Offer `translate_address` and `convert_symbols`."""
    _offer_translating(face, settings)
    _offer_converting(face, settings)


def _rom_size(settings: Settings, rom: str) -> int:
    return len(rom_bytes(settings, rom))


def _offer_translating(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="Translate an address")
    async def translate_address(
        address: Annotated[
            str, Field(max_length=100, description="SNES address ($80FFC0, 00:8000) or file offset (pc:0x7FC0)")
        ],
        mapper: MapperName = "lorom",
        header: Annotated[
            Literal["no", "yes"], Field(description="yes: file offsets count a 512-byte copier header")
        ] = "no",
        rom: Annotated[str, Field(description="a ROM of the project, to check the address against its size")] = "",
    ) -> Translated:
        """Say where an address lies: SNES address to ROM file offset and back, mirrors, area, register, speed.

        For LoROM, HiROM, ExLoROM, ExHiROM and SA-1.
        """
        from knowledge.snes.addresses import AddressError, translate

        size = _rom_size(settings, rom) if rom else 0
        try:
            found = translate(address, mapper, header=header == "yes", size=size)
        except AddressError as error:
            raise ServerError(str(error)) from error
        return _translated(found, await said_version(settings))


def _offer_converting(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="Convert symbols")
    async def convert_symbols(
        to: Annotated[
            Literal["wla", "nocash", "mlb", "asar"],
            Field(description="wla, nocash (no$sns), mlb (Mesen, ROM offsets) or asar (defines)"),
        ],
        symbols: Annotated[str, Field(description="a symbol file of the project, in any of the formats")] = "",
        code: Annotated[str, Field(description="instead: asar source text, or a patch, `file: main.asm`")] = "",
        mapper: MapperName = "lorom",
        offset: Annotated[int, Field(ge=0, description="lines to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=1_000, description="most lines, 1 to 1000")] = 500,
    ) -> Converted:
        """Write the labels of code, of a patch or of a symbol file as a WLA, no$sns, Mesen or asar symbol file.

        Returns the text of the file; save it where the emulator looks for it (Mesen: beside the ROM, same name).
        """
        found = await _table(settings, symbols, code, mapper)
        return _converted(found, to, await said_version(settings), offset=offset, limit=limit)
