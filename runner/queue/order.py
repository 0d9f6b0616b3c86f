"""Whose turn it is: classes with ageing, limits for each model, and who has to make room.

A job's turn is fixed when it arrives: its time of arrival, plus `age` seconds for each class below the first. So a
job is overtaken only by what arrives less than that after it, and whatever comes, comes to its turn.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from runner.queue.job import PRIORITIES, Job

__all__ = ["AGE_SECONDS", "Moves", "Slots", "Turn", "in_turn", "moves", "turn"]

AGE_SECONDS = 600.0
"""A job that has waited so long goes before a new one of the class above."""


class Turn(NamedTuple):
    """The place of a job in the order; the smaller one goes first."""

    when: float
    number: int


@dataclass(frozen=True, kw_only=True)
class Slots:
    """How many jobs may run at once."""

    total: int = 1
    each: int = 1
    """Of one model, unless `models` says otherwise."""
    models: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, model: str) -> int:
        """Return how many jobs of a model may run at once."""
        return self.models.get(model, self.each)


class Moves(NamedTuple):
    """What to do now, by ids."""

    start: tuple[str, ...]
    """Begin these, or let them go on."""
    give_way: tuple[str, ...]
    """Have these pause before their next step."""


def turn(job: Job, age: float = AGE_SECONDS) -> Turn:
    """Return a job's place in the order."""
    return Turn(job.submitted + age * PRIORITIES.index(job.priority), job.number)


def in_turn(jobs: Iterable[Job], age: float = AGE_SECONDS) -> list[Job]:
    """Return the jobs in the order of their turns."""
    return sorted(jobs, key=lambda job: turn(job, age))


def moves(
    ready: Iterable[Job],
    running: Sequence[Job],
    slots: Slots,
    *,
    yielding: Collection[str] = (),
    age: float = AGE_SECONDS,
    held: Callable[[Job], str] = lambda job: "",
) -> Moves:
    """Return what to start of `ready` (waiting or paused), and which of `running` has to make room.

    `yielding` are those of `running` that were asked already, `held` says why a job may not run now. A job makes room
    only for one of a higher class whose turn is before its own.
    """
    busy = list(running)
    leaving = set(yielding)
    start: list[str] = []
    give_way: list[str] = []
    for job in in_turn(ready, age):
        if held(job):
            continue
        if _fits(job, busy, slots):
            start.append(job.id)
            busy.append(job)
            continue
        free = next((other for other in busy if other.id in leaving and _makes_room(other, job, busy, slots)), None)
        victim = free or _victim(job, [other for other in busy if other.id not in {*leaving, *start}], busy, slots, age)
        if victim is None:
            continue
        busy[busy.index(victim)] = job  # the room is his as soon as it is free; nobody else has to leave for him
        if free is None:
            give_way.append(victim.id)
    return Moves(tuple(start), tuple(give_way))


def _fits(job: Job, busy: Sequence[Job], slots: Slots) -> bool:
    same = sum(other.model == job.model for other in busy)
    return len(busy) < slots.total and same < slots.of(job.model)


def _makes_room(other: Job, job: Job, busy: Sequence[Job], slots: Slots) -> bool:
    return _fits(job, [item for item in busy if item is not other], slots)


def _victim(job: Job, asked: Sequence[Job], busy: Sequence[Job], slots: Slots, age: float) -> Job | None:
    rank = PRIORITIES.index(job.priority)
    lower = [
        other
        for other in asked
        if PRIORITIES.index(other.priority) > rank and turn(other, age) > turn(job, age)
        if _makes_room(other, job, busy, slots)
    ]
    return max(lower, key=lambda other: turn(other, age), default=None)
