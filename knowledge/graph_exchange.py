"""Graphs in and out as text: JSONL of the reference memory server, GraphML, and node-link JSON as networkx reads it.

Everything streams: an export gives its text piece by piece, an import takes pieces and writes a thousand items in a
transaction. What cannot be read is reported with its place and the rest goes in; an import that broke off can be made
again, since what is there already is not added twice.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, cast

from knowledge.graph import Graph, Record
from knowledge.graph_graphml import export_graphml, import_graphml
from knowledge.graph_intake import Chunk, Imported, Intake, edge_from, node_from, rule_from
from knowledge.graph_node_link import export_json, import_json
from knowledge.graph_view import Edge, GraphError

__all__ = ["Format", "export_graph", "export_jsonl", "import_graph", "import_jsonl"]

Format = Literal["jsonl", "json", "graphml"]
"""`jsonl`: entities and relations, a line each. `json`: node-link. `graphml`: XML for graph editors."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one line of JSONL."""


def export_graph(graph: Graph, form: Format) -> Iterator[str]:
    """Give a graph as text of a format, piece by piece."""
    ways: dict[str, Callable[[Graph], Iterator[str]]] = {
        "jsonl": export_jsonl,
        "json": export_json,
        "graphml": export_graphml,
    }
    if form not in ways:
        raise GraphError(f"no format is named '{form[:40]}': take one of {', '.join(ways)}")
    return ways[form](graph)


def import_graph(graph: Graph, chunks: Iterable[Chunk], form: Format) -> Imported:
    """Add what a text of a format holds; it comes in pieces of any size."""
    ways: dict[str, Callable[[Graph, Iterable[Chunk]], Imported]] = {
        "jsonl": import_jsonl,
        "json": import_json,
        "graphml": import_graphml,
    }
    if form not in ways:
        raise GraphError(f"no format is named '{form[:40]}': take one of {', '.join(ways)}")
    return ways[form](graph, chunks)


def _line(**fields: object) -> str:
    return json.dumps({key: value for key, value in fields.items() if value not in ("", {}, None)}, ensure_ascii=False)


def entity_line(record: Record) -> str:
    """Return a node as the reference memory server writes it; source and properties only where there are any."""
    return json.dumps(
        {
            "type": "entity",
            "name": record.name,
            "entityType": record.kind,
            "observations": [said.text for said in record.texts],
            **({"source": record.source} if record.source else {}),
            **({"properties": dict(record.properties)} if record.properties else {}),
        },
        ensure_ascii=False,
    )


def relation_line(edge: Edge) -> str:
    """Return an edge as the reference memory server writes it."""
    ends = {"from": edge.subject, "to": edge.object}
    times = edge.count if edge.count != 1 else None
    return _line(type="relation", **ends, relationType=edge.relation, source=edge.source, note=edge.note, count=times)


def export_jsonl(graph: Graph) -> Iterator[str]:
    """Give the lines of the reference memory server's file, each with its line break; rules as lines of their own."""
    for record in graph.all_records():
        yield f"{entity_line(record)}\n"
    for edge in graph.all_edges():
        yield f"{relation_line(edge)}\n"
    for rule in graph.constraints():
        yield f"{json.dumps({'type': 'constraint', **rule._asdict()}, ensure_ascii=False)}\n"


def import_jsonl(graph: Graph, chunks: Iterable[Chunk]) -> Imported:
    """Add the entities, relations and rules of a JSONL file; a line that is broken is reported with its number."""
    with Intake(graph) as intake:
        for number, line in enumerate(_lines(chunks), start=1):
            place = f"line {number}"
            if len(line) > LONGEST_LINE:
                intake.report(place, f"longer than {LONGEST_LINE:,} bytes: split its observations")
            elif line.strip():
                _take(intake, place, line)
    return intake.imported()


def _take(intake: Intake, place: str, line: bytes) -> None:
    try:
        item = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        intake.report(place, f"no JSON ({error})")
        return
    if not isinstance(item, dict):
        intake.report(place, "no object: write {...}")
        return
    fields = cast("dict[str, object]", item)
    kind = fields.get("type")
    try:
        if kind == "entity":
            intake.node(place, node_from(fields))
        elif kind == "relation":
            intake.edge(place, edge_from(fields))
        elif kind == "constraint":
            intake.rule(place, rule_from(fields))
        else:
            intake.report(place, 'no "type" that is known: write entity, relation or constraint')
    except GraphError as error:
        intake.report(place, str(error))


def _lines(chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """Give lines of text that comes in pieces; of a line that is too long, no more than shows that it is."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk
        if b"\n" in rest:
            *whole, last = bytes(rest).split(b"\n")
            yield from whole
            rest = bytearray(last)
        elif len(rest) > 2 * LONGEST_LINE:
            del rest[LONGEST_LINE + 1 :]
    if rest:
        yield bytes(rest)
