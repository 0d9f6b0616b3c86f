"""Which full name a label has: sub-labels under their label, namespaces, procedures, labels without a name."""

import re
from collections.abc import Callable

from knowledge.code_graph.expressions import symbols_in
from knowledge.code_graph.types import Dialect

__all__ = ["Scopes"]

_DOTS = re.compile(r"(\.+)(\w+)")
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_ANONYMOUS = re.compile(r":?([-+]+|<+|>+)")
_JOINS: dict[Dialect, str] = {"asar": "_", "listing": "_", "ca65": "::", "wla": ".", "bass": "."}
_DEEPEST = 12
_LONGEST = 200


class Scopes:
    """The names that hold at one point of a file."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self.parent = ""
        """The full name of the last global label."""
        self.levels: list[str] = []
        """The sub-labels that it stands under, outermost first."""
        self.spaces: list[str] = []
        self.procedure = ""
        """The full name of the procedure that is open: all labels in it are local."""
        self.parameters: frozenset[str] = frozenset()
        """What the open macro is called with."""
        self._seen: dict[str, int] = {}
        self._waiting: dict[str, list[Callable[[str, int], None]]] = {}
        self._unnamed: list[int] = []

    @property
    def prefix(self) -> str:
        """What stands before each global name here: `space_`, `Outer::`."""
        join = _JOINS[self.dialect]
        return join.join(self.spaces) + join if self.spaces else ""

    def enter(self, name: str) -> None:
        """Open a namespace, a scope or a procedure."""
        if len(self.spaces) < _DEEPEST:
            self.spaces.append(name[:_LONGEST])

    def leave(self) -> None:
        """Close the innermost of them."""
        if self.spaces:
            self.spaces.pop()

    def is_local(self, label: str) -> bool:
        """Whether a label as written stands under the last global one."""
        if self.dialect == "ca65":
            return label[:1] == "@" or bool(self.procedure)
        if self.dialect == "wla":
            return label[:1] in ("_", "@")
        return label[:1] == "."

    def define(self, label: str) -> str:
        """Return the full name of a label that is set here, and go under it."""
        label = label[:_LONGEST]
        if self.is_local(label):
            return self._local(label, setting=True)
        quiet = label[:1] == "#"
        name = self.prefix + label.lstrip("#?")
        if not quiet:
            self.parent, self.levels = name, []
        return name

    def _local(self, label: str, *, setting: bool = False) -> str:
        if self.procedure and label[:1] != "@":
            return self.prefix + label if setting else label
        match = _DOTS.fullmatch(label) if self.dialect in ("asar", "listing") else None
        if match is None:
            return self.parent + label
        depth = min(len(match[1]), _DEEPEST)
        levels = [*self.levels[: depth - 1], match[2]]
        if setting:
            self.levels = levels
        return "_".join((self.parent, *levels)) if self.parent else label

    def full(self, name: str) -> str:
        """Return a name as it is used here: local labels by their full names, others as they are."""
        if name[:2] == "!{":
            return "!" + name[2:-1]
        if name[:1] == "{" and name[1:-1] not in self.parameters:
            return name[1:-1]
        return self._local(name) if self.is_local(name) else name

    def expression(self, text: str) -> str:
        """Return an expression with the full names of local labels."""
        if _PLAIN.fullmatch(text) and self.dialect != "wla":
            return text
        out, end = list[str](), 0
        for token in symbols_in(text):
            out += (text[end : token.start], self.full(token.text))
            end = token.end
        return ("".join(out) + text[end:])[:_LONGEST]

    def anonymous(self, label: str, line: int) -> str:
        """Set a label without a name, and return how it is called: `-`, `++`, `:`."""
        if not label:
            self._unnamed.append(line)
            for take in self._waiting.pop(f":{len(self._unnamed)}", []):
                take(":", line)
            return ":"
        self._seen[label] = line
        for take in self._waiting.pop(label, []):
            take(label, line)
        return label

    def follow(self, text: str, take: Callable[[str, int], None]) -> None:
        """Find the label without a name that an operand is, if it is one; `take` is given how the label is called and
        its line, now or when it is met."""
        match = _ANONYMOUS.fullmatch(text)
        if match is None or (text[0] == ":") != (self.dialect == "ca65"):
            return
        mark = match[1]
        if self.dialect == "ca65":
            self._count(mark, take)
        elif mark[0] != "-":
            self._waiting.setdefault(mark, []).append(take)
        elif self._seen.get(mark):
            take(mark, self._seen[mark])

    def _count(self, mark: str, take: Callable[[str, int], None]) -> None:
        """Find ca65's `:-` and `:++` by counting."""
        if mark[0] in "-<":
            if len(mark) <= len(self._unnamed):
                take(":", self._unnamed[-len(mark)])
        else:
            self._waiting.setdefault(f":{len(self._unnamed) + len(mark)}", []).append(take)
