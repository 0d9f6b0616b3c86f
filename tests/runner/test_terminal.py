"""The question on the terminal: put while the display is still, answered by what is typed after it."""

import json
import os
import signal
import subprocess
import sysconfig
from pathlib import Path

import anyio
import pytest

from runner.asking import Question, Reply
from runner.terminal import terminal_ask

pytestmark = pytest.mark.anyio

BIN = Path(sysconfig.get_path("scripts"))
LIMIT = 60


def question(*, may_always: bool = True) -> Question:
    return Question("m (cmd)", "run", ('command = "ls"',), "it runs programs", may_always)


async def typed(*lines: str, may_always: bool = True) -> tuple[Reply, str]:
    """Ask on a terminal where somebody types these lines, each after a prompt."""
    master, slave = os.openpty()
    shown = ""
    paused: list[str] = []
    answers: list[Reply] = []
    with os.fdopen(slave, "r+b", buffering=0) as raw, anyio.fail_after(20):
        screen = open(raw.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # closed with its terminal
        keys = open(raw.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115  # closed with its terminal
        os.write(master, b"y\n")  # typed before the question: no answer to it
        ask = terminal_ask(lambda: paused.append("now"), source=keys, sink=screen)
        assert ask is not None

        async def answer() -> None:
            answers.append(await ask(question(may_always=may_always)))

        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            for line in lines:
                shown += await until(master, "run it?")
                os.write(master, line.encode())
        screen.close()
        keys.close()
    os.close(master)
    assert paused == ["now"]
    return answers[0], shown


async def until(master: int, text: str) -> str:
    shown = ""
    while text not in shown:
        await anyio.wait_readable(master)
        shown += os.read(master, 4096).decode()
    return shown


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["y\n"], "yes"),
        (["YES\n"], "yes"),
        (["n\n"], "no"),
        (["\n"], "no"),
        (["a\n"], "always"),
        (["what?\n", "y\n"], "yes"),
        (["1\n", "2\n", "3\n"], "no"),
        (["\x04"], "no"),
    ],
)
async def test_the_terminal_takes_the_answer_that_is_typed_after_the_question(lines: list[str], reply: Reply) -> None:
    said, shown = await typed(*lines)
    assert said == reply
    assert 'command = "ls"' in shown and "run of m (cmd)" in shown


async def test_always_is_neither_offered_nor_taken_where_it_would_not_count() -> None:
    said, shown = await typed("a\n", "n\n", may_always=False)
    assert said == "no" and "[a]lways" not in shown


def test_nobody_is_asked_where_there_is_no_terminal(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+", encoding="utf-8") as file:
        assert terminal_ask(lambda: None, source=file, sink=file) is None


SERVER = (
    "from mcp.server import MCPServer\ns = MCPServer('m')\n"
    "@s.tool()\ndef run(command: str) -> str:\n    'Run it.'\n    return 'ran ' + command\ns.run()\n"
)


def project(folder: Path) -> list[str]:
    """Write a project with a stranger's server and a model that calls its tool; return the command line."""
    (folder / "server.py").write_text(SERVER, encoding="utf-8")
    entry = {"command": str(BIN / "python"), "args": [str(folder / "server.py")]}
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"m": entry}}), encoding="utf-8")
    replies = [{"calls": [{"name": "run", "arguments": {"command": "ls"}}]}, {"text": "done"}]
    (folder / "script.json").write_text(json.dumps(replies), encoding="utf-8")
    model = f"scripted:{folder / 'script.json'}"
    return [str(BIN / "afs-run"), "--tools", "run", "--context-root", str(folder / "c"), "--model", model]


def audit_of(folder: Path) -> list[dict[str, str]]:
    text = (folder / "c" / "history" / "runs" / "audit.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


async def test_afs_run_asks_on_the_terminal_while_its_display_is_alive(tmp_path: Path) -> None:
    words = [*project(tmp_path), "hi"]
    master, slave = os.openpty()
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=env,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
    ) as running:
        os.close(slave)
        with anyio.fail_after(LIMIT):
            await until(master, "run it?")
            os.write(master, b"y\n")
            await until(master, "answer, ")
        assert running.stdout is not None
        assert running.stdout.read() == b"done\n"
        assert running.wait(LIMIT) == 0
    os.close(master)
    (line,) = audit_of(tmp_path)
    assert (line["server"], line["tool"], line["class"], line["decision"]) == ("m", "run", "exec", "asked-yes")


async def test_an_interrupt_during_a_question_ends_the_run_and_runs_nothing(tmp_path: Path) -> None:
    words = [*project(tmp_path), "hi"]
    master, slave = os.openpty()
    with subprocess.Popen(
        words, cwd=tmp_path, stdin=slave, stdout=subprocess.PIPE, stderr=slave, start_new_session=True
    ) as running:
        os.close(slave)
        with anyio.fail_after(LIMIT):
            await until(master, "run it?")
        running.send_signal(signal.SIGINT)
        assert running.wait(LIMIT) == 130
    os.close(master)
    assert [line["decision"] for line in audit_of(tmp_path)] == ["interrupted"]


@pytest.mark.parametrize(("allow", "decision"), [("", "refused"), ("m.run", "allowed")])
def test_afs_run_without_a_terminal_runs_only_what_is_allowed(allow: str, decision: str, tmp_path: Path) -> None:
    words = [*project(tmp_path), *(["--allow", allow] if allow else []), "--json", "hi"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=LIMIT, stdin=subprocess.DEVNULL, check=True
    )
    record = json.loads(done.stdout)["steps"][0]["calls"][0]
    assert record["ok"] == bool(allow)
    assert [line["decision"] for line in audit_of(tmp_path)] == [decision]
