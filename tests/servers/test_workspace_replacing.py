"""Exact replacements: what is replaced, in which encoding, and a difference that says where and stays small."""

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.machine.errors import ServerError
from servers.workspace.replacing import Replacement

LINES = st.lists(st.sampled_from([b"a\n", b"bb\n", b"x y\n", b"\n", b"aa\n", b"aab\n"]), max_size=60).map(b"".join)
OLD = st.sampled_from([b"a", b"aa", b"\n", b"a\nb", b"y\n\n", b"b\n", b"x y\n"])
NEW = st.sampled_from([b"", b"q", b"q\nr", b"\n\n", b"z\n"])


def applied(data: bytes, diff: str) -> bytes:
    """Apply a unified difference by its line numbers alone."""
    before, after, at = data.decode().split("\n"), list[str](), 0
    for line in diff.split("\n")[2:]:
        if head := re.match(r"@@ -(\d+),\d+ \+(\d+),\d+ @@", line):
            after += before[at : int(head[1]) - 1]
            at = int(head[1]) - 1
            assert len(after) == int(head[2]) - 1
            continue
        assert line[0] == "+" or line[1:] == before[at]
        at += line[0] != "+"
        after += [line[1:]] if line[0] != "-" else []
    return "\n".join(after + before[at:]).encode()


@given(LINES, OLD, NEW)
def test_the_difference_says_what_was_done(data: bytes, old: bytes, new: bytes) -> None:
    replacement = Replacement("f", old, new, data.count(old) or 1)
    if old not in data:
        with pytest.raises(ServerError, match="does not hold"):
            replacement(data)
        return
    after = replacement(data)
    assert after == data.replace(old, new)
    if after.endswith(b"\n"):
        assert applied(data, replacement.diff()) == after


def test_one_changed_line_of_a_large_file_is_one_small_hunk_and_takes_little_memory() -> None:
    data = b"abc\n" * 400_000 + b"line 1\n" + b"abc\n" * 400_000
    replacement = Replacement("f", b"line 1", b"line 2", 1)
    after = replacement(data)
    tracemalloc.start()
    diff = replacement.diff()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert after == data.replace(b"line 1", b"line 2")
    assert diff.split("\n")[2:] == ["@@ -399999,5 +399999,5 @@", " abc", " abc", "-line 1", "+line 2", " abc", " abc"]
    assert peak < 1_000_000


def test_more_places_than_can_be_shown_are_counted() -> None:
    replacement = Replacement("f", b"a", b"b", 9_000)
    replacement(b"a\n" * 9_000)
    diff = replacement.diff()
    assert len(diff) < 7_000 and diff.endswith("[... 8800 more places ...]")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_text_in_utf_16_stays_so(codec: str) -> None:
    data = "\ufeffhällo\r\nwelt\r\n".encode(codec)
    replacement = Replacement("f", "hällo\nwelt".encode(), "日本".encode(), 1)
    assert replacement(data) == "\ufeff日本\r\n".encode(codec)
    assert "-hällo\n-welt\n+日本" in replacement.diff()


def test_what_only_looks_like_utf_16_is_refused_whole() -> None:
    with pytest.raises(ServerError, match="write_file"):
        Replacement("f", b"a", b"b", 1)(b"\xff\xfea\x00b")


def test_an_error_says_that_a_file_is_not_utf_8_and_asks_for_no_count_that_is_refused() -> None:
    with pytest.raises(ServerError, match="not UTF-8"):
        Replacement("f", "日本".encode(), b"b", 1)("日本".encode("shift_jis"))
    with pytest.raises(ServerError, match=r"20000 times.*around the place$"):
        Replacement("f", b"a", b"b", 1)(b"a" * 20_000)
