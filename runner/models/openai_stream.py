"""A streamed reply of an OpenAI-compatible server, put together from its chunks.

Servers differ: parallel calls may all have index 0 and be told apart by their ids, ids may be missing, arguments may
come whole or as an object, thoughts in one of two fields. What a chunk holds is hostile until it has been looked at.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.calls import CUT, RawCall, read_arguments, tidy
from runner.models.provider_http import quoted
from runner.models.turn import ChatRefused, Heard
from schemas.message import Usage

__all__ = ["LONGEST_REPLY", "THINKING_FIELDS", "Collected"]

LONGEST_REPLY = 4 * 1024 * 1024
"""Characters of a reply; what comes after them is not read."""
THINKING_FIELDS = ("reasoning_content", "reasoning")
_MOST_CALLS = 128
_MOST_TOKENS = 10**9
_LONGEST_ID = 256
_SEE = "; ask again, or see its log"
_FILTERED = "The provider's content filter stopped the reply."

_Object = dict[str, JsonValue]


@dataclass(kw_only=True)
class _Call:
    index: JsonValue
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])
    whole: _Object | None = None
    extra: JsonValue = None

    @property
    def is_complete(self) -> bool:
        written = "".join(self.pieces).strip()
        return self.whole is not None or (bool(written) and not read_arguments(written).problem)

    @property
    def raw(self) -> RawCall:
        if not self.name:
            return RawCall("unreadable", "no name")
        return RawCall(self.name, "".join(self.pieces) if self.whole is None else self.whole)


class Collected:
    """A reply as it arrives; `on_piece` gets the text."""

    def __init__(self, on_piece: Callable[[str], None], *, limit: int = LONGEST_REPLY) -> None:
        self._on_piece = on_piece
        self._limit = limit
        self._size = 0
        self._pieces: list[str] = []
        self._refusal: list[str] = []
        self._thoughts: dict[str, list[str]] = {}
        self._details: list[JsonValue] = []
        self._calls: list[_Call] = []
        self._finish = ""
        self._counted = False
        self._usage = Usage()

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    @property
    def usage(self) -> Usage:
        """What the server has counted so far; most count at the end."""
        return self._usage

    @property
    def full(self) -> bool:
        """Whether the reply has become longer than is kept."""
        return self._size > self._limit or len(self._calls) > _MOST_CALLS

    @property
    def done(self) -> bool:
        """Whether the server has said why the reply ended, or has sent the count that comes after its end."""
        return bool(self._finish) or self._counted

    def take(self, chunk: object) -> None:
        """Add one chunk.

        Raises:
            ChatRefused: it says that the reply failed.
            ModelError: it is no object, or nested too deep.
        """
        try:
            value = tidy(chunk)
        except ValueError as error:
            raise ModelError(
                f"the server sent a chunk that cannot be read ({error}){_SEE}", partial=self.text
            ) from error
        if not isinstance(value, dict):
            raise ModelError(f"the server sent a chunk that is no object{_SEE}", partial=self.text)
        if value.get("error") or value.get("object") == "error":
            raise self._given_up(value.get("error") or value)
        usage, choices = value.get("usage"), value.get("choices")
        if isinstance(usage, dict):
            self._usage = _usage(usage)
            self._counted = self._counted or choices == []
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, dict):
            self._take_choice(choice)

    def _given_up(self, error: JsonValue) -> ChatRefused:
        told = _text(error, "message") if isinstance(error, dict) else str(error)
        reason = quoted(told or "no reason")
        text = f"the server gave the reply up: {reason}{_SEE}"
        return ChatRefused(text, reason=reason, partial=self.text, retryable=True)

    def _take_choice(self, choice: _Object) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._take_delta(delta)
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self._finish = finish
        if self._finish == "error":
            raise ModelError("the server gave the reply up; ask again", partial=self.text, retryable=True)

    def _take_delta(self, delta: _Object) -> None:
        text, thought = _spoken(delta)
        if thought:
            self._thoughts.setdefault(THINKING_FIELDS[0], []).append(thought)
        if text:
            self._pieces.append(text)
            self._on_piece(text)
        refusal = _text(delta, "refusal")
        if refusal:
            self._refusal.append(refusal)
        for name in THINKING_FIELDS:
            if thought := _text(delta, name):
                self._thoughts.setdefault(name, []).append(thought)
                self._size += len(thought)
        self._size += len(text) + len(refusal) + len(thought)
        for detail in _items(delta, "reasoning_details"):
            self._size += len(str(detail))
            _add_detail(self._details, detail)
        for item in _items(delta, "tool_calls"):
            if isinstance(item, dict):
                self._take_call(item)
        if isinstance(older := delta.get("function_call"), dict):  # what there was before calls could be parallel
            self._take_call({"function": older})

    def _take_call(self, item: _Object) -> None:
        given = item.get("function")
        function = given if isinstance(given, dict) else {}
        name, id_ = _text(function, "name"), _text(item, "id")
        call = self._call_of(item.get("index"), id_, name)
        call.id, call.name = call.id or id_, call.name or name
        call.extra = item.get("extra_content") or call.extra
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            call.whole = arguments
        elif isinstance(arguments, str):
            call.pieces.append(arguments)
        self._size += 64 + len(name) + len(id_) + len(str(arguments)) + len(str(call.extra or ""))

    def _call_of(self, index: JsonValue, id_: str, name: str) -> _Call:
        """Return the call that a part belongs to, a new one where it opens one."""
        for call in reversed(self._calls):
            if (index is not None and call.index != index) or (id_ and call.id and id_ != call.id):
                continue
            opens = bool(name and call.name) and not (id_ and id_ == call.id) and call.is_complete
            if not opens:
                return call
            break
        self._calls.append(_Call(index=index))
        return self._calls[-1]

    def heard(self) -> Heard:
        """Return the reply as far as it has come."""
        refused = bool(self._refusal) or self._finish == "content_filter"
        text = self.text
        if refused:
            text = "".join(self._refusal) or text or _FILTERED
        thinking = next(iter(self._thoughts.values()), list[str]())
        calls = self._calls[:_MOST_CALLS]
        cut_off = self.full or self._finish == "length"
        made = [call.raw for call in calls]
        if cut_off and calls and not calls[-1].is_complete:
            made[-1] = RawCall(made[-1].name, {}, CUT)
        return Heard(
            text=text,
            thinking="".join(thinking),
            calls=tuple(made),
            ids=tuple(call.id if call.id.isprintable() and len(call.id) <= _LONGEST_ID else "" for call in calls),
            cut_off=cut_off,
            refused=refused,
            usage=self._usage,
            raw=self._raw(),
            note=f"the reply was cut off at {self._size:,} characters and {len(calls)} calls" if self.full else "",
        )

    def _raw(self) -> JsonValue:
        kept: _Object = {name: "".join(thoughts) for name, thoughts in self._thoughts.items()}
        if self._details:
            kept["reasoning_details"] = self._details
        if any(call.extra is not None for call in self._calls):
            kept["extra_content"] = [call.extra for call in self._calls]
        return kept or None


def _text(fields: _Object, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


class _Spoken(NamedTuple):
    text: str
    thought: str


def _spoken(delta: _Object) -> _Spoken:
    """Return what a piece says and thinks; some servers send a list of parts where others send text."""
    parts = [part for part in _items(delta, "content") if isinstance(part, dict)]
    thoughts = [inner for part in parts for inner in _items(part, "thinking") if isinstance(inner, dict)]
    text = _text(delta, "content") or "".join(_text(part, "text") for part in parts)
    return _Spoken(text, "".join(_text(inner, "text") for inner in thoughts))


def _items(fields: _Object, name: str) -> list[JsonValue]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _add_detail(details: list[JsonValue], detail: JsonValue) -> None:
    """Add a piece of structured thinking; pieces of one block (same type and index) become one."""
    last = details[-1] if details else None
    if not isinstance(detail, dict) or not isinstance(last, dict):
        details.append(detail)
        return
    if "index" not in detail or any(last.get(key) != detail.get(key) for key in ("type", "index")):
        details.append(detail)
        return
    for key, value in detail.items():
        before = last.get(key)
        if key in ("text", "summary", "data") and isinstance(value, str) and isinstance(before, str):
            last[key] = before + value
        elif value is not None:
            last[key] = value


def _count(fields: JsonValue, name: str) -> int:
    value = fields.get(name) if isinstance(fields, dict) else None
    return min(value, _MOST_TOKENS) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _usage(told: _Object) -> Usage:
    prompt = _count(told, "prompt_tokens")
    answer = _count(told, "completion_tokens")
    cached = _count(told.get("prompt_tokens_details"), "cached_tokens") or _count(told, "prompt_cache_hit_tokens")
    thought = _count(told.get("completion_tokens_details"), "reasoning_tokens")
    cost = told.get("cost")
    priced = isinstance(cost, int | float) and math.isfinite(cost) and cost > 0
    return Usage(
        prompt_tokens=prompt,
        answer_tokens=answer,
        cached_tokens=min(cached, prompt),
        thinking_tokens=min(thought, answer),
        cost=float(cast("float", cost)) if priced else 0.0,
    )
