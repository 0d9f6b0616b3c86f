"""The command line, started as a user starts it, on scripts in place of a model."""

import json
import os
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sysconfig.get_path("scripts"))
LIMIT = 60


def afs(
    tmp_path: Path, *words: str, command: str = "afs-run", stdin: bytes = b"", **environ: str
) -> subprocess.CompletedProcess[bytes]:
    env = {
        **os.environ,
        "AFS_CONTEXT_ROOT": str(tmp_path / "context"),
        "OLLAMA_HOST": "127.0.0.1:9",
        **environ,
    }
    return subprocess.run(
        [str(BIN / command), *words],
        input=stdin,
        capture_output=True,
        cwd=tmp_path,
        env=env,
        timeout=LIMIT,
        check=False,
    )


def script(tmp_path: Path, *lines: dict[str, Any]) -> str:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(lines), encoding="utf-8")
    return f"scripted:{path}"


def lookup(query: str) -> dict[str, Any]:
    return {"calls": [{"name": "alttp_lookup", "arguments": {"query": query}}]}


def running_with(word: str) -> list[str]:
    """Return the ids of the processes whose command line holds `word`."""
    found: list[str] = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found


def test_a_run_calls_a_real_server_and_prints_the_answer(tmp_path: Path) -> None:
    model = script(tmp_path, lookup("$2100"), {"text": "$2100 is INIDISP."})
    done = afs(tmp_path, "--model", model, "What is $2100?")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().startswith("$2100 is INIDISP.\n\nVerdict: unchecked as a whole: ")
    shown = done.stderr.decode()
    assert "What is $2100?" in shown
    assert 'alttp_lookup(query="$2100")' in shown
    assert "rests on tool results" in shown


def test_the_run_is_kept_and_shown_again(tmp_path: Path) -> None:
    model = script(tmp_path, lookup("$2100"), {"text": "$2100 is INIDISP."})
    whole = json.loads(afs(tmp_path, "--json", "--model", model, "--servers", "alttp", "What is $2100?").stdout)
    assert whole["grounded"] is True
    assert whole["steps"][0]["calls"][0]["ok"] is True
    kept = tmp_path / "context" / "history" / "runs" / f"{whole['id']}.json"
    assert json.loads(kept.read_bytes()) == whole
    shown = afs(tmp_path, "agent", "show", "last", command="afs")
    assert b"$2100 is INIDISP." in shown.stdout
    assert whole["id"].encode() in afs(tmp_path, "agent", "runs", command="afs").stdout


def test_the_prompt_may_come_from_standard_input(tmp_path: Path) -> None:
    model = script(tmp_path, {"text": "hello"})
    done = afs(tmp_path, "--quiet", "--model", model, "--servers", "scratchpad", "-", stdin=b"say hello\n")
    assert (done.returncode, done.stdout) == (0, b"hello\n")


