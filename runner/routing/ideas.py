"""The ideas in a prompt: what its words mean for routing (concepts.txt), and the part they play in their sentence.

A name says the part: `BUG` stands in the request itself; `sub BUG` in a clause before or after it ("when I enter a
cave, ..."); `obj BUG` in what the request is about ("a note that ...", "explain how ..."); `det BUG` in the details
after a colon; `NO-BUG` was denied ("don't explain", "no need to fix"); `DID-FIX` is over ("the fixed version").
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Idea", "carries_idea", "find_ideas", "spelled"]

MARKS = frozenset([",", ":"])
"""Tokens that end a clause."""
_DENYING = frozenset(["don't", "dont", "not", "no", "without", "skip", "never", "instead"])
_BEGINNING = frozenset(
    [
        *("when", "whenever", "after", "before", "since", "while", "if", "because", "although", "as", "now", "once"),
        *("until", "wenn", "weil", "nachdem", "bevor", "seit"),
    ]
)
"""Words that open a clause beside the request."""
_ABOUT = frozenset(
    [
        *(
            "that",
            "which",
            "who",
            "whose",
            "about",
            "why",
            "how",
            "where",
            "what",
            "whether",
            "because",
            "until",
            "when",
        ),
        *("if", "after", "before", "since", "while", "called", "named", "so", "from", "dass", "wie", "warum"),
    ]
)
"""Words after which a request says what it is about."""
_LASTING = frozenset(["BUG", "SYMPTOM", "CHAT", "VERSION", "PAST", "CYCLE", "ROUTINE", "FILE", "NOTE", "GIVEN", "LOST"])
"""Ideas whose words may end in -ed without being over."""
_DONE = frozenset(["wrote", "written", "made", "built", "sped", "cut", "found", "ran", "read", "put", "saved"])


class Idea(NamedTuple):
    """An idea, the words that carry it, and the place of the first of them among the tokens."""

    place: int
    name: str
    words: str


class _Concepts(NamedTuple):
    exact: Mapping[str, tuple[str, ...]]
    stems: tuple[tuple[str, str], ...]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    spelling: Mapping[str, str]


def find_ideas(tokens: Sequence[str], starts: Sequence[int]) -> tuple[Idea, ...]:
    """Return the ideas in the order of the tokens; the longest phrase at a place counts, and covers its words."""
    found: list[Idea] = []
    covered = 0
    begins = frozenset(starts)
    part, seen = "", False
    for place in range(len(tokens)):
        if place in begins:
            part, seen = "", False
        part = _part_of(tokens, place, begins, part, seen=seen)
        if place < covered:
            continue
        names, length = _at(tokens, place)
        for name in names:
            found.append(
                Idea(place, part + _changed(name, tokens, place, length), " ".join(tokens[place : place + length]))
            )
        if names:
            seen = seen or part != "sub "
            covered = place + length
    return tuple(found)


def _part_of(tokens: Sequence[str], place: int, begins: frozenset[int], part: str, *, seen: bool) -> str:
    """Return the part that the token plays: "" in the request, or `sub `, `obj `, `det `."""
    token = tokens[place]
    opening = place in begins or tokens[place - 1] in MARKS
    if part == "det ":
        return part
    if place and tokens[place - 1] == ":" and seen:
        return "det "
    if opening:
        return "sub " if token in _BEGINNING else ""
    return "obj " if not part and seen and token in _ABOUT else part


def _at(tokens: Sequence[str], place: int) -> tuple[tuple[str, ...], int]:
    """Return the ideas that begin at a place, and over how many tokens they go."""
    for parts, name in _concepts().phrases.get(tokens[place], ()):
        window = tokens[place : place + len(parts)]
        if len(window) == len(parts) and all(_same(*pair) for pair in zip(parts, window, strict=True)):
            return (name,), len(parts)
    return _named(tokens[place]), 1


def _changed(name: str, tokens: Sequence[str], place: int, length: int) -> str:
    near = tokens[max(0, place - 2) : place]
    if name != "LOST" and (
        any(word in _DENYING for word in near) or tokens[max(0, place - 3) : place][:2] == ["no", "need"]
    ):
        return f"NO-{name}"
    word = tokens[place]
    over = (word.endswith("ed") and len(word) > 4) or word in _DONE
    return f"DID-{name}" if length == 1 and over and name not in _LASTING else name


def _same(part: str, token: str) -> bool:
    return token.startswith(part[:-1]) if part.endswith("*") else token == part


@lru_cache(4_096)
def _named(token: str) -> tuple[str, ...]:
    concepts = _concepts()
    if token in concepts.exact:
        return concepts.exact[token]
    return tuple(dict.fromkeys(name for stem, name in concepts.stems if token.startswith(stem)))


def carries_idea(word: str) -> bool:
    """Tell whether a word in small letters stands for an idea by itself."""
    return bool(_named(word))


def spelled(word: str) -> str:
    """Return a word with one slip of the keyboard put right, where it is one of the words that routing is about."""
    return _concepts().spelling.get(word, word)


@cache
def _concepts() -> _Concepts:
    exact: dict[str, list[str]] = {}
    stems: list[tuple[str, str]] = []
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    spelling: list[str] = []
    for name, word in _entries():
        if name == "SPELLING":
            spelling.append(word)
        elif "+" in word:
            parts = tuple(word.split("+"))
            phrases.setdefault(parts[0], []).append((parts, name))
        elif word.endswith("*"):
            stems.append((word[:-1], name))
        else:
            exact.setdefault(word, []).append(name)
    return _Concepts(
        {word: tuple(names) for word, names in exact.items()},
        tuple(stems),
        {first: tuple(sorted(rest, key=lambda item: -len(item[0]))) for first, rest in phrases.items()},
        _misspellings(spelling),
    )


def _entries() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in Path(__file__).with_name("concepts.txt").read_text(encoding="utf-8").splitlines():
        name, _, words = line.partition(": ")
        if not line.startswith("#"):
            found += [(name, word) for word in words.split()]
    return found


def _misspellings(words: list[str]) -> dict[str, str]:
    """Map what is left of a word when one letter is missing or doubled, or two change places, to the word."""
    found: dict[str, str] = {}
    for word in words:
        for place in range(1, len(word)):
            found.setdefault(word[:place] + word[place + 1 :], word)
            found.setdefault(word[:place] + word[place] + word[place:], word)
            found.setdefault(word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :], word)
    return {wrong: right for wrong, right in found.items() if wrong not in words}
