"""Whole runs of `afs-run` on the doubles of Claude and Gemini with a real server, and where their keys do not go."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from runner.models.claude_double import ClaudeDouble
from runner.models.gemini_double import GeminiDouble
from runner.models.http_double import ScriptedReply

AFS_RUN = Path(sysconfig.get_path("scripts")) / "afs-run"
ANSWER = "$2100 is INIDISP."
KEY = "dummy-key-0123456789"
CLAUDE, GEMINI = "claude-sonnet-5-5", "gemini-3.8-flash"
TALK = (
    ScriptedReply(thinking="I look.", calls=(("alttp_lookup", {"query": "$2100"}),)),
    ScriptedReply(text=ANSWER),
)


def run(tmp_path: Path, model: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    env = {
        **os.environ,
        "AFS_CONTEXT_ROOT": str(tmp_path / "context"),
        "AFS_KEYS_FILE": str(tmp_path / "keys.toml"),
        **environ,
    }
    words = [str(AFS_RUN), "--json", "--model", model, "--expert", "veran", "--servers", "alttp", "What is $2100?"]
    return subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, timeout=90, check=False)


def kept(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file())


def answered(done: subprocess.CompletedProcess[bytes], model: str, tmp_path: Path) -> None:
    assert done.returncode == 0, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["model"], told["answer"], told["grounded"]) == (model, ANSWER, True)
    assert told["usage"]["cost"] > 0 and told["steps"][0]["thinking"] == "I look."
    assert "INIDISP" in kept(tmp_path / "context")
    assert KEY not in (done.stdout + done.stderr).decode() + kept(tmp_path / "context")


def test_claude_answers_a_run_and_its_key_is_kept_nowhere(tmp_path: Path) -> None:
    with ClaudeDouble([CLAUDE], key=KEY) as double:
        double.script(TALK)
        done = run(tmp_path, f"claude:{CLAUDE}", ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=double.url)
        answered(done, f"claude:{CLAUDE}", tmp_path)
        assert double.left == 0


def test_gemini_answers_a_run_with_a_key_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(f'gemini = "{KEY}"\n', encoding="utf-8")
    (tmp_path / "keys.toml").chmod(0o600)
    with GeminiDouble([GEMINI], key=KEY) as double:
        double.script(TALK)
        none = {"GEMINI_API_KEY": "", "GOOGLE_API_KEY": ""}
        done = run(tmp_path, f"gemini:{GEMINI}", GOOGLE_GEMINI_BASE_URL=double.url, **none)
        answered(done, f"gemini:{GEMINI}", tmp_path)


@pytest.mark.parametrize(("model", "variable"), [("claude:x", "ANTHROPIC_API_KEY"), ("gemini:x", "GEMINI_API_KEY")])
def test_a_run_without_a_key_ends_with_what_to_set(tmp_path: Path, model: str, variable: str) -> None:
    none = {"ANTHROPIC_API_KEY": "", "GEMINI_API_KEY": "", "GOOGLE_API_KEY": ""}
    done = run(tmp_path, model, **none)
    assert done.returncode in (1, 2) and f"set {variable}" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
