import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.model import Reply
from runner.models.ollama import OllamaModel, ollama_status
from runner.models.ollama_chat import Waits, daemon_url
from runner.models.ollama_double import OllamaDouble
from runner.models.ollama_wire import ScriptedReply, calls, drop, error, raw, stream_error, text, thinking
from schemas.message import Message, ToolCall, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    description="Look up a fact.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "what to look for"},
            "kind": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
)
ASSEMBLE = ToolSpec(
    name="assemble",
    description="Assemble code.",
    parameters={"type": "object", "properties": {"source": {"type": "string"}}, "required": ["source"]},
)
TOOLS = [LOOKUP, ASSEMBLE]
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
CALL: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
PRINTED = '{"name": "alttp_lookup", "arguments": {"query": "health"}}'
MODELS = {
    "native": ("completion", "tools"),
    "plain": ("completion",),
    "thinker": ("completion", "tools", "thinking"),
    "embedder": ("embedding",),
}


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(MODELS) as double:
        yield double


@pytest.fixture
async def native(double: OllamaDouble) -> AsyncIterator[OllamaModel]:
    model = OllamaModel("native", host=double.host)
    yield model
    await model.close()


async def _reply(model: OllamaModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(20):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


async def _once(double: OllamaDouble, name: str, *replies: ScriptedReply, **options: Any) -> Reply:
    double.script(replies)
    model = OllamaModel(name, host=double.host)
    try:
        return await _reply(model, **options)
    finally:
        await model.close()


def _called(reply: Reply) -> list[tuple[str, str, dict[str, Any]]]:
    return [(call.id, call.name, dict(call.arguments)) for call in reply.message.calls]


def _after_a_call(*results: Message, made: tuple[ToolCall, ...]) -> list[Message]:
    return [*ASK, Message(role="assistant", thinking="hm", calls=made), *results]


async def test_the_second_request_holds_the_call_and_its_result_as_ollama_documents_them(
    double: OllamaDouble, native: OllamaModel
) -> None:
    double.script([calls(CALL), text("Link's health is at $7EF36D.")])
    first = await _reply(native)
    result = Message(role="tool", text="$7EF36D: health", call_id=first.message.calls[0].id, tool="alttp_lookup")
    second = await _reply(native, [*ASK, first.message, result])
    assert second.message.text == "Link's health is at $7EF36D."
    tools = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in TOOLS
    ]
    asked = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is Link's health?"},
    ]
    rest = {
        "tools": tools,
        "options": {"num_ctx": 8192, "temperature": 0.0, "num_predict": 4096},
        "stream": True,
        "keep_alive": "10m",
        "truncate": False,
        "shift": False,
    }
    assert double.chats == [
        {"model": "native", "messages": asked, **rest},
        {
            "model": "native",
            "messages": [
                *asked,
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"function": {"name": "alttp_lookup", "arguments": {"query": "health"}}}],
                },
                {"role": "tool", "content": "$7EF36D: health", "tool_name": "alttp_lookup"},
            ],
            **rest,
        },
    ]


async def test_options_are_the_same_in_every_request(double: OllamaDouble) -> None:
    double.script([calls(CALL), text("done")])
    model = OllamaModel("thinker", host=double.host, num_ctx=4096, temperature=0.5, keep_alive="1h", max_tokens=99)
    await _reply(model)
    await _reply(model, must_answer=True)
    await model.close()
    for body in double.chats:
        assert body["options"] == {"num_ctx": 4096, "temperature": 0.5, "num_predict": 99}
        assert (body["keep_alive"], body["think"], body["stream"]) == ("1h", False, True)


async def test_capabilities_are_asked_for_once(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("a"), text("b")])
    await native.load()
    await _reply(native)
    await _reply(native)
    assert [request.path for request in double.requests] == ["/api/show", "/api/chat", "/api/chat"]


async def test_think_is_sent_only_to_models_that_can(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("a")])
    await _reply(native)
    assert "think" not in double.chats[0]


async def test_a_call_is_collected_from_a_chunk_that_is_not_done(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(CALL, say="Let me look."))
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})]
    assert reply.message.text == "Let me look." and reply.usage.answer_tokens == 15 and reply.usage.prompt_tokens > 0


