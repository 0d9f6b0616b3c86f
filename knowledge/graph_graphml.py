"""GraphML, the XML of graph editors: written with a typed key for each field, read without trust.

A document type, and with it every entity that could be defined, is refused before anything is read. Characters that
XML cannot hold become U+FFFD.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, cast
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from knowledge.graph import Graph
from knowledge.graph_intake import Chunk, Imported, Intake, NewNode, rule_from
from knowledge.graph_limits import Value
from knowledge.graph_view import Edge, GraphError

__all__ = ["export_graphml", "import_graphml"]

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
_NODE_KEYS = ("kind", "source", "texts", "properties")
_EDGE_KEYS = ("relation", "source", "note", "count")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DEEPEST = 64
_LARGEST_ITEM = 16 * 1024 * 1024
_RELATIONS = ("relation", "label", "type", "key")
_KINDS = ("kind", "type", "entityType")


def _data(key: str, value: str) -> str:
    text = escape(_ILLEGAL.sub("\ufffd", value), {"\r": "&#13;"})
    return f'<data key="{key}">{text}</data>' if value else ""


def _id(name: str) -> str:
    return quoteattr(_ILLEGAL.sub("\ufffd", name))


def _keys() -> Iterator[str]:
    for mark, names in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for name in names:
            kind = "long" if name == "count" else "string"
            yield f'<key id="{mark[0]}_{name}" for="{mark}" attr.name="{name}" attr.type="{kind}"/>\n'
    yield '<key id="g_constraints" for="graph" attr.name="constraints" attr.type="string"/>\n'


def export_graphml(graph: Graph) -> Iterator[str]:
    """Give the pieces of a GraphML text; texts and properties are JSON in one field each."""
    yield _HEAD
    yield from _keys()
    yield '<graph edgedefault="directed">\n'
    if rules := [rule._asdict() for rule in graph.constraints()]:
        yield f"{_data('g_constraints', json.dumps(rules))}\n"
    for record in graph.all_records():
        said = json.dumps([text.text for text in record.texts]) if record.texts else ""
        properties = json.dumps(dict(record.properties), sort_keys=True) if record.properties else ""
        fields = (record.kind, record.source, said, properties)
        inner = "".join(_data(f"n_{key}", value) for key, value in zip(_NODE_KEYS, fields, strict=True))
        yield f"<node id={_id(record.name)}>{inner}</node>\n"
    for edge in graph.all_edges():
        fields = (edge.relation, edge.source, edge.note, str(edge.count))
        inner = "".join(_data(f"e_{key}", value) for key, value in zip(_EDGE_KEYS, fields, strict=True))
        yield f"<edge source={_id(edge.subject)} target={_id(edge.object)}>{inner}</edge>\n"
    yield "</graph>\n</graphml>\n"


def import_graphml(graph: Graph, chunks: Iterable[Chunk]) -> Imported:
    """Add what a GraphML text holds; where the XML itself is broken, what came before is kept.

    Fields that this graph has no place for become properties.
    """
    with Intake(graph) as intake:
        reader = _Reader(intake)
        try:
            for chunk in chunks:
                reader.feed(chunk)
            reader.close()
        except expat.ExpatError as error:
            intake.report(f"line {reader.line()}", f"broken XML, the rest was not read ({error})")
        except GraphError as error:
            intake.report(f"line {reader.line()}", f"{error}; the rest was not read")
    return intake.imported()


class _Key(NamedTuple):
    name: str
    type: str


class _Reader:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self._keys: dict[str, _Key] = {}
        self._depth = 0
        self._item: dict[str, str] = {}
        self._attributes: Mapping[str, str] = {}
        self._in = ""
        self._data_key = ""
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, chunk: Chunk) -> None:
        """Read a piece."""
        self._parser.Parse(chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk)

    def close(self) -> None:
        """Read the end."""
        final = True
        self._parser.Parse(b"", final)

    def line(self) -> int:
        """Return the line that is being read."""
        return self._parser.CurrentLineNumber

    def _doctype(self, *_declaration: object) -> None:
        raise GraphError("the XML has a document type or an entity, which is not read: take the <!DOCTYPE ...> out")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise GraphError(f"the XML is nested deeper than {_DEEPEST}")
        mark = name.rpartition(" ")[2]
        if mark == "key":
            self._keys[attributes.get("id", "")] = _Key(
                attributes.get("attr.name") or attributes.get("id", ""), attributes.get("attr.type", "string")
            )
            if len(self._keys) > 10_000:
                raise GraphError("the XML declares more than 10,000 keys")
        elif mark in ("node", "edge", "graph"):
            self._in, self._attributes, self._item, self._size = mark, dict(attributes), {}, 0
        elif mark == "data":
            self._data_key, self._pieces = attributes.get("key", ""), []

    def _text(self, text: str) -> None:
        if self._data_key:
            self._size += len(text)
            if self._size > _LARGEST_ITEM:
                raise GraphError(f"an item has more than {_LARGEST_ITEM:,} characters")
            self._pieces.append(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        mark = name.rpartition(" ")[2]
        if mark == "data" and self._data_key:
            self._item[self._data_key] = "".join(self._pieces)
            self._data_key = ""
            if self._in == "graph":
                self._hand_in("graph")
        elif mark in ("node", "edge") and self._in == mark:
            self._hand_in(mark)
            self._in = ""

    def _hand_in(self, mark: str) -> None:
        place = f"line {self.line()}"
        try:
            if mark == "node":
                self._intake.node(place, self._node())
            elif mark == "edge":
                self._intake.edge(place, self._edge())
            else:
                self._rules()
        except (GraphError, ValueError, RecursionError) as error:
            self._intake.report(place, str(error))

    def _fields(self) -> dict[str, Value]:
        kept: dict[str, Value] = {}
        for key, text in self._item.items():
            known = self._keys.get(key, _Key(key, "string"))
            kept[known.name] = _typed(text, known.type)
        return kept

    def _rules(self) -> None:
        fields = self._fields()
        rules: object = json.loads(str(fields["constraints"])) if "constraints" in fields else None
        for rule in cast("list[object]", rules) if isinstance(rules, list) else []:
            if isinstance(rule, dict):
                self._intake.rule(f"line {self.line()}", rule_from(cast("dict[str, object]", rule)))
        self._item = {}

    def _node(self) -> NewNode:
        fields = self._fields()
        texts = _list(str(fields.pop("texts", "")) or str(fields.pop("description", "")))
        properties = _object(str(fields.pop("properties", "")))
        kind = next((str(fields.pop(name)) for name in _KINDS if fields.get(name)), "note")
        source = str(fields.pop("source", ""))
        return NewNode(self._attributes.get("id", ""), kind, texts, source, {**fields, **properties})

    def _edge(self) -> Edge:
        fields = self._fields()
        relation = next((str(fields[name]) for name in _RELATIONS if fields.get(name)), "related_to")
        count = fields.get("count", 1)
        return Edge(
            self._attributes.get("source", ""),
            relation,
            self._attributes.get("target", ""),
            str(fields.get("source", "")),
            str(fields.get("note", "")),
            count if isinstance(count, int) else 1,
        )


def _typed(text: str, kind: str) -> Value:
    if kind in ("int", "long"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        return text.strip().lower() in ("true", "1")
    return text


def _list(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return (text,) if text else ()
    found: object = json.loads(text)
    items = cast("list[object]", found) if isinstance(found, list) else []
    return tuple(item for item in items if isinstance(item, str))


def _object(text: str) -> dict[str, object]:
    if not text:
        return {}
    found: object = json.loads(text)
    if not isinstance(found, dict):
        raise GraphError("properties are no JSON object")
    return cast("dict[str, object]", found)
