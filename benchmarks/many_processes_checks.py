"""What is there after servers were killed, held against the ledgers of what they acknowledged."""

import contextlib
import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from servers.machine.store import is_temporary

__all__ = ["Deed", "Found", "Ledger", "look", "record", "sheet"]

_SEARCHED = 10
"""Notes of each ledger, the newest, that a fresh server has to find."""


class Deed(NamedTuple):
    """A change: what was written to which file; `path` is told by the server."""

    kind: Literal["scratchpad", "memory", "state", "own", "note"]
    name: str
    text: str
    path: str = ""

    @property
    def word(self) -> str:
        """The word that only this record has."""
        return self.text.split(" ", 1)[0]


class Ledger(NamedTuple):
    """The changes of one client: acknowledged, and those of which nobody knows, each list in order."""

    acked: list[Deed]
    doubtful: list[Deed]


class Found(NamedTuple):
    """Counts of what was found; all but the first five have to be 0."""

    acked: int
    doubtful: int
    files: int
    versions: int
    left_by_the_dead: int
    """Temporary files before the next start."""
    lost: int
    torn: int
    doubled: int
    strays: int
    """Temporary files after the next start."""
    unfound: int
    """Acknowledged notes that a search by a fresh server does not find, and broken indexes."""

    @property
    def bad(self) -> int:
        """How much is wrong."""
        return self.lost + self.torn + self.doubled + self.strays + self.unfound


def record(worker: int, count: int) -> str:
    """Return a line that only this change of this worker has, and that can be told whole."""
    text = f"w{worker}n{count}x {'abcdefgh'[worker % 8] * (40 + count % 200)}"
    return f"{text} {_digest(text)}"


def sheet(worker: int, count: int, *, size: int) -> str:
    """Return many lines that can be told whole together."""
    line = record(worker, count)
    body = "\n".join([line] * max(1, size // len(line)))
    return f"{body}\n{_digest(body)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _is_record(line: str) -> bool:
    text, _, digest = line.rpartition(" ")
    return digest == _digest(text)


def _is_sheet(text: str) -> bool:
    body, _, digest = text.rpartition("\n")
    return digest == _digest(body)


def _count(sheet_text: str) -> int:
    return int(sheet_text.split(" ", 1)[0].partition("n")[2].rstrip("x"))


def _temporary(context: Path) -> int:
    return sum(is_temporary(os.fsencode(name)) for _, _, names in os.walk(context) for name in names)


def look(context: Path, ledgers: Sequence[Ledger], searched: Callable[[list[str]], dict[str, list[str]]]) -> Found:
    """Hold the files against the ledgers; `searched` starts fresh servers and returns the paths found for words."""
    before = _temporary(context)
    wanted = [deed for ledger in ledgers for deed in _notes(ledger.acked)[-_SEARCHED:]]
    paths = searched([deed.word for deed in wanted])
    unfound = sum(deed.path not in paths[deed.word] for deed in wanted) + _broken_indexes(context)
    acked = [deed for ledger in ledgers for deed in ledger.acked]
    lines = {kind: _log_lines(context / kind / "common") for kind in ("scratchpad", "memory")}
    versions = list(_versions(context))
    torn = sum(not _is_record(line) for found in lines.values() for line in found.elements())
    return Found(
        acked=len(acked),
        doubtful=sum(len(ledger.doubtful) for ledger in ledgers),
        files=sum(len(names) for _, _, names in os.walk(context)),
        versions=sum(len(kept.texts) for kept in versions),
        left_by_the_dead=before,
        lost=_lost(context, acked, lines) + sum(_own_lost(context, ledger) for ledger in ledgers),
        torn=torn + _torn_sheets(context) + _torn_notes(context) + sum(map(_torn_versions, versions)),
        doubled=sum(count > 1 for found in lines.values() for count in found.values()),
        strays=_temporary(context),
        unfound=unfound,
    )


def _notes(deeds: Sequence[Deed]) -> list[Deed]:
    return [deed for deed in deeds if deed.kind == "note"]


def _log_lines(folder: Path) -> Counter[str]:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("log-*.md"))]
    return Counter(line for text in texts for line in text.removesuffix("\n").split("\n"))


def _lost(context: Path, acked: Sequence[Deed], lines: dict[str, Counter[str]]) -> int:
    logged = sum(deed.text not in lines[deed.kind] for deed in acked if deed.kind in lines)
    return logged + sum(deed.text not in _text(context / deed.path) for deed in _notes(acked))


def _text(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _own_lost(context: Path, ledger: Ledger) -> int:
    """Tell whether a client's own file is older than its last acknowledged text: nobody else writes it."""
    own = [deed for deed in ledger.acked if deed.kind == "own"]
    if not own:
        return 0
    text = _text(context / "scratchpad" / "common" / own[-1].name)
    return int(not _is_sheet(text) or _count(text) < _count(own[-1].text))


def _torn_sheets(context: Path) -> int:
    folder = context / "scratchpad" / "common"
    return sum(not _is_sheet(_text(path)) for path in (*folder.glob("own-*.md"), *folder.glob("state.md")))


def _torn_notes(context: Path) -> int:
    notes = (context / "memory" / "common" / "notes").glob("*.md")
    return sum(not _is_record(_text(path).rstrip("\n").rpartition("\n")[2]) for path in notes)


class _Kept(NamedTuple):
    note: str
    texts: list[str]


def _versions(context: Path) -> Iterator[_Kept]:
    """Yield the kept texts of each note in order."""
    for folder in (context / ".afs" / "scratchpad").glob("*/versions"):
        kept = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        yield _Kept(_text(folder.parent / "note"), [_text(path) for path in kept])


def _torn_versions(kept: _Kept) -> int:
    whole = [text for text in kept.texts if text]
    if "/log-" not in kept.note:
        return sum(not _is_sheet(text) for text in whole)
    torn = sum(not all(map(_is_record, text.removesuffix("\n").split("\n"))) for text in whole)
    return torn + sum(not new.startswith(old) for old, new in pairwise(whole))  # a log only grows


def _broken_indexes(context: Path) -> int:
    return sum(map(_is_broken, context.rglob("*.sqlite")))


def _is_broken(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(path)) as base:
        try:
            found: tuple[str] = base.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError:
            return True
    return found != ("ok",)
