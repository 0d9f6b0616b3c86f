"""A small source tree, indexed, and what the index says of it as plain rows."""

from pathlib import Path

from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.types import Line, contents

Wanted = list[tuple[str, str, str, int]]
"""Owner, kind, target, line."""
Symbols = list[tuple[str, str, int, int, int]]
"""Name, kind, first and last line, address."""


class Program:
    """A program of one file or more, indexed: each keyword is a file, `__` in it the dot."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.index = CodeIndex(folder / "code.db")
        sources = [contents(name.replace("__", "."), text.encode()) for name, text in files.items()]
        self.report = self.index.update("it", sources)

    def uses(self) -> Wanted:
        return [(use.owner, use.kind, use.target, use.line) for use in self.index.accesses("it")]

    def symbols(self) -> Symbols:
        return [(it.name, it.kind, it.first, it.last, it.address) for it in self.index.symbols("it")]

    def lines(self, name: str) -> tuple[Line, ...]:
        (body,) = self.index.bodies("it", name=name)
        return body.lines
