"""Calls that a model printed as text instead of making them.

Models whose template lacks the calling format of their server do this in every reply (ollama/ollama#12174). A
text counts as calls when it is nothing else, or when a few words announce them and they are its end. What follows
longer words, or words such as "for example", is an example, and only text.

Beside JSON, bare or in a fence or tags, the forms of the templates of Mistral (`[TOOL_CALLS]`), of Llama 3
(`<|python_tag|>`) and of Qwen3-Coder (`<function=NAME><parameter=KEY>`) are known.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from pydantic import JsonValue

from runner.models.calls import Decoded, RawCall, decode, number_calls, read_call, tidy
from schemas.message import ToolCall

__all__ = ["find_printed_calls", "may_become_calls"]

_OPENING = re.compile(r"<(?:tool_call|tools)>|```[A-Za-z_]*|<\|python_tag\|>|\[TOOL_CALLS\]")
_CLOSINGS = {
    "<tool_call>": re.compile("</tool_call>"),
    "<tools>": re.compile("</tools>"),
    "<|python_tag|>": re.compile(r"<\|e(?:om|ot)_id\|>"),
    "[TOOL_CALLS]": re.compile(r"</s>|(?=\[TOOL_CALLS\])"),
}
_FENCE = re.compile("```")
_SPACE = re.compile(r"[\s;]*")
_FUNCTION = re.compile(r"<function=([^<>\s]{1,128})>")
_PARAMETER = re.compile(r"<parameter=([^<>\s]{1,128})>")
_END_OF_FUNCTION, _END_OF_PARAMETER = "</function>", "</parameter>"
_NAMED = re.compile(r"([\w.-]{1,128})(?:\[CALL_ID\][\w-]{1,64})?\[ARGS\]")
_MARKS = ("<tool_call>", "<tools>", "```", "<function=", "<|python_tag|>", "[TOOL_CALLS]")
_ANNOUNCED = re.compile(
    r"\n[ \t]*(?=```[A-Za-z_]*[ \t]*\n|<(?:tool_call|tools)>|<function=|<\|python_tag\|>|\[TOOL_CALLS\])"
)
_SUPPOSED = re.compile(
    r"\b(?:examples?|e\.g|for instance|such as|like this|would|could|might|should|you|not|never)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_LONGEST_ANNOUNCEMENT = 300
_LONGEST = 200_000
_MOST = 32


class _Piece(NamedTuple):
    values: list[JsonValue]
    end: int


def may_become_calls(text: str) -> bool:
    """Tell whether a reply that begins with `text` could turn out to be printed calls."""
    head = text.lstrip()[:12]
    return not head or head[0] in "{[" or any(head.startswith(mark[: len(head)]) for mark in _MARKS)


def find_printed_calls(text: str, offered: Collection[str], *, first: int = 1) -> tuple[ToolCall, ...]:
    """Return the calls that `text` spells, or nothing.

    Accepted: JSON objects or lists of them, bare, in a fence, in <tool_call> or <tools> tags or after the mark of a
    template, and elements <function=NAME>, one or several, each naming a tool in `offered`; all but bare JSON also
    after a short announcement. With anything else beside them, the text is only text. The calls get the ids `call_N`,
    counted from `first`, and are marked `from_text`, after an announcement `in_prose` too.
    """
    begin = 0 if may_become_calls(text) else _announced(text)
    if len(text) > _LONGEST or begin < 0:
        return ()
    raw: list[RawCall] = []
    at = _skip(text, begin)
    try:
        while at < len(text):
            piece = _piece(text, at)
            raw += _calls(piece.values, offered)
            at = _skip(text, piece.end)
    except ValueError:
        return ()
    if len(raw) > _MOST:
        return ()
    origin = {"from_text": True, "in_prose": begin > 0}
    return tuple(call.model_copy(update=origin) for call in number_calls(raw, first=first))


def _announced(text: str) -> int:
    """Return where calls begin that a few words announce; -1 where none do."""
    mark = _ANNOUNCED.search(text, 0, _LONGEST_ANNOUNCEMENT)
    if mark is None or _SUPPOSED.search(text, 0, mark.start()) or "```" in text[: mark.start()]:
        return -1
    return mark.end()


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _piece(text: str, at: int) -> _Piece:
    """Read the values between two marks, or one bare value; a last closing mark may be missing."""
    opening = _OPENING.match(text, at)
    if opening is None:
        value, end = _value(text, at)
        return _Piece([value], end)
    closing = _CLOSINGS.get(opening.group(), _FENCE)
    values: list[JsonValue] = []
    at = _skip(text, opening.end())
    while at < len(text) and not closing.match(text, at):
        value, end = _value(text, at)
        values.append(value)
        at = _skip(text, end)
    closed = closing.match(text, at)
    return _Piece(values, closed.end() if closed else at)


def _value(text: str, at: int) -> Decoded:
    """Read what one call may be written as: JSON, `NAME[ARGS]` and JSON, or an element."""
    if text.startswith("<", at):
        return _element(text, at)
    named = _NAMED.match(text, at)
    if named is None:
        return decode(text, start=at)
    arguments, end = decode(text, start=named.end())
    return Decoded({"name": named.group(1), "arguments": arguments}, end)


def _element(text: str, at: int) -> Decoded:
    """Read <function=NAME> with its parameters as text, each between marks, or with one JSON object; all closed."""
    opening = _FUNCTION.match(text, at)
    if opening is None:
        raise ValueError("no element of a call")
    arguments: JsonValue
    at = _skip(text, opening.end())
    arguments, at = decode(text, start=at) if text.startswith("{", at) else _parameters(text, at)
    at = _skip(text, at)
    if not text.startswith(_END_OF_FUNCTION, at):
        raise ValueError("the element is not closed")
    return Decoded({"name": opening.group(1), "arguments": arguments}, at + len(_END_OF_FUNCTION))


def _parameters(text: str, at: int) -> Decoded:
    found: dict[str, JsonValue] = {}
    while (opening := _PARAMETER.match(text, at)) is not None:
        end = text.find(_END_OF_PARAMETER, opening.end())
        if end < 0 or opening.group(1) in found:
            raise ValueError("a parameter is not closed, or given twice")
        found[opening.group(1)] = text[opening.end() : end].removeprefix("\n").removesuffix("\n")
        at = _skip(text, end + len(_END_OF_PARAMETER))
    return Decoded(tidy(found), at)


def _calls(value: JsonValue, offered: Collection[str]) -> list[RawCall]:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list calls nothing")
        return [call for item in value for call in _calls(item, offered)]
    call = read_call(value)
    if call is None or call.name not in offered:
        raise ValueError("not a call of an offered tool")
    return [call]
