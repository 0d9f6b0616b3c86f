"""Whole runs of `afs-run` on the Ollama double with the real servers: what a local expert does, good and bad."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply, calls, drop, text, thinking

AFS_RUN = Path(sysconfig.get_path("scripts")) / "afs-run"
ANSWER = "$2100 is INIDISP."


def asking(**arguments: Any) -> tuple[str, Any]:
    return ("alttp_lookup", arguments)


ASKED = asking(query="$2100")


def run(
    tmp_path: Path, *replies: ScriptedReply, tools: bool = True, status: int = 0, pinned: bool = False
) -> tuple[dict[str, Any], OllamaDouble]:
    capabilities = ("completion", "tools") if tools else ("completion",)
    with OllamaDouble({"veran-v4:latest": capabilities}) as double:
        double.script(replies)
        env = {**os.environ, "OLLAMA_HOST": double.host, "AFS_CONTEXT_ROOT": str(tmp_path / "context")}
        model = ["--model", "ollama:veran-v4:latest"] if pinned else []  # else another model is asked where it fails
        words = [str(AFS_RUN), *model, "--json", "--expert", "veran", "--servers", "alttp", "What is $2100?"]
        done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode == status, done.stderr.decode()
        return json.loads(done.stdout), double


def test_an_expert_runs_on_its_ollama_model_where_the_daemon_has_it(tmp_path: Path) -> None:
    done, double = run(tmp_path, calls(ASKED), text(ANSWER))
    assert (done["model"], done["answer"], done["grounded"]) == ("ollama:veran-v4:latest", ANSWER, True)
    call, result = double.chats[1]["messages"][-2:]
    assert call["tool_calls"] == [{"function": {"name": ASKED[0], "arguments": ASKED[1]}}]
    assert (result["role"], result["tool_name"]) == ("tool", "alttp_lookup")
    assert "INIDISP" in result["content"]


def test_unknown_tools_and_bad_arguments_are_mended_on_the_next_steps(tmp_path: Path) -> None:
    done, double = run(tmp_path, calls(("find_it", {"q": 1})), calls(asking(qeury="$2100")), calls(ASKED), text(ANSWER))
    assert [step["calls"][0]["ok"] for step in done["steps"][:3]] == [False, False, True]
    assert "alttp_lookup" in double.chats[1]["messages"][-1]["content"]
    assert "query" in double.chats[2]["messages"][-1]["content"]


def test_a_call_in_a_fence_parallel_calls_and_bare_thinking_all_come_to_an_answer(tmp_path: Path) -> None:
    fenced = text('```json\n{"name": "alttp_lookup", "arguments": {"query": "$2100"}}\n```')
    both = calls(ASKED, asking(query="$420B"))
    done, _ = run(tmp_path, fenced, both, thinking("hm"), text(ANSWER))
    assert [len(step["calls"]) for step in done["steps"]] == [1, 2, 0]
    assert done["answer"] == ANSWER


def test_a_model_without_tools_is_driven_by_actions(tmp_path: Path) -> None:
    action = text(json.dumps({"action": "alttp_lookup", "arguments": {"query": "$2100"}}))
    done, double = run(tmp_path, action, text(json.dumps({"action": "answer", "answer": ANSWER})), tools=False)
    assert done["answer"] == ANSWER
    assert "format" in double.chats[0]
    assert "tools" not in double.chats[0]


def test_a_daemon_that_dies_in_mid_stream_leaves_what_it_said_and_its_own_status(tmp_path: Path) -> None:
    done, _ = run(tmp_path, calls(ASKED), drop(after="$2100 is IN"), status=4, pinned=True)
    assert (done["stop"], done["answer"]) == ("model_error", "$2100 is IN")
    assert done["steps"][0]["calls"][0]["ok"]
