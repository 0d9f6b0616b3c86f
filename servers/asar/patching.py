"""The tool that assembles code and patches, and writes no file."""

from typing import Annotated

from pydantic import Field

from servers.asar.source import MapperName, assembly_of, rom_bytes
from servers.machine.asar_report import Assembled, report
from servers.machine.face import READS, Face
from servers.settings import Settings

__all__ = ["offer_assembling"]

_Code = Annotated[
    str,
    Field(
        description="asar source text, one instruction per line, at most 262,144 bytes; or a patch of the project, "
        "`file: patches/main.asm`"
    ),
]
_Include = Annotated[
    list[str], Field(max_length=16, description="folders of the project whose files the patch may include by name")
]


def offer_assembling(face: Face, settings: Settings) -> None:
    """Offer `assemble`, which writes no file."""

    @face.offer(READS, title="Assemble 65816 code")
    async def assemble(
        code: _Code,
        mapper: MapperName = "lorom",
        offset: Annotated[int, Field(ge=0, description="bytes to skip (0 or more), for the next page")] = 0,
        limit: Annotated[int, Field(ge=1, le=4096, description="most bytes to show, 1 to 4096")] = 4096,
        find_symbol: Annotated[str, Field(max_length=100, description="show only labels that contain this")] = "",
        include: _Include = [],  # noqa: B006  # read only; a default that pydantic copies
        rom: Annotated[str, Field(description="assemble onto this ROM of the project; the file is not changed")] = "",
    ) -> Assembled:
        """Assemble 65816 code with asar and return the exact bytes, or the errors with what to do about them.

        Start the code with its address, for example `org $008000`; without one it goes to $008000. Returns the bytes
        by SNES address, labels, size, CRC-32, printed text and diagnostics. Failed code is a normal result with
        ok=false: correct it as each next_step says and call again. No file is changed; code can't include files, a
        patch file of the project can (those beside it). To change a ROM call apply_patch.
        """
        image = b""
        if rom:
            image = rom_bytes(settings, rom)
        assembly = await assembly_of(code, settings, mapper=mapper, include=tuple(include), rom=image)
        return report(assembly, offset=offset, limit=limit, find=find_symbol)
