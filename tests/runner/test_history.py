"""What of a conversation is sent: never a call without its result, never without the question, never too much."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.history import Estimate, History, question_in
from schemas.message import Image, Message, ToolCall, ToolSpec

SYSTEM = Message(role="system", text="You know the SNES.")
QUESTION = Message(role="user", text="What is $2100?")
EXAMPLE = (
    Message(role="user", text="What is $4016?", example=True),
    Message(role="assistant", calls=(ToolCall(id="example", name="look", arguments={"q": "$4016"}),), example=True),
)


def exchange(number: int, *results: int) -> list[Message]:
    """Return one message of the model with a call for each result, and the results, by their lengths."""
    made = tuple(ToolCall(id=f"{number}.{at}", name="look", arguments={"q": str(at)}) for at in range(len(results)))
    asked = Message(role="assistant", text="I look." if made else "It is so.", calls=made)
    brought = [
        Message(role="tool", text="r" * length, call_id=call.id, tool="look")
        for call, length in zip(made, results, strict=True)
    ]
    return [asked, *brought]


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Return a conversation as the loop makes them: earlier questions with their exchanges, the question, its own."""
    lengths = st.lists(st.integers(0, 20_000), max_size=3)
    made: list[Message] = [SYSTEM, *(EXAMPLE if draw(st.booleans()) else ())]
    number = 0
    for asked in [f"Question {index}" for index in range(draw(st.integers(0, 3)))] + [QUESTION.text]:
        made.append(Message(role="user", text=asked))
        for results in draw(st.lists(lengths, max_size=5)):
            number += 1
            made += exchange(number, *results)
            if draw(st.booleans()):
                made.append(Message(role="user", text="Look again."))
    return made


def kept(messages: list[Message], window: int, **options: Any) -> tuple[list[Message], History]:
    history = History(question_in(messages, QUESTION.text), window=window, line=lambda index: f"[left out {index}]")
    return list(history.shown(messages, **options).messages), history


@settings(deadline=None)
@given(conversations(), st.integers(500, 20_000))
def test_whatever_is_left_out_what_is_sent_is_a_conversation(messages: list[Message], window: int) -> None:
    sent, history = kept(messages, window)
    spoken = [item for item in sent if not item.example]
    asked = [call.id for item in spoken for call in item.calls]
    assert asked == [item.call_id for item in spoken if item.role == "tool"]
    assert sent[0] == SYSTEM
    assert QUESTION in sent
    assert next(item.role for item in spoken if item.role != "system") == "user"
    newest = [item for item in messages if item.role == "assistant" and not item.example][-1:]
    assert all(any(item.calls == last.calls for item in sent) for last in newest)
    if not history.trimmed:
        assert sent == messages


