"""`make bench-peers`: our runner beside others, on one scripted model and one echo server.

Figures are medians of rounds in which all take turns, and ratios to a bare loop that does the same work. It fails
when ours does not handle a behaviour, or misses a bound.
"""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
from pydantic import JsonValue

from benchmarks.peers.install import Installed, NotInstalled, environments, install, installed
from benchmarks.peers.runners import BARE, OURS, RUNNERS, Runner
from benchmarks.peers.scenarios import BEHAVIOURS, Judged, Trial, turns
from benchmarks.peers.trial import attempt
from servers.settings import version

__all__ = ["COLD", "GAP", "MEMORY", "Figures", "Row", "main", "measure", "missed"]

COLD = 1.15
"""Most times of the bare loop's, from the start to the first request."""
GAP = 2.0
"""The same for a step."""
MEMORY = 110.0
"""MB."""
TURNS = 20
ROUNDS = 5
OFTEN = 3
"""How often a round measures the two whose ratios have bounds: one run may be twice as slow as the next."""


class Figures(NamedTuple):
    """Medians of the rounds."""

    cold_ms: float
    gap_ms: float
    cpu_ms: float
    """Of the processor, from the start to the last request."""
    memory_mb: float


class Row(NamedTuple):
    """A runner and what was found; no figures: it does not do the work that is timed."""

    name: str
    versions: str
    figures: Figures | None
    behaviours: dict[str, Judged]

    def as_json(self) -> dict[str, JsonValue]:
        """Return all of it as JSON."""
        figures: JsonValue = dict(self.figures._asdict()) if self.figures else None
        seen: JsonValue = {name: dict(judged._asdict()) for name, judged in self.behaviours.items()}
        return {"name": self.name, "versions": self.versions, "figures": figures, "behaviours": seen}


def measure(runners: Sequence[tuple[Runner, Installed]], *, rounds: int, behaviours: bool) -> list[Row]:
    """Put all through the rounds in turns, after one that is not counted; then through the behaviours."""
    work = turns(TURNS)
    bounded = [pair for pair in runners if pair[0] in (BARE, OURS)]
    order = [*bounded * (OFTEN - 1), *runners]
    found: dict[str, list[Trial]] = {runner.name: [] for runner, _ in runners}
    for number in range(rounds + 1):
        for runner, place in order:
            click.echo(f"{runner.name}: {work.name}, round {number} of {rounds}", err=True)
            trial = attempt(runner, work, python=place.python)
            good = work.judge(trial)
            if number and good.handled:
                found[runner.name].append(trial)
            elif not good.handled:
                click.echo(f"{runner.name}: {good.seen}: {trial.problem}", err=True)
    rows: list[Row] = []
    for runner, place in runners:
        seen: dict[str, Judged] = {}
        for scenario in BEHAVIOURS if behaviours else ():
            click.echo(f"{runner.name}: {scenario.name}", err=True)
            seen[scenario.name] = scenario.judge(attempt(runner, scenario, python=place.python))
        rows.append(Row(runner.name, place.versions, _figures(found[runner.name]), seen))
    return rows


def _figures(trials: Sequence[Trial]) -> Figures | None:
    if not trials:
        return None
    cold = statistics.median(trial.cold_ms for trial in trials)
    gap = statistics.median(statistics.median(trial.gaps_ms) for trial in trials)
    cpu = statistics.median(trial.cpu_ms for trial in trials)
    return Figures(cold, gap, cpu, statistics.median(trial.memory_mb for trial in trials))


def missed(rows: Sequence[Row]) -> list[str]:
    """Say what ours falls short in, against the bounds and the table of behaviours."""
    by_name = {row.name: row for row in rows}
    ours, bare = by_name.get(OURS.name), by_name.get(BARE.name)
    if ours is None:
        return []
    short = [f"{name}: {judged.seen}" for name, judged in ours.behaviours.items() if not judged.handled]
    if ours.figures is None:
        return [*short, f"{TURNS} turns: no round came to its end"]
    if ours.figures.memory_mb > MEMORY:
        short.append(f"memory: {ours.figures.memory_mb:.0f} MB, more than {MEMORY:.0f}")
    if bare is not None and bare.figures is not None:
        cold, gap = ours.figures.cold_ms / bare.figures.cold_ms, ours.figures.gap_ms / bare.figures.gap_ms
        short += [f"start: {cold:.2f} times the bare loop, more than {COLD}"] if cold > COLD else []
        short += [f"step: {gap:.2f} times the bare loop, more than {GAP}"] if gap > GAP else []
    return short


