"""What goes wrong with Claude, and what the adapter makes of it."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import JsonValue

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.claude import ClaudeModel
from runner.models.claude_double import ClaudeDouble, stream_of
from runner.models.http_double import Answer, HttpDouble, Received, ScriptedReply, sse
from runner.models.model import Reply
from runner.models.turn import EMPTY
from schemas.message import Message, ToolCall, ToolSpec

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(name="alttp_lookup", parameters={"type": "object", "properties": {"query": {"type": "string"}}})
TOOLS = [LOOKUP]
ASK = [Message(role="system", text="Be brief."), Message(role="user", text="Where is Link's health?")]
CALL: tuple[str, Any] = ("alttp_lookup", {"query": "health"})
NAME = "claude-sonnet-5-5"


@pytest.fixture
def double() -> Iterator[ClaudeDouble]:
    with ClaudeDouble([NAME]) as double:
        yield double


@pytest.fixture
async def model(double: ClaudeDouble) -> AsyncIterator[ClaudeModel]:
    model = ClaudeModel(NAME, url=double.url, key=double.key)
    yield model
    await model.close()


async def ask(model: ClaudeModel, messages: list[Message] | None = None, **options: Any) -> Reply:
    with anyio.fail_after(30):
        return await model.reply(messages or ASK, options.pop("tools", TOOLS), **options)


def result(call: ToolCall, text: str = "$7EF36D", **fields: Any) -> Message:
    return Message(role="tool", call_id=call.id, tool=call.name, text=text, **fields)


async def test_arguments_that_are_not_json_are_a_problem_of_the_call_and_can_be_mended(
    double: ClaudeDouble, model: ClaudeModel
) -> None:
    double.script([ScriptedReply(calls=(("alttp_lookup", '{"query": '),)), ScriptedReply(calls=(CALL,))])
    first = await ask(model)
    (broken,) = first.message.calls
    assert "not valid JSON" in broken.problem and broken.arguments == {}
    told = [*ASK, first.message, result(broken, broken.problem, failed=True)]
    assert (await ask(model, told)).message.calls[0].arguments == {"query": "health"}
    assert double.chats[1]["messages"][1]["content"][0]["input"] == {}


async def test_an_empty_reply_is_asked_for_once_more_with_a_word(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(text=" \n"), ScriptedReply(text="There.")])
    reply = await ask(model)
    assert reply.message.text == "There." and reply.note == "asked twice"
    assert double.chats[1]["messages"][-1]["content"][-1]["text"] == EMPTY


async def test_two_empty_replies_are_an_error(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(), ScriptedReply(thinking="Hm.")])
    with pytest.raises(ModelError, match="said nothing, twice"):
        await ask(model)


@pytest.mark.parametrize("status", [429, 500, 529, 408])
async def test_what_may_pass_is_asked_again_by_the_client(
    double: ClaudeDouble, model: ClaudeModel, status: int
) -> None:
    busy = ScriptedReply(status=status, problem="later", retry_after=0.01)
    double.script([busy, busy, ScriptedReply(text="There.")])
    assert (await ask(model)).message.text == "There."
    assert len(double.chats) == 3


async def test_a_provider_that_stays_busy_is_an_error_that_can_be_tried_again(double: ClaudeDouble) -> None:
    double.script([ScriptedReply(status=429, problem="rate limit", retry_after=0.01)] * 2)
    model = ClaudeModel(NAME, url=double.url, key=double.key, retries=1)
    with pytest.raises(ModelError, match=r"429: rate limit.*later") as caught:
        await ask(model)
    await model.close()
    assert caught.value.retryable and double.left == 0


@pytest.mark.parametrize(
    "reply",
    [
        ScriptedReply(text="At $7EF36D, in", dropped=True),
        ScriptedReply(text="At $7EF36D, in", problem="Overloaded"),
        ScriptedReply(pieces=stream_of(ScriptedReply(text="At $7EF36D, in"))[:-2]),
        ScriptedReply(pieces=(*stream_of(ScriptedReply(text="At $7EF36D, in"))[:-2], b"event: x\ndata: {nonsense\n\n")),
    ],
)
async def test_a_death_in_mid_stream_keeps_what_was_said(
    double: ClaudeDouble, model: ClaudeModel, reply: ScriptedReply
) -> None:
    double.script([reply])
    with pytest.raises(ModelError) as caught:
        await ask(model)
    assert caught.value.partial == "At $7EF36D, in" and caught.value.retryable
    assert caught.value.usage.prompt_tokens > 0, "the beginning of the message says what was read"
    assert len(double.chats) == 1


async def test_a_reply_that_is_given_up_at_its_beginning_is_asked_for_again(double: ClaudeDouble) -> None:
    overloaded = ScriptedReply(problem="Overloaded")
    double.script([overloaded, ScriptedReply(text="$7EF36D"), overloaded, overloaded])
    model = ClaudeModel(NAME, url=double.url, key=double.key, retries=1)
    assert (await ask(model)).message.text == "$7EF36D" and len(double.chats) == 2
    with pytest.raises(ModelError, match="529: Overloaded"):
        await ask(model)
    await model.close()
    assert double.left == 0


async def test_cancelling_a_reply_hangs_up(double: ClaudeDouble, model: ClaudeModel) -> None:
    await model.load()
    double.script([ScriptedReply(text="too late", delay=10)])
    with anyio.move_on_after(0.5) as scope:
        await model.reply(ASK, TOOLS)
    assert scope.cancelled_caught
    with anyio.fail_after(10):
        while not double.hung_up:
            await anyio.lowlevel.checkpoint()
    double.script([ScriptedReply(text="There.")])
    assert (await ask(model)).message.text == "There."


async def test_a_wrong_key_is_told_without_being_shown(double: ClaudeDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-dummy-key-123456"
    model = ClaudeModel(NAME, url=double.url, key=wrong)
    with pytest.raises(ModelError, match="ANTHROPIC_API_KEY") as caught:
        await ask(model)
    await model.close()
    assert wrong not in f"{caught.value!s} {caught.value!r} {model!r} {vars(caught.value)} {caplog.text}"


async def test_a_key_that_the_provider_quotes_is_taken_out(
    double: ClaudeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", double.key)
    double.script([ScriptedReply(status=400, problem=f"bad header x-api-key: {double.key}\x1b[2J")])
    model = ClaudeModel(NAME, url=double.url)
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.close()
    assert "[key]" in str(caught.value) and double.key not in str(caught.value) and "\x1b" not in str(caught.value)


async def test_without_a_key_no_request_is_made(
    double: ClaudeDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("AFS_KEYS_FILE", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY"):
        await ask(ClaudeModel(NAME, url=double.url))
    assert double.requests == []


async def test_a_model_that_is_not_there_is_missing(double: ClaudeDouble) -> None:
    model = ClaudeModel("claude-none", url=double.url, key=double.key)
    with pytest.raises(ModelMissing, match="claude-none"):
        await ask(model)
    await model.close()


async def test_a_redirect_carries_the_key_nowhere(double: ClaudeDouble) -> None:
    with ClaudeDouble([NAME]) as other:
        model = ClaudeModel(NAME, url=double.url, key=double.key)
        double.script([ScriptedReply(status=307, problem=other.url)])
        with pytest.raises(ModelError, match="redirect"):
            await ask(model)
        await model.close()
        assert other.requests == []


async def test_nobody_at_the_address_is_told_with_a_way_out() -> None:
    model = ClaudeModel(NAME, url="http://127.0.0.1:9", key="dummy-key-0123456789", retries=0)
    with pytest.raises(ModelError, match="--model embedded") as caught:
        await ask(model)
    await model.close()
    assert caught.value.retryable


async def test_an_answer_without_end_is_given_up(double: ClaudeDouble, model: ClaudeModel) -> None:
    flood = sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 1_000_000}})
    double.script([ScriptedReply(pieces=(*stream_of(ScriptedReply(text="a"))[:3], *[flood] * 6))])
    with pytest.raises(ModelError, match="longer than"):
        await ask(model)


@pytest.mark.parametrize(
    "url", ["http://api.example.org", "ftp://x", "https://user:pw@x.org", "x", "http://[", "https:// x"]
)
async def test_an_address_that_no_key_may_go_to_is_refused_before_any_request(url: str) -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_BASE_URL") as caught:
        await ask(ClaudeModel(NAME, url=url, key="dummy-key-0123456789"))
    assert "pw" not in str(caught.value)


class _Packed(ClaudeDouble):
    def answer(self, request: Received) -> Answer:
        return Answer(pieces=(b"\x1f\x8b",), kind="text/event-stream", headers={"Content-Encoding": "gzip"})


async def test_a_compressed_answer_is_refused() -> None:
    with _Packed() as double:
        model = ClaudeModel("m", url=double.url, key=double.key, retries=0)
        with pytest.raises(ModelError, match="compressed"):
            await ask(model)
        await model.close()


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_an_error_in_another_servers_form_is_told_with_its_reason(kind: str) -> None:
    class Other(HttpDouble[Answer]):
        def answer(self, request: Received) -> Answer:
            error: JsonValue = {"error": {"type": "overloaded_error", "message": "out of memory"}}
            return Answer(pieces=(sse(error),) if "event" in kind else (json.dumps(error).encode(),), kind=kind)

    with Other() as other:
        model = ClaudeModel(NAME, url=other.url, key="dummy-key", retries=0)
        with pytest.raises(ModelError, match="529: out of memory") as caught:
            await ask(model)
        await model.close()
    assert caught.value.retryable


async def test_an_account_without_credit_is_told_where_to_look(double: ClaudeDouble, model: ClaudeModel) -> None:
    double.script([ScriptedReply(status=400, problem="Your credit balance is too low to access the Anthropic API.")])
    with pytest.raises(ModelError, match="see the billing page"):
        await ask(model)
