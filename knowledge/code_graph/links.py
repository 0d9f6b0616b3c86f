"""Which routines and tables of two codebases are the same: by name, by address and by the likeness of their code.

Each link says what speaks for it. A link holds both ways: the links from right to left are those from left to right.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

from knowledge.code_graph.likeness import Likeness, Print, Weights, candidates, compare, print_of, weights
from knowledge.code_graph.types import Code, CodeError, Symbol

__all__ = ["WAYS", "Evidence", "Link", "Links", "Way", "all_links", "links"]

Way = Literal["name", "address", "likeness"]
WAYS: tuple[Way, ...] = ("name", "address", "likeness")
"""By what two symbols may be found to be the same."""

_SCORES: dict[Way, float] = {"name": 0.85, "address": 0.8, "likeness": 0.0}
_COMMON_NAME = 0.5
_COMMON_NAMES = frozenset(
    [
        "main",
        "init",
        "initialize",
        "start",
        "begin",
        "end",
        "loop",
        "reset",
        "nmi",
        "irq",
        "interrupt",
        "vblank",
        "update",
        "draw",
        "move",
        "data",
        "table",
        "code",
        "exit",
        "return",
        "done",
        "next",
        "wait",
        "setup",
        "run",
        "handler",
        "pointers",
        "routine",
        "sub",
    ]
)
"""Names, squeezed, that any two programs may have."""
_DIFFERENT = 0.35
"""Likeness below which the code of two symbols speaks against a link."""
_AGAINST = 0.6
"""What is left of a confidence when the code speaks against it."""
_LEAST_LIKE = 0.6
"""Likeness from which it is evidence."""
_TIE = 0.005
_DROP = {code: None for code in range(128) if not chr(code).isalnum()}


class Evidence(NamedTuple):
    """One thing that speaks for a link."""

    way: Way
    score: float
    """From 0 to 1."""
    text: str
    """What it is, in words."""
    left: int = 0
    """Likeness: the first line of the left one that differs, 0 when none does."""
    right: int = 0
    shared: int = 0
    """Likeness: runs of three instructions that both have."""


class Link(NamedTuple):
    """Two symbols of two codebases that are the same, or alike."""

    left: Symbol
    right: Symbol
    relation: Literal["same_as", "like"]
    """`same_as` when name, address or all of the code says so; `like` when only parts of the code do."""
    confidence: float
    """From 0 to 1."""
    evidence: tuple[Evidence, ...]
    """The strongest first."""
    ambiguous: bool = False
    """Another link of one of the two is as good."""


class Links(NamedTuple):
    """One page of the links of two codebases."""

    links: tuple[Link, ...]
    """The surest first."""
    total: int
    """On all pages."""
    counts: Mapping[Way, int]
    """Links of all pages that each way speaks for."""
    ambiguous: int


class _Side(NamedTuple):
    symbols: Sequence[Symbol]
    prints: Sequence[Print]


class _Kept(NamedTuple):
    stamp: object
    aliases: Mapping[str, str] | None
    links: tuple[Link, ...]


_KEPT: WeakKeyDictionary[Code, dict[tuple[str, str, frozenset[Way]], _Kept]] = WeakKeyDictionary()


def _side(index: Code, codebase: str) -> _Side:
    symbols: list[Symbol] = []
    prints: list[Print] = []
    for body in index.bodies(codebase):
        if body.symbol.kind in ("routine", "data", "macro"):
            symbols.append(body.symbol)
            prints.append(print_of(body))
    return _Side(symbols, prints)


def _squeeze(name: str) -> str:
    return name.lower().translate(_DROP)


def _place(address: int) -> int:
    """Return the address that stands for its mirrors: banks $80 and up are those from $00 on, but for RAM."""
    return address & 0x7FFFFF if address >= 0x800000 else address


def _keys(side: _Side, way: Way, aliases: Mapping[str, str]) -> dict[object, list[int]]:
    """Return the places of the symbols by what they are called or where they lie."""
    found: dict[object, list[int]] = {}
    for place, symbol in enumerate(side.symbols):
        if way == "address":
            key: object = _place(symbol.address) if symbol.address >= 0 and symbol.kind != "macro" else None
        else:
            squeezed = _squeeze(symbol.name)
            known = aliases.get(symbol.name) or aliases.get(squeezed) or squeezed
            key = (known, symbol.kind == "macro") if squeezed else None
        if key is not None:
            found.setdefault(key, []).append(place)
    return found


_MOST_NAMED = 8
"""Symbols of one name or address that are still told apart."""


def _agreed(left: _Side, right: _Side, way: Way, aliases: Mapping[str, str]) -> Iterator[tuple[int, int, Evidence]]:
    """Give the pairs that agree in name or address."""
    theirs = _keys(right, way, aliases)
    for key, places in _keys(left, way, aliases).items():
        others = theirs.get(key, [])
        if len(places) * len(others) > _MOST_NAMED:
            continue
        for place in places:
            for other in others:
                yield place, other, _said(left.symbols[place], right.symbols[other], way)


def _said(left: Symbol, right: Symbol, way: Way) -> Evidence:
    if way == "address":
        return Evidence("address", _SCORES["address"], f"both at ${_place(left.address):06X}")
    score = _COMMON_NAME if _squeeze(left.name) in _COMMON_NAMES else _SCORES["name"]
    if left.name == right.name:
        return Evidence("name", score, f"both are called {left.name}")
    if _squeeze(left.name) == _squeeze(right.name):
        return Evidence("name", score, f"{left.name} and {right.name} differ in spelling alone")
    return Evidence("name", score, f"{left.name} and {right.name} are names of one thing")


def _alike(likeness: Likeness, certainty: float) -> Evidence:
    score = round(likeness.score * certainty, 4)
    if likeness.score == 1:
        return Evidence("likeness", score, "the same instructions", 0, 0, likeness.shared)
    text = f"{likeness.shared} of {likeness.total} runs of three instructions are the same"
    return Evidence("likeness", score, text, likeness.left, likeness.right, likeness.shared)


class _Pairs:
    """What speaks for each pair of places."""

    def __init__(self, left: _Side, right: _Side) -> None:
        self.left, self.right = left, right
        self.weights: Weights = weights((*left.prints, *right.prints))
        self.found: dict[tuple[int, int], list[Evidence]] = {}
        self.likeness: dict[tuple[int, int], Likeness] = {}

    def compare(self, pair: tuple[int, int]) -> Likeness:
        known = self.likeness.get(pair)
        if known is None:
            known = self.likeness[pair] = compare(self.left.prints[pair[0]], self.right.prints[pair[1]])
        return known

    def add_alike(self, pair: tuple[int, int]) -> None:
        likeness = self.compare(pair)
        if likeness.score >= _LEAST_LIKE:
            # the shorter one decides how sure it is, whichever side it is on
            tokens = min((self.left.prints[pair[0]].tokens, self.right.prints[pair[1]].tokens), key=len)
            self.found.setdefault(pair, []).append(_alike(likeness, self.weights.certainty(tokens)))

    def confidence(self, pair: tuple[int, int]) -> float:
        """Return how sure a pair is: the evidence together, less when the code speaks against it."""
        doubt = math.prod(1 - each.score for each in self.found[pair])
        sure = 1 - doubt
        ours, theirs = self.left.prints[pair[0]], self.right.prints[pair[1]]
        if ours.tokens and theirs.tokens and self.compare(pair).score < _DIFFERENT:
            sure *= _AGAINST
        return round(sure, 4)


def _chosen(pairs: _Pairs, least: float) -> Iterator[Link]:
    """Give the pairs that are the best for both of their ends, or that agree in name or address."""
    sure = {pair: pairs.confidence(pair) for pair in pairs.found}
    best: dict[tuple[int, int], float] = {}
    for pair, value in sure.items():
        for end in enumerate(pair):
            best[end] = max(best.get(end, 0.0), value)
    kept = [
        pair
        for pair, value in sure.items()
        if value >= least
        and (
            any(each.way != "likeness" for each in pairs.found[pair])
            or all(value >= best[end] - _TIE for end in enumerate(pair))
        )
    ]
    ends = Counter(end for pair in kept for end in enumerate(pair) if sure[pair] >= best[end] - _TIE)
    for pair in kept:
        rival = any(ends[end] > (1 if sure[pair] >= best[end] - _TIE else 0) for end in enumerate(pair))
        yield _link(pairs, pair, sure[pair], ambiguous=rival)


def _link(pairs: _Pairs, pair: tuple[int, int], confidence: float, *, ambiguous: bool) -> Link:
    evidence = tuple(sorted(pairs.found[pair], key=lambda each: (-each.score, each.way)))
    alone = all(each.way == "likeness" for each in evidence)
    whole = not alone or (pairs.compare(pair).score == 1 and not ambiguous)
    left, right = pairs.left.symbols[pair[0]], pairs.right.symbols[pair[1]]
    return Link(left, right, "same_as" if whole else "like", confidence, evidence, ambiguous)


def _found(left: _Side, right: _Side, ways: frozenset[Way], aliases: Mapping[str, str]) -> tuple[Link, ...]:
    pairs = _Pairs(left, right)
    for way in WAYS[:2]:
        for place, other, evidence in _agreed(left, right, way, aliases) if way in ways else ():
            pairs.found.setdefault((place, other), []).append(evidence)
    if "likeness" in ways:
        for pair in sorted(candidates(left.prints, right.prints) | set(pairs.found)):
            pairs.add_alike(pair)
    links = _chosen(pairs, 0.0)
    return tuple(sorted(links, key=lambda link: (-link.confidence, link.left.name, link.right.name, link.left.place)))


def all_links(
    index: Code, left: str, right: str, *, ways: Sequence[Way] = WAYS, aliases: Mapping[str, str] | None = None
) -> tuple[Link, ...]:
    """Return all links of two codebases, the surest first; found again only when a file has changed.

    `aliases` gives for a name (as written, or in small letters without separators) what it stands for, so that names of
    two conventions meet. Raises CodeError for a codebase that is not there, or twice the same.
    """
    if left == right:
        raise CodeError(f"{left[:60]!r} twice: links join two codebases; name another one")
    chosen = frozenset(ways)
    stamp = (index.stamp(left), index.stamp(right))
    kept = _KEPT.setdefault(index, {})
    known = kept.get((left, right, chosen))
    if known is None or known.stamp != stamp or known.aliases is not aliases:
        found = _found(_side(index, left), _side(index, right), chosen, aliases or {})
        known = kept[left, right, chosen] = _Kept(stamp, aliases, found)
    return known.links


def links(
    index: Code,
    left: str,
    right: str,
    *,
    ways: Sequence[Way] = WAYS,
    least: float = 0.5,
    aliases: Mapping[str, str] | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Links:
    """Return a page of the links of two codebases whose confidence is `least` or more, the surest first.

    Raises CodeError as `all_links` does.
    """
    found = [link for link in all_links(index, left, right, ways=ways, aliases=aliases) if link.confidence >= least]
    counts = Counter(way for link in found for way in {each.way for each in link.evidence})
    page = found[max(offset, 0) : max(offset, 0) + max(limit, 0)]
    return Links(
        tuple(page),
        len(found),
        {way: counts[way] for way in WAYS if counts[way]},
        sum(link.ambiguous for link in found),
    )
