"""The stages of Claude and Gemini, which take a key and have prices; see `conversation.py`."""

import contextlib
import json
from collections.abc import Generator
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from google.genai import types
from pydantic import TypeAdapter

from runner.models.claude import ClaudeModel
from runner.models.claude_double import ClaudeDouble
from runner.models.gemini import GeminiModel
from runner.models.gemini_double import GeminiDouble
from tests.runner.conversation import Stage
from tests.runner.stages import on_wire

CLAUDE, GEMINI = "claude-sonnet-5-5", "gemini-3.8-flash"
KEY = "dummy-key-of-the-tests"
CLAUDE_REQUEST = TypeAdapter(MessageCreateParamsStreaming)
GEMINI_FIELDS = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig"}


@contextlib.contextmanager
def claude_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    patch.setenv("ANTHROPIC_API_KEY", KEY)
    with ClaudeDouble([CLAUDE], key=KEY) as double:
        patch.setenv("ANTHROPIC_BASE_URL", double.url)
        yield on_wire(ClaudeModel(CLAUDE), double, path="/v1/messages", check=CLAUDE_REQUEST.validate_python)


@contextlib.contextmanager
def gemini_stage(patch: pytest.MonkeyPatch) -> Generator[Stage]:
    patch.setenv("GEMINI_API_KEY", KEY)
    with GeminiDouble([GEMINI], key=KEY) as double:
        patch.setenv("GOOGLE_GEMINI_BASE_URL", double.url)
        model = GeminiModel(GEMINI, first_wait=0.01)
        yield on_wire(model, double, path=":streamGenerateContent", check=gemini_request)


def gemini_request(body: Any) -> None:
    """Check the body of a request by the types of the `google-genai` package, part by part."""
    assert set(body) <= GEMINI_FIELDS, "a field that the package does not know"
    for content in [*body["contents"], *([body["systemInstruction"]] if "systemInstruction" in body else [])]:
        types.Content.model_validate_json(json.dumps(content))
    for tool in body.get("tools", ()):
        types.Tool.model_validate_json(json.dumps(tool))
    types.GenerationConfig.model_validate_json(json.dumps(body["generationConfig"]))
    if "toolConfig" in body:
        types.ToolConfig.model_validate_json(json.dumps(body["toolConfig"]))
