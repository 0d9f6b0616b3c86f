"""Where a pattern holds in a list of steps: a regular expression over their letters, then a check of each operand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from knowledge.code_graph.patterns_language import Element, Variant
from knowledge.code_graph.patterns_step import FLOW, SORTS, Operand, Step, letter, letters, sort_of_value
from knowledge.snes.registers import register_at

__all__ = ["Match", "Steps", "matches"]

_WORK = 3_000
"""Steps that are compared for one place before it is given up."""
_LOOP = 120
"""Steps of a loop that is looked at."""
_BEFORE = 5
"""Steps before a loop that may set it up."""
_BANDS = {"low": 0, "high": 8, "bank": 16}
_PLAIN = frozenset(("", "#", "r", "v"))

Bound = Mapping[str, Operand | str | tuple[str, ...]]
"""What names stand for: an operand, its shape, a label, or the labels of one place."""


class Match(NamedTuple):
    """A place where a pattern holds: steps `first` up to, not including, `end`."""

    first: int
    end: int
    bound: Bound


class Steps(NamedTuple):
    """Steps with the text of their letters, and where each label is."""

    steps: Sequence[Step]
    letters: str
    places: Mapping[str, int]
    loops: Sequence[tuple[int, int]]
    """(first step, branch) of each loop."""

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "Steps":
        """Return steps made ready for the search."""
        places = {label: place for place, step in enumerate(steps) for label in step.labels}
        return cls(steps, letters(steps), places, tuple(_backward(steps, places)))


def _backward(steps: Sequence[Step], places: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for place, step in enumerate(steps):
        if step.target and step.name in FLOW and step.name not in ("jsr", "jsl"):
            start = places.get(step.target, -1)
            if 0 <= start <= place and place - start < _LOOP and all(each.name for each in steps[start:place]):
                yield start, place


class _Search:
    """One search from one step; it gives up after a bounded number of comparisons."""

    def __init__(self, steps: Sequence[Step], run: Sequence[Element]) -> None:
        self.steps, self.run, self.work = steps, run, _WORK
        self.start = 0

    def at(self, start: int, bound: Bound) -> Match | None:
        self.start = start
        found = self._from(0, start, bound)
        return Match(start, *found) if found else None

    def _from(self, index: int, place: int, bound: Bound) -> tuple[int, Bound] | None:
        self.work -= 1
        if self.work < 0:
            return None
        if index == len(self.run):
            return place, bound
        element = self.run[index]
        if not element.names:
            return self._zero(element, index, place, bound)
        return self._gap(index, place, bound) if element.gap else self._some(index, place, bound)

    def _zero(self, element: Element, index: int, place: int, bound: Bound) -> tuple[int, Bound] | None:
        """Match a line that only names a label."""
        if place >= len(self.steps):
            return None
        after = _label(element, self.steps[place], bound)
        return self._from(index + 1, place, after) if after is not None else None

    def _gap(self, index: int, place: int, bound: Bound) -> tuple[int, Bound] | None:
        element = self.run[index]
        for count in range(element.most + 1):
            found = self._from(index + 1, place + count, bound)
            if found or place + count >= len(self.steps):
                return found
            step = self.steps[place + count]
            if step.name not in element.names or (step.labels and place + count > self.start):
                return None
        return None

    def _some(self, index: int, place: int, bound: Bound) -> tuple[int, Bound] | None:
        element = self.run[index]
        count, ways = 0, [bound] if not element.least else []
        while count < element.most and place + count < len(self.steps):
            after = fits(element, self.steps[place + count], bound, first=place + count == self.start)
            if after is None:
                break
            bound, count = after, count + 1
            if count >= element.least:
                ways.append(bound)
        while ways:
            taken = max(element.least, 0) + len(ways) - 1
            found = self._from(index + 1, place + taken, ways.pop())
            if found:
                return found
        return None


def _label(element: Element, step: Step, bound: Bound) -> Bound | None:
    """Compare the labels of a step; None when they do not fit."""
    if not element.label:
        return bound
    known = bound.get(element.label)
    if known is not None:
        return bound if known in step.labels else None
    return {**bound, element.label: step.labels} if step.labels else None


def fits(element: Element, step: Step, bound: Bound, *, first: bool = False) -> Bound | None:
    """Return what is bound once a step fits an element, None when it does not."""
    if step.name not in element.names:
        return None
    if step.labels and not (first or element.free or element.label):
        return None
    for name, must, flag in element.widths:
        if ((step.m if name == "m" else step.x) == flag) is not must:
            return None
    after = _label(element, step, bound)
    return _operand(element, step, after) if after is not None else None


def _operand(element: Element, step: Step, bound: Bound) -> Bound | None:
    way = element.way
    if way == "any":
        return bound if not element.shapes or step.shape in element.shapes else None
    if way == "none":
        return bound if step.shape == "" else None
    if way == "bound":
        return _memory(element, step, bound)
    if way == "ptr":
        known = bound.get(element.bound)
        good = step.shape[:1] in ("(", "[") and isinstance(known, Operand) and step.operand.same(known)
        return bound if good else None
    if way == "label":
        return _jump(element, step, bound)
    if way == "name":
        return bound if any(re.search(word, step.target, re.IGNORECASE) for word in element.words) else None
    if way == "register":
        return bound if _registers(element, step) else None
    return _immediate(element, step, bound) if step.shape == "#" else None


def _memory(element: Element, step: Step, bound: Bound) -> Bound | None:
    if step.shape in _PLAIN or (element.shapes and step.shape not in element.shapes):
        return None
    if step.register >= 0 and not element.hardware:
        return None
    known = bound.get(element.bound)
    index = element.bound + " shape"
    if known is None:
        return {**bound, element.bound: step.operand, index: step.shape}
    good = (
        isinstance(known, Operand) and step.operand.same(known, element.more) and bound.get(index) in ("", step.shape)
    )
    return bound if good else None


def _jump(element: Element, step: Step, bound: Bound) -> Bound | None:
    if step.shape not in ("r", "m") or not step.target:
        return None
    known = bound.get(element.bound)
    if known is None:
        return {**bound, element.bound: step.target}
    return bound if known == step.target or (isinstance(known, tuple) and step.target in known) else None


def _registers(element: Element, step: Step) -> bool:
    """Tell whether a step names one of the registers; a 16-bit access names the next one as well."""
    if step.register < 0:
        return False
    if element.words[0] in ("wo", "ro"):
        return step.shape == "m" and _is_register(element.words[0], step.register)
    named = [step.register]
    width = step.x if step.name[-1] in "xy" and step.name[:2] in ("ld", "st", "cp") else step.m
    if width == 0 or (width < 0 and step.name in ("ldx", "ldy", "stx", "sty")):
        named.append(step.register + 1)
    return any(_is_register(word, address) for address in named for word in element.words)


@cache
def _is_register(word: str, address: int) -> bool:
    if word == "any":
        return True
    if word in ("wo", "ro"):
        found = register_at(address)
        return found is not None and found.access == word[0]
    return re.fullmatch(word.replace("?", "."), f"{address:04x}") is not None


def _immediate(element: Element, step: Step, bound: Bound) -> Bound | None:
    operand, way = step.operand, element.way
    if way == "value":
        return bound if not element.words or operand.value in [int(word, 16) for word in element.words] else None
    if way in ("bits", "clear"):
        bits = int(element.words[0], 16)
        want = bits if way == "bits" else 0
        return bound if operand.value >= 0 and operand.value & bits == want else None
    if element.part:
        return _part(element, operand, bound)
    known = bound.get(element.bound)
    if known is None:
        return {**bound, element.bound: operand}
    return bound if isinstance(known, Operand) and operand.same(known, element.more) else None


def _part(element: Element, operand: Operand, bound: Bound) -> Bound | None:
    """Match a part of one address: the name must be the same in all parts, and a number is no part of a name."""
    if not operand.name or operand.name[0] in "$%0123456789":
        return None
    if operand.part != element.part and not (element.part == "low" and not operand.part):
        return None
    known = bound.get(element.bound)
    if known is None:
        return {**bound, element.bound: operand}
    return (
        bound if isinstance(known, Operand) and (known.name, known.offset) == (operand.name, operand.offset) else None
    )


def _sorts(element: Element) -> list[str]:
    """Return the sorts of operand that an element may have."""
    memory = [sort for sort in SORTS if sort[:1] in ("m", "(", "[", "s")]
    if element.way == "none":
        return [""]
    if element.way == "value" and element.words:
        return sorted({sort_of_value(int(word, 16)) for word in element.words})
    if element.way in ("value", "bits", "clear", "immediate"):
        return [sort for sort in SORTS if sort[:1] == "#"]
    if element.way == "register":
        return [sort for sort in SORTS if sort[-1:] == "!"]
    if element.way == "label":
        return ["r", "m", "m!"]
    sorts = memory if element.way in ("bound", "ptr") else list(SORTS)
    if element.way == "bound" and not element.hardware:
        sorts = [sort for sort in sorts if sort[-1:] != "!"]
    return [sort for sort in sorts if not element.shapes or sort.rstrip("!") in element.shapes]


def _class(element: Element, *, first: bool) -> str:
    """Return the letters that an element may have."""
    labelled = (True,) if element.label else (False, True) if first or element.free else (False,)
    shapes = _sorts(element)
    return "[" + "".join(letter(name, shape, labelled=flag) for name in sorted(element.names) for shape in shapes
                         for flag in labelled) + "]"  # fmt: skip


@cache
def _expression(run: tuple[Element, ...]) -> re.Pattern[str]:
    parts: list[str] = []
    for place, element in enumerate(run):
        if element.names:
            count = f"{{{element.least},{element.most}}}" if (element.least, element.most) != (1, 1) else ""
            parts.append(_class(element, first=not place) + count)
    return re.compile("(?=" + "".join(parts) + ")")


def _runs(variant: Variant, code: Steps) -> Iterator[Match]:
    end = -1
    for hit in _expression(variant.run).finditer(code.letters):
        if hit.start() < end:
            continue
        found = _Search(code.steps, variant.run).at(hit.start(), {})
        if found is not None:
            end = found.end
            yield found


def _around(variant: Variant, code: Steps) -> Iterator[Match]:
    """Find anchors, and look back for what must come before them in any order."""
    for hit in _expression(variant.anchor).finditer(code.letters):
        found = _Search(code.steps, variant.anchor).at(hit.start(), {})
        if found is None or (code.steps[found.first].labels and not variant.labels):
            continue
        first = _look_back(variant, code.steps, found.first)
        if first >= 0:
            yield found._replace(first=first)


def _look_back(variant: Variant, steps: Sequence[Step], anchor: int) -> int:
    """Return the first step that is needed before an anchor, -1 when something is missing."""
    needs, some, first = list(variant.before), list(variant.some), anchor
    met = 0
    for place in range(anchor - 1, max(anchor - 1 - variant.window, -1), -1):
        step = steps[place]
        if not step.name or step.name in FLOW or _ends(variant, step):
            break
        asked = variant.without if needs or variant.through else ()
        if any(fits(element, step, {}, first=True) is not None for element in asked):
            return -1
        for wanted in (needs, some):
            hit = [element for element in wanted if fits(element, step, {}, first=True) is not None]
            for element in hit:
                wanted.remove(element)
                first = place
            met += len(hit) if wanted is some else 0
        done = not needs and not some and not variant.through
        if done or (step.labels and not variant.labels):
            break
    return first if not needs and met >= variant.least else -1


def _ends(variant: Variant, step: Step) -> bool:
    """Tell whether a step is itself an anchor: what lies before it belongs to that one."""
    return any(fits(element, step, {}, first=True) is not None for element in variant.anchor[:1])


def _loops(variant: Variant, code: Steps) -> Iterator[Match]:
    for start, place in code.loops:
        found = _loop(variant, code.steps, start, place)
        if found is not None:
            yield found


def _loop(variant: Variant, steps: Sequence[Step], start: int, place: int) -> Match | None:
    if steps[place].name not in variant.run[-1].names:
        return None
    begins = [start] if variant.whole else range(place, max(start - 1, place - 8), -1)
    for begin in begins:
        found = _Search(steps, variant.run).at(begin, {})
        if found is not None and found.end == place + 1:
            break
    else:
        return None
    first = start
    needs = list(variant.before)
    for back in range(start - 1, max(start - 1 - _BEFORE, -1), -1):
        step = steps[back]
        if not step.name or step.name in FLOW or not needs:
            break
        for element in [each for each in needs if fits(each, step, {}, first=True) is not None]:
            needs.remove(element)
            first = back
    return None if needs else Match(first, place + 1, found.bound)


def matches(variant: Variant, code: Steps) -> Iterator[Match]:
    """Give the places where one way to write a pattern holds, none over another of the same way."""
    if variant.loop:
        yield from _loops(variant, code)
    elif variant.anchor:
        yield from _around(variant, code)
    else:
        yield from _runs(variant, code)
