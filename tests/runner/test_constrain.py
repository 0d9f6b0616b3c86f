"""The schema for a grammar: bounded, whatever the tool's own one says."""

import json
from typing import Any

import pytest

from runner.models.constrain import constrain


def test_parts_that_name_each_other_do_not_multiply() -> None:
    parts: dict[str, Any] = {f"p{number}": {"$ref": "#/$defs/a"} for number in range(300)}
    wide: dict[str, Any] = {"type": "object", "properties": parts}
    found = constrain({**wide, "$defs": {"a": wide}})
    assert set(parts) == set(found["properties"])  # type: ignore[arg-type]  # it is a dictionary
    assert len(json.dumps(found)) < 1_000_000


@pytest.mark.parametrize("kind", [{"x": 1}, [{"x": 1}], [["string"]], 5, None])
def test_a_type_that_is_none_takes_any_plain_value(kind: Any) -> None:
    found = constrain({"type": "object", "properties": {"a": {"type": kind}}})
    assert '"anyOf"' in json.dumps(found)
