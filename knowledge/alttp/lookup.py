"""The answer to a question about ALTTP and the SNES: by address, id or name, else by its words.

Every answer is a row of a table; what matches no row well is not found, and rows that match equally well are
given as candidates without a first. The tables are read on first use and again when a file has changed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from knowledge.alttp.index import Index, current
from knowledge.alttp.locate import Match, by_address
from knowledge.alttp.locate_ids import by_id, by_ref, names_an_id
from knowledge.alttp.lookup_names import NAMED, NAMED_ALIAS, NAMED_OTHER, like_named, mistyped, named
from knowledge.alttp.lookup_relations import asked_relation, relation_answer
from knowledge.alttp.overlay import Overlay, Own
from knowledge.alttp.search import Terms, rank, settle, terms
from knowledge.alttp.tables import PATHS
from knowledge.alttp.words import squeeze
from knowledge.snes.addresses import spelled
from schemas.fact import AskedKind, Candidate, Fact, FactKind, Lookup

__all__ = ["QUERY_LIMIT", "fact_at", "lookup", "resolve"]

QUERY_LIMIT = 500
"""Characters of a question that are read; a longer one is refused."""

_CANDIDATES = 100  # matches kept of one question
_WORDS, _FAINT_WORDS = 5, 9  # tiers of matches by words: an answer, and too weak to be one
_TIE = 0.995  # rows whose scores are closer than this match equally well
_TIE_OF_NAMES = 0.955  # the same for rows of one name, whose scores tell the words too
_AHEAD = 1.15  # times the score of the second that the first needs to be what a relation is asked of
_FAINT = 0.3  # share of the best score below which a match by words is left out
_RELATED = 4  # rows of a relation, which are short, for each row that is asked for
_NEAREST = 3  # rows shown when none is an answer
_SUMMARY = 70  # characters of a candidate's description

_VALUE = re.compile(r"=\s{0,9}#?(?:\$|0x|%)?[0-9A-Fa-f]{1,16}\s{0,9}$")  # `$2100=$8F` asks about $2100

_ONE_ROUTINE = re.compile(
    r"\W*(?:which |what |the |a )?(?:(?:sub)?routine|function|code) (?:that|which) ", re.IGNORECASE
)
"""So begins a question for a routine by what it does, rather than for all that do it."""

_HINT = (
    "Try an address ($7Exxxx, $21xx, $bank:xxxx), a name of a disassembly, an id (sprite 0xNN, room 0xNNN, item 0xNN, "
    "overworld 0xNN, module 0xNN, song 0xNN) or fewer, plainer words."
)


def _supported(matches: Iterable[Match], spoken: Sequence[Match]) -> Iterator[Match]:
    """Let the words tell apart rows that bear the same name."""
    scores = {match.entry: match.score / spoken[0].score for match in spoken}
    for match in matches:
        yield match._replace(score=match.score + scores.get(match.entry, 0.0) / 2)


def _by_words(index: Index, asked: Terms, among: range) -> Iterator[Match]:
    """Give the rows that the words of the question speak for."""
    ranked = rank(index, asked, among)[:_CANDIDATES]
    for found in ranked:
        if found.score < ranked[0].score * _FAINT:
            break
        tier = _WORDS if found.enough else _FAINT_WORDS
        words = [asked.words[word] for word in asked.words if word in found.words]
        yield Match(found.entry, tier, found.score, "words: " + (", ".join(words) or "some of the question's"))


def _exact(index: Index, query: str, kind: AskedKind) -> list[Match] | None:
    """Return the rows that the question spells out, or None when it names neither an id nor an address."""
    ids = [*by_ref(index, query), *by_id(index, query, kind)]
    if ids or names_an_id(query):
        return ids
    addresses = list(by_address(index, _VALUE.sub("", query)))
    return addresses if addresses or any(not found.bare for found in spelled(query)) else None


def _said(index: Index, query: str, among: range) -> list[Match]:
    """Return the rows that the names and the words of the question speak for."""
    asked = settle(index, terms(query))
    spoken = list(_by_words(index, asked, among))
    names = [*named(index, query, asked), *like_named(index, asked)]
    if not any(match.entry in among for match in names):
        names += mistyped(index, query)
    return [*_supported(names, spoken), *spoken]


def _collect(index: Index, query: str, kind: AskedKind) -> list[Match]:
    """Return the matches, best first, each row once; words count only where no id or address is named."""
    among = index.of_kind(kind)

    def order(match: Match) -> tuple[int, float, float, int]:
        return (match.tier, -match.score, -index.priors[match.entry], match.entry)

    matches = _exact(index, query, kind)
    if matches is None:
        matches = _said(index, query, among)
    best: dict[int, Match] = {}
    for match in sorted((match for match in matches if match.entry in among), key=order):
        best.setdefault(match.entry, match)
    return list(best.values())[:_CANDIDATES]


def _tied(index: Index, matches: list[Match]) -> int:
    """Return how many matches at the top are equally good; a name or a word may mean one row of each kind."""
    first = matches[0]
    kind = index.kind(first.entry)
    by_name = NAMED <= first.tier < _WORDS or first.tier == NAMED_OTHER
    tied = 0
    for match in matches:
        if tied and first.tier < NAMED and index.kind(match.entry) == "sublabel" != kind:
            continue  # a local label where a label begins
        if match.tier != first.tier or match.score < first.score * (_TIE_OF_NAMES if by_name else _TIE):
            break
        if first.tier > 1 and index.kind(match.entry) != kind:
            break
        tied += 1
    return tied


def _candidate(index: Index, match: Match) -> Candidate:
    full = index.fact(match.entry)
    summary = full.description or (full.details[0] if full.details and "address" not in full.id[:1] else "")
    if full.kind in ("ram", "register", "routine", "data", "sublabel", "room", "overworld"):
        summary = full.description
    why = "; ".join(filter(None, (match.reason, match.place)))
    if len(summary) > _SUMMARY:
        summary = summary[:_SUMMARY].rsplit(" ", 1)[0] + " ..."
    return Candidate(kind=full.kind, ref=full.ref, id=full.id, name=full.name, summary=summary, reason=why)


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
    overlay: Overlay | None = None,
    paths: Mapping[FactKind, Path] = PATHS,
) -> Lookup:
    """Answer a question about an address, a name, an id, a relation, or in plain words.

    `limit` (1 to 20) rows from `offset` on are returned (of a relation four times as many), the first in full when one
    row is clearly meant. What no
    row of `kind` matches is looked for among all kinds, and `hint` says so. A question that is empty, longer than
    `QUERY_LIMIT` or matched by no row is not an error: `found` is false and `hint` says what to try next. The user's
    own symbols in `overlay` win over rows at the same address or of the same name; those follow as candidates.
    """
    if len(query) > QUERY_LIMIT:
        short = query[:40] + "..."
        return Lookup(query=short, found=False, hint=f"The question has more than {QUERY_LIMIT} characters. " + _HINT)
    if not query.strip():
        return Lookup(query=query, found=False, hint="The question is empty. " + _HINT)
    own = overlay.find(query) if overlay else []
    if own:
        return _with_own(own, lookup(query, kind, limit=limit, offset=offset, paths=paths), limit)
    index = current(paths)
    related = _related(index, query, limit=limit, offset=offset) if kind == "any" else None
    if related is not None:
        return related
    matches = _collect(index, query, kind)
    strong = [match for match in matches if match.tier < _FAINT_WORDS]
    if not strong and kind != "any":
        wider = lookup(query, limit=limit, offset=offset, paths=paths)
        return wider.model_copy(update={"hint": f"No {kind} matches; all kinds were searched. {wider.hint}".strip()})
    if not strong:
        return _missing(index, query, matches[: min(limit, _NEAREST)])
    return _page(index, query, strong, limit=limit, offset=offset)


def _with_own(own: Sequence[Own], beneath: Lookup, limit: int) -> Lookup:
    """Put the user's symbols before what the tables answer."""
    if beneath.offset:
        return beneath
    below = [_brief(beneath.answer, beneath.reason)] if beneath.answer and not beneath.relation else []
    below += beneath.others if beneath.found else ()
    whole = len(own) == 1
    others = [_brief(one.fact(), one.reason) for one in own] if not whole else []
    return beneath.model_copy(
        update={
            "found": True,
            "ambiguous": not whole,
            "answer": own[0].fact() if whole else None,
            "reason": own[0].reason if whole else "",
            "place": own[0].place if whole else "",
            "others": tuple([*others, *below][: max(1, limit - 1 if whole else limit)]),
            "relation": "",
            "related": (),
            "total": len(own) + (beneath.total if beneath.found and not beneath.relation else 0),
            "hint": "",
        }
    )


