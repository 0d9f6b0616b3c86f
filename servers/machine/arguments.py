"""Arguments held against the types of a tool's schema: what does not fit is named, and nothing is made to fit.

The SDK would take "5" and true for integers and a text with JSON for a list; the bounds of values are pydantic's part.
"""

import math
from collections.abc import Mapping
from typing import Any, cast

__all__ = ["LARGEST", "misfits"]

LARGEST = 2**53 - 1
"""Largest integer that every JSON reader keeps as it is; above, files and databases give up sooner or later."""

_KINDS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
}


def misfits(arguments: Mapping[str, object], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each argument whose type is not that of its flat schema in `known`."""
    wanted = ((name, _wanted(known[name], value)) for name, value in arguments.items())
    return [f"{name}: give {what}" for name, what in wanted if what]


def _wanted(schema: Mapping[str, Any], value: object) -> str:
    """Return what a value should be, where its type is another one; empty where it is right."""
    kind = str(schema.get("type"))
    if kind in ("integer", "number"):
        return _number(kind, value)
    if kind == "array" and isinstance(value, list):
        inner = (_wanted(schema.get("items", {}), item) for item in cast("list[object]", value))
        return next((f"a list, each of it {what}" for what in inner if what), "")
    types: dict[str, type] = {"string": str, "boolean": bool, "array": list}
    return "" if kind not in types or isinstance(value, types[kind]) else _KINDS[kind]


def _number(kind: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _KINDS[kind]
    if isinstance(value, float) and not (value.is_integer() if kind == "integer" else math.isfinite(value)):
        return _KINDS[kind]
    return f"{_KINDS[kind]} of at most {LARGEST}" if abs(value) > LARGEST and value == int(value) else ""
