"""`optimize`: the cheapest program that a comparison accepts in place of another one, with the reasons.

Rewrites come from rules and bounded enumeration over symbolic values; none counts before `compare` has run it against
the original under the contract, and the final program is compared as a whole again with seeds of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.m65816.contracts import check_contract
from knowledge.m65816.equivalence import compare
from knowledge.m65816.optimize.improve import Aim, Change, Goal, improve
from knowledge.m65816.optimize.layout import Code, put_together, take_apart
from knowledge.m65816.optimize.measure import Measure, inputs, measure
from knowledge.m65816.optimize.reasons import Rewrite, rewrite
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Program
from knowledge.m65816.vectors import Case
from schemas.contract import Contract, Verdict

__all__ = ["Candidate", "Optimized", "optimize"]

_LARGEST = 400
"""Instructions that are optimised at once."""
_STALLED, _FEW = 12, 1
"""Master clocks a CPU cycle, above which DMA makes up most of a run; seeds that such code is compared with."""
_GROWTH, _SLACK = 8, 0.03
"""Bytes that code may become longer when nothing is said, and the share that it has to save without them."""
_TRIES = 12
"""Times that the search starts again without a rewrite that was refuted."""


@dataclass(frozen=True)
class Candidate:
    """A program that was accepted in place of the original."""

    program: Program
    verdict: Verdict
    """Of the whole program against the original; never `refuted`."""
    measure: Measure
    rewrites: tuple[Rewrite, ...]
    """In the order in which they were made."""
    saving: float
    """Share of the original's master clocks that it saves, -1 to 1."""


@dataclass(frozen=True)
class Optimized:
    """What the search came to."""

    original: Measure
    best: Candidate | None
    """None: nothing better was accepted."""
    alternatives: tuple[Candidate, ...]
    """Others that were accepted, the best first: master clocks, then bytes."""
    looked: int
    """Rewrites that were looked at."""
    refuted: int
    """Rewrites that the comparison refused."""
    reason: str
    """One sentence for the reader."""


class _Found:
    """One search with everything that it shares: the inputs, the counters and the original's cost."""

    def __init__(self, program: Program, contract: Contract, *, seeds: int, seed: int) -> None:
        self.program, self.contract = program, contract
        self.seeds, self.seed = seeds, seed
        self.code = take_apart(program, contract)
        self.looked = self.refuted = 0
        lines = self.code.lines
        if len(lines) > _LARGEST:
            raise CodeError(f"{len(lines)} instructions at once: give one routine of at most {_LARGEST}")
        self.interrupt = any(line.name == "RTI" for line in lines)
        self.given: list[Case] = inputs(program, contract, seed=seed)
        self.before = self.measured(program)
        if not self.before.runs:
            raise CodeError(
                f"no input lets the code end within {contract.budget} instructions: give code that returns, narrow the "
                "inputs, or raise the budget"
            )
        self.transfers = self.before.clocks > _STALLED * self.before.cycles
        """Whether most of its time is DMA, which is slow to run: then fewer inputs and one search have to do."""
        self._verdicts: dict[Program, Verdict] = {}

    def measured(self, program: Program) -> Measure:
        return measure(program, self.contract, self.given, interrupt=self.interrupt)

    def accepted(self, aim: Aim, taken: list[Change]) -> list[Change]:
        """Return the changes of a search that goes on from those taken, each of which the comparison accepts."""
        changes, wrong = taken, None
        for _ in range(_TRIES):
            changes = taken + improve(taken[-1].code if taken else self.code, aim)
            wrong = self._wrong(changes)
            if wrong is None:
                return changes
            self.refuted += 1
            aim = aim._replace(banned=aim.banned | {wrong.name})
        return changes if wrong is None else changes[: changes.index(wrong)]

    def _wrong(self, changes: list[Change]) -> Change | None:
        """Return the first change that the comparison refuses; what stands with all of them stands with each."""
        if not changes or self._stands(changes[-1]):
            return None
        return next((change for change in changes if not self._stands(change)), changes[-1])

    def _stands(self, change: Change) -> bool:
        placed = put_together(change.code)
        return placed is not None and self._tested(placed.program).result != "refuted"

    def _tested(self, program: Program) -> Verdict:
        if program not in self._verdicts:
            self._verdicts[program] = self._verdict(program, "vectors")
        return self._verdicts[program]

    def _verdict(self, program: Program, method: Literal["auto", "vectors"]) -> Verdict:
        """Compare a program with the original: on vectors alone, or in every way and with other seeds."""
        seed = self.seed + (method == "auto")
        seeds = min(self.seeds, _FEW) if self.transfers else self.seeds
        return compare(self.program, program, self.contract, seeds=seeds, seed=seed, method=method)

    def candidate(self, changes: list[Change], goal: Goal, others: Sequence[Candidate]) -> Candidate | None:
        """Return the program behind the changes as a whole, when it is better and accepted."""
        placed = put_together(changes[-1].code) if changes else None
        if placed is None:
            return None
        if any(placed.program == one.program for one in others):
            return None
        cost = self.measured(placed.program)
        if not _better(cost, self.before, goal):
            return None
        verdict = self._verdict(placed.program, "auto")
        if verdict.result == "refuted":
            self.refuted += 1
            return None
        saving = 1 - cost.clocks / self.before.clocks if self.before.clocks else 0.0
        return Candidate(placed.program, verdict, cost, self._words(changes), saving)

    def options(self, aim: Aim, *, more: int) -> list[Candidate]:
        """Return what the search comes to, with `more` bytes too, and when it goes on for the other goal."""
        options: list[Candidate] = []
        changes: list[Change] = []
        other: Goal = "bytes" if aim.goal == "clocks" else "clocks"
        for one in (aim.goal,) if self.transfers else (aim.goal, other):
            changes = self.accepted(aim._replace(goal=one), changes)
            option = self.candidate(changes, aim.goal, options)
            if option is not None:
                options.append(option)
                if one == "clocks" == aim.goal and more and option.saving >= _SLACK:
                    longer = self.accepted(aim._replace(room=aim.room + more), changes)
                    option = self.candidate(longer, aim.goal, options)
                    options += [] if option is None else [option]
        return options

    def _words(self, changes: list[Change]) -> tuple[Rewrite, ...]:
        words: list[Rewrite] = []
        code: Code = self.code
        for change in changes:
            words.append(rewrite(code, change, self.contract))
            code = change.code
        return tuple(words)


