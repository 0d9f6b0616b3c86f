"""What the index takes from each row: its names, words, place and weight, collected table by table."""

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.alttp.index_names import NameList
from knowledge.alttp.index_spans import PlaceList
from knowledge.alttp.tables import Row, Table
from knowledge.alttp.words import STOP, name_words, plain_words, squeeze, text_words
from schemas.fact import FactKind

__all__ = ["KIND_PRIOR", "ROM_KINDS", "Collected", "Row", "collect", "subject_of"]

ROM_KINDS: tuple[FactKind, ...] = ("ram", "register", "routine", "data", "sublabel")
"""Kinds whose rows are named by an address; the rows of the others have ids."""

KIND_PRIOR: dict[FactKind, float] = {
    "ram": 1.0,
    "register": 1.0,
    "routine": 0.72,
    "data": 0.5,
    "sublabel": 0.3,
    "sprite": 0.8,
    "item": 0.72,
    "room": 0.75,
    "overworld": 0.73,
    "overlord": 0.7,
    "ancilla": 0.66,
    "garnish": 0.6,
    "menu_item": 0.6,
    "module": 0.7,
    "link_state": 0.62,
    "sprite_state": 0.62,
    "song": 0.7,
    "entrance": 0.62,
    "tile_type": 0.62,
    "dungeon": 0.65,
    "follower": 0.65,
    "room_tag": 0.55,
    "room_effect": 0.5,
    "secret": 0.5,
    "door_type": 0.5,
    "room_object": 0.5,
}
"""How likely a row of each kind is meant when nothing else is known."""

_SECOND_HAND = ("queued ", "cached ", "copy of ", "high byte ", "mirror of ", "saved ", "backup ", "previous ")
_STUB = re.compile(r"_long\b|Long(?:Entry)?$|_slot_limited|^Pool_|_easy$|_arbitrary|_Bank[01]")  # another way in
_ASIDE = re.compile(r"\([^()]*\)?")
_TITLE = re.compile(r"(?:sprite|ancilla|overlord|garnish) array: |follower trail: ")
_SUBJECT = re.compile(
    r"[;:,.]|\b(?:to|for|when|while|that|which|after|from|by|during|before|if|in|on|used|uses|shown|with|until|at|as|"
    r"since|because|so|then|where|whose|not|mirrors?|counts?)\b"
)
_UNDESCRIBED = 4  # words that a row of a described table without its description counts as
_SHORT, _LONG = 6, 9  # words: what is added to the length of a row's subject, and where it does not count against it
_EMPTY = frozenset(
    plain_words(
        "number index flag count bits state value timer counter byte low high current frame number bit non "
        "zero nonzero ask nmi"
    )
)
_LIGHT = STOP | _EMPTY | frozenset(plain_words("link player 16 8 bit sprite ancilla overlord garnish follower"))
_HALF = frozenset(plain_words("low byte"))  # what is asked of two bytes means the first of them
_LABEL, _SUBJECTS, _KEYWORD, _PROSE, _ALIAS, _FINE = 1, 2, 4, 8, 16, 32


@dataclass
class Collected:
    """All that is taken from the tables."""

    firsts: "array[int]" = field(default_factory=lambda: array("I", [0]))
    names: NameList = field(default_factory=NameList)
    stems: NameList = field(default_factory=NameList)
    sources: list[str] = field(default_factory=lambda: [""])
    words: dict[str, "array[int]"] = field(default_factory=dict[str, "array[int]"])
    priors: "array[float]" = field(default_factory=lambda: array("f"))
    weights: "array[float]" = field(default_factory=lambda: array("f"))
    places: PlaceList = field(default_factory=PlaceList)
    jp_places: PlaceList = field(default_factory=PlaceList)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


