"""The index over the fact tables: rows by address, key, name and word, built on first use and small in memory.

Rows are numbered through all tables in their order; such a number is an entry. No row is held: what is asked of one is
read from its line.
"""

import gc
import math
import os
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

from knowledge.alttp.index_names import Names
from knowledge.alttp.index_rows import ROM_KINDS, Collected, Row, collect
from knowledge.alttp.index_spans import Spans
from knowledge.alttp.tables import PATHS, Table, fact, load, tables
from schemas.fact import Fact, FactKind

__all__ = [
    "ALIAS",
    "FINE",
    "KEYWORD",
    "LABEL",
    "PLACES",
    "PROSE",
    "SUBJECT",
    "Entry",
    "Index",
    "Postings",
    "Title",
    "build",
    "current",
]

LABEL, SUBJECT, KEYWORD, PROSE, ALIAS, FINE = 1, 2, 4, 8, 16, 32
"""Where a row has a word: in its name, in what its description says it is, in a keyword, elsewhere in the
description, in an alias, in a bit field."""

PLACES = 6
"""Bits that say so."""

Postings: TypeAlias = "array[int]"
"""The rows that have a word, in order, each as the entry shifted by `PLACES` bits plus where it has the word."""

Title: TypeAlias = dict[str, float]
"""What a row is called: the stems, each with what it counts."""

_Stamp = tuple[tuple[int, int], ...]


class Entry(NamedTuple):
    """One row of one table."""

    table: Table
    row: Row

    @property
    def kind(self) -> FactKind:
        """The kind of the fact."""
        return self.table.kind

    def cell(self, column: str) -> str:
        """Return one cell, empty where the table has no such column."""
        place = self.table.columns.get(column)
        return "" if place is None else self.row[place]

    @property
    def name(self) -> str:
        """The row's own name; that of a local label with its parent."""
        parent = self.cell("parent")
        return f"{parent}.{self.cell('name')}" if parent else self.cell("name")

    def aliases(self) -> Iterator[tuple[str, str]]:
        """Give (source, name) of the other names."""
        parent = self.cell("parent")
        for part in filter(None, self.cell("aliases").split("|")):
            source, colon, name = part.rpartition(":")
            yield source if colon else "", f"{parent}.{name}" if parent else name


class Index:
    """What is looked up."""

    def __init__(self, loaded: Mapping[FactKind, Table], collected: Collected) -> None:
        """Take over what was collected of the tables."""
        self.tables = list(loaded.values())
        self.firsts = collected.firsts
        """First entry of each table, and behind the last the number of all entries."""
        self.names = Names(collected.names)
        self.stems = Names(collected.stems)
        """The stems of the names of two words and more, joined."""
        self.sources = collected.sources
        """Sources of aliases, by the number that a name has."""
        self.words = collected.words
        """Stem to the rows that have it."""
        self.priors = collected.priors
        """How likely a row is meant when nothing else is known (above 0)."""
        self.weights = collected.weights
        """The same, the less the longer a row's text."""
        self.spans = Spans(collected.places)
        """Rows by address: of work RAM, of registers, of the US 1.0 ROM."""
        self.jp = Spans(collected.jp_places)
        """Rows by address in the JP 1.0 ROM."""
        self.titles: dict[int, tuple[Title, ...]] = {}
        """What rows that were asked for are called, cleared when there are many."""
        self._kinds = {table.kind: number for number, table in enumerate(self.tables)}

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.firsts[-1]

    def _table(self, entry: int) -> int:
        return bisect_right(self.firsts, entry) - 1

    def kind(self, entry: int) -> FactKind:
        """Return the kind of a row."""
        return self.tables[self._table(entry)].kind

    def entry(self, entry: int) -> Entry:
        """Return a row."""
        number = self._table(entry)
        table = self.tables[number]
        return Entry(table, table.rows[entry - self.firsts[number]])

    def fact(self, entry: int) -> Fact:
        """Return what a row says."""
        found = self.entry(entry)
        return fact(found.table, found.row)

    def ref(self, entry: int) -> str:
        """Return the one name of a row: `ram:7EF36D`."""
        number = self._table(entry)
        return self.tables[number].ref(entry - self.firsts[number])

    def find(self, kind: str, key: str) -> int:
        """Return the row of a kind with a key, -1 when there is none."""
        number = self._kinds.get(kind, -1)  # type: ignore[call-overload]  # any text may be asked for
        if number < 0:
            return -1
        row = self.tables[number].find(key)
        return self.firsts[number] + row if row >= 0 else -1

    def of_kind(self, kind: str) -> range:
        """Return the rows of a kind; all rows for `any`, none for what is no kind."""
        if kind == "any":
            return range(len(self))
        number = self._kinds.get(kind, -1)  # type: ignore[call-overload]  # any text may be asked for
        return range(self.firsts[number], self.firsts[number + 1]) if number >= 0 else range(0)

    def numbered(self, kind: str, number: int) -> int:
        """Return the row of a kind whose rows have ids, by its id; -1 when there is none."""
        among = self.of_kind(kind)
        if not among or kind in ROM_KINDS or number < 0:
            return -1
        width = len(self.ref(among[0]).partition(":")[2].partition(".")[0])
        return self.find(kind, f"{number:0{width}X}")

    def frequency(self, word: str) -> int:
        """Return how many rows have a stem."""
        return len(self.words.get(word, ()))

    def rarity(self, rows: int) -> float:
        """Return the weight of a word that so many rows have: the rarer, the more it says."""
        return math.log(1 + len(self.weights) / (1 + rows))

    @cached_property
    def saved(self) -> range:
        """The rows of work RAM that hold what Link has."""
        found = [entry for _, entry in self.spans.between(0x7EF340, 0x7EF37F)]
        return range(min(found), max(found) + 1) if found else range(0)

    @cached_property
    def initials(self) -> dict[str, list[str]]:
        """First letter to the stems of four letters and more, for the repair of typing errors."""
        out: dict[str, list[str]] = {}
        for word in self.words:
            if len(word) >= 4 and word.isalpha():
                out.setdefault(word[0], []).append(word)
        return out


def build(loaded: Mapping[FactKind, Table]) -> Index:
    """Build the index over loaded tables."""
    return Index(loaded, collect(loaded))


_LOCK = threading.Lock()
_CACHE: dict[tuple[Path, ...], tuple[_Stamp, Index]] = {}
_MOST = 2  # sets of tables whose index is kept


def _stamp(paths: Mapping[FactKind, Path]) -> _Stamp:
    """Return what changes when one of the files changes: time of change (ns) and size of each."""
    return tuple([(state.st_mtime_ns, state.st_size) for state in map(os.stat, paths.values())])


def current(paths: Mapping[FactKind, Path] = PATHS) -> Index:
    """Return the index over the tables as they lie on disk now; read again only when a file has changed."""
    key, now = tuple(paths.values()), _stamp(paths)
    with _LOCK:
        kept = _CACHE.get(key)
        if kept is None or kept[0] != now:
            while len(_CACHE) >= _MOST:
                _CACHE.pop(next(other for other in _CACHE if other != key))
            kept = _CACHE[key] = (now, _build_quietly(paths))
        return kept[1]


def _build_quietly(paths: Mapping[FactKind, Path]) -> Index:
    """Build with the garbage collector held: what is built has no cycles, and to walk it takes time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return build(tables() if paths is PATHS and not _CACHE else load(paths))
    finally:
        if enabled:
            gc.enable()
