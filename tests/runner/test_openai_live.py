"""The OpenAI adapter against a real server: llama.cpp's own, as the package of the embedded model brings it."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.to_thread
import pytest

from runner.errors import ModelError, ModelMissing
from runner.models.embedded import NAME, start_llama
from runner.models.openai import OpenAIModel
from runner.models.weights import find_weights
from schemas.message import Message, ToolSpec
from servers.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

KEY = "dummy-key-of-the-tests"
LOOKUP = ToolSpec(
    name="alttp_lookup",
    description="Find a fact about A Link to the Past or the SNES.",
    parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def url() -> AsyncGenerator[str]:
    path = find_weights(Settings.from_environment())
    if path is None:
        pytest.skip("the embedded model is absent: run `afs fetch model`")
    engine: Any = await anyio.to_thread.run_sync(start_llama, path, 2048, KEY)
    yield f"{engine.listening_address}/v1"
    del engine


@pytest.fixture
async def model(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[OpenAIModel]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    opened = OpenAIModel(NAME, url=url, max_tokens=48)
    yield opened
    await opened.close()


async def test_a_real_server_streams_and_counts(model: OpenAIModel) -> None:
    pieces: list[str] = []
    with anyio.fail_after(300):
        reply = await model.reply([Message(role="user", text="Say the word hello.")], (), on_text=pieces.append)
    assert reply.message.text == "".join(pieces) and "hello" in reply.message.text.lower()
    assert reply.usage.prompt_tokens > 5 and reply.usage.answer_tokens > 0 and reply.usage.cost == 0.0


async def test_a_call_that_the_real_model_prints_is_a_call_and_its_result_is_taken(model: OpenAIModel) -> None:
    asked = Message(role="user", text="What is SNES register $2100? Look it up.")
    with anyio.fail_after(300):
        reply = await model.reply([asked], [LOOKUP])
        (call,) = reply.message.calls
        result = Message(role="tool", tool=call.name, call_id=call.id, text="$2100 = INIDISP: screen display.")
        answer = await model.reply([asked, reply.message, result], [LOOKUP], must_answer=True)
    assert call.name == "alttp_lookup" and "2100" in str(call.arguments["query"])
    assert answer.message.text and answer.usage.prompt_tokens > 40


async def test_a_reply_of_the_real_server_ends_at_the_limit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = OpenAIModel(NAME, url=url, max_tokens=3)
    with anyio.fail_after(300):
        reply = await model.reply([Message(role="user", text="Count from one to a hundred.")], ())
    await model.close()
    assert reply.cut_off and reply.usage.answer_tokens <= 3


async def test_what_the_real_server_refuses_is_told(
    model: OpenAIModel, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anyio.fail_after(300), pytest.raises(ModelError, match="shorten it"):
        await model.reply([Message(role="user", text="lda #$05 " * 2000)], ())
    monkeypatch.setenv("OPENAI_API_KEY", "dummy-key-of-another")
    stranger = OpenAIModel(NAME, url=url)
    with anyio.fail_after(300), pytest.raises(ModelError, match="set OPENAI_API_KEY") as caught:
        await stranger.reply([Message(role="user", text="hello")], ())
    await stranger.close()
    assert not isinstance(caught.value, ModelMissing)
