"""What speaks against a match (a register or flag that is still needed behind it), and how far a match goes on."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from knowledge.code_graph.patterns_match import Match, Steps
from knowledge.code_graph.patterns_step import FLOW, RETURNS, SHAPES, Step
from knowledge.m65816.opcodes import BY_MNEMONIC, Effects, effects

__all__ = ["CONDITIONS", "ENDS", "settled"]

Fate = Literal["used", "dead", "returned", "unknown"]
_AHEAD = 24
"""Steps that are looked at behind a match."""
_NEAR = 30
"""Steps within which a branch surely reaches: each has at most 4 bytes."""
_SPAN = 80
"""Steps that something may be saved, or widths switched, for."""
_JUMPS = frozenset(("jsr", "jsl", "jmp", "bra", "brl"))
_PUSHES = {"pha": "a", "phx": "x", "phy": "y", "phd": "d", "php": "p", "phb": "b", "phk": "b"}
_PULLS = {"pla": "a", "plx": "x", "ply": "y", "pld": "d", "plp": "p", "plb": "b"}
_TABLES = frozenset(("dw", "dl", "word", "addr", "faraddr", "dcw", "dcl", "dwsin"))


@cache
def _effects(name: str, shape: str) -> Effects:
    rows = [row for row in BY_MNEMONIC[name.upper()] if SHAPES[row.mode] == shape] or list(BY_MNEMONIC[name.upper()])
    return effects(rows[0], 1, 1, operand=0)


def _fate(steps: Sequence[Step], place: int, what: str) -> Fate:
    """Say what becomes of `A` or of a flag behind a place, on the straight line."""
    for step in steps[place : place + _AHEAD]:
        if not step.name:
            return "unknown"
        effect = _effects(step.name, step.shape)
        if what in effect.reads:
            return "used"
        if what in effect.writes:
            return "dead"
        if step.name in RETURNS:
            return "returned"
        if step.name in _JUMPS:
            return "dead" if what.islower() else "unknown"
        if step.name in FLOW and not what.islower():
            return "unknown"
    return "unknown"


def _used(name: str) -> Callable[[Match, Steps], bool]:
    return lambda match, code: (
        _fate(code.steps, match.end, name) == "used"
        or (_fate(code.steps, match.end, name) == "unknown" and _goes_on(code.steps, match.end))
    )


def _goes_on(steps: Sequence[Step], place: int) -> bool:
    """Tell whether code follows that may use a register."""
    return place < len(steps) and steps[place].word != "end"


def _read(*names: str) -> Callable[[Match, Steps], bool]:
    return lambda match, code: any(_fate(code.steps, match.end, name) == "used" for name in names)


def _far(match: Match, code: Steps) -> bool:
    """Tell whether the target of the jump in a match is not known to be in reach of a branch."""
    place = code.places.get(str(match.bound.get("far", "")), -1)
    short = any(step.name == "bra" for step in code.steps[match.first : match.end])
    return not short and (place < 0 or abs(place - match.first) > _NEAR)


def _conditional(match: Match, code: Steps) -> bool:
    """Tell whether some of the lines stand in a conditional that the others are not in."""
    lines = code.steps[match.first : match.end]
    return any(step.depth != lines[0].depth for step in lines)


def _width_values(match: Match, code: Steps) -> tuple[int, int]:
    """Return the flags that the first and the last width change name, -1 for one that is not known."""
    values = [step.operand.value for step in code.steps[match.first : match.end] if step.name in ("rep", "sep")]
    return (values[0], values[-1]) if values else (-1, -1)


def _other_flags(match: Match, code: Steps) -> bool:
    first, last = _width_values(match, code)
    return min(first, last) < 0 or first & last != last


def _named_carry(match: Match, code: Steps) -> bool:
    return _width_values(match, code)[1] & ~0x30 != 0


def _clears_index(match: Match, code: Steps) -> bool:
    """Tell whether SEP #$10 comes first: it clears the high bytes of X and Y for good."""
    return code.steps[match.first].name == "sep" and _width_values(match, code)[0] & 0x10 != 0


def _different_flags(match: Match, code: Steps) -> bool:
    first, last = _width_values(match, code)
    return min(first, last) < 0 or first != last


def _push_before(match: Match, code: Steps) -> bool:
    """Tell whether another register was pushed right before: that one begins the run."""
    before = code.steps[match.first - 1].name if match.first else ""
    return before in ("pha", "phx", "phy", "phd") and not code.steps[match.first].labels


def _waits(match: Match, code: Steps) -> bool:
    """Tell whether a push and pull pass the time: several in a row, or behind the start of a multiplication."""
    around = code.steps[max(match.first - 4, 0) : match.first]
    near = [step.name for step in (*code.steps[match.first - 1 : match.first], *code.steps[match.end : match.end + 1])]
    return any(step.register in (0x4203, 0x4206) for step in around) or any(
        name in _PUSHES or name in _PULLS or name == "nop" for name in near
    )


