"""What an instruction or a row of data names: read, written, called, jumped to, or taken as an address."""

import re
from collections.abc import Callable, Iterator

from knowledge.code_graph.expressions import literal, symbols_in
from knowledge.code_graph.operands import Operand
from knowledge.code_graph.parsed import Use
from knowledge.code_graph.sizes import elements
from knowledge.code_graph.types import AccessKind
from knowledge.m65816.opcodes import BY_MNEMONIC

__all__ = ["data_uses", "uses_of"]

_USES = {name: next((row.access for row in rows if row.access), "") for name, rows in BY_MNEMONIC.items()}
_NAMES_SOMETHING = re.compile(r"(?<![\w$%])[!A-Za-z_.@{<]")
_PLACES: dict[str, tuple[AccessKind, ...]] = {
    "read": ("read",),
    "write": ("write",),
    "modify": ("read", "write"),
    "jump": ("jump",),
    "call": ("call",),
}
_PARAMETERS = ("<", "{")


def uses_of(operand: Operand, text: str, line: int, *, here: int) -> Iterator[Use]:
    """Give what an instruction names. `text` is its expression with full names, `here` its SNES address or -1."""
    shape = operand.shape
    if shape in ("s", "(p,s),y", "block", ""):
        return
    if shape == "#" or operand.mnemonic == "PER":
        if _NAMES_SOMETHING.search(text):
            yield from _pointers(text, line)
        return
    if text[:1] in _PARAMETERS:
        return
    if shape == "rel":
        if text[:1] != "?" and symbols_in(text):
            yield Use(0, "jump" if operand.mnemonic in ("BRA", "BRL") else "branch", "", text, line)
        return
    yield from _places(operand, text, line, here)


def _pointers(text: str, line: int) -> Iterator[Use]:
    for token in symbols_in(text)[:4]:
        if token.text[:1] not in _PARAMETERS:
            yield Use(0, "pointer", "", token.text, line)


def _places(operand: Operand, text: str, line: int, here: int) -> Iterator[Use]:
    what = _USES[operand.mnemonic]
    kinds: tuple[AccessKind, ...] = _PLACES.get(what, ("read",) if operand.mnemonic == "PEI" else ())
    if operand.indirect:
        kinds = ("read",)
    number = literal(text)
    if number is not None:
        text = _spelled(number.value, operand.size, here if what in ("jump", "call") and not operand.indirect else -1)
    elif not symbols_in(text):
        text = f"{text}:{operand.size}"
    for kind in kinds:
        yield Use(0, kind, "", text, line, operand.indexed, operand.indirect)


def _spelled(value: int, size: int, here: int) -> str:
    """Return a number with the digits of its operand; the target of a jump in the bank of the code, if known."""
    if size == 2 and here >= 0 and value < 0x10000:
        return f"${here & 0xFF0000 | value:06X}"
    return f"${value:0{2 * max(size, 1)}X}"


def data_uses(text: str, full: Callable[[str], str], line: int) -> Iterator[Use]:
    """Give the names in the elements of a data directive."""
    if not _NAMES_SOMETHING.search(text):
        return
    for element in elements(text):
        plain = element.strip()
        if plain and plain[0] not in "\"'" and _NAMES_SOMETHING.search(plain):
            yield from _pointers(full(plain), line)
