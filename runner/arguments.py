"""The arguments of a call: small slips put right without loss, the rest named for the model to correct.

The tool's own input schema decides. Nothing is guessed: a near-miss name is pointed out, never replaced.
"""

import difflib
import importlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol, TypeGuard, cast

from pydantic import JsonValue

from runner.untrusted import defused
from servers.machine.wire import clean, shorten

__all__ = ["DEPTH_LIMIT", "SIZE_LIMIT", "ArgumentCheck", "repair", "unsendable"]

SIZE_LIMIT = 4 << 20
"""Bytes of the arguments of one call as JSON."""
DEPTH_LIMIT = 64
"""How deep the arguments may be nested: the SDK's serialiser gives up at about 200."""

_WRAPPERS = ("arguments", "parameters", "args")
_SHOWN = 20
_NAMED = 8
"""Mistakes that are named at once."""
_SECONDS = 1.0
"""How long a check may take: a schema of a few lines can ask for more steps than there is time."""
_UNCHECKED = ("pattern", "patternProperties", "format", "uniqueItems", "unevaluatedProperties", "unevaluatedItems")
"""Keywords left to the server: they run its patterns, or take their time where no clock is looked at."""
_ODD = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError)
"""What jsonschema raises where a schema refers to what is none, or compares what cannot be compared."""
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class _Validator(Protocol):
    def iter_errors(self, instance: Any) -> Iterator[Any]: ...


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if _is_object(properties) else {}


def _types(schema: Any) -> tuple[str, ...]:
    wanted = schema.get("type") if _is_object(schema) else None
    return tuple(map(str, wanted)) if _is_list(wanted) else (wanted,) if isinstance(wanted, str) else ()


def _required(schema: Mapping[str, Any]) -> list[str]:
    required = schema.get("required")
    return [str(name) for name in required] if _is_list(required) else []


def unsendable(arguments: Mapping[str, JsonValue]) -> str:
    """Say why arguments cannot go over the wire (size, depth, NaN, half of a character); "" if they can."""
    if _depth(arguments) > DEPTH_LIMIT:
        return f"the arguments are nested more than {DEPTH_LIMIT} deep; send flat ones"
    try:
        size = len(json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode())
    except UnicodeEncodeError:
        return "the arguments hold half of a character (a lone surrogate); send plain text"
    except ValueError:
        return "the arguments hold NaN or Infinity; send numbers"
    if size > SIZE_LIMIT:
        return f"the arguments take {size} bytes, more than {SIZE_LIMIT}; send less in one call"
    return ""


def _depth(value: Any) -> int:
    level: list[Any] = [value]
    depth = 0
    while level and depth <= DEPTH_LIMIT:
        depth += 1
        level = [item for node in level for item in _items(node) if isinstance(item, dict | list)]
    return depth


def _items(node: Any) -> Collection[Any]:
    return node.values() if _is_object(node) else node


