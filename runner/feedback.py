"""Feedback: what people thought of the runs, a line each in a file beside them that only grows.

    feedback = Feedback(Recorder(settings.context_root))
    feedback.rate("last", 1, text="assembled at once", by="command")
    feedback.last_words()["20261121T170000Z-0a1b2c3d"].rating

Of several ratings of one run the last counts; the others stay in the file. Any number of processes may rate at once.
"""

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from runner.errors import ConfigError, KeepError
from runner.recorder import Recorder
from schemas.rating import Rating, Score
from servers.machine.errors import ServerError
from servers.machine.store import append_line
from servers.machine.wire import clean

__all__ = ["TEXT_LIMIT", "Feedback", "Tally", "rating_line", "tally"]

TEXT_LIMIT = 4_000
"""Characters of the text of one rating."""
_LINE_LIMIT = 64_000
"""Bytes of a line that is read; a longer one is none of ours."""


class Tally(NamedTuple):
    """How many runs were found good, and how many not, by the last word on each."""

    good: int = 0
    bad: int = 0


class Feedback:
    """The ratings of the runs that a recorder keeps."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.file: Path = recorder.folder / "ratings.jsonl"
        """One `Rating` a line, oldest first."""

    def rate(
        self, run: str, rating: Score, *, text: str = "", by: Literal["command", "terminal", "tool"] = "command"
    ) -> Rating:
        """Keep a rating of a run, named by its id, the end of its id, or `last`; return it.

        Raises:
            ConfigError: there is no such run, or the text is too long.
            KeepError: it could not be written.
        """
        if len(text) > TEXT_LIMIT:
            raise ConfigError(f"the text has {len(text):,} characters; say it in {TEXT_LIMIT:,} at most")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        known = self._recorder.load(run).id
        said = Rating(run=known, rating=rating, text=clean(text.strip()), by=by, at=now)
        try:
            append_line(self.file, json.dumps(said.model_dump(mode="json")).encode("ascii"))
        except ServerError as error:
            raise KeepError(f"the rating could not be kept: {error}") from error
        return said

    def all(self) -> Iterator[Rating]:
        """Yield every rating, oldest first; lines that are damaged are left out.

        Raises:
            ConfigError: the file is there and cannot be read.
        """
        try:
            with self.file.open("rb") as file:
                while line := file.readline(_LINE_LIMIT):
                    if (rating := _read(line)) is not None:
                        yield rating
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be read ({error.strerror}); check its permissions") from error

    def last_words(self) -> dict[str, Rating]:
        """Return the rating that counts of each rated run, by the run's id."""
        return {rating.run: rating for rating in self.all()}


def tally(ratings: Mapping[str, Rating], runs: Iterable[str] | None = None) -> Tally:
    """Count the ratings by run, all of them or only those of `runs`."""
    names = ratings if runs is None else set(runs) & set(ratings)
    good = sum(ratings[name].rating > 0 for name in names)
    return Tally(good, len(names) - good)


def rating_line(rating: Rating) -> str:
    """Return a rating in one line: `+1 (tool, 2026-11-21): assembled at once`."""
    text = f": {' '.join(clean(rating.text).split())}" if rating.text else ""
    return f"{rating.rating:+d} ({rating.by}, {rating.at[:10]}){text}"


def _read(line: bytes) -> Rating | None:
    try:
        told: Any = json.loads(line)
        return Rating.model_validate(told)
    except (ValueError, RecursionError):
        return None
