"""The tools that bring patches into a ROM: check what a patch would do, apply it with a backup, undo it."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import anyio.to_thread
from pydantic import Field

from knowledge.m65816.program import Block, Program
from knowledge.snes.mapping import Mapper, snes_address
from schemas.frozen import Frozen
from servers.asar.source import address_of, assembly_of, checked, said_version
from servers.asar.state import begin_of
from servers.machine.asar import Assembly
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.face import READS, WRITES, Face
from servers.machine.names import show
from servers.machine.rom_file import Changed, RomFile, change_rom, read_rom, undo_change
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.snes.patch_hooks import KnownCode
    from knowledge.snes.patch_report import Hook, PatchReport
    from schemas.contract import MemoryRange

__all__ = ["offer_rom_patching"]

_AutoMapper = Annotated[
    Literal["auto", "lorom", "hirom", "exlorom", "exhirom", "sa1rom"],
    Field(description="memory map of the ROM; auto reads it off the ROM's header"),
]
_PatchText = Annotated[str, Field(description="asar source text, or a patch of the project, `file: patches/main.asm`")]
_RomName = Annotated[str, Field(description="the ROM file, relative to the project folder")]
_Include = Annotated[
    list[str], Field(max_length=16, description="folders of the project whose files the patch may include by name")
]
_BANK = 0x8000
_MOST = 60
_FLOW_STEPS = 60_000
_SAYS: dict[str, str] = {"error": "ERROR", "warning": "warning", "note": "note"}


class Finding(Frozen):
    """One thing to know about a patch."""

    id: str
    severity: Literal["error", "warning", "note"]
    message: str
    address: str = Field(description="SNES address; empty: the whole ROM")
    next_step: str
    patch: str = Field(default="", description="which patch, when several are checked")


class Checked(Frozen):
    """What `check_patch` returns."""

    asar_version: str
    ok: bool = Field(description="true when there is no error")
    mapper: str
    findings: list[Finding]
    findings_total: int
    hooks: list[str] = Field(description="code that is replaced by a jump, and where the code behind it goes on")
    banks: list[str] = Field(description="free bytes of each written bank, before and after")
    written: int = Field(description="bytes that the patches write")
    size_before: int
    size_after: int
    checksum: str = Field(description="stored and right checksum of the ROM with the patch, before it is mended")

    def as_text(self) -> str:
        """Say all that the fields say."""
        verdict = "no error found" if self.ok else "there are ERRORS: do not apply it as it is"
        lines = [f"{verdict}; {self.written} bytes written ({self.mapper}, asar {self.asar_version})"]
        for item in self.findings:
            place = f" {item.address}" if item.address else ""
            name = f" [{item.patch}]" if item.patch else ""
            lines.append(f"{_SAYS[item.severity]} {item.id}{name}{place}: {item.message} -> {item.next_step}")
        if self.findings_total > len(self.findings):
            lines.append(f"{self.findings_total - len(self.findings)} more findings; mend these first")
        lines += [f"hook {text}" for text in self.hooks] + [f"bank {text}" for text in self.banks]
        lines.append(f"size {self.size_before} -> {self.size_after} bytes; checksum {self.checksum}")
        return "\n".join(lines)


class Applied(Frozen):
    """What `apply_patch` did."""

    asar_version: str
    rom: str = Field(description="the file that holds the patched ROM")
    backup: str = Field(description="the file with the ROM as it was; empty when a new file was written")
    written: int = Field(description="bytes that the patch wrote")
    size_before: int = Field(description="bytes of the ROM, without copier header")
    size_after: int
    checksum: str = Field(description="the checksum in the header now, e.g. $1B2C; empty: the ROM has no header")
    sha256: str = Field(description="of the file now")
    warnings: list[str] = []

    def as_text(self) -> str:
        """Say all that the fields say."""
        kept = f"; the ROM as it was is {self.backup} (undo_patch puts it back)" if self.backup else ""
        size = f"{self.size_before} bytes before, {self.size_after} after; checksum {self.checksum or 'none'}"
        lines = [f"wrote {self.written} bytes of the patch to {self.rom}{kept}", size]
        lines += self.warnings
        return "\n".join([*lines, f"SHA-256 {self.sha256}; asar {self.asar_version}"])


class Undone(Frozen):
    """What `undo_patch` did."""

    asar_version: str
    rom: str
    restored_from: str
    sha256: str = Field(description="of the file now")

    def as_text(self) -> str:
        """Say all that the fields say."""
        line = f"{self.rom} is what it was before its last patch (from {self.restored_from}, SHA-256 {self.sha256})"
        return f"{line}; asar {self.asar_version}"


class _Work(NamedTuple):
    """A ROM, and the patches assembled onto it one after the other."""

    rom: RomFile
    mapper: Mapper
    assemblies: tuple[Assembly, ...]
    names: tuple[str, ...]

    @property
    def image(self) -> bytes:
        """The ROM with all of them in it."""
        return self.assemblies[-1].image


async def _assembled(settings: Settings, patches: list[str], rom: str, mapper: str, include: list[str]) -> _Work:
    """Assemble patches onto a ROM in their order. Raises ServerError when one does not assemble."""
    from knowledge.snes.header import find_mapper

    with Root(settings.project_root) as root:
        file = read_rom(root, rom)
    chosen: Mapper = find_mapper(file.data).mapper if mapper == "auto" else mapper  # type: ignore[assignment]  # a Literal
    image, done = file.data, list[Assembly]()
    for number, patch in enumerate(patches, start=1):
        what = patch.strip() if patch.strip().startswith("file:") else f"patch {number}"
        assembly = await assembly_of(patch, settings, mapper=chosen, include=tuple(include), rom=image)
        done.append(checked(assembly, what))
        image = assembly.image
    if not done:
        raise ServerError("there is no patch; give asar source text or file: and a patch of the project")
    names = tuple(patch.strip()[:60].partition("\n")[0] if len(patches) > 1 else "" for patch in patches)
    return _Work(file, done[0].mapper, tuple(done), names)


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


def _report(work: _Work, entry: str, expected: list[str], allowed: list[str]) -> PatchReport:
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


def _checked(report: PatchReport, work: _Work) -> Checked:
    sums = report.checksum_after
    return Checked(
        asar_version=work.assemblies[0].asar_version,
        ok=report.ok,
        mapper=work.mapper,
        findings=[
            Finding(
                id=item.id,
                severity=item.severity,
                message=item.message,
                address=f"${item.address:06X}" if item.address >= 0 else "",
                next_step=item.next_step,
                patch=item.patch,
            )
            for item in report.findings[:_MOST]
        ],
        findings_total=len(report.findings) + report.left_out,
        hooks=[_hook_line(hook) for hook in report.hooks[:_MOST]],
        banks=[
            f"${bank.bank:02X}: {bank.free_before} -> {bank.free_after} of {bank.size} free"
            for bank in report.banks[:_MOST]
        ],
        written=report.written,
        size_before=report.size_before,
        size_after=report.size_after,
        checksum=f"stored ${sums.stored:04X}, right ${sums.computed:04X}" if sums else "none (no header)",
    )


def _hook_line(hook: Hook) -> str:
    replaced = "; ".join(hook.replaced) or "unknown"
    back = f"the code behind it goes on at ${hook.back:06X}" if hook.back >= 0 else "where it goes on is not known"
    return f"${hook.address:06X} {hook.instruction} ({hook.size} bytes) replaces {replaced}; {back}"


def _mended(image: bytes, mapper: Mapper) -> tuple[bytes, str]:
    """Return the image with its header's checksum right, and the checksum; as it is where there is no header."""
    from knowledge.snes.header import checksum_of, read_header

    header, sums = read_header(image, mapper), checksum_of(image, mapper)
    if header is None or sums is None:
        return image, ""
    pair = (sums.computed ^ 0xFFFF).to_bytes(2, "little") + sums.computed.to_bytes(2, "little")
    place = header.offset + 0x1C
    return image[:place] + pair + image[place + 4 :], f"${sums.computed:04X}"


