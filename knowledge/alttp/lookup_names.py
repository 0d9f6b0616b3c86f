"""Rows by the names in a question: written in any convention, with other endings, with one typing error."""

import re
from collections.abc import Iterator, Sequence

from knowledge.alttp.index import Entry, Index
from knowledge.alttp.index_names import NameHit
from knowledge.alttp.locate import Match
from knowledge.alttp.search import Terms
from knowledge.alttp.words import STOP, plain_split, squeeze, stem

__all__ = ["NAMED", "NAMED_ALIAS", "NAMED_OTHER", "display", "labels_in", "like_named", "mistyped", "named"]

NAMED, NAMED_ALIAS, MISTYPED, NAMED_OTHER = 2, 3, 4, 6
"""Tiers of matches: by its own name, by another, by one with a typing error, by that of another kind than was asked."""

_GENERIC = 10  # rows: a plain word that so many rows have is no name, whoever uses it as one
_MOST = 40  # rows of one name that are looked at
_SHORT = 7  # letters: a shorter name is not looked for with a typing error
_IDENTIFIER = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?:\.\w+)?|[A-Za-z]+[a-z0-9][A-Z][A-Za-z0-9]*(?:\.\w+)?|[A-Z][A-Z0-9]{2,}"
)
_WORD = re.compile(r"[a-z0-9_]+")
_POSSESSIVE = re.compile(r"['\u2019]s?\b")


def _phrases(query: str, asked: Terms) -> Iterator[str]:
    """Give the parts of a question that may be a name: the whole, each label, the words that matter."""
    yield query
    yield from _IDENTIFIER.findall(query)
    kept = [word for word in _WORD.findall(_POSSESSIVE.sub("", query.lower())) if stem(word) not in STOP]
    yield " ".join(kept)
    yield " ".join(word for word in kept if stem(word) not in asked.named)


def display(index: Index, hit: NameHit) -> tuple[str, str]:
    """Return (source, name) of a name as its table writes it; the source is empty for the row's own name."""
    row: Entry = index.entry(hit.entry)
    if not hit.source and squeeze(row.name) == hit.name:
        return "", row.name
    source = index.sources[hit.source]
    for found, name in row.aliases():
        if squeeze(name) == hit.name and (found or "alias") == (source or "alias"):
            return source, name
    return source, hit.name


def labels_in(query: str) -> list[str]:
    """Return the parts of a question that are written as labels are."""
    return _IDENTIFIER.findall(query)


def _labels(query: str) -> set[str]:
    """Return the squeezed labels that stand inside a longer question."""
    return {squeeze(label) for label in _IDENTIFIER.findall(query)} - {squeeze(query)}


def _is_name(index: Index, hit: NameHit, name: str, query: str) -> bool:
    """Tell whether a phrase is meant as a name: a word that many rows have is one only when nothing else is said."""
    phrase = hit.name
    if not phrase.isalpha() or index.frequency(stem(phrase)) < _GENERIC or name.strip("?. ") == query.strip("?. "):
        return True
    return not hit.source and phrase not in _labels(query)


def _other(index: Index, asked: Terms, entry: int, *, whole: bool = False) -> bool:
    """Tell whether a row is of another kind than the question names, or no part of the game as it was sold."""
    if not whole and asked.boosts and asked.boosts.get(index.kind(entry), 0.0) < min(2.0, max(asked.boosts.values())):
        return True
    return index.entry(entry).cell("scope") not in ("", "vanilla")


def _why(source: str, name: str) -> str:
    return f"{source} name {name}" if source else f"name {name}"


def named(index: Index, query: str, asked: Terms) -> Iterator[Match]:
    """Give the rows that bear a name in the question: first own names and what is written so, last other kinds."""
    for phrase in dict.fromkeys(map(squeeze, _phrases(query, asked))):
        if len(phrase) < 2 or phrase.isdecimal():
            continue
        for hit in index.names.exact(phrase)[:_MOST]:
            source, name = display(index, hit)
            if _is_name(index, hit, name, query):
                written = name in query
                whole = 0.5 if phrase == squeeze(query) else 0.0
                other = _other(index, asked, hit.entry, whole=bool(whole)) and name != query.strip()
                tier = NAMED_OTHER if other else NAMED if written or not source else NAMED_ALIAS
                yield Match(hit.entry, tier, (2.0 if written else 1.0) + whole, _why(source, name))


def like_named(index: Index, asked: Terms) -> Iterator[Match]:
    """Give the rows whose name says the words of the question in their order, whatever their endings."""
    strong = [word for word in asked.words if word not in asked.named]
    for words in (list(asked.words), strong):
        if len(words) > 1:
            for hit in index.stems.exact("".join(words))[:_MOST]:
                row = index.entry(hit.entry)
                label = row.kind in ("routine", "data") and row.kind not in asked.boosts
                tier = NAMED_OTHER if label or _other(index, asked, hit.entry) else NAMED_ALIAS
                source = index.sources[hit.source]
                yield Match(hit.entry, tier, 1.0, _why(source, row.name if not hit.source else "of these words"))


def mistyped(index: Index, query: str) -> Iterator[Match]:
    """Give the rows whose name differs from the question, or a label in it, by one typing error.

    A plain question all of whose words are known has none.
    """
    candidates: Sequence[str] = _IDENTIFIER.findall(query)
    if not all(stem(word) in index.words for word in plain_split(query)):
        candidates = [query, *candidates]
    for phrase in dict.fromkeys(map(squeeze, candidates)):
        if len(phrase) >= _SHORT and not phrase.isdecimal():
            for hit in index.names.near(phrase)[:_MOST]:
                source, name = display(index, hit)
                yield Match(hit.entry, MISTYPED, 1.0 if source else 1.05, f"{_why(source, name)}, one letter corrected")