def _brief(full: Fact, reason: str) -> Candidate:
    return Candidate(
        kind=full.kind, ref=full.ref, id=full.id, name=full.name, summary=full.description[:_SUMMARY], reason=reason
    )


def _related(index: Index, query: str, *, limit: int, offset: int) -> Lookup | None:
    """Return the answer to a question about a relation, None when it asks for none or its subject is not clear."""
    asked = asked_relation(query)
    if asked is None:
        return None
    matches = [match for match in _collect(index, asked.what, "any") if match.tier < _FAINT_WORDS]
    clear = bool(matches) and _tied(index, matches) == 1
    if not clear:
        return None
    spelled_out = matches[0].tier < NAMED or (matches[0].tier <= NAMED_ALIAS and " " not in asked.what)
    if not spelled_out and not (asked.loose and _stands_out(matches) and not _ONE_ROUTINE.match(query)):
        return None

    def at(ref: str) -> Fact | None:
        kind, _, key = ref.partition(":")
        entry = index.find(kind, key)
        return index.fact(entry) if entry >= 0 else None

    about = index.fact(matches[0].entry)
    return relation_answer(query, asked, about, limit=_RELATED * limit, offset=offset, fact_at=at)


def _stands_out(matches: Sequence[Match]) -> bool:
    """Tell whether the first of some matches by words is well ahead of the others."""
    return len(matches) == 1 or matches[1].tier > matches[0].tier or matches[0].score > _AHEAD * matches[1].score


