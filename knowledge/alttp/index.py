"""The index over the fact tables: rows by address, id, name and word, built on first use."""

import gc
import math
import re
import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from knowledge.alttp.tables import PATHS, Row, Stamp, Table, load, stamp
from knowledge.alttp.words import name_words, plain_words, squeeze
from schemas.fact import FactKind

__all__ = ["Entry", "Index", "NameHit", "build", "current"]

_LARGEST = 0x3000  # bytes: no row of the tables is longer (the decompression buffer)

_KIND_PRIOR: dict[FactKind, float] = {
    "ram": 1.0,
    "register": 1.0,
    "sprite": 0.8,
    "item": 0.72,
    "room": 0.75,
    "routine": 0.7,
}


_SECOND_HAND = ("cached ", "copy of ", "high byte ", "mirror of ", "saved ", "backup ", "previous ")
_HEAD = re.compile(r"[;(]|: (?=\d)")
_UNDESCRIBED = 6  # words that a row without its description counts as


class Entry(NamedTuple):
    """One row of one table."""

    table: Table
    row: Row

    @property
    def realm(self) -> str:
        """The kind, but `overworld` for an overworld screen."""
        return "overworld" if self.cell("world") == "overworld" else self.table.kind

    @property
    def kind(self) -> FactKind:
        """The kind of the fact."""
        return self.table.kind

    def cell(self, column: str) -> str:
        """Return one cell, empty where the table has no such column."""
        place = self.table.columns.get(column)
        return "" if place is None else self.row[place]


class NameHit(NamedTuple):
    """A name that was met: the row that it names and whose name it is."""

    entry: int
    source: str
    """Short name of the source of an alias; empty for the row's own name."""
    name: str


class _Span(NamedTuple):
    start: int
    size: int
    entry: int


