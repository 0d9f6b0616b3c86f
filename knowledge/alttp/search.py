"""Ranking by words: which rows a plain question is about, with the words that speak for each."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from heapq import nlargest
from typing import NamedTuple

from knowledge.alttp.index import ALIAS, FINE, KEYWORD, LABEL, PLACES, PROSE, SUBJECT, Index, Postings
from knowledge.alttp.index_rows import KIND_PRIOR
from knowledge.alttp.search_titles import Said, fit, said
from knowledge.alttp.words import (
    ADVERBS,
    COMMON,
    NEIGHBOURS,
    ORDINARY,
    PHRASES,
    STOP,
    SYNONYMS,
    WEAK,
    plain_split,
    plain_words,
    stem,
)
from knowledge.alttp.words_cues import asked_kinds, is_owned, is_rom, is_state, is_target, leanings, said_first
from schemas.fact import FactKind

__all__ = ["Ranked", "Terms", "rank", "settle", "terms"]

_LIGHT = frozenset(plain_words("link player current currently now active bit flag 16 8"))  # many questions have them
_HELD = frozenset(
    ("addres", "address", stem("address"), "port", "wram")
)  # words that are no hint where a register holds one
_ARRAYS = ("sprite array", "ancilla array", "overlord array", "garnish array")
_LIVING = frozenset(
    plain_words(
        "sprite enemy monster boss npc foe creature mob guard soldier ancilla projectile overlord garnish slot array "
        "each every all effect bomb boomerang arrow body object it"
    )
)
"""Words one of which a question has that is about such an array."""
_SOUNDS = frozenset(plain_words("sound sfx effect noise jingle beep"))
_ENOUGH = 0.48  # share of a question's weight that an answer must match
_AHEAD, _ENOUGH_AHEAD = 1.2, 0.34  # the same for a row so many times as good as the next, if no word is foreign
_UNKNOWN = 2.0  # a word that no row has weighs more against every row than a rare one
_MORE = 2.0  # times what a common word counts where a row has it, of what it counts where a row does not
_WORDS = 24  # words of a question that are searched for
_SAME, _NEAR = 0.95, 0.8  # what a word counts that means the same, or nearly
_COMMON = 350  # rows: a word as frequent as this cannot bring a row in, once a rarer word has brought some
_REPAIRED, _REPAIRED_SHORT, _LONG_WORD = 0.9, 0.75, 6
"""What a word with typing errors counts, less 0.15 an error: less yet a short one, which may be another word."""
_AMOUNT = 0.3  # what a number of two digits counts: `30 arrows` are arrows
_KIND_SAID = 0.8  # what the name of the kind that is asked for counts as a word, where rows of it have no ids
_FEWER = 6  # times fewer rows than postings: they are sought one by one
_PAIRS, _OTHER = 4, 0.7  # rows that are told apart from their like, and what the one that is not meant keeps
_COMPARED, _ENTITLED = 10, 2.0  # rows whose titles are compared, and what one gains whose title is what is asked
_ALIKE = 4  # letters that a word of seven and one with two typing errors have alike
_COVERED = 1.5  # power of the share of the question that a row matches, in its score
_KEPT = 100  # rows of one question
_TOLD = 6  # rows whose words are told
_SPACES: frozenset[FactKind] = frozenset(("room", "overworld", "entrance", "dungeon", "song", "module"))
_BROAD: frozenset[FactKind] = frozenset(("ram", "register", "routine", "data"))
_SOME, _ALL = (
    0.4,
    0.85,
)  # shares of a question's weight: a row of the named kind gains from the first on, all at the second
_ENOUGH_OF_KIND = 0.5  # share of a question's weight that a row of the named kind must match for it to be meant
_OWNED_BOOST = 2.0  # what a row of the saved inventory gains when a question is about what Link has
_BOOSTS = {3: 4.0, 2: 2.2, 1: 1.35}  # what a row of the kind that is named gains, by the strength of the hint


def _shares() -> tuple[float, ...]:
    """Return what a word counts in a row, by where the row has it: the best place, and a little for each other."""
    places = ((SUBJECT, 1.0), (KEYWORD, 0.75), (LABEL, 0.7), (PROSE, 0.7), (ALIAS, 0.5), (FINE, 0.5))
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
    leans: dict[FactKind, float]
    """What one gains by the turn of the question, where it turns out to name no kind."""
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
    enough: bool
    """Whether the row matches enough of the question to be an answer."""


def terms(query: str) -> Terms:
    """Take a question apart: small words dropped, turns of phrase replaced, the asked kinds kept."""
    text = query.lower()
    owned, state, rom = is_owned(text), is_state(text), is_rom(text)
    for pattern, replacement in PHRASES:
        text = pattern.sub(replacement, text)
    written = [(stem(word), word) for word in plain_split(text) if len(word) < 40 and word not in ADVERBS]
    words = dict([(word, as_is) for word, as_is in written if word not in STOP][:_WORDS])
    hints = asked_kinds(text, words, state=state)
    said = {stem(word) for hint in hints for word in plain_split(hint.words)}
    weak = frozenset(word for word in words if word in said or word in WEAK)
    if is_target(text):
        weak -= _HELD
    if weak.issuperset(words):
        said = said_first(hints)
        weak = frozenset(word for word in words if word in said or word in WEAK)
    if weak.issuperset(words):
        weak = frozenset[str]()
    boosts: dict[FactKind, float] = {hint.kind: _BOOSTS[hint.strength] for hint in reversed(hints)}
    for kind, lean in leanings(text, hints, state=state).items():
        boosts[kind] = max(lean, boosts.get(kind, 0.0))
    narrow = any(
        (boost > 3 and kind not in _BROAD) or (boost > 2 and kind in _SPACES) for kind, boost in boosts.items()
    )
    plain = all(word in COMMON or word in weak or word in _LIGHT for word in words)
    named = frozenset(word for word in weak if word in WEAK or word in said_first(hints))
    leans = leanings(text, [], state=state) if narrow else {}
    if rom:
        boosts.setdefault("data", _BOOSTS[3])
        narrow = False
    return Terms(words, weak, named, boosts, leans, owned, narrow, plain)


def _repair(index: Index, word: str) -> list[tuple[str, float]]:
    """Return words of the tables that a mistyped word may stand for, with a weight below 1."""
    if len(word) < 5 or not word.isalpha():
        return []
    from rapidfuzz.distance import OSA

    most = 1 if len(word) < 7 else 2
    close: list[tuple[int, str]] = []
    for known in index.initials.get(word[0], ()):
        if abs(len(known) - len(word)) <= most:
            distance = OSA.distance(word, known, score_cutoff=most)
            if distance <= most and (distance < 2 or len(word) > 7 or known[:_ALIKE] == word[:_ALIKE]):
                close.append((distance, known))
    if not close:  # the first letter itself is wrong
        for letter, words in index.initials.items():
            if letter != word[0] and len(word) >= 5:
                close += [(1, known) for known in words if known[1:] == word[1:] or known == word[1:]]
    share = _REPAIRED if len(word) >= _LONG_WORD else _REPAIRED_SHORT
    return [(known, share - 0.15 * distance) for distance, known in sorted(close)[:4]]


@lru_cache(maxsize=1000)
def _means_little(word: str) -> bool:
    """Tell whether an unknown word is, but for one typing error, a word that says nothing: `adress`."""
    if len(word) < _LONG_WORD - 1:
        return False
    from rapidfuzz.distance import OSA

    return any(
        word[0] == known[0] and abs(len(word) - len(known)) < 2 and OSA.distance(word, known, score_cutoff=1) <= 1
        for known in STOP | WEAK
    )


def _variants(index: Index, word: str) -> list[tuple[str, float]]:
    """Return the spellings to search for one word of the question, with their weights."""
    out = [(word, 1.0)] if word in index.words else []
    same, near = SYNONYMS.get(word, frozenset[str]()), NEIGHBOURS.get(word, frozenset[str]())
    out += [(other, _SAME) for other in same if other in index.words]
    out += [(other, _NEAR) for other in near - same if other in index.words]
    return out or ([] if word in ORDINARY else _repair(index, word))


class _Word(NamedTuple):
    word: str
    variants: list[tuple[Postings, float]]
    rarity: float
    rows: int
    spellings: dict[str, float]


def _prepare(index: Index, asked: Terms, among: range) -> list[_Word]:
    """Return the words with the rows of their spellings, the rarest first and those that none needs last."""
    out: list[_Word] = []
    whole = len(among) == len(index)
    stems = list(asked.words)
    joined = [*map(_joined, stems, stems[1:]), ""]
    for place, word in enumerate(stems):
        if word not in index.words and _means_little(word):
            continue
        spellings = _variants(index, word)
        spellings += [(other, 1.0) for other in (joined[place], joined[place - 1]) if other in index.words]
        if not spellings and (word in ORDINARY or word.isdecimal()):
            continue  # says nothing, for or against
        rows = sum(index.frequency(other) for other, weight in spellings if weight >= _SAME)
        rows = rows or max((index.frequency(other) for other, _ in spellings), default=0)
        rarity = index.rarity(rows) * (1.0 if spellings else _UNKNOWN)
        lists = [(index.words[other], weight) for other, weight in spellings]
        if not whole:
            lists = [(_within(postings, among), weight) for postings, weight in lists]
        out.append(_Word(word, lists, rarity, sum(len(postings) for postings, _ in lists), dict(reversed(spellings))))
    return sorted(out, key=lambda item: (item.word in asked.weak, item.rows))


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


def _sought(postings: Postings, known: Collection[int]) -> list[int]:
    """Return the postings of the rows in `known`."""
    if len(known) * _FEWER > len(postings):
        return [posting for posting in postings if posting >> PLACES in known]
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
    boosts = {kind: boost for kind, boost in asked.boosts.items() if kind in _BROAD} or asked.leans
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
    if told:
        words = said((item.spellings, item.rarity * _share(item.word, asked)) for item in prepared)
        best = _told_apart(index, asked, _entitled(index, words, best))
    foreign = any(not item.variants for item in prepared)
    told_kind = bool(best) and (index.kind(-best[0][1]) in _BROAD or index.kind(-best[0][1]) in asked.boosts)
    clear = told_kind and not foreign and (len(best) < 2 or best[0][0] > _AHEAD * best[1][0])
    return [
        Ranked(
            -entry,
            score,
            covered[-entry] / whole,
            _words(prepared, -entry) if place < told else (),
            covered[-entry] >= (_ENOUGH if place or not clear else _ENOUGH_AHEAD) * whole,
        )
        for place, (score, entry) in enumerate(best)
    ]


def _entitled(index: Index, words: Said, best: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Let the rows at the top gain by how well the question says what they are called."""
    first = [(score * (1 + _ENTITLED * fit(index, -entry, words)), entry) for score, entry in best[:_COMPARED]]
    return sorted(first + best[_COMPARED:], reverse=True)