async def _apply(settings: Settings, work: _Work, report: PatchReport, *, output: str, what: str) -> Applied:
    image, checksum = _mended(work.image, work.mapper)

    def write() -> Changed:
        with Root(settings.project_root) as root:
            return change_rom(root, work.rom, image, output=output, what=what)

    changed = await anyio.to_thread.run_sync(write)
    return Applied(
        asar_version=work.assemblies[0].asar_version,
        rom=changed.path,
        backup=changed.backup,
        written=report.written,
        size_before=len(work.rom.data),
        size_after=len(image),
        checksum=checksum,
        sha256=changed.after,
        warnings=[str(item) for item in report.findings if item.severity != "note"][:_MOST],
    )


def offer_rom_patching(face: Face, settings: Settings) -> None:
    """Offer `check_patch`, `apply_patch` and `undo_patch`."""
    _offer_check(face, settings)
    _offer_apply(face, settings)
    _offer_undo(face, settings)


def _offer_check(face: Face, settings: Settings) -> None:
    @face.offer(READS, title="Check a patch")
    async def check_patch(
        patches: Annotated[
            list[str],
            Field(max_length=16, description="asar source text or `file: main.asm`, each; assembled in this order"),
        ],
        rom: _RomName,
        entry: Annotated[
            str, Field(max_length=100, description="widths where hooks are, e.g. m8 x8; empty: unknown")
        ] = "",
        expected: Annotated[
            list[str], Field(max_length=200, description="bytes that must be there before, e.g. $008100=22 00 80 00")
        ] = [],  # noqa: B006  # read only; a default that pydantic copies
        allowed: Annotated[
            list[str],
            Field(max_length=100, description="if given, the only ranges that may be written, e.g. $208000-$20FFFF"),
        ] = [],  # noqa: B006  # read only; a default that pydantic copies
        include: _Include = [],  # noqa: B006  # read only; a default that pydantic copies
        mapper: _AutoMapper = "auto",
    ) -> Checked:
        """Check what patches would do to a ROM, without changing it: hooks, overlaps, free space, header, checksum.

        Finds hooks that cut an instruction, leftover bytes that would run, writes over code or data, other original
        bytes than expected, full banks, damaged RATS tags and headers. Each finding says what to do.
        """
        work = await _assembled(settings, patches, rom, mapper, include)
        report = await anyio.to_thread.run_sync(partial(_report, work, entry, expected, allowed))
        return _checked(report, work)


