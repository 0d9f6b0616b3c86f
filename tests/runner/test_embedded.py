"""The embedded model: what it refuses without being there, and what it does when it is."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from runner.errors import ModelError, ModelMissing
from runner.experts import load_experts
from runner.models.embedded import EmbeddedModel
from runner.models.open import open_model
from runner.models.weights import FILE, SIZE, find_weights
from schemas.message import Message, ToolSpec
from servers.settings import Settings

pytestmark = pytest.mark.anyio

LOOKUP = ToolSpec(
    name="alttp_lookup",
    description="Find a fact about A Link to the Past or the SNES.",
    parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
ASKED = Message(role="user", text="What is SNES register $2100?")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def model() -> AsyncGenerator[EmbeddedModel]:
    path = find_weights(Settings.from_environment())
    if path is None:
        pytest.skip("the embedded model is absent: run `afs fetch model`")
    opened = EmbeddedModel(path, num_ctx=2048)
    yield opened
    await opened.close()


async def test_a_file_that_is_not_the_pinned_model_is_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "models" / FILE
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(1000)
    with pytest.raises(ModelError, match="SHA-256"):
        await EmbeddedModel(path).load()


async def test_without_the_file_the_error_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AFS_DATA_DIR": str(tmp_path)})
    expert = load_experts({}).find("default")
    with pytest.raises(ModelMissing, match="afs fetch model"):
        await open_model("", expert, settings)
    with pytest.raises(ModelMissing, match="no embedded model named"):
        await open_model("embedded:llama", expert, settings)


async def test_a_file_of_another_size_does_not_count_as_the_model(tmp_path: Path) -> None:
    settings = Settings.from_environment({"AFS_DATA_DIR": str(tmp_path)})
    (tmp_path / "models").mkdir()
    with (tmp_path / "models" / FILE).open("wb") as file:
        file.truncate(SIZE - 1)
    assert find_weights(settings) is None


@pytest.mark.embedded
async def test_the_model_looks_up_before_it_answers(model: EmbeddedModel) -> None:
    with anyio.fail_after(300):
        reply = await model.reply([ASKED], [LOOKUP])
        (call,) = reply.message.calls
        assert call.name == "alttp_lookup"
        assert "2100" in str(call.arguments["query"])
        result = Message(role="tool", tool="alttp_lookup", call_id=call.id, text="$2100 = INIDISP: screen display.")
        pieces: list[str] = []
        answer = await model.reply([ASKED, reply.message, result], [LOOKUP], on_text=pieces.append)
    assert "INIDISP" in answer.message.text
    assert "".join(pieces) == answer.message.text
    assert answer.usage.prompt_tokens > reply.usage.prompt_tokens > 0


@pytest.mark.embedded
async def test_a_conversation_longer_than_the_context_is_refused_with_a_way_out(model: EmbeddedModel) -> None:
    with anyio.fail_after(300), pytest.raises(ModelError, match="context of 2048 tokens"):
        await model.reply([Message(role="user", text="lda #$05 " * 2000)], [LOOKUP])
