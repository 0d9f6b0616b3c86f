"""The keyword router: counts the experts' keywords in a prompt. It is the yardstick for the trained one.

Tie-break, in this order: more keywords found; more words in them ("reduce cycles" before "cycles"); the one that
stands first in the prompt; the order of the intents (optimize, generate, debug, explain, performance, tools, docs).
A keyword counts only as whole words, and one inside another found one of the same expert counts once. Where none is
found the intent is `general`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from runner.routing.intents import EXPERT_OF, INTENTS
from schemas.expert import Expert
from schemas.route import Intent

__all__ = ["Hits", "by_keywords", "keyword_hits"]


LOOKED_AT = 8_000
"""Characters of a prompt that are searched."""


class Hits(NamedTuple):
    """The keywords of one expert that a prompt holds."""

    expert: str
    words: tuple[str, ...]
    first: int
    """Where the first of them stands, in characters."""

    @property
    def score(self) -> tuple[int, int, int]:
        """Greater is better: how many, how many words, how early."""
        return len(self.words), sum(word.count(" ") + 1 for word in self.words), -self.first


def keyword_hits(prompt: str, experts: Mapping[str, Expert]) -> tuple[Hits, ...]:
    """Return the hits of each expert that has any, in the order of `experts`."""
    text = " ".join(prompt[:LOOKED_AT].lower().replace("\u2019", "'").split())
    found: list[Hits] = []
    for name, expert in experts.items():
        places = _places(text, expert.keywords)
        if places:
            found.append(Hits(name, tuple(places), min(places.values())))
    return tuple(found)


def by_keywords(prompt: str, experts: Mapping[str, Expert]) -> Intent:
    """Return the intent by keywords alone."""
    hits = {hit.expert: hit for hit in keyword_hits(prompt, experts)}
    rivals: list[Intent] = [intent for intent in INTENTS if EXPERT_OF[intent] in hits]
    if not rivals:
        return "general"
    return max(rivals, key=lambda intent: (hits[EXPERT_OF[intent]].score, -INTENTS.index(intent)))


def _places(text: str, keywords: tuple[str, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    for word in sorted(keywords, key=len, reverse=True):
        match = _pattern(word.lower()).search(text) if word.lower() in text else None
        if match and not any(word.lower() in longer.lower() for longer in places):
            places[word] = match.start()
    return places


@lru_cache(1_024)
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
