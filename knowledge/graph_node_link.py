"""Node-link JSON, which networkx and many programs read: one object with a list of nodes and a list of edges.

It is read as it comes: of a file with 100,000 nodes no more than one node and one piece is in memory.
"""

import codecs
import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import NamedTuple, cast

from knowledge.graph import Graph
from knowledge.graph_intake import Chunk, Imported, Intake, node_from, rule_from, text_of
from knowledge.graph_view import Edge, GraphError

__all__ = ["export_json", "import_json"]

LARGEST_ITEM = 16 * 1024 * 1024
"""Characters of one node or edge."""
_BLANK = " \t\r\n\ufeff"
_LISTS = {"nodes": "nodes", "edges": "edges", "links": "edges"}


def export_json(graph: Graph) -> Iterator[str]:
    """Give the pieces of a node-link JSON text, a node or an edge a line; `networkx.node_link_graph` reads it.

    An edge's `source` and `target` are its ends; who says so is in `said_by`.
    """
    rules = [rule._asdict() for rule in graph.constraints()]
    yield f'{{"directed": true, "multigraph": true, "graph": {json.dumps({"constraints": rules})},\n"nodes": ['
    mark = "\n"
    for record in graph.all_records():
        texts = [said.text for said in record.texts]
        fields = {"id": record.name, "kind": record.kind, "texts": texts, "source": record.source}
        yield mark + json.dumps({**fields, "properties": dict(record.properties)}, ensure_ascii=False)
        mark = ",\n"
    yield '],\n"edges": ['
    mark = "\n"
    for edge in graph.all_edges():
        ends = {"source": edge.subject, "target": edge.object, "key": edge.relation}
        said = {"relation": edge.relation, "said_by": edge.source, "note": edge.note, "count": edge.count}
        yield mark + json.dumps({**ends, **said}, ensure_ascii=False)
        mark = ",\n"
    yield "]}\n"


def import_json(graph: Graph, chunks: Iterable[Chunk]) -> Imported:
    """Add what a node-link JSON text holds; where the JSON itself is broken, what came before is kept."""
    with Intake(graph) as intake:
        place = "the start"
        try:
            for part in _parts(_Text(chunks)):
                place = part.place
                _take(intake, part)
        except (ValueError, RecursionError) as error:
            intake.report(f"after {place}", f"broken JSON, the rest was not read ({error})")
    return intake.imported()


class _Part(NamedTuple):
    section: str
    place: str
    value: object


def _take(intake: Intake, part: _Part) -> None:
    try:
        value: object = part.value
        fields = cast("dict[str, object]", value) if isinstance(value, dict) else None
        if fields is None:
            intake.report(part.place, "no object: write {...}")
        elif part.section == "graph":
            _take_rules(intake, fields)
        elif part.section == "nodes":
            intake.node(part.place, node_from(fields)._replace(name=text_of(fields, "id", "name")))
        else:
            intake.edge(part.place, _edge(fields))
    except GraphError as error:
        intake.report(part.place, str(error))


def _take_rules(intake: Intake, fields: Mapping[str, object]) -> None:
    rules = fields.get("constraints")
    for number, rule in enumerate(cast("list[object]", rules) if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            intake.rule(f"constraints[{number}]", rule_from(cast("dict[str, object]", rule)))


def _edge(fields: Mapping[str, object]) -> Edge:
    subject, object_ = text_of(fields, "source"), text_of(fields, "target")
    relation = next((value for name in ("relation", "key", "label", "type") if (value := _word(fields, name))), "")
    count = fields.get("count", 1)
    return Edge(
        subject,
        relation or "related_to",
        object_,
        text_of(fields, "said_by"),
        text_of(fields, "note"),
        count if isinstance(count, int) else 1,
    )


def _word(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


class _Text:
    """A text that comes in pieces, read value by value."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = self._decoded(chunks)
        self._text = ""
        self._at = 0
        self._decoder = json.JSONDecoder()

    @staticmethod
    def _decoded(chunks: Iterable[Chunk]) -> Generator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        for chunk in chunks:
            yield chunk if isinstance(chunk, str) else decoder.decode(chunk)
        yield decoder.decode(b"", final=True)

    def _more(self) -> bool:
        """Read until what is not yet used has doubled; say whether there was anything."""
        rest = self._text[self._at :]
        if len(rest) > LARGEST_ITEM:
            raise ValueError(f"an item of more than {LARGEST_ITEM:,} characters")
        pieces, size = [rest], 0
        for chunk in self._chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > max(65_536, len(rest)):
                break
        self._text, self._at = "".join(pieces), 0
        return size > 0

    def peek(self) -> str:
        """Return the next character that is no blank, nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, *marks: str) -> str:
        """Go past one of these characters and return it."""
        found = self.peek()
        if found not in marks or not found:
            raise ValueError(f"expected {' or '.join(marks)}, found {found or 'the end'!r}")
        self._at += 1
        return found

    def value(self) -> object:
        """Return the JSON value that comes next."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self._text) and not isinstance(value, dict | list | str) and self._more():
                continue
            self._at = end
            return cast("object", value)


def _parts(text: _Text) -> Iterator[_Part]:
    """Give the items of the lists of nodes and edges, and whatever else the object holds, as they come."""
    text.skip("{")
    mark = "," if text.peek() != "}" else text.skip("}")
    while mark == ",":
        key = text.value()
        text.skip(":")
        if not isinstance(key, str):
            raise ValueError(f"expected a name, found {key!r:.40}")
        section = _LISTS.get(key, "")
        if section and text.peek() == "[":
            yield from _items(text, section)
        elif (value := text.value()) is not None and key == "graph":
            yield _Part("graph", "graph", value)
        mark = text.skip(",", "}")


def _items(text: _Text, section: str) -> Iterator[_Part]:
    text.skip("[")
    if text.peek() == "]":
        text.skip("]")
        return
    number, mark = 0, ","
    while mark == ",":
        yield _Part(section, f"{section}[{number}]", text.value())
        number += 1
        mark = text.skip(",", "]")
