"""Symbols by name and by address, and what could not be read of a symbol file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

__all__ = ["MOST_PROBLEMS", "Problem", "Problems", "Symbol", "SymbolError", "SymbolTable", "table_of"]

MOST_PROBLEMS = 100
"""Problems that are kept of one file; the last one then says how many more there were."""


class SymbolError(ValueError):
    """A symbol file that cannot be read or written at all; the text names the next step."""


class Symbol(NamedTuple):
    """A name for an address."""

    name: str
    address: int
    """SNES address, 24 bits."""
    size: int = 1
    """Bytes that the name stands for."""
    comment: str = ""


class Problem(NamedTuple):
    """Something in a symbol file that was left out, changed, or is doubtful."""

    line: int
    """1-based; 0 when it is about no line."""
    message: str


class Problems:
    """A list of problems that stays small whatever the file holds."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self._more = 0

    def add(self, line: int, message: str) -> None:
        """Keep a problem, or count it when there are too many."""
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(Problem(line, message))
        else:
            self._more += 1

    def listed(self) -> tuple[Problem, ...]:
        """Return what was kept; the last one counts the rest."""
        rest = (Problem(0, f"and {self._more} more problems"),) if self._more else ()
        return (*self._kept, *rest)


@dataclass(frozen=True)
class SymbolTable:
    """Symbols in the order of their addresses."""

    symbols: tuple[Symbol, ...] = ()
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    """What was left out or is doubtful in the text that it was read from."""

    @cached_property
    def by_name(self) -> dict[str, int]:
        """SNES address by name."""
        return {symbol.name: symbol.address for symbol in self.symbols}

    @cached_property
    def by_address(self) -> dict[int, str]:
        """The first name, in alphabetical order, of each address."""
        return {symbol.address: symbol.name for symbol in reversed(self.symbols)}


def table_of(symbols: Iterable[Symbol], problems: Problems | None = None) -> SymbolTable:
    """Return the table of some symbols, in order; a name that comes twice keeps its last address, as asar does."""
    by_name = {symbol.name: symbol for symbol in symbols}
    ordered = sorted(by_name.values(), key=lambda symbol: (symbol.address, symbol.name))
    return SymbolTable(tuple(ordered), problems.listed() if problems else ())
