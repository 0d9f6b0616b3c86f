"""The alttp server: facts about A Link to the Past and the SNES, each with ROM version and sources."""

from typing import Annotated

from pydantic import Field

from schemas.fact import AskedKind, Lookup
from servers.machine.face import READS, Face
from servers.settings import Settings, version

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "Facts about The Legend of Zelda: A Link to the Past and SNES hardware. Call alttp_lookup before you "
    "state a RAM address, a routine, a register, or a sprite, item or room id: answer only with what it "
    "returns, and name the ROM version it gives. The first line of a result is the answer; candidates are not."
)

_QUERY = (
    "an address ($7EF36D, F36D, $2100, $00:8000, pc:0x0), a name from any disassembly (INIDISP, "
    "link_health_current), an id (sprite 0x41, room 0x012, item 0x0B, overworld 0x18) or a plain question; "
    "at most 500 characters"
)


def build(settings: Settings) -> Face:
    """Build the server; the tables are read on the first call."""
    del settings  # the tables come with the package
    face = Face("alttp", title="ALTTP and SNES facts", instructions=_INSTRUCTIONS, version=version())

    @face.offer(READS, title="Look up an ALTTP or SNES fact")
    def alttp_lookup(
        query: Annotated[str, Field(description=_QUERY)],
        kind: Annotated[AskedKind, Field(description="look among facts of this kind first")] = "any",
        limit: Annotated[int, Field(ge=1, le=20, description="rows to return, 1 to 20")] = 5,
        offset: Annotated[int, Field(ge=0, le=1000, description="rows to skip, 0 to 1000, for the next page")] = 0,
    ) -> Lookup:
        """Find a fact about A Link to the Past or the SNES: RAM address, routine, register, sprite, item, room.

        Ask with an address, a name, an id or a plain question such as "Link's current health" or "which
        register turns on DMA". The first line of the result is the answer, with its ROM version; then bit
        fields, other names and other candidates. When nothing matches, or several rows match equally well, it
        says so.
        """
        from knowledge.alttp.lookup import lookup

        return lookup(query, kind, limit=limit, offset=offset)

    return face


def main() -> None:
    """Serve on stdio."""
    build(Settings.from_environment()).run()


if __name__ == "__main__":
    main()
