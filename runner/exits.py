"""What a prompt says of A, X and Y at the end of a routine: that they are as before, and how wide they are.

`preserve X`, `leave X and Y as they were`, `A must be 8 bits wide again at the end`: said so plainly that a run tells.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Exit", "ExitRead", "exit_fault", "exit_in"]

_ONE = r"\b(?:the\s+)?(?:registers?\s+)?(?:[AXY]\b|[Aa]ccumulator\b)"
_SOME = rf"(?P<names>{_ONE}(?:(?:\s*,\s*|\s+)(?:and\s+)?{_ONE}){{0,2}})"
_DUE = r"\s+(?:must|shall|should|has\s+to|have\s+to|need\s+to|needs\s+to)\s+be\s+"
_AS_BEFORE = r"(?:as|like)\s+(?:it|they)\s+(?:is|was|are|were)(?:\s+before)?"
_END = r"(?:\s+(?:again|at\s+the\s+(?:end|exit|return)|at\s+exit|on\s+(?:exit|return)|afterwards))*"
_KEPT = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:\b(?:and|to|shall|must|should)\s+)*\b(?:preserv|restor)(?:e|es|ing)\s+{_SOME}{_END}",
        rf"(?:\b(?:and|to|shall|must|should)\s+)*\b(?:leav|keep|giv)(?:e|es|ing|s)?\s+{_SOME}\s+(?:back\s+)?"
        rf"(?:{_AS_BEFORE}|alone|unchanged|untouched|intact){_END}",
        rf"{_SOME}{_DUE}(?:preserved|restored|kept|unchanged|{_AS_BEFORE}|as\s+before|the\s+same\s+as\s+before){_END}",
    )
)
_WIDE = (
    re.compile(
        rf"{_SOME}\s+(?:is|are)\s+(?P<bits>8|16)[- ]?bits?(?:\s+wide)?\s+at\s+entry,?\s+and\s+"
        rf"(?:shall|must|should)\s+be(?:\s+so)?{_END}"
    ),
    re.compile(rf"{_SOME}{_DUE}(?P<bits>8|16)[- ]?bits?(?:\s+wide)?{_END}"),
)
_BITS = {"A": ("m", 0x20), "X": ("x", 0x10), "Y": ("x", 0x10)}


class Exit(NamedTuple):
    """How registers shall be at the end."""

    keeps: tuple[str, ...] = ()
    """Those whose low byte shall be as at entry."""
    widths: tuple[tuple[str, int], ...] = ()
    """Registers with the bits that they shall have."""


class ExitRead(NamedTuple):
    """What a sentence says, and what of it is left."""

    exit: Exit
    rest: str


def exit_in(sentence: str) -> ExitRead:
    """Read a sentence."""
    keeps: dict[str, None] = {}
    widths: dict[str, int] = {}
    for pattern in _WIDE:
        for match in pattern.finditer(sentence):
            widths |= dict.fromkeys(_names(match["names"]), int(match["bits"]))
        sentence = pattern.sub(" ", sentence)
    for pattern in _KEPT:
        for match in pattern.finditer(sentence):
            keeps |= dict.fromkeys(_names(match["names"]))
        sentence = pattern.sub(" ", sentence)
    return ExitRead(Exit(tuple(keeps), tuple(widths.items())), sentence)


def _names(text: str) -> list[str]:
    found = re.findall(r"\b[AXY]\b", text)
    return [*found, *(["A"] if "ccumulator" in text else [])]


def exit_fault(wanted: Exit, inputs: Sequence[str], registers: Mapping[str, int]) -> str:
    """Return what is not as wanted after a run from `inputs` (`A=$47`); empty: nothing.

    A register that `registers` does not hold counts as right: who asks has to know that they are there.
    """
    before = dict(item.split("=$", 1) for item in inputs if re.match(r"[AXY]=\$", item))
    for name in wanted.keeps:
        found, due = registers.get(name), before.get(name)
        if found is not None and due is not None and found & 0xFF != int(due, 16) & 0xFF:
            return f"{name} is ${found & 0xFF:02X} at the end and shall be as before, ${int(due, 16) & 0xFF:02X}"
    for name, bits in wanted.widths:
        flag, mask = _BITS[name]
        found = registers.get("P")
        if found is not None and bool(found & mask) != (bits == 8):
            fix = f"{'sep' if bits == 8 else 'rep'} #${mask:02X}"
            return f"{name} is {24 - bits} bits wide at the end and shall be {bits}: `{fix}` is missing (flag {flag})"
    return ""
