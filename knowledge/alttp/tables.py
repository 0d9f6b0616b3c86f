"""The fact tables as they lie on disk: each held as one text, a row split when asked for and made a `Fact` of."""

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import overload

from knowledge.alttp.tables_facts import BUILD
from schemas.fact import Fact, FactKind

__all__ = ["FOLDER", "PATHS", "Row", "Rows", "Stamp", "Table", "check", "fact", "key_of", "load", "stamp", "tables"]

FOLDER = Path(__file__).resolve().parent
"""Where the ALTTP tables lie; the register table lies in `knowledge/snes`."""

PATHS: dict[FactKind, Path] = {
    "ram": FOLDER / "ram.csv",
    "register": FOLDER.parent / "snes" / "registers.csv",
    "routine": FOLDER / "routines.csv",
    "data": FOLDER / "data.csv",
    "sublabel": FOLDER / "sublabels.csv",
    "sprite": FOLDER / "sprites.csv",
    "overlord": FOLDER / "overlords.csv",
    "ancilla": FOLDER / "ancillae.csv",
    "garnish": FOLDER / "garnish.csv",
    "item": FOLDER / "items.csv",
    "menu_item": FOLDER / "menu_items.csv",
    "room": FOLDER / "rooms.csv",
    "overworld": FOLDER / "overworld.csv",
    "module": FOLDER / "modules.csv",
    "link_state": FOLDER / "link_states.csv",
    "sprite_state": FOLDER / "sprite_states.csv",
    "song": FOLDER / "songs.csv",
    "entrance": FOLDER / "entrances.csv",
    "tile_type": FOLDER / "tile_types.csv",
    "dungeon": FOLDER / "dungeons.csv",
    "follower": FOLDER / "followers.csv",
    "room_tag": FOLDER / "room_tags.csv",
    "room_effect": FOLDER / "room_effects.csv",
    "secret": FOLDER / "secrets.csv",
    "door_type": FOLDER / "door_types.csv",
    "room_object": FOLDER / "room_objects.csv",
}
"""Kind of fact to the file that holds it; the name of a table is the name of its file."""

Row = list[str]
Stamp = tuple[tuple[int, int], ...]


class Rows(Sequence[Row]):
    """The rows of one file, each split from its line when it is asked for; the file's text is all that is held."""

    def __init__(self, name: str, text: bytes) -> None:
        """Find the lines of a table: a header, then one row a line, each line ended by a line feed."""
        self._name = name
        self._text = text
        self._starts = array("I")
        at = text.find(b"\n") + 1
        while 0 < at < len(text):
            self._starts.append(at)
            at = text.find(b"\n", at) + 1
        self._starts.append(len(text))
        self.header: Row = next(csv.reader([text[: text.find(b"\n")].decode("utf-8")]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._starts) - 1

    def line(self, number: int) -> bytes:
        """Return the line of row `number`, which is not negative, without its end."""
        return self._text[self._starts[number] : self._starts[number + 1] - 1]

    def _row(self, number: int) -> Row:
        line = self.line(number).decode("utf-8")
        row = next(csv.reader([line])) if '"' in line else line.split(",")
        if len(row) != len(self.header):
            where = f"{self._name}, row {number + 2}"
            raise ValueError(f"{where}: {len(row)} cells where the header has {len(self.header)}")
        return row

    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> list[Row]: ...
    def __getitem__(self, number: int | slice) -> Row | list[Row]:
        """Return one row or several. A row with a wrong number of cells is an error that names file and line."""
        if isinstance(number, slice):
            return [self._row(place) for place in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f"{self._name} has {len(self)} rows, none numbered {number}")
        return self._row(number % len(self))

    def __iter__(self) -> Iterator[Row]:
        """Give each row."""
        return map(self._row, range(len(self)))


@dataclass(frozen=True)
class Table:
    """One file: the name of each column and the rows, in the order of their keys."""

    kind: FactKind
    columns: Mapping[str, int]
    rows: Rows

    def cell(self, row: Row, column: str) -> str:
        """Return one cell of a row."""
        return row[self.columns[column]]

    def key(self, number: int) -> str:
        """Return the key of row `number`: `7EF36D`, `2100`, `41`, `07.02`; `JP01C961` where only JP has it."""
        line = self.rows.line(number)
        return key_of(line[: line.find(b",")].decode("ascii") or line[1 : line.find(b",", 1)].decode("ascii"), line)

    def ref(self, number: int) -> str:
        """Return the one name of the fact of row `number`: `ram:7EF36D`."""
        return f"{self.kind}:{self.key(number)}"

    def find(self, key: str) -> int:
        """Return the number of the row with a key as `key` gives it, -1 when there is none."""
        wanted = self._lead(key)
        low, high = 0, len(self.rows)
        while low < high:
            middle = (low + high) // 2
            if self.rows.line(middle)[: len(wanted)] < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.rows) and self.rows.line(low).startswith(wanted) else -1

    def _lead(self, key: str) -> bytes:
        """Return what the line of a key begins with."""
        if self.kind in ("ram", "register", "routine", "data", "sublabel"):
            lead = f",${key[2:]}," if key.startswith("JP") else f"${key},"
        elif key.startswith("SFX"):
            lead = f"{key},"
        else:
            lead = ".".join(f"0x{part}" for part in key.split(".")) + ","
        return lead.encode("utf-8", "replace")


def key_of(spelled: str, line: bytes = b"") -> str:
    """Return the key that an address or id as a table spells it stands for: `$7EF36D` is `7EF36D`, `0x41` is `41`.

    The line of a ROM label whose first cell is empty makes it a label of JP 1.0 alone: `JP01C961`.
    """
    bare = spelled.replace("0x", "").removeprefix("$")
    return f"JP{bare}" if line.startswith(b",") else bare


def stamp(paths: Mapping[FactKind, Path]) -> Stamp:
    """Return what changes when one of the files changes: time of change (ns) and size of each."""
    return tuple((state.st_mtime_ns, state.st_size) for state in (path.stat() for path in paths.values()))


def load(paths: Mapping[FactKind, Path] = PATHS) -> dict[FactKind, Table]:
    """Read the tables; their rows are split only when asked for, `check` splits them all."""
    out: dict[FactKind, Table] = {}
    for kind, path in paths.items():
        rows = Rows(path.name, path.read_bytes())
        out[kind] = Table(kind, {name: place for place, name in enumerate(rows.header)}, rows)
    return out


def check(loaded: Mapping[FactKind, Table]) -> None:
    """Split every row; one with a wrong number of cells, or out of order, is an error that names file and line."""
    for table in loaded.values():
        for number in range(len(table.rows)):
            table.rows[number]
            if table.find(table.key(number)) != number:
                raise ValueError(f"{PATHS[table.kind].name}, row {number + 2}: out of order, or its key comes twice")


@cache
def tables() -> Mapping[FactKind, Table]:
    """Return the tables of this package, read once."""
    return load()


def fact(table: Table, row: Row) -> Fact:
    """Turn one row of a table into the fact that it states."""
    key = key_of(row[0] or row[1], b"" if row[0] else b",")

    def cell(column: str) -> str:
        place = table.columns.get(column)
        return "" if place is None else row[place]

    return BUILD[table.kind](f"{table.kind}:{key}", cell)
