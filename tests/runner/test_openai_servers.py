"""What servers that are compatible with OpenAI's send each in its own way, and what the adapter makes of it."""

import gc
import sys
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.http_double import Answer, HttpDouble, Received, json_answer, sse
from runner.models.model import Reply
from runner.models.openai import OpenAIModel
from runner.models.openai_double import chunk
from schemas.message import Image, Message, ToolCall, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(name="look_up", parameters={"type": "object", "properties": {"query": {"type": "string"}}})
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="What is $2100?")]
END = sse("[DONE]")
SAID = chunk({"content": "It is INIDISP."})
STOP = chunk({}, finish="stop")


class Server(HttpDouble[Answer]):
    def answer(self, request: Received) -> Answer:
        return self.next_reply() or json_answer({"error": "no more"}, status=400)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path_factory.mktemp("keys") / "keys.toml"))
    with Server() as server:
        yield server


def stream(*events: bytes) -> Answer:
    return Answer(pieces=events, kind="text/event-stream")


def call(index: int | None, name: str, arguments: str, **more: JsonValue) -> bytes:
    where: dict[str, JsonValue] = {} if index is None else {"index": index}
    return chunk({"tool_calls": [{**where, "function": {"name": name, "arguments": arguments}, **more}]})


async def ask(server: Server, *answers: Answer, messages: list[Message] | None = None, **options: Any) -> Reply:
    server.script(answers)
    model = OpenAIModel("m", url=f"{server.url}/v1", retries=0)
    try:
        with anyio.fail_after(30):
            return await model.reply(messages or ASK, [LOOKUP], **options)
    finally:
        await model.close()


async def failure(server: Server, *answers: Answer) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(server, *answers)
    return caught.value


async def test_remarks_between_events_and_other_line_breaks_are_passed_over(server: Server) -> None:
    events = b": OPENROUTER PROCESSING\r\n\r\n" + (SAID + STOP).replace(b"\n", b"\r\n") + b": ping\n\n" + END
    cut = [events[at : at + 7] for at in range(0, len(events), 7)]
    assert (await ask(server, stream(*cut))).message.text == "It is INIDISP."


async def test_a_stream_of_another_name_is_read_all_the_same(server: Server) -> None:
    for kind in ("text/plain; charset=utf-8", "application/x-ndjson"):
        reply = await ask(server, Answer(pieces=(SAID, STOP, END), kind=kind))
        assert reply.message.text == "It is INIDISP."


async def test_a_connection_that_breaks_after_the_end_costs_nothing(server: Server) -> None:
    reply = await ask(server, Answer(pieces=(SAID, STOP, END), kind="text/event-stream", dropped=True))
    assert reply.message.text == "It is INIDISP."


async def test_a_server_that_does_not_close_what_is_over_is_not_waited_for(server: Server) -> None:
    begun = time.monotonic()
    reply = await ask(server, Answer(pieces=(SAID, STOP, END), kind="text/event-stream", stall=20.0))
    assert reply.message.text == "It is INIDISP." and time.monotonic() - begun < 10


async def test_a_reply_read_to_its_end_leaves_nothing_to_be_cleared_away(server: Server) -> None:
    """Generators that are left half read are closed later, each in a task of its own, at the cost of every step."""
    left: list[object] = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=left.append)
    try:
        await ask(server, stream(SAID, STOP, END))
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert left == []


async def test_the_count_after_the_end_is_an_end_too(server: Server) -> None:
    counted = sse({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})
    reply = await ask(server, stream(SAID, counted, END))
    assert (reply.message.text, reply.usage.total) == ("It is INIDISP.", 13)
    assert "before it was done" in str(await failure(server, stream(SAID, END)))


@pytest.mark.parametrize("arguments", ["", '{"query": "a', '{"query"'])
async def test_a_call_that_the_limit_cut_off_is_never_run(server: Server, arguments: str) -> None:
    whole = call(0, "look_up", '{"query": "a"}', id="c1")
    reply = await ask(server, stream(whole, call(1, "look_up", arguments, id="c2"), chunk({}, finish="length")))
    good, cut = reply.message.calls
    assert reply.cut_off and not good.problem and "cut off at the limit" in cut.problem


