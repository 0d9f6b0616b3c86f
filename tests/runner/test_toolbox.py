"""The toolbox with servers in this process and one well-behaved server on pipes."""

import sys
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from mcp.client.stdio import DEFAULT_INHERITED_ENV_VARS
from mcp.server import MCPServer
from mcp.types import CallToolResult, ImageContent, ResourceLink, TextContent, ToolAnnotations

from runner.asking import Policy
from runner.config import ServerSpec
from runner.offers import MOST_PICTURES
from runner.process import INHERITED
from runner.toolbox import Toolbox
from schemas.message import Image, ToolCall
from schemas.run import CallRecord, ServerState

pytestmark = pytest.mark.anyio

ALL = Policy(allow=("*",))
READS = ToolAnnotations(read_only_hint=True)

ECHO = """
from mcp.server import MCPServer
server = MCPServer("echo", log_level="WARNING")
@server.tool()
async def echo(text: str) -> str:
    return "echo " + text
server.run()
"""


def call(tool: str, /, **arguments: Any) -> ToolCall:
    return ToolCall(id="1", name=tool, arguments=arguments)


def echo_server() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("echo")

    @server.tool(annotations=READS)
    async def echo(text: str, times: int = 1) -> str:
        """Say it again."""
        return text * times

    return server


async def ask(server: MCPServer[Any], asked: ToolCall) -> CallRecord:
    with anyio.fail_after(10):
        async with Toolbox([("s", server)]) as box:
            return await box.call(asked)


async def test_tools_keep_their_plain_names_and_their_schema() -> None:
    with anyio.fail_after(10):
        async with Toolbox([("echo", echo_server())]) as box:
            (tool,) = box.tools
            assert (tool.name, tool.server, tool.remote_name) == ("echo", "echo", "")
            assert tool.description == "Say it again."
            assert tool.parameters["required"] == ["text"]
            assert box.states == (ServerState(name="echo", state="ready", tools=1),)


async def test_a_call_comes_back_with_its_server_text_structure_and_time() -> None:
    record = await ask(echo_server(), call("echo", text="hi"))
    assert (record.ok, record.text, record.server) == (True, "hi", "s")
    assert record.structured == {"result": "hi"}
    assert record.seconds > 0


async def test_a_repaired_call_is_recorded_as_it_was_sent() -> None:
    record = await ask(echo_server(), call("echo", arguments={"text": "hi", "times": "2"}))
    assert (record.ok, record.text) == (True, "hihi")
    assert record.call.arguments == {"text": "hi", "times": 2}


async def test_a_server_on_pipes_answers_like_one_in_memory() -> None:
    spec = ServerSpec(name="echo", command=sys.executable, args=("-c", ECHO))
    with anyio.fail_after(30):
        async with Toolbox([spec], policy=ALL) as box:
            record = await box.call(call("echo", text="hé"))
    assert (record.ok, record.text) == (True, "echo hé")


async def test_wrong_arguments_never_reach_the_server() -> None:
    record = await ask(echo_server(), call("echo", txt="hi"))
    assert not record.ok
    assert "did you mean 'text'?" in record.text and "It takes: text (string, required)" in record.text


async def test_a_call_that_could_not_be_read_is_not_run() -> None:
    asked = ToolCall(id="1", name="echo", arguments={"text": "x"}, problem="the arguments are not JSON")
    record = await ask(echo_server(), asked)
    assert not record.ok and "could not be read: the arguments are not JSON" in record.text


async def test_an_unknown_tool_lists_the_real_ones_near_matches_first() -> None:
    record = await ask(echo_server(), call("ecko", text="x"))
    assert not record.ok
    assert "there is no tool 'ecko'; did you mean 'echo'? the tools are: echo" in record.text


async def test_an_unknown_tool_with_a_hostile_name_makes_a_short_clean_message() -> None:
    record = await ask(echo_server(), call("\x1b[2J" + "x" * 1_000_000))
    assert not record.ok and len(record.text) < 500 and "\x1b" not in record.text


async def test_an_error_of_the_tool_is_the_models_to_read() -> None:
    server: MCPServer[Any] = MCPServer("s")

    @server.tool(structured_output=False)
    def find() -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text="no note 'x'; call list")], is_error=True)

    record = await ask(server, call("find"))
    assert (record.ok, record.text) == (False, "no note 'x'; call list")


async def test_pictures_and_links_are_told_in_a_line_each_and_pictures_are_kept() -> None:
    server: MCPServer[Any] = MCPServer("s")

    @server.tool(structured_output=False)
    def show() -> CallToolResult:
        link = ResourceLink(type="resource_link", uri="afs://export/1", name="export", description="all of it")
        return CallToolResult(content=[ImageContent(type="image", data="AAAA", mime_type="image/png"), link])

    record = await ask(server, call("show"))
    assert record.text == "[image image/png, 3 bytes]\n[link export: afs://export/1: all of it]"
    assert record.images == (Image(data="AAAA", mime_type="image/png"),)


@pytest.mark.parametrize(
    ("data", "kind"), [("!!!!", "image/png"), ("", "image/png"), ("AAAA", "text/html"), ("A" * 8_000_000, "image/png")]
)
async def test_a_picture_that_no_model_could_read_is_only_told(data: str, kind: str) -> None:
    server: MCPServer[Any] = MCPServer("s")

    @server.tool(structured_output=False)
    def show() -> ImageContent:
        return ImageContent(type="image", data=data, mime_type=kind)

    record = await ask(server, call("show"))
    assert record.ok and record.images == () and record.text.endswith("bytes, not shown]")


