"""The answer to a question about ALTTP and the SNES: by address, id or name, else by its words.

Every answer is a row of a table; what matches no row well is not found, and rows that match equally well are
given as candidates without a first. The tables are read on first use and again when a file has changed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from knowledge.alttp.index import Index, NameHit, current
from knowledge.alttp.locate import Match, by_address, by_id, names_an_id
from knowledge.alttp.search import Terms, rank, terms
from knowledge.alttp.tables import PATHS, fact
from knowledge.alttp.words import STOP, squeeze, stem
from knowledge.snes.addresses import spelled
from schemas.fact import AskedKind, Candidate, FactKind, Lookup

__all__ = ["QUERY_LIMIT", "lookup"]

QUERY_LIMIT = 500
"""Characters of a question that are read; a longer one is refused."""

_CANDIDATES = 100  # matches kept of one question
_ENOUGH = 0.55  # share of a question's weight that a row must match to be an answer
_TIE = 0.985  # rows whose scores are closer than this match equally well
_TIE_OF_NAMES = 0.955  # the same for rows of one name, whose scores tell the words too
_FAINT = 0.3  # share of the best score below which a match by words is left out
_GENERIC = 10  # rows: a plain word that so many rows have is no name, whoever uses it as one
_NEAREST = 3  # rows shown when none is an answer
_SUMMARY = 70  # characters of a candidate's description

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Za-z]+[a-z0-9][A-Z][A-Za-z0-9]*|[A-Z][A-Z0-9]{2,}")

_HINT = (
    "Try an address ($7Exxxx, $21xx, $bank:xxxx), a name of a disassembly, an id (sprite 0xNN, room 0xNNN, item 0xNN, "
    "overworld 0xNN) or fewer, plainer words."
)


def _phrases(query: str, asked: Terms) -> Iterator[str]:
    """Give the parts of a question that may be a name: the whole, each label, the words that matter."""
    yield query
    yield from _IDENTIFIER.findall(query)
    words = [word for word in re.findall(r"[a-z0-9_]+", re.sub(r"['\u2019]s?\b", "", query.lower()))]
    kept = [word for word in words if stem(word) not in STOP]
    yield " ".join(kept)
    yield " ".join(word for word in kept if stem(word) not in asked.weak)


def _is_name(index: Index, hit: NameHit, phrase: str, query: str) -> bool:
    """Tell whether a phrase is meant as this name: a word that many rows have is one only when nothing else is said."""
    if not phrase.isalpha() or index.frequency(stem(phrase)) < _GENERIC or hit.name.strip("?. ") == query.strip("?. "):
        return True
    return not hit.source and phrase not in _labels(query)


def _labels(query: str) -> set[str]:
    """Return the squeezed labels that stand inside a longer question."""
    return {squeeze(label) for label in _IDENTIFIER.findall(query)} - {squeeze(query)}


def _named(index: Index, query: str, asked: Terms) -> Iterator[Match]:
    """Give the rows that bear a name in the question: first own names and what is written so, last other kinds."""
    for phrase in dict.fromkeys(map(squeeze, _phrases(query, asked))):
        if len(phrase) < 2 or phrase.isdigit():
            continue
        for hit in index.names.get(phrase, ()):
            if _is_name(index, hit, phrase, query):
                other = asked.realm and asked.realm != index.entries[hit.entry].realm
                written = hit.name in query
                tier = 5 if other else 2 if written or not hit.source else 3
                yield Match(hit.entry, tier, 2.0 if written else 1.0, _why(hit))


def _like_named(index: Index, asked: Terms) -> Iterator[Match]:
    """Give the rows whose name says the words of the question in their order, whatever their endings."""
    for words in (asked.words, [word for word in asked.words if word not in asked.weak]):
        for hit in index.stems.get(" ".join(words), ()):
            other = asked.realm and asked.realm != index.entries[hit.entry].realm
            yield Match(hit.entry, 5 if other else 3, 1.0, _why(hit))


def _supported(named: Iterable[Match], spoken: Sequence[Match]) -> Iterator[Match]:
    """Let the words tell apart rows that bear the same name."""
    scores = {match.entry: match.score / spoken[0].score for match in spoken}
    for match in named:
        yield match._replace(score=match.score + scores.get(match.entry, 0.0))


def _why(hit: NameHit) -> str:
    return f"{hit.source} name {hit.name}" if hit.source else f"name {hit.name}"


def _by_words(index: Index, asked: Terms, allowed: Callable[[int], bool]) -> Iterator[Match]:
    """Give the rows that the words of the question speak for; tier 9 is too weak to be an answer."""
    ranked = rank(index, asked, allowed)[:_CANDIDATES]
    for found in ranked:
        if found.score < ranked[0].score * _FAINT:
            break
        tier = 4 if found.coverage >= _ENOUGH else 9
        words = [asked.words[word] for word in asked.words if word in found.words]
        yield Match(found.entry, tier, found.score, "words: " + ", ".join(words))


def _exact(index: Index, query: str, kind: AskedKind) -> list[Match] | None:
    """Return the rows that the question spells out, or None when it names neither an id nor an address."""
    ids = list(by_id(index, query, kind))
    if ids or names_an_id(query):
        return ids
    addresses = list(by_address(index, query))
    return addresses if addresses or any(not found.bare for found in spelled(query)) else None


def _collect(index: Index, query: str, kind: AskedKind) -> list[Match]:
    """Return the matches, best first, each row once; words count only where no id or address is named."""

    def allowed(entry: int) -> bool:
        return kind == "any" or index.entries[entry].kind == kind

    def order(match: Match) -> tuple[int, float, float, int]:
        return (match.tier, -match.score, -index.priors[match.entry], match.entry)

    matches = _exact(index, query, kind)
    if matches is None:
        asked = terms(query)
        spoken = list(_by_words(index, asked, allowed))
        matches = [*_supported([*_named(index, query, asked), *_like_named(index, asked)], spoken), *spoken]
    matches = [match for match in matches if allowed(match.entry)]
    best: dict[int, Match] = {}
    for match in sorted(matches, key=order):
        best.setdefault(match.entry, match)
    return list(best.values())[:_CANDIDATES]


def _tied(index: Index, matches: list[Match]) -> int:
    """Return how many matches at the top are equally good; a name or a word may mean one row of each kind."""
    first = matches[0]
    kind = index.entries[first.entry].kind
    tied = 0
    for match in matches:
        tie = _TIE_OF_NAMES if first.tier in (2, 3, 5) else _TIE
        if match.tier != first.tier or match.score < first.score * tie:
            break
        if first.tier > 1 and index.entries[match.entry].kind != kind:
            break
        tied += 1
    return tied


def _candidate(index: Index, match: Match) -> Candidate:
    entry = index.entries[match.entry]
    full = fact(entry.table, entry.row)
    summary = full.description or (full.details[0] if full.kind in ("sprite", "item") and full.details else "")
    why = "; ".join(filter(None, (match.reason, match.place)))
    if len(summary) > _SUMMARY:
        summary = summary[:_SUMMARY].rsplit(" ", 1)[0] + " ..."
    return Candidate(kind=full.kind, id=full.id, name=full.name, summary=summary, reason=why)


def _missing(index: Index, query: str, weak: Sequence[Match]) -> Lookup:
    """Return the answer to a question that no row answers: nearest rows, and what to try next."""
    addresses = [found for found in spelled(query) if not found.bare]
    hint = _HINT
    if addresses:
        hint = f"The tables have no row at {addresses[0].text}. " + _HINT
    others = tuple(_candidate(index, match) for match in weak)
    return Lookup(query=query, found=False, others=others, hint=hint)


def lookup(
    query: str,
    kind: AskedKind = "any",
    *,
    limit: int = 5,
    offset: int = 0,
    paths: Mapping[FactKind, Path] = PATHS,
) -> Lookup:
    """Answer a question about an address, a name, an id or in plain words.

    `limit` (1 to 20) rows from `offset` on are returned, the first in full when one row is clearly meant. What no
    row of `kind` matches is looked for among all kinds, and `hint` says so. A question that is empty, longer than
    `QUERY_LIMIT` or matched by no row is not an error: `found` is false and `hint` says what to try next.
    """
    if len(query) > QUERY_LIMIT:
        short = query[:40] + "..."
        return Lookup(query=short, found=False, hint=f"The question has more than {QUERY_LIMIT} characters. " + _HINT)
    if not query.strip():
        return Lookup(query=query, found=False, hint="The question is empty. " + _HINT)
    index = current(paths)
    matches = _collect(index, query, kind)
    strong = [match for match in matches if match.tier < 9]
    if not strong and kind != "any":
        wider = lookup(query, limit=limit, offset=offset, paths=paths)
        return wider.model_copy(update={"hint": f"No {kind} matches; all kinds were searched. {wider.hint}".strip()})
    if not strong:
        return _missing(index, query, matches[: min(limit, _NEAREST)])
    return _page(index, query, strong, limit=limit, offset=offset)


def _page(index: Index, query: str, matches: list[Match], *, limit: int, offset: int) -> Lookup:
    shown = matches[offset : offset + limit]
    tied = _tied(index, matches)
    whole = offset == 0 and tied == 1
    first = index.entries[matches[0].entry]
    after = offset + len(shown)
    return Lookup(
        query=query,
        found=True,
        ambiguous=tied > 1,
        answer=fact(first.table, first.row) if whole else None,
        reason=matches[0].reason if whole else "",
        place=matches[0].place if whole else "",
        others=tuple(_candidate(index, match) for match in (shown[1:] if whole else shown)),
        total=len(matches),
        offset=offset,
        next_offset=after if after < len(matches) else 0,
        hint="" if shown else f"offset {offset} is past the last of {len(matches)} matches; use offset 0",
    )
