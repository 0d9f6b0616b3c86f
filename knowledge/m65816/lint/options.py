"""What a caller may ask of the linter: which rules, and what is known about the ROM and its interrupts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.m65816.lint.finding import Severity

__all__ = ["AddressRange", "LintOptions"]


class AddressRange(NamedTuple):
    """SNES addresses from `first` to `last`, both included, in one bank or over several."""

    first: int
    last: int

    def __contains__(self, address: object) -> bool:
        """Tell whether an address lies in it."""
        return isinstance(address, int) and self.first <= address <= self.last


@dataclass(frozen=True)
class LintOptions:
    """Which rules run, and facts that bytes alone do not tell. The default runs every rule that is on by default."""

    select: frozenset[str] = frozenset()
    """Rules to add by id or name: those that are off by default; a prefix such as `AFS14` takes them all."""
    ignore: frozenset[str] = frozenset()
    """Rules to leave out, by id, name or prefix."""
    pedantic: bool = False
    """Run every rule."""
    level: Severity = "suggestion"
    """The least severity that is reported: `error`, `warning` or `suggestion`."""
    allowed: tuple[AddressRange, ...] = ()
    """Where the program may write bytes; empty: anywhere."""
    expected: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    """Original bytes that a patch relies on, by SNES address; looked up in `original`."""
    original: bytes = b""
    """The ROM before the patch, without copier header; empty: unknown."""
    nmi: tuple[int, ...] = ()
    """SNES addresses of NMI handlers that no vector or name tells."""
    irq: tuple[int, ...] = ()
    """SNES addresses of IRQ handlers that no vector or name tells."""
    closed: bool = False
    """Whether the entries given are all that there are: what they do not reach is never run."""
    most: int = 1_000
    """Findings that are returned at most."""
