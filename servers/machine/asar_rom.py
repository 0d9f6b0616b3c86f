"""What asar wrote: the exact bytes with their addresses, found in the image that it left.

asar's image says nothing of which bytes were written: a written zero looks like an untouched byte. Two ways
to know: a program that is one run of code from one `org` fills the image from there to its end; any other
is assembled a second time over the complement of the first image, where only untouched bytes differ.
"""

import bisect
import re
from collections.abc import Sequence
from typing import NamedTuple

from knowledge.snes.mapping import Mapper, pc_offset, snes_address

__all__ = ["Block", "Span", "blocks", "changed", "complement", "free_space_spans", "touched"]

_FREE_SPACE_HEADER = 8
_COMPLEMENT = bytes(255 - value for value in range(256))


class Span(NamedTuple):
    """PC offsets from `start` up to but not with `end`."""

    start: int
    end: int


class Block(NamedTuple):
    """Bytes written one after another, within one bank."""

    address: int
    """SNES address of the first byte."""
    pc_offset: int
    """Offset of the first byte in a ROM file without copier header."""
    data: bytes


def complement(image: bytes, keep_from: int) -> bytes:
    """Return the image to assemble over a second time: each byte inverted, below `keep_from`, nothing after."""
    return image[:keep_from].translate(_COMPLEMENT)


def touched(first: bytes, second: bytes, end: int) -> tuple[list[Span], bool]:
    """Compare the images of the two runs below `end`: what was written, and whether it depends on the ROM."""
    size = min(len(first), len(second), end)
    left = int.from_bytes(first[:size], "little")
    difference = (left ^ int.from_bytes(second[:size], "little")).to_bytes(size, "little")
    spans = [Span(*match.span()) for match in re.finditer(rb"[^\xff]+", difference)]
    return spans, re.search(rb"[^\x00\xff]", difference) is not None


def changed(image: bytes, before: bytes) -> list[Span]:
    """Return where an image differs from what it was before, as far as that went."""
    size = min(len(image), len(before))
    left = int.from_bytes(image[:size], "little") ^ int.from_bytes(before[:size], "little")
    return [Span(*match.span()) for match in re.finditer(rb"[^\x00]+", left.to_bytes(size, "little"))]


def free_space_spans(image: bytes, start: int) -> list[Span]:
    """Return what was written from `start` on, in an area that was blank: marked free space and other bytes.

    asar marks each block of free space with STAR, the size less one and its complement (both 16-bit).
    """
    spans: list[Span] = []
    for match in re.finditer(rb"STAR(..)(..)", image, re.DOTALL):
        size, inverse = (int.from_bytes(part, "little") for part in match.groups())
        if match.start() >= start and size ^ inverse == 0xFFFF:
            spans.append(Span(match.start(), match.end() + size + 1))
    spans += [Span(match.start(), match.end()) for match in re.finditer(rb"[^\x00]+", image) if match.start() >= start]
    return _merged(spans)


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def blocks(image: bytes, spans: Sequence[Span], lines: Sequence[int], mapper: Mapper) -> list[Block]:
    """Cut the image into blocks, one a span and bank, addressed as the program addressed them.

    `lines` are the SNES addresses of the program's lines, in any order; they tell which mirror was meant.
    """
    named: dict[int, int] = {}
    for address in lines:
        offset = pc_offset(address, mapper)
        if offset is not None:
            named.setdefault(offset, address)
    known = sorted(named)
    bank = 0x8000 if mapper in ("lorom", "exlorom", "sa1rom", "sfxrom") else 0x10000
    out: list[Block] = []
    for span in spans:
        start = span.start
        while start < span.end:
            end = min(span.end, (start // bank + 1) * bank)
            out.append(Block(_named_address(start, bank, known, named, mapper), start, image[start:end]))
            start = end
    return out


def _named_address(offset: int, bank: int, known: Sequence[int], named: dict[int, int], mapper: Mapper) -> int:
    """Address an offset as the nearest line of the same bank is addressed."""
    place = bisect.bisect_right(known, offset)
    for near in known[max(0, place - 1) : place + 1]:
        if near // bank == offset // bank:
            return named[near] + offset - near
    return snes_address(offset, mapper)
