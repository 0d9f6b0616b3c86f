"""How like two routines are: their instructions without names and places, and what of them is the same.

Of an instruction its mnemonic counts, how its operand is looked up, an immediate by its value and a hardware register
by its address; names, RAM addresses, labels and the bank do not, so that a routine that was renamed, moved or called
from afar (JSL and RTL for JSR and RTS) stays what it is.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from knowledge.code_graph.patterns_step import SHAPES
from knowledge.code_graph.types import Body, Line
from knowledge.snes.registers import canonical, find_register

__all__ = ["LEAST", "Likeness", "Print", "Weights", "candidates", "compare", "print_of", "weights"]

LEAST = 4
"""Instructions that a routine must have: of shorter ones nothing can be told."""
_LONGEST = 2_000
"""Instructions of a routine that are looked at."""
_GRAM = 3
_COMMON = 40
"""Routines of one side that may have a run of instructions before it says nothing any more."""
_BEST = 6
"""Candidates that are compared for each routine."""
_ENOUGH = 24.0
"""Bits that a routine must say for its likeness to count in full."""
_FAR = {"JSL": "JSR", "RTL": "RTS", "BRL": "JMP", "BRA": "JMP"}


class Print(NamedTuple):
    """What stays of a routine when names and places are taken away."""

    name: str
    tokens: tuple[int, ...]
    """One for each instruction."""
    lines: tuple[int, ...]
    """The line of each."""
    grams: frozenset[int]
    """The runs of three instructions in it."""


class Weights(NamedTuple):
    """How much each instruction says, from how rare it is in the code that is compared."""

    bits: Mapping[int, float]
    most: float
    """Bits of one that was never seen."""

    def certainty(self, tokens: Sequence[int]) -> float:
        """Return from 0 to 1 whether a routine says enough for its likeness to be no accident."""
        return min(sum(self.bits.get(token, self.most) for token in tokens) / _ENOUGH, 1.0)


class Likeness(NamedTuple):
    """How like two routines are."""

    score: float
    """From 0 to 1; 1 for the same instructions in the same order."""
    shared: int
    """Runs of three instructions that both have."""
    total: int
    """Runs of three instructions that one or both have."""
    left: int
    """First line of the left one that differs; 0 when none does."""
    right: int


@lru_cache(65_536)
def _token(word: str, shape: str, value: int, target: str) -> int:
    """Return the number that stands for an instruction."""
    word = _FAR.get(word, word)
    said = ""
    if shape == "#":
        said = f"{value:X}" if value >= 0 and not _is_name(target) else "name"
    elif shape in ("r", "s") or word in ("JMP", "JSR"):
        shape = "" if shape in ("r", "m") else shape
    elif shape:
        said = _register(value, target)
    return crc32(f"{word} {shape} {said}".encode())


def _is_name(target: str) -> bool:
    return bool(target) and target[0] not in "$%0123456789"


def _register(value: int, target: str) -> str:
    if value < 0:
        found = find_register(target) if target and _is_name(target) else None
        return f"{found.address:04X}" if found is not None else ""
    hardware = 0x2100 <= value & 0xFFFF < 0x2200 or 0x4000 <= value & 0xFFFF < 0x4400
    return f"{canonical(value):04X}" if hardware and not value & 0x400000 else ""


def _line_token(line: Line) -> int:
    if line.kind != "code":
        return crc32(line.kind.encode())
    shape = SHAPES.get(line.mode, "")
    known = line.value if shape == "#" or line.value > 0xFF or line.value < 0 else 0
    target = line.target if shape == "#" or line.value < 0 else ""
    return _token(line.word, shape, known, target)


def print_of(body: Body) -> Print:
    """Return what stays of a routine when names and places are taken away."""
    counted = [line for line in body.lines if line.kind in ("code", "macro", "data")][:_LONGEST]
    tokens = tuple(map(_line_token, counted))
    grams = frozenset(hash(tokens[place : place + _GRAM]) for place in range(len(tokens) - _GRAM + 1))
    code = sum(line.kind == "code" for line in counted)
    return Print(body.symbol.name, tokens if code >= LEAST else (), tuple(line.number for line in counted), grams)


def weights(prints: Iterable[Print]) -> Weights:
    """Return how much each instruction says in the code given."""
    counts = Counter[int]()
    for each in prints:
        counts.update(each.tokens)
    total = sum(counts.values()) + 1
    return Weights({token: math.log2(total / count) for token, count in counts.items()}, math.log2(total))


def compare(left: Print, right: Print) -> Likeness:
    """Return how like two routines are: order and share of their instructions, and runs that both have."""
    from rapidfuzz.distance import Indel

    if not left.tokens or not right.tokens:
        return Likeness(0.0, 0, 0, 0, 0)
    shared, total = len(left.grams & right.grams), len(left.grams | right.grams)
    if left.tokens == right.tokens:
        return Likeness(1.0, shared, total, 0, 0)
    order = Indel.normalized_similarity(left.tokens, right.tokens)
    score = 0.65 * order + 0.35 * (shared / total if total else 0.0)
    place = next(
        (at for at, pair in enumerate(zip(left.tokens, right.tokens, strict=False)) if pair[0] != pair[1]),
        min(len(left.tokens), len(right.tokens)),
    )
    return Likeness(round(score, 4), shared, total, _line(left, place), _line(right, place))


def _line(one: Print, place: int) -> int:
    return one.lines[min(place, len(one.lines) - 1)]


def _by_gram(prints: Sequence[Print]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for place, each in enumerate(prints):
        for gram in each.grams if each.tokens else ():
            found.setdefault(gram, []).append(place)
    return found


def candidates(left: Sequence[Print], right: Sequence[Print]) -> set[tuple[int, int]]:
    """Return the pairs of places that are worth a comparison: those of one body, and the best by rare shared runs."""
    pairs = _same(left, right)
    ours, theirs = _by_gram(left), _by_gram(right)
    common = {
        gram: 1 / math.sqrt(len(places) * len(theirs[gram]))
        for gram, places in ours.items()
        if gram in theirs and len(places) <= _COMMON and len(theirs[gram]) <= _COMMON
    }
    for prints, others, turned in ((left, theirs, False), (right, ours, True)):
        for place, each in enumerate(prints):
            shared: dict[int, float] = {}
            for gram in each.grams if each.tokens else ():
                weight = common.get(gram, 0.0)
                for other in others[gram] if weight else ():
                    shared[other] = shared.get(other, 0.0) + weight
            best = sorted(shared, key=lambda other: (-shared[other], other))[:_BEST]
            pairs.update((other, place) if turned else (place, other) for other in best)
    return pairs


def _same(left: Sequence[Print], right: Sequence[Print]) -> set[tuple[int, int]]:
    """Return the pairs with the same instructions; of a body that many have, none."""
    by_body: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(right):
        by_body.setdefault(each.tokens, []).append(place)
    counts = Counter(each.tokens for each in left)
    return {
        (place, other)
        for place, each in enumerate(left)
        if each.tokens and counts[each.tokens] <= _COMMON
        for other in by_body.get(each.tokens, ())[:_COMMON]
    }
