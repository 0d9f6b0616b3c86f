"""Checks of everything but hooks: overlaps, what was there before, protected data, header, size, fullness."""

from collections.abc import Callable, Iterator

from knowledge.snes.header import HEADER_SIZE, checksum_of, headed, read_header
from knowledge.snes.mapping import pc_offset
from knowledge.snes.memory_map import rom_address
from knowledge.snes.patch_report import PatchFinding
from knowledge.snes.patch_space import Span, bank_use, is_free, overlap, tags
from knowledge.snes.patch_writes import Write, Written

__all__ = ["CHECKS"]

_MOST_OVERLAPS = 100
_NEARLY_FULL = 256
_LIMITS = {
    "lorom": 0x400000, "hirom": 0x400000, "exlorom": 0x800000, "exhirom": 0x800000, "sa1rom": 0x800000,
    "sfxrom": 0x200000, "norom": 0x1000000,
}  # fmt: skip


def overlaps(written: Written) -> Iterator[PatchFinding]:
    """AFSP10 and AFSP11: no byte is written twice."""
    ordered = sorted(written.writes, key=lambda write: write.span)
    open_writes: list[Write] = []
    count = 0
    for write in ordered:
        open_writes = [other for other in open_writes if other.span.end > write.span.start]
        for other in open_writes:
            count += 1
            if count > _MOST_OVERLAPS:
                return
            yield _overlap(other, write)
        open_writes.append(write)


def _overlap(first: Write, second: Write) -> PatchFinding:
    shared = Span(second.span.start, min(first.span.end, second.span.end))
    size = shared.end - shared.start
    parts = [write.data[shared.start - write.span.start :][:size] for write in (first, second)]
    same = "with the same values" if parts[0] == parts[1] else "with other values"
    other = first.patch != second.patch
    who = f"{first.patch!r} writes" if other else f"the block at ${first.address:06X} writes"
    message = f"{size} bytes that {who} are written again {same}"
    step = "move one of them" if other else "check the orgs: the later block wins"
    if parts[0] == parts[1]:
        return PatchFinding("AFSP10" if other else "AFSP11", "note", message, second.address, step, second.patch)
    kind = ("AFSP10", "error") if other else ("AFSP11", "warning")
    return PatchFinding(kind[0], "error" if other else "warning", message, second.address, step, second.patch)


def inside_allowed(written: Written) -> Iterator[PatchFinding]:
    """AFSP13: every write lies in an allowed range."""
    for write in written.writes if written.allowed is not None else ():
        left = write.span.end - write.span.start
        place = write.span.start
        for part in sorted(written.allowed or ()):
            if part.start <= place < part.end:
                place = min(part.end, write.span.end)
        if place < write.span.end:
            address = write.address + place - write.span.start
            message = f"{write.span.end - place} of {left} bytes are outside the allowed ranges, from ${address:06X} on"
            step = "move the code, or allow the range"
            yield PatchFinding("AFSP13", "error", message, write.address, step, write.patch)


def as_expected(written: Written) -> Iterator[PatchFinding]:
    """AFSP15: the original has the bytes that the patch expects."""
    for write in written.expected:
        place = written.offset(write.address)
        found = b"" if place is None else written.original[place : place + len(write.data)]
        if found != write.data:
            message = f"the original has {_hex(found)} here, {_hex(write.data)} was expected"
            step = "this ROM is another version, or has another patch already: use the ROM that the patch was made for"
            yield PatchFinding("AFSP15", "error", message, write.address, step)


def _hex(data: bytes) -> str:
    return (data[:16].hex(" ").upper() + (" ..." if len(data) > 16 else "")) or "nothing"


def over_used(written: Written) -> Iterator[PatchFinding]:
    """AFSP14: writes that are no hooks lie in free space, or were announced by expected bytes."""
    places = [(written.offset(item.address), len(item.data)) for item in written.expected]
    announced = [Span(start, start + size) for start, size in places if start is not None]
    special = _header(written)
    for write in written.writes:
        free = is_free(write.span, written.free, len(written.original))
        if free or not written.changed(write.span) or written.is_hook(write):
            continue
        if any(part.start <= write.span.start and write.span.end <= part.end for part in (*announced, *special)):
            continue
        if written.tags_over(write.span):
            continue  # told as AFSP16 or AFSP17
        start, end = write.span
        pairs = zip(written.original[start:end], written.final[start:end], strict=False)
        size = sum(old != new for old, new in pairs)
        message = f"{size} bytes of code or data are overwritten here, and the write is no hook"
        step = "if that is meant, give the expected original bytes; else choose free space"
        yield PatchFinding("AFSP14", "warning", message, write.address, step, write.patch)


