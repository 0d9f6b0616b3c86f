"""The tools that find a fact: by address, name, id or plain question, and by a part of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.fact import AskedKind, Lookup, Symbols
from servers.machine.face import READS, Face
from servers.machine.symbol_file import OwnSymbols

if TYPE_CHECKING:
    from servers.settings import Settings

__all__ = ["offer_looking_up"]

_QUERY = (
    "an address ($7EF36D, F36D, $2100, $00:8000, pc:0x0), a name of any disassembly (INIDISP, link_health_current), "
    "an id (sprite 0x41, room 0x012, module 0x07) or a plain question (what writes $7E0010); at most 500 characters"
)
_SymbolFile = Annotated[
    str, Field(description="a symbol file of your hack (.sym, .mlb, labels) in the project: its names win")
]


def offer_looking_up(face: Face, settings: Settings) -> None:
    """Offer `alttp_lookup` and `search_symbols`."""
    own = OwnSymbols(settings.project_root, settings.symbols)

    @face.offer(READS, title="Look up an ALTTP or SNES fact")
    def alttp_lookup(
        query: Annotated[str, Field(description=_QUERY)],
        kind: Annotated[AskedKind, Field(description="look among facts of this kind first")] = "any",
        symbols: _SymbolFile = "",
        limit: Annotated[int, Field(ge=1, le=20, description="rows to return, 1 to 20")] = 5,
        offset: Annotated[int, Field(ge=0, le=1000, description="rows to skip, 0 to 1000, for the next page")] = 0,
    ) -> Lookup:
        """Find a fact about A Link to the Past or the SNES: RAM, routine, register, sprite, item, room and more.

        Ask with an address, a name, an id or a plain question such as "Link's current health", "which register turns
        on DMA" or "what writes $7E0010". The first line of the result is the answer, with its ROM version; then bit
        fields, other names and other candidates. When nothing matches, or several rows match equally well, it says so.
        """
        from knowledge.alttp.lookup import lookup

        return lookup(query, kind, limit=limit, offset=offset, overlay=own.overlay(symbols))

    @face.offer(READS, title="Search names")
    def search_symbols(
        text: Annotated[str, Field(description="a part of a name, in any case; * and ? stand for any letters")],
        kind: Annotated[AskedKind, Field(description="only facts of this kind")] = "any",
        symbols: _SymbolFile = "",
        limit: Annotated[int, Field(ge=1, le=100, description="names to return, 1 to 100")] = 20,
        offset: Annotated[int, Field(ge=0, le=2000, description="names to skip, 0 to 2000, for the next page")] = 0,
    ) -> Symbols:
        """List the labels and names that have a text in them: Sprite_*Draw, hookshot, HP.

        Names of all disassemblies count; whole names come first, then beginnings.
        """
        from knowledge.alttp.lookup_symbols import search_symbols

        found = search_symbols(text, kind=kind, limit=limit, offset=offset, overlay=own.overlay(symbols))
        return found