async def test_a_call_of_the_older_kind_is_a_call(server: Server) -> None:
    pieces = [{"name": "look_up", "arguments": ""}, {"arguments": '{"query":'}, {"arguments": ' "a"}'}]
    events = [chunk({"function_call": dict[str, JsonValue](piece)}) for piece in pieces]
    (made,) = (await ask(server, stream(*events, chunk({}, finish="function_call"), END))).message.calls
    assert (made.name, made.arguments, made.problem) == ("look_up", {"query": "a"}, "")


async def test_arguments_that_were_encoded_twice_are_read(server: Server) -> None:
    (made,) = (await ask(server, stream(call(0, "look_up", '"{\\"query\\": \\"a\\"}"'), STOP))).message.calls
    assert (made.arguments, made.problem) == ({"query": "a"}, "")


async def test_thinking_whose_beginning_is_in_the_template_is_no_part_of_the_answer(server: Server) -> None:
    thought = chunk({"content": "Which register is that?\n"})
    reply = await ask(server, stream(thought, chunk({"content": "</think>\n\nINIDISP"}), STOP))
    assert (reply.message.text, reply.message.thinking) == ("INIDISP", "Which register is that?")
    told = "Write `</think>`\nto end it, and '</think>' is text."
    assert (await ask(server, stream(chunk({"content": told}), STOP))).message.text == told


async def test_text_and_thinking_in_a_list_of_parts_are_told_apart(server: Server) -> None:
    thought = chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]})
    reply = await ask(server, stream(thought, chunk({"content": [{"type": "text", "text": "INIDISP"}]}), STOP))
    assert (reply.message.text, reply.message.thinking) == ("INIDISP", "hm")


@pytest.mark.parametrize(
    "event",
    [
        sse({"error": {"message": "out of memory", "code": 502}}),
        sse({"object": "error", "message": "out of memory", "type": "ServerError", "code": 500}),
        sse({"choices": [{"delta": {"content": ""}, "finish_reason": "error"}], "error": {"message": "out of memory"}}),
    ],
)
async def test_an_error_in_mid_stream_is_told_with_its_reason(server: Server, event: bytes) -> None:
    error = await failure(server, stream(SAID, event))
    assert "gave the reply up: out of memory; ask again" in str(error)
    assert error.retryable and error.partial == "It is INIDISP."


async def test_a_reply_that_is_no_stream_is_taken_whole(server: Server) -> None:
    choice: JsonValue = {"index": 0, "message": {"role": "assistant", "content": "INIDISP"}, "finish_reason": "stop"}
    usage: JsonValue = {"prompt_tokens": 5, "completion_tokens": 2}
    reply = await ask(server, json_answer({"object": "chat.completion", "choices": [choice], "usage": usage}))
    assert (reply.message.text, reply.usage.total) == ("INIDISP", 7)
    assert "no credits" in str(await failure(server, json_answer({"error": {"message": "no credits", "code": 402}})))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": "model is loading"}, "model is loading"),
        (400, {"object": "error", "message": "too hot", "code": 400}, "too hot"),
        (422, {"detail": [{"loc": ["body", "top_k"], "msg": "extra field"}]}, "extra field"),
        (402, {"error": {"message": "Insufficient credits"}}, "add credit"),
        (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, "add credit"),
    ],
)
async def test_each_form_of_an_error_is_told_with_what_to_do(
    server: Server, status: int, body: JsonValue, said: str
) -> None:
    assert said in str(await failure(server, json_answer(body, status=status)))


WITHOUT = "litellm.UnsupportedParamsError: Anthropic doesn't support tool calling without `tools=` param specified."
NONE = "Bedrock doesn't support tool_choice=none. Supported tool_choice values=['auto', 'required', json object]."


