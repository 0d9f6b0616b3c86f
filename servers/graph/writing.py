"""The tools that change the user's graph: add nodes and edges, take out, put back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from servers.graph.opened import telling
from servers.graph.results import Changed
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, WRITES, Face
from servers.machine.names import show

if TYPE_CHECKING:
    from knowledge.graph_removal import Removal, Restored
    from servers.graph.opened import Opened

__all__ = ["offer_writing"]

_MOST_NAMED = 20
_ADDRESS = re.compile(r"(?:\$|0[xX])[0-9A-Fa-f]{1,2}:?[0-9A-Fa-f]{2,4}|[a-z_]{3,12}:[0-9A-Z.]{2,16}")
"""An address as code writes it, or a ref such as ram:7E0010."""
_Name = Annotated[str, Field(description="name of the node, at most 500 characters")]
_Source = Annotated[str, Field(description="who says so: a file, a repository, a person")]


def _properties(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ServerError(f"a property is written key=value; {pair[:80]!r} is not")
        found[key.strip()] = value.strip()
    return found


class _Named(NamedTuple):
    name: str
    kind: str


def _own_or_known(opened: Opened, name: str, kind: str) -> _Named:
    """Return the name and kind that a node is kept under: an address or a ref stands for the node below that it names.

    Else a node called $7E0010 would hide from every later call what the atlas knows of that address.
    """
    if not _ADDRESS.fullmatch(name.strip()) or opened.graph.resolve(name):
        return _Named(name, kind)
    known = opened.graph.below(name)
    if known is None:
        return _Named(name, kind)
    if kind.strip() not in ("", "note", known.kind):
        raise ServerError(
            f"{show(name)} is {known.name}, of kind {known.kind}: leave the kind out to add a text to it, or give your "
            f"{kind.strip()[:40]} a name of its own and lead an edge to {known.name}"
        )
    return _Named(known.name, known.kind)


def _add_node(opened: Opened, name: str, kind: str, text: str, *, source: str, properties: list[str]) -> Changed:
    with telling():
        held = _own_or_known(opened, name, kind)
        done = opened.graph.add_node(held.name, held.kind, text=text, source=source, properties=_properties(properties))
    what = "added" if done.created else "text added to" if done.texts_added else "nothing new for"
    return Changed(done=f"{what} {done.kind} {done.name}", names=(done.name,))


def _add_edge(opened: Opened, subject: str, relation: str, object_: str, *, source: str, note: str) -> Changed:
    with opened.reading():
        done = opened.graph.add_edge(subject, relation, object_, source=source, note=note)
    what = "added" if done.created else "brought up to date"
    return Changed(done=f"{what}: {done.subject} -{done.relation}-> {done.object}", names=(done.subject, done.object))


def _counted(said: Removal | Restored) -> str:
    return f"{len(said.nodes)} nodes, {said.texts} texts, {said.edges} edges"


def _remove(opened: Opened, name: str, text: str, relation: str, *, object_: str) -> Changed:
    with telling():
        done = opened.graph.remove(name, text=text, relation=relation, object_=object_)
    note = f"undo_remove with number={done.number} puts it back"
    return Changed(
        done=f"removed {_counted(done)} (removal {done.number})", names=done.nodes[:_MOST_NAMED], notes=(note,)
    )


def _undo(opened: Opened, number: int) -> Changed:
    with telling():
        done = opened.graph.undo(number)
    missing = tuple(f"not put back, an end is gone: {edge}" for edge in done.missing[:_MOST_NAMED])
    return Changed(
        done=f"put back {_counted(done)} (removal {done.number})", names=done.nodes[:_MOST_NAMED], notes=missing
    )


def offer_writing(face: Face, opened: Opened) -> None:
    """Offer `add_node`, `add_edge`, `remove` and `undo_remove`."""
    _offer_adding(face, opened)
    _offer_removing(face, opened)


def _offer_adding(face: Face, opened: Opened) -> None:
    @face.offer(APPENDS, title="Add a node to your graph")
    def add_node(
        name: _Name,
        kind: Annotated[str, Field(description="what it is: note, routine, hook, bug, person; default note")] = "",
        text: Annotated[str, Field(description="one statement about it, at most 100,000 characters")] = "",
        source: _Source = "",
        properties: Annotated[list[str], Field(description="properties, each as key=value")] = [],  # noqa: B006  # never changed
    ) -> Changed:
        """Add a node to the user's graph, or a text to the node of this name; kept on disk when the call returns.

        Repeating a call changes nothing. A name that the graph has with another kind is an error. An address
        ($7E0010) or ref (ram:7E0010) adds the text to what the atlas has there.
        """
        return _add_node(opened, name, kind, text, source=source, properties=properties)

    @face.offer(APPENDS, title="Add an edge to your graph")
    def add_edge(
        subject: Annotated[
            str, Field(description="node that the edge begins at: yours, or one of the atlas ($7EF36D)")
        ],
        relation: Annotated[str, Field(description="what the subject does to the object: calls, patches, explains")],
        object: Annotated[str, Field(description="node that the edge leads to; atlas and code names do too")],
        source: _Source = "",
        note: Annotated[str, Field(description="what is to be said of it, at most 2,000 characters")] = "",
    ) -> Changed:
        """Add a relation between two nodes; both must be there: in your graph, the atlas or an indexed codebase.

        Repeated, it brings source and note up to date.
        """
        return _add_edge(opened, subject, relation, object, source=source, note=note)


def _offer_removing(face: Face, opened: Opened) -> None:
    @face.offer(WRITES, title="Remove from your graph")
    def remove(
        name: _Name,
        text: Annotated[str, Field(description="take out only this text of the node")] = "",
        relation: Annotated[str, Field(description="take out only the node's edges of this relation")] = "",
        object: Annotated[str, Field(description="with relation: only the edge to this node")] = "",
    ) -> Changed:
        """Take a node with its edges out of the user's graph, or one text of it, or edges; undo_remove puts it back.

        Facts, preferences and style rules are nodes too, named as query_graph shows them.
        """
        return _remove(opened, name, text, relation, object_=object)

    @face.offer(APPENDS, title="Undo a removal")
    def undo_remove(
        number: Annotated[int, Field(ge=0, description="number of the removal, 0 or more; 0: the last one")] = 0,
    ) -> Changed:
        """Put back what `remove` took out of the user's graph."""
        return _undo(opened, number)
