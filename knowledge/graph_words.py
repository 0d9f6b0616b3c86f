"""The words of a text, as a graph's index keeps them and as a search asks for them."""

import re

__all__ = ["index_words", "query_words"]

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_LONGEST_WORD = 60
_MOST_WORDS = 16


def index_words(text: str) -> str:
    """Return the words of a text with a blank between; `LinkHealth` is kept whole and as `Link` and `Health`."""
    kept: list[str] = []
    for word in _WORD.findall(text):
        short = word[:_LONGEST_WORD]
        kept.append(short)
        parts = _HUMP.split(short)
        if len(parts) > 1:
            kept.extend(parts)
    return " ".join(kept)


def query_words(text: str) -> tuple[str, ...]:
    """Return the different words of a search, at most sixteen."""
    return tuple(dict.fromkeys(word[:_LONGEST_WORD].lower() for word in _WORD.findall(text)))[:_MOST_WORDS]
