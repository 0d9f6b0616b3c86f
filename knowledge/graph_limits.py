"""What the names, kinds, relations, texts and properties of a graph may be, and the errors that say so."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping

from knowledge.graph_view import GraphError

__all__ = [
    "LONGEST_KIND",
    "LONGEST_NAME",
    "LONGEST_NOTE",
    "LONGEST_QUERY",
    "LONGEST_RELATION",
    "LONGEST_SOURCE",
    "LONGEST_TEXT",
    "MOST_PROPERTIES",
    "Properties",
    "Value",
    "label",
    "optional_label",
    "properties_from",
    "properties_json",
    "shown",
    "statement",
    "storable",
]

LONGEST_NAME = 500
"""Characters of a node's name."""
LONGEST_KIND = 64
"""Characters of a kind."""
LONGEST_RELATION = 100
"""Characters of a relation."""
LONGEST_SOURCE = 500
"""Characters of a source."""
LONGEST_NOTE = 2_000
"""Characters of what is said of an edge."""
LONGEST_TEXT = 100_000
"""Characters of one text of a node."""
LONGEST_QUERY = 1_000
"""Characters of a search."""
MOST_PROPERTIES = 100
"""Properties of one node."""
_LONGEST_KEY = 100
_LONGEST_VALUE = 10_000
_LARGEST_NUMBER = 2**63

Value = str | int | float | bool
"""What a property may be."""
Properties = Mapping[str, Value]
"""The properties of a node, by name."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def shown(text: str) -> str:
    """Return a text short enough, and with its control characters escaped, for one line of an error."""
    short = text if len(text) <= 80 else f"{text[:80]}..."
    return ascii(short) if _CONTROL.search(short) else f"'{short}'"


def storable(text: str, longest: int) -> bool:
    """Say whether the text can be kept at all: not too long, no NUL, no half of a surrogate pair."""
    return len(text) <= longest and _UNSTORABLE.search(text) is None


def label(what: str, value: str, *, longest: int) -> str:
    """Return a name of something without blanks around it, in Unicode's composed form (NFC).

    Raises:
        GraphError: it is empty, too long, or has a control character or half of a surrogate pair.
    """
    text = value.strip() if len(value) <= 4 * longest else value
    if not text.isascii():
        text = unicodedata.normalize("NFC", text) if len(text) <= 4 * longest else text
    if not text:
        raise GraphError(f"{what} is empty: give it at least one character")
    if len(text) > longest:
        raise GraphError(f"{what} has {len(text):,} characters, at most {longest:,} fit: put the long part in a text")
    if (found := _CONTROL.search(text)) is not None:
        point = ord(found.group())
        raise GraphError(f"{what} has U+{point:04X} as character {found.start() + 1}: leave control characters out")
    return text


def optional_label(what: str, value: str, *, longest: int) -> str:
    """Return `label`, or nothing for nothing."""
    return label(what, value, longest=longest) if value.strip() else ""


def statement(what: str, value: str, *, longest: int) -> str:
    """Return a text as it is to be kept; line breaks and tabs may be in it.

    Raises:
        GraphError: it is too long, or has NUL or half of a surrogate pair.
    """
    if len(value) > longest:
        raise GraphError(f"{what} has {len(value):,} characters, at most {longest:,} fit: say it in several texts")
    if (found := _UNSTORABLE.search(value)) is not None:
        point = ord(found.group())
        raise GraphError(
            f"{what} has U+{point:04X} as character {found.start() + 1}, which no file keeps: leave it out"
        )
    return value.strip()


def _value(key: str, value: object) -> Value:
    if isinstance(value, str):
        return statement(f"property '{key}'", value, longest=_LONGEST_VALUE)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and -_LARGEST_NUMBER <= value < _LARGEST_NUMBER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise GraphError(f"property '{key}' is no text, finite number or truth value: write it as text")


def properties_json(properties: Mapping[str, object]) -> str:
    """Return properties as the JSON text that is kept, in a stable order.

    Raises:
        GraphError: too many, or a name or value that cannot be kept.
    """
    if not properties:
        return "{}"
    if len(properties) > MOST_PROPERTIES:
        raise GraphError(f"{len(properties):,} properties, at most {MOST_PROPERTIES} fit: say the rest in texts")
    kept: dict[str, Value] = {}
    for key, value in properties.items():
        name = label("the name of a property", key, longest=_LONGEST_KEY)
        kept[name] = _value(name, value)
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def properties_from(text: str) -> dict[str, Value]:
    """Return the properties that a kept JSON text holds."""
    if text == "{}":
        return {}
    kept: dict[str, Value] = json.loads(text)
    return kept
