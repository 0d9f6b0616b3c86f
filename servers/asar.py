"""The asar server: 65816 assembly in, exact bytes or diagnostics with a next step out."""

from typing import Annotated, Literal

from pydantic import Field

from servers.machine.asar import assemble_code
from servers.machine.asar_report import Assembled, report
from servers.machine.face import READS, Face
from servers.settings import Settings, version

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "Assembles SNES 65816 code with asar. Use assemble to prove that code is right and to get its bytes; never guess "
    "bytes. Code is assembled on its own over a blank ROM: no file of the user is read or changed."
)


def build(settings: Settings) -> Face:
    """Build the server; nothing is read or started before the first call."""
    face = Face("asar", title="asar assembler", instructions=_INSTRUCTIONS, version=version())

    @face.offer(READS, title="Assemble 65816 code")
    async def assemble(
        code: Annotated[str, Field(description="asar source text, one instruction per line; at most 262,144 bytes")],
        mapper: Annotated[
            Literal["lorom", "hirom", "exlorom", "exhirom", "sa1rom"],
            Field(description="memory map of the ROM; ALTTP is lorom"),
        ] = "lorom",
        offset: Annotated[int, Field(ge=0, description="bytes to skip (0 or more), for the next page")] = 0,
        limit: Annotated[int, Field(ge=1, le=4096, description="most bytes to show, 1 to 4096")] = 4096,
        find_symbol: Annotated[str, Field(max_length=100, description="show only labels that contain this")] = "",
    ) -> Assembled:
        """Assemble 65816 code with asar and return the exact bytes, or the errors with what to do about them.

        Start the code with its address, for example `org $008000`; without one it goes to $008000. Returns the bytes
        by SNES address, labels, size, CRC-32, printed text and diagnostics. Failed code is a normal result with
        ok=false: correct it as each next_step says and call again. incbin and incsrc can't read files here.
        """
        assembly = await assemble_code(code, settings, mapper=mapper)
        return report(assembly, offset=offset, limit=limit, find=find_symbol)

    return face


def main() -> None:
    """Serve on stdio."""
    build(Settings.from_environment()).run()
