"""The report of an evaluation: shares with their intervals, what the checks gained, and what they let through."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from benchmarks.experts.grade import Grade
from benchmarks.experts.prompt import EXPERTS, ExpertName
from benchmarks.experts.trials import ARMS, Arm, Trial
from runner.errors import ConfigError
from schemas.frozen import Frozen

__all__ = ["Graded", "Paired", "Report", "Row", "Share", "hidden", "iterations", "paired", "report_of", "share_of"]


class Share(Frozen):
    """So many of so many, with the 95% interval of Wilson; without any, from 0 to 1."""

    count: int = 0
    total: int = 0
    low: float = 0.0
    high: float = 1.0

    def __str__(self) -> str:
        """Return it as a table shows it; a dash when there is none."""
        if not self.total:
            return "-"
        return f"{self.count}/{self.total} [{self.low:.2f}, {self.high:.2f}]"


class Paired(Frozen):
    """The prompts that were tried in both arms, and McNemar's exact test of the two that differ."""

    both: int
    only_with: int
    only_without: int
    neither: int
    p: float = Field(description="of a difference this large or larger if the arms were equal; two-sided")


class Graded(NamedTuple):
    """A trial and what its answer, and each attempt at it, is worth."""

    trial: Trial
    grade: Grade
    attempts: tuple[Grade, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether tools proved or tested the answer."""
        return self.trial.verdict in ("proved", "tested")


class Row(Frozen):
    """One expert, or all of them, in one arm."""

    expert: ExpertName | Literal["all"]
    arm: Arm
    answered: Share
    assembled: Share = Field(description="of the experts who write code")
    verified: Share = Field(description="proved or tested by tools")
    right: Share
    seconds: float = Field(description="of a trial, on average")


class Report(NamedTuple):
    """All that an evaluation found."""

    rows: tuple[Row, ...]
    pairs: dict[str, Paired]
    """By expert, and `all`."""
    iterations: tuple[Share, ...]
    """The share of right answers after the first, second, ... attempt of the arm with checks."""
    hidden: tuple[Graded, ...]
    """Wrong answers that are neither refuted nor unchecked: there must be none."""
    doubted: tuple[Graded, ...]
    """Right answers that were refuted."""


def share_of(flags: Sequence[bool]) -> Share:
    """Return how many are true, with the interval."""
    if not flags:
        return Share()
    interval = _stats().binomtest(sum(flags), len(flags)).proportion_ci(method="wilson")
    return Share(count=sum(flags), total=len(flags), low=float(interval.low), high=float(interval.high))


def paired(graded: Sequence[Graded]) -> Paired:
    """Compare the arms on the prompts that have both."""
    right = {arm: {item.trial.prompt: item.grade.right for item in graded if item.trial.arm == arm} for arm in ARMS}
    shared = sorted(right["with"].keys() & right["without"].keys())
    pairs = [(right["with"][prompt], right["without"][prompt]) for prompt in shared]
    only_with, only_without = pairs.count((True, False)), pairs.count((False, True))
    differ = only_with + only_without
    p = float(_stats().binomtest(only_with, differ, 0.5).pvalue) if differ else 1.0
    neither = pairs.count((False, False))
    return Paired(both=pairs.count((True, True)), only_with=only_with, only_without=only_without, neither=neither, p=p)


def iterations(graded: Sequence[Graded]) -> tuple[Share, ...]:
    """Return the share of right answers by attempt, in the arm with checks.

    A trial that ended earlier stands with its last attempt, so that each share is one of all these trials.
    """
    tried = [item.attempts for item in graded if item.trial.arm == "with" and item.attempts]
    longest = max(map(len, tried), default=0)
    return tuple(share_of([grades[min(at, len(grades) - 1)].right for grades in tried]) for at in range(longest))


def hidden(graded: Sequence[Graded]) -> tuple[Graded, ...]:
    """Return the wrong answers that a reader is told to trust."""
    return tuple(item for item in graded if not item.grade.right and item.verified)


def report_of(graded: Sequence[Graded]) -> Report:
    """Return the report of trials.

    Raises:
        ConfigError: scipy is not installed.
    """
    present = {item.trial.expert for item in graded}
    chosen: list[ExpertName | Literal["all"]] = [*(expert for expert in EXPERTS if expert in present), "all"]
    parts: dict[ExpertName | Literal["all"], list[Graded]]
    parts = {expert: [item for item in graded if expert in ("all", item.trial.expert)] for expert in chosen}
    rows = [_row(part, expert, arm) for expert, part in parts.items() for arm in ARMS]
    pairs: dict[str, Paired] = {expert: paired(part) for expert, part in parts.items()}
    doubted = tuple(item for item in graded if item.grade.right and item.trial.verdict == "refuted")
    return Report(tuple(rows), pairs, iterations(graded), hidden(graded), doubted)


def _row(graded: Sequence[Graded], expert: ExpertName | Literal["all"], arm: Arm) -> Row:
    found = [item for item in graded if item.trial.arm == arm]
    coders = [item for item in found if item.trial.expert != "veran"]

    def share(of: Callable[[Graded], bool], items: Sequence[Graded] = found) -> Share:
        return share_of([of(item) for item in items])

    return Row(
        expert=expert,
        arm=arm,
        answered=share(lambda item: item.trial.stop == "answer"),
        assembled=share(lambda item: item.grade.assembled, coders),
        verified=share(lambda item: item.verified),
        right=share(lambda item: item.grade.right),
        seconds=round(sum(item.trial.seconds for item in found) / max(1, len(found)), 1),
    )


def _stats() -> Any:
    try:
        return importlib.import_module("scipy.stats")
    except ImportError as error:
        raise ConfigError("the report needs scipy; run `make setup`, which installs it") from error
