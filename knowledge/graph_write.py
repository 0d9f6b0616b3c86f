"""What one transaction writes to a graph: nodes with their texts, edges, rules, removals and their undoing."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from knowledge.graph_limits import (
    LONGEST_KIND,
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_RELATION,
    LONGEST_SOURCE,
    LONGEST_TEXT,
    Properties,
    label,
    optional_label,
    properties_json,
    shown,
    statement,
)
from knowledge.graph_rules import Constraint, End, Rules, violations
from knowledge.graph_view import GraphError, Node
from knowledge.graph_words import index_words

__all__ = ["Below", "EdgeAdded", "NodeAdded", "UnknownEnd", "Writer", "end_name", "nothing_below"]

Below = Callable[[str], Node | None]
"""Finds the node that a text names in the graphs below, which are only read; None when there is none."""

MOST_TEXTS = 2**20 - 2
"""Texts of one node."""
_NO_PROPERTIES: Mapping[str, object] = {}
_INSERT_TEXT = "INSERT INTO text(id, node, digest, text, source, added) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_WORDS = "INSERT INTO words(rowid, name, text) VALUES (?, ?, ?)"
_DELETE_WORDS = "INSERT INTO words(words, rowid, name, text) VALUES ('delete', ?, ?, ?)"


class UnknownEnd(GraphError):
    """An edge leads to a name that no node, or more than one, has."""


class NodeAdded(NamedTuple):
    """What adding a node did."""

    name: str
    kind: str
    created: bool
    """Whether the node is new."""
    texts_added: int
    """Texts that were not there before: 0 or 1 for one text."""


class EdgeAdded(NamedTuple):
    """What adding an edge did, with the names that its ends have."""

    subject: str
    relation: str
    object: str
    created: bool
    """Whether the edge is new; otherwise its source, note and count were brought up to date."""


class _Row(NamedTuple):
    id: int
    kind: str
    source: str
    properties: str
    own: int


def nothing_below(_text: str) -> Node | None:
    """Find nothing: the graph stands alone."""
    return None


def end_name(text: str) -> str:
    """Return the name of an end as it is looked for.

    Raises:
        GraphError: no node can have this name.
    """
    return label("the name of an end", text, longest=LONGEST_NAME)


def digest(text: str) -> bytes:
    """Return what tells two texts of a node apart: sixteen bytes of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()


