"""The tool that says in plain words what bytes do, instruction by instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from knowledge.m65816.program import Program
from schemas.frozen import Frozen
from servers.asar.source import EntryText, Source, gather
from servers.asar.state import begin_of
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.explain import Explanation
    from knowledge.m65816.flow_state import State
    from schemas.contract import Contract

__all__ = ["offer_explaining", "state_of"]

_BARE = re.compile(r"(?!\s*d[bB]\s+\$)(?:\s*\$?[0-9A-Fa-f]{1,2}:?[0-9A-Fa-f]{4}\s*:)?(?:0[xX]|[\s,$0-9A-Fa-f])+")
"""Bytes in hexadecimal, with their address or without; `db $A9` is code."""
_MOST = 20_000
"""Instructions that one call looks at."""


class Explained(Frozen):
    """One instruction in words."""

    address: str
    bytes: str
    mnemonic: str
    meaning: str
    flags: str
    operand: str = Field(description="what the operand is, by its addressing mode")
    cycles: str
    registers: list[str] = Field(default=[], description="hardware registers that it touches")
    notes: list[str] = []
    text: str = Field(description="all of it as text")


class Explanations(Frozen):
    """What `explain_bytes` returns."""

    asar_version: str
    instructions: list[Explained]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    rest: str = Field(default="", description="what could not be decoded at the end")

    def as_text(self) -> str:
        """Say all that the fields say."""
        lines = [item.text for item in self.instructions]
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        lines.append(f"{len(lines)} of {self.total} instructions from {self.offset}{more}; asar {self.asar_version}")
        return "\n\n".join([*lines, self.rest] if self.rest else lines)


def state_of(contract: Contract) -> State:
    """Return what a contract says of the entry, for an analysis."""
    from knowledge.m65816.flow_state import State

    flags = {} if contract.decimal is None else {"d": int(contract.decimal)}
    known = State(m=contract.m, x=contract.x, e=contract.e, d=contract.d, db=contract.db)
    return known.with_flags(**flags)


class _Rest(Exception):
    """The bytes end within an instruction; the text says where."""


def _explained(program: Program, entry: State, symbols: dict[int, str]) -> Iterator[Explanation]:
    """Explain all bytes of a program, in widths that follow the flow; where it does not come, in the last ones."""
    from knowledge.m65816.explain import explain
    from knowledge.m65816.flow import Entry, analyse
    from knowledge.m65816.instruction import Truncated, decode

    nodes = analyse(program, [Entry(program.start, entry)]).nodes
    for block in program.blocks:
        place, end, state = block.address, block.address + len(block.data), entry
        while place < end:
            node = nodes.get(place)
            state = node.state if node else state
            m, x = (node.instruction.m, node.instruction.x) if node else (state.m or 0, state.x or 0)
            try:
                instruction = decode(block.data[place - block.address :][:4], place, m=m, x=x)
            except Truncated as error:
                raise _Rest(str(error)) from error
            yield explain(instruction, state=state, symbols=symbols, mapper=program.mapper)
            place += instruction.size


def _shown(item: Explanation) -> Explained:
    cycles = item.cycles
    span = str(cycles.low) if cycles.low == cycles.high else f"{cycles.low} to {cycles.high}"
    return Explained(
        address=f"${item.address:06X}",
        bytes=item.data.hex(" ").upper(),
        mnemonic=item.mnemonic,
        meaning=item.sentence,
        flags=item.flags,
        operand=item.mode,
        cycles=span + (f" ({', '.join(cycles.reasons)})" if cycles.reasons else ""),
        registers=list(item.registers),
        notes=list(item.notes),
        text=str(item),
    )


def _page(source: Source, entry: State, *, offset: int, limit: int) -> Explanations:
    symbols = {place: name for name, place in source.listing.labels.items()}
    items: list[Explanation] = []
    rest = ""
    try:
        for item in _explained(source.program, entry, symbols):
            items.append(item)
            if len(items) == _MOST:
                rest = f"only the first {_MOST} instructions were looked at"
                break
    except _Rest as error:
        rest = f"not decoded: {error}"
    page = page_of(items, offset=offset, limit=limit, weigh=lambda item: 2 * len(str(item)) + 200)
    return Explanations(
        asar_version=source.asar_version,
        instructions=[_shown(item) for item in page.items],
        total=len(items),
        offset=offset,
        next_offset=page.next_offset,
        rest=rest,
    )


def offer_explaining(face: Face, settings: Settings) -> None:
    """Offer `explain_bytes`."""

    @face.offer(READS, title="Explain 65816 bytes")
    async def explain_bytes(
        bytes: Annotated[
            str,
            Field(description="bytes in hexadecimal, A9 00 6B; or code as run_code takes it: rom: game.sfc $008000 64"),
        ],
        entry: EntryText = "",
        offset: Annotated[int, Field(ge=0, description="instructions to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=40, description="most instructions, 1 to 40")] = 20,
    ) -> Explanations:
        """Explain 65816 bytes (or code) in plain words: what each instruction does, flags, operand, exact cycles.

        Say in entry whether A and the index registers are 8 or 16 bits wide at the start (m8 x8 unless you say so).
        """
        begin = begin_of(entry)
        source = await gather(f"hex: {bytes}" if _BARE.fullmatch(bytes) else bytes, settings, start=begin.start)
        return _page(source, state_of(begin.contract), offset=offset, limit=limit)
