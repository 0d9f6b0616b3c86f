"""Ranking by words: which rows a plain question is about, with the words that speak for each."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import NamedTuple

from knowledge.alttp.index import ALIAS, FINE, KEYWORD, LABEL, PLACES, PROSE, SUBJECT, Index, Postings
from knowledge.alttp.words import PHRASES, STOP, SYNONYMS, WEAK, plain_split, plain_words, stem
from knowledge.alttp.words_kinds import Hint, hinted
from schemas.fact import FactKind

__all__ = ["Ranked", "Terms", "rank", "terms"]

_STATE = re.compile(
    r"\bhow (?:many|much|far|fast|long|high)\b|\b(?:number|amount|count|total|level|status) of\b|"
    r"\b(?:am|is|are|was|do|does|did|has|have) (?:i|we|link|the player|the hero)\b|\b(?:my|i've|i have)\b|"
    r"\b(?:link|the player|i|we) (?:am|is|are|currently)\b"
)
"""A quantity or a state is a variable."""

_OWNED = re.compile(
    r"\b(?:do|does|did|has|have|if|when) (?:i|we|link|the player|the hero) (?:have|own|got|get|carry|hold|possess)|"
    r"\b(?:have|has) (?:i|we|link|the player) (?:got|obtained|collected|found)|\bin (?:the|my|link's) inventory\b"
)
_HARDWARE = re.compile(
    r"\b(?:ppu\d?|apu|spc(?:700)?|vram|cgram|hdma|dma|irq|latch\w*|mode 7|window \d|mosaic|colou?r math|bg[1-4]|"
    r"h-?blank|v-?blank|forced? blank|scanline|dot counter|main screen|sub ?screen|fixed colou?r|open bus)\b"
)
"""Words of the console rather than of the game."""

_PRESENT = frozenset(
    plain_words("current currently now previous last equipped selected running active playing array slot table")
)
_SAVED = re.compile(
    r"\b(?:owned|own|obtained|collected|acquired|in (?:the )?inventory|inventory|possession|possessed|carried)\b"
)
_LIGHT = frozenset(plain_words("link player current currently now active"))  # words that many questions have
_UNKNOWN = 1.5  # a word that no row has weighs more against every row than a rare one
_WORDS = 24  # words of a question that are searched for
_SYNONYM = 0.8
_COMMON = 1200  # rows: a word as frequent as this cannot bring a row in, once a rarer word has brought some
_KEPT = 120  # rows of one question
_BROAD: frozenset[FactKind] = frozenset(("ram", "register", "routine", "data"))
_ALL = 0.85  # share of a question's weight that a row of the named kind must match to be very likely meant
_DOUBTFUL = 1.3  # what a row of the named kind gains that does not match as much
_OWNED_BOOST = 2.0  # what a row of the saved inventory gains when a question is about what Link has
_BOOSTS = {3: 4.0, 2: 2.2, 1: 1.35}  # what a row of the kind that is named gains, by the strength of the hint


def _shares() -> tuple[float, ...]:
    """Return what a word counts in a row, by where the row has it: the best place, and a little for each other."""
    places = ((SUBJECT, 1.0), (LABEL, 0.9), (KEYWORD, 0.75), (ALIAS, 0.65), (PROSE, 0.6), (FINE, 0.5))
    out: list[float] = []
    for mask in range(1 << PLACES):
        found = [share for place, share in places if mask & place]
        out.append(found[0] + 0.08 * (len(found) - 1) if found else 0.0)
    return tuple(out)


_SHARES = _shares()
"""What a word counts in a row, by where the row has it."""


class Terms(NamedTuple):
    """What a question says."""

    words: dict[str, str]
    """Stems that are searched for, in order, each with the word as it was written."""
    weak: frozenset[str]
    """Those of them that name a kind of fact: they help a row but none is needed."""
    boosts: dict[FactKind, float]
    """What a row of a kind gains, for the kinds that the question names."""
    owned: bool
    """Whether the question is about what Link has."""


class Ranked(NamedTuple):
    """One row that the words speak for."""

    entry: int
    score: float
    coverage: float
    """Share of the question's weight that the row matches, 0 to 1."""
    words: tuple[str, ...]


def terms(query: str) -> Terms:
    """Take a question apart: small words dropped, turns of phrase replaced, the asked kinds kept."""
    text = query.lower()
    owned = bool(_OWNED.search(text) or _SAVED.search(text))
    state = owned or bool(_STATE.search(text))
    for pattern, replacement in PHRASES:
        text = pattern.sub(replacement, text)
    written = [(stem(word), word) for word in plain_split(text) if len(word) < 40]
    words = dict([(word, as_is) for word, as_is in written if word not in STOP][:_WORDS])
    hints = _hints(text, words, state=state)
    said = _said(hints)
    weak = frozenset(word for word in words if word in said or word in WEAK)
    if weak.issuperset(words):
        weak = frozenset[str]()
    boosts: dict[FactKind, float] = {hint.kind: _BOOSTS[hint.strength] for hint in reversed(hints)}
    if not hints and state:
        boosts["ram"] = _BOOSTS[1]
    elif not hints and _HARDWARE.search(text):
        boosts["register"] = _BOOSTS[1]
    return Terms(words, weak, boosts, owned)


def _said(hints: list[Hint]) -> set[str]:
    """Return the stems of the words that name the kind that is named most plainly."""
    return {stem(word) for hint in hints if hint.kind == hints[0].kind for word in plain_split(hint.words)}