class _Columns:
    """Where a table has the columns that are taken; -1, the empty cell behind each row, where it has none."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        def place(name: str) -> int:
            return columns.get(name, -1)

        self.name, self.aliases, self.keywords = place("name"), place("aliases"), place("keywords")
        self.text, self.parameters, self.bits = place("description"), place("parameters"), place("bits")
        self.us = max(place("address"), place("us_address"))
        self.jp, self.size, self.parent = place("jp_address"), place("size"), place("parent")
        self.scope, self.region, self.groups = place("scope"), place("region"), place("independent_groups")
        self.uses = [place(name) for name in ("readers", "writers", "callers") if name in columns]


class _Said(NamedTuple):
    """The words of a description."""

    subject: set[str]
    """What the row is."""
    aside: set[str]
    """What stands in parentheses: other words for the same."""
    rest: set[str]


class _Collector:
    """Takes the rows of one table in."""

    def __init__(self, table: Table, out: Collected) -> None:
        self.kind: FactKind = table.kind
        self.at = _Columns(table.columns)
        self.out = out
        self.described = table.kind in ROM_KINDS

    def row(self, entry: int, row: Row) -> None:
        """Take one row in; an empty cell is put behind it."""
        row.append("")
        at = self.at
        if self.described:
            self._place(entry, row)
        if at.parent >= 0:
            self._local(entry, row)
            length, prior = _LONG, KIND_PRIOR["sublabel"]
        else:
            own, aliases = self._names(entry, row)
            text = self._words(entry, own, aliases, row)
            length = text or len(own) + (_UNDESCRIBED if self.described else 0)
            prior = self._prior(row)
        self.out.priors.append(prior)
        self.out.weights.append(prior / (_SHORT + min(_LONG, length)))

    def _names(self, entry: int, row: Row) -> tuple[set[str], set[str]]:
        """File the names of a row; return the stems of its own name and those of its aliases."""
        own: set[str] = set()
        others: set[str] = set()
        if row[self.at.name]:
            own.update(self._name(entry, row[self.at.name], 0))
        if row[self.at.aliases]:
            for part in filter(None, row[self.at.aliases].split("|")):
                source, colon, name = part.partition(":")
                others.update(self._name(entry, name if colon else part, self._source(source if colon else "alias")))
        return own, others

    def _source(self, name: str) -> int:
        known = self.out.sources
        if name not in known:
            known.append(name)
        return known.index(name)

    def _name(self, entry: int, name: str, source: int) -> list[str]:
        words = name_words(name)
        self.out.names.add(squeeze(name), entry, source)
        if len(words) > 1:
            self.out.stems.add("".join(words), entry, source)
        return words

    def _words(self, entry: int, own: set[str], aliases: set[str], row: Row) -> int:
        """File the words of a row; return how many its subject has."""
        at = self.at
        found: dict[str, int] = dict.fromkeys(own, _LABEL if self.described else _LABEL | _SUBJECTS)
        subject = set[str]()
        if row[at.text]:
            subject, aside, rest = _said(row[at.text])
            _mark(found, subject, _SUBJECTS)
            _mark(found, aside, _KEYWORD)
            if row[at.text].endswith("(16-bit)"):
                _mark(found, _HALF, _KEYWORD)
            _mark(found, rest.union(plain_words(row[at.parameters])) - subject - aside, _PROSE)
        if row[at.keywords]:
            called, title, more = row[at.keywords].rpartition(";")
            _mark(found, set(plain_words(called)), _SUBJECTS if title else _KEYWORD)
            _mark(found, set(plain_words(more)), _KEYWORD)
        _mark(found, aliases, _ALIAS)
        if row[at.bits]:
            _mark(found, set(plain_words(row[at.bits])), _FINE)
        postings, entry = self.out.words, entry << 6
        for word, where in found.items():
            if word in postings:
                postings[word].append(entry | where)
            else:
                postings[word] = array("I", (entry | where,))
        return max(1, len(subject - _LIGHT)) if subject else 0

    def _place(self, entry: int, row: Row) -> None:
        """File where a row lies."""
        at = self.at
        if row[at.us]:
            self.out.places.add(int(row[at.us][1:], 16), entry, _number(row[at.size]))
        if row[at.jp]:
            self.out.jp_places.add(int(row[at.jp][1:], 16), entry, 0)

    def _local(self, entry: int, row: Row) -> None:
        """File a local label, which is found by name and address only."""
        parent = squeeze(row[self.at.parent])
        self.out.names.add(parent + squeeze(row[self.at.name]), entry, 0)
        for part in filter(None, row[self.at.aliases].split("|")):
            self.out.names.add(parent + squeeze(part), entry, 0)

    def _prior(self, row: Row) -> float:
        at, weight, text = self.at, KIND_PRIOR[self.kind], row[self.at.text]
        if text:
            weight *= 1.25
            if text.startswith(_SECOND_HAND) or text.endswith(" high"):
                weight *= 0.7
        if _STUB.search(row[at.name]):
            weight *= 0.75
        if row[at.scope] not in ("", "vanilla"):
            weight *= 0.4
        if row[at.region] == "sram":
            weight *= 0.6
        if at.jp >= 0 and not row[at.us]:
            weight *= 0.5
        if self.kind == "register" or not self.described:
            weight *= 1.2
        uses = sum([_number(row[column]) for column in at.uses])
        return weight * (1 + 0.04 * (_number(row[at.groups]) or 2)) * (1 + 0.05 * math.log2(1 + uses))


def subject_of(text: str) -> str:
    """Return the words of a description that say what the row is."""
    bare = _ASIDE.sub(" ", text)
    title = _TITLE.match(bare)
    first = next(filter(str.strip, _SUBJECT.split(bare[title.end() :] if title else bare)), "")
    return f"{title.group().partition(' ')[0]} {first}" if title else first


def _said(text: str) -> _Said:
    """Take a description apart."""
    bare = _ASIDE.sub(" ", text)
    title = _TITLE.match(bare)
    plain = bare[title.end() :] if title else bare
    subject = set[str]()
    for part in _SUBJECT.split(plain):
        subject.update(text_words(part))
        if len(subject) > 1 or (subject and not subject <= _EMPTY):
            break
    if title:
        subject.add(plain_words(title.group())[0])
    _, _, named = plain.partition(": ")
    more = named if named[:1].isalpha() else ""
    aside = set(text_words(" ".join([*_ASIDE.findall(text), more]))) - subject
    return _Said(subject, aside, set(text_words(text)) - subject - aside)


def _mark(found: dict[str, int], words: Iterable[str], where: int) -> None:
    for word in words:
        found[word] = found.get(word, 0) | where


def collect(tables: Mapping[FactKind, Table]) -> Collected:
    """Go through all tables; a row with a wrong number of cells is an error that names file and line."""
    out = Collected()
    entry = 0
    for table in tables.values():
        collector = _Collector(table, out)
        for row in table.rows:
            collector.row(entry, row)
            entry += 1
        out.firsts.append(entry)
        out.names.pack()
        out.stems.pack()
    return out
