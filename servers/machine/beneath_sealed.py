"""Names below a root that nothing may write, by whatever path: rules such as `.git/hooks`, each with its reason."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Sealed"]


class _Rule(NamedTuple):
    parts: tuple[str, ...]
    top: bool
    reason: str


class Sealed:
    """The rules of a root. A rule holds at any depth; one that begins with `/` only from the root itself.

    What is below a sealed name is sealed too. The case of letters is ignored: what one file system keeps apart
    another one, or the program that reads the file, does not.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        """Take `rules`: a path of one or more parts, with the reason that a refused writer is told."""
        self._rules = tuple(
            _Rule(tuple(part for part in rule.casefold().split("/") if part), rule.startswith("/"), reason)
            for rule, reason in rules.items()
        )
        self._words = frozenset(part for rule in self._rules for part in rule.parts)

    def reason(self, real: Sequence[bytes]) -> str:
        """Return why the real path `real` may not be written; empty when it may."""
        parts = self._folded(real)
        for rule in self._rules if parts else ():
            length = len(rule.parts)
            starts = range(1 if rule.top else len(parts) - length + 1)
            if any(parts[start : start + length] == rule.parts for start in starts):
                return rule.reason
        return ""

    def above(self, real: Sequence[bytes]) -> str:
        """Return why `real` may not become a file, or be moved: a sealed name could be below it; else empty."""
        parts = self._folded(real)
        for rule in self._rules if parts else ():
            for length in range(1, len(rule.parts)):
                at_end = parts[-length:] == rule.parts[:length]
                if at_end and (not rule.top or len(parts) == length):
                    return rule.reason
        return ""

    def _folded(self, real: Sequence[bytes]) -> tuple[str, ...]:
        """Return the parts of a path as rules spell them; none at all where no rule has such a part."""
        if not self._rules:
            return ()
        parts = tuple(os.fsdecode(part).casefold() for part in real)
        return parts if not self._words.isdisjoint(parts) else ()