async def test_of_many_pictures_the_first_are_kept() -> None:
    server: MCPServer[Any] = MCPServer("s")

    @server.tool(structured_output=False)
    def show() -> CallToolResult:
        return CallToolResult(content=[ImageContent(type="image", data="AAAA", mime_type="image/png")] * 9)

    record = await ask(server, call("show"))
    assert len(record.images) == MOST_PICTURES == 9 - record.text.count("not shown")


async def test_a_result_without_text_is_shown_as_compact_json() -> None:
    server: MCPServer[Any] = MCPServer("s")

    @server.tool(structured_output=False)
    def data() -> CallToolResult:
        return CallToolResult(content=[], structured_content={"a": [1, "é"]})

    record = await ask(server, call("data"))
    assert record.text == '{"a":[1,"é"]}' and record.structured == {"a": [1, "é"]}


async def test_the_same_tool_on_two_servers_is_offered_under_both_names() -> None:
    with anyio.fail_after(10):
        async with Toolbox([("one", echo_server()), ("two", echo_server())]) as box:
            assert [(tool.name, tool.remote_name) for tool in box.tools] == [("one_echo", "echo"), ("two_echo", "echo")]
            record = await box.call(call("two_echo", text="x"))
            assert (record.ok, record.server) == (True, "two")


async def test_a_name_that_is_already_taken_is_left_out_and_reported() -> None:
    taken: MCPServer[Any] = MCPServer("taken")

    @taken.tool()
    def one_echo() -> str:
        return "mine"

    with anyio.fail_after(10):
        async with Toolbox([("one", echo_server()), ("two", echo_server()), ("three", taken)]) as box:
            assert [tool.name for tool in box.tools] == ["two_echo", "one_echo"]
            assert "left out, since no name was free: echo" in box.states[0].detail
            assert (await box.call(call("one_echo"))).text == "mine"


def test_two_servers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Toolbox([("a", echo_server()), ("a", echo_server())])


async def test_calls_run_at_the_same_time_and_come_back_in_order() -> None:
    server: MCPServer[Any] = MCPServer("s")
    here = 0
    both = anyio.Event()

    @server.tool()
    async def meet(name: str) -> str:
        nonlocal here
        here += 1
        if here == 2:
            both.set()
        await both.wait()
        return name

    with anyio.fail_after(10):
        async with Toolbox([("s", server)]) as box:
            records = await box.call_all([call("meet", name="a"), call("meet", name="b"), call("none")])
            assert await box.call_all([]) == ()
    assert [record.text for record in records[:2]] == ["a", "b"]
    assert not records[2].ok


async def test_an_error_in_the_body_comes_out_as_it_is() -> None:
    with anyio.fail_after(10):
        with pytest.raises(KeyError, match="mine"):
            async with Toolbox([("echo", echo_server())]):
                raise KeyError("mine")


async def test_a_cancelled_call_is_cancelled_and_the_server_goes_on() -> None:
    server = echo_server()
    entered = anyio.Event()
    ended = anyio.Event()

    @server.tool()
    async def wait() -> str:
        entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        return "never"

    with anyio.fail_after(10):
        async with Toolbox([("s", server)]) as box:
            async with anyio.create_task_group() as group:
                group.start_soon(box.call, call("wait"))
                await entered.wait()
                group.cancel_scope.cancel()
            await ended.wait()
            assert (await box.call(call("echo", text="on"))).text == "on"


async def test_the_states_are_told_as_they_come() -> None:
    told: list[ServerState] = []
    missing = ServerSpec(name="gone", command="afs-no-such", source="mcp.json:3")
    with anyio.fail_after(10):
        async with Toolbox([missing, ("echo", echo_server())], on_state=told.append) as box:
            assert sorted(told, key=lambda state: state.name) == sorted(box.states, key=lambda state: state.name)
            record = await box.call(call("lookup"))
    assert {(state.name, state.state) for state in told} == {("echo", "ready"), ("gone", "failed")}
    assert "not running: gone" in record.text


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            ServerSpec(name="a", command="afs-no-such", source="mcp.json:3"),
            "reinstall afs-suite, or correct mcp.json:3",
        ),
        (ServerSpec(name="a", command="no-such-program"), "install it"),
        (ServerSpec(name="a", command="x", problem="the variable Y is not set"), "the variable Y is not set"),
        (ServerSpec(name="a", command=sys.executable, cwd="/no/such/folder"), "No such file or directory"),
        (ServerSpec(name="a", command="/etc/passwd"), "was not found"),
        (ServerSpec(name="a", command=sys.executable, env={"A=B": "x"}), "illegal environment variable name"),
        (ServerSpec(name="a", url="http://127.0.0.1:1/mcp"), "check that http://127.0.0.1:1/mcp answers"),
    ],
)
async def test_what_cannot_be_started_says_why_and_the_rest_goes_on(spec: ServerSpec, says: str) -> None:
    with anyio.fail_after(20):
        async with Toolbox([spec, ("echo", echo_server())]) as box:
            assert box.states[0].state == "failed"
            assert says in box.states[0].detail
            assert (await box.call(call("echo", text="on"))).text == "on"


async def test_a_disabled_server_is_not_started() -> None:
    with anyio.fail_after(10):
        async with Toolbox([ServerSpec(name="a", command="x", disabled=True)]) as box:
            assert (box.states, box.tools) == ((), ())


async def test_no_sources_make_an_empty_toolbox() -> None:
    empty: Sequence[ServerSpec] = ()
    with anyio.fail_after(10):
        async with Toolbox(empty) as box:
            assert "the tools are: none" in (await box.call(call("x"))).text


def test_servers_inherit_exactly_what_the_sdk_lets_through() -> None:
    assert list(INHERITED) == list(DEFAULT_INHERITED_ENV_VARS)
