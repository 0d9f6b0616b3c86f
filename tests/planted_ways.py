"""How a home is planted for questions, and how an answer is judged: strictly, and without looking at its words."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Question", "fair", "questions_of", "right", "write_lines"]

_DAY = 86_400
_NOTHING = "-"
_TEXT = 400_000
"""Bytes of a text that is filled with empty lines; a larger one has a hole at its end."""


class Question(NamedTuple):
    """A question and the paths that its answer must hold: one of them first, all of them, or none at all."""

    text: str
    paths: tuple[str, ...]
    every: bool


def questions_of(lines: str) -> tuple[Question, ...]:
    """Return the questions of lines: `question|path|path` (one of), `question&path&path` (all), `question|-` (none)."""
    out: list[Question] = []
    for line in lines.replace("\n|", "|").replace("\n&", "&").strip().split("\n"):
        mark = "|" if "|" in line else "&"
        text, *paths = line.split(mark)
        out.append(Question(text, () if paths == [_NOTHING] else tuple(paths), mark == "&"))
    return tuple(out)


def right(question: Question, found: Sequence[str]) -> bool:
    """Tell whether an answer is right: a path among the first three, a whole group at the head, or nothing at all."""
    if not question.paths:
        return not found
    if question.every:
        return set(question.paths) <= set(found[: len(question.paths) + 2])
    return bool(set(question.paths) & set(found[:3]))


def fair(question: Question, found: Sequence[str]) -> bool:
    """Tell whether an answer helps: as `right`, but a folder may stand for what is in it, and a file for its folder."""
    if not question.paths:
        return not found
    near = [any(_near(path, row) for row in found[: None if question.every else 3]) for path in question.paths]
    return all(near) if question.every else any(near)


def _near(path: str, row: str) -> bool:
    return row == path or row.startswith(path + "/") or path.rpartition("/")[0] == row


def write_lines(root: Path, lines: str) -> None:
    """Write the files of lines `path|bytes|days old|what it begins with`; without a beginning each is its own."""
    now = time.time()
    for line in lines.strip().split("\n"):
        name, size, days, begin = line.split("|")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write((begin.replace("\\n", "\n") or name).encode()[: int(size)])
            if begin.endswith("\\n") and int(size) <= _TEXT:  # a text has no hole
                file.write(b"\n" * (int(size) - file.tell()))
            file.truncate(int(size))
        os.utime(path, (now - float(days) * _DAY, now - float(days) * _DAY))
