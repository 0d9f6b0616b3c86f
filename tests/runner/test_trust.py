"""Pins of tools: what changed is not used until the user has seen it, and what has not never cries wolf."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import anyio
import pytest

from runner import trust
from runner.asking import Policy
from runner.classes import identify
from runner.config import ServerSpec, load_config, shipped_config
from runner.toolbox import Toolbox
from runner.trust import Pins, digest, shown
from runner.trust_cli import changes
from schemas.message import ToolCall
from schemas.run import ServerState

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).with_name("hostile_server.py")
AFS = Path(sysconfig.get_path("scripts"), "afs")
STRANGER = identify(ServerSpec(name="s", command="npx", args=("some-server",)))
TOOL: dict[str, Any] = {"name": "t", "description": "d", "inputSchema": {}, "outputSchema": None, "annotations": None}


def server(mode: str, name: str = "h", **env: str) -> ServerSpec:
    return ServerSpec(name=name, command=sys.executable, args=(str(SCRIPT), "say"), env={"AFS_SAY": mode, **env})


def all_of(folder: Path) -> Policy:
    return Policy(allow=("*",), pins=folder)


def call(name: str) -> ToolCall:
    return ToolCall(id="1", name=name, arguments={"text": "hi"})


def afs(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AFS_PINS_DIR": str(folder)}
    return subprocess.run(
        [str(AFS), "mcp", "trust", *words],
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_a_pin_does_not_depend_on_the_order_of_keys_and_changes_with_every_part() -> None:
    assert digest(TOOL) == digest(dict(reversed(TOOL.items())))
    others = [{**TOOL, key: {"x": 1}} for key in TOOL]
    assert len({digest(item) for item in (TOOL, *others)}) == len(TOOL) + 1


def test_the_first_use_pins_and_says_so_and_the_next_says_nothing(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "pins")
    first = pins.check(STRANGER, "s", {"t": TOOL})
    assert not first.blocked and "used for the first time" in first.note
    assert pins.check(STRANGER, "s", {"t": TOOL}) == ({}, "", {"t": digest(TOOL)})
    (kept,) = (tmp_path / "pins").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_changed_and_new_tools_are_blocked_and_the_note_names_the_way_out(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.check(STRANGER, "s", {"t": TOOL})
    check = pins.check(STRANGER, "s", {"t": {**TOOL, "description": "D"}, "u": {**TOOL, "name": "u"}})
    assert check.blocked == {"t": "changed", "u": "new"}
    assert check.note == "disabled until `afs mcp trust s` shows and accepts them: changed: t; new: u"


def test_another_command_line_is_another_server(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.check(STRANGER, "s", {"t": TOOL})
    other = identify(ServerSpec(name="s", command="npx", args=("some-server", "--evil")))
    assert "used for the first time" in pins.check(other, "s", {"t": TOOL}).note


@pytest.mark.parametrize("damage", ["{", '{"tools": 5}', '{"tools": {"t": {}}}', "[" * 5000])
def test_damaged_pins_block_every_tool(damage: str, tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.check(STRANGER, "s", {"t": TOOL})
    (kept,) = tmp_path.iterdir()
    kept.write_text(damage, encoding="utf-8")
    check = pins.check(STRANGER, "s", {"t": TOOL})
    assert check.blocked == {"t": "not checked"} and "is damaged; accept the server's tools anew" in check.note


def test_pins_that_others_can_write_block_every_tool(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pins.check(STRANGER, "s", {"t": TOOL})
    (kept,) = tmp_path.iterdir()
    kept.chmod(0o666)
    assert "others can write" in pins.check(STRANGER, "s", {"t": TOOL}).note


def test_a_folder_that_cannot_be_written_costs_the_pins_and_not_the_tools(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = Pins(tmp_path / "file" / "pins").check(STRANGER, "s", {"t": TOOL})
    assert not check.blocked and "could not be kept" in check.note


async def test_our_own_servers_are_as_they_are_pinned_with_the_suite(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with Toolbox(load_config(shipped_config()), policy=Policy(pins=tmp_path)) as box:
            assert [(state.state, state.detail) for state in box.states] == [("ready", "")] * len(box.states)
            assert len(box.tools) > 50
    assert list(tmp_path.iterdir()) == [], "run `make docs`, which writes runner/pins.json"


async def test_our_own_servers_with_other_libraries_are_pinned_on_first_use_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "made_with", lambda: {"mcp": "9", "pydantic": "9"})
    (spec,) = (spec for spec in load_config(shipped_config()) if spec.name == "scratchpad")
    for _ in range(2):
        with anyio.fail_after(30):
            async with Toolbox([spec], policy=Policy(pins=tmp_path)) as box:
                assert box.states[0].detail == "" and box.tools
        assert len(list(tmp_path.iterdir())) == 1


def test_our_own_server_whose_tool_is_not_as_it_was_shipped_loses_that_tool(tmp_path: Path) -> None:
    (spec,) = (spec for spec in load_config(shipped_config()) if spec.name == "scratchpad")
    check = Pins(tmp_path).check(identify(spec), "scratchpad", {"clear": {**TOOL, "name": "clear"}})
    assert check.blocked == {"clear": "changed"}


async def test_a_tool_that_changed_since_the_last_run_is_not_offered_and_not_run(tmp_path: Path) -> None:
    said: list[str] = []
    with anyio.fail_after(30):
        async with Toolbox([server("plain")], policy=all_of(tmp_path)) as box:
            assert [tool.name for tool in box.tools] == ["a", "b"]
        async with Toolbox([server("changed")], policy=all_of(tmp_path), on_note=said.append) as box:
            assert [tool.name for tool in box.tools] == ["b"]
            assert not (await box.call(call("a"))).ok
            assert (await box.call(call("b"))).ok
    assert said == ["h: disabled until `afs mcp trust h` shows and accepts them: changed: a; new: c"]


@pytest.mark.parametrize("mode", ["told", "told-then-called"])
async def test_a_tool_that_changes_in_the_run_is_disabled_at_once(mode: str, tmp_path: Path) -> None:
    told: list[ServerState] = []
    seen = anyio.Event()

    def note(state: ServerState) -> None:
        told.append(state)
        if len(told) == 2:
            seen.set()

    with anyio.fail_after(30):
        async with Toolbox([server(mode)], policy=all_of(tmp_path), on_state=note) as box:
            assert (await box.call(call("b"))).ok  # with the result comes the word that the tools have changed
            if mode == "told":  # after the result: it is on its way
                await seen.wait()
            record = await box.call(call("a"))
            assert (await box.call(call("b"))).ok
    assert not record.ok and "a is disabled (changed)" in record.text and "`afs mcp trust h`" in record.text
    assert "in the run, disabled until `afs mcp trust h`" in told[-1].detail


async def test_a_server_that_comes_back_with_other_tools_has_them_disabled(tmp_path: Path) -> None:
    (tmp_path / "lives").mkdir()
    with anyio.fail_after(30):
        spec = server("reborn", LIVES=str(tmp_path / "lives"))
        async with Toolbox([spec], policy=all_of(tmp_path / "pins")) as box:
            first = await box.call(call("b"))
            second = await box.call(call("a"))
    assert "It was started again" in first.text
    assert "a is disabled (changed)" in second.text


async def test_a_server_that_never_stops_changing_its_tools_loses_them_all(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with Toolbox([server("restless")], policy=all_of(tmp_path)) as box:
            records = [await box.call(call("b")) for _ in range(30)]
    assert not records[-1].ok
    assert "b is disabled (listed too often)" in records[-1].text


def test_trust_shows_what_changed_and_accepts_it_when_told(tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"

    def write(mode: str) -> None:
        spec = server(mode)
        entry = {"command": spec.command, "args": spec.args, "env": spec.env}
        config.write_text(json.dumps({"mcpServers": {"h": entry}}), encoding="utf-8")

    words = ("h", "--config", str(config))
    write("plain")
    assert afs(tmp_path / "pins", *words, "--yes").returncode == 0
    same = afs(tmp_path / "pins", *words)
    assert same.returncode == 0 and "all 2 tools are as they were accepted" in same.stdout
    write("changed")
    shown = afs(tmp_path / "pins", *words)
    assert shown.returncode == 1 and "nobody is here to agree" in shown.stderr
    assert '- "description": "does a",' in shown.stdout and '+ "description": "does a and' in shown.stdout
    assert "a: changed" in shown.stdout and "c: new" in shown.stdout and "\x1b" not in shown.stdout
    assert afs(tmp_path / "pins", *words, "--yes").returncode == 0
    assert "all 3 tools" in afs(tmp_path / "pins", *words).stdout


def test_a_change_in_what_is_too_long_to_show_is_told() -> None:
    def defined(middle: str) -> dict[str, Any]:
        return {"name": "t", "inputSchema": {"type": "object", "title": "a" * 20_000 + middle + "b" * 20_000}}

    before, after = defined("harmless"), defined("poisoned")
    told = changes({"t": shown(before).text}, {"t": after})
    assert told.startswith("t: changed\n") and digest(after) in told
    assert changes({"t": shown(before).text}, {"t": before}) == ""


def test_trust_says_why_a_server_cannot_be_asked(tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"h": {"command": "no-such-program"}}}), encoding="utf-8")
    done = afs(tmp_path, "h", "--config", str(config))
    assert done.returncode == 1 and "h could not be asked: the command 'no-such-program' was not found" in done.stderr
