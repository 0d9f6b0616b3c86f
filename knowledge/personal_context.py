"""What to say of the user for a prompt: the rules, then what the prompt is about, within a budget of tokens."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.prompt_facts import CHARACTERS_PER_TOKEN, tokens_of

__all__ = ["PersonalContext", "Saying", "chosen"]

_WORD = re.compile(r"[^\W_]{2,40}")
_MOST_READ = 20_000
_HEADS = {"rule": "Style rules, always:", "fact": "About the user:", "preference": "Preferences:"}
_STOP = frozenset(
    [
        *(
            "the",
            "and",
            "for",
            "with",
            "that",
            "this",
            "are",
            "was",
            "you",
            "my",
            "me",
            "is",
            "it",
            "in",
            "of",
            "on",
            "to",
        ),
        *("do", "does", "how", "what", "which", "who", "an", "as", "at", "be", "by", "or", "we", "can", "please"),
    ]
)


class Saying(NamedTuple):
    """Something that could be said."""

    name: str
    kind: str
    """`rule`, `fact` or `preference`."""
    text: str
    weight: float
    """What it counts when the prompt is about something else, 0 to 1."""


class PersonalContext(NamedTuple):
    """What a model is to be told of the user."""

    text: str
    tokens: int
    """Estimated: characters of the text over four, rounded up."""
    names: tuple[str, ...]
    """The nodes that are in it."""
    left_out: int
    """Sayings that did not fit."""


def _stems(text: str) -> frozenset[str]:
    words = (word.casefold() for word in _WORD.findall(text[:_MOST_READ]))
    return frozenset(_stem(word) for word in words if word not in _STOP)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ers", "er", "es", "ed", "s", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def chosen(prompt: str, rules: Sequence[Saying], others: Sequence[Saying], *, budget: int) -> PersonalContext:
    """Return the text that says all rules, and as much else as fits, what the prompt is about first."""
    asked = _stems(prompt)
    words = [_stems(saying.text) for saying in others]
    seen: dict[str, int] = {}
    for stems in words:
        for stem in stems & asked:
            seen[stem] = seen.get(stem, 0) + 1
    scores = [
        saying.weight + sum(2 * math.log(1 + len(others) / seen[stem]) for stem in stems & asked)
        for saying, stems in zip(others, words, strict=True)
    ]
    order = sorted(range(len(others)), key=lambda at: (-scores[at], at))
    kept = _fitting([*rules, *(others[at] for at in order)], budget)
    text = _written(kept)
    return PersonalContext(
        text, tokens_of(text), tuple(saying.name for saying in kept), len(rules) + len(others) - len(kept)
    )


def _fitting(sayings: Iterable[Saying], budget: int) -> list[Saying]:
    room = budget * CHARACTERS_PER_TOKEN
    kept: list[Saying] = []
    heads = set[str]()
    for saying in sayings:
        size = len(_one_line(saying)) + (0 if saying.kind in heads else len(_HEADS[saying.kind]) + 1)
        if size <= room:
            room -= size
            heads.add(saying.kind)
            kept.append(saying)
    return kept


def _one_line(saying: Saying) -> str:
    return f"- {' '.join(saying.text.split())}\n"


def _written(kept: Sequence[Saying]) -> str:
    parts: list[str] = []
    for kind, head in _HEADS.items():
        lines = [_one_line(saying) for saying in kept if saying.kind == kind]
        if lines:
            parts.append(f"{head}\n{''.join(lines)}")
    return "".join(parts)
