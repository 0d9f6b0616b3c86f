"""The search: rewrites taken one after another, the one that gains most first, until none is left."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from knowledge.m65816.optimize.carries import carry_edits
from knowledge.m65816.optimize.control import control_edits
from knowledge.m65816.optimize.cost import clocks_of
from knowledge.m65816.optimize.enumerate import enumerated_edits
from knowledge.m65816.optimize.facts import states
from knowledge.m65816.optimize.gather import gathering_edits
from knowledge.m65816.optimize.graph import graph_of
from knowledge.m65816.optimize.layout import Code
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.liveness import liveness
from knowledge.m65816.optimize.local import Edit, View, local_edits
from knowledge.m65816.optimize.loops import loop_edits
from knowledge.m65816.optimize.reorder import moving_edits
from knowledge.m65816.optimize.saves import saving_edits
from knowledge.m65816.optimize.terms import Terms
from knowledge.m65816.optimize.turns import turning_edits
from knowledge.m65816.optimize.widen import widening_edits
from knowledge.m65816.optimize.wider_loops import wider_loop_edits
from schemas.contract import Contract

__all__ = ["Aim", "Change", "Goal", "improve", "view_of"]

Goal = Literal["clocks", "bytes"]
_CLEANING = frozenset(("unreachable", "jump_to_next", "jump_to_jump"))


class Aim(NamedTuple):
    """What a search is for, and where it stops."""

    contract: Contract
    goal: Goal
    room: int
    """Bytes that the code may take."""
    candidates: int
    """Rewrites that are looked at, at most."""
    banned: frozenset[tuple[str, tuple[int, ...]]] = frozenset()
    """Rewrites to leave out: rule and keys of the lines that it replaced."""
    progress: Callable[[int], None] | None = None
    """Told how many rewrites were looked at; it may raise to end the search."""


class Change(NamedTuple):
    """One rewrite that was taken."""

    edit: Edit
    gone: tuple[Line, ...]
    code: Code
    """The whole program behind it."""

    @property
    def name(self) -> tuple[str, tuple[int, ...]]:
        """What `Aim.banned` names it by."""
        return self.edit.rule, tuple(line.key for line in self.gone)


class _Score(NamedTuple):
    first: float
    second: float


def view_of(code: Code, contract: Contract) -> View:
    """Return a program with all that is known about it."""
    graph = graph_of(code)
    facts = states(graph, Terms(), contract)
    found = liveness(graph, facts, contract)
    return View(graph, facts, found.after, found.before, contract.clobbers)


def _score(code: Code, goal: Goal) -> _Score:
    graph = graph_of(code)
    clocks = sum(often * clocks_of(line) for often, line in zip(graph.weights, graph.lines, strict=True))
    size = sum(line.size for line in graph.lines)
    return _Score(round(clocks, 3), size) if goal == "clocks" else _Score(size, round(clocks, 3))


def _proposals(view: View, depth: int) -> Iterator[Edit]:
    if depth == 0:
        yield from control_edits(view)
        yield from local_edits(view, edits=1)
    elif depth == 1:
        yield from turning_edits(view)
        yield from loop_edits(view)
        yield from saving_edits(view)
        yield from carry_edits(view)
        yield from gathering_edits(view)
        yield from wider_loop_edits(view)
        yield from widening_edits(view)
        yield from moving_edits(view)
        yield from local_edits(view, edits=3)
    else:
        yield from enumerated_edits(view)


_DEPTHS = 3


class _Search:
    def __init__(self, code: Code, aim: Aim) -> None:
        self.aim, self.code, self.looked = aim, code, 0
        self.changes: list[Change] = []

    def run(self) -> list[Change]:
        depth = 0
        while depth < _DEPTHS and self.looked < self.aim.candidates:
            found = self._best(depth)
            if found is None:
                depth += 1
            else:
                self.changes.append(found)
                self.code, depth = found.code, 0
        return self.changes

    def _best(self, depth: int) -> Change | None:
        view = view_of(self.code, self.aim.contract)
        best, now = None, _score(self.code, self.aim.goal)
        for edit in _proposals(view, depth):
            self.looked += 1
            if self.aim.progress is not None:
                self.aim.progress(self.looked)
            change = self._change(self.code, edit)
            if change is None or change.name in self.aim.banned:
                continue
            cleaned = self._cleaned(change.code)
            score = _score(cleaned, self.aim.goal)
            if self.aim.goal == "clocks":
                score = score._replace(first=score.first - edit.gain)
            fits = cleaned.size <= self.aim.room
            if fits and (score < now or (edit.rule in _CLEANING and score <= now)):
                best, now = change._replace(code=cleaned), score
            if self.looked >= self.aim.candidates:
                break
        return best

    def _change(self, code: Code, edit: Edit) -> Change | None:
        new = code.edited(edit.start, edit.end, edit.lines)
        return None if new is None else Change(edit, tuple(code.lines[edit.start : edit.end]), new)

    def _cleaned(self, code: Code) -> Code:
        """Leave out what nothing reaches any more, and jumps to the next line."""
        for _ in range(len(code.lines)):
            graph = graph_of(code)
            reached = _reached(graph.successors, graph.entry, set())
            for target in graph.bodies:
                if any(graph.lines[at].aim == graph.lines[target].key for at in reached):
                    _reached(graph.successors, target, reached)
            gone = next((number for number in range(len(graph.lines)) if number not in reached), None)
            if gone is None:
                gone = next(
                    (n for n, line in enumerate(graph.lines) if _to_next(line, graph.following[n], graph.index)), None
                )
            new = None if gone is None else code.edited(gone, gone + 1, ())
            if new is None:
                return code
            code = new
        return code


def _to_next(line: Line, behind: int | None, index: dict[int, int]) -> bool:
    return line.aim is not None and line.opcode.access in ("branch", "jump") and index[line.aim] == behind


def _reached(ways: tuple[tuple[int, ...], ...], start: int, seen: set[int]) -> set[int]:
    left = [start]
    seen.add(start)
    while left:
        for number in ways[left.pop()]:
            if number not in seen:
                seen.add(number)
                left.append(number)
    return seen


def improve(code: Code, aim: Aim) -> list[Change]:
    """Return the rewrites that the search took, in order; the last one's code is its result."""
    return _Search(code, aim).run()
