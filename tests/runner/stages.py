"""The stages of the providers whose adapters talk to a server of the user's own, or to none; see `conversation.py`."""

import contextlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import ollama
import pytest
from ollama._types import ChatRequest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from runner.errors import ModelError
from runner.models import embedded, ollama_wire
from runner.models.embedded import EmbeddedModel
from runner.models.http_double import HttpDouble, ScriptedReply
from runner.models.model import Model, Reply
from runner.models.ollama import OllamaModel
from runner.models.ollama_double import OllamaDouble
from runner.models.openai import OpenAIModel
from runner.models.openai_double import OpenAIDouble
from runner.models.scripted import ScriptedModel
from schemas.message import Message, ToolCall, ToolSpec, Usage
from tests.runner.conversation import Stage

OPENAI_REQUEST = TypeAdapter(CompletionCreateParamsStreaming)
HEARD = TypeAdapter(tuple[tuple[Message, ...], tuple[ToolSpec, ...]])


def on_wire(
    model: Model,
    double: HttpDouble[Any],
    *,
    path: str,
    check: Callable[[Any], object],
    render: Callable[[ScriptedReply], list[Any]] = lambda reply: [reply],
) -> Stage:
    """Return the stage of an adapter whose double is an HTTP server; requests for replies end in `path`."""

    def checked(body: Any) -> None:
        check(body)

    return Stage(
        model=model,
        script=double.script,
        forget=double.forget,
        render=render,
        received=lambda: double.bodies(path),
        check=checked,
    )


@contextlib.contextmanager
def openai_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    patch.setenv("OPENAI_API_KEY", "dummy-key-of-the-tests")
    with OpenAIDouble(key="dummy-key-of-the-tests", cost=0.25) as double:
        model = OpenAIModel("m", url=double.api_url)
        yield on_wire(model, double, path="/chat/completions", check=OPENAI_REQUEST.validate_python)


@contextlib.contextmanager
def ollama_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    def render(reply: ScriptedReply) -> list[Any]:
        return [
            ollama_wire.ScriptedReply(
                content=reply.text,
                thinking=reply.thinking,
                calls=reply.calls,
                status=reply.status,
                problem=reply.problem,
                dropped=reply.dropped,
            )
        ]

    patch.delenv("OLLAMA_API_KEY", raising=False)
    with OllamaDouble({"m": ("completion", "tools", "thinking", "vision")}) as double:
        model = OllamaModel("m", host=double.host)
        yield on_wire(model, double, path="/api/chat", check=ollama_request, render=render)


def ollama_request(body: Any) -> None:
    """Check the body of a chat by the types of the `ollama` package, its messages and tools one by one."""
    ChatRequest.model_validate(body)
    for message in body["messages"]:
        pictures = [ollama.Image(value=picture) for picture in message.get("images", ())]
        kept = ollama.Message.model_validate({**message, "images": pictures})
        assert set(message) <= set(ollama.Message.model_fields), "a field that the package does not know"
        assert json.loads(kept.model_dump_json(exclude_none=True, exclude={"images"})) == {
            name: value for name, value in message.items() if name != "images"
        }
    for tool in body.get("tools", ()):
        ollama.Tool.model_validate(tool)


@contextlib.contextmanager
def embedded_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    """The adapter as it is, with a double in the place of the engine that it would load."""

    class Llama:
        listening_address = ""

    def start(path: Path, num_ctx: int, key: str) -> Llama:
        return Llama()

    def verify(path: Path) -> bool:
        return True

    patch.setattr(embedded, "start_llama", start)
    patch.setattr(embedded, "verify", verify)
    with OpenAIDouble(models=(embedded.NAME,)) as double:
        Llama.listening_address = double.url
        model = EmbeddedModel(Path("absent.gguf"))
        yield on_wire(model, double, path="/chat/completions", check=OPENAI_REQUEST.validate_python, render=as_actions)


def as_actions(reply: ScriptedReply) -> list[ScriptedReply]:
    """Render a reply as the actions that it takes: one call each, or the answer."""
    if reply.status != 200:
        return [reply]
    if reply.calls:
        actions = [{"action": name, "arguments": arguments} for name, arguments in reply.calls]
        return [ScriptedReply(text=json.dumps(action)) for action in actions]
    answer = json.dumps({"action": "answer", "answer": reply.text})
    if reply.dropped:
        return [ScriptedReply(text=answer.removesuffix('"}'), dropped=True)]
    return [ScriptedReply(text=answer)]


@contextlib.contextmanager
def scripted_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    model = ScriptedModel([])

    def received() -> list[Any]:
        heard = list(zip(model.heard, model.offered, strict=True))
        return [
            {
                "messages": [message.model_dump(mode="json", exclude_defaults=True) for message in messages],
                "tools": [tool.model_dump(mode="json", exclude_defaults=True) for tool in tools],
            }
            for messages, tools in heard
        ]

    def check(body: Any) -> None:
        HEARD.validate_python((body["messages"], body["tools"]))

    yield Stage(
        model=model,
        script=model.coming.extend,
        forget=model.coming.clear,
        render=as_lines,
        received=received,
        check=check,
    )


def as_lines(reply: ScriptedReply) -> list[Reply | ModelError]:
    """Render a reply as the line of a script."""
    if reply.status != 200:
        return [ModelError(f"{reply.status}: {reply.problem}", retryable=True)]
    if reply.dropped:
        return [ModelError("the script broke off", partial=reply.text, retryable=True)]
    calls = tuple(
        ToolCall(id="", name=name, arguments=arguments)
        for name, arguments in reply.calls
        if isinstance(arguments, dict)
    )
    message = Message(role="assistant", text=reply.text, thinking=reply.thinking, calls=calls)
    usage = Usage(prompt_tokens=8, answer_tokens=4, cost=0.25)
    return [Reply(message=message, usage=usage, refused=reply.refused)]