def _better(cost: Measure, before: Measure, goal: Goal) -> bool:
    if goal == "bytes":
        return (cost.size, cost.clocks) < (before.size, before.clocks)
    return (cost.clocks, cost.size) < (before.clocks, before.size)


def _order(goal: Goal) -> Callable[[Candidate], tuple[float, float]]:
    if goal == "bytes":
        return lambda one: (one.measure.size, one.measure.clocks)
    return lambda one: (one.measure.clocks, one.measure.size)


def optimize(
    program: Program,
    contract: Contract,
    *,
    goal: Goal = "clocks",
    seeds: int = 16,
    seed: int = 0,
    growth: int | None = None,
    candidates: int = 20_000,
    on_progress: Callable[[int], None] | None = None,
) -> Optimized:
    """Return the best program that `compare` accepts for the original under the contract, and others ranked.

    `growth`: bytes that the code may become longer; None: none, but up to 8 for a goal of clocks where the code has
    slack without them (0 for code that has to fit its place). `candidates`: rewrites that are looked at, at most.
    `on_progress` is told how many were; what it raises ends the search. Equal arguments give equal results.
    The program is entered at its start alone: its other routines may move or be taken in where they are called.
    Raises CodeError for a contract that makes no sense and for a program that cannot be taken apart: code decoded in
    two ways, jumps through tables into itself, unknown widths.
    """
    check_contract(contract)
    found = _Found(program, contract, seeds=seeds, seed=seed)

    def progress(looked: int) -> None:
        found.looked += 1
        if on_progress is not None:
            on_progress(found.looked)

    aim = Aim(contract, goal, found.code.size + max(0, growth or 0), candidates, progress=progress)
    ranked = sorted(found.options(aim, more=_GROWTH if growth is None else 0), key=_order(goal))
    best = ranked[0] if ranked else None
    return Optimized(found.before, best, tuple(ranked[1:]), found.looked, found.refuted, _reason(ranked, found))


def _reason(ranked: list[Candidate], found: _Found) -> str:
    if not ranked:
        if found.refuted:
            return f"No change: {found.refuted} rewrites looked cheaper and the comparison refuted them."
        return f"No change: none of {found.looked} rewrites that do the same is cheaper."
    best, before = ranked[0], found.before
    clocks = f"{before.clocks:.0f} -> {best.measure.clocks:.0f} master clocks ({best.saving:.0%} less)"
    return (
        f"{clocks}, {before.size} -> {best.measure.size} bytes; {best.verdict.result} on {best.verdict.cases} inputs."
    )
