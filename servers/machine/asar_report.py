"""What a model is told of an assembly: the same facts as fields and as compact text, never above the limit."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from schemas.diagnostic import Diagnostic
from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.paging import END
from servers.machine.wire import clean, shorten

if TYPE_CHECKING:
    from servers.machine.asar import Assembly
    from servers.machine.asar_rom import Block

__all__ = ["MOST_BYTES", "Assembled", "BlockPart", "Symbol", "diagnostic_line", "report"]

MOST_BYTES = 4_096
"""Bytes of code that one result shows."""
_MOST_BLOCKS, _MOST_SYMBOLS, _MOST_PRINTS = 64, 64, 20
_MOST_ERRORS, _MOST_WARNINGS = 20, 8
_NAME, _PRINT, _MESSAGE = 60, 120, 300
_PER_LINE = 32


class BlockPart(Frozen):
    """Bytes at one address, or the part of them that this page shows."""

    address: str = Field(description="SNES address of the first byte, e.g. $008000")
    pc_offset: str = Field(description="offset in a headerless ROM file, e.g. 0x000000")
    size: int = Field(description="bytes here")
    hex: str = Field(description="the bytes, e.g. A9 00 6B")


class Symbol(Frozen):
    """A label and where it is."""

    name: str
    address: str


class Assembled(Frozen):
    """What `assemble` returns."""

    ok: bool
    asar_version: str
    mapper: str
    size: int = Field(description="bytes written in all, zeros included")
    blocks: list[BlockPart] = []
    offset: int = Field(default=0, description="bytes skipped before the first one shown")
    next_offset: int = Field(default=END, description="offset of the next page; -1 when there is none")
    symbols: list[Symbol] = []
    symbols_total: int = 0
    rom_checksum: str = Field(default="", description="CRC-32 of the blank ROM image with the code in it")
    prints: list[str] = Field(default=[], description="what the code printed")
    prints_total: int = 0
    diagnostics: list[Diagnostic] = []
    diagnostics_total: int = 0

    def as_text(self) -> str:
        """Say all that the fields say, in few words."""
        lines = [self._headline()]
        for block in self.blocks:
            lines += _hex_lines(block)
        if self.blocks:
            where = "; ".join(f"{block.address} = {block.pc_offset}, {block.size} bytes" for block in self.blocks)
            lines.append(f"offset in the ROM file: {where}")
        if self.next_offset != END or self.offset:
            last = self.next_offset == END
            more = "this is the last page" if last else f"call again with offset={self.next_offset}"
            lines.append(f"bytes shown from {self.offset} of {self.size}; {more}")
        if self.symbols_total:
            named = ", ".join(f"{symbol.name}={symbol.address}" for symbol in self.symbols)
            lines.append(f"symbols{_of(len(self.symbols), self.symbols_total)}: {named}")
        if self.rom_checksum:
            lines.append(f"CRC-32 of the ROM image: {self.rom_checksum}")
        if self.prints_total:
            lines.append(f"printed{_of(len(self.prints), self.prints_total)}:")
            lines += [f"  {text}" for text in self.prints]
        lines += [diagnostic_line(item) for item in self.diagnostics]
        if self.diagnostics_total > len(self.diagnostics):
            lines.append(f"{self.diagnostics_total - len(self.diagnostics)} more diagnostics; correct these first")
        return "\n".join(lines)

    def _headline(self) -> str:
        if self.ok:
            return f"assembled OK with asar {self.asar_version}: {self.size} bytes ({self.mapper})"
        return f"FAILED with asar {self.asar_version} ({self.mapper}): nothing was assembled"


def _of(shown: int, total: int) -> str:
    return f" ({shown} of {total})" if shown < total else ""


def _hex_lines(block: BlockPart) -> list[str]:
    values = block.hex.split()
    first = int(block.address[1:], 16)
    return [
        f"${first + start:06X}: {' '.join(values[start : start + _PER_LINE])}"
        for start in range(0, len(values), _PER_LINE)
    ]


def diagnostic_line(item: Diagnostic) -> str:
    """Return a diagnostic as one line, its next step at the end."""
    place = f"{item.file}:{item.line}: " if item.line else f"{item.file}: " if item.file else ""
    called = f" (called from {item.called_from})" if item.called_from else ""
    source = f" [{item.source}]" if item.source else ""
    step = f" -> {item.next_step}" if item.next_step else ""
    return f"{place}{item.severity} {item.code}{called}: {item.message}{source}{step}"


class _Page(NamedTuple):
    blocks: list[BlockPart]
    next_offset: int


def _page(blocks: "tuple[Block, ...]", offset: int, limit: int) -> _Page:
    parts: list[BlockPart] = []
    position, left = 0, limit
    for block in blocks:
        skip = max(0, offset - position)
        position += len(block.data)
        if skip >= len(block.data):
            continue
        if left == 0 or len(parts) == _MOST_BLOCKS:
            return _Page(parts, position - len(block.data))
        data = block.data[skip : skip + left]
        parts.append(
            BlockPart(
                address=f"${block.address + skip:06X}",
                pc_offset=f"0x{block.pc_offset + skip:06X}",
                size=len(data),
                hex=data.hex(" ").upper(),
            )
        )
        left -= len(data)
        if skip + len(data) < len(block.data):
            return _Page(parts, position - len(block.data) + skip + len(data))
    return _Page(parts, END)


def _symbols(symbols: dict[str, int], wanted: str) -> list[Symbol]:
    return [
        Symbol(name=shorten(clean(name), _NAME), address=f"${address:06X}")
        for name, address in symbols.items()
        if wanted.lower() in name.lower()
    ]


def _diagnostics(items: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    errors = [item for item in items if item.severity == "error"][:_MOST_ERRORS]
    warnings = [item for item in items if item.severity == "warning"]
    return [_bounded(item) for item in (*errors, *warnings[:_MOST_WARNINGS])]


def _bounded(item: Diagnostic) -> Diagnostic:
    return item.model_copy(
        update={
            "message": shorten(clean(item.message), _MESSAGE),
            "next_step": shorten(clean(item.next_step), _MESSAGE),
        }
    )


def report(assembly: "Assembly", *, offset: int = 0, limit: int = MOST_BYTES, find: str = "") -> Assembled:
    """Bring an assembly into the size of one result: `limit` bytes from `offset` on, symbols that contain `find`.

    Raises ServerError when `offset` is past the last byte.
    """
    if assembly.ok and offset and offset >= assembly.size:
        raise ServerError(f"offset {offset} is past the {assembly.size} bytes of code; call again with offset=0")
    page = _page(assembly.blocks, offset, limit)
    symbols = _symbols(assembly.symbols, find)
    prints = [shorten(clean(text), _PRINT) for text in assembly.prints[:_MOST_PRINTS]]
    return Assembled(
        ok=assembly.ok,
        asar_version=assembly.asar_version,
        mapper=assembly.mapper,
        size=assembly.size,
        blocks=page.blocks,
        offset=offset,
        next_offset=page.next_offset,
        symbols=symbols[:_MOST_SYMBOLS],
        symbols_total=len(symbols),
        rom_checksum=assembly.rom_crc32,
        prints=prints,
        prints_total=len(assembly.prints),
        diagnostics=_diagnostics(assembly.diagnostics),
        diagnostics_total=len(assembly.diagnostics),
    )
