"""A call as it arrives from a model: JSON that may be broken, arguments in a string, no id."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, NoReturn, cast

from pydantic import JsonValue

from schemas.message import Message, ToolCall

__all__ = [
    "CUT",
    "Arguments",
    "Decoded",
    "RawCall",
    "call_number",
    "decode",
    "number_calls",
    "read_arguments",
    "read_call",
    "tidy",
]

_SURROGATE = re.compile("[\ud800-\udfff]")
_OUR_ID = re.compile(r"call_([0-9]{1,9})")
_MAX_DEPTH = 64
CUT = "the call was cut off at the limit of tokens; send it again, shorter"
"""The problem of a call whose end is missing."""


class Decoded(NamedTuple):
    """A JSON value and where it ended in the text."""

    value: JsonValue
    end: int


class Arguments(NamedTuple):
    """The arguments of a call, or why they could not be read."""

    values: dict[str, JsonValue]
    problem: str


class RawCall(NamedTuple):
    """The name and the arguments of a call, the arguments as the model wrote them."""

    name: str
    arguments: JsonValue
    problem: str = ""
    """Why it must not be run, whatever its arguments are."""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is too large")
    return value


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse, parse_float=_finite)


def tidy(value: object, *, depth: int = _MAX_DEPTH) -> JsonValue:
    """Return a decoded JSON value with lone surrogates replaced by U+FFFD.

    Raises:
        ValueError: it is nested more than 64 deep.
    """
    if isinstance(value, str):
        return _whole(value)
    if depth <= 0:
        raise ValueError("the JSON is nested too deep")
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {_whole(str(key)): tidy(item, depth=depth - 1) for key, item in items}
    if isinstance(value, list):
        return [tidy(item, depth=depth - 1) for item in cast("list[object]", value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(f"{type(value).__name__} is not JSON")


def _whole(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def decode(text: str, *, start: int = 0) -> Decoded:
    """Decode the JSON value that begins at `start`; what follows it is left alone.

    Raw line breaks inside strings are accepted, since models print code that way.

    Raises:
        ValueError: there is no JSON value at `start`, or one that cannot be passed on (infinite, too deep).
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    return Decoded(tidy(value), end)


def read_arguments(value: JsonValue) -> Arguments:
    """Read a call's arguments: an object, or a string that holds one, encoded once or twice. Nothing counts as {}."""
    for _ in range(2):
        if not isinstance(value, str) or not value.strip():
            break
        try:
            text = value.strip()
            value, end = decode(text)
        except ValueError as error:
            return Arguments({}, f"the arguments are not valid JSON ({error}); send them as one JSON object")
        if end != len(text):
            return Arguments({}, "there is text after the arguments; send them as one JSON object")
    if value is None or value == "":
        return Arguments({}, "")
    if not isinstance(value, dict):
        return Arguments({}, "the arguments must be one JSON object")
    return Arguments(value, "")


def read_call(value: JsonValue) -> RawCall | None:
    """Return the call that a JSON value spells, or None.

    Forms: {"name", "arguments"}, {"name", "parameters"}, and either of them under "function".
    """
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    fields = inner if isinstance(inner, dict) else value
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        return None
    for key in ("arguments", "parameters"):
        if key in fields:
            return RawCall(name, fields[key])
    return None


def call_number(messages: Iterable[Message]) -> int:
    """Return the number of the next call of a run: 1 + the highest among the ids `call_N` in `messages`."""
    ids = (call.id for message in messages for call in message.calls)
    found = (_OUR_ID.fullmatch(id_) for id_ in ids)
    return 1 + max((int(match.group(1)) for match in found if match), default=0)


def number_calls(raw: Sequence[RawCall], *, first: int) -> tuple[ToolCall, ...]:
    """Turn calls as written into calls with ids `call_N`, counted from `first`."""
    calls: list[ToolCall] = []
    for number, call in enumerate(raw, start=first):
        values, problem = read_arguments(call.arguments)
        calls.append(ToolCall(id=f"call_{number}", name=call.name, arguments=values, problem=call.problem or problem))
    return tuple(calls)
