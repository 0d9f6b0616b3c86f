"""The bytes that patches write, each with its place in the ROM file, and the ROM before and after."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from knowledge.m65816.program import Block
from knowledge.snes.mapping import Mapper, pc_offset
from knowledge.snes.patch_hooks import JUMPS, KnownCode, Widths
from knowledge.snes.patch_report import PatchFinding
from knowledge.snes.patch_space import Span, Tag, free_spans, is_free, tags

__all__ = ["LARGEST_ROM", "Patch", "PatchError", "Write", "Written", "apply", "place"]

LARGEST_ROM = 0x1000000
"""Bytes of the largest ROM that is checked."""
_LONGEST_HOOK = 64
"""Bytes of the longest write that is taken for a hook; what is longer replaces code or data."""


class PatchError(ValueError):
    """A patch that cannot be checked at all; the text names the next step."""


class Patch(NamedTuple):
    """The bytes that one patch writes."""

    name: str
    blocks: tuple[Block, ...]


class Write(NamedTuple):
    """One block with its place in the ROM file."""

    patch: str
    address: int
    span: Span
    data: bytes


@dataclass(frozen=True)
class Written:
    """A ROM before and after, and what was written: all that the checks look at."""

    original: bytes
    final: bytes
    writes: tuple[Write, ...]
    mapper: Mapper
    code: KnownCode
    widths: Widths
    expected: tuple[Write, ...]
    """Bytes that the patch expects in the original."""
    allowed: tuple[Span, ...] | None

    @cached_property
    def tags(self) -> list[Tag]:
        """RATS tags of the original."""
        return tags(self.original)

    def tags_over(self, span: Span) -> list[Tag]:
        """Return the RATS tags of the original that share bytes with a span."""
        at = bisect_right(self.tags, span.start, key=lambda tag: tag.span.end)
        found: list[Tag] = []
        while at < len(self.tags) and self.tags[at].offset < span.end:
            found.append(self.tags[at])
            at += 1
        return found

    @cached_property
    def free(self) -> list[Span]:
        """Free space of the original."""
        return free_spans(self.original, self.tags)

    @cached_property
    def free_after(self) -> list[Span]:
        """Free space that is left."""
        return free_spans(self.final)

    @cached_property
    def starts(self) -> dict[int, Widths]:
        """Known instructions of the original by offset."""
        return {place: item for at, item in self.code.starts.items() if (place := self.offset(at)) is not None}

    @cached_property
    def targets(self) -> dict[int, int]:
        """Known jump targets of the original by offset, with the address of one jump."""
        return {place: item for at, item in self.code.targets.items() if (place := self.offset(at)) is not None}

    def offset(self, address: int) -> int | None:
        """Return the offset in the ROM of a SNES address; None where no ROM is."""
        return pc_offset(address, self.mapper) if 0 <= address <= 0xFFFFFF else None

    def changed(self, span: Span) -> bool:
        """Tell whether any byte of a span differs."""
        return self.original[span.start : span.end] != self.final[span.start : span.end]

    def is_hook(self, write: Write) -> bool:
        """Tell whether a write is short, begins with a jump or call, and lies over bytes that are not free."""
        return (
            0 < len(write.data) <= _LONGEST_HOOK
            and write.data[0] in JUMPS
            and not is_free(write.span, self.free, len(self.original))
            and self.changed(write.span)
        )


def place(patches: Sequence[Patch], mapper: Mapper) -> Iterator[Write | PatchFinding]:
    """Give each block with its place, or the finding that it has none."""
    for patch in patches:
        for address, data in patch.blocks:
            last = address + len(data) - 1
            first = pc_offset(address, mapper) if 0 <= address <= last <= 0xFFFFFF else None
            if not data:
                continue
            if first is None or pc_offset(last, mapper) != first + len(data) - 1:
                message = f"{len(data)} bytes are written where {mapper} shows no ROM"
                step = "check the org and the mapper (translate_address shows what lies there)"
                yield PatchFinding("AFSP12", "error", message, address, step, patch.name)
            else:
                yield Write(patch.name, address, Span(first, first + len(data)), data)


def apply(original: bytes, writes: Sequence[Write]) -> bytes:
    """Return the ROM with the writes laid over it, in order. PatchError when it grows too large."""
    size = max([len(original), *(write.span.end for write in writes)])
    if size > LARGEST_ROM:
        raise PatchError(f"the ROM would have {size} bytes; at most {LARGEST_ROM} are checked: look at the org")
    image = bytearray(original) + bytes(size - len(original))
    for write in writes:
        image[write.span.start : write.span.end] = write.data
    return bytes(image)