@pytest.mark.parametrize("problems", [[WITHOUT], [WITHOUT, NONE]])
async def test_a_proxy_that_wants_the_tools_of_a_history_gets_them_from_then_on(
    server: Server, problems: list[str]
) -> None:
    refusals = [json_answer({"error": {"message": problem}}, status=400) for problem in problems]
    server.script([*refusals, *[stream(SAID, STOP, END)] * 2])
    called = Message(role="assistant", calls=(ToolCall(id="call_1", name=LOOKUP.name, arguments={"query": "x"}),))
    history = [*ASK, called, Message(role="tool", call_id="call_1", tool=LOOKUP.name, text="y")]
    model = OpenAIModel("m", url=f"{server.url}/v1", retries=0)
    with anyio.fail_after(30):
        for _ in range(2):
            assert (await model.reply(history, [LOOKUP], must_answer=True)).message.text == "It is INIDISP."
    await model.close()
    bodies = server.bodies("/chat/completions")
    first, *later = [(len(body.get("tools", [])), body.get("tool_choice")) for body in bodies]
    assert first == (0, None) and later == [(1, "none"), *[(1, None if NONE in problems else "none")] * len(problems)]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "The response was filtered by the content management policy.", "code": "content_filter"}),
        (403, {"message": "Your input was flagged by moderation.", "code": 403}),
    ],
)
async def test_a_prompt_that_is_filtered_is_a_refusal_and_no_wrong_key(
    server: Server, status: int, error: dict[str, JsonValue]
) -> None:
    heard: list[str] = []
    reply = await ask(server, json_answer({"error": error}, status=status), on_text=heard.append)
    assert reply.refused and reply.message.text == error["message"] == "".join(heard)


async def test_a_router_that_finds_nobody_who_can_see_is_asked_without_pictures(server: Server) -> None:
    picture = Image(data="aGk=", mime_type="image/png")
    refused = json_answer({"error": {"message": "No endpoints found that support image input"}}, status=404)
    shown = [Message(role="user", text="What is this?", images=(picture,))]
    reply = await ask(server, refused, stream(SAID, STOP), messages=shown)
    assert reply.note == "the model takes no pictures" and "aGk=" not in str(server.requests[1].body)


async def test_a_picture_that_no_server_reads_is_told_in_its_place(server: Server) -> None:
    pictures = (Image(data="aGk=", mime_type="image/png"), Image(data="aGk=", mime_type="image/svg+xml"))
    await ask(server, stream(SAID, STOP), messages=[Message(role="user", text="Look:", images=pictures)])
    text, picture = server.requests[0].body["messages"][0]["content"]
    assert text["text"].startswith("Look:\n[a picture of the type 'image/svg+xml'")
    assert picture["image_url"] == {"url": "data:image/png;base64,aGk="}


async def test_an_answer_by_actions_that_breaks_off_leaves_its_text(server: Server) -> None:
    no_tools = json_answer({"error": {"message": "this model does not support tools"}}, status=400)
    begun = chunk({"content": '{"action": "answer", "answer": "It is INI'})
    assert (await failure(server, no_tools, stream(begun))).partial == "It is INI"
    assert (await failure(server, stream(chunk({"content": "<think>which one"})))).partial == ""


async def test_a_name_that_a_model_invented_goes_back_in_characters_that_servers_take(server: Server) -> None:
    invented = stream(call(0, "look up: $2100?" * 9, "{}", id="c1"), chunk({}, finish="tool_calls"))
    first = await ask(server, invented)
    told = Message(role="tool", call_id="c1", tool="x", text="no such tool", failed=True)
    await ask(server, stream(SAID, STOP), messages=[*ASK, first.message, told])
    (sent,) = server.requests[1].body["messages"][2]["tool_calls"]
    assert sent["id"] == "c1" and sent["function"]["name"].startswith("look_up___2100_look_up")
    assert len(sent["function"]["name"]) == 64
