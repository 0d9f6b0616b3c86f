"""Ten ways in which local models and their servers fail, each a whole conversation that comes to an answer or a reason.

They are the failures that are reported again and again for Ollama, llama.cpp and the programs that drive them.
"""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from mcp.server import MCPServer

from runner.agent import Agent
from runner.loop import Limits
from runner.models.ollama import OllamaModel
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply, calls, error, stream_error, text, thinking
from schemas.expert import Expert
from schemas.run import Run

pytestmark = pytest.mark.anyio

EXPERT = Expert(name="veran", summary="registers", instructions="You know the registers of the SNES.", num_ctx=4096)
NAMES = {"$2100": "INIDISP", "$420B": "MDMAEN", "{$2100}": "INIDISP"}
LOOK: tuple[str, Any] = ("look_up", {"query": "$2100"})
ANSWER = "$2100 is INIDISP."


def server() -> MCPServer[Any]:
    made: MCPServer[Any] = MCPServer("registers")

    @made.tool()
    async def look_up(query: str) -> str:
        """Look a register up."""
        return f"{query} is {NAMES[query]}."

    return made


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    models = {
        "native": ("completion", "tools"),
        "plain": ("completion",),
        "thinker": ("completion", "tools", "thinking"),
    }
    with OllamaDouble(models) as started:
        yield started


async def play(
    double: OllamaDouble, *replies: ScriptedReply, model: str = "native", prompt: str = "What is $2100?", **limits: Any
) -> Run:
    double.script(replies)
    opened = OllamaModel(model, host=double.host, num_ctx=EXPERT.num_ctx)
    agent = Agent(
        EXPERT, servers=[("registers", server())], model=opened, keep=False, limits=Limits(**limits), warm=False
    )
    try:
        with anyio.fail_after(30):
            async with agent:
                return await agent.run(prompt)
    finally:
        await opened.close()


def texts(run: Run) -> list[str]:
    return [record.text for step in run.steps for record in step.calls]


@pytest.mark.parametrize(
    "printed",
    [
        '{"name": "look_up", "arguments": {"query": "$2100"}}',
        '```json\n{"name": "look_up", "arguments": {"query": "$2100"}}\n```',
        '<tool_call>{"name": "look_up", "arguments": {"query": "$2100"}}</tool_call>',
        '<tools>\n{"name": "look_up", "arguments": {"query": "$2100"}}\n</tools>',
    ],
)
async def test_1_a_call_printed_as_text_is_run(double: OllamaDouble, printed: str) -> None:
    run = await play(double, text(printed), text(ANSWER))
    assert (run.answer, run.grounded, texts(run)) == (ANSWER, True, ["$2100 is INIDISP."])
    assert run.steps[0].calls[0].call.from_text


async def test_2_a_prompt_that_was_cut_in_silence_is_noted_and_the_window_is_always_sent(double: OllamaDouble) -> None:
    run = await play(double, ScriptedReply(content=ANSWER, prompt_tokens=800), prompt="$2100? " * 2_000)
    assert "raise num_ctx" in run.steps[0].note
    assert double.chats[0]["options"]["num_ctx"] == 4096


async def test_2_a_conversation_is_fitted_to_the_window_before_the_server_cuts_it(double: OllamaDouble) -> None:
    asked = [calls(("look_up", {"query": "$420B", "why": f"{number} " * 600})) for number in range(9)]
    await play(double, *asked, text(ANSWER), max_steps=20)
    sent = [sum(len(item.get("content", "")) for item in body["messages"]) for body in double.chats]
    assert max(sent) / 3.5 < 4096
    assert all("What is $2100?" in json.dumps(body["messages"]) for body in double.chats)


async def test_3_the_model_is_never_loaded_anew_in_a_run(double: OllamaDouble) -> None:
    await play(double, calls(LOOK), text("$420B is MDMAEN."), calls(("look_up", {"query": "$420B"})), text(ANSWER))
    options = [(body["options"]["num_ctx"], body["keep_alive"]) for body in double.chats]
    assert len(options) >= 3
    assert len(set(options)) == 1


async def test_4_a_model_whose_template_takes_no_tools_is_driven_by_actions(double: OllamaDouble) -> None:
    action = text(json.dumps({"action": "look_up", "arguments": LOOK[1]}))
    final = text(json.dumps({"action": "answer", "answer": ANSWER}))
    run = await play(double, action, final, model="plain")
    assert (run.answer, run.grounded) == (ANSWER, True)
    refused = error(400, "registry.ollama.ai/library/native:latest does not support tools")
    run = await play(double, refused, action, final)
    assert (run.answer, run.grounded) == (ANSWER, True)


@pytest.mark.parametrize("status", [500, 200])
async def test_5_a_call_that_the_server_cannot_parse_is_asked_for_again(double: OllamaDouble, status: int) -> None:
    problem = "error parsing tool call: raw='{\"query\": ', err=unexpected end of JSON input"
    broken = error(500, problem) if status == 500 else stream_error(problem, after="so")
    run = await play(double, broken, calls(LOOK), text(ANSWER))
    assert (run.answer, run.grounded) == (ANSWER, True)


async def test_6_a_brace_inside_an_argument_does_not_cut_the_call(double: OllamaDouble) -> None:
    printed = '```json\n{"name": "look_up", "arguments": {"query": "{$2100}"}}\n```'
    run = await play(double, text(printed), text(ANSWER))
    assert texts(run) == ["{$2100} is INIDISP."]


async def test_7_calls_in_chunks_that_are_not_done_and_parallel_ones_are_all_run(double: OllamaDouble) -> None:
    run = await play(double, calls(LOOK, ("look_up", {"query": "$420B"})), text("$2100 is INIDISP, $420B is MDMAEN."))
    assert texts(run) == ["$2100 is INIDISP.", "$420B is MDMAEN."]
    assert [item["content"] for item in double.chats[1]["messages"] if item["role"] == "tool"] == texts(run)
    assert len({call.id for item in run.messages for call in item.calls}) == 2


async def test_8_a_model_that_only_thinks_is_asked_again_and_its_thoughts_are_kept(double: OllamaDouble) -> None:
    run = await play(double, thinking("hm"), thinking("look", then=calls(LOOK)), text(ANSWER), model="thinker")
    assert (run.answer, run.steps[0].thinking) == (ANSWER, "look")


async def test_9_an_invented_tool_is_refused_with_the_real_ones_and_an_invented_result_is_marked(
    double: OllamaDouble,
) -> None:
    run = await play(double, calls(("find_register", {"q": 1})), calls(LOOK), text(ANSWER))
    assert "look_up" in texts(run)[0]
    assert run.grounded
    invented = await play(double, text("$2100 is BRIGHTNESS_CONTROL."), text("$2100 is BRIGHTNESS_CONTROL."))
    assert (invented.stop, invented.grounded) == ("answer", False)


async def test_10_an_endless_call_ends_and_wrong_arguments_are_explained(double: OllamaDouble) -> None:
    endless = await play(double, *[calls(LOOK)] * 3)
    assert (endless.stop, len(endless.steps)) == ("loop", 3)
    mended = await play(double, calls(("look_up", {"qeury": "$2100"})), calls(LOOK), text(ANSWER))
    assert "query" in texts(mended)[0]
    assert (mended.answer, mended.grounded) == (ANSWER, True)