def test_a_run_goes_on_with_resume(tmp_path: Path) -> None:
    base = ["--json", "--servers", "scratchpad"]
    first = json.loads(afs(tmp_path, *base, "--model", script(tmp_path, {"text": "hello"}), "hi").stdout)
    more = afs(tmp_path, *base, "--model", script(tmp_path, {"text": "again"}), "--resume", "last", "and again")
    second = json.loads(more.stdout)
    assert second["resumes"] == first["id"]
    assert [item["text"] for item in second["messages"][1:] if not item["example"]] == [
        "hi",
        "hello",
        "and again",
        "again",
    ]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--expert", "ganondorf", "hi"], 1, "majora, muse"),
        (["--model", "gemini:x", "hi"], 1, "GEMINI_API_KEY"),
        (["--model", "ollama:nope", "hi"], 1, "ollama serve"),
        (["--model", "scripted:nowhere.json", "hi"], 1, "nowhere.json"),
        (["--servers", "nope", "--model", "{script}", "hi"], 1, "scratchpad"),
        (["--config", "nowhere.json", "--model", "{script}", "hi"], 1, "nowhere.json"),
        (["--resume", "nope", "--model", "{script}", "hi"], 1, "afs agent runs"),
        (["--tools", "nope", "--model", "{script}", "hi"], 1, "nope"),
        ([""], 2, "prompt is empty"),
        (["   "], 2, "prompt is empty"),
        (["--max-steps", "0", "hi"], 2, "max-steps"),
        (["--max-seconds", "nan", "hi"], 2, "number of seconds"),
        (["--model", "bogus", "hi"], 1, "embedded, ollama"),
        (["--model", "ollama:", "hi"], 1, "ollama:NAME"),
        (["--model", "scripted:", "hi"], 1, "scripted:FILE"),
        (["--context-root", "", "hi"], 2, "--context-root"),
    ],
)
def test_bad_input_gets_a_clear_error(tmp_path: Path, words: list[str], status: int, says: str) -> None:
    model = script(tmp_path, {"text": "hello"})
    done = afs(tmp_path, *[word.replace("{script}", model) for word in words])
    assert done.returncode == status, done.stderr.decode()
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_a_prompt_of_a_megabyte_is_refused_with_a_way_out(tmp_path: Path) -> None:
    done = afs(tmp_path, "--model", script(tmp_path, {"text": "x"}), "-", stdin=b"a" * 1_000_000)
    assert done.returncode == 2
    assert b"read_context" in done.stderr


def test_a_malformed_mcp_json_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mcp.json").write_text('{\n "mcpServers": {\n  "a": {"command": }\n }\n}\n', encoding="utf-8")
    done = afs(tmp_path, "--model", script(tmp_path, {"text": "x"}), "hi")
    assert done.returncode == 1
    assert "mcp.json:3" in done.stderr.decode()


def test_a_server_that_is_missing_is_named_and_the_others_work(tmp_path: Path) -> None:
    servers = {"mcpServers": {"gone": {"command": "no-such-program"}, "alttp": {"command": "afs-alttp"}}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers), encoding="utf-8")
    done = afs(
        tmp_path,
        "--model",
        script(tmp_path, lookup("$2100"), {"text": "$2100 is INIDISP."}),
        "What is $2100?",
    )
    assert done.returncode == 0
    assert "gone" in done.stderr.decode()
    assert "no-such-program" in done.stderr.decode()


def test_a_context_root_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "context").write_text("a file", encoding="utf-8")
    done = afs(tmp_path, "--model", script(tmp_path, {"text": "x"}), "hi")
    assert done.returncode == 1
    assert b"--context-root" in done.stderr


def test_max_steps_ends_with_its_own_status_and_a_kept_run(tmp_path: Path) -> None:
    model = script(tmp_path, *[lookup(f"${number}") for number in range(2100, 2109)])
    done = afs(tmp_path, "--json", "--max-steps", "2", "--servers", "alttp", "--model", model, "loop")
    assert done.returncode == 3
    assert json.loads(done.stdout)["stop"] == "max_steps"


HANGING = (
    "import time\nfrom mcp.server import MCPServer\ns = MCPServer('hang')\n"
    "@s.tool()\ndef wait() -> str:\n    'Wait.'\n    time.sleep(60)\n    return 'x'\n"
    "s.run()\n"
)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT] * 2])
def test_every_way_to_end_it_keeps_the_run_and_ends_the_servers(tmp_path: Path, signals: list[signal.Signals]) -> None:
    hang = tmp_path / "hang.py"
    hang.write_text(HANGING, encoding="utf-8")
    servers = {"mcpServers": {"hang": {"command": str(BIN / "python"), "args": [str(hang)]}}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers), encoding="utf-8")
    model = script(tmp_path, {"calls": [{"name": "wait"}]}, {"text": "done"})
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context")}
    words = [str(BIN / "afs-run"), "--tools", "wait", "--allow", "wait", "--model", model, "hi"]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"call  wait()" in line:
                break
        for number in signals:
            running.send_signal(number)
        assert running.wait(LIMIT) == 130
    (kept,) = (tmp_path / "context" / "history" / "runs").glob("*.json")
    run = json.loads(kept.read_bytes())
    assert (run["stop"], run["steps"][0]["calls"][0]["text"]) == ("interrupted", "interrupted")
    assert not running_with(str(hang))


