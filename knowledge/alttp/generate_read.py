"""How the generator reads a raw table: its rows, and the names and sources in a row, each source by its short name."""

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from knowledge.alttp.sources import SHORT, UNTRUSTED
from knowledge.alttp.words import squeeze

__all__ = ["Row", "aliases", "label_places", "names", "number", "read", "short_sources"]

Row = dict[str, str]

_LABEL = {
    "asar_us": "asar-us",
    "mathonnapkins": "mon",
    "oracle_of_secrets": "oracle",
    "z3randomizer_jp": "z3randomizer",
}


def read(path: Path) -> list[Row]:
    """Return the rows of a table by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def short_sources(text: str, *more: str) -> list[str]:
    """Return the short names of the trusted sources in a raw `sources` cell, and `more`, in a stable order."""
    parts = (part.split("(")[0] for part in text.split(";") if part)
    found = {SHORT[part] for part in parts if part not in UNTRUSTED}
    return [short for short in dict.fromkeys(SHORT.values()) if short in found.union(more)]


def names(row: Row, columns: Iterable[str]) -> list[tuple[str, str]]:
    """Return (source, name) for the names in the `name_` columns, one for each squeezed spelling."""
    seen: dict[str, tuple[str, str]] = {}
    for column in columns:
        for name in row[f"name_{column}"].split("|"):
            name = name.strip()
            if name and squeeze(name) not in seen:
                seen[squeeze(name)] = (_LABEL.get(column, column), name)
    return list(seen.values())


def aliases(found: Sequence[tuple[str, str]], name: str) -> str:
    """Return the names that are not `name` as a cell: `source:name|source:name`."""
    first = {squeeze(alias): (source, alias) for source, alias in reversed(found)}
    kept = [item for item in found if first[squeeze(item[1])] == item and squeeze(item[1]) != squeeze(name)]
    return "|".join(f"{source}:{alias}" for source, alias in dict.fromkeys(kept))


def number(text: str) -> str:
    """Return a raw number, empty where the cell holds something else."""
    return text if text.isdigit() else ""


@cache
def label_places(folder: Path) -> dict[str, set[str]]:
    """Return label to the US addresses that bear it: in usdasm where it has the label, else in any source."""
    places: dict[str, set[str]] = {}
    others: dict[str, set[str]] = {}
    for row in read(folder / "alttp_rom_routines.csv"):
        for column, cell in row.items():
            if column.startswith("name"):
                known = places if column == "name_usdasm" else others
                for name in filter(None, cell.split("|")):
                    known.setdefault(name, set()).add(row["us_address"])
    return others | places
