"""Ranking by words: which rows a plain question is about, with the words that speak for each."""

import difflib
import re
from collections.abc import Callable
from typing import NamedTuple

from knowledge.alttp.index import Index
from knowledge.alttp.words import KIND_WORDS, PHRASES, STOP, SYNONYMS, plain_split, plain_words, stem

__all__ = ["Ranked", "Terms", "rank", "terms"]

_ASKED_KIND = re.compile(
    r"\b(?:which|what)\s+(?:(?:snes|hardware|dungeon|underworld|overworld|kind of)\s+)?"
    r"(room|sprite|enemy|monster|boss|item|routine|function|subroutine|register|ram address|address|variable"
    r"|ram|area|screen)\b"
    r"|\b(register|routine|subroutine|function|handler)s?\b|\b(sprite|item)s? (?:id|number)s?\b"
    r"|\b(sprite|item|room)\W*$"
)
_QUANTITY = re.compile(r"\bhow (?:many|much)\b|\b(?:number|amount|count) of\b")  # a quantity is a variable
_REALM_OF = {
    "area": "overworld",
    "screen": "overworld",
    "enemy": "sprite",
    "monster": "sprite",
    "boss": "sprite",
    "function": "routine",
    "handler": "routine",
    "subroutine": "routine",
    "ram address": "ram",
    "address": "ram",
    "variable": "ram",
}
_PRESENT = frozenset(plain_words("current previous last equipped selected"))
_UNKNOWN = 1.5  # a word that no row has weighs more against every row than a rare one
_SHARES = (1.0, 1.0, 0.7, 0.75, 0.4)  # own name and keywords, description, its notes, aliases, bit fields
_ASKED_BOOST = 3.0  # "which register ..."
_MENTIONED_BOOST = 1.7  # "... register"
_LONG = 10  # words: a longer description does not count against its row
_WORDS = 24  # words of a question that are searched for
_SYNONYM = 0.8
_BOTH = 1.2
_COMMON = 1200  # rows: a word as frequent as this cannot bring a row in, once a rarer word has brought some


class Terms(NamedTuple):
    """What a question says."""

    words: dict[str, str]
    """Stems that are searched for, in order, each with the word as it was written."""
    weak: frozenset[str]
    """Those of them that name a kind of fact: they help a row but none is needed."""
    realm: str
    """The kind that is asked for (`overworld` for a screen), empty where the question names none."""
    boost: float
    """What a row of that kind gains."""


class Ranked(NamedTuple):
    """One row that the words speak for."""

    entry: int
    score: float
    coverage: float
    """Share of the question's weight that the row matches, 0 to 1."""
    words: tuple[str, ...]


def terms(query: str) -> Terms:
    """Take a question apart: small words dropped, turns of phrase replaced, the asked kind kept."""
    text = query.lower()
    for pattern, replacement in PHRASES:
        text = pattern.sub(replacement, text)
    found = _ASKED_KIND.search(text)
    name = next(filter(None, found.groups()), "") if found else ""
    realm = _REALM_OF.get(name, name) or ("ram" if _QUANTITY.search(query.lower()) else "")
    boost = _ASKED_BOOST if found and found.group(1) else _MENTIONED_BOOST
    written = ((stem(word), word) for word in plain_split(text) if len(word) < 40)
    words = dict([(word, as_is) for word, as_is in written if word not in STOP][:_WORDS])
    if realm in ("sprite", "item", "room", "overworld") and not words.keys().isdisjoint(_PRESENT):
        realm = ""  # the current room is a variable, not a room
    searched = KIND_WORDS["ram"] | KIND_WORDS["routine"] | KIND_WORDS["register"]
    named = KIND_WORDS.get("room" if realm == "overworld" else realm, frozenset[str]())
    return Terms(words, frozenset(words) & (searched | named), realm, boost)


def _repair(index: Index, word: str) -> list[tuple[str, float]]:
    """Return words of the tables that a mistyped word may stand for, with a weight below 1."""
    if len(word) < 4 or not word.isalpha():
        return []
    letters = set(word)
    near = [
        known
        for known in index.initials.get(word[0], ())
        if abs(len(known) - len(word)) <= 1 and len(letters.symmetric_difference(known)) <= 3
    ]
    close = difflib.get_close_matches(word, near, n=3, cutoff=0.75 if len(word) <= 5 else 0.78)
    return [(known, 0.85 * difflib.SequenceMatcher(None, word, known).ratio()) for known in close]


def _variants(index: Index, word: str) -> list[tuple[str, float]]:
    """Return the spellings to search for one word of the question, with their weights."""
    out = [(word, 1.0)] if index.frequency(word) else []
    out += [(other, _SYNONYM) for other in SYNONYMS.get(word, ()) if index.frequency(other)]
    return out or _repair(index, word)


def _hits(index: Index, variants: list[tuple[str, float]], among: dict[int, float] | None) -> dict[int, float]:
    """Return the weight of one word for each row that has it (or only for the rows in `among`)."""
    out: dict[int, float] = {}
    for word, weight in variants:
        in_labels = set(index.labels.get(word, ()))
        for postings, share in zip(index.postings(), _SHARES, strict=True):
            for entry in postings.get(word, ()):
                if among is not None and entry not in among:
                    continue
                here = weight * (_BOTH if postings is index.prose and entry in in_labels else share)
                if out.get(entry, 0.0) < here:
                    out[entry] = here
    return out


class _Word(NamedTuple):
    word: str
    variants: list[tuple[str, float]]
    rarity: float
    rows: int


def _prepare(index: Index, asked: Terms) -> list[_Word]:
    """Return the words with their variants, the rarest first."""
    out: list[_Word] = []
    for word in asked.words:
        variants = _variants(index, word)
        rows = sum(index.frequency(variant) for variant, _ in variants)
        rarity = max((index.rarity(other) for other, _ in variants), default=_UNKNOWN * index.rarity(word))
        out.append(_Word(word, variants, rarity, rows))
    return sorted(out, key=lambda item: item.rows)


def rank(index: Index, asked: Terms, allowed: Callable[[int], bool]) -> list[Ranked]:
    """Return the rows that the words speak for, the best first; rows that are not `allowed` are left out."""
    scores: dict[int, float] = {}
    covered: dict[int, float] = {}
    spoken: dict[int, list[str]] = {}
    whole = 0.0
    for item in _prepare(index, asked):
        share = 0.25 if item.word in asked.weak else 1.0
        counted = 0.0 if item.word in asked.weak else item.rarity
        whole += counted
        among = scores if item.rows > _COMMON and scores else None
        for entry, weight in _hits(index, item.variants, among).items():
            scores[entry] = scores.get(entry, 0.0) + share * weight * item.rarity
            covered[entry] = covered.get(entry, 0.0) + counted * min(1.0, weight)
            spoken.setdefault(entry, []).append(item.word)
    if not whole:
        return []
    out: list[Ranked] = []
    for entry, score in scores.items():
        coverage = covered[entry] / whole
        if coverage > 0 and allowed(entry):
            out.append(Ranked(entry, _weigh(index, asked, entry, score * coverage), coverage, tuple(spoken[entry])))
    return sorted(out, key=lambda item: (-item.score, item.entry))


def _weigh(index: Index, asked: Terms, entry: int, score: float) -> float:
    boost = asked.boost if asked.realm == index.entries[entry].realm else 1.0
    return score * boost * index.priors[entry] / (8 + min(_LONG, index.lengths[entry]))
