"""What is known of the user, for models that speak as or to them: facts, likings from -1 to 1, and rules of style.

All of it is kept in the user's own graph under kinds of its own, so that it lives, travels and is undone with that. A
fact that is told anew replaces the older one, which stays as history.
"""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from knowledge.graph import Graph, Record
from knowledge.graph_jsonl import entity_line
from knowledge.graph_limits import LONGEST_NOTE, label, optional_label, shown, statement
from knowledge.graph_removal import Removal, Restored, remove_nodes
from knowledge.graph_view import GraphError, Node
from knowledge.graph_write import Writer
from knowledge.personal_context import PersonalContext, Saying, chosen

__all__ = ["FACT", "HISTORY", "KINDS", "PREFERENCE", "RULE", "Personal", "Told"]

FACT = "personal_fact"
PREFERENCE = "preference"
RULE = "style_rule"
HISTORY = "former_fact"
KINDS = (FACT, PREFERENCE, RULE, HISTORY)
"""The kinds of node that hold what is known of the user."""
REPLACED = "replaced"
"""The relation from a fact, or a preference, to what it said before."""

ExportForm = Literal["json", "jsonl", "markdown"]
_LONGEST_KEY = 200
_LONGEST_VALUE = 4_000
_MOST = 5_000


class Told(NamedTuple):
    """What was kept."""

    name: str
    """The node that holds it."""
    text: str
    """It as a sentence."""
    created: bool
    """Whether nothing was known of this before."""
    before: str = ""
    """What it replaced."""