def _told_apart(index: Index, asked: Terms, best: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Put the half of a pair that is asked for first, a routine before a way into it, a song before a sound."""
    half = [said for said in ("low", "high") if said in asked.words]
    first: list[tuple[float, int]] = []
    rows = [index.entry(-entry) for _, entry in best[:_PAIRS]]
    names = {row.name for row in rows}
    for (score, entry), row in zip(best, rows, strict=False):
        text = row.cell("description")
        other = len(half) == 1 and text.endswith(" high" if half[0] == "low" else " low")
        stub = row.kind == "routine" and row.name.endswith("_long") and row.name[: -len("_long")] in names
        played = row.kind == "song" and row.cell("id").startswith("SFX") is _SOUNDS.isdisjoint(asked.words)
        stray = _LIVING.isdisjoint(asked.words) and text.startswith(_ARRAYS)
        first.append((score * _OTHER if other or stub or played or stray else score, entry))
    return sorted(first, reverse=True) + best[_PAIRS:]


def _share(word: str, asked: Terms) -> float:
    """Return how much a word of the question counts, whatever row has it."""
    if word in WEAK:
        return 0.25
    if word in asked.weak:
        return 0.3 if asked.narrow else _KIND_SAID
    if word.isdecimal() and len(word) > 1:
        return _AMOUNT
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
    out = [(scores[entry] * (here / whole) ** _COVERED * weights[entry], -entry) for entry, here in covered.items()]
    for kind, boost, narrow, least in boosts:
        first, stop = -kind.start, -kind.stop
        grown = boost * 2 / least - 1 if boost > 2 else boost - 1
        boost = boost / least if boost > 2 and not narrow else boost
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
