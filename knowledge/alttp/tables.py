"""The fact tables as they lie on disk: read, stamped, and each row turned into a `Fact`."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.alttp.sources import versions
from schemas.fact import Fact, FactKind

__all__ = ["FOLDER", "PATHS", "Row", "Stamp", "Table", "fact", "load", "stamp"]

FOLDER = Path(__file__).resolve().parent
"""Where the ALTTP tables lie; the register table lies in `knowledge/snes`."""

PATHS: dict[FactKind, Path] = {
    "ram": FOLDER / "ram.csv",
    "register": FOLDER.parent / "snes" / "registers.csv",
    "routine": FOLDER / "routines.csv",
    "sprite": FOLDER / "sprites.csv",
    "item": FOLDER / "items.csv",
    "room": FOLDER / "rooms.csv",
}
"""Kind of fact to the file that holds it."""

Row = list[str]
Stamp = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Table:
    """One file: the name of each column and the rows."""

    kind: FactKind
    columns: Mapping[str, int]
    rows: list[Row]

    def cell(self, row: Row, column: str) -> str:
        """Return one cell of a row."""
        return row[self.columns[column]]


def stamp(paths: Mapping[FactKind, Path]) -> Stamp:
    """Return what changes when one of the files changes: time of change (ns) and size of each."""
    return tuple((state.st_mtime_ns, state.st_size) for state in (path.stat() for path in paths.values()))


def load(paths: Mapping[FactKind, Path]) -> dict[FactKind, Table]:
    """Read the tables. A row with a wrong number of cells is an error that names file and line."""
    out: dict[FactKind, Table] = {}
    for kind, path in paths.items():
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            rows = list(reader)
        header, rows = rows[0] if rows else [], rows[1:]
        width = len(header)
        for number, row in enumerate(rows, start=2):
            if len(row) != width:
                raise ValueError(f"{path.name}, row {number}: {len(row)} cells where the header has {width}")
        out[kind] = Table(kind, {name: place for place, name in enumerate(header)}, rows)
    return out


def _aliases(text: str) -> tuple[str, ...]:
    out: list[str] = []
    for part in filter(None, text.split("|")):
        source, colon, name = part.partition(":")
        out.append(f"{name} ({source})" if colon else part)
    return tuple(out)


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("|")))


def _said(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _holds_for(scope: str, sources: tuple[str, ...]) -> str:
    if scope == "randomizer":
        return "ALTTP randomizer only (JP 1.0 based), not the vanilla game"
    if scope.startswith("romhack"):
        return "the romhack Oracle of Secrets only (US 1.0 based), not the vanilla game"
    found = versions(sources)
    if found == ("JP 1.0",):
        return "JP 1.0 (US 1.0 not confirmed)"
    if found == ("US 1.0",):
        return "US 1.0 (JP 1.0 not confirmed)"
    return " and ".join(found) or "ROM version not confirmed"


def _ram(cell: Callable[[str], str]) -> Fact:
    sources = _split(cell("sources"))
    uses = f"US code: {cell('readers') or 0} routines read it, {cell('writers') or 0} write it."
    return Fact(
        kind="ram",
        id=cell("address"),
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        description=cell("description"),
        draft=bool(cell("draft")),
        size=_number(cell("size")),
        rom_version=_holds_for(cell("scope"), sources),
        details=_said(
            "Size taken from the gap to the next symbol." if cell("size_basis") == "gap" else "",
            f"Region: {cell('region')}. {uses}",
            f"Saved to {cell('saved_to')} (save file 1)." if cell("saved_to") else "",
        ),
        sources=sources,
        independent_groups=_number(cell("independent_groups")),
    )


def _routine(cell: Callable[[str], str]) -> Fact:
    jp = cell("jp_address")
    how = " (JP address matched by name only)" if cell("jp_match") == "name" else ""
    call = ", ".join(filter(None, (cell("entry") and f"entered by {cell('entry')}", cell("returns"))))
    return Fact(
        kind="routine",
        id=cell("us_address"),
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        description=cell("description"),
        draft=bool(cell("draft")),
        size=_number(cell("size")),
        us_address=cell("us_address"),
        jp_address=jp,
        rom_version=("US 1.0 and JP 1.0" if jp else "US 1.0 (JP 1.0 address not known)") + how,
        details=_said(
            f"Label of {cell('kind')}." + (f" Call: {call}." if call else "") + f" Callers: {cell('callers') or 0}.",
            f"Parameters: {cell('parameters')}" if cell("parameters") else "",
        ),
        sources=_split(cell("sources")),
        independent_groups=_number(cell("independent_groups")),
    )


_ACCESS = {"r": "read-only", "w": "write-only", "rw": "read and write"}


def _register(cell: Callable[[str], str]) -> Fact:
    width = cell("width")
    when = [(word, cell(column)) for word, column in (("written", "writable_when"), ("read", "readable_when"))]
    shown = [f"{word} {'at any time' if time == 'any' else time}" for word, time in when if time]
    return Fact(
        kind="register",
        id=cell("address"),
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        description=cell("description"),
        draft=bool(cell("draft")),
        size=1,
        rom_version="SNES hardware, the same for every ROM",
        details=_said(
            *(f"Bit{'s' if '-' in bits.split()[0] else ''} {bits}" for bits in _split(cell("bits"))),
            f"{cell('subsystem')}, {_ACCESS[cell('access')]}, width {width}, {', '.join(shown)}.",
            f"ALTTP queues its value at {cell('queued_at')}." if cell("queued_at") else "",
        ),
        sources=_split(cell("sources")),
    )


def _sprite(cell: Callable[[str], str]) -> Fact:
    sources = _split(cell("sources"))
    handler = f"Handler {cell('handler')} at {cell('handler_us_address')} (US 1.0)." if cell("handler") else ""
    prep = f"Set-up {cell('prep')} at {cell('prep_us_address')} (US 1.0)." if cell("prep") else ""
    return Fact(
        kind="sprite",
        id=f"sprite {cell('id')}",
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        rom_version=_holds_for("", sources),
        details=_said(handler, prep),
        sources=sources,
    )


def _item(cell: Callable[[str], str]) -> Fact:
    sources = _split(cell("sources"))
    value = cell("save_value")
    special = int(value, 16) >= 0x80  # negative: code of its own adds an amount or sets bits
    written = f"(table value {value}: added by code of its own, not stored as it is)" if special else f"as {value}"
    return Fact(
        kind="item",
        id=f"item {cell('id')}",
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        rom_version=_holds_for("", sources),
        details=_said(f"Receipt id {cell('id')}; kept at {cell('save_address')} {written}."),
        sources=sources,
    )


def _room(cell: Callable[[str], str]) -> Fact:
    sources = _split(cell("sources"))
    inside = cell("world") == "underworld"
    return Fact(
        kind="room",
        id=f"{'room' if inside else 'overworld'} {cell('id')}",
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        rom_version=_holds_for("", sources),
        details=_said(
            "Underworld room." if inside else "Overworld screen.",
            f"Save flags at {cell('save_flags')}." if cell("save_flags") else "",
        ),
        sources=sources,
    )


_BUILD: dict[FactKind, Callable[[Callable[[str], str]], Fact]] = {
    "ram": _ram,
    "routine": _routine,
    "register": _register,
    "sprite": _sprite,
    "item": _item,
    "room": _room,
}


def fact(table: Table, row: Row) -> Fact:
    """Turn one row of a table into the fact that it states."""
    return _BUILD[table.kind](lambda column: table.cell(row, column))
