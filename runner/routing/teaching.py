"""The sentences that the router learns from: patterns of teaching.txt filled in, the same ones every time.

Each prompt is a pattern with its choices made and its slots filled; some get a polite opening, an end, a sentence
about something else before them (with words of another intent: what counts is the request), code after them, small
letters, no punctuation, or a slip of the keyboard. `random.Random` with a fixed seed decides; its results for integers
and floats are the same on every machine.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from runner.routing.tokens import read_prompt

__all__ = ["SEED", "Pattern", "Prompt", "patterns", "taught"]

SEED = 65816
EACH = 20
"""Prompts made of each pattern: so many that the seed matters little."""

_PIECES = re.compile(r"[()\[\]|]|\{\w+\}|[^()\[\]|{}]+")


class Pattern(NamedTuple):
    """One line of teaching.txt under an intent."""

    id: str
    intent: str
    conflict: bool
    imperative: bool
    text: str


class Prompt(NamedTuple):
    """A labelled prompt."""

    text: str
    intent: str
    conflict: bool
    author: str
    template: str


def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in Path(__file__).with_name("teaching.txt").read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"[<\[](\w+)[>\]]", line)
        if heading:
            lines = sections.setdefault(heading.group(1), [])
        elif line and not line.startswith("#"):
            lines.append(line.replace("\\n", "\n"))
    return sections


def patterns(intents: Sequence[str]) -> tuple[Pattern, ...]:
    """Return the patterns of these intents in the order of the file."""
    sections = _sections()
    return tuple(
        Pattern(f"{intent}-{place}", intent, line.startswith("!"), "~" in line[:2], line.lstrip("!~"))
        for intent in intents
        for place, line in enumerate(sections[intent])
    )


def taught(intents: Sequence[str], *, seed: int = SEED, each: int = EACH) -> tuple[Prompt, ...]:
    """Return the prompts made of the patterns of these intents, each text once; no pattern changes those of another."""
    sections = _sections()
    found: dict[str, Prompt] = {}
    for pattern in patterns(intents):
        choose = random.Random(f"{seed}:{pattern.intent}:{pattern.text}")
        for _ in range(each):
            text = _dress(choose, sections, pattern)
            found.setdefault(text, Prompt(text, pattern.intent, pattern.conflict, "patterns", pattern.id))
    return tuple(found.values())


def _fill(choose: random.Random, slots: Mapping[str, Sequence[str]], text: str) -> str:
    pieces = iter(_PIECES.findall(text))
    return _sequence(choose, slots, pieces, end="")


def _sequence(choose: random.Random, slots: Mapping[str, Sequence[str]], pieces: Iterator[str], *, end: str) -> str:
    """Read pieces up to `end` and return one of the choices that they give."""
    choices = [""]
    for piece in pieces:
        if piece == end:
            break
        if piece == "(":
            choices[-1] += _sequence(choose, slots, pieces, end=")")
        elif piece == "[":
            inside = _sequence(choose, slots, pieces, end="]")
            choices[-1] += inside if choose.random() < 0.5 else ""
        elif piece == "|" and end:
            choices.append("")
        elif piece.startswith("{"):
            choices[-1] += _fill(choose, slots, _one(choose, slots[piece[1:-1]]))
        else:
            choices[-1] += piece
    return _one(choose, choices)


def _one(choose: random.Random, items: Sequence[str]) -> str:
    return items[int(choose.random() * len(items))]


def _dress(choose: random.Random, slots: Mapping[str, Sequence[str]], pattern: Pattern) -> str:
    text = pattern.text
    if pattern.intent not in ("tools", "general") and "{cthing}" not in text and choose.random() < 0.15:
        text = text.replace("{thing}", "{cthing}")
    text = _fill(choose, slots, text).strip()
    if pattern.imperative and choose.random() < 0.4:
        text = f"{_one(choose, slots['polite'])} {text}"
    if choose.random() < 0.12:
        text = f"{text} {_one(choose, slots['end'])}"
    if pattern.intent not in ("general", "debug") and choose.random() < 0.15:
        text = f"{_fill(choose, slots, _one(choose, slots['back']))} {_capital(text)}"
    if pattern.intent not in ("general", "tools") and "\n" not in text and choose.random() < 0.12:
        text = f"{text}\n{_one(choose, slots['code'])}"
    return _slip(choose, text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slip(choose: random.Random, text: str) -> str:
    kind = choose.random()
    changes: tuple[tuple[float, Callable[[str], str]], ...] = (
        (0.08, lambda told: _typo(choose, told)),
        (0.33, _capital),
        (0.43, lambda told: _capital(told) + ("." if told[-1:].isalnum() else "")),
        (0.51, lambda told: told.rstrip("?!.").replace("'", "")),
        (0.55, lambda told: told if read_prompt(told).code_lines else told.lower()),
    )
    return next((change(text) for limit, change in changes if kind < limit), text)


def _typo(choose: random.Random, text: str) -> str:
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not places:
        return text
    place = places[int(choose.random() * len(places))]
    word = words[place]
    at = 1 + int(choose.random() * (len(word) - 2))
    if choose.random() < 0.5:
        words[place] = word[:at] + word[at + 1 :]
    else:
        words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
