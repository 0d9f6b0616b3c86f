"""Space in a ROM: what is free, what RATS tags protect, and how full each bank is.

A RATS tag is `STAR`, the size of the data less 1, and that size inverted, both 16 bits little-endian; asar's `freecode`
and Lunar Magic write it. Source: asar's manual.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from knowledge.snes.mapping import Mapper
from knowledge.snes.memory_map import rom_address
from knowledge.snes.patch_report import BankUse

__all__ = ["FREE_RUN", "Span", "Tag", "bank_use", "free_spans", "is_free", "overlap", "tags"]

FREE_RUN = 32
"""Bytes that a run of $00 or $FF has at least, to count as free space."""
_RUNS = re.compile(rb"\x00{%d,}|\xff{%d,}" % (FREE_RUN, FREE_RUN))
_TAG = 8
_MOST_TAGS = 10_000


class Span(NamedTuple):
    """Offsets in the ROM, the end excluded."""

    start: int
    end: int


class Tag(NamedTuple):
    """A RATS tag and what it protects."""

    offset: int
    """Of the `S` of `STAR`."""
    size: int
    """Bytes of data behind the tag's own 8."""

    @property
    def span(self) -> Span:
        """The tag and its data."""
        return Span(self.offset, self.offset + _TAG + self.size)


def tags(rom: bytes) -> list[Tag]:
    """Return the RATS tags of a ROM in order, tags within the data of another left out."""
    found: list[Tag] = []
    place = rom.find(b"STAR")
    while place >= 0 and len(found) < _MOST_TAGS:
        size, check = (int.from_bytes(rom[place + at : place + at + 2], "little") for at in (4, 6))
        whole = place + _TAG <= len(rom) and size ^ check == 0xFFFF and place + _TAG + size + 1 <= len(rom)
        if whole:
            found.append(Tag(place, size + 1))
        place = rom.find(b"STAR", found[-1].span.end if whole else place + 1)
    return found


def overlap(first: Span, second: Span) -> Span | None:
    """Return what two spans share; None when it is nothing."""
    shared = Span(max(first.start, second.start), min(first.end, second.end))
    return shared if shared.start < shared.end else None


def free_spans(rom: bytes, protected: Iterable[Tag] = ()) -> list[Span]:
    """Return the runs of $00 or $FF of at least FREE_RUN bytes, those parts left out that a tag protects."""
    free: list[Span] = []
    tagged = [tag.span for tag in protected]
    first = 0
    for match in _RUNS.finditer(rom):
        start, end = match.span()
        while first < len(tagged) and tagged[first].end <= start:
            first += 1
        at = first
        while at < len(tagged) and tagged[at].start < end:
            if tagged[at].start > start:
                free.append(Span(start, tagged[at].start))
            start = min(end, tagged[at].end)
            at += 1
        if start < end:
            free.append(Span(start, end))
    return free


def is_free(span: Span, free: list[Span], size: int) -> bool:
    """Tell whether all bytes of a span are free, or behind the end of a ROM of `size` bytes."""

    place, end = span.start, min(span.end, size)
    while place < end:
        at = bisect_right(free, Span(place, 1 << 40)) - 1
        if at < 0 or free[at].end <= place:
            return False
        place = free[at].end
    return True


def _free_by_bank(free: Iterable[Span], bank_size: int) -> dict[int, int]:
    counts: dict[int, int] = {}
    for start, end in free:
        while start < end:
            bank = start // bank_size
            stop = min(end, (bank + 1) * bank_size)
            counts[bank] = counts.get(bank, 0) + stop - start
            start = stop
    return counts


def bank_use(before: bytes, after: bytes, written: Iterable[Span], mapper: Mapper) -> tuple[BankUse, ...]:
    """Return how full the banks are that are written, or that the ROM grew by."""
    bank_size = 0x8000 if mapper in ("lorom", "exlorom", "sa1rom", "sfxrom") else 0x10000
    old = _free_by_bank(free_spans(before, tags(before)), bank_size)
    new = _free_by_bank(free_spans(after, tags(after)), bank_size)
    banks = {
        place // bank_size for span in written for place in (*range(span.start, span.end, bank_size), span.end - 1)
    }
    banks.update(range(-(-len(before) // bank_size), -(-len(after) // bank_size)))
    found: list[BankUse] = []
    for number in sorted(banks):
        address = rom_address(number * bank_size, mapper)
        if address is None:
            continue
        size = min(bank_size, len(after) - number * bank_size)
        found.append(BankUse(address >> 16, size, old.get(number, 0), new.get(number, 0)))
    return tuple(found)
