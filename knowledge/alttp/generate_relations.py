"""The relations between facts: raw edges in, one line for each subject out, every name made the fact's ref.

The text has a section for each relation, pair of kinds and set of sources: `@writes routine ram usdasm,zelda3`. A line
is a subject's key and the keys of its objects; `*3` says that an edge holds at three places.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from knowledge.alttp.generate_read import Row, label_places, read, short_sources
from knowledge.alttp.tables import PATHS, key_of

__all__ = ["Relations", "relations"]

_HEAD = """\
# Relations between the facts of the tables, written by knowledge/alttp/generate.py: do not edit.
# @relation kind-of-subject kind-of-object sources, then a line for each subject: its key, the keys of its objects;
# *n: the edge holds at n places of the code.
"""
_KINDS = {"sram": "ram", "submodule": "module"}
_NAMED = {"OverworldLoad": "$0283BF"}
"""Label that no table has to the address that it stands for: the table of pointers that modules 0x08 and 0x0A share."""
_HANDLED = {
    "handler": "handled_by",
    "prep": "initialised_by",
}
"""Column of a table to the relation that it states; a room object's handler draws it."""


class _Edge(NamedTuple):
    relation: str
    subject: str
    """A ref."""
    object: str
    sources: str
    places: int
    """At how many places of the code it holds."""


class Relations(NamedTuple):
    """The relations as a text, and what of the raw edges is not in it."""

    text: str
    edges: int
    left_out: tuple[str, ...]
    """Raw edges that state no fact, each with the reason."""
    lost: tuple[str, ...]
    """Raw edges whose ends no table has; none is expected."""


class _Ends:
    """What turns the name of an end of a raw edge into a ref."""

    def __init__(self, folder: Path, tables: Mapping[str, Sequence[Row]]) -> None:
        self._kinds = {row["us_address"]: "routine" for row in tables["routines"] if row["us_address"]}
        self._kinds |= {row["us_address"]: "data" for row in tables["data"] if row["us_address"]}
        self._places = label_places(folder)
        self._registers = {row["name"]: row["address"] for row in tables["registers"]}
        self._menu = {row["name"]: row["id"] for row in tables["menu_items"]}
        self.rooms = {row["id"] for row in tables["rooms"]}

    def label(self, name: str, address: str) -> str:
        """Return the ref of a label of the ROM by its address, else by its name when one label alone has it."""
        places = [address] if address else sorted(self._places.get(name, {_NAMED.get(name, "")}))
        if len(places) != 1 or places[0] not in self._kinds:
            return ""
        return f"{self._kinds[places[0]]}:{key_of(places[0])}"

    def ref(self, end: str, detail: str) -> str:
        """Return the ref of an end as a raw edge spells it, empty where no table has it."""
        kind, _, name = end.partition(":")
        kind = _KINDS.get(kind, kind)
        if kind in ("routine", "label"):
            return self.label(name, detail)
        if kind == "register":
            name = self._registers.get(name, "")
        elif kind == "menu_item":
            name = self._menu.get(name, "")
        return f"{kind}:{key_of(name)}" if name else ""


def _no_fact(edge: Row, rooms: Collection[str]) -> str:
    """Return why a raw edge states no fact, else nothing."""
    kind, _, name = edge["object"].partition(":")
    if kind == "room" and name not in rooms:
        return "there is no such room"
    if edge["object"] == "dungeon:0xFF":
        return "0xFF stands for no dungeon"
    if edge["object"] == "song:0xFF":
        return "0xFF lets the song go on"
    return ""


def _handled(tables: Mapping[str, Sequence[Row]], ends: _Ends) -> Iterator[_Edge]:
    """Give the edges from a thing to its routines that the tables state with an address or a label."""
    for table, rows in tables.items():
        kind = next(kind for kind, path in PATHS.items() if path.stem == table)
        for row in rows:
            for column, relation in _HANDLED.items():
                if row.get(column):
                    target = ends.label(row[column], row[f"{column}_us_address"])
                    drawn = "drawn_by" if table == "room_objects" else relation
                    source = "asar-us" if row["sources"] == "asar-us" else "usdasm"
                    yield _Edge(drawn, f"{kind}:{key_of(row['id'])}", target, source, 1)


def _inside(tables: Mapping[str, Sequence[Row]]) -> Iterator[_Edge]:
    """Give the edges from a submodule or a step to what it is a part of."""
    for row in tables["modules"]:
        above, dot, _ = row["id"].rpartition(".")
        if dot:
            yield _Edge("part_of", f"module:{key_of(row['id'])}", f"module:{key_of(above)}", "usdasm", 1)


def _text(edges: Sequence[_Edge]) -> str:
    sections: dict[str, dict[str, dict[str, int]]] = {}
    for edge in edges:
        (subject_kind, subject), (object_kind, target) = edge.subject.split(":"), edge.object.split(":")
        section = sections.setdefault(f"@{edge.relation} {subject_kind} {object_kind} {edge.sources}", {})
        counts = section.setdefault(subject, {})
        counts[target] = counts.get(target, 0) + edge.places
    lines: list[str] = []
    for head, subjects in sorted(sections.items()):
        lines.append(head)
        for subject, counts in sorted(subjects.items()):
            objects = (f"{name}*{count}" if count > 1 else name for name, count in sorted(counts.items()))
            lines.append(f"{subject} {' '.join(objects)}")
    return _HEAD + "\n".join(lines) + "\n"


def relations(folder: Path, tables: Mapping[str, Sequence[Row]]) -> Relations:
    """Return the relations: the raw edges with refs for names, and the handlers that the tables state."""
    ends = _Ends(folder, tables)
    found = {inside[:3]: inside for inside in _inside(tables)}
    left_out: Counter[str] = Counter()
    lost: list[str] = []
    handled: set[tuple[str, str]] = set()
    for stated in _handled(tables, ends):
        if stated.object:
            found[stated[:3]] = stated
            handled.add((stated.subject, stated.relation))
        else:
            left_out[f"{stated.relation} of {stated.subject}: no source has the address of the routine"] += 1
    for edge in read(folder / "relations.csv"):
        said = f"{edge['subject']} {edge['relation']} {edge['object']}"
        if reason := _no_fact(edge, ends.rooms):
            left_out[f"{edge['relation']} {edge['object']}: {reason}"] += 1
            continue
        subject = ends.ref(edge["subject"], edge["subject_detail"])
        if (subject, edge["relation"]) in handled:
            continue  # stated by the tables, with the address
        target = ends.ref(edge["object"], edge["object_detail"])
        if not subject or not target:
            lost.append(said)
            continue
        sources = ",".join(short_sources(edge["sources"]))
        one = _Edge(edge["relation"], subject, target, sources, int(edge["count"] or 1))
        before = found.get(one[:3])
        found[one[:3]] = one._replace(places=one.places + before.places) if before else one
    notes = tuple(f"{count} x {what}" for what, count in sorted(left_out.items()))
    return Relations(_text(list(found.values())), len(found), notes, tuple(lost))