def _offer_apply(face: Face, settings: Settings) -> None:
    @face.offer(WRITES, title="Apply a patch to a ROM")
    async def apply_patch(
        patch: _PatchText,
        rom: _RomName,
        output: Annotated[str, Field(description="a new file to write; empty: change the ROM and keep a backup")] = "",
        force: Annotated[
            Literal["no", "yes"], Field(description="yes: apply it although check_patch finds errors")
        ] = "no",
        entry: Annotated[
            str, Field(max_length=100, description="widths where hooks are, e.g. m8 x8; empty: unknown")
        ] = "",
        include: _Include = [],  # noqa: B006  # read only; a default that pydantic copies
        mapper: _AutoMapper = "auto",
    ) -> Applied:
        """Apply a patch to a ROM file of the project, with a backup beside it; undo_patch puts it back.

        The patch is checked first and refused when check_patch finds an error. The header's checksum is put right.
        """
        work = await _assembled(settings, [patch], rom, mapper, include)
        report = await anyio.to_thread.run_sync(partial(_report, work, entry, [], []))
        if not report.ok and force == "no":
            errors = [str(item) for item in report.findings if item.severity == "error"]
            raise ServerError("the patch was not applied: " + "; ".join(errors[:5]) + "; mend it, or say force=yes")
        return await _apply(settings, work, report, output=output, what=patch.strip()[:200])


def _offer_undo(face: Face, settings: Settings) -> None:
    @face.offer(WRITES, title="Undo the last patch")
    async def undo_patch(rom: _RomName) -> Undone:
        """Put a ROM file back to what it was before the last apply_patch; call again for the one before that.

        Refused when something else changed the ROM since: nothing is lost then.
        """

        def undo() -> Changed:
            with Root(settings.project_root) as root:
                return undo_change(root, rom)

        changed = await anyio.to_thread.run_sync(undo)
        version = await said_version(settings)
        return Undone(asar_version=version, rom=changed.path, restored_from=changed.backup, sha256=changed.after)
