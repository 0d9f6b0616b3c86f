"""What the kept runs say of experts and models: time, cost, tokens, the local share, fallbacks; and six aims.

A figure that no run can give is `None` and shown as "not measured yet" with what would measure it.
"""

import datetime
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import Field

from runner.errors import ConfigError
from runner.feedback import tally
from runner.recorder import Recorder
from schemas.frozen import Frozen
from schemas.rating import Rating
from schemas.run import CallRecord, Run

__all__ = ["Aim", "Group", "Report", "newest", "report"]

LOCAL = frozenset(["embedded", "ollama"])
"""Providers whose models run on this machine, where the run does not say it."""
STAND_INS = frozenset(["scripted"])
"""Providers that are no models; their runs are left out."""


class Group(Frozen):
    """Runs that have something in common."""

    name: str
    runs: int
    answered: int = Field(description="runs that ended with an answer")
    median_seconds: float
    slow_seconds: float = Field(description="nine of ten runs took less")
    prompt_tokens: int
    answer_tokens: int
    cost: float = Field(description="US dollars")
    local: int = Field(description="runs on a model of this machine")
    fallbacks: int = Field(description="runs that a second choice answered")
    good: int = Field(default=0, description="runs whose last rating is +1")
    bad: int = Field(default=0, description="runs whose last rating is -1")


class Aim(Frozen):
    """One of the six figures that say whether the experts serve."""

    name: str
    start: str = Field(description="where it stood before")
    goal: str
    value: float | None = Field(
        default=None, description="a share in [0, 1], or samples a week; none: not measured yet"
    )
    of: int = Field(default=0, description="over how many runs")
    how: str = Field(description="how it is measured, or what would measure it")


class Report(Frozen):
    """All of it."""

    total: Group
    experts: tuple[Group, ...]
    models: tuple[Group, ...]
    aims: tuple[Aim, ...]
    damaged: int = Field(default=0, description="kept runs that cannot be read")


def newest(recorder: Recorder, *, limit: int, days: float = 0.0) -> tuple[tuple[Run, ...], int]:
    """Return the newest runs, and how many of those looked at cannot be read; `days` 0 is any age."""
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days) if days else None
    found: list[Run] = []
    damaged = 0
    for run_id in list(reversed(recorder.ids()))[:limit]:
        if since and run_id < since.strftime("%Y%m%dT%H%M%SZ"):
            break
        try:
            found.append(recorder.load(run_id))
        except ConfigError:
            damaged += 1
    return tuple(found), damaged


def report(runs: Sequence[Run], *, damaged: int = 0, ratings: Mapping[str, Rating] | None = None) -> Report:
    """Count the runs, and their ratings by run; those of a scripted model are left out."""
    counted = [run for run in runs if _provider(run) not in STAND_INS]
    rated = ratings or {}
    return Report(
        total=_group("all", counted, rated),
        experts=_groups(counted, rated, lambda run: run.expert or "default"),
        models=_groups(counted, rated, lambda run: run.model),
        aims=_aims(counted),
        damaged=damaged,
    )


def _provider(run: Run) -> str:
    return run.model.partition(":")[0]


def _is_local(run: Run) -> bool:
    told = _route(run).get("where")
    return told == "local" if told in ("local", "cloud") else _provider(run) in LOCAL


def _route(run: Run) -> Mapping[str, Any]:
    told = run.metadata.get("route")
    return cast("Mapping[str, Any]", told) if isinstance(told, dict) else {}


def _groups(runs: Sequence[Run], rated: Mapping[str, Rating], key: Callable[[Run], str]) -> tuple[Group, ...]:
    names = sorted({key(run) for run in runs})
    groups = [_group(name, [run for run in runs if key(run) == name], rated) for name in names]
    return tuple(sorted(groups, key=lambda group: (-group.runs, group.name)))


def _group(name: str, runs: Sequence[Run], rated: Mapping[str, Rating]) -> Group:
    counted = tally(rated, [run.id for run in runs])
    seconds = sorted(run.seconds for run in runs) or [0.0]
    return Group(
        name=name,
        runs=len(runs),
        answered=sum(run.stop == "answer" for run in runs),
        median_seconds=round(statistics.median(seconds), 3),
        slow_seconds=round(seconds[min(len(seconds) - 1, (len(seconds) * 9) // 10)], 3),
        prompt_tokens=sum(run.usage.prompt_tokens for run in runs),
        answer_tokens=sum(run.usage.answer_tokens for run in runs),
        cost=round(sum(run.usage.cost for run in runs), 6),
        local=sum(_is_local(run) for run in runs),
        fallbacks=sum(bool(run.metadata.get("fallback")) for run in runs),
        good=counted.good,
        bad=counted.bad,
    )


def _aims(runs: Sequence[Run]) -> tuple[Aim, ...]:
    compiled = [float(told) for run in _of("nayru", runs) if (told := _assembled(run)) is not None]
    saved = [share for run in _of("din", runs) if (share := _saved(run)) is not None]
    local = [float(_is_local(run)) for run in runs]
    named: tuple[tuple[str, tuple[str, str], list[float], str], ...] = (
        (
            "nayru: code that assembles",
            ("70%", "90%"),
            compiled,
            "runs of nayru whose last call of assemble was accepted",
        ),
        (
            "din: clocks saved",
            ("10%", "20%"),
            saved,
            "mean of what optimize_code saved, with a verdict, in runs of din",
        ),
        ("farore: bugs found", ("40%", "70%"), [], "needs prompts with known bugs: make eval-experts"),
        ("veran: right answers", ("30%", "70%"), [], "needs questions with known answers: make eval-experts"),
        ("training samples a week", ("0", "100"), [], "needs the pools of the training server"),
        ("local share", ("5%", "50%"), local, "runs on a model of this machine"),
    )
    return tuple(
        Aim(
            name=name,
            start=start,
            goal=goal,
            value=statistics.mean(values) if values else None,
            of=len(values),
            how=how,
        )
        for name, (start, goal), values, how in named
    )


def _of(expert: str, runs: Iterable[Run]) -> Iterator[Run]:
    return (run for run in runs if run.expert == expert)


def _calls(run: Run, tool: str) -> list[CallRecord]:
    return [call for step in run.steps for call in step.calls if call.call.name == tool]


def _structured(call: CallRecord) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", call.structured) if isinstance(call.structured, dict) else {}


def _assembled(run: Run) -> bool | None:
    calls = _calls(run, "assemble")
    return bool(calls[-1].ok and _structured(calls[-1]).get("ok")) if calls else None


def _saved(run: Run) -> float | None:
    """Return the share of clocks that the run's best accepted version saved; none when none was measured."""
    found: list[float] = []
    for call in _calls(run, "optimize_code"):
        best = _structured(call).get("best")
        told = cast("Mapping[str, Any]", best).get("saved_percent") if isinstance(best, dict) else None
        if call.ok and isinstance(told, int | float):
            found.append(min(1.0, max(0.0, told / 100)))
    return max(found) if found else None
