"""Shortest and longest ways through a graph of costs."""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from knowledge.m65816.cycles_instruction import Cost

__all__ = ["Bounds", "Place", "bounds", "circles"]


@dataclass(slots=True)
class Place:
    """A point where ways part or meet; the first of a graph is its entry."""

    edges: list[tuple[int, Cost]] = field(default_factory=list[tuple[int, Cost]])
    """Number of the next place, and the cost up to there."""
    leaves: list[Cost] = field(default_factory=list[Cost])
    """Costs from here up to where control leaves."""


class Bounds(NamedTuple):
    """Least and most of a routine; None: no bound."""

    cycles: tuple[int, int | None]
    slow: tuple[int, int | None]
    fast: tuple[int, int | None]


def _order(places: list[Place]) -> list[int]:
    """Return the places in an order in which every way goes forward, those on or behind circles left out."""
    entering = [0] * len(places)
    for place in places:
        for target, _ in place.edges:
            entering[target] += 1
    ready = [number for number, count in enumerate(entering) if not count]
    order: list[int] = []
    while ready:
        number = ready.pop()
        order.append(number)
        for target, _ in places[number].edges:
            entering[target] -= 1
            if not entering[target]:
                ready.append(target)
    return order


def circles(places: list[Place]) -> set[int]:
    """Return the places on ways that come back to where they were (and those between two such ways)."""
    left = set(range(len(places))) - set(_order(places))
    before: dict[int, list[int]] = {number: [] for number in left}
    leaving = dict.fromkeys(left, 0)
    for number in left:
        for target, _ in places[number].edges:
            before[target].append(number)
            leaving[number] += 1
    done = [number for number, count in leaving.items() if not count]
    while done:
        number = done.pop()
        left.discard(number)
        for source in before[number]:
            leaving[source] -= 1
            if not leaving[source]:
                done.append(source)
    return left


def bounds(places: list[Place], *, endless: bool) -> Bounds:
    """Return the shortest and the longest way from the first place out; no longest one where it is endless.

    Without any way out the least is 0.
    """
    order = [] if endless else _order(places)

    def span(metric: int) -> tuple[int, int | None]:
        return _least(places, metric), None if endless else _most(places, order, metric + 1)

    return Bounds(span(0), span(2), span(4))


def _number(cost: Cost, metric: int) -> int:
    return (cost.cycles, cost.most_cycles, cost.slow, cost.most_slow, cost.fast, cost.most_fast)[metric]


def _least(places: list[Place], metric: int) -> int:
    """Return the cost of the cheapest way out (Dijkstra)."""
    best = {0: 0}
    queue = [(0, 0)]
    out: int | None = None
    while queue:
        total, number = heappop(queue)
        if out is not None and total >= out:
            break
        if total > best[number]:
            continue
        for leaf in places[number].leaves:
            cost = total + _number(leaf, metric)
            out = cost if out is None or cost < out else out
        for target, step in places[number].edges:
            cost = total + _number(step, metric)
            if target not in best or cost < best[target]:
                best[target] = cost
                heappush(queue, (cost, target))
    return out or 0


def _most(places: list[Place], order: list[int], metric: int) -> int:
    """Return the cost of the dearest way out; `order` goes forward along every way."""
    worst = [0] * len(places)
    out = 0
    for number in order:
        total, place = worst[number], places[number]
        for leaf in place.leaves:
            out = max(out, total + _number(leaf, metric))
        for target, step in place.edges:
            worst[target] = max(worst[target], total + _number(step, metric))
    return out
