import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.models.printed import find_printed_calls, may_become_calls

OFFERED = {"alttp_lookup", "assemble"}
_PIECES = ("[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<function=assemble>", "<parameter=a>", "</parameter>",
           "</function>", "<tool_call>", "</tool_call>", "```", "assemble", "{}", "\n", ";")  # fmt: skip
CALL = '{"name": "alttp_lookup", "arguments": {"query": "$7EF36D"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"\n  {CALL}\n",
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```",
        f"```json {CALL}```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}",
        f"<tools>{CALL}</tools>",
        f"[{CALL}]",
        f"[TOOL_CALLS] [{CALL}]",
        f"[TOOL_CALLS]{CALL}</s>",
        '[TOOL_CALLS]alttp_lookup[ARGS]{"query": "$7EF36D"}',
        '[TOOL_CALLS]alttp_lookup[CALL_ID]a1B2c3D4e[ARGS]{"query": "$7EF36D"}',
        f"<|python_tag|>{CALL}",
        f"<|python_tag|>{CALL}<|eom_id|>",
        "<function=alttp_lookup>\n<parameter=query>\n$7EF36D\n</parameter>\n</function>",
        "<tool_call>\n<function=alttp_lookup><parameter=query>$7EF36D</parameter></function>\n</tool_call>",
        '<function=alttp_lookup>{"query": "$7EF36D"}</function>',
        '{"name": "alttp_lookup", "parameters": {"query": "$7EF36D"}}',
        '{"function": {"name": "alttp_lookup", "arguments": {"query": "$7EF36D"}}}',
        '{"function": {"name": "alttp_lookup", "arguments": "{\\"query\\": \\"$7EF36D\\"}"}}',
    ],
)
def test_a_reply_that_is_only_a_call_is_a_call(text: str) -> None:
    (call,) = find_printed_calls(text, OFFERED)
    assert not call.in_prose
    assert (call.id, call.name, call.arguments, call.problem) == (
        "call_1",
        "alttp_lookup",
        {"query": "$7EF36D"},
        "",
    )
    assert call.from_text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "[]",
        "{}",
        "```\n```",
        "```json\nnot json\n```",
        f"I would call the tool like this: {CALL}",
        f"{CALL} and then I would wait",
        f"Example:\n```json\n{CALL}\n```",
        f"```json\n{CALL}\n```\nThat looks the address up.",
        f"I will call the tool.\n```json\n{CALL}\n```\nThen I answer.",
        f"To look it up you would write\n```json\n{CALL}\n```",
        f"Don't do this:\n```json\n{CALL}\n```",
        f"I will look it up, as in ```json {CALL}```",
        f"First the code:\n```asm\nrtl\n```\nand the call:\n```json\n{CALL}\n```",
        f"{'The health of Link is at an address of WRAM. ' * 8}\n```json\n{CALL}\n```",
        'I will call it.\n```json\n{"name": "rm_everything", "arguments": {}}\n```',
        "I will show the facts.\n```json\n" + '{"address": "$7EF36D"}\n```',
        '{"name": "rm_everything", "arguments": {}}',
        f'{CALL}\n{{"name": "rm_everything", "arguments": {{}}}}',
        '{"name": "alttp_lookup"}',
        '{"name": 5, "arguments": {}}',
        '{"name": "alttp_lookup", "arguments": {"query": "cut of',
        '{"address": "$7EF36D"}',
        '"alttp_lookup"',
        '{"name": "alttp_lookup", "arguments": {"n": NaN}}',
        '{"name": "alttp_lookup", "arguments": {"n": 1e999}}',
        f"[TOOL_CALLS] [{CALL}] and so on",
        "[TOOL_CALLS]",
        "[TOOL_CALLS]" * 10_000,
        "[TOOL_CALLS]alttp_lookup",
        "[TOOL_CALLS]rm_everything[ARGS]{}",
        "[TOOL_CALLS]" + "a" * 150_000,
        f"The mark is [TOOL_CALLS] [{CALL}]",
        f"<|python_tag|>{CALL} is what I would send",
        "<|python_tag|>" * 10_000,
        '<|python_tag|>brave_search.call(query="x")',
        "<function=alttp_lookup>",
        "<function=alttp_lookup><parameter=query>$7EF36D",
        "<function=alttp_lookup><parameter=query>$7EF36D</parameter>",
        "<function=alttp_lookup><parameter=query>$7EF36D</function>",
        "<function=alttp_lookup>words</function>",
        "<function=alttp_lookup><parameter=a>1</parameter><parameter=a>2</parameter></function>",
        "<function=rm_everything></function>",
        "<function=alttp_lookup></function> and so on",
        "For example:\n<function=alttp_lookup></function>",
        "<function=" * 15_000,
        "<function=alttp_lookup>" + "<parameter=a>" * 15_000,
        "<function=alttp_lookup>" + "<parameter=a></parameter>" * 7_000,
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_any_other_reply_is_text(text: str) -> None:
    assert find_printed_calls(text, OFFERED) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"I will call the tool.\n```json\n{CALL}\n```\n",
        f"Let me look that up:\n\n```\n{CALL}\n```",
        f"I'll ask the tool.\n<tool_call>\n{CALL}\n</tool_call>",
        f"I'll ask the tool.\n[TOOL_CALLS] [{CALL}]",
        f"I'll ask the tool.\n<|python_tag|>{CALL}",
        "I'll ask the tool.\n<function=alttp_lookup><parameter=query>$7EF36D</parameter></function>",
    ],
)
def test_a_call_that_a_few_words_announce_is_a_call_that_says_so(text: str) -> None:
    (call,) = find_printed_calls(text, OFFERED)
    assert (call.name, call.arguments) == ("alttp_lookup", {"query": "$7EF36D"})
    assert call.from_text and call.in_prose


