"""`make bench`: speed as ratios measured in one run; fails when a bound is missed.

What a measurement needs (asar, the model) it says by a `ServerError` or a `RunnerError`; it is then left out with
that line.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from benchmarks.ratio import Ratio
from runner.errors import RunnerError
from servers.machine.errors import ServerError

__all__ = ["MEASUREMENTS", "main", "run"]


def _spawn() -> list[Ratio]:
    from benchmarks import bench_servers

    return bench_servers.measure()


def _step() -> list[Ratio]:
    from benchmarks import bench_step

    return bench_step.measure()


def _start() -> list[Ratio]:
    from benchmarks import bench_start

    return bench_start.measure()


def _assemble() -> list[Ratio]:
    from benchmarks import bench_asar

    figures = bench_asar.measure()
    ways = [name.removesuffix("_ms") for name in figures if name.endswith("_ms") and name != "plain_ms"]
    return [
        Ratio(
            name=f"assemble in {way}",
            ours_ms=figures[f"{way}_ms"],
            plain_ms=figures["plain_ms"],
            bound=bench_asar.BOUND,
            plain=f"asar as a plain subprocess (fastest rounds: {figures[f'{way}_best_ratio']:.2f})",
        )
        for way in ways
    ]


def _embedded() -> list[Ratio]:
    from benchmarks import bench_embedded

    return bench_embedded.measure()


def _flow() -> list[Ratio]:
    from benchmarks import bench_flow

    return bench_flow.measure()


def _cpu() -> list[Ratio]:
    from benchmarks import bench_cpu

    return bench_cpu.measure()


def _compare() -> list[Ratio]:
    from benchmarks import bench_compare

    return [bench_compare.measure()]


def _runs() -> list[Ratio]:
    from benchmarks import bench_runs

    return bench_runs.measure()


def _lookup() -> list[Ratio]:
    from benchmarks import bench_lookup

    return bench_lookup.measure()


def _graph() -> list[Ratio]:
    from benchmarks import bench_graph

    return bench_graph.measure()


def _code() -> list[Ratio]:
    from benchmarks import bench_code_graph

    return bench_code_graph.measure()


def _read() -> list[Ratio]:
    from benchmarks import bench_read

    return bench_read.measure()


def _shell() -> list[Ratio]:
    from benchmarks import bench_shell

    return bench_shell.measure()


def _swap() -> list[Ratio]:
    from benchmarks import bench_swap

    return bench_swap.measure()


def _context() -> list[Ratio]:
    from benchmarks import bench_context

    return bench_context.measure()


def _grep() -> list[Ratio]:
    from benchmarks import bench_grep

    return bench_grep.measure()


def _scan() -> list[Ratio]:
    from benchmarks import bench_scan

    return bench_scan.measure()


def _many() -> list[Ratio]:
    from benchmarks import many_processes

    return many_processes.measure()


MEASUREMENTS: dict[str, Callable[[], list[Ratio]]] = {
    "spawn": _spawn,
    "step": _step,
    "start": _start,
    "assemble": _assemble,
    "embedded": _embedded,
    "cpu": _cpu,
    "flow": _flow,
    "compare": _compare,
    "runs": _runs,
    "lookup": _lookup,
    "graph": _graph,
    "code": _code,
    "read": _read,
    "shell": _shell,
    "context": _context,
    "grep": _grep,
    "scan": _scan,
    "swap": _swap,
    "many": _many,
}
"""Name -> what measures it."""


def run(names: Sequence[str]) -> list[Ratio]:
    """Measure one after another; what cannot be measured here is told on standard error."""
    found: list[Ratio] = []
    for name in names:
        click.echo(f"{name}: measuring ...", err=True)
        try:
            measured = MEASUREMENTS[name]()
        except (ServerError, RunnerError) as error:
            click.echo(f"{name}: not measured, {error}", err=True)
            continue
        for item in measured:  # at once: all of them together take ten minutes
            click.echo(f"  {item.name}: {item.ratio:.2f} of {item.bound:.2f}", err=True)
        found += measured
    return found


def _show(ratios: Sequence[Ratio]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("measured", "ours ms", "plain ms", "ratio", "bound", "", "plain is")
    for item in ratios:
        verdict = "[green]PASS[/]" if item.passes else "[red]MISS[/]"
        figures = (f"{item.ours_ms:.2f}", f"{item.plain_ms:.2f}", f"{item.ratio:.2f}", f"{item.bound:.2f}")
        table.add_row(item.name, *figures, verdict, item.plain)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@click.command()
@click.option("--only", default="", help=f"measurements by commas: {', '.join(MEASUREMENTS)}")
@click.option("--json", "target", type=click.Path(path_type=Path), help="write the figures to this file too")
def main(*, only: str, target: Path | None) -> None:
    """Measure, print the table, and exit with 1 when a bound is missed."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise click.UsageError(f"no measurement {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    ratios = run(names)
    _show(ratios)
    if target is not None:
        target.write_text(json.dumps([item.as_row() for item in ratios], indent=1) + "\n", encoding="utf-8")
    if not all(item.passes for item in ratios):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
