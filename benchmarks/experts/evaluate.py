"""The evaluation of the experts: 48 prompts, each without and with our checks and the critic loop, graded by running.

`python -m benchmarks.experts.evaluate` (or `make eval-experts`) goes on where it was stopped and prints the report;
`--report` only prints it. It exits 1 when a wrong answer is told to be proved or tested, or when all is done and the
checks gained nothing. On two cores and the embedded model all of it takes hours.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import click
from rich.console import Console
from rich.table import Table

from benchmarks.experts.arms import Bench
from benchmarks.experts.grade import Grade, grade
from benchmarks.experts.prompt import Prompt, load_prompts
from benchmarks.experts.report import Graded, Report, report_of
from benchmarks.experts.trials import ARMS, Arm, Trials
from runner.errors import RunnerError
from runner.experts import DEFAULT, load_experts
from runner.models.open import open_model
from servers.machine.errors import ServerError
from servers.settings import Settings

__all__ = ["Work", "graded", "main", "pending", "run_pending", "show"]


class Work(NamedTuple):
    """A prompt in an arm."""

    prompt: Prompt
    arm: Arm


def pending(prompts: Iterable[Prompt], trials: Trials, *, arms: Sequence[Arm] = ARMS) -> list[Work]:
    """Return what has not been tried yet, both arms of a prompt beside each other."""
    return [Work(prompt, arm) for prompt in prompts for arm in arms if trials.of(prompt, arm) is None]


async def run_pending(bench: Bench, work: Sequence[Work], trials: Trials) -> None:
    """Try each, keep it at once, and tell it on standard error.

    Raises:
        RunnerError: the servers are not there.
        ServerError: the trials cannot be kept.
    """
    for number, (prompt, arm) in enumerate(work, 1):
        trial = await bench.trial(prompt, arm)
        trials.keep(trial)
        told = f"{trial.verdict}, {len(trial.attempts)} attempts" if arm == "with" else "no checks"
        click.echo(
            f"{number}/{len(work)} {prompt.id} {arm}: {trial.stop}, {told}, {trial.seconds:.0f} s {trial.error[:120]}",
            err=True,
        )


async def graded(prompts: Iterable[Prompt], trials: Trials, settings: Settings) -> list[Graded]:
    """Grade all trials of these prompts; a run without an answer is wrong."""
    found: list[Graded] = []
    for prompt in prompts:
        known: dict[str, Grade] = {}
        for trial in filter(None, (trials.of(prompt, arm) for arm in ARMS)):
            texts = [trial.answer if trial.stop == "answer" else "", *(item.answer for item in trial.attempts)]
            for text in texts:
                if text not in known:
                    known[text] = await grade(prompt, text, settings)
            found.append(Graded(trial, known[texts[0]], tuple(known[text] for text in texts[1:])))
    return found


def show(report: Report, console: Console) -> None:
    """Print the report."""
    table = Table(title="Experts: count of total [95% interval of Wilson]")
    for column in ("expert", "arm", "answered", "assembled", "verified", "right", "seconds"):
        table.add_column(column, overflow="fold")
    for row in report.rows:
        shares = (str(share) for share in (row.answered, row.assembled, row.verified, row.right))
        table.add_row(row.expert, row.arm, *shares, f"{row.seconds:.1f}")
    console.print(table)
    for name, pair in report.pairs.items():
        console.print(
            f"{name}: right in both {pair.both}, only with {pair.only_with}, only without {pair.only_without}, "
            f"in neither {pair.neither}; McNemar exact p = {pair.p:.4f}"
        )
    for number, share in enumerate(report.iterations, 1):
        console.print(f"right after attempt {number}: {share}")
    for title, items in (("hidden failures", report.hidden), ("right but refuted", report.doubted)):
        named = ", ".join(f"{item.trial.prompt} ({item.trial.arm})" for item in items) or "none"
        console.print(f"{title}: {len(items)}: {named}", markup=False)


def _as_json(report: Report, found: Sequence[Graded]) -> str:
    figures: dict[str, object] = {
        "rows": [row.model_dump(mode="json") for row in report.rows],
        "pairs": {name: pair.model_dump(mode="json") for name, pair in report.pairs.items()},
        "iterations": [share.model_dump(mode="json") for share in report.iterations],
        "hidden": [item.trial.prompt for item in report.hidden],
        "right_but_refuted": [item.trial.prompt for item in report.doubted],
        "trials": [item.trial.model_dump(mode="json") | {"grade": item.grade._asdict()} for item in found],
    }
    return json.dumps(figures, indent=1) + "\n"


def _default_out() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("afs-suite", appauthor=False) / "eval-experts.jsonl"


async def _evaluate(
    prompts: tuple[Prompt, ...], model_name: str, out: Path, *, arms: Sequence[Arm], limit: int, max_seconds: float
) -> list[Graded]:
    experts = load_experts()
    with tempfile.TemporaryDirectory(prefix="afs-eval-") as root:
        settings = Settings.from_environment().at(Path(root))
        opened = await open_model(model_name, experts.find(DEFAULT), settings)
        try:
            trials = Trials(out, model=opened.model.name)
            work = pending(prompts, trials, arms=arms)[: None if limit < 0 else limit]
            bench = Bench(model=opened.model, experts=experts, settings=settings, max_seconds=max_seconds)
            await run_pending(bench, work, trials)
        finally:
            await opened.model.close()
        return await graded(prompts, trials, settings)


@click.command()
@click.option("--model", default="embedded", show_default=True, help="provider:name")
@click.option("--only", default="", help="only the prompts whose id contains this, e.g. nayru")
@click.option("--arm", "arms", type=click.Choice(ARMS), multiple=True, help="only this arm; default both")
@click.option("--limit", type=click.IntRange(0), help="so many new trials at most; default all")
@click.option("--max-seconds", type=click.FloatRange(1), default=600.0, show_default=True, help="time of one trial")
@click.option("--out", type=click.Path(path_type=Path), help="the file of trials; default in your cache folder")
@click.option("--json", "as_json", type=click.Path(path_type=Path), help="write the figures to this file too")
@click.option("--report", is_flag=True, help="try nothing, only report what is there")
def main(
    *,
    model: str,
    only: str,
    arms: tuple[Arm, ...],
    limit: int | None,
    max_seconds: float,
    out: Path | None,
    as_json: Path | None,
    report: bool,
) -> None:
    """Try the experts without and with checks, and report how often they are right."""
    prompts = tuple(prompt for prompt in load_prompts() if only in prompt.id)
    path = out or _default_out()
    most = 0 if report else -1 if limit is None else limit
    click.echo(f"trials: {path}", err=True)

    async def work() -> list[Graded]:
        return await _evaluate(prompts, model, path, arms=arms or ARMS, limit=most, max_seconds=max_seconds)

    try:
        found = anyio.run(work)
        figures = report_of(found)
    except (RunnerError, ServerError) as error:
        raise click.ClickException(str(error)) from error
    show(figures, Console(width=150))
    if as_json:
        as_json.write_text(_as_json(figures, found), encoding="utf-8")
    sys.exit(_status(figures, done=len(found) == 2 * len(prompts)))


def _status(report: Report, *, done: bool) -> int:
    total = report.pairs["all"]
    gained = total.only_with > total.only_without
    return 1 if report.hidden or (done and not gained) else 0


if __name__ == "__main__":
    main()
