"""Long results: cut for the model, whole in a file, and read on with a tool of the runner."""

from pathlib import Path
from typing import Any

import pytest

from runner.pages import READ_RESULT, Pages, kept_pages, result_limit
from schemas.message import Message, ToolCall, ToolSpec
from schemas.run import CallRecord

LONG = "".join(f"line {number}\n" for number in range(2_000))


def record(text: str) -> CallRecord:
    return CallRecord(call=ToolCall(id="1", name="look"), ok=True, text=text)


def reading(**arguments: Any) -> ToolCall:
    return ToolCall(id="2", name="read_result", arguments=arguments)


@pytest.mark.parametrize("kept", [True, False])
def test_a_long_result_can_be_read_to_its_last_character(tmp_path: Path, *, kept: bool) -> None:
    pages = Pages(tmp_path / "x.results" if kept else None, 1_000)
    assert pages.offered(()) == ()
    seen = pages.take(3, record(LONG))
    assert len(seen.text) <= 1_000
    assert seen.file == ("x.results/03.txt" if kept else "")
    assert pages.offered(()) == (READ_RESULT,)
    offset, read = 850, seen.text[:850]
    assert f"read_result(call=3, offset={offset})" in seen.text
    while offset < len(LONG):
        page = pages.read(reading(call=3, offset=offset))
        assert page.ok
        body = page.text.rpartition("\n[characters")[0]
        read += body
        offset += len(body)
    assert read == LONG
    if kept:
        assert (tmp_path / seen.file).read_text(encoding="utf-8") == LONG
        assert (tmp_path / seen.file).stat().st_mode & 0o077 == 0


def test_a_short_result_is_left_alone(tmp_path: Path) -> None:
    pages = Pages(tmp_path / "x.results", 1_000)
    assert pages.take(1, record("short")) == record("short")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"call": 9}, "there are 1"),
        ({"call": 1, "offset": 10**9}, "smaller offset"),
        ({"call": 1, "offset": -1}, "`offset`"),
        ({"call": True}, "`call`"),
        ({"call": "one"}, "`call`"),
        ({"call": float("inf")}, "`call`"),
        ({}, "`call`"),
    ],
)
def test_a_page_that_is_not_there_is_named_with_those_that_are(arguments: dict[str, Any], says: str) -> None:
    pages = Pages(None, 1_000)
    pages.take(1, record(LONG))
    answer = pages.read(reading(**arguments))
    assert not answer.ok
    assert says in answer.text


def test_numbers_written_as_text_are_taken() -> None:
    pages = Pages(None, 1_000)
    pages.take(1, record(LONG))
    assert pages.read(reading(call="1", offset="5")).text.startswith(LONG[5:50])


def test_where_no_file_can_be_written_the_text_is_held_and_the_problem_told(tmp_path: Path) -> None:
    (tmp_path / "x.results").write_text("in the way", encoding="utf-8")
    pages = Pages(tmp_path / "x.results", 1_000)
    pages.take(1, record(LONG))
    assert pages.problem
    assert pages.read(reading(call=1)).ok


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    pages = Pages(tmp_path / "y.results", 1_000, {1: tmp_path / "x.results" / "01.txt"})
    assert "call its tool again" in pages.read(reading(call=1)).text


def test_what_the_history_leaves_out_is_kept_too(tmp_path: Path) -> None:
    pages = Pages(tmp_path / "x.results", 1_000)
    line = pages.left_out(2, Message(role="tool", text="r" * 500, call_id="1"))
    assert "x.results/02.txt" in line
    assert pages.read(reading(call=2)).text.startswith("r" * 500)


def test_a_tool_of_a_server_with_the_same_name_goes_first() -> None:
    pages = Pages(None, 1_000)
    pages.take(1, record(LONG))
    assert pages.offered((ToolSpec(name="read_result", parameters={}),)) == ()


def test_a_small_window_gets_short_results() -> None:
    assert result_limit("embedded:x", 8192) < 4_000
    assert result_limit("ollama:x", 131_072) == result_limit("claude:x", 8192) == 16_000


def test_only_files_beside_the_runs_are_taken_from_an_earlier_run(tmp_path: Path) -> None:
    good = {"1": "20260101T000000Z-00000001.results/01.txt"}
    bad: dict[str, Any] = {
        "2": "../secret.txt",
        "3": "/etc/passwd",
        "x": good["1"],
        "4": 5,
        "5": "a.results/../../1.txt",
    }
    assert kept_pages(tmp_path, {**good, **bad}) == {1: tmp_path / good["1"]}
    assert kept_pages(tmp_path, ["1"]) == kept_pages(tmp_path, None) == {}