def _page(index: Index, query: str, matches: list[Match], *, limit: int, offset: int) -> Lookup:
    shown = matches[offset : offset + limit]
    tied = _tied(index, matches)
    whole = offset == 0 and tied == 1
    after = offset + len(shown)
    return Lookup(
        query=query,
        found=True,
        ambiguous=tied > 1,
        answer=index.fact(matches[0].entry) if whole else None,
        reason=matches[0].reason if whole else "",
        place=matches[0].place if whole else "",
        others=tuple(_candidate(index, match) for match in (shown[1:] if whole else shown)),
        total=len(matches),
        offset=offset,
        next_offset=after if after < len(matches) else 0,
        hint="" if shown else f"offset {offset} is past the last of {len(matches)} matches; use offset 0",
    )


def resolve(text: str, *, paths: Mapping[FactKind, Path] = PATHS) -> str:
    """Return the ref of the one row that an address in any spelling, a name, an alias or an id names exactly.

    Empty when it names none or several; words are not searched for.
    """
    if len(text) > QUERY_LIMIT or not text.strip() or asked_relation(text):
        return ""
    index = current(paths)
    matches = _exact(index, text, "any")
    if matches is None:
        whole = Terms({}, frozenset(), frozenset(), {}, {}, owned=False, narrow=False, plain=False)
        bearers = {hit.entry for hit in index.names.exact(squeeze(text))}
        matches = [match for match in named(index, text, whole) if match.entry in bearers]
    matches.sort(key=lambda match: (match.tier, -match.score, -index.priors[match.entry], match.entry))
    return index.ref(matches[0].entry) if matches and _tied(index, matches) == 1 else ""


def fact_at(ref: str, *, paths: Mapping[FactKind, Path] = PATHS) -> Fact | None:
    """Return the fact of a ref (`ram:7EF36D`, `module:07.02`), None when there is none."""
    kind, _, key = ref.partition(":")
    index = current(paths)
    entry = index.find(kind, key.upper()) if len(key) <= 16 else -1
    return index.fact(entry) if entry >= 0 else None