class Writer:
    """The writes of one transaction; it lives as long as that does."""

    def __init__(self, con: sqlite3.Connection, below: Below, *, indexed: bool) -> None:
        self.con = con
        self.rules = Rules(con)
        self._below = below
        self._indexed = indexed
        if not indexed:
            con.execute("UPDATE state SET value = '' WHERE key = 'words' AND value <> ''")

    def put_node(
        self,
        name: str,
        kind: str = "",
        *,
        texts: Iterable[str] = (),
        source: str = "",
        properties: Mapping[str, object] = _NO_PROPERTIES,
    ) -> NodeAdded:
        """Add a node, or add texts and properties to the one of this name.

        Raises:
            GraphError: a node of this name is of another kind, a rule is broken, or a value cannot be kept.
        """
        name = label("the name", name, longest=LONGEST_NAME)
        kind = optional_label("the kind", kind, longest=LONGEST_KIND)
        source = optional_label("the source", source, longest=LONGEST_SOURCE)
        wanted = properties_json(properties)
        found = self._row(name)
        created = found is None or not found.own
        if found is None:
            kind = kind or "note"
            self.rules.check_node(name, kind, wanted)
            number = self._insert(name, kind, source, wanted, own=1)
        else:
            number = found.id
            kind = self._join(name, found, kind=kind, source=source, properties=wanted)
        if created and self._indexed:
            self.con.execute(_INSERT_WORDS, (number << 20, index_words(name), ""))
        added = sum(self._put_text(number, name, text, source=source) for text in texts)
        return NodeAdded(name, kind, created, added)

    def put_edge(
        self, subject: str, relation: str, object_: str, *, source: str = "", note: str = "", count: int = 0
    ) -> EdgeAdded:
        """Add an edge, or bring the source, note and count of the one that is there up to date (0: leave the count).

        The ends are nodes of this graph, or of the graphs below in any spelling that those know.

        Raises:
            UnknownEnd: an end is not known.
        GraphError: a rule is broken, or a value cannot be kept.
        """
        relation = label("the relation", relation, longest=LONGEST_RELATION)
        source = optional_label("the source", source, longest=LONGEST_SOURCE)
        note = statement("the note", note, longest=LONGEST_NOTE)
        if not 0 <= count < 2**31:
            raise GraphError(f"count is {count}: give 1 to {2**31 - 1:,}, or 0 to leave it as it is")
        first, second = self.end(subject), self.end(object_)
        found = self.con.execute(
            "SELECT id, source, note, count FROM edge WHERE subject = ? AND relation = ? AND object = ?",
            (first.id, relation, second.id),
        ).fetchone()
        if found is None:
            self.rules.check_edge(first, relation, second)
            self.con.execute(
                "INSERT INTO edge(subject, relation, object, source, note, count) VALUES (?, ?, ?, ?, ?, ?)",
                (first.id, relation, second.id, source, note, count or 1),
            )
        elif (fresh := (source or found[1], note or found[2], count or found[3])) != tuple(found[1:]):
            self.con.execute("UPDATE edge SET source = ?, note = ?, count = ? WHERE id = ?", (*fresh, found[0]))
        return EdgeAdded(first.name, relation, second.name, found is None)

    def end(self, text: str) -> End:
        """Return the node that a text names, here or below; one below gets a row that stands for it here.

        Raises:
            UnknownEnd: no node, or several, have this name.
        """
        name = end_name(text)
        found = self._row(name)
        if found is not None:
            return End(found.id, name, found.kind)
        lower = self._below(name)
        if lower is not None:
            found = self._row(lower.name)
            number = found.id if found else self._insert(lower.name, lower.kind or "unknown", "", "{}", own=0)
            return End(number, lower.name, found.kind if found else lower.kind or "unknown")
        rows = self.con.execute(
            "SELECT id, name, kind FROM node WHERE folded = ? LIMIT 2", (name.casefold(),)
        ).fetchall()
        if len(rows) != 1:
            what = "several nodes are" if rows else "no node is"
            raise UnknownEnd(f"{what} named {shown(name)}: search for its name, or add the node first")
        return End(*rows[0])

    def stand_in(self, name: str, kind: str, *, wanted: bool) -> None:
        """Make sure that there is a row of exactly this name; when wanted, one that stands for a node below.

        Raises:
            UnknownEnd: there is none and none is wanted.
        """
        if self._row(name) is None:
            if not wanted:
                raise UnknownEnd(f"no node is named {shown(name)}: add it first")
            self._insert(name, kind, "", "{}", own=0)

    def replace_texts(self, name: str, texts: Sequence[str], *, source: str = "", properties: Properties) -> None:
        """Give a node other texts and properties instead of those that it has.

        Raises:
            GraphError: no node has this name, or a value cannot be kept.
        """
        found = self._row(name)
        if found is None:
            raise GraphError(f"no node is named {shown(name)}: add it first")
        wanted = properties_json(properties)
        self.rules.check_node(name, found.kind, wanted)
        self.con.execute("UPDATE node SET properties = ?, source = ? WHERE id = ?", (wanted, source, found.id))
        self.drop_texts(found.id, name)
        for text in texts:
            self._put_text(found.id, name, text, source=source)

    def put_rule(self, rule: Constraint) -> bool:
        """Hold all writes to a rule from now on; return whether it is new.

        Raises:
            GraphError: what is there already breaks it.
        """
        of = label("what the rule is about", rule.of, longest=LONGEST_RELATION)
        first = optional_label("the first word of the rule", rule.first, longest=LONGEST_RELATION)
        second = optional_label("the second word of the rule", rule.second, longest=LONGEST_RELATION)
        rule = Constraint(
            rule.rule, of, first, second, optional_label("the source", rule.source, longest=LONGEST_SOURCE)
        )
        if rule.rule == "required" and not first:
            raise GraphError("the rule does not say which property is required: give its name")
        if broken := violations(self.con, self.rules, rule):
            names = ", ".join(shown(name) for name in broken)
            raise GraphError(f"{rule.as_text()}, which does not hold for {names}: change those first")
        done = self.con.execute(
            "INSERT OR IGNORE INTO rule(rule, subject, first, second, source) VALUES (?, ?, ?, ?, ?)", rule
        )
        self.rules = Rules(self.con)
        return done.rowcount > 0

    def drop_texts(self, node: int, name: str, *, only: str = "") -> list[list[object]]:
        """Take the texts of a node away, or only one; return each as [text, source, added]."""
        sql, asked = "SELECT id, text, source, added FROM text WHERE node = ?", (node,)
        found = (
            self.con.execute(f"{sql} AND digest = ?", (*asked, digest(only)))
            if only
            else self.con.execute(f"{sql} ORDER BY id", asked)
        ).fetchall()
        words = index_words(name)
        for number, text, _source, _added in found:
            if self._indexed:
                self.con.execute(_DELETE_WORDS, (number, words, index_words(text)))
            self.con.execute("DELETE FROM text WHERE id = ?", (number,))
        return [list(row[1:]) for row in found]

    def drop_node(self, node: int, name: str) -> None:
        """Take a node away whose texts are gone; its edges go with it."""
        if self._indexed:
            self.con.execute(_DELETE_WORDS, (node << 20, index_words(name), ""))
        self.con.execute("DELETE FROM node WHERE id = ?", (node,))

    def restore_text(self, name: str, text: str, *, source: str, added: int) -> bool:
        """Give a node a text with the time at which it was first added; return whether it was missing."""
        found = self._row(name)
        return found is not None and bool(self._put_text(found.id, name, text, source=source, added=added))

    def _row(self, name: str) -> _Row | None:
        sql = "SELECT id, kind, source, properties, own FROM node WHERE name = ?"
        found = self.con.execute(sql, (name,)).fetchone()
        return _Row(*found) if found else None

    def _insert(self, name: str, kind: str, source: str, properties: str, *, own: int) -> int:
        done = self.con.execute(
            "INSERT INTO node(name, folded, kind, source, properties, own) VALUES (?, ?, ?, ?, ?, ?)",
            (name, name.casefold(), kind, source, properties, own),
        )
        return int(done.lastrowid or 0)

    def _join(self, name: str, found: _Row, *, kind: str, source: str, properties: str) -> str:
        if kind and kind != found.kind:
            raise GraphError(
                f"{shown(name)} is a node of kind '{found.kind}', not '{kind}': leave the kind out to add to it, "
                "or take another name"
            )
        merged = found.properties
        if properties != "{}":
            merged = properties_json({**json.loads(found.properties), **json.loads(properties)})
        self.rules.check_node(name, found.kind, merged)
        fresh = (found.source or source, merged, 1)
        if fresh != (found.source, found.properties, found.own):
            self.con.execute("UPDATE node SET source = ?, properties = ?, own = ? WHERE id = ?", (*fresh, found.id))
        return found.kind

    def _put_text(self, node: int, name: str, text: str, *, source: str, added: int = 0) -> int:
        text = statement("the text", text, longest=LONGEST_TEXT)
        if not text:
            return 0
        mark = digest(text)
        if self.con.execute("SELECT 1 FROM text WHERE node = ? AND digest = ?", (node, mark)).fetchone():
            return 0
        low = node << 20
        row = self.con.execute("SELECT max(id) FROM text WHERE id > ? AND id <= ?", (low, low + MOST_TEXTS)).fetchone()
        number = (row[0] or low) + 1
        if number > low + MOST_TEXTS:
            raise GraphError(f"{shown(name)} has {MOST_TEXTS:,} texts: put this one in a node of its own")
        self.con.execute(_INSERT_TEXT, (number, node, mark, text, source, added or int(time.time())))
        if self._indexed:
            self.con.execute(_INSERT_WORDS, (number, index_words(name), index_words(text)))
        return 1
