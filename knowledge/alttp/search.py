"""Ranking by words: which rows a plain question is about, with the words that speak for each."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache
from heapq import nlargest
from typing import NamedTuple

from knowledge.alttp.index import ALIAS, FINE, KEYWORD, LABEL, PLACES, PROSE, SUBJECT, Index, Postings
from knowledge.alttp.index_rows import KIND_PRIOR
from knowledge.alttp.words import COMMON, NEIGHBOURS, PHRASES, STOP, SYNONYMS, WEAK, plain_split, plain_words, stem
from knowledge.alttp.words_kinds import Hint, hinted
from schemas.fact import FactKind

__all__ = ["Ranked", "Terms", "rank", "settle", "terms"]

_STATE = re.compile(
    r"\bhow (?:many|much|far|fast|long|high)\b|\b(?:number|amount|count|total|level|status) of\b|"
    r"\b(?:am|is|are|was|do|does|did|has|have) (?:i|we|link|the player|the hero)\b|\b(?:my|i've|i have)\b|"
    r"\b(?:link|the player|i|we) (?:am|is|are|currently)\b"
)
"""A quantity or a state is a variable."""

_OWNED = re.compile(
    r"\b(?:do|does|did|has|have|if|when) (?:i|we|link|the player|the hero) (?:have|own|got|get|carry|hold|possess)|"
    r"\b(?:did|have|has) (?:i|we|link|the player|the hero) (?:pick|find|got|get|obtain|collect|found)|"
    r"\bin (?:the|my|link's) inventory\b"
)
_HARDWARE = re.compile(
    r"\b(?:\w*(?:bgmode|inidisp|mosaic|hdmaen|cgwsel|cgadsub|obsel|nmitimen|coldata|m7[a-d])\w*|ppu\d?|"
    r"oam (?:\w+ )?(?:address|data)|wram (?:address|data)|apu|spc(?:700)?|vram|cgram|hdma|dma|irq|latch\w*|mode 7|"
    r"window \d|mosaic|colou?r math|h-?blank|v-?blank|forced? blank|scanline|dot counter|main screen|sub ?screen|"
    r"fixed colou?r|open bus)\b"
)
"""Words of the console rather than of the game."""

_PRESENT = frozenset(
    ["current", "currently", "now", "previous", "equipped", "selected", "array", "arrays", "slot", "slots", "table"]
)
_SAVED = re.compile(
    r"\b(?:owned|own|obtained|collected|acquired|in (?:the )?inventory|inventory|possession|possessed|carried)\b"
)
_LIGHT = frozenset(plain_words("link player current currently now active bit 16 8"))  # words that many questions have
_UNKNOWN = 1.5  # a word that no row has weighs more against every row than a rare one
_MORE = 2.0  # times what a common word counts where a row has it, of what it counts where a row does not
_WORDS = 24  # words of a question that are searched for
_SAME, _NEAR = 0.9, 0.7  # what a word counts that means the same, or nearly
_COMMON = 600  # rows: a word as frequent as this cannot bring a row in, once a rarer word has brought some
_KEPT = 100  # rows of one question
_TOLD = 20  # rows whose words are told
_SPACES: frozenset[FactKind] = frozenset(("room", "overworld", "entrance", "dungeon", "song", "module"))
_SHADOW = re.compile(r"\b(?:shadow|mirror|queued?|buffered|ram copy|copy of|copy in ram|ram value)\b")
_VERB = re.compile(
    r"\s*(?:decompress|play|draw|load|clear|spawn|check|handle|dispatch|jump|copy|upload|transfer|calculate|compute|give|"
    r"kill|move|run|execute|initiali[sz]e|init|update|get|find|set up|apply|fade|wait for|test)\b"
)
"""A question that begins so names what code does."""

_HOW = re.compile(r"\bhow (?:do i|do you|to|can i|would i)\b")
_BROAD: frozenset[FactKind] = frozenset(("ram", "register", "routine", "data"))
_SOME, _ALL = (
    0.4,
    0.85,
)  # shares of a question's weight: a row of the named kind gains from the first on, all at the second
_HARDWARE_BOOST = 1.5
_ENOUGH_OF_KIND = 0.5  # share of a question's weight that a row of the named kind must match for it to be meant
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


@cache
def _weakened(weight: float) -> tuple[float, ...]:
    """Return the shares of a spelling that is not the word itself."""
    return _SHARES if weight == 1.0 else tuple([weight * min(1.0, share) for share in _SHARES])


class Terms(NamedTuple):
    """What a question says."""

    words: dict[str, str]
    """Stems that are searched for, in order, each with the word as it was written."""
    weak: frozenset[str]
    """Those of them that name a kind of fact: they help a row but none is needed."""
    named: frozenset[str]
    """Those of them that name the kind that is asked for, or none: a name is what is left without them."""
    boosts: dict[FactKind, float]
    """What a row of a kind gains, for the kinds that the question names."""
    owned: bool
    """Whether the question is about what Link has."""
    narrow: bool
    """Whether it is about a kind whose rows have ids."""
    plain: bool
    """Whether it has common words only, so that they have to do."""


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
    said = {stem(word) for hint in hints for word in plain_split(hint.words)}
    weak = frozenset(word for word in words if word in said or word in WEAK)
    if weak.issuperset(words):
        said = _said(hints)
        weak = frozenset(word for word in words if word in said or word in WEAK)
    if weak.issuperset(words):
        weak = frozenset[str]()
    boosts: dict[FactKind, float] = {hint.kind: _BOOSTS[hint.strength] for hint in reversed(hints)}
    if not hints and state:
        boosts["ram"] = _BOOSTS[1]
    elif not hints and _HARDWARE.search(text):
        boosts["register"] = _HARDWARE_BOOST
    elif not hints and _VERB.match(text):
        boosts["routine"] = _HARDWARE_BOOST
    elif not hints and _HOW.search(text):
        boosts["register"] = _BOOSTS[1]
    narrow = any(
        (boost > 3 and kind not in _BROAD) or (boost > 2 and kind in _SPACES) for kind, boost in boosts.items()
    )
    plain = all(word in COMMON or word in weak or word in _LIGHT for word in words)
    named = frozenset(word for word in weak if word in WEAK or word in _said(hints))
    return Terms(words, weak, named, boosts, owned, narrow, plain)


def _said(hints: list[Hint]) -> set[str]:
    """Return the stems of the words that name the kind that is named most plainly."""
    return {stem(word) for hint in hints[:1] for word in plain_split(hint.words)}


def _hints(text: str, words: Mapping[str, str], *, state: bool) -> list[Hint]:
    """Return the kinds that are named; the current room is a variable, and no room, and so is a bare `room id`."""
    hints = hinted(text)
    if _SHADOW.search(text) and _HARDWARE.search(text):
        return [Hint("ram", 3, "")]
    if not hints:
        return hints
    if _HARDWARE.search(text):
        hints = [hint for hint in hints if hint.words != "address"]
    named = _said(hints)
    strong = [word for word in words if word not in named and word not in WEAK]
    if (
        strong
        and _PRESENT.isdisjoint([words[word] for word in strong])
        and not (state and hints and hints[0].strength < 3)
    ):
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
    same, near = SYNONYMS.get(word, frozenset[str]()), NEIGHBOURS.get(word, frozenset[str]())
    out += [(other, _SAME) for other in same if other in index.words]
    out += [(other, _NEAR) for other in near - same if other in index.words]
    return out or ([] if word in COMMON else _repair(index, word))


class _Word(NamedTuple):
    word: str
    variants: list[tuple[Postings, float]]
    rarity: float
    rows: int


def _prepare(index: Index, asked: Terms, among: range) -> list[_Word]:
    """Return the words with the rows of their spellings, the rarest first."""
    out: list[_Word] = []
    whole = len(among) == len(index)
    stems = list(asked.words)
    joined = [*map(_joined, stems, stems[1:]), ""]
    for place, word in enumerate(stems):
        spellings = _variants(index, word)
        spellings += [(other, 1.0) for other in (joined[place], joined[place - 1]) if other in index.words]
        if not spellings and not asked.plain and (word in COMMON or word.isdecimal()):
            continue  # says nothing, for or against
        rows = sum(index.frequency(other) for other, weight in spellings if weight >= _SAME)
        rows = rows or max((index.frequency(other) for other, _ in spellings), default=0)
        rarity = index.rarity(rows) * (1.0 if spellings else _UNKNOWN)
        lists = [(index.words[other], weight) for other, weight in spellings]
        if not whole:
            lists = [(_within(postings, among), weight) for postings, weight in lists]
        out.append(_Word(word, lists, rarity, sum(len(postings) for postings, _ in lists)))
    return sorted(out, key=lambda item: item.rows)


def _joined(first: str, second: str) -> str:
    """Return two words as one: `fast rom` is `fastrom`."""
    return stem(first + second) if first.isalpha() and second.isalpha() else ""


def _within(postings: Postings, among: range) -> Postings:
    low = bisect_left(postings, among.start << PLACES)
    return postings[low : bisect_left(postings, among.stop << PLACES, low)]


def _hits(item: _Word, known: Mapping[int, float]) -> dict[int, float]:
    """Return the weight of one word for each row that has it; of a common word only for the rows in `known`."""
    out: dict[int, float] = {}
    mask = (1 << PLACES) - 1
    for postings, weight in item.variants:
        shares = _weakened(weight)
        found: Iterable[int] = _sought(postings, known) if item.rows > _COMMON and known else postings
        if out:
            for posting in found:
                entry, here = posting >> PLACES, shares[posting & mask]
                if out.get(entry, 0.0) < here:
                    out[entry] = here
        else:
            out = {posting >> PLACES: shares[posting & mask] for posting in found}
    return out


def _sought(postings: Postings, known: Iterable[int]) -> list[int]:
    """Return the postings of the rows in `known`."""
    out: list[int] = []
    for entry in known:
        place = bisect_left(postings, entry << PLACES)
        if place < len(postings) and postings[place] >> PLACES == entry:
            out.append(postings[place])
    return out


def settle(index: Index, asked: Terms) -> Terms:
    """Take the kind that a question names for a kind only where a row of it has most of the other words.

    Else its name is a word as any other: `dungeon index times two` is about no dungeon.
    """
    narrow = [kind for kind in asked.boosts if kind not in _BROAD]
    for kind in narrow:
        if any(found.coverage >= _ENOUGH_OF_KIND for found in rank(index, asked, index.of_kind(kind), told=0)[:3]):
            return asked
    if not narrow:
        return asked
    plain = frozenset(word for word in asked.words if word in WEAK)
    boosts = {kind: boost for kind, boost in asked.boosts.items() if kind in _BROAD}
    return asked._replace(
        weak=frozenset[str]() if plain.issuperset(asked.words) else plain, named=plain, boosts=boosts, narrow=False
    )


def rank(index: Index, asked: Terms, among: range, *, told: int = _TOLD) -> list[Ranked]:
    """Return the rows of a range that the words speak for, the best first; of the first `told` with those words."""
    scores: dict[int, float] = {}
    covered: dict[int, float] = {}
    whole = 0.0
    prepared = _prepare(index, asked, among)
    for item in prepared:
        gained = item.rarity * _share(item.word, asked)
        counted = 0.0 if item.word in asked.weak else gained
        if item.word in COMMON and not asked.plain:
            gained *= _MORE
        whole += counted
        for entry, weight in _hits(item, scores).items():
            scores[entry] = scores.get(entry, 0.0) + gained * weight
            if counted:
                covered[entry] = covered.get(entry, 0.0) + (counted * weight if weight < 1.0 else counted)
    if not whole or all(word.isdecimal() for word in asked.words):
        return []
    best = nlargest(_KEPT, _weighed(index, asked, scores, covered, whole))
    return [
        Ranked(-entry, score, covered[-entry] / whole, _words(prepared, -entry) if place < told else ())
        for place, (score, entry) in enumerate(best)
    ]


def _share(word: str, asked: Terms) -> float:
    """Return how much a word of the question counts, whatever row has it."""
    if word in WEAK:
        return 0.25
    if word in asked.weak:
        return 0.3 if asked.narrow else 0.8
    return 0.4 if word in _LIGHT or (word in COMMON and not asked.plain) else 1.0


def _weighed(
    index: Index, asked: Terms, scores: Mapping[int, float], covered: Mapping[int, float], whole: float
) -> list[tuple[float, int]]:
    """Return (score, negative entry) of each row, by its coverage, its weight and what its kind gains."""
    boosts = [
        (index.of_kind(kind), boost, kind not in _BROAD, KIND_PRIOR[kind]) for kind, boost in asked.boosts.items()
    ]
    if asked.owned:
        boosts.append((index.saved, _OWNED_BOOST, False, 1.0))
    weights = index.weights
    out = [(scores[entry] * here / whole * weights[entry], -entry) for entry, here in covered.items()]
    for kind, boost, narrow, least in boosts:
        first, stop = -kind.start, -kind.stop
        grown = boost * 2 / least - 1 if boost > 2 else boost - 1
        out = [
            (score, entry)
            if not first >= entry > stop
            else (score * boost, entry)
            if not narrow
            else (score * (1 + grown * min(1.0, max(0.0, covered[-entry] / whole - _SOME) / (_ALL - _SOME))), entry)
            for score, entry in out
        ]
    return out


def _words(prepared: list[_Word], entry: int) -> tuple[str, ...]:
    """Return the words that a row has."""
    return tuple([item.word for item in prepared if any(_sought(postings, (entry,)) for postings, _ in item.variants)])
