"""Where control goes between the lines of a program."""

from dataclasses import dataclass

from knowledge.m65816.optimize.layout import Code
from knowledge.m65816.optimize.line import Line

__all__ = ["Graph", "graph_of"]


_ROUNDS, _CLOSE = 200, 0.01


@dataclass(frozen=True)
class Graph:
    """The lines by index, and the ways between them."""

    lines: tuple[Line, ...]
    index: dict[int, int]
    """Index by key."""
    successors: tuple[tuple[int, ...], ...]
    """Within one routine: the line behind a call follows the call."""
    predecessors: tuple[tuple[int, ...], ...]
    following: tuple[int | None, ...]
    """The line right behind each line in the program; None where something else, or nothing, lies there."""
    returns: tuple[tuple[int, ...], ...]
    """For a return: the lines behind the calls that it may go back to."""
    exits: frozenset[int]
    """Returns that may leave the program."""
    bodies: dict[int, frozenset[int]]
    """Lines of each routine that is called, by the index of its first."""
    entry: int
    weights: tuple[float, ...]
    """How often each line runs, as a guess from the branches alone."""

    @property
    def leaders(self) -> frozenset[int]:
        """Lines that are not only reached from the line before."""
        found = {self.entry}
        for number, sources in enumerate(self.predecessors):
            before = self.lines[number - 1] if number else None
            straight = sources == (number - 1,) and before is not None and before.opcode.access != "call"
            if not straight or self.following[number - 1] != number:
                found.add(number)
        return frozenset(found)

    def adjoin(self, first: int, last: int) -> bool:
        """Whether the lines from `first` to `last`, which exists, lie one behind the other."""
        return last < len(self.lines) and all(self.following[at] == at + 1 for at in range(first, last))


def _next(code: Code) -> dict[int, int | None]:
    following: dict[int, int | None] = {}
    first = 0
    for run in code.runs:
        for number in range(len(run.lines)):
            following[first + number] = first + number + 1 if number + 1 < len(run.lines) else None
        first += len(run.lines)
    return following


def _ways(lines: list[Line], index: dict[int, int], following: dict[int, int | None]) -> list[tuple[int, ...]]:
    ways: list[tuple[int, ...]] = []
    for number, line in enumerate(lines):
        found: list[int] = []
        behind = following[number]
        if not line.ends and behind is not None:
            found.append(behind)
        if line.aim is not None and line.opcode.access != "call" and index[line.aim] not in found:
            found.append(index[line.aim])
        ways.append(tuple(found))
    return ways


def _reach(start: int, ways: list[tuple[int, ...]]) -> frozenset[int]:
    seen, left = {start}, [start]
    while left:
        for number in ways[left.pop()]:
            if number not in seen:
                seen.add(number)
                left.append(number)
    return frozenset(seen)


def _shares(number: int, targets: tuple[int, ...], loops: list[tuple[int, int]]) -> dict[int, float]:
    """Return how often each way is taken: a loop is left once in eight times, other branches go either way."""
    if len(targets) == 2:
        around = [loop for loop in loops if loop[0] <= number <= loop[1]]
        stays = [sum(first <= target <= last for first, last in around) for target in targets]
        if stays[0] != stays[1]:
            return {target: 0.875 if stay == max(stays) else 0.125 for target, stay in zip(targets, stays, strict=True)}
    return {target: 1.0 / len(targets) for target in targets}


def _frequencies(
    lines: list[Line], ways: list[tuple[int, ...]], index: dict[int, int], entry: int
) -> tuple[float, ...]:
    """Return how often each line runs in one call: a loop goes round about 8 times, other branches go either way."""
    often = [0.0] * len(lines)
    loops = [(target, number) for number, targets in enumerate(ways) for target in targets if target <= number]
    shares = [_shares(number, targets, loops) for number, targets in enumerate(ways)]
    for _ in range(_ROUNDS):
        new = [0.0] * len(lines)
        new[entry] = 1.0
        for number, targets in enumerate(ways):
            for target in targets:
                new[target] += often[number] * shares[number][target]
            aim = lines[number].aim
            if lines[number].opcode.access == "call" and aim is not None:
                new[index[aim]] += often[number]
        if max(abs(one - two) for one, two in zip(often, new, strict=True)) < _CLOSE:
            return tuple(new)
        often = new
    return tuple(often)


def graph_of(code: Code) -> Graph:
    """Return the ways between the lines of a program."""
    lines = code.lines
    index = {line.key: number for number, line in enumerate(lines)}
    following = _next(code)
    ways = _ways(lines, index, following)
    sources: list[list[int]] = [[] for _ in lines]
    for number, targets in enumerate(ways):
        for target in targets:
            sources[target].append(number)
    calls = [
        (number, index[line.aim])
        for number, line in enumerate(lines)
        if line.opcode.access == "call" and line.aim is not None
    ]
    bodies = {target: _reach(target, ways) for _, target in calls}
    main = _reach(index[code.entry], ways)
    back: list[set[int]] = [set() for _ in lines]
    for number, target in calls:
        behind = following[number]
        for inside in bodies[target]:
            if lines[inside].opcode.access == "return" and behind is not None:
                back[inside].add(behind)
    exits = frozenset(number for number in main if lines[number].opcode.access == "return")
    return Graph(
        lines=tuple(lines),
        index=index,
        successors=tuple(ways),
        predecessors=tuple(tuple(found) for found in sources),
        following=tuple(following[number] for number in range(len(lines))),
        returns=tuple(tuple(sorted(found)) for found in back),
        exits=exits,
        bodies=bodies,
        entry=index[code.entry],
        weights=_frequencies(lines, ways, index, index[code.entry]),
    )