def _show(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 170)
    bare = next((row.figures for row in rows if row.name == BARE.name), None)
    heads = ("first request ms", "step ms", "CPU ms in all", "memory MB")
    table = Table("runner", *(cell for head in heads for cell in (head, "ratio")), "versions")
    for row in rows:
        if row.figures is None:
            table.add_row(row.name, *["-"] * 2 * len(heads), row.versions)
            continue
        cells = [
            cell
            for ours, plain, digits in zip(row.figures, bare or (0.0,) * 4, (0, 1, 0, 0), strict=True)
            for cell in (f"{ours:.{digits}f}", f"{ours / plain:.2f}" if plain else "-")
        ]
        table.add_row(row.name, *cells, row.versions)
    console.print(table)
    seen = Table("behaviour", *(row.name for row in rows), show_lines=True)
    for scenario in BEHAVIOURS:
        judged = [row.behaviours.get(scenario.name) for row in rows]
        cells = [f"[{'green' if one.handled else 'red'}]{_verdict(one)}[/]" if one else "-" for one in judged]
        seen.add_row(scenario.name, *cells)
    counts = [sum(one.handled for one in row.behaviours.values()) for row in rows]
    seen.add_row("handled", *(f"{count} of {len(BEHAVIOURS)}" for count in counts))
    if any(row.behaviours for row in rows):
        console.print(seen)


def _verdict(judged: Judged) -> str:
    return f"{'yes' if judged.handled else 'NO'}: {judged.seen}"


def _chosen(names: str) -> list[Runner]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {runner.name: runner for runner in RUNNERS}
    if unknown := set(wanted) - set(known):
        raise click.UsageError(f"no runner {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [runner for runner in RUNNERS if not wanted or runner.name in wanted]


def _ready(runners: Sequence[Runner], folder: Path, *, offline: bool) -> list[tuple[Runner, Installed]]:
    """Return those that are there, after installing what is missing; who cannot be had is named."""
    here = Installed(Path(sys.executable), f"afs-suite {version()}, Python {sys.version.split()[0]}")
    ready: list[tuple[Runner, Installed]] = []
    for runner in runners:
        place = installed(runner, folder) if runner.packages else here
        try:
            if place is None and offline:
                raise NotInstalled("not installed; leave --no-install out")
            if place is None:
                click.echo(f"{runner.name}: pip installs {' '.join(runner.packages)} below {folder}", err=True)
                place = install(runner, folder)
        except NotInstalled as error:
            click.echo(f"{runner.name}: left out, {error}", err=True)
            continue
        ready.append((runner, place))
    return ready


@click.command()
@click.option("--only", default="", help=f"runners by commas: {', '.join(runner.name for runner in RUNNERS)}")
@click.option("--rounds", default=ROUNDS, show_default=True, type=click.IntRange(1, 50))
@click.option("--no-behaviours", is_flag=True, help="figures only")
@click.option("--no-install", is_flag=True, help="leave out who is not installed yet")
@click.option("--json", "target", type=click.Path(path_type=Path), help="write all to this file too")
def main(*, only: str, rounds: int, no_behaviours: bool, no_install: bool, target: Path | None) -> None:
    """Install the peers that are missing, compare all, and exit with 1 where ours falls short."""
    runners = _ready(_chosen(only), environments(), offline=no_install)
    rows = measure(runners, rounds=rounds, behaviours=not no_behaviours)
    _show(rows)
    if target is not None:
        target.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n", encoding="utf-8")
    short = missed(rows)
    for line in short:
        click.echo(f"afs-run falls short: {line}")
    if short:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
