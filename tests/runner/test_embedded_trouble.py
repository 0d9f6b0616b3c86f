"""What goes wrong between the embedded model's adapter and its engine, with a double in the engine's place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from runner.errors import ModelError
from runner.models import embedded
from runner.models.embedded import EmbeddedModel
from runner.models.http_double import ScriptedReply, sse
from runner.models.openai_double import OpenAIDouble, chunk
from schemas.message import Message

pytestmark = pytest.mark.anyio

BEGUN = chunk({"content": '{"action": "answer", "answer": "It was'})


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIDouble]:
    class Llama:
        listening_address = ""

    def start(*_: Any) -> Llama:
        return Llama()

    def verify(_: Path) -> bool:
        return True

    monkeypatch.setattr(embedded, "start_llama", start)
    monkeypatch.setattr(embedded, "verify", verify)
    with OpenAIDouble(models=(embedded.NAME,)) as double:
        Llama.listening_address = double.url
        yield double


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ((), "before it was done"),
        ((sse({"error": {"code": 500, "message": "out of memory"}}),), "out of memory"),
        ((sse("{nope"),), "JSON"),
        ((sse([1]),), "no object"),
        ((sse("[" * 100_000),), "too deep"),
    ],
)
async def test_a_reply_that_breaks_off_is_no_answer(double: OpenAIDouble, end: tuple[bytes, ...], said: str) -> None:
    double.script([ScriptedReply(pieces=(BEGUN, *end))])
    model = EmbeddedModel(Path("absent.gguf"))
    with anyio.fail_after(20), pytest.raises(ModelError, match=said) as caught:
        await model.reply([Message(role="user", text="What is $2100?")], [])
    await model.close()
    assert caught.value.partial == "It was"


async def test_a_model_that_repeats_itself_is_stopped_and_says_it_once(double: OpenAIDouble) -> None:
    pieces = ("The register ", "is used ", "in the code ", "to set ", "the display ", "brightness. ")
    again = tuple(chunk({"content": piece}) for piece in pieces * 60)
    double.script([ScriptedReply(pieces=(chunk({"content": '{"action": "answer", "answer": "'}), *again))])
    model = EmbeddedModel(Path("absent.gguf"))
    with anyio.fail_after(20):
        reply = await model.reply([Message(role="user", text="What is $2100?")], [])
    await model.close()
    assert reply.message.text.count("The register is used") == 1
    assert "repeat" in reply.note