def _numeric_branch(match: Match, code: Steps) -> bool:
    """Tell whether branches nearby go to numbers, so that a line without a label may still be a target."""
    near = code.steps[max(match.first - 100, 0) : match.end + 100]
    return any(step.shape == "r" and (not step.target or step.target.startswith("$")) for step in near)


CONDITIONS: dict[str, Callable[[Match, Steps], bool]] = {
    "a_used": _used("A"),
    "nz_read": _read("n", "z"),
    "c_read": _read("c"),
    "v_read": _read("v"),
    "target_far": _far,
    "target_near": lambda match, code: not _far(match, code),
    "other_flags": _other_flags,
    "same_flags": lambda match, code: not _other_flags(match, code) or min(_width_values(match, code)) < 0,
    "different_flags": _different_flags,
    "carry_named": _named_carry,
    "clears_index": _clears_index,
    "push_before": _push_before,
    "waits": _waits,
    "unlabelled": lambda match, code: not code.steps[match.first].labels,
    "long_store": lambda match, code: any(step.long for step in code.steps[match.first : match.end]),
    "numeric_branch": _numeric_branch,
}
"""What a pattern may name in `unless`."""


def _pulled(steps: Sequence[Step], first: int, *, inside: frozenset[str] = frozenset()) -> int:
    """Return the step behind the pull that brings back what the step at `first` pushes; -1 without one.

    `inside` are mnemonics of which one must lie between. Branches are read as if they were not taken.
    """
    stack = [_PUSHES[steps[first].name]]
    seen = not inside
    for place in range(first + 1, min(first + _SPAN, len(steps))):
        step = steps[place]
        if step.name in _PUSHES:
            stack.append(_PUSHES[step.name])
        elif step.name in ("pea", "pei", "per"):
            stack += ["b", "b"]
        elif step.name in _PULLS:
            top = stack.pop()
            if not stack:
                return place + 1 if top == _PULLS[step.name] and seen and place > first + 1 else -1
        elif step.name in RETURNS or (not step.name and not step.word.startswith(("macro", "condition"))):
            return -1
        seen = seen or step.name in inside
    return -1


def _restored(match: Match, code: Steps) -> Match | None:
    end = _pulled(code.steps, match.first)
    return match._replace(end=end) if end >= 0 else None


def _restored_width(match: Match, code: Steps) -> Match | None:
    end = _pulled(code.steps, match.first, inside=frozenset(("rep", "sep")))
    return match._replace(end=end) if end >= 0 else None


def _switched_back(match: Match, code: Steps) -> Match | None:
    """Go on to where the widths are what they were; a switch that itself ends an earlier one does not begin another."""
    begin = code.steps[match.first]
    bits = begin.operand.value & 0x30 if begin.operand.value >= 0 else 0
    if not bits or any(
        step.name in ("rep", "sep")
        and step.name != begin.name
        and step.operand.value >= 0
        and step.operand.value & bits
        for step in _earlier(code.steps, match.first)
    ):
        return None
    for place in range(match.first + 1, min(match.first + _SPAN, len(code.steps))):
        step = code.steps[place]
        if step.name in RETURNS or step.name in ("plp", "jmp") or step.word == "end":
            return None
        if step.name == begin.name and step.operand.value & bits == bits:
            return None
        if step.name in ("rep", "sep") and step.name != begin.name and step.operand.value >= 0:
            bits &= ~step.operand.value
            if not bits:
                return match._replace(end=place + 1) if place > match.first + 1 else None
    return None


def _earlier(steps: Sequence[Step], place: int) -> Sequence[Step]:
    """Return the steps before a place, back to the last return or the beginning of the routine."""
    start = place
    while start and steps[start - 1].name not in RETURNS and steps[start - 1].word != "end" and place - start < _SPAN:
        start -= 1
    return steps[start:place]


def _table(match: Match, code: Steps) -> Match | None:
    """Go on over the words of a table right behind a call."""
    end = match.end
    while end < len(code.steps) and not code.steps[end].labels and _is_table(code.steps[end]):
        end += 1
    return match._replace(end=end) if end > match.end else None


def _is_table(step: Step) -> bool:
    kind, _, word = step.word.partition(" ")
    return not step.name and kind == "data" and word in _TABLES


ENDS: dict[str, Callable[[Match, Steps], Match | None]] = {
    "restored": _restored,
    "restored_width": _restored_width,
    "switched_back": _switched_back,
    "table": _table,
}
"""What a pattern may name in `to`."""


def settled(match: Match, code: Steps, unless: Sequence[str], *, to: str = "") -> Match | None:
    """Return a match as far as it goes on, None when something speaks against it."""
    if any(CONDITIONS[name](match, code) for name in unless):
        return None
    found = ENDS[to](match, code) if to else match
    return None if found is None or _conditional(found, code) else found
