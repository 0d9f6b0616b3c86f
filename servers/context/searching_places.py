"""Where a search looks: the context and what is mounted, each with an index of its own, and their answers as one."""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.search import Found, Match, search
from servers.machine.text_index import Refreshed
from servers.machine.text_index_search import Hits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.machine.text_index import TextIndex, Told, Wants
    from servers.machine.text_index_search import Hit, Wish

__all__ = ["SearchPlaces", "Searchable"]

_REFRESH_SECONDS = 20.0
_LEAST_SECONDS = 2.0
_LINE_SECONDS = 10.0
_MOST_LINES = 2_000
_TELLING = 0.1
"""A passage that scores less than this part of the best one says nothing to a question."""


class Searchable(NamedTuple):
    """One folder that is searched; its paths are shown behind `start`: empty, or `mounts/<name>/`."""

    start: str
    root: Root
    place: Path
    texts: TextIndex
    wants: Wants
    wish: Wish

    def refresh(self, told: Told | None, *, seconds: float) -> Refreshed:
        """Bring the index up to date; a mount that cannot be read is noted. Raises ServerError for the context."""
        try:
            return self.texts.refresh(self.root, place=self.place, wants=self.wants, told=told, seconds=seconds)
        except ServerError as error:
            if not self.start:
                raise
            return Refreshed(0, 0, 0, 0, f"{self.start} is not searched: {error}")

    def telling(self, question: str, *, most: int) -> list[Hit]:
        """Return the passages that say something to a question, best first."""
        found = self.texts.passages(question, self.wish, most=most)
        return [self.shown(hit) for hit in found if hit.score >= _TELLING * found[0].score]

    def shown(self, hit: Hit) -> Hit:
        """Return a hit under the path that a caller reads it by."""
        return hit._replace(path=self.start + hit.path) if self.start else hit


class SearchPlaces(NamedTuple):
    """All that one search looks through, the context first where it is among them."""

    places: tuple[Searchable, ...]
    note: str
    """What is not searched, and why."""

    def near(self, passages: tuple[int, ...]) -> SearchPlaces:
        """Return the same with passages of the context that are near in meaning, nearest first."""
        found = (
            place if place.start else place._replace(wish=place.wish._replace(near=passages)) for place in self.places
        )
        return self._replace(places=tuple(found))

    def refresh(self, told: Told | None) -> Refreshed:
        """Bring all indexes up to date, in about 20 s at most. Raises ServerError."""
        end = time.monotonic() + _REFRESH_SECONDS
        found = [
            place.refresh(told, seconds=max(_LEAST_SECONDS, end - time.monotonic()) if number else _REFRESH_SECONDS)
            for number, place in enumerate(self.places)
        ]
        notes = dict.fromkeys(filter(None, (*(one.note for one in found), self.note)))
        return Refreshed(
            sum(one.files for one in found),
            sum(one.skipped for one in found),
            sum(one.changed for one in found),
            sum(one.left for one in found),
            "; ".join(notes),
        )

    def search(self, query: str, *, limit: int, offset: int) -> Hits:
        """Return a page of the files that answer by words: those with all of the words first, places in turns."""
        if len(self.places) == 1:
            (place,) = self.places
            hits = place.texts.search(query, place.wish, limit=limit, offset=offset)
            return hits._replace(hits=tuple(map(place.shown, hits.hits)))
        found: list[Hits] = []
        for place in self.places:
            hits = place.texts.search(query, place.wish, limit=offset + limit)
            found.append(hits._replace(hits=tuple(map(place.shown, hits.hits))))
        best = [hits for hits in found if hits.hits and not hits.note]
        ranked = [*_in_turns([one.hits for one in best]), *_in_turns([one.hits for one in found if one.note])]
        notes = dict.fromkeys(hits.note for hits in found if hits.note and not best)
        return Hits(
            tuple(ranked[offset : offset + limit]),
            sum(hits.total for hits in found),
            all(hits.complete for hits in found),
            tuple(dict.fromkeys(term for hits in found for term in hits.terms)),
            "; ".join(notes),
        )

    def passages(self, question: str, *, most: int) -> tuple[Hit, ...]:
        """Return the passages that say something to a question, best first, places in turns.

        Of what is mounted only those with half as many of its words as the best one has.
        """
        found = [(place, place.telling(question, most=most)) for place in self.places]
        widest = max((len(hit.words) for _, hits in found for hit in hits), default=0)
        kept = [[hit for hit in hits if not place.start or 2 * len(hit.words) >= widest] for place, hits in found]
        return tuple(_in_turns(kept)[:most])

    def lines(self, query: str, *, regex: bool) -> Found:
        """Return every line with a text or expression, the record of runs last. Raises ServerError."""
        end = time.monotonic() + _LINE_SECONDS
        matches: list[Match] = []
        searched = skipped = 0
        complete = True
        for number, place in enumerate(self.places):
            left = end - time.monotonic()
            if len(matches) >= _MOST_LINES or (number and left <= 0):
                complete = False
                break
            files = place.texts.files(place.wish)
            files.sort(key=lambda entry: entry.path.startswith("history/"))
            found = search(place.root, query, files, regex=regex, cap=_MOST_LINES - len(matches), seconds=left)
            matches += [match._replace(path=place.start + match.path) for match in found.matches]
            searched, skipped = searched + found.searched, skipped + found.skipped
            complete = complete and found.complete
        return Found(tuple(matches), searched, skipped, complete)


def _in_turns(ranked: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the first of each ranking, then the second of each, and so on."""
    return [hit for row in zip_longest(*ranked) for hit in row if hit is not None]
