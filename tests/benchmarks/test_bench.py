"""The measurements: what a ratio says, and that the command measures, prints and fails as it should."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import bench, bench_servers
from benchmarks.ratio import Pair, Ratio, in_turns, ratio_of
from servers.machine.errors import ServerError


def test_a_ratio_is_that_of_the_medians_and_is_held_against_its_bound() -> None:
    slow = ratio_of("slow", Pair(ours=[30.0, 300.0, 31.0], plain=[10.0, 10.0, 900.0]), bound=3.0, plain="x")
    assert (slow.ours_ms, slow.plain_ms, slow.ratio, slow.passes) == (31.0, 10.0, 3.1, False)
    assert slow.model_copy(update={"bound": 3.1}).passes
    assert slow.as_row()["ratio"] == 3.1


def test_both_ways_take_turns_and_the_first_turn_is_not_counted() -> None:
    order: list[str] = []
    times = in_turns(lambda: order.append("ours"), lambda: order.append("plain"), rounds=3)
    assert order == ["ours", "plain"] * 4
    assert (len(times.ours), len(times.plain)) == (3, 3)


def test_a_spawn_is_timed_until_the_tools_are_there(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(bench_servers.BARE + "\nmain()\n", encoding="utf-8")
    assert bench_servers.spawn_to_tools([sys.executable, "bare.py"], tmp_path) > 0


def test_a_server_that_dies_is_an_error_and_not_a_fast_start(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, BrokenPipeError)):
        bench_servers.spawn_to_tools([sys.executable, "-c", "pass"], tmp_path)


def test_a_measurement_that_does_not_exist_is_refused_with_the_real_ones() -> None:
    told = CliRunner().invoke(bench.main, ["--only", "no_such"])
    assert told.exit_code == 2
    assert "spawn, step, start, assemble" in told.output


def test_a_missed_bound_fails_and_the_figures_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = Ratio(name="late", ours_ms=2, plain_ms=1, bound=1.5, plain="x")

    def absent() -> list[Ratio]:
        raise ServerError("asar is not installed: run afs fetch asar")

    monkeypatch.setattr(bench, "MEASUREMENTS", {"late": lambda: [missed], "gone": absent})
    told = CliRunner().invoke(bench.main, ["--json", str(tmp_path / "figures.json")])
    (row,) = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert told.exit_code == 1
    assert "MISS" in told.output and "afs fetch asar" in told.output
    assert (row["ratio"], row["passes"]) == (2.0, False)


def test_a_step_of_the_runner_is_measured_against_the_bare_client() -> None:
    (row,) = bench.run(["step"])
    assert row.ratio > 0.5
    assert row.bound == 1.5
