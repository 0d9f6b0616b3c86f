"""What one operand says: its addressing mode, its width, and the expression that names a place or a number."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from knowledge.code_graph.expressions import literal, symbols_in, tokens
from knowledge.code_graph.types import Width
from knowledge.m65816.opcodes import BRANCHES, BY_MNEMONIC, Mode, find

__all__ = ["MNEMONICS", "Operand", "read_operand", "resized"]

_ALIASES = {
    "JML": "JMP", "INA": "INC", "DEA": "DEC", "BLT": "BCC", "BGE": "BCS", "TAD": "TCD", "TDA": "TDC", "TAS": "TCS",
    "TSA": "TSC", "SWA": "XBA",
}  # fmt: skip
"""Other assemblers' names for instructions."""
MNEMONICS: dict[str, str] = {
    spelled: name
    for known, name in (dict(zip(BY_MNEMONIC, BY_MNEMONIC, strict=True)) | _ALIASES).items()
    for spelled in (known, known.lower(), known.capitalize())
}
"""A mnemonic as it may be written to its name in the opcode table."""

_SHAPES: dict[str, tuple[Mode | Literal[""], ...]] = {
    # the modes of 1, 2 and 3 bytes of operand
    "plain": ("direct", "absolute", "absolute_long"),
    "x": ("direct_x", "absolute_x", "absolute_long_x"),
    "y": ("direct_y", "absolute_y", ""),
    "(p)": ("direct_indirect", "absolute_indirect", ""),
    "(p,x)": ("direct_x_indirect", "absolute_x_indirect", ""),
    "(p),y": ("direct_indirect_y", "", ""),
    "[p]": ("direct_indirect_long", "absolute_indirect_long", ""),
    "[p],y": ("direct_indirect_long_y", "", ""),
    "s": ("stack_relative", "", ""),
    "(p,s),y": ("stack_relative_indirect_y", "", ""),
}
_IMMEDIATES: tuple[Mode, ...] = ("immediate_m", "immediate_x", "immediate_8", "immediate_16")
_INDEXED = re.compile(r",\s*([xysXYS])\s*$")
_BYTES: dict[Width, int] = {"b": 1, "w": 2, "l": 3, "": 0}
_PREFIXES: dict[str, Width] = {"z:": "b", "a:": "w", "f:": "l", "b:": "b", "w:": "w", "l:": "l"}
_CLOSING = {"(": ")", "[": "]"}


class Operand(NamedTuple):
    """An instruction as far as its own text tells it."""

    mnemonic: str
    """In the opcode table's spelling."""
    mode: Mode | Literal[""]
    width: Width
    expression: str
    """What names a place or a number, without `#`, brackets and index; empty when there is none."""
    shape: str
    """`#`, `block`, `rel`, or one of the forms with a place: `plain`, `x`, `(p),y`; empty without an operand."""
    size: int
    """Bytes of operand that the text states or that the instruction always has; 0 when the assembler chooses."""

    @property
    def indexed(self) -> bool:
        """Whether an index register is added."""
        return self.shape in ("x", "y", "(p,x)", "(p),y", "[p],y")

    @property
    def indirect(self) -> bool:
        """Whether a pointer is followed."""
        return self.shape[:1] in ("(", "[")


@lru_cache(maxsize=1 << 15)
def read_operand(word: str, operand: str, width: Width = "") -> Operand:
    """Return what an instruction's text says; `word` is a key of MNEMONICS. Any text has an answer."""
    name, text = MNEMONICS[word], operand.strip()
    upper = word.upper()
    if not text or text in ("A", "a"):
        return Operand(name, _bare(name), width, "", "", 0)
    if text[0] == "#":
        return _immediate(name, text[1:].strip(), width)
    if name in BRANCHES or name == "PER":
        if name in ("BRL", "PER"):
            return Operand(name, "relative_long", width, text, "rel", 2)
        return Operand(name, "relative", width, text, "rel", 1)
    if name in ("MVN", "MVP"):
        return Operand(name, "block_move", width, text, "block", 2)
    if name == "PEA":
        return Operand(name, "immediate_16", width, text, "#", 2)
    shape, inner = _shape(text)
    inner, width = _prefixed(inner, width)
    if not width and (name == "JSL" or upper == "JML") and shape == "plain":
        width = "l"
    if upper == "JMP" and not width and shape == "plain":
        width = "l" if _stated(inner) == 3 else "w"
    return _placed(name, shape, inner, width)


