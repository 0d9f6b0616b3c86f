"""The rules that a graph's writes are held to: what a relation may join, what a kind must have."""

import json
import sqlite3
from graphlib import CycleError, TopologicalSorter
from typing import Literal, NamedTuple

from knowledge.graph_limits import shown
from knowledge.graph_view import GraphError

__all__ = ["Constraint", "End", "RuleKind", "Rules", "violations"]

RuleKind = Literal["ends", "single", "acyclic", "required"]
"""What a rule says.

- `ends`: the relation joins a node of kind `first` to one of kind `second`; several such rules are alternatives.
- `single`: a subject has the relation to at most one object.
- `acyclic`: following the relation never leads back.
- `required`: a node of the kind has the property `first`.
"""


class Constraint(NamedTuple):
    """One rule of a graph."""

    rule: RuleKind
    of: str
    """The relation that it is about; for `required`, the kind."""
    first: str = ""
    """`ends`: the kind of the subject, empty for any. `required`: the name of the property."""
    second: str = ""
    """`ends`: the kind of the object, empty for any."""
    source: str = ""
    """Who asked for it."""

    def as_text(self) -> str:
        """Return the rule as a sentence."""
        if self.rule == "ends":
            return f"'{self.of}' leads from {self.first or 'any kind'} to {self.second or 'any kind'}"
        if self.rule == "single":
            return f"a subject has '{self.of}' to one object at most"
        if self.rule == "acyclic":
            return f"'{self.of}' never leads back to where it began"
        return f"a node of kind '{self.of}' has the property '{self.first}'"


class End(NamedTuple):
    """A node at the end of an edge."""

    id: int
    name: str
    kind: str


_REACHES = """
    WITH RECURSIVE reached(id) AS (
        SELECT :start UNION
        SELECT edge.object FROM edge JOIN reached ON edge.subject = reached.id WHERE edge.relation = :relation)
    SELECT 1 FROM reached WHERE id = :goal LIMIT 1
"""


class Rules:
    """The rules of one graph file, as they stand within one transaction."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        rows = con.execute("SELECT rule, subject, first, second, source FROM rule ORDER BY id").fetchall()
        self.all = tuple(Constraint(*row) for row in rows)

    def check_node(self, name: str, kind: str, properties: str) -> None:
        """Raise GraphError when a node of the kind lacks a property; `properties` is the JSON text."""
        for rule in self.all:
            if rule.rule == "required" and rule.of == kind and rule.first not in json.loads(properties):
                raise GraphError(f"{shown(name)}: {rule.as_text()}: give it, or remove the rule")

    def check_edge(self, subject: End, relation: str, object_: End) -> None:
        """Raise GraphError when a new edge would break a rule."""
        mine = [rule for rule in self.all if rule.of == relation and rule.rule != "required"]
        ends = [rule for rule in mine if rule.rule == "ends"]
        if ends and not any(_fits(rule, subject.kind, object_.kind) for rule in ends):
            allowed = "; or ".join(rule.as_text() for rule in ends)
            raise GraphError(
                f"{shown(subject.name)} is a {subject.kind} and {shown(object_.name)} a {object_.kind}, but {allowed}: "
                "join others, or remove the rule"
            )
        for rule in mine:
            if rule.rule == "single":
                self._check_single(rule, subject, object_)
            elif rule.rule == "acyclic":
                self._check_acyclic(rule, subject, object_)

    def _check_single(self, rule: Constraint, subject: End, object_: End) -> None:
        found = self._con.execute(
            "SELECT node.name FROM edge JOIN node ON node.id = edge.object "
            "WHERE edge.subject = ? AND relation = ? AND edge.object <> ? LIMIT 1",
            (subject.id, rule.of, object_.id),
        ).fetchone()
        if found:
            raise GraphError(
                f"{rule.as_text()}, and {shown(subject.name)} has it to {shown(found[0])}: remove that edge first"
            )

    def _check_acyclic(self, rule: Constraint, subject: End, object_: End) -> None:
        asked = {"start": object_.id, "goal": subject.id, "relation": rule.of}
        if self._con.execute(_REACHES, asked).fetchone():
            raise GraphError(
                f"{rule.as_text()}, and {shown(object_.name)} leads to {shown(subject.name)} already: "
                "remove an edge of that way first"
            )


def _fits(rule: Constraint, subject: str, object_: str) -> bool:
    return rule.first in ("", subject) and rule.second in ("", object_)


def _cycle(con: sqlite3.Connection, relation: str) -> tuple[str, ...]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    sql = (
        "SELECT s.name, o.name FROM edge JOIN node AS s ON s.id = edge.subject "
        "JOIN node AS o ON o.id = edge.object WHERE relation = ?"
    )
    for subject, object_ in con.execute(sql, (relation,)):
        sorter.add(object_, subject)
    try:
        sorter.prepare()
    except CycleError as error:
        return tuple(str(name) for name in error.args[1])
    return ()


def violations(con: sqlite3.Connection, rules: Rules, rule: Constraint) -> tuple[str, ...]:
    """Return up to five names of nodes that break a rule which is about to be made."""
    if rule.rule == "single":
        sql = "SELECT node.name FROM edge JOIN node ON node.id = subject WHERE relation = ? GROUP BY subject"
        rows = con.execute(f"{sql} HAVING count(*) > 1 LIMIT 5", (rule.of,)).fetchall()
    elif rule.rule == "acyclic":
        rows = [(name,) for name in _cycle(con, rule.of)][:5]
    elif rule.rule == "required":
        every = con.execute("SELECT name, properties FROM node WHERE own AND kind = ? ORDER BY id", (rule.of,))
        rows = [(name,) for name, text in every if rule.first not in json.loads(text)][:5]
    else:
        ends = [other for other in rules.all if other.rule == "ends" and other.of == rule.of] + [rule]
        every = con.execute(
            "SELECT s.name, s.kind, o.kind FROM edge JOIN node AS s ON s.id = edge.subject "
            "JOIN node AS o ON o.id = edge.object WHERE relation = ? ORDER BY edge.id",
            (rule.of,),
        )
        rows = [(name,) for name, first, second in every if not any(_fits(end, first, second) for end in ends)][:5]
    return tuple(str(row[0]) for row in rows)
