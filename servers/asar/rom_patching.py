"""The tools that bring patches into a ROM: check what a patch would do, apply it with a backup, undo it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import anyio.to_thread
from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.rom_work import RomWork, mended, report_of, work_of
from servers.asar.source import said_version
from servers.machine.errors import ServerError
from servers.machine.face import READS, WRITES, Face
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.snes.patch_report import BankUse, Hook, PatchReport
    from servers.machine.rom_file import Changed

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
_MOST = 60
_SAYS: dict[str, str] = {"error": "ERROR", "warning": "warning", "note": "note"}


class Finding(Frozen):
    """One thing to know about a patch."""

    id: str
    severity: Literal["error", "warning", "note"]
    message: str
    address: str = Field(description="SNES address; empty: the whole ROM")
    next_step: str
    patch: str = Field(default="", description="which patch, when several are checked")

    def line(self) -> str:
        """Return it as one line, the next step at its end."""
        place = f" {self.address}" if self.address else ""
        name = f" [{self.patch}]" if self.patch else ""
        return f"{_SAYS[self.severity]} {self.id}{name}{place}: {self.message} -> {self.next_step}"


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
    hooks_total: int = 0

    def as_text(self) -> str:
        """Say all that the fields say."""
        verdict = "no error found" if self.ok else "there are ERRORS: do not apply it as it is"
        lines = [f"{verdict}; {self.written} bytes written ({self.mapper}, asar {self.asar_version})"]
        lines += [item.line() for item in self.findings]
        if self.findings_total > len(self.findings):
            lines.append(f"{self.findings_total - len(self.findings)} more findings; mend these first")
        lines += [f"hook {text}" for text in self.hooks] + [f"bank {text}" for text in self.banks]
        if self.hooks_total > len(self.hooks):
            lines.append(f"{self.hooks_total - len(self.hooks)} more hooks; check fewer patches at once to see them")
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


def _said(work: RomWork) -> list[Finding]:
    """Return what asar and the look at the text say of the patches: code without a place is an error in a ROM."""
    rank: dict[str, Literal["error", "note"]] = {"W_afs_default_org": "error", "W_afs_looks_at_rom": "note"}
    return [
        Finding(
            id=item.code,
            severity=rank.get(item.code, "warning"),
            message=(f"{item.file}:{item.line}: " if item.file and item.line else "") + item.message,
            address="",
            next_step=item.next_step,
            patch=name,
        )
        for name, assembly in zip(work.names, work.assemblies, strict=True)
        for item in assembly.diagnostics
    ]


def _findings(report: PatchReport, work: RomWork) -> list[Finding]:
    """Return all findings, the worst first."""
    found = [
        Finding(
            id=item.id,
            severity=item.severity,
            message=item.message,
            address=f"${item.address:06X}" if item.address >= 0 else "",
            next_step=item.next_step,
            patch=item.patch,
        )
        for item in report.findings
    ]
    return sorted([*found, *_said(work)], key=lambda item: list(_SAYS).index(item.severity))


def _checked(report: PatchReport, work: RomWork) -> Checked:
    from knowledge.snes.header import headed

    sums = report.checksum_after if headed(work.rom.data, work.mapper) else None
    findings = _findings(report, work)
    return Checked(
        asar_version=work.assemblies[0].asar_version,
        ok=all(item.severity != "error" for item in findings),
        mapper=work.mapper,
        findings=findings[:_MOST],
        findings_total=len(findings) + report.left_out,
        hooks=[_hook_line(hook) for hook in report.hooks[:_MOST]],
        hooks_total=len(report.hooks),
        banks=_bank_lines(report.banks),
        written=report.written,
        size_before=report.size_before,
        size_after=report.size_after,
        checksum=f"stored ${sums.stored:04X}, right ${sums.computed:04X}" if sums else "none (no header)",
    )


def _bank_lines(banks: Sequence[BankUse]) -> list[str]:
    """Return a line for each written bank, and one for each run of new ones that stay empty."""
    lines: list[str] = []
    empty: list[int] = []
    for bank in banks:
        if bank.free_after == bank.size and not bank.free_before:
            empty.append(bank.bank)
            continue
        lines += _new_banks(empty)
        empty = []
        lines.append(f"${bank.bank:02X}: {bank.free_before} -> {bank.free_after} of {bank.size} free")
    return lines + _new_banks(empty)


def _new_banks(banks: list[int]) -> list[str]:
    return [f"${banks[0]:02X}-${banks[-1]:02X}: {len(banks)} new, all free"] if banks else []


def _hook_line(hook: Hook) -> str:
    replaced = "; ".join(hook.replaced) or "unknown"
    back = f"the code behind it goes on at ${hook.back:06X}" if hook.back >= 0 else "where it goes on is not known"
    return f"${hook.address:06X} {hook.instruction} ({hook.size} bytes) replaces {replaced}; {back}"


def _refuse(findings: list[Finding]) -> None:
    errors = [item.line() for item in findings if item.severity == "error"]
    if errors:
        raise ServerError("the patch was not applied: " + "; ".join(errors[:5]) + "; mend it, or say force=yes")


async def _apply(settings: Settings, work: RomWork, report: PatchReport, *, output: str, what: str) -> Applied:
    from servers.machine.beneath import Root
    from servers.machine.rom_file import change_rom

    image, checksum = mended(work.image, work.mapper)

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
        warnings=[item.line() for item in _findings(report, work) if item.severity != "note"][:_MOST],
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
        work = await work_of(settings, patches, rom=rom, mapper=mapper, include=include)
        report = await anyio.to_thread.run_sync(partial(report_of, work, entry, expected=expected, allowed=allowed))
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
        work = await work_of(settings, [patch], rom=rom, mapper=mapper, include=include)
        report = await anyio.to_thread.run_sync(partial(report_of, work, entry))
        if force == "no":
            _refuse(_findings(report, work))
        return await _apply(settings, work, report, output=output, what=patch.strip()[:200])


def _offer_undo(face: Face, settings: Settings) -> None:
    @face.offer(WRITES, title="Undo the last patch")
    async def undo_patch(rom: _RomName) -> Undone:
        """Put a ROM file back to what it was before the last apply_patch; call again for the one before that.

        Refused when something else changed the ROM since: nothing is lost then.
        """
        from servers.machine.beneath import Root
        from servers.machine.rom_file import undo_change

        def undo() -> Changed:
            with Root(settings.project_root) as root:
                return undo_change(root, rom)

        changed = await anyio.to_thread.run_sync(undo)
        version = await said_version(settings)
        return Undone(asar_version=version, rom=changed.path, restored_from=changed.backup, sha256=changed.after)
