"""Source lines as the pattern reader sees them: one step for each instruction, and one that breaks for all else."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge.code_graph.types import Body, Line
from knowledge.m65816.opcodes import BY_MNEMONIC
from knowledge.snes.registers import find_register, register_at

__all__ = [
    "FLOW",
    "RETURNS",
    "SHAPES",
    "SORTS",
    "Operand",
    "Step",
    "letter",
    "letters",
    "operand_of",
    "sort_of_value",
    "steps",
]

SHAPES: dict[str, str] = {
    "": "",
    "implied": "",
    "accumulator": "",
    "immediate_m": "#",
    "immediate_x": "#",
    "immediate_8": "#",
    "immediate_16": "#",
    "direct": "m",
    "absolute": "m",
    "absolute_long": "m",
    "direct_x": "mx",
    "absolute_x": "mx",
    "absolute_long_x": "mx",
    "direct_y": "my",
    "absolute_y": "my",
    "direct_indirect": "(m)",
    "absolute_indirect": "(m)",
    "direct_x_indirect": "(mx)",
    "absolute_x_indirect": "(mx)",
    "direct_indirect_y": "(m)y",
    "direct_indirect_long": "[m]",
    "absolute_indirect_long": "[m]",
    "direct_indirect_long_y": "[m]y",
    "stack_relative": "s",
    "stack_relative_indirect_y": "(s)y",
    "relative": "r",
    "relative_long": "r",
    "block_move": "v",
}
"""The shape of an operand by its addressing mode: how it is indexed and looked up, whatever its size."""

RETURNS = frozenset(("rts", "rtl", "rti", "stp"))
FLOW = RETURNS | {
    "bcc", "bcs", "beq", "bmi", "bne", "bpl", "bra", "brk", "brl", "bvc", "bvs", "cop", "jmp", "jsl", "jsr",
}  # fmt: skip
"""Mnemonics that may leave the straight line."""

_NAMES = ("", *sorted(name.lower() for name in BY_MNEMONIC))
_VALUES = {0: "#0", 1: "#1", 0xFF: "#F", 0xFFFF: "#F"}
SORTS = (
    *dict.fromkeys(SHAPES.values()),
    *dict.fromkeys(_VALUES.values()),
    *(f"{shape}!" for shape in dict.fromkeys(SHAPES.values()) if shape[:1] in ("m", "(", "[")),
)
"""Shapes, told apart by what the operand is: immediates of 0, 1 and all bits, and (with `!`) hardware registers."""
_FIRST = 0x1000
_LETTERS = {
    (name, sort, labelled): chr(_FIRST + (row * len(SORTS) + column) * 2 + labelled)
    for row, name in enumerate(_NAMES)
    for column, sort in enumerate(SORTS)
    for labelled in (False, True)
}
_LONGEST = 200
_INDEX = re.compile(r",\s*([xysXYS])\s*$")
_OFFSET = re.compile(r"([+-])\s*(\$[0-9A-Fa-f]{1,6}|\d{1,7})$")
_SPACE = re.compile(r"\s+")
_HIGH = re.compile(r">>\s*(8|16|\$0*8|\$10)$")
_ANONYMOUS = re.compile(r"[+-]+\d*@(\d+)$")
_PARTS = {"<": "low", ">": "high", "^": "bank", ":": "bank", ".lobyte": "low", ".hibyte": "high", ".bankbyte": "bank",
          "bank": "bank", "<:": "bank"}  # fmt: skip


class Operand(NamedTuple):
    """An operand without its size: what it names, by how much it is moved, and which part is meant."""

    value: int
    """The number that it comes to, -1 when that is unknown."""
    name: str
    """The text without index, brackets and offset."""
    offset: int = 0
    part: str = ""
    """`low`, `high` or `bank` of an immediate that takes a part of an address."""

    def same(self, other: "Operand", more: int = 0) -> bool:
        """Tell whether this is the other one, moved by `more` bytes."""
        if self.value >= 0 and other.value >= 0:
            return self.value == other.value + more
        return self.name == other.name and self.offset == other.offset + more and self.part == other.part


class Step(NamedTuple):
    """An instruction, or (with an empty name) something that a run of instructions does not go through."""

    name: str
    """Mnemonic in small letters; JML is `jmp`."""
    shape: str
    """One of `SHAPES`."""
    operand: Operand
    target: str
    """Full name of the symbol in the operand; `@120` for an anonymous label in line 120."""
    labels: tuple[str, ...]
    """Full names of the labels right before it; `@120` for an anonymous one."""
    number: int
    """1-based line."""
    register: int
    """The hardware register that a memory operand names, 16 bits; -1 when it names none."""
    m: int = -1
    """Width of A: 0 for 16 bits, 1 for 8, -1 unknown."""
    x: int = -1
    word: str = ""
    """What a step without a name is: `data dw`, `macro Move`, `condition if`, `end`."""
    depth: int = 0
    long: bool = False
    """Whether the operand has 24 bits."""


def sort_of_value(value: int) -> str:
    """Return the sort of an immediate."""
    return _VALUES.get(value, "#")


def letter(name: str, sort: str, *, labelled: bool) -> str:
    """Return the one character that stands for a step in a text of steps."""
    return _LETTERS[name, sort, labelled]


def letters(steps: Sequence[Step]) -> str:
    """Return the text of steps, a letter each."""
    found: list[str] = []
    for step in steps:
        sort = step.shape
        if sort == "#":
            sort = _VALUES.get(step.operand.value, "#")
        elif step.register >= 0:
            sort += "!"
        found.append(_LETTERS[step.name, sort, bool(step.labels)])
    return "".join(found)


def _inner(text: str) -> str:
    while text[:1] in ("(", "[") and text[-1:] in (")", "]"):
        text = text[1:-1].strip()
    return text


def _part(text: str) -> tuple[str, str]:
    for spelled, part in sorted(_PARTS.items(), key=lambda pair: -len(pair[0])):
        if text.lower().startswith(spelled) and (not spelled[-1].isalpha() or text[len(spelled) :].startswith("(")):
            return _inner(text[len(spelled) :].strip()), part
    text = _inner(text)
    if match := _HIGH.search(text):
        return _inner(text[: match.start()].strip()), "high" if match[1] in ("8",) or match[1].endswith("8") else "bank"
    return text, ""


@lru_cache(8192)
def operand_of(text: str, shape: str, value: int = -1) -> Operand:
    """Read an operand as it is written; `value` is what the index made of it.

    `Foo+1,x` is Foo moved by 1; `#Foo>>8`, `#>Foo` and `#.hibyte(Foo)` are the high byte of Foo.
    """
    text = _SPACE.sub(" ", text[:_LONGEST]).strip()
    part = ""
    if shape == "#" or text.startswith("#"):
        text, part = _part(text.removeprefix("#").strip())
    else:
        while match := _INDEX.search(text):
            text = text[: match.start()].rstrip()
            text = _inner(text)
        text = _inner(text)
    offset = 0
    if match := _OFFSET.search(text):
        size = int(match[2][1:], 16) if match[2][0] == "$" else int(match[2])
        offset, text = (size if match[1] == "+" else -size), text[: match.start()].rstrip()
    return Operand(value, text, offset, part)


@lru_cache(8192)
def _register(shape: str, value: int, target: str) -> int:
    """Return the hardware register that a memory operand names, -1 when it names none."""
    if shape in ("", "#", "r", "s", "(s)y", "v"):
        return -1
    if value < 0 and target and not target.startswith("$"):
        named = find_register(target)
        return named.address if named is not None and named.name.upper() == target.upper() else -1
    if value & 0x400000 or not (0x2100 <= value & 0xFFFF < 0x2200 or 0x4000 <= value & 0xFFFF < 0x4400):
        return -1
    found = register_at(value)
    return found.address if found is not None else value & 0xFFFF


def _label(name: str, number: int) -> str:
    return f"@{number}" if name[:1] in ("+", "-") else name


def _target(text: str) -> str:
    match = _ANONYMOUS.match(text) if text[:1] in ("+", "-") else None
    return f"@{match[1]}" if match else text


_NOTHING = Operand(-1, "")


def _step(line: Line, labels: tuple[str, ...]) -> Step:
    if line.kind != "code" or not line.mode or line.word.lower() not in _NAMES:
        return Step("", "", _NOTHING, "", labels, line.number, -1, word=f"{line.kind} {line.word}", depth=line.depth)
    shape = SHAPES[line.mode]
    operand = operand_of(line.operand, shape, line.value) if shape else _NOTHING
    register = _register(shape, line.value, line.target) if shape else -1
    return Step(line.word.lower(), shape, operand, _target(line.target), labels, line.number, register,
                depth=line.depth, long=line.mode.startswith("absolute_long"))  # fmt: skip


def steps(body: Body, *, following: str = "") -> list[Step]:
    """Return the steps of a routine, an `end` after the last; `following` names the label that comes next."""
    found: list[Step] = []
    stated: list[tuple[int, int]] = []
    labels: list[str] = [body.symbol.name]
    for line in body.lines:
        if line.kind == "label":
            name = _label(line.word, line.number)
            if name not in labels:
                labels.append(name)
            continue
        step = _step(line, tuple(labels))
        found.append(step)
        stated.append(_stated(step, line))
        labels.clear()
    last = body.lines[-1].number if body.lines else body.symbol.first
    ends = tuple([*labels, following] if following else labels)
    found.append(Step("", "", _NOTHING, "", ends, last, -1, word="end"))
    stated.append(_UNSTATED)
    return _with_widths(found, stated)


_UNSTATED = (-1, -1)
_CHANGES = RETURNS | {"rep", "sep", "plp", "jmp", "bra", "brl"}
"""Behind these the widths are others, or not known."""


def _bits(line: Line) -> int:
    """Return the bits of an immediate as the text states them, 0 when it does not."""
    if line.width in ("b", "w"):
        return 8 if line.width == "b" else 16
    text = line.operand.strip().removeprefix("#")
    if text[:1] == "$":
        return {2: 8, 4: 16}.get(len(text) - 1, 0)
    return 0


def _stated(step: Step, line: Line) -> tuple[int, int]:
    """Return the widths that an immediate shows."""
    if step.shape != "#" or step.name in ("rep", "sep", "pea", "brk", "cop", "wdm"):
        return _UNSTATED
    flag = {8: 1, 16: 0}.get(_bits(line), -1)
    return (-1, flag) if step.name[-1:] in ("x", "y") else (flag, -1)


def _changed(step: Step, widths: list[int]) -> list[int]:
    """Return the widths behind a step."""
    if step.name in ("rep", "sep"):
        flag = int(step.name == "sep")
        value = step.operand.value
        return [(flag if value & bit else old) if value >= 0 else -1 for bit, old in zip((0x20, 0x10), widths,
                                                                                          strict=True)]  # fmt: skip
    return [-1, -1]


def _with_widths(found: Sequence[Step], stated: Sequence[tuple[int, int]]) -> list[Step]:
    """Put the widths in: from REP and SEP downward, and from immediates over the stretch that they stand in."""
    known: list[tuple[int, int]] = []
    widths, start = [-1, -1], 0
    for step, says in zip(found, stated, strict=True):
        if says != _UNSTATED:
            before = widths
            widths = [new if new >= 0 else old for new, old in zip(says, before, strict=True)]
            if -1 in before and widths != before:
                known[start:] = [_filled(each, widths) for each in known[start:]]
        known.append((widths[0], widths[1]))
        if step.name in _CHANGES:
            widths = _changed(step, widths)
            start = len(known)
    return [step._replace(m=m, x=x) if m >= 0 or x >= 0 else step for step, (m, x) in zip(found, known, strict=True)]


def _filled(old: tuple[int, int], widths: Sequence[int]) -> tuple[int, int]:
    return (old[0] if old[0] >= 0 else widths[0], old[1] if old[1] >= 0 else widths[1])
