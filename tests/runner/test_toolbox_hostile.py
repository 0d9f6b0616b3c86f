"""The toolbox against servers that hang, die, lie and flood: each harms itself alone."""

import os
import sys
import time
from pathlib import Path

import anyio
import pytest

from runner.asking import Policy
from runner.config import ServerSpec
from runner.offers import DESCRIPTION_LIMIT, RESULT_LIMIT
from runner.toolbox import Toolbox
from schemas.message import ToolCall
from schemas.run import CallRecord, ServerState

pytestmark = pytest.mark.anyio

ALL = Policy(allow=("*",))
SCRIPT = Path(__file__).with_name("hostile_server.py")


SLOW = """
import anyio
from mcp.server import MCPServer
server = MCPServer("slow", log_level="WARNING")
calls = []
@server.tool()
async def hang() -> str:
    await anyio.sleep_forever()
@server.tool()
async def count() -> str:
    calls.append(1)
    return str(len(calls))
server.run()
"""


def hostile(mode: str, lives: Path) -> ServerSpec:
    return ServerSpec(name=mode, command=sys.executable, args=(str(SCRIPT), mode, str(lives)))


async def all_ended(*folders: Path) -> bool:
    """Wait for every process noted in the folders to end: what a kill has reached ends a moment later."""
    for pid in (int(path.name) for folder in folders for path in folder.iterdir()):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            with anyio.move_on_after(2) as scope:
                await anyio.wait_readable(handle)
        finally:
            os.close(handle)
        if scope.cancelled_caught:
            return False
    return True


async def outcome(mode: str, lives: Path, *, calls: int = 1) -> tuple[ServerState, list[CallRecord]]:
    """Start one hostile server, call its first tool, and hold it to leaving nothing behind."""
    records: list[CallRecord] = []
    with anyio.fail_after(60):
        async with Toolbox([hostile(mode, lives)], connect_timeout=6, call_timeout=3, policy=ALL) as box:
            for number in range(calls if box.tools else 0):
                asked = ToolCall(id=str(number), name=box.tools[0].name, arguments={"text": "hi"})
                records.append(await box.call(asked))
            state = box.states[0]
            closing = time.monotonic()
    assert time.monotonic() - closing < 6
    assert await all_ended(lives)
    return state, records


@pytest.mark.parametrize("mode", ["normal", "banner", "sampling", "answer-and-die", "hugedesc", "remote", "child"])
async def test_odd_but_usable_servers_are_used(mode: str, tmp_path: Path) -> None:
    state, records = await outcome(mode, tmp_path)
    assert state.state == "ready"
    assert [(record.ok, record.text) for record in records] == [(True, "life 1: hi")]


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("crash", "it exited with code 1; it said: cannot start: the cheese is missing"),
        ("noinit", "it did not answer within 6 s"),
        ("stuck", "it did not answer within 6 s"),
        ("badlist", "what it sent is not valid MCP (tools.0.inputSchema: Field required)"),
    ],
)
async def test_a_server_that_cannot_be_used_says_why_and_how_to_go_on(mode: str, says: str, tmp_path: Path) -> None:
    state, records = await outcome(mode, tmp_path)
    assert state.state == "failed" and records == []
    assert says in state.detail
    assert f"or leave {mode} out with --servers" in state.detail
    assert "\n" not in state.detail


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("hang", "gave no answer within 3 s and was cancelled"),
        ("wrongid", "gave no answer within 3 s and was cancelled"),
        ("die", "it exited with code 3; it said: out of \\x1b[31mcheese"),
        ("flood", "it sent a line of more than 16 MiB"),
        ("big", "it sent a line of more than 16 MiB"),
        ("rubbish", "it keeps writing to stdout what is not MCP"),
        ("badresult", "what it sent is not valid MCP (content: Input should be a valid list)"),
        ("rpcerror", "t failed: I will not"),
        ("failing", "no such thing"),
    ],
)
async def test_a_call_that_goes_wrong_comes_back_as_an_error_record(mode: str, says: str, tmp_path: Path) -> None:
    _, records = await outcome(mode, tmp_path)
    assert [record.ok for record in records] == [False]
    assert says in records[0].text


