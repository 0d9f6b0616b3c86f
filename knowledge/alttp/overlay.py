"""A hack's own symbols over the tables: at the same address or name they win, and the answer says so."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from knowledge.alttp.lookup_names import labels_in
from knowledge.alttp.words import squeeze
from knowledge.snes.addresses import fold, lorom_address, show, spelled
from knowledge.snes.symbol_table import Symbol, SymbolTable
from schemas.fact import Fact, FactKind, SymbolHit

__all__ = ["Overlay", "Own", "overlay_of"]


class Own(NamedTuple):
    """One of the user's symbols."""

    symbol: Symbol
    file: str
    reason: str = ""
    place: str = ""

    @property
    def kind(self) -> FactKind:
        """What lies at its address: work RAM or SRAM, a register, else ROM code."""
        address = fold(self.symbol.address)
        if 0x2000 <= address < 0x6000:
            return "register"
        return "ram" if address >> 16 in (0x7E, 0x7F) or 0x70 <= address >> 16 < 0x7E else "routine"

    def fact(self) -> Fact:
        """Return it as a fact."""
        shown = show(fold(self.symbol.address))
        return Fact(
            kind=self.kind,
            id=shown,
            name=self.symbol.name,
            description=self.symbol.comment,
            size=self.symbol.size if self.symbol.size > 1 else 0,
            rom_version="your hack, by your symbols",
            details=(f"Your symbols ({self.file}) name it; the tables' own row follows where they have one.",),
            sources=(f"your symbols: {self.file}",),
            independent_groups=1,
            confidence="single",
        )


class Overlay:
    """Symbols of one or more files by name and by address; a later file wins over an earlier."""

    def __init__(self, tables: Mapping[str, SymbolTable]) -> None:
        """Take the tables, each by the name of its file."""
        self._names: dict[str, list[Own]] = {}
        self._addresses: dict[int, list[Own]] = {}
        self._spans: list[Own] = []
        for file, table in tables.items():
            for symbol in table.symbols:
                own = Own(symbol, file)
                self._names.setdefault(squeeze(symbol.name), []).append(own)
                self._addresses.setdefault(fold(symbol.address), []).append(own)
                if symbol.size > 1:
                    self._spans.append(own)

    def find(self, query: str) -> list[Own]:
        """Return the symbols that a question names by address or by name; those of the last file only."""
        return _last([*self._at(query), *self._named(query)])

    def _at(self, query: str) -> Iterator[Own]:
        for found in spelled(query):
            value = lorom_address(found.value) if found.pc else found.value
            candidates = (value,) if found.banked or found.pc or value < 0x6000 else (value, 0x7E0000 | value)
            for address in map(fold, candidates):
                for own in self._addresses.get(address, ()):
                    yield own._replace(reason=f"your symbols: address {show(address)}")
                if address not in self._addresses:
                    yield from self._around(address)

    def _around(self, address: int) -> Iterator[Own]:
        for own in self._spans:
            start = fold(own.symbol.address)
            if start < address < start + own.symbol.size:
                place = f"{show(address)} is byte {address - start} of {own.symbol.size} in {own.symbol.name}"
                yield own._replace(reason=f"your symbols: address {show(address)}", place=place)

    def _named(self, query: str) -> Iterator[Own]:
        for name in dict.fromkeys((squeeze(query), *map(squeeze, labels_in(query)))):
            for own in self._names.get(name, ()):
                yield own._replace(reason=f"your symbols: name {own.symbol.name}")

    def containing(self, text: str) -> list[SymbolHit]:
        """Return the symbols whose name has a part, in the order of the alphabet."""
        part = squeeze(text)
        found = sorted(own for name, owns in self._names.items() if part and part in name for own in owns)
        return [
            SymbolHit(
                name=own.symbol.name,
                id=show(fold(own.symbol.address)),
                kind=own.kind,
                source=f"your symbols: {own.file}",
            )
            for own in found
        ]


def _last(found: list[Own]) -> list[Own]:
    """Return the symbols of the last file that has any, each once."""
    out: dict[Symbol, Own] = {}
    for own in found:
        if own.file == found[-1].file:
            out.setdefault(own.symbol, own)
    return list(out.values())


def overlay_of(tables: Mapping[str, SymbolTable]) -> Overlay:
    """Return the overlay of some symbol tables, each by the name of its file; a later file wins over an earlier."""
    return Overlay(tables)
