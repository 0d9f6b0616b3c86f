"""How the files of a codebase stand in each other: which file an include means, and which address each part gets."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.code_graph.parsed import AFTER, BEGIN, FIXED, SIZED, Anchor, Include, Place, Sized
from knowledge.code_graph.types import Problem

__all__ = ["Paths", "Placed", "SourceShape", "normal"]

_DEEPEST = 200


def normal(path: str) -> str:
    """Return a path with `/`, without `.` and `..` as far as they can be taken out, and never an absolute one."""
    return posixpath.normpath(path.replace("\\", "/").strip()).lstrip("/") if path.strip() else ""


class Paths:
    """The paths of a codebase, found by how includes spell them."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._exact = {path.lower(): path for path in paths}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            self._by_name.setdefault(posixpath.basename(path).lower(), []).append(path)

    def find(self, written: str, *, beside: str) -> str:
        """Return the file that an include in the file `beside` means: next to it, from the root, or the only one whose
        path ends so; empty when there is none."""
        plain = normal(written)
        folder = posixpath.dirname(beside)
        for path in (normal(posixpath.join(folder, plain)), plain):
            found = self._exact.get(path.lower())
            if found:
                return found
        wanted = "/" + plain.lower().lstrip("./")
        ending = [
            path for path in self._by_name.get(posixpath.basename(wanted), []) if f"/{path.lower()}".endswith(wanted)
        ]
        return ending[0] if len(ending) == 1 else ""


class SourceShape(NamedTuple):
    """What matters of a file here."""

    path: str
    anchors: Sequence[Anchor]
    end: Place
    includes: Sequence[Include]
    sized: Sequence[Sized] = ()


@dataclass
class Placed:
    """The address of each anchor of each file."""

    shapes: Mapping[str, SourceShape]
    paths: Paths
    size_of: Callable[[str, str], int]
    """Gives the bytes that an expression is written with in a scope, 0 when that is not known."""
    anchors: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Path to the SNES addresses of its anchors, -1 for one that is not known."""
    problems: list[Problem] = field(default_factory=list[Problem])
    found: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    """(path, number of the include) to the path that it means."""
    _open: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        """Follow the includes from the files that none includes, then from the rest."""
        included: set[str] = set()
        for path, shape in self.shapes.items():
            for number, include in enumerate(shape.includes):
                target = self.paths.find(include.path, beside=path)
                if target:
                    self.found[path, number] = target
                    included.add(target)
                elif not include.binary:
                    self.problems.append(Problem(path, include.line, f"no file {include.path[:100]!r} to include"))
        for path in sorted(self.shapes, key=lambda path: (path in included, path)):
            if path not in self.anchors:
                self._place(path, -1, 0)

    def address(self, path: str, place: Place) -> int:
        """Return the SNES address of a place, -1 when it is not known."""
        known = self.anchors.get(path, ())
        start = known[place.anchor] if 0 <= place.anchor < len(known) else -1
        return start + place.offset if start >= 0 and start + place.offset < 1 << 24 else -1

    def _place(self, path: str, start: int, depth: int) -> int:
        """Place a file that begins at an address, and return the address behind it; -1 for what is not known."""
        shape, known = self.shapes[path], list[int]()
        self._open.add(path)
        self.anchors[path] = known
        for kind, value in shape.anchors:
            if kind == BEGIN:
                known.append(start)
            elif kind == FIXED:
                known.append(value)
            elif kind == AFTER and value < len(shape.includes):
                known.append(self._behind(path, value, depth))
            elif kind == SIZED and value < len(shape.sized):
                known.append(self._behind_code(path, shape.sized[value]))
            else:
                known.append(-1)
        self._open.discard(path)
        return self.address(path, shape.end)

    def _behind_code(self, path: str, code: Sized) -> int:
        start, size = self.address(path, Place(code.anchor, code.offset)), self.size_of(code.text, code.scope)
        return start + 1 + size if start >= 0 and size else -1

    def _behind(self, path: str, number: int, depth: int) -> int:
        include = self.shapes[path].includes[number]
        target = self.found.get((path, number), "")
        if target in self._open:
            self.problems.append(Problem(path, include.line, f"{target} includes itself by way of this include"))
            return -1
        if not target or target in self.anchors:
            return -1
        if depth >= _DEEPEST:
            self.problems.append(Problem(path, include.line, f"includes lie more than {_DEEPEST} deep"))
            return -1
        return self._place(target, self.address(path, include.place), depth + 1)