async def test_a_server_that_dies_is_started_again_once_and_the_call_is_reported(tmp_path: Path) -> None:
    state, (first, second) = await outcome("die-once", tmp_path, calls=2)
    assert not first.ok
    assert "It was started again. Whether the call took effect is unknown" in first.text
    assert (second.ok, second.text) == (True, "life 2: hi")
    assert state.state == "ready" and state.detail.startswith("started again, since it exited with code 3")


async def test_a_read_only_call_is_repeated_silently_after_a_death(tmp_path: Path) -> None:
    _, (record,) = await outcome("readonly-die", tmp_path)
    assert (record.ok, record.text) == (True, "life 2: hi")


async def test_a_second_death_is_final(tmp_path: Path) -> None:
    state, (_, second, third) = await outcome("die", tmp_path, calls=3)
    assert "It is not running any more" in second.text
    assert "the server die is not running" in third.text and "go on without its tools" in third.text
    assert state.state == "died" and len(list(tmp_path.iterdir())) == 2


async def test_a_server_that_stops_answering_is_started_again(tmp_path: Path) -> None:
    told: list[ServerState] = []
    again = anyio.Event()

    def note(state: ServerState) -> None:
        told.append(state)
        if len(told) == 2:
            again.set()

    with anyio.fail_after(30):
        async with Toolbox([hostile("hang-once", tmp_path)], call_timeout=1, on_state=note, policy=ALL) as box:
            assert not (await box.call(ToolCall(id="1", name="t"))).ok
            await again.wait()
            assert (await box.call(ToolCall(id="2", name="t", arguments={"text": "hi"}))).text == "life 2: hi"
    assert told[1].detail.startswith("started again, since it stopped answering")


async def test_a_hung_tool_costs_its_own_time_and_its_server_lives(tmp_path: Path) -> None:
    spec = ServerSpec(
        name="slow", command=sys.executable, args=("-c", SLOW), tool_timeouts_s={"hang": 1.0}, timeout_s=30.0
    )
    with anyio.fail_after(30):
        async with Toolbox([spec], policy=ALL) as box:
            calls = [ToolCall(id=name, name=name) for name in ("hang", "count")]
            hung, counted = await box.call_all(calls)
            again = await box.call(calls[1])
            assert "started again" not in box.states[0].detail
    assert not hung.ok and "hang gave no answer within 1 s and was cancelled" in hung.text
    assert (counted.text, again.text) == ("1", "2"), "the server lost what it knew: it was started again"


async def test_a_server_that_will_not_stop_is_ended_in_time(tmp_path: Path) -> None:
    state, records = await outcome("deaf", tmp_path)
    assert state.state == "ready" and records[0].ok


async def test_hostile_servers_do_not_hold_up_each_other(tmp_path: Path) -> None:
    modes = ("stuck", "crash", "flood", "normal", "hang", "pages")
    folders = {mode: tmp_path / mode for mode in modes}
    for folder in folders.values():
        folder.mkdir()
    begun = time.monotonic()
    with anyio.fail_after(30):
        specs = [hostile(mode, folder) for mode, folder in folders.items()]
        async with Toolbox(specs, connect_timeout=3, call_timeout=2, policy=ALL) as box:
            assert time.monotonic() - begun < 10
            states = {state.name: state.state for state in box.states}
            names = {tool.server: tool.name for tool in box.tools}
            calls = [
                ToolCall(id=mode, name=names[mode], arguments={"text": "hi"}) for mode in ("flood", "hang", "normal")
            ]
            records = await box.call_all(calls)
            closing = time.monotonic()
    assert time.monotonic() - closing < 3
    assert [record.ok for record in records] == [False, False, True]
    assert states == {mode: "failed" if mode in ("stuck", "crash") else "ready" for mode in modes}
    assert await all_ended(*folders.values())


async def test_a_server_that_hangs_at_start_holds_up_nobody_for_long(tmp_path: Path) -> None:
    stuck, normal = tmp_path / "stuck", tmp_path / "normal"
    stuck.mkdir()
    normal.mkdir()
    specs = [hostile("stuck", stuck), hostile("normal", normal)]
    with anyio.fail_after(30):
        async with Toolbox(specs, connect_timeout=100, grace=0.1, policy=ALL) as box:
            assert [state.state for state in box.states] == ["failed", "ready"]
            assert "left out; name stuck with --servers to wait" in box.states[0].detail
            assert [tool.server for tool in box.tools] == ["normal"]
            assert (await box.call(ToolCall(id="1", name="t", arguments={"text": "hi"}))).ok
    assert await all_ended(stuck, normal)


