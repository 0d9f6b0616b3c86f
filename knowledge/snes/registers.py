"""The hardware registers of the SNES: what `registers.csv` says of each, by address and by name.

The sources of each row stand in its `sources` column; `knowledge/alttp/SOURCES.md` says what they are. The bit fields
are kept as the table spells them, for whoever decodes them.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["Register", "canonical", "describe_register", "find_register", "register_at", "registers"]

_TABLE = Path(__file__).resolve().parent / "registers.csv"
_HEX = re.compile(r"(?:\$|0[xX])?([0-9A-Fa-f]{4}|[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4})")
_WAYS = {"r": "read-only", "w": "write-only", "rw": "readable and writable"}


class Register(NamedTuple):
    """One hardware register."""

    address: int
    """16 bits; it shows in banks $00-$3F and $80-$BF."""
    name: str
    aliases: tuple[str, ...]
    description: str
    access: Literal["r", "w", "rw"]
    width: int
    """Bytes that it takes, one after the other, through its one address: 1, or 2 for a write-twice register."""
    width_note: str
    """How the bytes go: `write twice`, `read twice`, `pairs for low table`; empty for a plain byte."""
    writable_when: str
    readable_when: str
    subsystem: str
    """PPU, APU, WRAM, CPU or DMA."""
    bits: tuple[str, ...]
    """Bit fields as the table spells them: `7-4 name: meaning`."""
    queued_at: str
    """SNES address of the copy that ALTTP writes to it each frame; empty elsewhere."""
    draft: bool
    """The description has not been compared with two other sources."""
    sources: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Whether a read gives its value rather than open bus."""
        return "r" in self.access

    @property
    def writable(self) -> bool:
        """Whether a write does something."""
        return "w" in self.access

    @property
    def spelled(self) -> str:
        """Its address as the tables write it: `$2100`."""
        return f"${self.address:04X}"


def _split(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))


def _register(row: dict[str, str]) -> Register:
    width, _, note = row["width"].partition(" ")
    access: Literal["r", "w", "rw"] = row["access"]  # type: ignore[assignment]  # a test holds the column to these
    return Register(
        int(row["address"].removeprefix("$"), 16),
        row["name"],
        _split(row["aliases"]),
        row["description"],
        access,
        int(width),
        note.strip("()"),
        row["writable_when"],
        row["readable_when"],
        row["subsystem"],
        _split(row["bits"]),
        row["queued_at"],
        row["draft"] == "draft",
        _split(row["sources"]),
    )


@cache
def registers() -> tuple[Register, ...]:
    """Return all registers, in the order of their addresses."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(sorted(map(_register, csv.DictReader(file))))


@cache
def _by_address() -> dict[int, Register]:
    return {register.address: register for register in registers()}


@cache
def _by_name() -> dict[str, Register]:
    found: dict[str, Register] = {}
    for register in registers():
        for alias in register.aliases:
            found.setdefault(alias.upper(), register)
    return found | {register.name.upper(): register for register in registers()}


def canonical(address: int) -> int:
    """Return the 16-bit address that stands for a register's mirrors: the bank dropped, $2144-$217F onto $2140-$2143.

    Source of the mirrors: anomie's register document, as the snesdev wiki repeats it.
    """
    offset = address & 0xFFFF
    return 0x2140 | offset & 3 if 0x2140 <= offset < 0x2180 else offset


def register_at(address: int) -> Register | None:
    """Return the register that a SNES address shows in banks $00-$3F and $80-$BF; None where there is none."""
    if address & 0x400000 or not 0 <= address <= 0xFFFFFF:
        return None
    return _by_address().get(canonical(address))


def find_register(name: str) -> Register | None:
    """Return the register of a name, an alias or a spelled address (`INIDISP`, `$2100`, `002100`); None without one."""
    known = _by_name().get(name.strip().upper())
    match = _HEX.fullmatch(name.strip())
    return known or (register_at(int(match[1].replace(":", ""), 16)) if match else None)


def describe_register(which: int | str) -> str:
    """Return one line on a register by address or name; ValueError when there is none.

    `INIDISP ($2100, write-only): display blanking and master brightness`.
    """
    register = register_at(which) if isinstance(which, int) else find_register(which)
    if register is None:
        said = f"${which:04X}" if isinstance(which, int) else repr(which[:40])
        raise ValueError(f"no hardware register {said}; registers lie in $2100-$2183, $4016-$4017 and $4200-$437A")
    note = f", {register.width_note}" if register.width_note else ""
    return f"{register.name} ({register.spelled}, {_WAYS[register.access]}{note}): {register.description}"
