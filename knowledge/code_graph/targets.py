"""What the names and numbers in source come to: the symbol, its value, the address on the SNES, the fact about it."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from knowledge.code_graph.expressions import Number, evaluate, literal, symbols_in
from knowledge.code_graph.types import SymbolKind
from knowledge.snes.addresses import fold
from knowledge.snes.registers import canonical, register_at

__all__ = ["Known", "Names", "Target", "fact_ref", "snes_address"]

_STATED = re.compile(r"#?_([0-9A-Fa-f]{6})")
_DEEPEST = 8
_ORDER: dict[str, int] = {"routine": 0, "data": 1, "label": 2, "macro": 3, "define": 4}


def fact_ref(address: int) -> str:
    """Return the ref of the memory or register at an address (`ram:7E0010`, `register:2116`), empty for others.

    Address by address, arrays are not known here: a table of facts may be asked in its place.
    """
    if register_at(address):
        return f"register:{canonical(address):04X}"
    bank = address >> 16
    in_sram = 0x70 <= bank < 0x7E and not address & 0x8000
    return f"ram:{address:06X}" if bank in (0x7E, 0x7F) or in_sram else ""


def snes_address(number: Number) -> int:
    """Return the SNES address that an operand names with D = 0: `$10` and `$0010` are $7E0010; -1 when the data bank
    decides."""
    value, size = number
    if value < 0 or value > 0xFFFFFF:
        return -1
    if size in (0, 3):
        return fold(value)
    if value < 0x2000:
        return 0x7E0000 | value
    return canonical(value) if value < 0x6000 else -1


class Known(NamedTuple):
    """A symbol as others name it."""

    name: str
    kind: SymbolKind
    address: int
    text: str
    scope: str


class Target(NamedTuple):
    """What an expression means."""

    name: str = ""
    """The full name of a symbol, empty when it names none of the codebase."""
    kind: str = ""
    """Kind of that symbol."""
    ref: str = ""
    value: int = -1
    size: int = 0
    """Bytes that the value was written with; 0 for a label."""
    address: int = -1


class Names:
    """All symbols of a codebase, by name and by address."""

    def __init__(self, symbols: Iterable[Known], name_of: Callable[[int], str]) -> None:
        self._name_of = name_of
        self._known: dict[str, Known] = {}
        self._at: dict[int, Known] = {}
        self._values: dict[tuple[str, str], Number | None] = {}
        for symbol in symbols:
            before = self._known.get(symbol.name)
            if before is None or _ORDER[symbol.kind] < _ORDER[before.kind]:
                self._known[symbol.name] = symbol
            if symbol.address >= 0 and symbol.kind in ("routine", "data", "label"):
                at = self._at.setdefault(fold(symbol.address), symbol)
                if _ORDER[symbol.kind] < _ORDER[at.kind]:
                    self._at[fold(symbol.address)] = symbol

    def find(self, name: str, scope: str) -> Known | None:
        """Return the symbol of a name in a scope: the innermost that has it."""
        while scope:
            found = self._known.get(scope + name)
            if found:
                return found
            join = "::" if scope.endswith("::") else scope[-1]
            outer = scope[: -len(join)].rpartition(join)
            scope = outer[0] + join if outer[0] else ""
        return self._known.get(name)

    def number(self, name: str, scope: str, depth: int = 0) -> Number | None:
        """Return what a name comes to: the address of a label, the value of a define; None when it is not known."""
        key = (scope, name)
        if key in self._values:
            return self._values[key]
        symbol = self.find(name, scope)
        if symbol is None:
            stated = _STATED.fullmatch(name)
            return Number(int(stated[1], 16), 3) if stated else None
        if symbol.kind != "define":
            return Number(symbol.address, 0) if symbol.address >= 0 else None
        if depth > _DEEPEST:
            return None
        found = evaluate(symbol.text, lambda inner: self.number(inner, symbol.scope, depth + 1))
        self._values[key] = found
        return found

    def target(self, text: str, scope: str) -> Target:
        """Return what the expression of an operand means."""
        if text[:1] == "%" and not text[1:2].isdigit():
            symbol = self.find(text, scope)
            return Target(symbol.name, symbol.kind) if symbol else Target()
        number, named = literal(text), None
        if number is None:
            text, size = _sized(text)
            for token in symbols_in(text):
                named = named or self.find(token.text, scope)
            number = evaluate(text, lambda name: self.number(name, scope))
            number = Number(number.value, size) if number and size else number
        if number is None:
            return Target(named.name, named.kind) if named else Target()
        return self._at_number(number, named)

    def _at_number(self, number: Number, named: Known | None) -> Target:
        address = snes_address(number)
        if address >= 0 and named is None:
            named = self._at.get(address)
        ref = self._name_of(address) if address >= 0 and (named is None or named.kind == "define") else ""
        return Target(named.name if named else "", named.kind if named else "", ref, *number, address)


def _sized(text: str) -> tuple[str, int]:
    """Return an expression of numbers alone, and the bytes of its operand behind a colon."""
    plain, colon, size = text.rpartition(":")
    return (plain, int(size)) if colon and size.isdigit() and not plain.endswith(":") else (text, 0)
