"""The comparison with other runners: ours handles every behaviour, and the judges see what is wrong with others."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.peers import compare
from benchmarks.peers.compare import Figures, Row, missed
from benchmarks.peers.install import Installed, NotInstalled, find_python, install, installed
from benchmarks.peers.runners import BARE, OURS, PEERS, RUNNERS, Place, Runner, Started
from benchmarks.peers.scenarios import BEHAVIOURS, FINISHED, STEPS, Event, Judged, Scenario, Trial, turns
from benchmarks.peers.trial import attempt

PYTHON = Path(sys.executable)
BY_NAME = {scenario.name: scenario for scenario in BEHAVIOURS}


def seen(
    *results: str,
    exit_code: int | None = 0,
    said: str = FINISHED,
    log: tuple[Event, ...] = (),
    requests: int = 2,
) -> Trial:
    messages = [{"role": "tool", "content": text} for text in results]
    return Trial(
        exit_code, said, "", ({"messages": messages},) * requests, log, 0, 900.0, (2.0,) * (requests - 1), 70.0, 900.0
    )


@pytest.mark.parametrize("scenario", BEHAVIOURS, ids=lambda scenario: scenario.name)
def test_our_runner_handles_every_behaviour_of_the_table(scenario: Scenario) -> None:
    trial = attempt(OURS, scenario, python=PYTHON)
    judged = scenario.judge(trial)
    assert judged.handled, f"{judged.seen} {trial.problem}"
    assert trial.left == 0


def test_our_runner_and_the_bare_loop_do_the_work_that_is_timed() -> None:
    work = turns(3)
    for runner in (OURS, BARE):
        trial = attempt(runner, work, python=PYTHON)
        assert work.judge(trial).handled, trial.problem
        assert (len(trial.requests), len(trial.gaps_ms)) == (4, 3)
        assert trial.cold_ms > 0 and min(trial.gaps_ms) > 0


def test_the_bare_loop_is_seen_to_run_calls_in_turn() -> None:
    scenario = BY_NAME["parallel calls"]
    judged = scenario.judge(attempt(BARE, scenario, python=PYTHON))
    assert judged == Judged(handled=False, seen="one after another")


def test_a_runner_that_does_not_end_is_killed_and_its_server_is_ended() -> None:
    def start(place: Place) -> Started:
        waits = f"import subprocess, threading\nsubprocess.Popen({place.server!r}, stdin=0)\nthreading.Event().wait()"
        return Started((str(place.python), "-c", waits))

    trial = attempt(Runner("stuck", start), turns(1), python=PYTHON, timeout=10)
    assert (trial.exit_code, trial.ended) == (None, "killed, out of time")
    assert turns(1).judge(trial) == Judged(handled=False, seen="killed, out of time")


SLOW_A, SLOW_B = Event("slow", 1, "a"), Event("slow", 1, "b")
ENDED_A, ENDED_B = Event("slow ended", 1, "a"), Event("slow ended", 1, "b")
BEFORE, DIED = Event("echo", 1, "before"), Event("die", 1, "")
START, AGAIN = Event("start", 1, ""), Event("start", 2, "")
LATER = (Event("echo", 2, "after 1"), Event("echo", 2, "after 2"))


@pytest.mark.parametrize(
    ("name", "trial", "handled", "words"),
    [
        ("parallel calls", seen("slow: a", "slow: b", log=(SLOW_A, SLOW_B, ENDED_A, ENDED_B)), True, "same time"),
        ("parallel calls", seen("slow: a", "slow: b", log=(SLOW_A, ENDED_A, SLOW_B, ENDED_B)), False, "one after"),
        ("parallel calls", seen("slow: a", log=(SLOW_A, SLOW_B, ENDED_A, ENDED_B)), False, "same time"),
        ("unknown tool", seen("no such tool; there are echo, slow, big and die"), True, "with the tools"),
        ("unknown tool", seen("no such tool; there are x_echo, x_slow, x_big"), True, "with the tools"),
        ("unknown tool", seen("no such tool"), True, "an error"),
        ("unknown tool", seen(), False, "not told"),
        ("unknown tool", seen(exit_code=1, said="", requests=1), False, "breaks off"),
        ("invalid JSON", seen("the arguments are not JSON"), True, "says why"),
        ("invalid JSON", seen("An error occurred."), False, "hides the cause"),
        ("invalid JSON", seen("echo: ", log=(Event("echo", 1, ""),)), False, "no arguments"),
        ("invalid JSON", seen("echo: cut off", log=(Event("echo", 1, "cut off"),)), True, "mended"),
        ("invalid JSON", seen(said="", requests=1), False, "not told"),
        ("fenced call", seen("echo: fenced", log=(Event("echo", 1, "fenced"),)), True, "called"),
        ("fenced call", seen(said="I will call the tool.", requests=1), False, "taken for the answer"),
        ("server dies", seen(log=(START, BEFORE, DIED, AGAIN, *LATER), requests=5), True, "started again, and works"),
        ("server dies", seen(log=(START, BEFORE, DIED), requests=5), False, "not started again, and its calls fail"),
        ("server dies", seen(log=(START, BEFORE, DIED, AGAIN), requests=5), False, "started again, and its calls fail"),
        ("same call for ever", seen(exit_code=3, said="", requests=5), True, "stopped after 5 requests"),
        ("same call for ever", seen(said="", requests=5), False, "no answer"),
        ("same call for ever", seen(exit_code=1, requests=STEPS), False, "limit of steps"),
        ("same call for ever", seen(requests=2 * STEPS), False, "not stopped"),
        ("same call for ever", seen(exit_code=None, requests=STEPS), False, "then killed"),
        ("same call for ever", seen(exit_code=1, said="", requests=0), False, "no answer"),
        ("1 MB result", seen("x" * 16_000), True, "bounded: 16,000"),
        ("1 MB result", seen("x" * 1_000_000), False, "whole: 1,000,000"),
        ("1 MB result", seen("x" * 500_000), False, "500,000"),
        ("1 MB result", seen(), False, "the answer"),
    ],
)
def test_a_judge_tells_what_is_handled_from_what_is_not(name: str, trial: Trial, *, handled: bool, words: str) -> None:
    judged = BY_NAME[name].judge(trial)
    assert judged.handled is handled
    assert words in judged.seen


def stand_in(name: str, *packages: str, oldest: tuple[int, int] = (3, 11)) -> Runner:
    return Runner(name, PEERS[0].start, packages, oldest)


def test_a_peer_that_cannot_be_installed_is_named_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "environments", lambda: tmp_path)
    told = CliRunner().invoke(compare.main, ["--only", "mcp-use", "--rounds", "1", "--no-install"])
    assert told.exit_code == 0
    assert "mcp-use: left out, not installed; leave --no-install out" in told.output
    with pytest.raises(NotInstalled, match=r"needs Python 4\.0 or newer"):
        install(stand_in("future", "x", oldest=(4, 0)), tmp_path)


def test_an_environment_is_used_again_until_other_packages_are_wanted(tmp_path: Path) -> None:
    python = tmp_path / "peer" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    kept = {"packages": ["a[b]"], "versions": "a 1.0, Python 3.13.0"}
    (tmp_path / "peer" / "ready.json").write_text(json.dumps(kept), encoding="utf-8")
    assert installed(stand_in("peer", "a[b]"), tmp_path) == Installed(python, "a 1.0, Python 3.13.0")
    assert installed(stand_in("peer", "a[b]", "c"), tmp_path) is None
    assert installed(stand_in("other", "a[b]"), tmp_path) is None
    assert find_python((3, 11)) == sys.executable


def test_a_runner_that_does_not_exist_is_refused_with_the_real_ones() -> None:
    told = CliRunner().invoke(compare.main, ["--only", "no_such"])
    assert told.exit_code == 2
    assert all(runner.name in told.output for runner in RUNNERS)


def row(name: str, cold: float, gap: float, memory: float, **behaviours: Judged) -> Row:
    return Row(name, "", Figures(cold, gap, 900, memory), behaviours)


def test_ours_is_held_to_the_bounds_and_to_every_behaviour() -> None:
    bare, bad = row("bare loop", 1000, 2, 70), Judged(handled=False, seen="not called")
    assert missed([bare, row("afs-run", 1100, 3.9, 100), row("peer", 9000, 99, 500, fence=bad)]) == []
    short = missed([bare, row("afs-run", 1200, 4.1, 111, fence=bad)])
    assert [line.partition(":")[0] for line in short] == ["fence", "memory", "start", "step"]
    assert missed([bare, Row("afs-run", "", None, {})]) == ["20 turns: no round came to its end"]


def test_figures_are_told_as_ratios_to_the_bare_loop_and_written(tmp_path: Path) -> None:
    target = tmp_path / "peers.json"
    words = ["--only", "bare loop", "--rounds", "1", "--no-behaviours", "--json", str(target)]
    told = CliRunner().invoke(compare.main, words)
    rows = json.loads(target.read_text(encoding="utf-8"))
    assert [item["name"] for item in rows] == ["bare loop"]
    assert rows[0]["figures"]["cold_ms"] > rows[0]["figures"]["gap_ms"] > 0
    assert "first request ms" in told.output and "1.00" in told.output