async def test_parallel_calls_keep_their_order_and_get_ids_of_their_own(double: OllamaDouble) -> None:
    before = _after_a_call(Message(role="tool", text="r", tool="assemble"), made=(ToolCall(id="call_4", name="x"),))
    reply = await _once(double, "native", calls(CALL, ("assemble", {"source": "rtl"}), CALL), messages=before)
    assert [call[:2] for call in _called(reply)] == [
        ("call_5", "alttp_lookup"),
        ("call_6", "assemble"),
        ("call_7", "alttp_lookup"),
    ]


async def test_results_of_parallel_calls_are_sent_in_their_order(double: OllamaDouble, native: OllamaModel) -> None:
    made = (ToolCall(id="a", name="assemble"), ToolCall(id="b", name="alttp_lookup"))
    results = [
        Message(role="tool", text="bad", call_id="a", tool="assemble", failed=True),
        Message(role="tool", text="ok", call_id="b", tool="alttp_lookup"),
    ]
    double.script([text("done")])
    await _reply(native, _after_a_call(*results, made=made))
    assert double.chats[0]["messages"][-2:] == [
        {"role": "tool", "content": "Error: bad", "tool_name": "assemble"},
        {"role": "tool", "content": "ok", "tool_name": "alttp_lookup"},
    ]


async def test_ids_of_the_daemon_are_kept_unless_they_repeat(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(CALL, CALL, ids=("x1", "x2")))
    assert [call[0] for call in _called(reply)] == ["x1", "x2"]
    again = await _once(double, "native", calls(CALL, CALL, ids=("same", "same")))
    assert [call[0] for call in _called(again)] == ["call_1", "call_2"]


async def test_a_call_of_an_unknown_tool_passes_through(double: OllamaDouble) -> None:
    reply = await _once(double, "native", calls(("made_up", {"x": 1})))
    assert _called(reply) == [("call_1", "made_up", {"x": 1})]


@pytest.mark.parametrize(
    ("arguments", "expected", "problem"),
    [
        ('{"query": "health"}', {"query": "health"}, ""),
        ('{"query": "hea', {}, "not valid JSON"),
        ([1], {}, "must be one JSON object"),
        (None, {}, ""),
    ],
)
async def test_arguments_that_are_no_object_are_read_or_reported(
    double: OllamaDouble, arguments: Any, expected: dict[str, Any], problem: str
) -> None:
    reply = await _once(double, "native", calls(("alttp_lookup", arguments)))
    (call,) = reply.message.calls
    assert call.arguments == expected and problem in call.problem and bool(problem) == bool(call.problem)


@pytest.mark.parametrize(
    "printed", [PRINTED, f"```json\n{PRINTED}\n```", f"<tool_call>{PRINTED}</tool_call>", f"<tools>\n{PRINTED}"]
)
async def test_a_call_printed_as_text_is_a_call_and_is_not_shown(double: OllamaDouble, printed: str) -> None:
    shown: list[str] = []
    reply = await _once(double, "native", text(printed), on_text=shown.append)
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})]
    assert (reply.message.text, shown) == ("", []) and "printed" in reply.note


async def test_an_example_of_a_call_in_prose_stays_text(double: OllamaDouble) -> None:
    said = f"```json\n{PRINTED}\n```\nis how you would call it."
    shown: list[str] = []
    reply = await _once(double, "native", text(said), on_text=shown.append)
    assert (reply.message.text, reply.message.calls, "".join(shown)) == (said, (), said)


async def test_text_is_shown_as_it_arrives(double: OllamaDouble) -> None:
    shown: list[str] = []
    await _once(double, "native", text("Link's health is at $7EF36D."), on_text=shown.append)
    assert shown == ["Link's", " health", " is", " at", " $7EF36D."]


async def test_where_an_answer_is_due_no_tools_are_offered(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text(PRINTED), must_answer=True)
    assert "tools" not in double.chats[0] and reply.message.text == PRINTED


async def test_examples_are_for_models_without_tools(double: OllamaDouble, native: OllamaModel) -> None:
    example = [
        Message(role="user", text="example?", example=True),
        Message(role="assistant", calls=(ToolCall(id="e", name="assemble"),), example=True),
    ]
    double.script([text("done")])
    await _reply(native, [*example, *ASK])
    assert [message["content"] for message in double.chats[0]["messages"]] == [message.text for message in ASK]


