"""Models of OpenAI-compatible servers: LM Studio, llama.cpp, vLLM, OpenRouter, OpenAI itself.

Servers differ in what they take. What one refuses (a field, pictures, tools) is left out from then on, as its own
words say; without native tools a model is driven by action JSON through `response_format`.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import anyio
from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.action import action_messages, action_schema
from runner.models.bounds import Held, Spending, request_bound, text_bound
from runner.models.openai_chat import RETRIES, Server, server_place
from runner.models.openai_stream import THINKING_FIELDS
from runner.models.pictures import sort
from runner.models.prices import cost_of, load_prices
from runner.models.turn import UNREADABLE, WARMER, AskedModel, ChatRefused, Heard, Turn, Waits, pictures_apart
from schemas.message import Image, Message, ToolCall, ToolSpec, Usage

__all__ = ["OpenAIModel"]

MAX_TOKENS = 8192
_WAITS = Waits()
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64
_PICTURES = frozenset(["image/jpeg", "image/png", "image/gif", "image/webp"])
_REPLAYED = (*THINKING_FIELDS, "reasoning_details")
_UNPARSED = re.compile(r"pars\w+ (the )?(tool|function) call|failed to parse input|tool_use_failed", re.I)


class _Trait(NamedTuple):
    """Something that a server may not take, and how its refusal speaks of it."""

    name: str
    refusal: re.Pattern[str]
    note: str


class _Sent(NamedTuple):
    message: Message
    """Held, so that its id stays its own."""
    wire: JsonValue


_TRAITS = (
    _Trait("no_tools", re.compile(r"without .?tools\b|must define tools|tool_?config.{0,40}must be defined", re.I), ""),
    _Trait("tool_choice", re.compile(r"tool_?choice", re.I), ""),
    _Trait("max_tokens", re.compile(r"max_completion_tokens"), ""),
    _Trait("stream_options", re.compile(r"stream_options|include_usage"), ""),
    _Trait("temperature", re.compile(r"temperature"), "the model takes no temperature"),
    _Trait("thinking", re.compile(r"reasoning"), ""),
    _Trait("images", re.compile(r"image|mmproj|multimodal|vision", re.I), "the model takes no pictures"),
    _Trait(
        "tools",
        re.compile(r"tool.{0,80}(support|requires?|enable|jinja)|support.{0,40}tool|jinja.{0,40}tool", re.I | re.S),
        "the model has no native tools: action JSON from now on",
    ),
)


class OpenAIModel(AskedModel):
    """A model of an OpenAI-compatible server.

    `url` as in OPENAI_BASE_URL; the key comes from `runner.models.keys`. `max_tokens` bounds one reply, thinking
    included. `retries` is how often the official client asks again after 429, 5xx, a lost connection or silence.
    """

    _provider = "openai"

    def __init__(
        self,
        name: str,
        *,
        url: str = "",
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
        waits: Waits = _WAITS,
        retries: int = RETRIES,
        spending: Spending | None = None,
    ) -> None:
        super().__init__()
        self._model = name
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._spending = spending
        self._server = Server(server_place(url), waits=waits, retries=retries)
        self._refused: set[str] = set()
        """The traits that this server does not take."""
        self._sent: dict[int, _Sent] = {}
        """The messages of the last request by their ids."""
        self._unpriced = False
        self._loading = anyio.Lock()

    @property
    def name(self) -> str:
        """Return `openai:name`."""
        return f"openai:{self._model}"

    async def load(self) -> None:
        """Make the client ready; nothing is sent.

        Raises:
            ConfigError: a key is missing or would travel in clear, or the table of prices cannot be read.
        """
        async with self._loading:
            self._server.open()
            if not self._server.place.is_own:
                load_prices()

    async def close(self) -> None:
        """Close the connection. Safe to call twice."""
        await self._server.close()

    async def _ask(self, turn: Turn) -> Heard | None:
        body = self._body(turn)
        held = self._hold(turn, body)
        voice = turn.voice(constrained="response_format" in body)
        try:
            heard = await self._server.chat(body, voice.feed)
        except ModelError as error:
            if error.usage.total:
                turn.usage += self._priced(Heard(usage=error.usage)).usage
                error.usage = Usage()
            if not isinstance(error, ChatRefused):
                raise
            self._settle(held, None if error.partial else Usage())
            return self._refusal(error, body, turn)
        if cut := turn.unread(heard.usage.prompt_tokens):
            turn.notes.append(f"the server {cut}; give it a larger context, or shorten the prompt")
        priced = self._priced(heard)
        self._settle(held, priced.usage if priced.usage.total else None)
        return priced

    def _refusal(self, refused: ChatRefused, body: dict[str, JsonValue], turn: Turn) -> Heard | None:
        """Take what a refusal says for the reply, or prepare another try, or raise it."""
        if refused.declined:
            return Heard(text=refused.reason, refused=True)
        if refused.partial or not self._learn(refused.reason, body, turn):
            if not _UNPARSED.search(refused.reason):
                raise refused
            self._take_trouble(turn, refused, nudge=UNREADABLE)
        return None

    def _hold(self, turn: Turn, body: dict[str, JsonValue]) -> Held | None:
        """Set aside what the request costs at most, and bound its reply by what is left.

        Raises:
            OverBudget: the request could cost more than is left to spend.
        """
        if self._spending is None:
            return None
        bound = request_bound(turn.messages, turn.tools) + text_bound(json.dumps(body.get("response_format")))
        held = self._spending.hold("openai", self._model, prompt_tokens=bound, max_tokens=self._max_tokens)
        body["max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"] = held.max_tokens
        return held

    def _settle(self, held: Held | None, usage: Usage | None) -> None:
        """Count what a request has cost; without a usage nobody knows it, and what was set aside stays so."""
        if self._spending is not None and held is not None and usage is not None:
            self._spending.settle(held, usage.cost)

    def _learn(self, reason: str, body: dict[str, JsonValue], turn: Turn) -> bool:
        """Take from a refusal what the server does not take; true when there is something new to try."""
        for trait in _TRAITS:
            if trait.name not in self._refused and trait.refusal.search(reason) and _has(body, trait.name):
                self._refused.add(trait.name)
                self._sent.clear()
                self._native = self._native and trait.name != "tools"
                turn.notes += [trait.note] if trait.note else []
                return True
        return False

    def _priced(self, heard: Heard) -> Heard:
        """Put what the reply cost with its usage; the table goes before what the server says.

        A server of the user's own costs nothing, unless it says so itself: it may only pass requests on.
        """
        cost = cost_of("openai", self._model, heard.usage, local=self._server.place.is_own)
        if heard.usage.cost and not cost.dollars:
            return heard
        note = "" if self._unpriced else cost.note
        self._unpriced = self._unpriced or bool(cost.note)
        usage = heard.usage.model_copy(update={"cost": cost.dollars})
        return heard._replace(usage=usage, note="; ".join(part for part in (heard.note, note) if part))

    def _body(self, turn: Turn) -> dict[str, JsonValue]:
        acted = not self._native and turn.has_calls
        told = self._acted(turn) if acted else self._told(turn)
        if turn.nudge:
            told.append({"role": "user", "content": turn.nudge})
        body: dict[str, JsonValue] = {"model": self._model, "messages": told, "stream": True}
        if self._native and (turn.calls_allowed or "no_tools" in self._refused):
            body |= self._offer(turn)
        if acted:
            schema = action_schema(turn.tools, must_answer=turn.must_answer)
            held: JsonValue = {"name": "action", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        if "temperature" not in self._refused:
            body["temperature"] = self._temperature + (WARMER if turn.troubles else 0.0)
        body["max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"] = self._max_tokens
        if "stream_options" not in self._refused:
            body["stream_options"] = {"include_usage": True}
        return body

    def _offer(self, turn: Turn) -> dict[str, JsonValue]:
        """Return the fields that offer tools. Where an answer is due there are none: local models call what they see,
        whatever `tool_choice` is. Some proxies refuse a history of calls without tools, and some `none` too.
        """
        if not turn.tools:
            return {}
        tools: dict[str, JsonValue] = {"tools": [_tool(tool) for tool in turn.tools]}
        barred = not turn.calls_allowed and "tool_choice" not in self._refused
        return {**tools, "tool_choice": "none"} if barred else tools

    def _acted(self, turn: Turn) -> list[JsonValue]:
        return [{**message} for message in action_messages(turn.messages, turn.tools)]

    def _told(self, turn: Turn) -> list[JsonValue]:
        """Return the conversation as it is sent; a message that the request before held is taken from there."""
        before, self._sent = self._sent, {}
        told: list[JsonValue] = []
        for message in pictures_apart(turn.messages):
            known = before.get(id(message))
            if known is None or known.message is not message:
                known = _Sent(message, self._wire(message))
            if not message.images:  # kept, a picture would take its room twice
                self._sent[id(message)] = known
            told.append(known.wire)
        return told

    def _wire(self, message: Message) -> JsonValue:
        if message.role == "tool":
            text = f"Error: {message.text}" if message.failed else message.text
            return {"role": "tool", "tool_call_id": message.call_id, "content": text}
        if message.role == "user" and message.images:
            return self._shown(message.text, message.images)
        if message.role != "assistant":
            return {"role": message.role, "content": message.text}
        said: dict[str, JsonValue] = {"role": "assistant", "content": message.text}
        raw = message.raw if message.raw_by == self._provider and isinstance(message.raw, dict) else {}
        if "thinking" not in self._refused:
            said |= {name: raw[name] for name in _REPLAYED if name in raw}
        if message.calls:
            said["tool_calls"] = _calls(message.calls, raw.get("extra_content"))
        return said

    def _shown(self, text: str, pictures: Sequence[Image]) -> JsonValue:
        """Return a user's message with pictures, or with a word in their place."""
        if "images" in self._refused:
            left_out = f"({len(pictures)} pictures left out: you cannot see them)"
            return {"role": "user", "content": f"{text}\n{left_out}".strip()}
        shown = sort(text, pictures, _PICTURES)
        parts: list[JsonValue] = [{"type": "text", "text": shown.text}] if shown.text else []
        for picture in shown.images:
            url = f"data:{picture.mime_type.strip().lower()};base64,{picture.data}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        return {"role": "user", "content": parts}


def _tool(tool: ToolSpec) -> JsonValue:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }


def _calls(calls: Sequence[ToolCall], extra: JsonValue) -> list[JsonValue]:
    """Tell calls; what a server sent with a call (a signature of its thinking) goes back with it."""
    extras = extra if isinstance(extra, list) and len(extra) == len(calls) else [None] * len(calls)
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": _plain(call.name), "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            **({} if kept is None else {"extra_content": kept}),
        }
        for call, kept in zip(calls, extras, strict=True)
    ]


def _plain(name: str) -> str:
    """Return a name in the characters that OpenAI takes: one that a model invented would fail every later request."""
    return _NOT_IN_A_NAME.sub("_", name)[:_LONGEST_NAME] or "tool"


def _has(body: dict[str, JsonValue], trait: str) -> bool:
    """Tell whether a request holds what a trait is about."""
    if trait in ("thinking", "images"):
        messages = body["messages"]
        told = [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []
        if trait == "thinking":
            return any(name in item for item in told for name in _REPLAYED)
        return any(isinstance(item.get("content"), list) for item in told)
    if trait == "no_tools":
        return "tools" not in body
    return trait in body
