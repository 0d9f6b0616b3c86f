"""What a patch does to a ROM, and what is wrong with it: hooks, overlaps, free space, header, growth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from knowledge.snes.header import checksum_of
from knowledge.snes.mapping import Mapper, pc_offset
from knowledge.snes.patch_checks import CHECKS
from knowledge.snes.patch_hook_checks import HOOK_CHECKS, hooks
from knowledge.snes.patch_hooks import KnownCode, Widths
from knowledge.snes.patch_report import PatchFinding, PatchReport, Severity
from knowledge.snes.patch_space import Span, bank_use
from knowledge.snes.patch_writes import LARGEST_ROM, Patch, PatchError, Write, Written, apply, place

if TYPE_CHECKING:
    from schemas.contract import MemoryRange  # needs pydantic, which nothing here does

__all__ = ["check_patch"]

_MOST_FINDINGS = 200
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


def check_patch(
    original: bytes,
    patches: Sequence[Patch],
    *,
    mapper: Mapper = "lorom",
    code: KnownCode | None = None,
    widths: Widths = (None, None),
    expected: Mapping[int, bytes] | None = None,
    allowed: "Sequence[MemoryRange]" = (),
    image: bytes = b"",
) -> PatchReport:
    """Return what is wrong with patches, checked without running anything.

    `original` is the ROM without copier header. `code` is what is known of its instructions; where nothing is known, a
    hook is taken to begin at an instruction, with M and X as `widths` says. `expected` gives original bytes by SNES
    address. With `allowed`, every write must lie in one of these ranges. `image` is the patched ROM, where the
    assembler made one; without it the blocks are laid over the original. PatchError when the ROM is too large.
    """
    if max(len(original), len(image)) > LARGEST_ROM:
        raise PatchError(f"the ROM has more than {LARGEST_ROM} bytes; give one without more behind it")
    placed = list(place(patches, mapper))
    writes = tuple(item for item in placed if isinstance(item, Write))
    awaited = tuple(Write("", at, Span(0, 0), data) for at, data in (expected or {}).items() if data)
    ranges = [_span(part, mapper) for part in allowed]
    written = Written(
        original,
        image or apply(original, writes),
        writes,
        mapper,
        code or KnownCode(),
        widths,
        awaited,
        tuple(span for span in ranges if span is not None) if allowed else None,
    )
    return _report(written, [item for item in placed if isinstance(item, PatchFinding)])


def _rank(finding: PatchFinding) -> tuple[int, int, str, str]:
    """Return the place of a finding in the report: the worst first, what is about the whole ROM last."""
    address = finding.address if finding.address >= 0 else 0x1000000
    return _ORDER[finding.severity], address, finding.id, finding.message


def _span(part: "MemoryRange", mapper: Mapper) -> Span | None:
    first, last = pc_offset(part.start, mapper), pc_offset(part.end, mapper)
    if first is None or last is None or last < first:
        raise PatchError(f"${part.start:06X} to ${part.end:06X} is no range of ROM in {mapper}; check both ends")
    return Span(first, last + 1)


def _report(written: Written, first: list[PatchFinding]) -> PatchReport:
    findings = list(first)
    for check in (*HOOK_CHECKS, *CHECKS):
        findings += check(written)
    unique = sorted(set(findings), key=_rank)
    return PatchReport(
        tuple(unique[:_MOST_FINDINGS]),
        tuple(hooks(written)),
        bank_use(written.original, written.final, [write.span for write in written.writes], written.mapper),
        len(written.original),
        len(written.final),
        sum(len(write.data) for write in written.writes),
        checksum_of(written.original, written.mapper),
        checksum_of(written.final, written.mapper),
        max(0, len(unique) - _MOST_FINDINGS),
    )