def _bare(name: str) -> Mode | Literal[""]:
    """Return the mode of an instruction without an operand."""
    if find(name, "accumulator"):
        return "accumulator"
    return "implied" if find(name, "implied") else ""


def _immediate(name: str, text: str, width: Width) -> Operand:
    for mode in _IMMEDIATES:
        if find(name, mode):
            stated = _BYTES[width] or (0 if mode in ("immediate_m", "immediate_x") else 1)
            return Operand(name, mode, width, text, "#", stated or _stated(text))
    number = literal(text)
    times = number.value if number else 0  # asar: `ASL #4` is four times ASL
    return Operand(name, _bare(name), width, text, "#", times - 1 if 0 < times < 256 else 0)


def _shape(text: str) -> tuple[str, str]:
    """Return the form of an operand and the expression within."""
    index = _INDEXED.search(text)
    register = index[1].lower() if index else ""
    place = text[: index.start()].rstrip() if index else text
    opened = place[:1]
    if opened in _CLOSING and _closes_at_end(place):
        inner = place[1:-1].strip()
        within = _INDEXED.search(inner)
        if opened == "(" and within and within[1].lower() in "xs":
            return ("(p,x)" if within[1].lower() == "x" else "(p,s),y"), inner[: within.start()].rstrip()
        if register in ("", "y"):
            kind = f"{opened}p{_CLOSING[opened]}"
            return kind + (",y" if register else ""), inner
    return register or "plain", place


def _closes_at_end(text: str) -> bool:
    """Whether the bracket that a text begins with is closed by its last letter."""
    opened, closing, depth = text[0], _CLOSING[text[0]], 0
    if text[-1] != closing:
        return False
    for place, letter in enumerate(text):
        depth += (letter == opened) - (letter == closing)
        if not depth:
            return place == len(text) - 1
    return False


def _prefixed(text: str, width: Width) -> tuple[str, Width]:
    """Return an expression without the width that stands before it: `a:$2100`, `<$10`, `|$2100`."""
    stated = _PREFIXES.get(text[:2].lower())
    if stated:
        return text[2:].lstrip(), width or stated
    if text[:1] == "<" and ">" not in text:
        return text[1:].lstrip(), width or "b"
    if text[:1] == "|" or text[:2] == "!$":
        return text[1:].lstrip(), width or "w"
    if text[:2] == ">$":
        return text[1:].lstrip(), width or "l"
    return text, width


def _stated(text: str) -> int:
    """Return the bytes that a text's numbers are written with, 0 when a name is in it."""
    plain = literal(text)
    if plain is not None:
        return plain.size
    if symbols_in(text):
        return 0
    return max((number.size for token in tokens(text) if (number := literal(token.text))), default=0)


def _placed(name: str, shape: str, inner: str, width: Width) -> Operand:
    stated = _BYTES[width] or _stated(inner)
    mode = _mode(name, shape, stated)
    fixed = len([known for known in _SHAPES[shape] if known and find(name, known)]) == 1
    if mode and fixed:
        stated = _SHAPES[shape].index(mode) + 1
    return Operand(name, mode, width, inner, shape, stated)


def _mode(name: str, shape: str, size: int) -> Mode | Literal[""]:
    """Return the mode of a form: the one of that size where the CPU has it, else the next larger, else any."""
    modes = _SHAPES[shape]
    order: tuple[int, ...] = (2, 1, 3) if not size else (size, *range(size + 1, 4), *range(size - 1, 0, -1))
    for place in order:
        mode = modes[place - 1]
        if mode and find(name, mode):
            return mode
    return ""


@lru_cache(maxsize=1 << 15)
def resized(operand: Operand, size: int) -> Operand:
    """Return an operand whose number turned out to be `size` bytes long; one that states its size stays as it is."""
    if operand.size or operand.shape not in _SHAPES or not size:
        return operand
    return operand._replace(mode=_mode(operand.mnemonic, operand.shape, size), size=size)
