"""Calls that a model printed as text instead of making them.

Models whose template lacks the calling format of their server do this in every reply (ollama/ollama#12174). A
text counts as calls when it is nothing else, or when a few words announce them and they are its end. What follows
longer words, or words such as "for example", is an example, and only text.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from pydantic import JsonValue

from runner.models.calls import RawCall, decode, number_calls, read_call
from schemas.message import ToolCall

__all__ = ["find_printed_calls", "may_become_calls"]

_OPENING = re.compile(r"<(tool_call|tools)>|```[A-Za-z_]*")
_SPACE = re.compile(r"\s*")
_MARKS = ("<tool_call>", "<tools>", "```")
_ANNOUNCED = re.compile(r"\n[ \t]*(?=```[A-Za-z_]*[ \t]*\n|<(?:tool_call|tools)>)")
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

    Accepted: JSON objects or lists of them, bare, in a fence, or in <tool_call> or <tools> tags, one or
    several, each naming a tool in `offered`; in a fence or in tags also after a short announcement. With anything
    else beside them, the text is only text. The calls get the ids `call_N`, counted from `first`, and are marked
    `from_text`, after an announcement `in_prose` too.
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
    """Read the JSON values between two marks, or one bare value; a last closing mark may be missing."""
    opening = _OPENING.match(text, at)
    if opening is None:
        value, end = decode(text, start=at)
        return _Piece([value], end)
    closing = f"</{opening.group(1)}>" if opening.group(1) else "```"
    values: list[JsonValue] = []
    at = _skip(text, opening.end())
    while at < len(text) and not text.startswith(closing, at):
        value, end = decode(text, start=at)
        values.append(value)
        at = _skip(text, end)
    return _Piece(values, min(len(text), at + len(closing)))


def _calls(value: JsonValue, offered: Collection[str]) -> list[RawCall]:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list calls nothing")
        return [call for item in value for call in _calls(item, offered)]
    call = read_call(value)
    if call is None or call.name not in offered:
        raise ValueError("not a call of an offered tool")
    return [call]
