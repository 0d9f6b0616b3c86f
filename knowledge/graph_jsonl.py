"""JSONL as the reference memory server keeps it: an entity or a relation a line, and rules as lines of their own."""

import json
from collections.abc import Iterable, Iterator
from typing import cast

from knowledge.graph import Graph, Record
from knowledge.graph_intake import Chunk, Imported, Intake, edge_from, node_from, rule_from
from knowledge.graph_view import Edge, GraphError

__all__ = ["entity_line", "export_jsonl", "import_jsonl", "relation_line"]

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one line."""


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