def test_what_was_done_before_a_kill_is_shown_and_gone_on_from(tmp_path: Path) -> None:
    hang = tmp_path / "hang.py"
    hang.write_text(HANGING, encoding="utf-8")
    own = {"command": str(BIN / "python"), "args": [str(hang)]}
    servers = {"mcpServers": {"hang": own, "alttp": {"command": "afs-alttp"}}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers), encoding="utf-8")
    model = script(tmp_path, lookup("$2100"), {"calls": [{"name": "wait"}]}, {"text": "$2100 is INIDISP."})
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context")}
    words = [
        str(BIN / "afs-run"),
        "--allow",
        "wait",
        "--tools",
        "alttp_lookup,wait",
        "--model",
        model,
        "What is $2100?",
    ]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"call  wait()" in line:
                break
        refused = afs(tmp_path, "--model", model, "--resume", "last", "go on")
        assert (refused.returncode, b"still going on" in refused.stderr) == (1, True)
        running.kill()
        assert running.wait(LIMIT) == -signal.SIGKILL
    for pid in running_with(str(hang)):
        os.kill(int(pid), signal.SIGKILL)  # it sleeps, and would be gone in a minute
    shown = afs(tmp_path, "agent", "show", "last", command="afs").stdout.decode()
    assert "INIDISP" in shown
    assert "interrupted" in shown
    model = script(tmp_path, {"text": "$2100 is INIDISP."})
    done = json.loads(afs(tmp_path, "--json", "--model", model, "--servers", "alttp", "--resume", "last").stdout)
    assert (done["stop"], done["answer"], done["grounded"]) == ("answer", "$2100 is INIDISP.", True)


def test_an_interrupt_while_the_servers_start_keeps_the_prompt(tmp_path: Path) -> None:
    deaf = {"mcpServers": {"deaf": {"command": "sleep", "args": ["61.25"]}}}
    (tmp_path / "mcp.json").write_text(json.dumps(deaf), encoding="utf-8")
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context")}
    words = [str(BIN / "afs-run"), "--model", script(tmp_path, {"text": "x"}), "remember me"]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"model  scripted" in line:
                break
        running.send_signal(signal.SIGINT)
        assert running.wait(LIMIT) == 130
    (kept,) = (tmp_path / "context" / "history" / "runs").glob("*.json")
    assert json.loads(kept.read_bytes())["prompt"] == "remember me"


def test_a_tool_that_is_not_offered_is_never_run(tmp_path: Path) -> None:
    write = {"calls": [{"name": "write_scratchpad", "arguments": {"filename": "evil.md", "content": "x"}}]}
    model = script(tmp_path, write, {"text": "done"})
    done = json.loads(afs(tmp_path, "--json", "--tools", "alttp_lookup", "--model", model, "hi").stdout)
    call = done["steps"][0]["calls"][0]
    assert (call["ok"], "alttp_lookup" in call["text"]) == (False, True)
    assert not list((tmp_path / "context").rglob("evil.md"))


