"""The tool that turns bytes into asar's syntax, following M and X, and has asar prove the text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import anyio.to_thread
from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.explaining import state_of
from servers.asar.source import CodeText, EntryText, Source, gather
from servers.asar.state import begin_of
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.machine.symbol_file import read_table
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.flow_state import State

__all__ = ["offer_disassembling"]

_MOST_NOTES = 8


class Disassembled(Frozen):
    """What `disassemble` returns."""

    asar_version: str
    lines: list[str] = Field(description="lines of asar source; each has its address, bytes and widths in a comment")
    total: int = Field(description="lines in all")
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    instructions: int
    data_bytes: int = Field(description="bytes that no path reaches, written as db")
    same_bytes: str = Field(description="whether asar makes the same bytes from the text: yes, no, or why not asked")
    notes: list[str] = []

    def as_text(self) -> str:
        """Return the source behind a line about it."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        size = f"{self.instructions} instructions, {self.data_bytes} bytes of data"
        head = f"{size}; lines from {self.offset} of {self.total}{more}"
        proof = f"asar {self.asar_version} makes the same bytes from the whole text: {self.same_bytes}"
        return "\n".join([head, proof, *(f"note: {text}" for text in self.notes), "", *self.lines])


async def _same_bytes(text: str, source: Source, settings: Settings) -> str:
    """Assemble the text again and say whether the same bytes come of it."""
    from servers.machine.asar import assemble_code

    try:
        assembly = await assemble_code(text, settings, mapper=source.program.mapper)
    except ServerError as error:
        return f"not asked: {error}"
    if not assembly.ok:
        return f"no: {assembly.diagnostics[0].message}" if assembly.diagnostics else "no"
    made = [block.data for block in assembly.blocks]
    return "yes" if b"".join(made) == b"".join(block.data for block in source.program.blocks) else "no"


async def _disassembled(
    source: Source, state: State, names: dict[str, int], settings: Settings, *, offset: int, limit: int
) -> Disassembled:
    from knowledge.m65816.disassemble import disassemble
    from knowledge.m65816.flow import Entry

    entries = [Entry(source.program.start, state)]
    found = await anyio.to_thread.run_sync(partial(disassemble, source.program, entries, names=names))
    lines = found.source(columns=True).split("\n")
    page = page_of(lines, offset=offset, limit=limit, weigh=len)
    notes = [f"${item.address:06X}: bytes are read in two ways" for item in found.flow.conflicts[:_MOST_NOTES]]
    notes += [f"${item.address:06X}: {item.text}" for item in found.flow.assumptions[:_MOST_NOTES]]
    return Disassembled(
        asar_version=source.asar_version,
        lines=list(page.items),
        total=len(lines),
        offset=offset,
        next_offset=page.next_offset,
        instructions=sum(line.instruction is not None for line in found.lines),
        data_bytes=sum(len(line.data) for line in found.lines if line.instruction is None),
        same_bytes=await _same_bytes(found.source(), source, settings),
        notes=notes,
    )


def offer_disassembling(face: Face, settings: Settings) -> None:
    """Offer `disassemble`."""

    @face.offer(READS, title="Disassemble 65816 code")
    async def disassemble(
        code: CodeText,
        entry: EntryText = "",
        symbols: Annotated[str, Field(description="a symbol file of the project (WLA, no$sns, Mesen .mlb, asar)")] = "",
        offset: Annotated[int, Field(ge=0, description="lines to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=400, description="most lines, 1 to 400")] = 150,
    ) -> Disassembled:
        """Disassemble 65816 code into asar source, following the code and its M and X flags from the entry.

        Bytes that no path reaches are data (db). Say in entry whether A and the index registers are 8 or 16 bits wide
        at the start. The text assembles back to the same bytes, which asar is asked to prove.
        """
        begin = begin_of(entry)
        source = await gather(code, settings, start=begin.start)
        names = dict(source.listing.labels)
        if symbols:
            names |= (
                await anyio.to_thread.run_sync(read_table, settings.project_root, symbols, source.program.mapper)
            ).by_name
        state = state_of(begin.contract)
        return await _disassembled(source, state, names, settings, offset=offset, limit=limit)
