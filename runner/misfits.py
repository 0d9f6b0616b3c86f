"""What is wrong with a table of a file that the user wrote, in the words of the file: line, field, what it takes."""

import difflib
import re
from collections.abc import Collection
from typing import Any, NamedTuple

from pydantic import ValidationError

from servers.machine.wire import clean, shorten

__all__ = ["Misfit", "line_of", "misfit_in"]

_WANTED = {
    "string_type": "text in quotes",
    "string_too_short": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": 'a list, e.g. ["a", "b"]',
    "dict_type": 'a table, e.g. { name = "value" }',
    "model_type": 'a table, e.g. { name = "value" }',
    "date_type": "a date, e.g. 2026-11-01",
    "date_from_datetime_parsing": "a date, e.g. 2026-11-01",
}
_BOUNDS = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}", "expected": "{}"}
_SHOWN = 40
_HEADER = re.compile(r"[ \t]*\[")


class Misfit(NamedTuple):
    """The first thing that does not fit, and what to do."""

    field: str
    """The field of the table; empty: the table itself."""
    text: str
    """What is wrong with it and what it takes, e.g. `num_ctx` is 100 and takes 1024 or more."""


def misfit_in(error: ValidationError, *, fields: Collection[str]) -> Misfit:
    """Return what does not fit into a table with these fields, a wrong value before one that is missing."""
    found = error.errors(include_url=False)
    wrong = [item for item in found if item["type"] != "missing" and item["loc"]]
    if not wrong:
        names = " and ".join(f"`{_place(item['loc'])}`" for item in found)
        return Misfit("", f"lacks {names or 'its fields'}; add what is missing")
    first = wrong[0]
    field = str(first["loc"][0])
    text = _unknown(first["loc"], fields) if first["type"] == "extra_forbidden" else _value(first)
    more = f" ({len(found) - 1} more after it)" if len(found) > 1 else ""
    return Misfit(field, f"{text}{more}")


def line_of(text: str, header: str, *, field: str = "", number: int = 0) -> str:
    """Return `:LINE` of a field of a table, or of the table; empty where it stands in another form.

    `header` is the table's header as a pattern, `number` counts the headers that it fits, from 0.
    """
    lines = text.splitlines()
    starts = [index for index, line in enumerate(lines) if re.match(rf"[ \t]*{header}[ \t]*(?:#|$)", line)]
    if number >= len(starts):
        return ""
    start = starts[number]
    for index, line in enumerate(lines[start + 1 :], start + 1):
        if _HEADER.match(line):
            break
        if field and re.match(rf"[ \t]*[\"']?{re.escape(field)}[\"']?[ \t]*[=.]", line):
            return f":{index + 1}"
    return f":{start + 1}"


def _place(parts: tuple[int | str, ...]) -> str:
    """Return where a value stands: examples[1].prompt."""
    shown = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    return clean(shorten(shown.lstrip("."), 80))


def _unknown(parts: tuple[int | str, ...], fields: Collection[str]) -> str:
    if len(parts) > 1:
        return f"`{_place(parts)}` is no field that is known; leave it out"
    name = _place(parts)
    near = difflib.get_close_matches(name, fields, n=1)
    told = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(fields)}"
    return f"there is no field `{name}`; {told}"


def _value(item: Any) -> str:
    limits = item.get("ctx", {})
    bounds = [told.format(limits[key]) for key, told in _BOUNDS.items() if key in limits]
    wanted = _WANTED.get(item["type"]) or next(iter(bounds), "") or item["msg"].removeprefix("Input should be ")
    given = item["input"]
    is_plain = isinstance(given, str | int | float)
    shown = f"is {clean(shorten(repr(given), _SHOWN))} and takes" if is_plain else "takes"
    return f"`{_place(item['loc'])}` {shown} {wanted}; correct it"