class Personal:
    """What is known of the user, in their graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def add_fact(self, key: str, value: str, *, category: str = "", source: str = "") -> Told:
        """Keep a fact such as `name` = `scawful`; a newer value replaces the older, which stays as history.

        Raises:
            GraphError: the key or the value is empty, too long or cannot be kept.
        """
        key = label("the key", key, longest=_LONGEST_KEY)
        value = _said("the value", value)
        category = optional_label("the category", category, longest=_LONGEST_KEY)
        return self._tell(f"fact:{key}", FACT, value, source=source, properties={"key": key, "category": category})

    def add_preference(self, item: str, strength: float, *, note: str = "", source: str = "") -> Told:
        """Keep how much the user likes something, from -1 (avoids it) to 1 (loves it).

        Raises:
            GraphError: the strength is out of bounds, or a text cannot be kept.
        """
        item = label("the item", item, longest=_LONGEST_KEY)
        note = statement("the note", note, longest=LONGEST_NOTE)
        if not -1 <= strength <= 1:
            raise GraphError(f"the strength is {strength}: give -1 (avoids it) to 1 (loves it)")
        value = f"{strength:g}" + (f": {note}" if note else "")
        return self._tell(
            f"preference:{item}",
            PREFERENCE,
            value,
            source=source,
            properties={"key": item, "strength": float(strength)},
        )

    def add_style_rule(self, rule: str, *, source: str = "") -> Told:
        """Keep a rule that always holds for how answers are written, such as `avoid: corporate jargon`.

        Raises:
            GraphError: the rule is empty, too long or cannot be kept.
        """
        rule = label("the rule", " ".join(rule.split()), longest=400)
        with self._graph.writing() as write:
            done = write.put_node(f"rule:{rule}", RULE, texts=(rule,), source=source)
        return Told(done.name, rule, done.created)

    def forget(self, what: str) -> Removal:
        """Take out a fact, preference or rule, with its history; `what` is its key, item, rule or the name of its node.

        Raises:
            GraphError: nothing of the kind is known, or several things go by this word.
        """
        found = self._named(what)
        if len(found) != 1:
            names = ", ".join(shown(name) for name in found[:5])
            raise GraphError(
                f"{shown(what)} names several: {names}; give one of these"
                if found
                else f"nothing personal is known as {shown(what)}: look at the export for its name"
            )
        former = [node.name for node in self._former(found[0])]
        with self._graph.writing() as write:
            return remove_nodes(write, [found[0], *former])

    def undo(self, number: int = 0) -> Restored:
        """Put back what was forgotten.

        Raises:
            GraphError: there is nothing to put back.
        """
        return self._graph.undo(number)

    def history(self, key: str) -> tuple[str, ...]:
        """Return what a fact or preference said before, the newest first."""
        names = [name for kind in ("fact", "preference") if self._graph.node(name := f"{kind}:{key.strip()}")]
        return tuple(text for name in names for node in reversed(self._former(name)) for text in node.texts)

    def context_for(self, prompt: str, budget: int = 400) -> PersonalContext:
        """Return what a model should know of the user for a prompt, in at most `budget` tokens (4 characters each).

        All rules come first; then the facts and preferences that the prompt is about; then the strongest of the rest.

        Raises:
            GraphError: the budget is less than one token.
        """
        if budget < 1:
            raise GraphError(f"the budget is {budget} tokens: give at least 1")
        rules = [Saying(record.name, "rule", record.name.removeprefix("rule:"), 1.0) for record in self._records(RULE)]
        facts = [
            Saying(record.name, "fact", _fact(record), 0.5 if _property(record, "category") == "identity" else 0.0)
            for record in self._records(FACT)
        ]
        likes = [
            Saying(record.name, "preference", _preference(record), abs(_strength(record)) / 4)
            for record in self._records(PREFERENCE)
        ]
        return chosen(prompt, rules, [*facts, *likes], budget=budget)

    def export(self, form: ExportForm = "markdown") -> Iterator[str]:
        """Give all that is known of the user as text, piece by piece: one JSON list, a JSON object a line, or Markdown.

        Raises:
            GraphError: there is no such form.
        """
        if form not in ("json", "jsonl", "markdown"):
            raise GraphError(f"no form is named {shown(form)}: take json, jsonl or markdown")
        if form == "markdown":
            return self._markdown()
        return self._lines("[\n", ",\n", "\n]\n") if form == "json" else self._lines("", "\n", "\n")

    def _tell(self, name: str, kind: str, value: str, *, source: str, properties: dict[str, str | float]) -> Told:
        kept = {key: item for key, item in properties.items() if item != ""}
        with self._graph.writing() as write:
            known = _kept(write, name)
            if known is None:
                write.put_node(name, kind, texts=(value,), source=source, properties=kept)
                return Told(name, value, created=True)
            write.put_node(name, kind, source=source, properties=kept)  # refuses a node of another kind
            if known == value:
                return Told(name, value, created=False)
            number = write.con.execute(
                "SELECT count(*) FROM edge JOIN node ON node.id = subject WHERE name = ? AND relation = ?",
                (name, REPLACED),
            ).fetchone()[0]
            former = _free_name(write, name, int(number) + 1)
            write.put_node(former, HISTORY, texts=(known,), properties={"until": int(time.time())})
            write.put_edge(name, REPLACED, former)
            write.replace_texts(name, (value,), source=source, properties=kept)
        return Told(name, value, created=False, before=known)

    def _former(self, name: str) -> list[Node]:
        edges = self._graph.edges(name, direction="out")
        found = (self._graph.node(edge.object) for edge in edges if edge.relation == REPLACED)
        return [node for node in found if node is not None and node.kind == HISTORY]

    def _records(self, kind: str) -> Sequence[Record]:
        nodes = self._graph.query(kind=kind, names_only=True, limit=_MOST).nodes
        return [record for node in nodes if (record := self._graph.record(node.name)) is not None]

    def _named(self, what: str) -> list[str]:
        word = " ".join(what.split())
        exact = [
            name for name in (word, f"fact:{word}", f"preference:{word}", f"rule:{word}") if self._is_personal(name)
        ]
        if exact:
            return exact
        folded = (self._graph.resolve(f"{prefix}{word}") for prefix in ("", "fact:", "preference:", "rule:"))
        return [name for name in folded if name and self._is_personal(name)]

    def _is_personal(self, name: str) -> bool:
        node = self._graph.node(name)
        return node is not None and node.kind in KINDS

    def _lines(self, head: str, between: str, tail: str) -> Iterator[str]:
        mark = head
        for kind in KINDS:
            for record in self._records(kind):
                yield mark + entity_line(record)
                mark = between
        yield (head if mark == head else "") + tail

    def _markdown(self) -> Iterator[str]:
        yield "# About the user\n"
        parts = (("Rules of style", RULE), ("Facts", FACT), ("Preferences", PREFERENCE), ("Formerly", HISTORY))
        for title, kind in parts:
            lines = [_line(record) for record in self._records(kind)]
            if lines:
                yield f"\n## {title}\n\n" + "".join(f"- {line}\n" for line in lines)


def _said(what: str, value: str) -> str:
    text = statement(what, value, longest=_LONGEST_VALUE)
    if not text:
        raise GraphError(f"{what} is empty: say what is so, or forget the fact")
    return text


def _kept(write: Writer, name: str) -> str | None:
    """Return what a node says now, None when there is none."""
    row = write.con.execute(
        "SELECT (SELECT text FROM text WHERE node = node.id ORDER BY id DESC LIMIT 1) FROM node WHERE name = ? AND own",
        (name,),
    ).fetchone()
    return None if row is None else str(row[0] or "")


def _free_name(write: Writer, name: str, number: int) -> str:
    while _kept(write, f"{name} ({number})") is not None:
        number += 1
    return f"{name} ({number})"


def _property(record: Record, key: str) -> str:
    return str(record.properties.get(key, ""))


def _strength(record: Record) -> float:
    value = record.properties.get("strength", 0.0)
    return max(-1.0, min(1.0, value)) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _text(record: Record) -> str:
    return "; ".join(said.text for said in record.texts)


def _fact(record: Record) -> str:
    category = _property(record, "category")
    key = _property(record, "key") or record.name.removeprefix("fact:")
    return f"{key}: {_text(record)}" + (f" ({category})" if category else "")


def _preference(record: Record) -> str:
    strength = _strength(record)
    word = "loves" if strength >= 0.8 else "likes" if strength > 0 else "avoids" if strength <= -0.8 else "dislikes"
    item = _property(record, "key") or record.name.removeprefix("preference:")
    note = _text(record).partition(": ")[2]
    return f"{'has no view of' if strength == 0 else word} {item} ({strength:g})" + (f": {note}" if note else "")


def _line(record: Record) -> str:
    if record.kind == FACT:
        text = _fact(record)
    elif record.kind == PREFERENCE:
        text = _preference(record)
    else:
        text = _text(record) if record.kind == RULE else f"{record.name}: {_text(record)}"
    return " ".join(text.split())
