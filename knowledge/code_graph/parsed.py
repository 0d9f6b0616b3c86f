"""What one file says by itself, before other files are looked at: symbols, uses of names, includes, anchors."""

from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.code_graph.types import AccessKind, Dialect, Line, LineKind, Problem, SymbolKind, Width
from knowledge.m65816.opcodes import Mode

__all__ = [
    "AFTER",
    "BEGIN",
    "FIXED",
    "LOST",
    "SIZED",
    "Anchor",
    "Include",
    "Parsed",
    "Place",
    "RawSymbol",
    "Sized",
    "Use",
    "pack",
    "unpack",
]

BEGIN, FIXED, AFTER, LOST, SIZED = range(5)
"""What an anchor is: where the file begins, a stated address, behind an include, not known, or behind an instruction
whose size a define of another file decides."""


class Anchor(NamedTuple):
    """A point that places count from."""

    kind: int
    """BEGIN, FIXED, AFTER, LOST or SIZED."""
    value: int
    """FIXED: the SNES address; AFTER and SIZED: the number of the include or of the instruction; else 0."""


class Place(NamedTuple):
    """Where a symbol lies."""

    anchor: int
    """Which anchor of its file, -1 for none."""
    offset: int
    """Bytes behind it."""


class Sized(NamedTuple):
    """An instruction that is as long as its operand is written somewhere else."""

    anchor: int
    offset: int
    """Where it lies, as in a Place."""
    scope: str
    text: str
    """The operand's expression."""


class Use(NamedTuple):
    """A place that names something."""

    owner: int
    """Which symbol of the file it stands in; -1 for none."""
    kind: AccessKind
    scope: str
    """The prefix that names may have here (`space_`, `Proc::`)."""
    text: str
    """The expression, with local labels by their full names; a number is written with as many digits as it has."""
    line: int
    indexed: bool = False
    indirect: bool = False
    arguments: str = ""
    """What a macro is called with."""


class RawSymbol(NamedTuple):
    """A name that the file defines."""

    name: str
    kind: SymbolKind
    first: int
    last: int
    place: Place = Place(-1, 0)
    parent: str = ""
    text: str = ""
    scope: str = ""
    lines: str = ""
    """The packed lines of a body."""
    said: str = ""
    """The comments in it."""
    names: str = ""
    """The names in it."""


class Include(NamedTuple):
    """Another file is put in here."""

    line: int
    path: str
    binary: bool
    place: Place


@dataclass
class Parsed:
    """All of one file."""

    dialect: Dialect = "asar"
    count: int = 0
    """Lines."""
    symbols: list[RawSymbol] = field(default_factory=list[RawSymbol])
    uses: list[Use] = field(default_factory=list[Use])
    includes: list[Include] = field(default_factory=list[Include])
    anchors: list[Anchor] = field(default_factory=lambda: [Anchor(BEGIN, 0)])
    sized: list[Sized] = field(default_factory=list[Sized])
    end: Place = Place(0, 0)
    problems: list[Problem] = field(default_factory=list[Problem])


_KINDS: dict[LineKind, str] = {
    "code": "c", "label": "l", "data": "d", "macro": "m", "condition": "i", "directive": "x"
}  # fmt: skip
_NAMED: dict[str, LineKind] = {letter: kind for kind, letter in _KINDS.items()}


def pack(line: Line) -> str:
    """Return a line of a body as one line of text."""
    word, operand, target = (text.replace("\t", " ") for text in (line.word, line.operand, line.target))
    return (
        f"{line.number}\t{_KINDS[line.kind]}\t{word}\t{operand}\t{line.width}\t{line.mode}\t{target}"
        f"\t{line.address}\t{line.depth}"
    )


def unpack(text: str) -> Line:
    """Return the line that `pack` made a text of."""
    number, letter, word, operand, width, mode, target, address, depth = text.split("\t")
    stated: Width = width  # type: ignore[assignment]  # pack wrote it from a Line
    known: Mode = mode  # type: ignore[assignment]  # pack wrote it from a Line
    return Line(int(number), _NAMED[letter], word, operand, stated, known, target, -1, int(address), int(depth))
