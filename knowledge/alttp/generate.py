"""The writer of the fact tables: raw fact tables in, compact tables with a source on every row out.

Run `python -m knowledge.alttp.generate --facts FOLDER` to write the tables, with `--check` to prove that the
tables in the repository are what the raw tables and the reviewed edits give. `SOURCES.md` says where the raw tables
come from and what was left out.
"""

import csv
import io
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from knowledge.alttp.generate_ids import BY_ID, with_doors
from knowledge.alttp.generate_read import Row, read
from knowledge.alttp.generate_relations import relations
from knowledge.alttp.generate_rom import data, ram, registers, routines, sublabels
from knowledge.alttp.tables import FOLDER, PATHS

__all__ = ["REVIEWS", "TABLES", "ReviewError", "main", "render"]

TABLES: dict[str, Path] = {path.stem: path for path in PATHS.values()} | {"relations": FOLDER / "relations.txt"}
"""Name of a table to where it lies."""

REVIEWS: tuple[str, ...] = (
    "review.csv",
    "review_ids.csv",
    "review_ram.csv",
    "review_registers.csv",
    "review_rom.csv",
    "review_words.csv",
)
"""The files of reviewed edits, in the order in which they are applied: a later edit wins."""

_BUILDERS: dict[str, Callable[[Path], list[Row]]] = {
    "ram": ram,
    "registers": registers,
    "routines": routines,
    "data": data,
    "sublabels": sublabels,
    **BY_ID,
    **{table: lambda _: [] for table in ("room_effects", "secrets", "door_types")},
}
_GATHERED = "gathered.csv"
_BY_ID = ("id", "name", "aliases", "keywords", "description", "draft", "sources")


class ReviewError(ValueError):
    """A reviewed edit that can not be applied; the text names its file and line."""


class _Edit(NamedTuple):
    where: str
    """File and line."""
    key: str
    column: str
    value: str


def _edits(folder: Path) -> dict[str, list[_Edit]]:
    """Return the reviewed edits by table."""
    out: dict[str, list[_Edit]] = {}
    for name in REVIEWS:
        if not (folder / name).is_file():
            continue
        for line, row in enumerate(read(folder / name), start=2):
            where = f"{name}, line {line}"
            if row["table"] not in TABLES:
                raise ReviewError(f"{where}: no table {row['table']!r}; there are {', '.join(TABLES)}")
            if not (row["reason"] or "").strip():
                raise ReviewError(f"{where}: no reason; say why in the last column")
            out.setdefault(row["table"], []).append(_Edit(where, row["id"], row["column"], row["value"]))
    return out


def _gathered(rows: list[Row], table: str, more: Sequence[Row]) -> list[Row]:
    """Add the rows of one table that the raw tables do not have."""
    columns = list(rows[0]) if rows else _BY_ID
    mine = [{column: row.get(column, "") for column in columns} for row in more if row["table"] == table]
    return sorted([*rows, *mine], key=lambda row: row["id"]) if mine else rows


def _key(row: Mapping[str, str]) -> str:
    """Return what names a row in a review: its address or id, for a label that only JP 1.0 has its JP address."""
    return row.get("address") or row.get("us_address") or row.get("jp_address") or row["id"]


def _review(rows: Sequence[Row], table: str, edits: Sequence[_Edit]) -> None:
    """Apply the reviewed edits to the rows of one table; an edit that finds no row or column is an error."""
    by_key = {_key(row): row for row in rows}
    for edit in edits:
        row = by_key.get(edit.key)
        if row is None or edit.column not in row:
            what = f"row {edit.key}" if row is None else f"column {edit.column}"
            raise ReviewError(f"{edit.where}: {table} has no {what}; correct the edit")
        row[edit.column] = edit.value


def _as_csv(rows: Sequence[Row]) -> str:
    for row in rows:
        for column, cell in row.items():
            if "\n" in cell or "\r" in cell:
                raise ReviewError(f"{_key(row)}: {column} has a line break; write it as one line")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def render(facts: Path) -> dict[str, str]:
    """Return the text of every table, by table name, from the raw tables in the folder `facts`."""
    edits = _edits(FOLDER)
    tables: dict[str, list[Row]] = {}
    gathered = read(FOLDER / _GATHERED)
    for table, build in _BUILDERS.items():
        tables[table] = _gathered(build(facts), table, gathered)
    _review(tables["entrances"], "entrances", edits.get("entrances", ()))
    with_doors(tables["rooms"], tables["entrances"])
    for table, rows in tables.items():
        _review(rows, table, edits.get(table, ()))
    found = relations(facts, tables)
    for line in found.left_out:
        sys.stderr.write(f"left out: {line}\n")
    if found.lost:
        raise ReviewError(f"{len(found.lost)} edges have an end that no table has: {'; '.join(found.lost[:5])}")
    return {table: _as_csv(rows) for table, rows in tables.items()} | {"relations": found.text}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or with `--check` say which differ; 0 when all is well, 1 when a table is stale."""
    parser = ArgumentParser(prog="python -m knowledge.alttp.generate", description=__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="the folder of raw fact tables")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a table is stale")
    options = parser.parse_args(arguments)
    stale: list[str] = []
    for table, text in render(options.facts).items():
        path = TABLES[table]
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(table)
        if not options.check:
            path.write_text(text, encoding="utf-8", newline="\n")
    word = "stale" if options.check else "written"
    sys.stderr.write(f"{word}: {', '.join(stale) or 'none'}\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