def test_the_default_expert_offers_the_tools_of_the_users_own_servers(tmp_path: Path) -> None:
    hang = tmp_path / "hang.py"
    hang.write_text(HANGING, encoding="utf-8")
    servers = {"mcpServers": {"own": {"command": str(BIN / "python"), "args": [str(hang)]}}}
    (tmp_path / "mcp.json").write_text(json.dumps(servers), encoding="utf-8")
    done = json.loads(afs(tmp_path, "--json", "--model", script(tmp_path, {"text": "x"}), "hi").stdout)
    assert done["metadata"]["offered"] == ["wait"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_terminal_that_cannot_be_written_costs_the_steps_and_not_the_run(tmp_path: Path, unbuffered: str) -> None:
    env = {**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path / "context"), "PYTHONUNBUFFERED": unbuffered}
    words = [str(BIN / "afs-run"), "--servers", "alttp", "--model", script(tmp_path, {"text": "hello"}), "hi"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=full, check=False)
        assert (done.returncode, done.stdout) == (0, b"hello\n")
        lost = subprocess.run(words, cwd=tmp_path, env=env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert lost.returncode == 1
    assert b"it is kept in run" in lost.stderr
    assert b"Traceback" not in lost.stderr


def test_a_time_limit_bounds_the_start_of_the_servers_too(tmp_path: Path) -> None:
    deaf = {"mcpServers": {"deaf": {"command": "sleep", "args": ["62.25"]}, "alttp": {"command": "afs-alttp"}}}
    (tmp_path / "mcp.json").write_text(json.dumps(deaf), encoding="utf-8")
    model = script(tmp_path, lookup("$2100"), {"text": "x"})
    done = json.loads(afs(tmp_path, "--json", "--max-seconds", "3", "--model", model, "hi").stdout)
    assert [server["state"] for server in done["servers"]] == ["failed", "ready"]
    assert done["stop"] in ("answer", "budget")


def test_afs_agent_run_is_the_same_command(tmp_path: Path) -> None:
    model = script(tmp_path, {"text": "hello"})
    done = afs(tmp_path, "agent", "run", "-q", "--servers", "scratchpad", "--model", model, "hi", command="afs")
    assert (done.returncode, done.stdout) == (0, b"hello\n")


def test_the_experts_and_tool_sets_are_listed(tmp_path: Path) -> None:
    shown = afs(tmp_path, "agent", "experts", command="afs").stdout.decode()
    for name in ("din", "nayru", "farore", "veran", "majora", "set afs", "set triforce"):
        assert name in shown


def test_a_dry_run_shows_the_first_request_and_sends_and_keeps_nothing(tmp_path: Path) -> None:
    model = script(tmp_path)
    words = ["--dry-run", "--expert", "veran", "--servers", "alttp,graph", "--model", model, "What is $2100?"]
    (tmp_path / "script.json").write_text('[{"text": "never"}]', encoding="utf-8")
    shown = afs(tmp_path, *words)
    assert shown.returncode == 0, shown.stderr.decode()
    text = shown.stdout.decode()
    for part in (
        "veran",
        "alttp_lookup",
        "get_context_for_prompt",
        "INIDISP",
        "[system]",
        "[user]",
        "nothing was sent",
    ):
        assert part in text
    assert not list((tmp_path / "context").rglob("*.json*"))
    whole = json.loads(afs(tmp_path, "--json", *words, "--context-budget", "0").stdout)
    assert (whole["context"], whole["messages"][-1]["text"]) == ([], "What is $2100?")
    assert whole["tokens"] > 100


@pytest.mark.parametrize("name", ["click", "runner.agent_work", "pydantic", "anyio"])
@pytest.mark.parametrize("entry", ["run_main", "main"])
def test_an_interrupt_in_the_middle_of_the_imports_ends_it_without_a_traceback(
    tmp_path: Path, name: str, entry: str
) -> None:
    code = f"""
import signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["afs", "agent", "runs"] if {entry!r} == "main" else ["afs-run", "hi"]
from runner.cli import {entry}
{entry}()
"""
    done = subprocess.run(
        [str(BIN / "python"), "-c", code], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode in ((130,) if entry == "run_main" else (1, 130))
    assert b"Traceback" not in done.stderr


def test_the_version_is_told_without_importing_what_a_run_needs(tmp_path: Path) -> None:
    heavy = ["pydantic", "anyio", "mcp", "rich"]
    code = f"import sys\nfrom runner import agent_cli\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([str(BIN / "python"), "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == b"[]\n"