def _hints(text: str, words: Mapping[str, str], *, state: bool) -> list[Hint]:
    """Return the kinds that are named; the current room is a variable, and no room, and so is a bare `room id`."""
    hints = hinted(text)
    if not hints:
        return hints
    named = _said(hints)
    strong = [word for word in words if word not in named and word not in WEAK]
    if strong and _PRESENT.isdisjoint(strong) and not (state and hints[0].strength < 3):
        return hints
    return [hint for hint in hints if hint.kind in _BROAD] or [Hint("ram", 2, "")]


def _repair(index: Index, word: str) -> list[tuple[str, float]]:
    """Return words of the tables that a mistyped word may stand for, with a weight below 1."""
    if len(word) < 4 or not word.isalpha():
        return []
    from rapidfuzz.distance import OSA

    most = 1 if len(word) < 8 else 2
    close: list[tuple[int, str]] = []
    for known in index.initials.get(word[0], ()):
        if abs(len(known) - len(word)) <= most:
            distance = OSA.distance(word, known, score_cutoff=most)
            if distance <= most:
                close.append((distance, known))
    if not close:  # the first letter itself is wrong
        for letter, words in index.initials.items():
            if letter != word[0] and len(word) >= 5:
                close += [(1, known) for known in words if known[1:] == word[1:] or known == word[1:]]
    return [(known, 0.9 - 0.15 * distance) for distance, known in sorted(close)[:4]]


def _variants(index: Index, word: str) -> list[tuple[str, float]]:
    """Return the spellings to search for one word of the question, with their weights."""
    out = [(word, 1.0)] if word in index.words else []
    out += [(other, _SYNONYM) for other in SYNONYMS.get(word, ()) if other in index.words]
    return out or _repair(index, word)


class _Word(NamedTuple):
    word: str
    variants: list[tuple[Postings, float]]
    rarity: float
    rows: int


def _prepare(index: Index, asked: Terms, among: range) -> list[_Word]:
    """Return the words with the rows of their spellings, the rarest first."""
    out: list[_Word] = []
    whole = len(among) == len(index)
    for word in asked.words:
        spellings = _variants(index, word)
        rarity = max((index.rarity(other) for other, _ in spellings), default=_UNKNOWN * index.rarity(word))
        lists = [(index.words[other], weight) for other, weight in spellings]
        if not whole:
            lists = [(_within(postings, among), weight) for postings, weight in lists]
        out.append(_Word(word, lists, rarity, sum(len(postings) for postings, _ in lists)))
    return sorted(out, key=lambda item: item.rows)


def _within(postings: Postings, among: range) -> Postings:
    low = bisect_left(postings, among.start << PLACES)
    return postings[low : bisect_left(postings, among.stop << PLACES, low)]


def _hits(item: _Word, known: dict[int, float]) -> dict[int, float]:
    """Return the weight of one word for each row that has it; of a common word only for the rows in `known`."""
    out: dict[int, float] = {}
    shares, mask = _SHARES, (1 << PLACES) - 1
    for postings, weight in item.variants:
        found: Iterable[int] = _sought(postings, known) if item.rows > _COMMON and known else postings
        for posting in found:
            entry, here = posting >> PLACES, shares[posting & mask]
            here = here if weight == 1.0 else weight * min(1.0, here)
            if out.get(entry, 0.0) < here:
                out[entry] = here
    return out


def _sought(postings: Postings, known: dict[int, float]) -> list[int]:
    """Return the postings of the rows in `known`."""
    out: list[int] = []
    for entry in known:
        place = bisect_left(postings, entry << PLACES)
        if place < len(postings) and postings[place] >> PLACES == entry:
            out.append(postings[place])
    return out


def rank(index: Index, asked: Terms, among: range) -> list[Ranked]:
    """Return the rows of a range that the words speak for, the best first."""
    scores: dict[int, float] = {}
    covered: dict[int, float] = {}
    spoken: dict[int, int] = {}
    whole = 0.0
    prepared = _prepare(index, asked, among)
    for number, item in enumerate(prepared):
        share = 0.25 if item.word in WEAK else 0.8 if item.word in asked.weak else 0.4 if item.word in _LIGHT else 1.0
        counted = 0.0 if item.word in asked.weak else share * item.rarity
        whole += counted
        for entry, weight in _hits(item, scores).items():
            scores[entry] = scores.get(entry, 0.0) + share * weight * item.rarity
            covered[entry] = covered.get(entry, 0.0) + counted * min(1.0, weight)
            spoken[entry] = spoken.get(entry, 0) | 1 << number
    if not whole:
        return []
    boosts = [(index.of_kind(kind), boost, kind not in _BROAD) for kind, boost in asked.boosts.items()]
    if asked.owned:
        boosts.append((index.saved, _OWNED_BOOST, False))
    best: list[tuple[float, int]] = []
    for entry, score in scores.items():
        coverage = covered[entry] / whole
        if coverage > 0:
            score *= coverage * index.weights[entry]
            for kind, boost, narrow in boosts:
                if kind.start <= entry < kind.stop:
                    score *= boost if not narrow else boost * 2 if coverage > _ALL else _DOUBTFUL
            best.append((score, -entry))
    return [
        Ranked(-entry, score, covered[-entry] / whole, _words(prepared, spoken[-entry]))
        for score, entry in nlargest(_KEPT, best)
    ]


def _words(prepared: list[_Word], bits: int) -> tuple[str, ...]:
    return tuple(item.word for number, item in enumerate(prepared) if bits >> number & 1)
