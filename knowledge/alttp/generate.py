"""The writer of the fact tables: raw fact tables in, compact tables with a source on every row out.

Run `python -m knowledge.alttp.generate --facts FOLDER` to write the tables, with `--check` to prove that the
tables in the repository are what the raw tables and `review.csv` give. `SOURCES.md` says where the raw tables
come from and what was left out.
"""

import csv
import io
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from knowledge.alttp.sources import SHORT, UNTRUSTED
from knowledge.alttp.words import squeeze

__all__ = ["TABLES", "main", "render"]

Row = dict[str, str]

_ALTTP = Path(__file__).resolve().parent
_SNES = _ALTTP.parent / "snes"

TABLES: dict[str, Path] = {
    "ram": _ALTTP / "ram.csv",
    "routines": _ALTTP / "routines.csv",
    "sprites": _ALTTP / "sprites.csv",
    "items": _ALTTP / "items.csv",
    "rooms": _ALTTP / "rooms.csv",
    "registers": _SNES / "registers.csv",
}
"""Where each table lies."""

_RAM_NAMES = ("jpdasm", "zelda3", "asar_us", "z3randomizer", "oracle_of_secrets")
_ROUTINE_NAMES = (
    "usdasm",
    "jpdasm",
    "zelda3",
    "mathonnapkins",
    "asar_us",
    "oracle_of_secrets",
    "z3randomizer_jp",
)
_LABEL = {
    "asar_us": "asar-us",
    "mathonnapkins": "mon",
    "oracle_of_secrets": "oracle",
    "z3randomizer_jp": "z3randomizer",
}
_SAVE_BLOCK = range(0x7EF000, 0x7EF500)  # mirrored to save file 1 at $700000


