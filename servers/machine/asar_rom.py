"""What asar wrote: the exact bytes with their addresses, found in the image that it left.

asar's image says nothing of which bytes were written: a written zero looks like an untouched byte. Two ways
to know: a program that is one run of code from one `org` fills the image from there to its end; any other
is assembled a second time over the complement of the first image, where only untouched bytes differ.
"""

import bisect
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

__all__ = ["MAPPERS", "Block", "Mapper", "Span", "blocks", "complement", "free_space_spans", "pc_offset", "touched"]

Mapper = Literal["lorom", "hirom", "exlorom", "exhirom", "sa1rom", "sfxrom", "norom"]
MAPPERS: tuple[str, ...] = get_args(Mapper)

_SA1_BANKS = {0: 0x000000, 1: 0x100000, 4: 0x200000, 5: 0x300000}
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


def _lorom(address: int) -> int:
    return (address & 0x7F0000) >> 1 | (address & 0x7FFF)


def _sa1rom(address: int) -> int | None:
    if address & 0x408000 == 0x008000:
        bank = _SA1_BANKS.get(address >> 21)
        return None if bank is None else bank | (address & 0x1F0000) >> 1 | (address & 0x7FFF)
    return address & 0x3FFFFF if address & 0xC00000 == 0xC00000 else None


def _sfxrom(address: int) -> int | None:
    if address & 0x600000 == 0x600000 or address & 0x408000 == 0 or address & 0x800000:
        return None
    return address & 0x3FFFFF if address & 0x400000 else _lorom(address)


def _exlorom(address: int) -> int | None:
    if address & 0xF00000 == 0x700000:
        return None
    return _lorom(address) if address & 0x800000 else _lorom(address) + 0x400000


def pc_offset(address: int, mapper: Mapper) -> int | None:
    """Return the offset in the ROM file of a SNES address, as asar 1.91 maps it; None where no ROM is mapped.

    For sa1rom the banks are those at power-on. Held to asar's own `snestopc` by a test.
    """
    if mapper == "norom":
        return address
    if mapper == "sa1rom":
        return _sa1rom(address)
    if mapper == "sfxrom":
        return _sfxrom(address)
    if address & 0xFE0000 == 0x7E0000 or address & 0x408000 == 0:
        return None
    if mapper == "lorom":
        return None if address & 0x708000 == 0x700000 else _lorom(address)
    if mapper == "exlorom":
        return _exlorom(address)
    high = 0x400000 if mapper == "exhirom" and not address & 0x800000 else 0
    return high | address & 0x3FFFFF


def _snes_address(offset: int, mapper: Mapper) -> int:
    """Return a SNES address of an offset, for blocks that no line of the program starts."""
    if mapper in ("lorom", "exlorom", "sa1rom", "sfxrom"):
        low = (offset & 0x3FFFFF) << 1 & 0x7F0000 | offset & 0x7FFF | 0x8000
        fast = (mapper == "exlorom" and offset < 0x400000) or low & 0xFE0000 == 0x7E0000
        return low | 0x800000 if fast else low
    if mapper == "norom":
        return offset
    return offset & 0x3FFFFF | (0x400000 if mapper == "exhirom" and offset >= 0x400000 else 0xC00000)


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
    return _snes_address(offset, mapper)