async def test_a_model_without_tools_gets_action_json_through_format(double: OllamaDouble) -> None:
    shown: list[str] = []
    said = '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    reply = await _once(double, "plain", text(said), on_text=shown.append)
    body = double.chats[0]
    assert "tools" not in body and "think" not in body
    assert [branch["properties"]["action"]["const"] for branch in body["format"]["oneOf"]] == [
        "alttp_lookup",
        "assemble",
        "answer",
    ]
    assert "alttp_lookup(query" in body["messages"][0]["content"]
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})] and shown == []


async def test_a_model_without_tools_sees_its_result_and_its_answer_streams(double: OllamaDouble) -> None:
    made = (ToolCall(id="call_1", name="alttp_lookup", arguments={"query": "health"}),)
    result = Message(role="tool", text="$7EF36D: health", call_id="call_1", tool="alttp_lookup")
    shown: list[str] = []
    reply = await _once(
        double,
        "plain",
        text('{"action": "answer", "answer": "It is at $7EF36D."}'),
        messages=_after_a_call(result, made=made),
        on_text=shown.append,
        must_answer=True,
    )
    body = double.chats[0]
    assert body["messages"][2]["content"] == '{"action": "alttp_lookup", "arguments": {"query": "health"}}'
    assert body["messages"][3]["content"].startswith("Result of alttp_lookup: $7EF36D: health")
    assert body["format"]["properties"]["action"] == {"const": "answer"}
    assert reply.message.text == "".join(shown) == "It is at $7EF36D." and len(shown) > 1


async def test_a_model_without_tools_that_ignores_the_format_is_still_heard(double: OllamaDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, "plain", text("It is at $7EF36D."), on_text=shown.append)
    assert reply.message.text == "".join(shown) == "It is at $7EF36D."


async def test_a_model_without_tools_is_asked_plainly_when_none_are_offered(double: OllamaDouble) -> None:
    reply = await _once(double, "plain", text("Hello."), tools=[])
    assert "format" not in double.chats[0] and reply.message.text == "Hello."


async def test_a_refusal_of_tools_changes_to_action_json_for_good(double: OllamaDouble) -> None:
    refusal = error(400, "registry.ollama.ai/library/native:latest does not support tools")
    said = '{"action": "assemble", "arguments": {"source": "rtl"}}'
    double.script([refusal, text(said), text('{"action": "answer", "answer": "ok"}')])
    model = OllamaModel("native", host=double.host)
    first, second = await _reply(model), await _reply(model)
    await model.close()
    assert _called(first) == [("call_1", "assemble", {"source": "rtl"})] and "action JSON" in first.note
    assert second.message.text == "ok" and second.note == ""
    assert ["tools" in body for body in double.chats] == [True, False, False]


