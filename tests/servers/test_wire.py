"""Text on its way out: nothing that moves a cursor, hides or turns text around leaves as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.machine.wire import clean

HARMFUL = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
    "|[\U000e0000-\U000e007f]"
)
PIECES = [
    "a",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "\x1b",
    "\x7f",
    "\x85",
    "\u200b",
    "\u202e",
    "\xa0",
    "\u00e9",
    "\u65e5",
    "\udcff",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.characters())).map("".join))
def test_nothing_harmful_leaves_and_what_is_harmless_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert not HARMFUL.search(cleaned)
    assert clean(cleaned) == cleaned
    assert (cleaned == text) == (HARMFUL.search(text) is None)


@pytest.mark.parametrize("around", ["", "plain", "\u00e9t\u00e9"])
def test_every_harmful_character_is_escaped_wherever_it_stands(around: str) -> None:
    harmful = [chr(point) for point in range(0x110000) if HARMFUL.match(chr(point))]
    assert len(harmful) > 2_000
    kept = [character for character in harmful if character in clean(around + character + around)]
    assert kept == []