def protected(written: Written) -> Iterator[PatchFinding]:
    """AFSP16 and AFSP17: RATS tags and what they protect stay as they are."""
    if not written.tags:
        return
    kept = set(tags(written.final))
    for write in written.writes:
        if not written.changed(write.span):
            continue
        for tag in written.tags_over(write.span):
            address = rom_address(tag.offset, written.mapper) or 0
            if tag not in kept:
                message = f"the RATS tag at ${address:06X}, which protects {tag.size} bytes, is damaged"
                step = "use freecode, or clean up the old patch with autoclean"
                yield PatchFinding("AFSP16", "error", message, write.address, step, write.patch)
            else:
                message = f"writes into the {tag.size} bytes that the RATS tag at ${address:06X} protects"
                step = "another patch or tool put them there: use other free space"
                yield PatchFinding("AFSP17", "warning", message, write.address, step, write.patch)


def _header(written: Written) -> tuple[Span, ...]:
    """Return the header (with its extension) and the vectors; nothing for a ROM that is too short to have them."""
    start = pc_offset(0x00FFC0, written.mapper)
    if start is None or written.mapper == "norom" or len(written.original) < start + HEADER_SIZE:
        return ()
    return Span(start - 0x10, start + 0x20), Span(start + 0x20, start + HEADER_SIZE)


def header_kept(written: Written) -> Iterator[PatchFinding]:
    """AFSP20 and AFSP21: the header (but for size and checksum) and the vectors stay as they are."""
    for number, part in enumerate(_header(written)):
        start = part.start + 0x10
        spared = (start + 0x17, *range(start + 0x1C, start + 0x20)) if number == 0 else ()
        for write in written.writes:
            shared = overlap(write.span, part)
            changed = [
                place
                for place in range(*(shared or (0, 0)))
                if place not in spared and written.original[place] != written.final[place]
            ]
            if not changed:
                continue
            address = write.address + changed[0] - write.span.start
            what = "vectors" if number else "internal header"
            message = f"{len(changed)} bytes of the {what} change, from ${address:06X} on"
            step = "check that the handler is there" if number else "check that emulators still know the mapper"
            yield PatchFinding("AFSP21" if number else "AFSP20", "warning", message, address, step, write.patch)


def sizes(written: Written) -> Iterator[PatchFinding]:
    """AFSP22, AFSP24 and AFSP25: the ROM's size, its header and its mapper agree."""
    before, after = len(written.original), len(written.final)
    limit = _LIMITS[written.mapper]
    if after > limit:
        message = f"the ROM has {after} bytes; {written.mapper} shows {limit}"
        yield PatchFinding("AFSP25", "error", message, -1, "use less space, or another mapper")
    if not before:
        return
    if after > before:
        message = f"the ROM grows from {before} to {after} bytes"
        yield PatchFinding("AFSP24", "note", message, -1, "share it as a patch file that can grow a ROM (BPS)")
    header = read_header(written.final, written.mapper)
    if header is not None and header.rom_size < after and header.rom_size:
        exponent = (max(after, 1024) - 1 >> 10).bit_length()
        message = f"the header's size byte says {header.rom_size} bytes, the ROM has {after}"
        step = f"write it: org $00FFD7 : db ${exponent:02X}"
        yield PatchFinding("AFSP22", "warning", message, -1, step)


def checksum(written: Written) -> Iterator[PatchFinding]:
    """AFSP23: the checksum fits the ROM."""
    found = checksum_of(written.final, written.mapper)
    if found is not None and not found.ok and written.mapper != "norom" and headed(written.final, written.mapper):
        message = f"the header says ${found.stored:04X}, the ROM with the patch adds up to ${found.computed:04X}"
        step = "nothing to do: apply_patch puts it right, and so does asar when it writes the ROM"
        yield PatchFinding("AFSP23", "note", message, -1, step)


def fullness(written: Written) -> Iterator[PatchFinding]:
    """AFSP30: banks that the patch fills up."""
    for bank in bank_use(written.original, written.final, [write.span for write in written.writes], written.mapper):
        if bank.free_after < _NEARLY_FULL <= bank.free_before:
            message = f"{bank.free_after} bytes are left in bank ${bank.bank:02X}; {bank.free_before} were free before"
            yield PatchFinding("AFSP30", "note", message, bank.bank << 16, "put what comes next into another bank")


CHECKS: tuple[Callable[[Written], Iterator[PatchFinding]], ...] = (
    overlaps,
    inside_allowed,
    as_expected,
    over_used,
    protected,
    header_kept,
    sizes,
    checksum,
    fullness,
)