async def test_a_refusal_of_think_leaves_it_out(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", error(400, '"thinker" does not support thinking'), text("ok"))
    assert reply.message.text == "ok" and ["think" in body for body in double.chats] == [True, False]


async def test_a_reply_that_only_thinks_is_asked_for_again(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", thinking("hmm"), calls(CALL))
    assert _called(reply) == [("call_1", "alttp_lookup", {"query": "health"})] and "asked twice" in reply.note
    first, second = double.chats
    assert second["messages"][:-1] == first["messages"] and "empty" in second["messages"][-1]["content"]
    assert second["options"]["temperature"] > first["options"]["temperature"]
    assert second["options"]["num_ctx"] == first["options"]["num_ctx"]


async def test_tokens_of_every_try_are_counted(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text(""), text("ok"))
    assert reply.usage.answer_tokens == 30


async def test_a_model_with_tools_that_stays_silent_is_asked_for_an_action(double: OllamaDouble) -> None:
    reply = await _once(double, "thinker", thinking("hm"), thinking("hm"), text('{"action": "answer", "answer": "ok"}'))
    assert reply.message.text == "ok" and ["format" in body for body in double.chats] == [False, False, True]


@pytest.mark.parametrize("name", ["native", "plain"])
async def test_a_model_that_says_nothing_at_all_is_an_error(double: OllamaDouble, name: str) -> None:
    with pytest.raises(ModelError, match="said nothing, twice") as caught:
        await _once(double, name, *[text("")] * 3)
    assert caught.value.retryable


async def test_thinking_left_in_the_text_is_split_off(double: OllamaDouble) -> None:
    shown: list[str] = []
    reply = await _once(double, "native", text("<think>\nlet me see\n</think>\n\nIt is."), on_text=shown.append)
    assert (reply.message.text, reply.message.thinking, "".join(shown)) == ("It is.", "let me see", "It is.")


@pytest.mark.parametrize("status", [500, 200])
async def test_a_call_that_ollama_cannot_read_is_asked_for_again(double: OllamaDouble, status: int) -> None:
    problem = "error parsing tool call: raw='{\"query\": ', err=unexpected end of JSON input"
    refusal = error(500, problem) if status == 500 else stream_error(problem, after="so")
    reply = await _once(double, "native", refusal, calls(CALL))
    assert len(reply.message.calls) == 1 and "valid JSON" in double.chats[1]["messages"][-1]["content"]


async def test_a_call_that_ollama_never_can_read_becomes_an_action(double: OllamaDouble) -> None:
    refusal = error(500, "error parsing tool call: raw='x'")
    said = '{"action": "assemble", "arguments": {"source": "rtl"}}'
    reply = await _once(double, "native", refusal, refusal, text(said))
    assert _called(reply) == [("call_1", "assemble", {"source": "rtl"})] and "format" in double.chats[2]


@pytest.mark.parametrize("reply", [drop(after="It is at"), stream_error(after="It is at")])
async def test_a_daemon_that_dies_in_mid_stream_leaves_what_it_said(double: OllamaDouble, reply: ScriptedReply) -> None:
    with pytest.raises(ModelError) as caught:
        await _once(double, "native", reply)
    assert caught.value.partial == "It is at" and caught.value.retryable and "ask again" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (raw(b'{"message":{"role":"assistant","content":"x"},"done":false}'), "before it was done"),
        (raw(b'{"message":{"role":"assistant","content":"x"},"done":false}', b'{"mess'), "not JSON"),
        (raw(b"[1]"), "no object"),
        (raw(b"\xff\xfe\x00"), "not JSON"),
        (raw(b"[" * 100_000), "not JSON"),
        (error(500, "model requires more system memory"), "more system memory"),
        (error(503, "server busy, please try again.  maximum pending requests exceeded"), "busy"),
        (error(400, '{"error":{"message":"request (9000 tokens) exceeds the available context size"}}'), "num_ctx"),
    ],
)
async def test_rubbish_and_refusals_are_errors_that_say_what_happened(
    double: OllamaDouble, reply: ScriptedReply, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        await _once(double, "native", reply)


async def test_fields_of_a_wrong_type_are_passed_over(double: OllamaDouble) -> None:
    reply = await _once(
        double,
        "native",
        raw(
            b'{"message":{"content":5,"thinking":[],"tool_calls":"x"},"done":false}',
            b'{"message":7}',
            b'{"message":{"content":"a\\ud800\xc2\x85b","tool_calls":[5,{"function":{"name":"assemble"}}]}}',
            b'{"done":true,"prompt_eval_count":"many","eval_count":-3}',
        ),
    )
    assert reply.message.text == "a\ufffd\x85b" and reply.usage.total == 0
    assert [(call.name, bool(call.problem)) for call in reply.message.calls] == [
        ("unreadable", True),
        ("assemble", False),
    ]


async def test_a_reply_cut_at_the_token_limit_says_so(double: OllamaDouble) -> None:
    assert (await _once(double, "native", ScriptedReply(content="It is", done_reason="length"))).cut_off
    assert not (await _once(double, "native", text("It is"))).cut_off


async def test_a_prompt_that_was_cut_in_silence_is_noted(double: OllamaDouble) -> None:
    long = [Message(role="user", text="word " * 4000)]
    cut = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=1025), messages=long)
    assert "raise num_ctx" in cut.note
    whole = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=4100), messages=long)
    unknown = await _once(double, "native", ScriptedReply(content="ok", prompt_tokens=0), messages=long)
    assert whole.note == unknown.note == ""


