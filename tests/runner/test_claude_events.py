"""Events of Claude as a hostile server could send them: whatever they hold, they end in words or in our own errors."""

import json

from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import JsonValue

from runner.errors import ModelError
from runner.models.claude_events import ClaudeEvents, GivenUp, calls_of
from runner.models.hosted import Speech
from runner.models.model import ignore_text

FIELDS = (
    "type index delta content_block text thinking partial_json signature citation usage message input_tokens "
    "output_tokens stop_reason stop_details error id name input"
)
TYPES = (
    "content_block_start content_block_delta message_start message_delta message_stop error ping text tool_use "
    "thinking text_delta input_json_delta citations_delta signature_delta"
)
LEAVES = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8)
NAMES = some.sampled_from(FIELDS.split())
KINDS = some.sampled_from(TYPES.split())
VALUES = some.recursive(
    LEAVES | KINDS, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(NAMES, inner, max_size=4)
)
EVENTS = some.fixed_dictionaries(
    {"type": KINDS, "index": LEAVES, "delta": VALUES, "content_block": VALUES, "usage": VALUES, "error": VALUES}
)


@settings(max_examples=150, deadline=None)
@given(some.lists(EVENTS, max_size=6))
def test_events_of_any_shape_end_in_blocks_that_can_be_kept_and_calls_that_can_be_refused(
    events: list[dict[str, JsonValue]],
) -> None:
    heard = ClaudeEvents(Speech(ignore_text))
    for event in events:
        try:
            heard.take(json.dumps(event))
        except (GivenUp, ModelError, ValueError):
            continue
    blocks = heard.blocks()
    calls = calls_of(blocks, ["call_1"], first=2, cut_off=heard.cut_off)
    json.dumps(blocks, allow_nan=False)
    ids = [call.id for call in calls]
    assert len({*ids, "call_1"}) == len(ids) + 1 and all(call.name for call in calls)
    assert heard.usage.prompt_tokens >= 0 and heard.usage.thinking_tokens <= heard.usage.answer_tokens
    assert [block["id"] for block in blocks if block.get("type") == "tool_use"] == ids
