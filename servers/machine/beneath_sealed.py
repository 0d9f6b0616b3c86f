"""Names below a root that nothing may write, by whatever path: rules such as `.git/hooks`, each with its reason."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Sealed"]

_ONE, _ANY = "*", "**"


class _Rule(NamedTuple):
    parts: tuple[str, ...]
    top: bool
    reason: str

    def begun(self, parts: Sequence[str]) -> bool | None:
        """Return whether a path ends in the beginning of this rule; None when all of the rule is met on the way."""
        begins = self._passed({0})
        places = begins
        for at, part in enumerate(parts):
            places = self._behind(places if self.top or not at else places | begins, part)
            if len(self.parts) in places:
                return None
        return bool(places)

    def _behind(self, places: Iterable[int], part: str) -> set[int]:
        """Return how many parts of the rule are met behind one more part of a path."""
        out = {place for place in places if self.parts[place] == _ANY}
        return self._passed(out | {place + 1 for place in places if self.parts[place] in (_ONE, part)})

    def _passed(self, places: set[int]) -> set[int]:
        """Add the places behind each `**`, which may stand for no part at all."""
        out = set(places)
        for place, part in enumerate(self.parts):
            if part == _ANY and place in out:
                out.add(place + 1)
        return out


class Sealed:
    """The rules of a root. A rule holds at any depth; one that begins with `/` only from the root itself.

    `*` in a rule is any one part of a path, `**` any number of them; neither comes first. What is below a sealed name
    is sealed too. The case of letters is ignored: what one file system keeps apart another one, or the program that
    reads the file, does not.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Take `rules`: a path of one or more parts, with the reason that a refused writer is told."""
        self._rules = tuple(
            _Rule(tuple(part for part in rule.casefold().split("/") if part), rule.startswith("/"), reason)
            for rule, reason in rules.items()
        )
        self._words = frozenset(part for rule in self._rules for part in rule.parts[:1])

    def reason(self, real: Sequence[bytes]) -> str:
        """Return why the real path `real` may not be written; empty when it may."""
        parts = self._folded(real)
        return next((rule.reason for rule in self._rules if rule.begun(parts) is None), "") if parts else ""

    def above(self, real: Sequence[bytes]) -> str:
        """Return why `real` may not become a file, or be moved: a sealed name could be below it; else empty."""
        parts = self._folded(real)
        return next((rule.reason for rule in self._rules if rule.begun(parts)), "") if parts else ""

    def _folded(self, real: Sequence[bytes]) -> tuple[str, ...]:
        """Return the parts of a path as rules spell them; none at all where no rule has such a part."""
        if not self._rules:
            return ()
        parts = tuple(os.fsdecode(part).casefold() for part in real)
        return parts if not self._words.isdisjoint(parts) else ()