@pytest.mark.parametrize(
    "text",
    [
        f"<|python_tag|>{CALL}; {CALL}",
        f"[TOOL_CALLS] [{CALL}, {CALL}]",
        "[TOOL_CALLS]alttp_lookup[ARGS]{}[TOOL_CALLS]assemble[ARGS]{}",
        "<function=alttp_lookup></function>\n<function=assemble></function>",
        f"{CALL}\n{CALL}",
        f"[{CALL}, {CALL}]",
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>",
    ],
)
def test_several_printed_calls_get_ids_in_their_order(text: str) -> None:
    assert [call.id for call in find_printed_calls(text, OFFERED, first=7)] == ["call_7", "call_8"]


def test_braces_and_fences_inside_an_argument_do_not_cut_the_call() -> None:
    source = 'lda #$00 ; } ]\n```\n</tool_call> {"name": "x"}'
    text = json.dumps({"name": "assemble", "arguments": {"source": source}})
    (call,) = find_printed_calls(f"<tool_call>{text}</tool_call>", OFFERED)
    assert call.arguments == {"source": source}


def test_a_parameter_between_marks_is_text_with_its_line_breaks() -> None:
    source = 'org $8000\n  lda #$05 ; a < b & "c"\n\nrtl'
    (call,) = find_printed_calls(
        f"<tool_call>\n<function=assemble>\n<parameter=source>\n{source}\n</parameter>\n"
        "<parameter=count>\n5\n</parameter>\n</function>\n</tool_call>",
        OFFERED,
    )
    assert call.arguments == {"source": source, "count": "5"}


def test_line_breaks_inside_a_string_are_kept() -> None:
    (call,) = find_printed_calls('{"name": "assemble", "arguments": {"source": "org $8000\nrtl"}}', OFFERED)
    assert call.arguments == {"source": "org $8000\nrtl"}


def test_arguments_in_a_string_of_bad_json_make_a_call_with_a_problem() -> None:
    (call,) = find_printed_calls('{"name": "assemble", "arguments": "{source: x"}', OFFERED)
    assert call.arguments == {} and "send them as one JSON object" in call.problem


def test_lone_surrogates_in_arguments_are_replaced() -> None:
    (call,) = find_printed_calls('{"name": "assemble", "arguments": {"a\\ud800": "b\\udfff"}}', OFFERED)
    assert call.arguments == {"a\ufffd": "b\ufffd"}


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"```json\n{CALL}\n```",
        f"<tools>{CALL}</tools>",
        f"[TOOL_CALLS] [{CALL}]",
        f"<|python_tag|>{CALL}",
        "<function=assemble></function>",
    ],
)
def test_no_beginning_of_a_printed_call_is_taken_for_prose(text: str) -> None:
    assert all(may_become_calls(text[:end]) for end in range(len(text)))


def test_prose_is_known_from_its_first_letter() -> None:
    assert not may_become_calls("Link's health is at $7EF36D")


@given(st.lists(st.sampled_from([*_PIECES]) | st.text(max_size=3)).map("".join))
def test_no_mixture_of_marks_makes_it_fail(text: str) -> None:
    assert all(call.name in OFFERED for call in find_printed_calls(text, OFFERED))


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(find_printed_calls(text, OFFERED), tuple)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_arguments_of_any_shape_are_read_or_reported(value: object) -> None:
    (call,) = find_printed_calls(json.dumps({"name": "assemble", "arguments": value}), OFFERED)
    assert call.problem if value else call.arguments == {}
