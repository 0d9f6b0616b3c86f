"""What Gemini's generateContent takes: a conversation as turns of parts, and tools as function declarations.

Its rules: every function call is answered in the next user turn, in the same order; a part comes back with the
signature that it came with; a call that another model made carries a signature that says so.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from runner.models.pictures import look_at
from schemas.message import Image, Message, ToolCall, ToolSpec

__all__ = ["BY", "Part", "Told", "offer", "takes_pictures_in_results", "tell"]

BY = "gemini"
"""`Message.raw_by` of what Gemini said."""
Part = dict[str, JsonValue]

FOREIGN = "skip_thought_signature_validator"
"""The signature for a call that Gemini has not made itself (Gemini API docs, Thought signatures)."""

_PICTURES = frozenset(["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"])
_PICTURES_IN_RESULTS = frozenset(["image/jpeg", "image/png", "image/webp"])
_VERSION = re.compile(r"gemini-(\d{1,3})(?:\D|$)")
_NO_RESULT = "No result of this call was kept."
_LEFT_OUT = "(The beginning of the conversation was left out.)"
_GO_ON = "Go on."


class Told(NamedTuple):
    """A conversation in Gemini's format."""

    system: str
    contents: list[Part]


def takes_pictures_in_results(model: str) -> bool:
    """Tell whether a model reads pictures inside a function's response: those from Gemini 3 on do."""
    found = _VERSION.search(model)
    return found is not None and int(found.group(1)) >= 3


def offer(tools: Sequence[ToolSpec]) -> list[Part]:
    """Return tools as function declarations, their schemas untouched."""
    return [
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters} for tool in tools
    ]


def tell(messages: Sequence[Message], *, nested: bool) -> Told:
    """Return a conversation as Gemini takes it, without examples: a model with native tools needs none.

    System messages at its head become the system instruction, later ones user text. Calls whose result is missing
    get one that says so; results without their call become text. `nested` puts pictures of results into the results.
    """
    asked = [message for message in messages if not message.example]
    head = next((at for at, message in enumerate(asked) if message.role != "system"), len(asked))
    turns = _Turns(nested=nested)
    for message in asked[head:]:
        turns.add(message)
    turns.flush(or_else=_LEFT_OUT if not turns.told else _GO_ON)
    return Told("\n\n".join(message.text for message in asked[:head] if message.text.strip()), turns.told)


class _Waiting(NamedTuple):
    """A call without its result; `wire_id` is empty where Gemini gave the call none."""

    call: ToolCall
    wire_id: str


@dataclass(kw_only=True)
class _Turns:
    """Turns as they grow: results and words of one user turn are collected until the next turn of the model."""

    nested: bool
    told: list[Part] = field(default_factory=list[Part])
    words: list[JsonValue] = field(default_factory=list[JsonValue])
    waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    results: dict[str, Message] = field(default_factory=dict[str, Message])

    def add(self, message: Message) -> None:
        if message.role == "assistant":
            said = _said(message)
            if said:
                self.flush(or_else=_LEFT_OUT if not self.told else _GO_ON)
                self.told.append({"role": "model", "parts": list[JsonValue](said)})
                ids = [_wire_id(part) for part in said if "functionCall" in part]
                self.waiting = [_Waiting(call, id_) for call, id_ in zip(message.calls, ids, strict=True)]
        elif message.role == "tool" and message.call_id in {waiting.call.id for waiting in self.waiting}:
            self.results[message.call_id] = message
        else:
            about = f"Result of {message.tool or 'a tool'}:\n" if message.role == "tool" else ""
            self.words += [_text(about + message.text)] if (about + message.text).strip() else []
            self.words += [_picture(image, _PICTURES) for image in message.images]

    def flush(self, *, or_else: str) -> None:
        """Close the user turn."""
        answers: list[JsonValue] = []
        beside: list[JsonValue] = []
        for call, id_ in self.waiting:
            message = self.results.get(call.id) or Message(role="tool", text=_NO_RESULT, failed=True)
            result: Part = {"name": call.name, "response": _response(message), **({"id": id_} if id_ else {})}
            pictures = [_picture(image, _PICTURES_IN_RESULTS) for image in message.images]
            good = [picture for picture in pictures if self.nested and "inlineData" in picture]
            if good:
                result["parts"] = list[JsonValue](good)
            beside += [picture for picture in pictures if picture not in good]
            answers.append({"functionResponse": result})
        parts = answers + beside + self.words or [_text(or_else)]
        self.told.append({"role": "user", "parts": parts})
        self.words, self.waiting, self.results = [], [], {}


def _text(text: str) -> Part:
    return {"text": text}


def _picture(image: Image, types: frozenset[str]) -> Part:
    data, problem = look_at(image, types)
    if problem:
        return _text(problem)
    encoded = base64.urlsafe_b64encode(data).decode("ascii")
    return {"inlineData": {"mimeType": image.mime_type.strip().lower(), "data": encoded}}


def _response(message: Message) -> Part:
    return {"error" if message.failed else "output": message.text or ("it failed" if message.failed else "")}


def _wire_id(part: Part) -> str:
    call = part.get("functionCall")
    given = call.get("id") if isinstance(call, dict) else None
    return given if isinstance(given, str) else ""


def _said(message: Message) -> list[Part]:
    """Return what the model said: its own parts where they still tell the same calls, else built anew."""
    own = _own_parts(message)
    if own is not None:
        return own
    said: list[Part] = [_text(message.text)] if message.text.strip() else []
    for number, call in enumerate(message.calls):
        part: Part = {"functionCall": {"id": call.id, "name": call.name, "args": dict(call.arguments)}}
        said.append(part | ({} if number else {"thoughtSignature": FOREIGN}))
    return said


def _own_parts(message: Message) -> list[Part] | None:
    if message.raw_by != BY or not isinstance(message.raw, list):
        return None
    parts = [part for part in message.raw if isinstance(part, dict)]
    made = [call.get("name") for part in parts if isinstance(call := part.get("functionCall"), dict)]
    return parts if made == [call.name for call in message.calls] else None