@settings(deadline=None)
@given(conversations(), st.integers(2_000, 20_000))
def test_it_fits_whenever_leaving_out_can_make_it_fit(messages: list[Message], window: int) -> None:
    sent, history = kept(messages, window)
    assert history.estimate.of(sent) <= window - min(window // 4, 2048)


@settings(deadline=None)
@given(conversations(), st.integers(1_000, 10_000))
def test_the_oldest_results_go_first_and_what_went_stays_away(messages: list[Message], window: int) -> None:
    history = History(question_in(messages, QUESTION.text), window=window, line=lambda index: f"[left out {index}]")
    before: set[str] = set()
    for end in range(1, len(messages) + 1):
        if messages[end - 1].role == "tool" and end < len(messages) and messages[end].role == "tool":
            continue  # results of one step arrive together
        sent = history.shown(messages[:end]).messages
        whole = {item.call_id for item in sent if item.role == "tool" and item.text.strip("r") == ""}
        assert not before & whole, "a result that was left out came back"
        results = [item for item in messages[:end] if item.role == "tool" and len(item.text) > 300]
        there = {item.call_id for item in sent if item.role == "tool" and not item.text.startswith("[left out")}
        gone = [item.call_id not in there for item in results]
        newest = max((index for index, item in enumerate(messages[:end]) if item.role == "assistant"), default=0)
        older = [was for was, item in zip(gone, results, strict=True) if messages.index(item) < newest]
        assert older == sorted(older, reverse=True), "an older result is whole while a younger one is not"
        before |= {item.call_id for item, was in zip(results, older, strict=False) if was}


def test_a_conversation_that_fits_is_sent_as_it_is() -> None:
    messages = [SYSTEM, *EXAMPLE, QUESTION, *exchange(1, 400), *exchange(2, 400)]
    assert kept(messages, 8192)[0] == messages
    assert kept(messages * 50, 0)[0] == messages * 50


def test_old_results_become_lines_before_an_exchange_is_dropped() -> None:
    messages = [SYSTEM, QUESTION, *exchange(1, 8_000), *exchange(2, 8_000), *exchange(3, 8_000)]
    sent, _ = kept(messages, 8192)
    assert [item.text for item in sent if item.role == "tool"] == ["[left out 3]", "r" * 8_000, "r" * 8_000]
    assert len(sent) == len(messages)


def test_the_tools_take_their_part_of_the_window() -> None:
    messages = [SYSTEM, QUESTION, *exchange(1, 4_500), *exchange(2, 4_500)]
    big = ToolSpec(name="t", description="d" * 8_000, parameters={})
    assert kept(messages, 4_800)[0] == messages
    assert kept(messages, 4_800, tools=(big,))[0] != messages


def test_what_the_model_read_corrects_the_estimate_within_bounds() -> None:
    estimate = Estimate()
    plain = estimate.of([QUESTION, *exchange(1, 3_500)])
    estimate.learn(plain, plain * 2)
    assert estimate.of([QUESTION, *exchange(1, 3_500)]) == pytest.approx(plain * 2, rel=0.01)
    for nothing in ((plain * 2, plain // 2), (plain, 0), (0, plain)):
        estimate.learn(*nothing)
    assert estimate.factor == pytest.approx(2.0, rel=0.01)
    for _ in range(9):
        estimate.learn(10, 6)
    assert estimate.factor == 0.6


def test_the_question_is_found_under_the_context_that_stands_before_it() -> None:
    framed = Message(role="user", text=f"notes\n\n{QUESTION.text}")
    nudge = Message(role="user", text="Look again.")
    assert question_in([SYSTEM, *EXAMPLE, nudge, framed, nudge], QUESTION.text) == 4
    assert question_in([SYSTEM, nudge], "another") == 1


def test_many_tools_leave_a_short_conversation_and_its_examples_alone() -> None:
    messages = [SYSTEM, *EXAMPLE, QUESTION, *exchange(1, 900)]
    many = tuple(ToolSpec(name=f"t{number}", description="d" * 900, parameters={}) for number in range(40))
    assert kept(messages, 8192, tools=many)[0] == messages


def test_the_examples_go_last() -> None:
    messages = [SYSTEM, *EXAMPLE, QUESTION, *exchange(1, 20_000), *exchange(2, 20_000)]
    sent, _ = kept(messages, 2_000)
    assert [item for item in sent if item.example] == list(EXAMPLE)


def test_old_pictures_go_even_with_a_short_text_and_that_is_said() -> None:
    seen = [*exchange(1, 20), *exchange(2, 20)]
    picture = Image(data="AAAA", mime_type="image/png")
    shown = [item.model_copy(update={"images": (picture,) * 2}) if item.role == "tool" else item for item in seen]
    sent, _ = kept([SYSTEM, QUESTION, *shown], 4_000)
    first, last = [item for item in sent if item.role == "tool"]
    assert first.images == () and first.text.startswith("r" * 20 + "\n[its pictures are left out")
    assert len(last.images) == 2


def test_of_very_many_pictures_the_newest_are_sent() -> None:
    picture = Image(data="AAAA", mime_type="image/png")
    seen = [line for number in range(30) for line in exchange(number, 20)]
    shown = [item.model_copy(update={"images": (picture,)}) if item.role == "tool" else item for item in seen]
    sent, _ = kept([SYSTEM, QUESTION, *shown], 900_000)
    results = [item for item in sent if item.role == "tool"]
    assert [len(item.images) for item in results] == [0] * 20 + [1] * 10
    assert "pictures are left out" in results[0].text