async def test_a_server_that_was_asked_for_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    specs = [hostile("noinit", tmp_path / "a"), ServerSpec(name="none", command="no-such-program")]
    specs.append(hostile("normal", tmp_path))
    with anyio.fail_after(30):
        async with Toolbox(specs, connect_timeout=2, grace=0.1, wait_for=["noinit"], policy=ALL) as box:
            assert "did not answer within 2 s" in box.states[0].detail
            assert [state.state for state in box.states] == ["failed", "failed", "ready"]


async def test_leaving_while_servers_are_still_starting_leaves_nothing_behind(tmp_path: Path) -> None:
    begun = time.monotonic()
    with anyio.move_on_after(1.0) as scope:
        async with Toolbox([hostile("stuck", tmp_path)], connect_timeout=20, policy=ALL):
            pytest.fail("a stuck server became ready")
    assert scope.cancelled_caught
    assert time.monotonic() - begun < 4
    assert len(list(tmp_path.iterdir())) == 1 and await all_ended(tmp_path)


async def test_a_description_is_cleaned_and_bounded(tmp_path: Path) -> None:
    for mode in ("evil", "hugedesc"):
        async with Toolbox([hostile(mode, tmp_path)], policy=ALL) as box:
            text = box.tools[0].description
            assert len(text) <= DESCRIPTION_LIMIT
            assert not any(sign in text for sign in "\x1b\u202e\U000e0041")


async def test_tools_with_bad_names_or_huge_schemas_are_left_out_and_named(tmp_path: Path) -> None:
    async with Toolbox([hostile("badnames", tmp_path)], policy=ALL) as box:
        assert [tool.name for tool in box.tools] == ["t", "a_b__31m", "n" * 64, "x_y"]
        assert box.tools[1].remote_name == "a b\x1b[31m"
        assert (
            "2 left out: 't' (its name is there twice), '-' (its name has no letter or digit)" in box.states[0].detail
        )
        renamed = await box.call(ToolCall(id="1", name="x_y", arguments={"text": "hi"}))
        assert renamed.ok
    async with Toolbox([hostile("hugeschema", tmp_path)], policy=ALL) as box:
        assert [tool.name for tool in box.tools] == ["u"]
        assert "its schema is longer than 64 KiB" in box.states[0].detail


@pytest.mark.parametrize(("mode", "count"), [("manytools", 500), ("pages", 101), ("samepage", 1)])
async def test_an_endless_tool_list_is_cut_and_reported(mode: str, count: int, tmp_path: Path) -> None:
    with anyio.fail_after(20):
        async with Toolbox([hostile(mode, tmp_path)], policy=ALL) as box:
            assert len(box.tools) == count
            assert "its tool list goes on" in box.states[0].detail


@pytest.mark.parametrize(
    ("mode", "begins", "size"),
    [
        ("long", "zzz", RESULT_LIMIT),
        ("crumbs", "z\nz\nz", 1999),
        ("empty", "(the tool answered with nothing)", 32),
        ("deep", '{"a":[[[', 306),
        ("surrogate", "\\ud800 \\x1b[2J", 14),
    ],
)
async def test_an_odd_result_is_bounded_and_harmless(mode: str, begins: str, size: int, tmp_path: Path) -> None:
    _, (record,) = await outcome(mode, tmp_path)
    assert record.ok and record.text.startswith(begins) and len(record.text) == size


async def test_a_server_sees_none_of_the_users_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hush")
    spec = hostile("environment", tmp_path).model_copy(update={"env": {"AFS_ASAR": "given"}})
    async with Toolbox([spec], policy=ALL) as box:
        said = box.states[0].detail
    assert "AFS_ASAR" in said and "PATH" in said
    assert "MY_API_KEY" not in said
    assert os.environ["MY_API_KEY"] == "hush"