@dataclass
class Index:
    """What is looked up; entries are numbered in the order of the tables."""

    entries: list[Entry] = field(default_factory=list[Entry])
    starts: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """US or RAM or register address to entries."""
    jp_starts: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """JP 1.0 ROM address to entries."""
    ids: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """(`sprite`, `item`, `room` or `overworld`, number) to entry."""
    names: dict[str, list[NameHit]] = field(default_factory=dict[str, list[NameHit]])
    """Squeezed name to the rows that bear it."""
    stems: dict[str, list[NameHit]] = field(default_factory=dict[str, list[NameHit]])
    """The stems of a name of two words and more, joined by spaces, to the rows that bear it."""
    labels: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Stem to the entries that have it in their own name or a keyword."""
    prose: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Stem to the entries that have it in the head of their description."""
    notes: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Stem to the entries that have it only after the head: in parentheses, a list of values, parameters."""
    aliases: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Stem to the entries that have it in an alias only."""
    fine: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Stem to the entries that have it in a bit field only."""
    lengths: list[int] = field(default_factory=list[int])
    """Words that tell a row from others: of its description, else of its name."""
    priors: list[float] = field(default_factory=list[float])
    """How likely a row is meant when nothing else is known (above 0)."""
    spans: list[_Span] = field(default_factory=list[_Span])
    """Rows of two bytes and more, by start."""
    initials: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """First letter to the words of four letters and more, for the repair of typing errors."""

    def frequency(self, word: str) -> int:
        """Return how many rows have the word."""
        return sum(len(postings.get(word, ())) for postings in self.postings())

    def postings(self) -> tuple[dict[str, list[int]], ...]:
        """Return the maps from words to entries."""
        return self.labels, self.prose, self.notes, self.aliases, self.fine

    def rarity(self, word: str) -> float:
        """Return the weight of a word: the rarer, the more it says."""
        return math.log(1 + len(self.entries) / (1 + self.frequency(word)))

    def around(self, address: int) -> list[tuple[int, int]]:
        """Return (entry, first address) of the rows that the address lies inside, the smallest first."""
        last = bisect_right(self.spans, _Span(address, 0xFFFFFF, 0))
        found: list[_Span] = []
        for place in range(last - 1, -1, -1):
            span = self.spans[place]
            if address - span.start > _LARGEST:
                break
            if span.start < address < span.start + span.size:
                found.append(span)
        return [(span.entry, span.start) for span in sorted(found, key=lambda span: (span.size, -span.start))]


def _prior(entry: Entry) -> float:
    weight = _KIND_PRIOR[entry.kind]
    if entry.cell("description"):
        weight *= 1.25
    if entry.cell("description") and entry.cell("keywords"):  # reviewed as one of the rows that people ask for
        weight *= 1.3
    if entry.cell("description").startswith(_SECOND_HAND) or entry.cell("description").endswith(" high"):
        weight *= 0.85
    if entry.cell("scope") not in ("", "vanilla"):
        weight *= 0.4
    if entry.cell("region") == "sram":
        weight *= 0.6
    if entry.cell("world") == "overworld":
        weight *= 0.97
    groups = entry.cell("independent_groups")
    uses = sum(int(entry.cell(column) or 0) for column in ("readers", "writers", "callers"))
    return weight * (1 + 0.04 * int(groups or 2)) * (1 + 0.02 * math.log2(1 + uses))


def _names(entry: Entry) -> Iterator[tuple[str, str]]:
    """Give (source, name) of a row, its own name first."""
    own = entry.cell("name")
    if own:
        yield "", own
    for part in filter(None, entry.cell("aliases").split("|")):
        source, colon, name = part.partition(":")
        yield (source, name) if colon else ("alias", part)


def _place(index: Index, number: int, entry: Entry) -> None:
    """File a row under its address or id."""
    kind = entry.kind
    if kind in ("sprite", "item", "room"):
        index.ids[entry.realm, int(entry.cell("id"), 16)] = number
        return
    address = int((entry.cell("address") or entry.cell("us_address"))[1:], 16)
    index.starts.setdefault(address, []).append(number)
    size = entry.cell("size")
    if size and int(size) > 1:
        index.spans.append(_Span(address, min(int(size), _LARGEST), number))
    if kind == "routine" and entry.cell("jp_address"):
        index.jp_starts.setdefault(int(entry.cell("jp_address")[1:], 16), []).append(number)


def _described(entry: Entry) -> bool:
    """Tell whether rows of this table carry a description (sprites, items and rooms are named only)."""
    return "description" in entry.table.columns


def _words(index: Index, number: int, entry: Entry) -> None:
    """File a row under its names and words."""
    own: set[str] = set()
    aliases: set[str] = set()
    for source, name in _names(entry):
        hit, words = NameHit(number, source, name), name_words(name)
        index.names.setdefault(squeeze(name), []).append(hit)
        if len(words) > 1:
            index.stems.setdefault(" ".join(words), []).append(hit)
        (aliases if source else own).update(words)
    labels = own.union(plain_words(entry.cell("keywords")))
    head, *tail = _HEAD.split(entry.cell("description"), maxsplit=1)
    prose = set(plain_words(head))
    notes = set(plain_words(" ".join((*tail, entry.cell("parameters"))))) - prose
    for word in labels:
        index.labels.setdefault(word, []).append(number)
    for word in prose:
        index.prose.setdefault(word, []).append(number)
    for word in notes:
        index.notes.setdefault(word, []).append(number)
    for word in aliases - labels - prose:
        index.aliases.setdefault(word, []).append(number)
    for word in set(plain_words(entry.cell("bits"))) - labels - prose:
        index.fine.setdefault(word, []).append(number)
    index.lengths.append(len(prose) + len(notes) or len(own) + (_UNDESCRIBED if _described(entry) else 0))
    index.priors.append(_prior(entry))


def build(tables: Mapping[FactKind, Table]) -> Index:
    """Build the index over loaded tables."""
    index = Index()
    for table in tables.values():
        for row in table.rows:
            entry = Entry(table, row)
            number = len(index.entries)
            index.entries.append(entry)
            _place(index, number, entry)
            _words(index, number, entry)
    index.spans.sort()
    for word in set[str]().union(*index.postings()):
        if len(word) >= 4 and word.isalpha():
            index.initials.setdefault(word[0], []).append(word)
    return index


_LOCK = threading.Lock()
_CACHE: dict[tuple[Path, ...], tuple[Stamp, Index]] = {}


def current(paths: Mapping[FactKind, Path] = PATHS) -> Index:
    """Return the index over the tables as they lie on disk now; read again only when a file has changed."""
    key, now = tuple(paths.values()), stamp(paths)
    with _LOCK:
        kept = _CACHE.get(key)
        if kept is None or kept[0] != now:
            kept = _CACHE[key] = (now, _build_quietly(paths))
        return kept[1]


def _build_quietly(paths: Mapping[FactKind, Path]) -> Index:
    """Build with the garbage collector held, and keep it from walking the index ever after (it has no cycles)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        index = build(load(paths))
        gc.freeze()
    finally:
        if enabled:
            gc.enable()
    return index
