"""Idioms and anti-patterns in indexed source code: how often each occurs, and where.

The catalogue is `patterns.toml`. A pattern is looked for in the text of the source, so it works on code that does not
assemble, and it knows nothing that the text does not say; for assembled programs the linter of `knowledge.m65816.lint`
says more. What was found in a codebase is kept until its files change.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

from knowledge.code_graph.patterns_language import Pattern, PatternKind, patterns
from knowledge.code_graph.patterns_live import settled
from knowledge.code_graph.patterns_match import Match, Steps, matches
from knowledge.code_graph.patterns_step import Step, steps
from knowledge.code_graph.types import Body, Code, CodeError

__all__ = ["Count", "Found", "Place", "find_patterns", "pattern_ids", "patterns_in"]

_EXCERPT = 24
"""Lines of source that are shown of one place."""


class Place(NamedTuple):
    """One place where a pattern holds."""

    codebase: str
    pattern: str
    kind: PatternKind
    file: str
    first: int
    """First line, 1-based."""
    last: int
    routine: str
    """Full name of the routine or macro."""
    excerpt: str = ""
    """Its lines as they are written, at most 24."""


class Count(NamedTuple):
    """How often a pattern was found."""

    pattern: str
    kind: PatternKind
    title: str
    why: str
    total: int
    """Places in all codebases that were asked for."""


class Found(NamedTuple):
    """What a search for patterns found."""

    counts: tuple[Count, ...]
    """Of all places, the most frequent first; patterns that were not found are left out."""
    places: tuple[Place, ...]
    """One page of them, by codebase, file and line."""
    total: int
    """Places on all pages."""


class _Hit(NamedTuple):
    pattern: int
    file: str
    first: int
    last: int
    routine: str


_KEPT: WeakKeyDictionary[Code, dict[str, tuple[str, tuple[_Hit, ...]]]] = WeakKeyDictionary()


def pattern_ids(kind: PatternKind | Literal[""] = "") -> tuple[str, ...]:
    """Return the ids of the patterns, of both kinds or one, in the order of the catalogue."""
    return tuple(pattern.id for pattern in patterns() if kind in ("", pattern.kind))


def _over(found: list[Match], *, ends: bool) -> Iterator[Match]:
    """Drop matches that lie over an earlier one; with `ends` only those that end where another does."""
    last, seen = -1, set[int]()
    for match in sorted(found, key=lambda each: (each.first, -each.end)):
        if match.end in seen or (not ends and match.first < last):
            continue
        seen.add(match.end)
        last = max(last, match.end)
        yield match


def _matches(pattern: Pattern, code: Steps) -> Iterator[Match]:
    found = [
        good
        for variant in pattern.variants
        for match in matches(variant, code)
        if (good := settled(match, code, pattern.unless, to=pattern.to)) is not None
    ]
    ends = bool(pattern.to) or any(variant.loop or variant.anchor for variant in pattern.variants)
    yield from _over(found, ends=ends) if len(found) > 1 else found


def _file_hits(bodies: list[Body]) -> Iterator[_Hit]:
    """Give what is found in the routines of one file."""
    found: list[Step] = []
    owners: list[str] = []
    for body, after in zip(bodies, [*bodies[1:], None], strict=True):
        more = steps(body, following=after.symbol.name if after else "")
        found += more
        owners += [body.symbol.name] * len(more)
    code = Steps.of(found)
    for index, pattern in enumerate(patterns()):
        for match in _matches(pattern, code):
            inside = found[match.first : match.end]
            yield _Hit(index, bodies[0].symbol.file, inside[0].number, inside[-1].number, owners[match.first])


def patterns_in(bodies: Iterator[Body]) -> Iterator[tuple[Pattern, Place]]:
    """Give the patterns of routines that come by file and line, whoever keeps them, and where each is."""
    for hit in _hits(bodies):
        pattern = patterns()[hit.pattern]
        yield pattern, Place("", pattern.id, pattern.kind, hit.file, hit.first, hit.last, hit.routine)


def _hits(bodies: Iterator[Body]) -> Iterator[_Hit]:
    coded = (body for body in bodies if body.symbol.kind in ("routine", "macro"))
    for _, group in groupby(coded, key=lambda body: body.symbol.file):
        yield from sorted(_file_hits(list(group)), key=lambda hit: (hit.first, hit.last, hit.pattern))


def _kept(index: Code, codebase: str) -> tuple[_Hit, ...]:
    """Return what is found in a codebase, looked for again only when a file has changed."""
    stamp = index.stamp(codebase)
    by_codebase = _KEPT.setdefault(index, {})
    known = by_codebase.get(codebase)
    if known is None or known[0] != stamp:
        known = by_codebase[codebase] = stamp, tuple(_hits(index.bodies(codebase)))
    return known[1]


def find_patterns(
    index: Code,
    *,
    codebase: str = "",
    pattern: str = "",
    kind: PatternKind | Literal[""] = "",
    limit: int = 20,
    offset: int = 0,
) -> Found:
    """Return how often patterns occur, and a page of the places where they do.

    Without `codebase` in all that are indexed; `pattern` is an id, `kind` leaves the other kind out. Raises CodeError
    for a codebase or a pattern that does not exist.
    """
    if pattern and pattern not in pattern_ids():
        raise CodeError(f"no pattern {pattern[:60]!r}; there are: {', '.join(pattern_ids())}")
    names = [codebase] if codebase else [each.name for each in index.codebases()]
    wanted = {
        place: each for place, each in enumerate(patterns()) if pattern in ("", each.id) and kind in ("", each.kind)
    }
    hits = [(name, hit) for name in names for hit in _kept(index, name) if hit.pattern in wanted]
    counts = Counter(hit.pattern for _, hit in hits)
    page = hits[max(offset, 0) : max(offset, 0) + max(limit, 0)]
    return Found(
        tuple(
            Count(each.id, each.kind, each.title, each.why, counts[place])
            for place, each in sorted(wanted.items(), key=lambda item: (-counts[item[0]], item[0]))
            if counts[place]
        ),
        tuple(_place(index, name, hit) for name, hit in page),
        len(hits),
    )


def _place(index: Code, codebase: str, hit: _Hit) -> Place:
    pattern = patterns()[hit.pattern]
    last = min(hit.last, hit.first + _EXCERPT - 1)
    excerpt = index.excerpt(codebase, hit.file, first=hit.first, last=last)
    return Place(codebase, pattern.id, pattern.kind, hit.file, hit.first, hit.last, hit.routine, excerpt)