def repair(schema: Mapping[str, Any], arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the arguments with lossless slips put right.

    Wrapped in one of `arguments`, `parameters`, `args`: unwrapped. A number, boolean, object or list given
    as a string where the schema wants that type: read. A whole number where it wants text: written out. null
    for an argument that may be left out: left out.
    """
    properties = _properties(schema)
    plain = _unwrapped(properties, dict(arguments))
    required = _required(schema)
    out: dict[str, JsonValue] = {}
    for name, value in plain.items():
        types = _types(properties.get(name))
        if value is None and types and "null" not in types and name not in required:
            continue
        out[name] = _retyped(types, value)
    return out


def _unwrapped(properties: Mapping[str, Any], arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(arguments) != 1:
        return arguments
    name, value = next(iter(arguments.items()))
    if name not in _WRAPPERS or name in properties:
        return arguments
    inner = _parsed(value) if isinstance(value, str) else value
    return inner if isinstance(inner, dict) else arguments


def _parsed(text: str) -> JsonValue:
    if text.strip() in ("True", "False"):
        return text.strip() == "True"
    try:
        return cast("JsonValue", json.loads(text))
    except (ValueError, RecursionError):
        return None


def _retyped(types: tuple[str, ...], value: JsonValue) -> JsonValue:
    if not types:
        return value
    if isinstance(value, str) and "string" not in types:
        parsed = _parsed(value)
        return parsed if any(_fits(wanted, parsed) for wanted in types) else value
    if isinstance(value, int) and not isinstance(value, bool) and types == ("string",):
        return str(value)
    if isinstance(value, float) and "integer" in types and "number" not in types and value.is_integer():
        return int(value)
    return value


def _fits(wanted: str, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "integer" and isinstance(value, float):
        return False
    return isinstance(value, _JSON_TYPES.get(wanted, ()))


class _TooLong(Exception):
    """A check took longer than _SECONDS."""


class _Clock:
    """Looked at before each step of a check."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self) -> None:
        self._end = time.monotonic() + _SECONDS

    def look(self) -> None:
        if time.monotonic() > self._end:
            raise _TooLong


class ArgumentCheck:
    """Checks the arguments of one tool. Made when the tool is first called: it compiles the schema.

    A schema that cannot be understood, or takes too long, checks nothing: the server has to judge.
    """

    def __init__(self, tool: str, schema: Mapping[str, Any]) -> None:
        self._tool = tool
        self._properties = _properties(schema)
        self._required = _required(schema)
        self._closed = bool(self._properties) and not (
            schema.get("additionalProperties") or schema.get("patternProperties")
        )
        self._clock = _Clock()
        self._validator = _compile(schema, self._clock)

    def problems(self, arguments: Mapping[str, JsonValue]) -> str:
        """Name every wrong, unknown and missing argument and list the right ones; "" when they are right."""
        found: list[str] = []
        for name in arguments:
            if self._closed and name not in self._properties:
                found.append(self._unknown(name, arguments))
        found += [f"{name!r} is missing" for name in self._required if name not in arguments]
        found += self._invalid(dict(arguments))
        if not found:
            return ""
        return defused(clean(f"{self._tool}: {'; '.join(found[:_NAMED])}. {self._usage()}"))

    def _unknown(self, name: str, arguments: Mapping[str, JsonValue]) -> str:
        free = [key for key in self._properties if key not in arguments]
        near = difflib.get_close_matches(name[:64], free, n=1, cutoff=0.5)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"there is no argument {shorten(name, 64)!r}{hint}"

    def _invalid(self, arguments: dict[str, JsonValue]) -> list[str]:
        from jsonschema.exceptions import UnknownType
        from referencing.exceptions import CannotDetermineSpecification, Unresolvable

        if self._validator is None:
            return []
        found: list[str] = []
        self._clock.start()
        try:
            for error in islice(filter(_unnamed, self._validator.iter_errors(arguments)), _NAMED):
                found.append(_readable(error))
        except (_TooLong, CannotDetermineSpecification, Unresolvable, UnknownType, *_ODD):
            self._validator = None
        return found

    def _usage(self) -> str:
        if not self._properties:
            return "It takes no arguments." if self._closed else "Correct them and call it again."
        shown = [
            f"{name} ({', '.join(filter(None, ('/'.join(_types(schema)), _need(name, self._required))))})"
            for name, schema in list(self._properties.items())[:_SHOWN]
        ]
        more = f" and {len(self._properties) - _SHOWN} more" if len(self._properties) > _SHOWN else ""
        return shorten(f"It takes: {', '.join(shown)}{more}.", 2000)


def _need(name: str, required: list[str]) -> str:
    return "required" if name in required else "optional"


def _unnamed(error: Any) -> bool:
    """Tell whether an error is not named yet, as what is missing or unknown at the top is."""
    return error.validator not in ("required", "additionalProperties") or bool(error.absolute_path)


def _readable(error: Any) -> str:
    name = shorten(".".join(str(part) for part in error.absolute_path), 64)
    where = repr(name) if name else "the arguments"
    if error.validator == "type":
        wanted = error.validator_value
        wanted = wanted if isinstance(wanted, str) else " or ".join(map(str, wanted))
        return f"{where} must be {wanted}, not {shorten(json.dumps(error.instance, default=str), 60)}"
    if error.validator == "enum":
        return f"{where} must be one of {shorten(', '.join(map(str, error.validator_value)), 300)}"
    return f"{where}: {shorten(str(error.message), 200)}"


def _compile(schema: Mapping[str, Any], clock: _Clock) -> _Validator | None:
    """Compile a schema that a stranger wrote: it fetches nothing, runs no pattern. None: no schema."""
    import jsonschema
    from jsonschema.exceptions import SchemaError, UnknownType

    validators: Any = importlib.import_module("jsonschema.validators")  # its own types are incomplete
    registry: Any = importlib.import_module("referencing").Registry()
    try:
        found = validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        found.check_schema(schema)
        timed = {name: _timed(name, check, clock) for name, check in found.VALIDATORS.items()}
        strict = validators.extend(found, {**timed, **dict.fromkeys(_UNCHECKED)})
        return cast("_Validator", strict(dict(schema), registry=registry))
    except (SchemaError, UnknownType, *_ODD):
        return None


_Step = Callable[[Any, Any, Any, Any], Any]


def _timed(name: str, check: _Step, clock: _Clock) -> _Step:
    """Return a check of one keyword that looks at the clock first."""

    def timed(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        clock.look()
        if name == "additionalProperties" and "patternProperties" in schema:
            return None  # it would run the patterns
        return check(validator, value, instance, schema)

    return timed
