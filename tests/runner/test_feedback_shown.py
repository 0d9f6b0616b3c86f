"""Ratings are shown where runs are: `afs agent show`, `runs` and `stats`."""

import json
from pathlib import Path

from click.testing import CliRunner

from runner.agent_cli import agent
from runner.feedback import Feedback
from runner.recorder import Recorder, new_run_id
from runner.routing.cli import stats_command
from schemas.run import Run


def kept_run(root: Path) -> Run:
    run = Run(
        id=new_run_id(), prompt="hi", model="ollama:x", started="2026-11-21T17:00:00Z", stop="answer", answer="yes"
    )
    Recorder(root).keep(run)
    return run


def afs_agent(root: Path, *arguments: str) -> str:
    command = stats_command if arguments[0] == "stats" else agent
    words = arguments[1:] if arguments[0] == "stats" else arguments
    done = CliRunner().invoke(command, [*words, "--context-root", str(root)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_rating_is_shown_with_its_run_in_the_list_and_counted(tmp_path: Path) -> None:
    rated, other = kept_run(tmp_path), kept_run(tmp_path)
    assert "-1" in afs_agent(tmp_path, "rate", rated.id, "-1", "-t", "wrong bank")
    assert "rated -1 (command" in afs_agent(tmp_path, "show", rated.id)
    assert "rated" not in afs_agent(tmp_path, "show", other.id)
    lines = [json.loads(line) for line in afs_agent(tmp_path, "runs", "--json").splitlines()]
    assert {line["id"]: line["rating"] for line in lines} == {rated.id: -1, other.id: 0}
    assert "-1  ollama:x" in afs_agent(tmp_path, "runs")
    total = json.loads(afs_agent(tmp_path, "stats", "--json"))["total"]
    assert (total["good"], total["bad"]) == (0, 1)
    Feedback(Recorder(tmp_path)).rate(rated.id, 1)
    total = json.loads(afs_agent(tmp_path, "stats", "--json"))["total"]
    assert (total["good"], total["bad"]) == (1, 0)
    assert "+1   -1" in afs_agent(tmp_path, "stats")