def _read(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _sources(text: str) -> list[str]:
    """Return the short names of the trusted sources in a raw `sources` cell, in a stable order."""
    found = {SHORT[part.split("(")[0]] for part in text.split(";") if part.split("(")[0] not in UNTRUSTED}
    return [short for short in dict.fromkeys(SHORT.values()) if short in found]


def _groups(row: Row) -> str:
    """Count the independent groups of sources without the untrusted ones, each a group of its own."""
    dropped = sum(part in UNTRUSTED for part in row["sources"].split(";"))
    return str(max(1, int(row["independent_groups"]) - dropped))


def _names(row: Row, columns: Iterable[str]) -> list[tuple[str, str]]:
    """Return (source, name) for the names in the columns, one for each squeezed spelling."""
    seen: dict[str, tuple[str, str]] = {}
    for column in columns:
        for name in row[f"name_{column}"].split("|"):
            name = name.strip()
            if name and squeeze(name) not in seen:
                seen[squeeze(name)] = (_LABEL.get(column, column), name)
    return list(seen.values())


def _aliases(names: Iterable[tuple[str, str]], name: str) -> str:
    return "|".join(f"{source}:{alias}" for source, alias in names if squeeze(alias) != squeeze(name))


def _number(text: str) -> str:
    return text if text.isdigit() else ""


def _ram(folder: Path) -> list[Row]:
    out: list[Row] = []
    for row in _read(folder, "alttp_wram.csv"):
        sources = _sources(row["sources"])
        if not sources:
            continue
        names = _names(row, _RAM_NAMES)
        known = any(squeeze(row["name"]) == squeeze(alias) for _, alias in names)
        name = row["name"] if known else (names[0][1] if names else "")
        address = int(row["address"][1:], 16)
        saved = f"$70{address - 0x7EF000:04X}" if address in _SAVE_BLOCK and row["scope"] == "vanilla" else ""
        used = bool(int(row["us_code_reads"] or 0) + int(row["us_code_writes"] or 0))
        if used and "usdasm" not in sources:
            sources.append("usdasm")
        out.append(
            {
                "address": row["address"],
                "size": _number(row["size"]),
                "size_basis": {"documented": "", "gap_to_next_symbol": "gap"}.get(row["size_basis"], ""),
                "name": name,
                "aliases": _aliases(names, name),
                "description": row["description"],
                "keywords": "",
                "draft": "draft" if row["description"] else "",
                "region": row["region"],
                "readers": row["reader_routines"],
                "writers": row["writer_routines"],
                "saved_to": saved,
                "scope": row["scope"],
                "sources": "|".join(sources),
                "independent_groups": _groups(row),
            }
        )
    return out


def _routines(folder: Path) -> list[Row]:
    out: list[Row] = []
    for row in _read(folder, "alttp_rom_routines.csv"):
        sources = _sources(row["sources"])
        if not sources:
            continue
        names = _names(row, _ROUTINE_NAMES)
        out.append(
            {
                "us_address": row["us_address"],
                "jp_address": row["jp_address"],
                "jp_match": {"code_alignment": "code"}.get(row["jp_match"], row["jp_match"]),
                "name": row["name"],
                "aliases": _aliases(names, row["name"]),
                "description": row["description"],
                "keywords": "",
                "draft": "draft" if row["description"] else "",
                "kind": row["kind"],
                "size": _number(row["size_bytes"]),
                "entry": row["entry_type"],
                "returns": row["returns"],
                "callers": row["callers"],
                "parameters": row["parameters"],
                "sources": "|".join(sources),
                "independent_groups": _groups(row),
            }
        )
    return out


def _registers(folder: Path) -> list[Row]:
    out: list[Row] = []
    for row in _read(folder, "snes_registers.csv"):
        bits = [f"{item['bits']} {item['name']}: {item['meaning']}" for item in json.loads(row["bitfields"] or "[]")]
        alias = dict.fromkeys(name for name in row["aliases"].split("|") if name)
        unique = {squeeze(name): name for name in reversed(alias)}
        out.append(
            {
                "address": row["address"],
                "name": row["name"],
                "aliases": "|".join(name for name in alias if unique[squeeze(name)] == name),
                "description": row["description"],
                "keywords": "",
                "draft": "draft",
                "access": row["access"],
                "width": row["width"],
                "writable_when": row["writable_when"],
                "readable_when": row["readable_when"],
                "subsystem": row["subsystem"],
                "bits": "|".join(bits),
                "queued_at": row["alttp_queue"],
                "sources": "|".join(_sources(row["sources"])),
            }
        )
    return out


def _sprites(folder: Path) -> list[Row]:
    out: list[Row] = []
    for row in _read(folder, "alttp_sprites.csv"):
        names = _names(row, ("jpdasm", "zscream", "zelda3"))
        out.append(
            {
                "id": row["id"],
                "name": row["name"],
                "aliases": _aliases(names, row["name"]),
                "keywords": "",
                "handler": row["handler_us"],
                "handler_us_address": row["handler_us_address"],
                "prep": row["prep_us"],
                "prep_us_address": row["prep_us_address"],
                "sources": "|".join(_sources(row["sources"])),
            }
        )
    return out


def _items(folder: Path) -> list[Row]:
    out: list[Row] = []
    for row in _read(folder, "alttp_items.csv"):
        names = _names(row, ("jpdasm", "zscream") if row["names_agree"] == "True" else ("jpdasm",))
        out.append(
            {
                "id": row["id"],
                "name": row["name"],
                "aliases": _aliases(names, row["name"]),
                "keywords": "",
                "save_address": row["save_address"],
                "save_value": row["save_value"],
                "sources": "|".join(_sources(row["sources"])),
            }
        )
    return out


def _rooms(folder: Path) -> list[Row]:
    doors: dict[str, list[tuple[str, str]]] = {}
    for row in _read(folder, "alttp_entrances.csv"):
        if row["name_usdasm"]:
            doors.setdefault(row["room"], []).append(("usdasm", row["name_usdasm"]))
    out: list[Row] = []
    for row in _read(folder, "alttp_rooms.csv"):
        sources = _sources(row["sources"])
        if not sources:
            continue
        entrances = doors.get(row["id"], []) if row["kind"] == "underworld" else []
        if entrances and "usdasm" not in sources:
            sources.append("usdasm")
        names = _names(row, ("zscream", "jpdasm", "usdasm")) + entrances
        unique = {squeeze(alias): (source, alias) for source, alias in reversed(names)}
        out.append(
            {
                "world": row["kind"],
                "id": row["id"],
                "name": row["name"],
                "aliases": _aliases((item for item in names if unique[squeeze(item[1])] == item), row["name"]),
                "keywords": "",
                "save_flags": row["save_flags"],
                "sources": "|".join(sources),
            }
        )
    return out


_BUILDERS = {
    "ram": _ram,
    "routines": _routines,
    "registers": _registers,
    "sprites": _sprites,
    "items": _items,
    "rooms": _rooms,
}


def _key(row: Mapping[str, str]) -> str:
    """Return what names a row in `review.csv`: its address or id; an overworld screen is `overworld 0x00`."""
    where = row.get("address") or row.get("us_address") or row["id"]
    return f"overworld {where}" if row.get("world") == "overworld" else where


def _review(rows: Sequence[Row], table: str, edits: Iterable[Row]) -> None:
    """Apply the reviewed edits to the rows of one table; an edit that finds no row or column is an error."""
    by_key = {_key(row): row for row in rows}
    for edit in edits:
        if edit["table"] != table:
            continue
        if edit["id"] not in by_key or edit["column"] not in by_key[edit["id"]]:
            raise KeyError(f"review.csv: no {edit['column']} of {table} {edit['id']}")
        by_key[edit["id"]][edit["column"]] = edit["value"]


def render(facts: Path) -> dict[str, str]:
    """Return the text of every table, by table name, from the raw tables in the folder `facts`."""
    edits = _read(_ALTTP, "review.csv")
    out: dict[str, str] = {}
    for table, build in _BUILDERS.items():
        rows = build(facts)
        _review(rows, table, edits)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        out[table] = text.getvalue()
    return out


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
