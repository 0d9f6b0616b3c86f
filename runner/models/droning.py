"""A model that says the same sentence again and again, as small ones do at temperature 0: found, and cut to one."""

import re

__all__ = ["droned"]

_SHORTEST = 20
_LONGEST = 600
_TIMES = 4
_LEAST = 240
"""Characters that are said again, at least."""
_WORD = re.compile(r"[^\W\d_]{4,}")
_WORDS = 3


def droned(text: str) -> int:
    """Return how many characters of `text` to keep when its end is one piece of prose said four times or more; 0: all.

    The first of the pieces is kept. Code is left alone, since a loop that is written out repeats by its nature: a
    piece counts as prose when it has three words of four letters.
    """
    for period in range(_SHORTEST, min(_LONGEST, len(text) // _TIMES) + 1):
        times = max(_TIMES, -(-_LEAST // period) + 1)
        if text[-period:] != text[-2 * period : -period] or not text.endswith(text[-period:] * times):
            continue
        if len(_WORD.findall(text[-period:])) >= _WORDS:
            kept = _begun(text, period) + period
            return kept + (text[kept : kept + 1] in (".", "!", "?"))
    return 0


def _begun(text: str, period: int) -> int:
    """Return where the first of the equal pieces begins."""
    at = len(text) - period
    while at and text[at - 1] == text[at - 1 + period]:
        at -= 1
    return at
