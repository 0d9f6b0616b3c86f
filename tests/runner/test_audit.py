"""The audit: a line for every call, whatever became of it, and no secret in it."""

import hashlib
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server import MCPServer

from runner.asking import Policy
from runner.audit import Audit
from runner.config import ServerSpec
from runner.toolbox import Toolbox
from schemas.message import ToolCall
from servers.machine.errors import ServerError
from servers.machine.store import append_line

pytestmark = pytest.mark.anyio

SECRET = "sk-ant-0123456789abcdef"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def echo_server() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("echo")

    @server.tool()
    async def echo(text: str) -> str:
        return f"said {text}"

    @server.tool()
    async def wait() -> str:
        await anyio.sleep_forever()
        return "never"

    return server


def call(name: str, /, **arguments: Any) -> ToolCall:
    return ToolCall(id="1", name=name, arguments=arguments)


async def test_every_call_leaves_a_line_with_hashes_and_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "audit.jsonl"
    with anyio.fail_after(20):
        async with Toolbox([("e", echo_server())], policy=Policy(audit=path)) as box:
            tools = box.for_run("run-1")
            await tools.call(call("echo", text=SECRET))
            await tools.call(call("echo", txt=SECRET))
            await tools.call(call(f"none-{SECRET}"))
    ran, wrong, unknown = lines(path)
    assert {key: ran[key] for key in ("run", "server", "tool", "class", "decision")} == {
        "run": "run-1",
        "server": "e",
        "tool": "echo",
        "class": "write",
        "decision": "ran",
    }
    assert ran["time"].endswith("+00:00")
    assert ran["arguments"] == sha256('{"text":"' + SECRET + '"}') and ran["result"] == sha256(f"said {SECRET}")
    assert (wrong["decision"], unknown["decision"], unknown["server"]) == ("invalid", "invalid", "")
    assert SECRET not in path.read_text(encoding="ascii")
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_call_that_is_cancelled_leaves_its_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with anyio.fail_after(20):
        async with Toolbox([("e", echo_server())], policy=Policy(audit=path)) as box:
            with anyio.move_on_after(0.2):
                await box.call(call("wait"))
    (line,) = lines(path)
    assert (line["tool"], line["decision"], line["result"]) == ("wait", "ran", sha256(""))


async def test_a_refused_and_a_blocked_call_leave_theirs(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    script = str(Path(__file__).with_name("hostile_server.py"))
    spec = ServerSpec(name="h", command=sys.executable, args=(script, "say"), env={"AFS_SAY": "told-then-called"})
    allowed = Policy(audit=path, pins=tmp_path / "pins", allow=("h.b", "h.a"))
    with anyio.fail_after(30):
        async with Toolbox([spec], policy=Policy(audit=path, pins=tmp_path / "pins")) as box:
            await box.call(call("a"))
        async with Toolbox([spec], policy=allowed) as box:
            await box.call(call("b"))
            await box.call(call("a"))
    assert [line["decision"] for line in lines(path)] == ["refused", "allowed", "pinned-out"]


async def test_an_audit_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    notes: list[str] = []
    with anyio.fail_after(20):
        policy = Policy(audit=tmp_path / "file" / "audit.jsonl")
        async with Toolbox([("e", echo_server())], policy=policy, on_note=notes.append) as box:
            tools = box.for_run("1")
            assert (await tools.call(call("echo", text="a"))).ok
            assert (await tools.call(call("echo", text="b"))).ok
    (note,) = notes
    assert "calls of this run are missing in the audit" in note and str(tmp_path / "file") in note


def test_names_of_strangers_are_bounded_and_clean_in_the_audit(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "a", run="1")
    audit.add(server="s", tool="\x1b[2J\n" + "x" * 9999, kind="", decision="invalid", arguments={}, result="\ud800")
    (line,) = lines(tmp_path / "a")
    assert len(line["tool"]) < 100 and "\x1b" not in line["tool"]


def test_half_a_line_that_a_crash_left_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "log"
    append_line(path, b'{"a": 1}')
    with path.open("ab") as file:
        file.write(b'{"torn')
    append_line(path, b'{"a": 2}')
    assert path.read_bytes() == b'{"a": 1}\n{"torn\n{"a": 2}\n'


def test_a_line_is_never_added_through_a_link_or_to_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(ServerError):
        append_line(tmp_path / "link", b"x")
    assert not (tmp_path / "target").exists()
    with pytest.raises(ServerError, match="is not a path"):
        append_line(tmp_path / "a\0b", b"x")


def add_many(path: str, mark: str) -> None:
    for number in range(100):
        append_line(Path(path), f"{mark}{number:03}".encode() * 50)


def test_writers_at_the_same_time_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_many, args=(str(path), mark)) for mark in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    found = path.read_text(encoding="ascii").splitlines()
    assert sorted(found) == sorted(f"{mark}{number:03}" * 50 for mark in "ab" for number in range(100))
