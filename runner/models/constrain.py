"""A tool's schema cut down to what a grammar can hold: every string bounded, every object closed.

The keywords that stay are those that both llama.cpp's converter and Ollama's `format` accept. llama.cpp
refuses a repetition of 2,000 or more, hence the bounds.
"""

from collections.abc import Mapping

from pydantic import JsonValue

__all__ = ["LONGEST_STRING", "MOST_ITEMS", "constrain"]

LONGEST_STRING = 1500
"""Characters of one string in a constrained reply."""
MOST_ITEMS = 32
"""Elements of one array in a constrained reply."""

_DEEPEST = 6
_MOST_PARTS = 2000
"""Parts of a constrained schema: one of a few lines, whose parts name each other, would have millions."""
_LARGEST = 2**53
_ANY: dict[str, JsonValue] = {
    "anyOf": [{"type": "string", "maxLength": LONGEST_STRING}, {"type": "number"}, {"type": "boolean"}]
}
_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "array", "object"})


def _whole(schema: Mapping[str, JsonValue], key: str, *, low: int, high: int) -> int | None:
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if low <= value <= high else None


def _string(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    longest = _whole(schema, "maxLength", low=0, high=LONGEST_STRING)
    out: dict[str, JsonValue] = {
        "type": "string",
        "maxLength": LONGEST_STRING if longest is None else longest,
    }
    shortest = _whole(schema, "minLength", low=1, high=LONGEST_STRING if longest is None else longest)
    return out if shortest is None else {**out, "minLength": shortest}


def _integer(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    out: dict[str, JsonValue] = {"type": "integer"}
    for key in ("minimum", "maximum"):
        bound = _whole(schema, key, low=-_LARGEST, high=_LARGEST)
        if bound is not None:
            out[key] = bound
    return out


class _Reader:
    """Walks one schema; `defs` are its named parts, `depth` how far it may still go down."""

    def __init__(self, defs: Mapping[str, JsonValue]) -> None:
        self._defs = defs
        self._left = _MOST_PARTS

    def read(self, schema: JsonValue, depth: int) -> dict[str, JsonValue]:
        self._left -= 1
        if not isinstance(schema, dict) or depth <= 0 or self._left < 0:
            return dict(_ANY)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self.read(self._defs.get(reference.rpartition("/")[2]), depth - 1)
        if "const" in schema:
            return {"const": schema["const"]}
        values = schema.get("enum")
        if isinstance(values, list) and values:
            return {"enum": values}
        return self._choices(schema, depth) or self._typed(schema, depth)

    def _choices(self, schema: Mapping[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        for key in ("anyOf", "oneOf"):
            choices = schema.get(key)
            if isinstance(choices, list) and choices:
                return {"anyOf": [self.read(choice, depth - 1) for choice in choices]}
        parts = schema.get("allOf")
        if isinstance(parts, list) and len(parts) == 1:
            return self.read(parts[0], depth - 1)
        kinds = schema.get("type")
        if isinstance(kinds, list) and kinds:
            return {"anyOf": [self.read({**schema, "type": kind}, depth - 1) for kind in kinds]}
        return {}

    def _typed(self, schema: Mapping[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        kind = schema.get("type", "object" if "properties" in schema else None)
        if not isinstance(kind, str) or kind not in _TYPES:
            return dict(_ANY)
        if kind == "string":
            return _string(schema)
        if kind == "integer":
            return _integer(schema)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        return {"type": kind}

    def _array(self, schema: Mapping[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        most = _whole(schema, "maxItems", low=0, high=MOST_ITEMS)
        items = self.read(schema.get("items"), depth - 1)
        out: dict[str, JsonValue] = {
            "type": "array",
            "items": items,
            "maxItems": MOST_ITEMS if most is None else most,
        }
        fewest = _whole(schema, "minItems", low=1, high=MOST_ITEMS if most is None else most)
        return out if fewest is None else {**out, "minItems": fewest}

    def _object(self, schema: Mapping[str, JsonValue], depth: int) -> dict[str, JsonValue]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {"type": "object", "additionalProperties": dict(_ANY)}
        required = schema.get("required")
        named = [name for name in properties if isinstance(required, list) and name in required]
        return {
            "type": "object",
            "properties": {name: self.read(part, depth - 1) for name, part in properties.items()},
            "required": list[JsonValue](named),
            "additionalProperties": False,
        }


def constrain(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the schema of a tool's arguments in the keywords that a grammar can hold.

    References are put in place (six levels deep, then any scalar), patterns, formats and texts are dropped.
    """
    defs = schema.get("$defs", schema.get("definitions"))
    whole: dict[str, JsonValue] = {"properties": {}, **schema, "type": "object"}
    return _Reader(defs if isinstance(defs, dict) else {}).read(whole, _DEEPEST)
