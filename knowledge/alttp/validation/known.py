"""What the tables know of one address, name or id, in the form that the checks compare with."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from knowledge.alttp.index import PLACES, Index, current
from knowledge.alttp.validation.meaning import VAGUE, Meaning, axes_of, expanded, opposed, phrase_words
from knowledge.alttp.words import name_words, plain_words, squeeze
from knowledge.snes.addresses import fold
from schemas.fact import AskedKind, Fact, FactKind
from schemas.finding import Behind

__all__ = [
    "Row",
    "all_words",
    "behind",
    "facts",
    "meant",
    "named",
    "near_names",
    "numbered",
    "of_ref",
    "row",
    "rows_at",
]

_HEAD = re.compile(
    r"[;(]|, (?:which|that|as|so|where|when)\b|(?<!array)(?<!trail)(?<!history)(?<!bits)(?<!thread)(?<!buffer): "
)
_LOOSE = re.compile(
    r"\b(?:scratch|general(?! dma)|multi-purpose|temporary|temp|shared|unused|junk|debug|misc|various|"
    r"doubles as|also used|"
    r"used by|step within|depends)\b",
    re.IGNORECASE,
)
_FOREIGN = ("randomizer", "romhack")
_LARGE = 512
_MOST, _MOST_OF_ALL = 150, 40  # rows with all words of a phrase that are looked at, the likeliest first


class Row(NamedTuple):
    """One row of a table."""

    entry: int
    ref: str
    kind: FactKind
    id: str
    name: str
    address: int
    """Where it begins (US 1.0 for ROM labels), -1 for an id or a label of JP 1.0 alone."""
    jp_address: int
    """JP 1.0 address of a ROM label, -1 without one."""
    size: int
    """Bytes; 0 where it is not known."""
    measured: bool
    """The size is documented, not a gap to the next symbol."""
    title: frozenset[str]
    """Stems of what its description begins with; of its name where rows of the kind have none."""
    head: frozenset[str]
    """Stems of its names, keywords and the beginning of its description."""
    said: frozenset[str]
    """All stems."""
    called: tuple[frozenset[str], ...]
    """Stems of each name."""
    squeezed: str
    """Its names without separators, joined by blanks."""
    axes: Mapping[str, frozenset[str]]
    """Axes of the title."""
    all_axes: Mapping[str, frozenset[str]]
    solid: bool
    """Two groups of sources or more, one purpose, of the vanilla game: it can be contradicted."""
    vanilla: bool

    def covers(self, address: int) -> bool:
        """Tell whether an address lies in the row."""
        return self.address <= address < self.address + max(1, self.size)


@lru_cache(maxsize=1)
def facts() -> Index:
    """Return the index of the tables of this package, which do not change while it runs."""
    return current()


def _address(text: str) -> int:
    return int(text.removeprefix("$"), 16) if text else -1


@lru_cache(maxsize=1500)
def row(entry: int) -> Row:
    """Return one row of the index of the tables."""
    index = facts()
    found = index.entry(entry)
    cell, fact = found.cell, index.fact(entry)
    names = [found.name, *(name for _, name in found.aliases())]
    description = cell("description")
    opening = _HEAD.split(description, maxsplit=1)[0]
    called = tuple(map(phrase_words, names))
    labels = frozenset(plain_words(cell("keywords"))).union(*called)
    described = found.kind in ("ram", "register")
    title = phrase_words(opening) if opening or described else phrase_words(found.name)
    said = labels | phrase_words(description) | frozenset(plain_words(cell("bits") + " " + cell("parameters")))
    scope = cell("scope")
    vanilla = not scope.startswith(_FOREIGN)
    return Row(
        entry=entry,
        ref=index.ref(entry),
        kind=found.kind,
        id=fact.id,
        name=found.name,
        address=_address(cell("address") or cell("us_address")),
        jp_address=_address(cell("jp_address")),
        size=fact.size,
        measured=bool(fact.size) and cell("size_basis") != "gap" and not cell("disputed"),
        title=title,
        head=labels | title,
        said=said,
        called=called,
        squeezed=" ".join(map(squeeze, names)),
        axes=axes_of(title),
        all_axes=axes_of(title.union(*called) if found.kind == "register" else said),
        solid=vanilla and bool(description) and (found.kind == "register" or fact.independent_groups >= 2)
        and not _LOOSE.search(description),
        vanilla=vanilla,
    )  # fmt: skip


def behind(which: Row) -> Behind:
    """Return a row as the fact behind a finding."""
    fact: Fact = facts().fact(which.entry)
    text = fact.headline()
    return Behind(ref=which.ref, text=text[:400], rom_version=fact.rom_version, sources=fact.sources)


@lru_cache(maxsize=1024)
def rows_at(address: int) -> tuple[Row, ...]:
    """Return the rows that a SNES address (mirrors folded) begins or lies inside, those that begin there first."""
    index, folded = facts(), fold(address)
    entries = [*index.spans.at(folded)]
    entries += [inside.entry for inside in index.spans.around(folded) if inside.size <= _LARGE]
    return tuple(row(entry) for entry in entries)


@lru_cache(maxsize=1024)
def named(name: str) -> tuple[Row, ...]:
    """Return the rows that bear a name, in any separators and case."""
    index = facts()
    return tuple(row(entry) for entry in dict.fromkeys(hit.entry for hit in index.names.exact(squeeze(name))))


def near_names(name: str) -> tuple[Row, ...]:
    """Return the rows whose name differs from this one by one typing error."""
    index = facts()
    return tuple(row(entry) for entry in dict.fromkeys(hit.entry for hit in index.names.near(squeeze(name))))


@lru_cache(maxsize=1024)
def numbered(kind: FactKind, number: int) -> Row | None:
    """Return the row of an id."""
    index = facts()
    entry = index.numbered(kind, number)
    return row(entry) if entry >= 0 else None


def of_ref(ref: str) -> Row | None:
    """Return the row of a ref (`module:07`)."""
    index = facts()
    kind, _, key = ref.partition(":")
    entry = index.find(kind, key)
    return row(entry) if entry >= 0 else None


def all_words(one: Row, *, described: bool = True) -> str:
    """Return all names of a row and its keywords, and its description unless it is left out, in plain words."""
    entry = facts().entry(one.entry)
    names = [entry.name, *(name for _, name in entry.aliases()), entry.cell("keywords")]
    names += [entry.cell("description")] if described else []
    return " ".join([*names, *(" ".join(name_words(name)) for name in names)])


def _with_word(index: Index, word: str, among: range) -> set[int]:
    out: set[int] = set()
    for variant in expanded(word):
        for posting in index.words.get(variant, ()):
            if posting >> PLACES in among:
                out.add(posting >> PLACES)
    return out


def _says(one: Row, word: str) -> bool:
    return not expanded(word).isdisjoint(one.said if one.kind == "register" else one.head)


@lru_cache(maxsize=1024)
def _candidates(needed: frozenset[str], kind: AskedKind) -> tuple[Row, ...]:
    """Return the rows of a kind that say all the words in their names, keywords or the head of their description."""
    index = facts()
    among = index.of_kind(kind)
    found: set[int] | None = None
    for word in sorted(needed, key=lambda word: (word in VAGUE, index.frequency(word), word)):
        have = _with_word(index, word, among)
        found = have if found is None else found & have
        if not found:
            return ()
    likely = sorted(found or (), key=lambda entry: -index.priors[entry])[: _MOST if kind != "any" else _MOST_OF_ALL]
    rows = (row(entry) for entry in sorted(likely))
    return tuple(one for one in rows if all(_says(one, word) for word in needed))


def meant(phrase: Meaning, kind: AskedKind, *, near: int = 0) -> tuple[Row, ...]:
    """Return the rows of a kind that say all that a phrase says, the closest in words first, then in address."""
    needed = frozenset(word for word in phrase.needed if word not in ("low", "high") or "half" not in phrase.axes)
    found = _candidates(needed or phrase.needed, kind)
    fitting = [one for one in found if one.vanilla and not opposed(phrase, one.axes, one.all_axes)]

    priors = facts().priors

    def order(one: Row) -> tuple[bool, int, int, float]:
        unsaid = sum(1 for word in phrase.words if not expanded(word) & one.title)
        return (not one.solid, unsaid, abs(one.address - near) > 0x40, -priors[one.entry])

    return tuple(sorted(fitting, key=order))