async def test_control_characters_and_line_separators_are_sent_as_they_are(double: OllamaDouble) -> None:
    reply = await _once(double, "native", text("ok"), messages=[Message(role="user", text="a\x00b\n\u2028")])
    assert reply.message.text == "ok" and double.chats[0]["messages"][0]["content"] == "a\x00b\n\u2028"


async def test_a_missing_model_names_the_command_that_gets_it(double: OllamaDouble) -> None:
    with pytest.raises(ModelMissing, match="run `ollama pull nayru-v5`"):
        await _once(double, "nayru-v5")


async def test_a_model_removed_in_mid_run_is_missing_too(double: OllamaDouble, native: OllamaModel) -> None:
    await native.load()
    del double.models["native:latest"]
    with pytest.raises(ModelMissing, match="ollama pull native"):
        await _reply(native)


async def test_a_model_that_cannot_chat_is_an_error(double: OllamaDouble) -> None:
    with pytest.raises(ModelError, match="does not support"):
        await _once(double, "embedder", tools=[])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_without_a_daemon_the_error_names_the_command_that_starts_it() -> None:
    model = OllamaModel("native", host=f"127.0.0.1:{_free_port()}")
    with pytest.raises(ModelError, match="start `ollama serve`") as caught:
        await _reply(model)
    assert caught.value.retryable
    await model.close()


async def test_a_daemon_that_goes_away_between_replies_is_an_error() -> None:
    with OllamaDouble(MODELS) as double:
        model = OllamaModel("native", host=double.host)
        await model.load()
    with pytest.raises(ModelError, match="ollama serve"):
        await _reply(model)
    await model.close()


async def test_a_daemon_that_falls_silent_is_an_error_within_the_wait(double: OllamaDouble) -> None:
    double.script([ScriptedReply(content="late", delay=10.0)])
    model = OllamaModel("native", host=double.host, waits=Waits(first=0.1, quiet=0.1))
    with pytest.raises(ModelError, match="fell silent"):
        await _reply(model)
    await model.close()


async def test_a_reply_can_be_cancelled_and_the_model_used_again(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([ScriptedReply(content="late", delay=10.0)])
    with anyio.move_on_after(0.2) as scope:
        await native.reply(ASK, TOOLS)
    assert scope.cancelled_caught
    double.script([text("ok")])
    assert (await _reply(native)).message.text == "ok"


async def test_closing_twice_is_safe(double: OllamaDouble, native: OllamaModel) -> None:
    double.script([text("ok")])
    await _reply(native)
    await native.close()
    await native.close()
    assert native.name == "ollama:native"


async def test_the_status_names_the_version_and_the_models(double: OllamaDouble) -> None:
    status = await ollama_status(double.host)
    assert (status.answers, status.version) == (True, "0.24.0")
    assert status.models == ("native:latest", "plain:latest", "thinker:latest", "embedder:latest")


async def test_the_status_without_a_daemon_says_how_to_start_one() -> None:
    with anyio.fail_after(5):
        status = await ollama_status(f"127.0.0.1:{_free_port()}")
    assert not status.answers and "ollama serve" in status.detail


async def test_the_status_of_something_that_never_answers_comes_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, anyio.fail_after(5):
        status = await ollama_status(f"127.0.0.1:{deaf.getsockname()[1]}")
    assert not status.answers


async def test_the_status_of_a_wrong_address_says_so() -> None:
    status = await ollama_status("ftp://x")
    assert not status.answers and "host:port" in status.detail


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:5", "http://box:5"),
        (":11434", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("[::]:99", "http://[::1]:99"),
        ('"127.0.0.1:5"', "http://127.0.0.1:5"),
        ("http://box", "http://box:80"),
        ("https://box/ollama/", "https://box:443/ollama"),
    ],
)
async def test_the_address_takes_the_forms_that_ollama_takes(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert daemon_url(host) == url
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert daemon_url() == url


@pytest.mark.parametrize("host", ["ftp://x", "box:port", "box:99999999", "a b", "http://[::1", "x\x00y"])
async def test_what_is_no_address_is_a_clear_error(host: str) -> None:
    with pytest.raises(ConfigError, match="host:port"):
        daemon_url(host)
