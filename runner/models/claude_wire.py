"""What the messages endpoint of Claude takes: a conversation as system blocks, turns of content blocks, and tools.

Its rules: every `tool_use` is answered in the next user turn, results before anything else; no text block is
empty; thinking comes back word for word, with its signature, in front of the call that it led to.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from runner.models.pictures import look_at
from schemas.message import Image, Message, ToolSpec

__all__ = ["BY", "Block", "Told", "offer", "tell", "wire_id"]

BY = "claude"
"""`Message.raw_by` of what Claude said."""
Block = dict[str, JsonValue]

_PICTURES = frozenset(["image/jpeg", "image/png", "image/gif", "image/webp"])
_CACHE: Block = {"type": "ephemeral"}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 128
_NO_RESULT = "No result of this call was kept."
_SILENT_FAILURE = "The tool failed and said nothing."
_LEFT_OUT = "(The beginning of the conversation was left out.)"
_GO_ON = "Go on."


class Told(NamedTuple):
    """A conversation in Claude's format."""

    system: list[Block]
    messages: list[Block]


def wire_id(given: str) -> str:
    """Return the id of a call in the characters that Claude takes."""
    return _NOT_IN_A_NAME.sub("_", given) or "call"


def offer(tools: Sequence[ToolSpec], *, cached: bool) -> list[Block]:
    """Return tools as Claude takes them, their schemas untouched; `cached` marks the end of what stays the same."""
    offered: list[Block] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in tools
    ]
    if cached and offered:
        offered[-1]["cache_control"] = _CACHE
    return offered


def tell(messages: Sequence[Message]) -> Told:
    """Return a conversation as Claude takes it, without examples: a model with native tools needs none.

    System messages at its head become the system prompt, later ones user text. Calls whose result is missing get
    one that says so; results without their call become text.
    """
    asked = [message for message in messages if not message.example]
    head = next((at for at, message in enumerate(asked) if message.role != "system"), len(asked))
    system: list[Block] = [{"type": "text", "text": message.text} for message in asked[:head] if message.text.strip()]
    if system:
        system[-1]["cache_control"] = _CACHE
    turns = _Turns()
    for message in asked[head:]:
        turns.add(message)
    turns.end()
    return Told(system, turns.told)


@dataclass
class _Turns:
    """Turns as they grow: the results and the words of one user turn are collected until the next assistant turn."""

    told: list[Block] = field(default_factory=list[Block])
    results: list[JsonValue] = field(default_factory=list[JsonValue])
    words: list[JsonValue] = field(default_factory=list[JsonValue])
    waiting: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, message: Message) -> None:
        if message.role == "assistant":
            said = _said(message)
            if said:
                self._flush(or_else=_LEFT_OUT if not self.told else _GO_ON)
                self.told.append({"role": "assistant", "content": list[JsonValue](said)})
                self.waiting = {str(block["id"]): None for block in said if block.get("type") == "tool_use"}
        elif message.role == "tool" and wire_id(message.call_id) in self.waiting:
            del self.waiting[wire_id(message.call_id)]
            self.results.append(_result(message))
        else:
            about = f"Result of {message.tool or 'a tool'}:\n" if message.role == "tool" else ""
            self.words += _content(about + message.text, message.images)

    def end(self) -> None:
        self._flush(or_else=_LEFT_OUT if not self.told else _GO_ON)
        content = self.told[-1]["content"]
        last = content[-1] if isinstance(content, list) else None
        if isinstance(last, dict):
            last["cache_control"] = _CACHE

    def _flush(self, *, or_else: str) -> None:
        for call_id in self.waiting:
            self.results.append(
                {"type": "tool_result", "tool_use_id": call_id, "content": _NO_RESULT, "is_error": True}
            )
        content = self.results + self.words or [_text(or_else)]
        self.told.append({"role": "user", "content": content})
        self.results, self.words, self.waiting = [], [], {}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _content(text: str, images: Sequence[Image]) -> list[JsonValue]:
    blocks: list[JsonValue] = [_text(text)] if text.strip() else []
    return blocks + [_picture(image) for image in images]


def _picture(image: Image) -> Block:
    data, problem = look_at(image, _PICTURES)
    if problem:
        return _text(problem)
    encoded = base64.b64encode(data).decode("ascii")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": image.mime_type.strip().lower(), "data": encoded},
    }


def _result(message: Message) -> Block:
    text = message.text if message.text.strip() or not message.failed else _SILENT_FAILURE
    block: Block = {"type": "tool_result", "tool_use_id": wire_id(message.call_id)}
    content = _content(text, message.images)
    if message.images:
        block["content"] = content
    elif content:
        block["content"] = text
    if message.failed:
        block["is_error"] = True
    return block


def _said(message: Message) -> list[Block]:
    """Return what the model said: its own blocks where they still tell the same calls, else built anew."""
    own = _own_blocks(message)
    if own is not None:
        return own
    said: list[Block] = [_text(message.text)] if message.text.strip() else []
    for call in message.calls:
        name = _NOT_IN_A_NAME.sub("_", call.name)[:_LONGEST_NAME] or "tool"
        said.append({"type": "tool_use", "id": wire_id(call.id), "name": name, "input": dict(call.arguments)})
    return said


def _own_blocks(message: Message) -> list[Block] | None:
    if message.raw_by != BY or not isinstance(message.raw, list):
        return None
    blocks = [block for block in message.raw if isinstance(block, dict)]
    made = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
    if made != [call.id for call in message.calls]:
        return None
    return [dict(block) for block in blocks if block.get("type") != "text" or str(block.get("text", "")).strip()]
