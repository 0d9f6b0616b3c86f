"""What was taken out of a graph, kept so that it can be put back."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from knowledge.graph_limits import LONGEST_NAME, LONGEST_RELATION, label, shown
from knowledge.graph_view import GraphError
from knowledge.graph_write import UnknownEnd, Writer

__all__ = ["KEPT_REMOVALS", "Removal", "Restored", "put_back", "remove_edges", "remove_nodes", "remove_text"]

KEPT_REMOVALS = 100
"""Removals that can still be undone; older ones are forgotten."""


class Removal(NamedTuple):
    """What a removal took out."""

    number: int
    """What `undo` is told."""
    nodes: tuple[str, ...] = ()
    texts: int = 0
    edges: int = 0


class Restored(NamedTuple):
    """What undoing a removal put back."""

    number: int
    nodes: tuple[str, ...]
    texts: int
    edges: int
    missing: tuple[str, ...]
    """Edges that could not be put back since an end is gone, as text."""


class _KeptNode(TypedDict):
    name: str
    kind: str
    source: str
    properties: str
    whole: bool
    texts: list[list[object]]


class _Kept(TypedDict):
    nodes: list[_KeptNode]
    edges: list[list[object]]


_EDGES = """
    SELECT s.name, s.kind, s.own, relation, o.name, o.kind, o.own, edge.source, note, count, edge.id, s.id, o.id
    FROM edge JOIN node AS s ON s.id = edge.subject JOIN node AS o ON o.id = edge.object
"""


def _own(write: Writer, name: str) -> tuple[int, str, str, str, str]:
    kept = label("the name", name, longest=LONGEST_NAME)
    found = write.con.execute(
        "SELECT id, name, kind, source, properties FROM node WHERE name = ? AND own", (kept,)
    ).fetchone()
    if found is None:
        raise GraphError(f"no node of your graph is named {shown(kept)}: search for its name, then remove that")
    return int(found[0]), str(found[1]), str(found[2]), str(found[3]), str(found[4])


def remove_nodes(write: Writer, names: Iterable[str]) -> Removal:
    """Take nodes out with their texts and edges.

    Raises:
        GraphError: one of them is not there; then none is taken out.
    """
    kept: _Kept = {"nodes": [], "edges": []}
    for given in dict.fromkeys(names):
        number, name, kind, source, properties = _own(write, given)
        kept["edges"] += _take_edges(write, "WHERE edge.subject = ? OR edge.object = ?", (number, number))
        texts = write.drop_texts(number, name)
        write.drop_node(number, name)
        kept["nodes"].append(
            {"name": name, "kind": kind, "source": source, "properties": properties, "whole": True, "texts": texts}
        )
    return _keep(write, kept)


def remove_text(write: Writer, name: str, text: str) -> Removal:
    """Take one text of a node out.

    Raises:
        GraphError: the node, or the text in it, is not there.
    """
    number, name, kind, source, properties = _own(write, name)
    texts = write.drop_texts(number, name, only=text.strip()) if text.isprintable() or text.strip() else []
    if not texts:
        raise GraphError(f"{shown(name)} has no text {shown(text)}: read the node, then give the text exactly")
    node: _KeptNode = {
        "name": name, "kind": kind, "source": source, "properties": properties, "whole": False, "texts": texts
    }  # fmt: skip
    return _keep(write, {"nodes": [node], "edges": []})


def remove_edges(write: Writer, subject: str, relation: str, *, object_: str = "") -> Removal:
    """Take one edge out, or without an object all that the subject has of a relation.

    Raises:
        GraphError: there is none.
    """
    first = write.end(subject)
    relation = label("the relation", relation, longest=LONGEST_RELATION)
    where, asked = "WHERE edge.subject = ? AND relation = ?", (first.id, relation)
    if object_:
        edges = _take_edges(write, f"{where} AND edge.object = ?", (*asked, write.end(object_).id))
    else:
        edges = _take_edges(write, where, asked)
    if not edges:
        end = f" to {shown(object_)}" if object_ else ""
        raise GraphError(f"{shown(first.name)} has no edge {shown(relation)}{end}: look at its neighbours first")
    return _keep(write, {"nodes": [], "edges": edges})


def _take_edges(write: Writer, where: str, asked: Sequence[object]) -> list[list[object]]:
    rows = write.con.execute(f"{_EDGES} {where} ORDER BY edge.id", asked).fetchall()
    for row in rows:
        write.con.execute("DELETE FROM edge WHERE id = ?", (row[10],))
    for stand_in in {number for row in rows for number in row[11:]}:
        write.con.execute(
            "DELETE FROM node WHERE id = ? AND NOT own AND NOT EXISTS "
            "(SELECT 1 FROM edge WHERE subject = node.id OR object = node.id)",
            (stand_in,),
        )
    return [list(row[:10]) for row in rows]


def _keep(write: Writer, kept: _Kept) -> Removal:
    done = write.con.execute(
        "INSERT INTO removal(at, what) VALUES (?, ?)", (int(time.time()), json.dumps(kept, ensure_ascii=False))
    )
    number = int(done.lastrowid or 0)
    write.con.execute("DELETE FROM removal WHERE id <= ?", (number - KEPT_REMOVALS,))
    names = tuple(node["name"] for node in kept["nodes"] if node["whole"])
    return Removal(number, names, sum(len(node["texts"]) for node in kept["nodes"]), len(kept["edges"]))


def put_back(write: Writer, number: int = 0) -> Restored:
    """Undo a removal, the last when no number is given.

    Raises:
        GraphError: there is nothing to undo, a name is taken by a node of another kind, or a rule stands against it.
    """
    chosen = "WHERE id = ?" if number else "WHERE id = (SELECT max(id) FROM removal) AND ? = 0"
    asked = number if 0 <= number < 2**62 else -1
    found = write.con.execute(f"SELECT id, what FROM removal {chosen}", (asked,)).fetchone()
    if found is None:
        which = f"no removal {number}" if number else "nothing"
        raise GraphError(f"{which} is left to be undone: the last {KEPT_REMOVALS} removals are kept")
    kept: _Kept = json.loads(found[1])
    texts = 0
    for node in kept["nodes"]:
        write.put_node(node["name"], node["kind"], source=node["source"], properties=json.loads(node["properties"]))
        for text, source, added in node["texts"]:
            texts += write.restore_text(node["name"], str(text), source=str(source), added=int(str(added)))
    edges, missing = _put_edges_back(write, kept["edges"])
    write.con.execute("DELETE FROM removal WHERE id = ?", (found[0],))
    names = tuple(node["name"] for node in kept["nodes"] if node["whole"])
    return Restored(int(found[0]), names, texts, edges, tuple(missing))


class _PutBack(NamedTuple):
    edges: int
    missing: list[str]


def _put_edges_back(write: Writer, edges: Iterable[Sequence[object]]) -> _PutBack:
    done, missing = 0, list[str]()
    for edge in edges:
        subject, kind, own, relation, object_, end_kind, end_own, source, note, count = edge
        try:
            write.stand_in(str(subject), str(kind), wanted=not own)
            write.stand_in(str(object_), str(end_kind), wanted=not end_own)
        except UnknownEnd:
            missing.append(f"{subject} {relation} {object_}")
            continue
        added = write.put_edge(
            str(subject), str(relation), str(object_), source=str(source), note=str(note), count=int(str(count))
        )
        done += added.created
    return _PutBack(done, missing)
