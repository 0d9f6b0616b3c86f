"""Patches brought onto a ROM in memory: assembled one after the other, and what they would do found out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from knowledge.m65816.program import Block, Program
from knowledge.snes.mapping import Mapper, snes_address
from servers.asar.source import address_of, assembly_of, checked
from servers.asar.state import begin_of
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.snes.patch_hooks import KnownCode
    from knowledge.snes.patch_report import PatchReport
    from schemas.contract import MemoryRange
    from servers.machine.asar import Assembly
    from servers.machine.rom_file import RomFile

__all__ = ["RomWork", "mended", "report_of", "work_of"]

_BANK = 0x8000
_FLOW_STEPS = 60_000


class RomWork(NamedTuple):
    """A ROM, and the patches assembled onto it one after the other."""

    rom: RomFile
    mapper: Mapper
    assemblies: tuple[Assembly, ...]
    names: tuple[str, ...]

    @property
    def image(self) -> bytes:
        """The ROM with all of them in it."""
        return _whole(self.assemblies[-1].image, self.rom.data)


def _whole(image: bytes, before: bytes) -> bytes:
    """Return a ROM that has grown, filled up to whole banks: by its size alone 512 more bytes are a copier header."""
    return image if len(image) == len(before) else image + bytes(-len(image) % _BANK)


def _changing(assembly: Assembly, what: str, before: bytes) -> Assembly:
    """Return what a patch came to. Raises ServerError when it does not assemble, or changes nothing."""
    if assembly.ok and not assembly.size:
        if len(assembly.image) != len(before):
            return assembly
        raise ServerError(
            f"the {what} changes nothing in this ROM: it writes no bytes, or just those that are there already; "
            "if it was applied before, undo_patch takes it out"
        )
    return checked(assembly, what)


async def work_of(
    settings: Settings, patches: list[str], *, rom: str, mapper: str, include: Sequence[str] = ()
) -> RomWork:
    """Assemble patches onto a ROM in their order. Raises ServerError when one does not assemble."""
    from knowledge.snes.header import find_mapper
    from servers.machine.beneath import Root
    from servers.machine.rom_file import read_rom

    with Root(settings.project_root) as root:
        file = read_rom(root, rom)
    chosen: Mapper = find_mapper(file.data).mapper if mapper == "auto" else mapper  # type: ignore[assignment]  # a Literal
    image = file.data
    done: list[Assembly] = []
    for number, patch in enumerate(patches, start=1):
        what = f"patch {number}" if len(patches) > 1 else "patch"
        assembly = await assembly_of(patch, settings, mapper=chosen, include=tuple(include), rom=image)
        done.append(_changing(assembly, what, image))
        image = _whole(assembly.image, image)
    if not done:
        raise ServerError("there is no patch; give asar source text or file: and a patch of the project")
    names = tuple(patch.strip()[:60].partition("\n")[0] if len(patches) > 1 else "" for patch in patches)
    return RomWork(file, done[0].mapper, tuple(done), names)


def _original_code(rom: bytes, mapper: Mapper) -> KnownCode:
    """Follow the ROM's code from its vectors, as far as a bounded analysis comes."""
    from knowledge.m65816.flow import Entry, analyse
    from knowledge.m65816.flow_state import State
    from knowledge.snes.header import read_header
    from knowledge.snes.patch_hooks import KnownCode, known_code

    header = read_header(rom, mapper)
    if header is None:
        return KnownCode()
    blocks = tuple(
        Block(snes_address(offset, mapper), rom[offset : offset + _BANK]) for offset in range(0, len(rom), _BANK)
    )
    reset = Entry(header.reset, State(m=1, x=1, e=1, d=0, db=0))
    entries = [reset, *(Entry(vector) for vector in (header.nmi, header.irq) if vector >= 0x8000)]
    return known_code(analyse(Program(blocks, mapper), entries, limit=_FLOW_STEPS))


def report_of(work: RomWork, entry: str, *, expected: Sequence[str] = (), allowed: Sequence[str] = ()) -> PatchReport:
    """Find out what the patches would do. `entry` says the widths where hooks are. Raises ServerError."""
    from knowledge.snes.patch_writes import Patch, PatchError
    from knowledge.snes.patches import check_patch as check_writes

    begin = begin_of(entry) if entry.strip() else None
    widths = (begin.contract.m, begin.contract.x) if begin else (None, None)
    patches = [
        Patch(name, tuple(Block(block.address, block.data) for block in assembly.blocks))
        for name, assembly in zip(work.names, work.assemblies, strict=True)
    ]
    try:
        return check_writes(
            work.rom.data,
            patches,
            mapper=work.mapper,
            code=_original_code(work.rom.data, work.mapper),
            widths=widths,
            expected=dict(_expected(text, work.mapper) for text in expected),
            allowed=[_allowed(text, work.mapper) for text in allowed],
            image=work.image,
        )
    except PatchError as error:
        raise ServerError(str(error)) from error


def _expected(text: str, mapper: Mapper) -> tuple[int, bytes]:
    place, equals, digits = text.partition("=")
    try:
        data = bytes.fromhex(re.sub(r"[\s,$]", "", digits))
    except ValueError:
        data = b""
    if not equals or not data:
        raise ServerError(f"expected {show(text[:60])} is not understood; write $008100=22 00 80 00")
    return address_of(place, mapper), data


def _allowed(text: str, mapper: Mapper) -> MemoryRange:
    from schemas.contract import MemoryRange

    first, dash, last = text.partition("-")
    start = address_of(first, mapper)
    end = address_of(last, mapper) if dash else start
    if end < start:
        raise ServerError(f"allowed {show(text[:60])} runs backwards; write $208000-$20FFFF")
    return MemoryRange(start=start, end=end)


class Mended(NamedTuple):
    """A ROM as it is written."""

    image: bytes
    checksum: str
    """As the header holds it, e.g. `$1B2C`; empty: there is no header."""


def mended(image: bytes, mapper: Mapper) -> Mended:
    """Return the image with its header's checksum right, and the checksum; as it is where there is no header."""
    from knowledge.snes.header import checksum_of, headed, read_header

    header, sums = read_header(image, mapper), checksum_of(image, mapper)
    if header is None or sums is None or not headed(image, mapper):
        return Mended(image, "")
    pair = (sums.computed ^ 0xFFFF).to_bytes(2, "little") + sums.computed.to_bytes(2, "little")
    place = header.offset + 0x1C
    return Mended(image[:place] + pair + image[place + 4 :], f"${sums.computed:04X}")
