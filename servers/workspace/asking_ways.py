"""The way to answer a question about files, chosen by what it asks for; and those for caches and for space."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servers.machine.times import utc
from servers.workspace.asking_files import by_duplicates, by_files, by_names, empty_ones, trashed
from servers.workspace.asking_games import WRITTEN
from servers.workspace.asking_known import Known
from servers.workspace.asking_projects import (
    abandoned,
    by_projects,
    language_fits,
    scattered,
    uncommitted,
    unkept,
    unpushed,
)
from servers.workspace.asking_question import stem
from servers.workspace.asking_rows import MOST, Asked, Rows, by_folders, file_row, in_turns
from servers.workspace.asking_search import Words, file_hits
from servers.workspace.asking_words import WEAK
from servers.workspace.scan_facts import CACHE, DAY_NS, project_found, projects_of
from servers.workspace.scan_kinds import CACHES
from servers.workspace.scan_results import Found, amount
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servers.workspace.asking_question import Wish
    from servers.workspace.scan_facts import ProjectFact

__all__ = ["answered"]

_OLD_CACHE_DAYS = 90
_WORKED = re.compile(r"\bwork(?:ed|ing)? on\b|\bbusy\b|\bbeen (?:doing|up to)\b", re.IGNORECASE)
_EACH = 0.45
"""Seconds for each of two searches in text."""
_SHORT = 3
"""Letters of a word that is not looked for in text."""
_FIRST = 3
"""Rows that are read; the place where files are is told among them."""
_INNER = frozenset(
    b"src source include lib assets scenes scripts prefabs app game main sprites gfx data res bin".split()
)
_CODE = frozenset(("code", "assembly"))
_READABLE = frozenset(("code", "assembly", "note", "log"))
_MADE = frozenset(("code", "assembly", "patch", "rom"))
_HACKS = frozenset(("hack", "hacks", "romhack", "romhacks"))
_LOOSE = frozenset(("build", "dist", "Caches", ".cache", "target", "virtualenv"))


def _way_of(wish: Wish) -> Callable[[Asked], Rows]:
    """Return the way to answer a question."""
    if wish.subject == "duplicates" and wish.target == "project":
        return scattered
    if wish.subject in _WAYS and not _left_lying(wish):
        return _WAYS[wish.subject]
    if wish.target == "project" or (wish.languages and not wish.kinds):
        return by_projects
    if wish.languages and set(wish.kinds) <= _CODE and not (wish.target or wish.order or wish.endings or wish.names):
        return _code
    if wish.target == "folder" and wish.order and not wish.kinds and not wish.endings:
        return _space
    if _is_of_work(wish):
        return _untouched
    if wish.kinds or wish.endings or wish.names or wish.header >= 0 or wish.least or wish.most:
        return by_files
    if wish.words:
        return by_names
    return by_files if wish.order or wish.span or wish.target else _space


def _is_of_work(wish: Wish) -> bool:
    """Tell whether what was worked on in a time is asked for, or what was not: that is projects, too."""
    if not wish.span:
        return False
    if not wish.span.start and _HACKS & set(wish.kind_words):
        return True
    if wish.kinds or wish.endings or wish.names or wish.header >= 0 or wish.least or wish.most or wish.words:
        return False
    return not wish.target and (not wish.span.start or (not wish.order and _WORKED.search(wish.text) is not None))


def _left_lying(wish: Wish) -> bool:
    """Tell whether files are meant that nobody went on with: an unfinished song is no project."""
    return (
        wish.subject == "abandoned" and bool(wish.kinds) and not (wish.target == "project" or _MADE & set(wish.kinds))
    )


def _untouched(asked: Asked) -> Rows:
    """Answer by projects with or without work in a time, in turns with files that did or did not change."""
    projects, files = by_projects(asked), by_files(asked)
    return files._replace(rows=in_turns(projects.rows, files.rows))


def _double(asked: Asked) -> Rows:
    """Answer by files of the same content; where there are none of a name, by the projects that have it too."""
    rows = by_duplicates(asked)
    if not asked.words.groups or any(row.kind == "duplicate" for _, row in rows.rows):
        return rows
    projects = [pair for pair in by_projects(asked).rows if pair[1].kind == "project"]
    return rows._replace(rows=in_turns(projects, rows.rows)) if len(projects) > 1 else rows


def _code(asked: Asked) -> Rows:
    """Answer by projects in the languages that are asked for, in turns with files in them.

    With words, a project stands where its first file does.
    """
    files = by_files(asked)
    if not asked.words.groups:
        return files._replace(rows=in_turns(by_projects(asked).rows, files.rows))
    facts = {fact.path: fact for fact in projects_of(asked.scope) if language_fits(fact, asked.wish)}
    owners = [owner for path, _ in files.rows if (owner := _owner(path, facts)) is not None]
    found = [(path, project_found(asked.scope, facts[path])) for path in dict.fromkeys(owners)]
    return files._replace(rows=in_turns(found, files.rows))


def _owner(path: bytes, facts: Mapping[bytes, ProjectFact]) -> bytes | None:
    """Return the innermost project that a path is in."""
    while path and path not in facts:
        path = path.rpartition(b"/")[0]
    return path if path in facts else None


def _caches(asked: Asked) -> Rows:
    """Answer by caches; old ones have no file of the last 90 days, or as the question says."""
    wish, text = asked.wish, asked.wish.text.casefold().replace(" ", "_")
    built = re.search(r"\bbuild|artifact|artefact|compiled", wish.text.casefold())
    named = {name for name in CACHES if len(name) > 3 and name.casefold().strip("._") in text and name not in _LOOSE}
    if re.search(r"venv|virtual_?env", text):
        named |= {".venv", "venv", ".virtualenv", "virtualenv", "env"}
    end = wish.span.end if wish.span else (asked.now - _OLD_CACHE_DAYS * DAY_NS if wish.old else 1 << 62)
    start = wish.span.start if wish.span else 0
    sql = (
        "SELECT path, trait, all_bytes, all_files, all_newest FROM folder "
        f"WHERE {SCOPE} AND inside = id AND {CACHE} AND all_newest >= ? AND all_newest < ? ORDER BY all_bytes DESC"
    )
    rows: list[tuple[bytes, Found]] = []
    total = 0
    for path, trait, size, files, newest in asked.scope.store.rows(sql, (*scope_of(asked.scope.top), start, end)):
        if built and not named and "build output" not in trait and "compiled" not in trait:
            continue
        if named and path.rpartition(b"/")[2].decode("utf-8", "replace") not in named:
            continue
        total += size
        rows.append(
            (
                path,
                Found(
                    path=asked.scope.shown(path), kind="cache", size=size, files=files, modified=utc(newest), why=trait
                ),
            )
        )
    if not rows and wish.old and not wish.span:
        return _caches(asked._replace(wish=wish._replace(old=False)))
    if asked.words.groups:
        rows = [row for row in rows if asked.words.score(row[1].path, row[1].why) > 0.5] or rows
    if wish.languages:
        facts = {fact.path: fact for fact in projects_of(asked.scope)}
        owned = [row for row in rows if (owner := _owner(row[0], facts)) and language_fits(facts[owner], wish)]
        rows = owned or rows
    if wish.order == "oldest":
        rows.sort(key=lambda row: row[1].modified)
    return Rows(rows, f"{len(rows)} caches of {amount(total)}, which programs make again")


def _space(asked: Asked) -> Rows:
    """Answer by the largest folders and files; a folder that is little more than one in it stands after that one."""
    wish = asked.wish
    if wish.target == "file" or wish.kinds or wish.endings:
        return by_files(asked._replace(wish=wish._replace(order="size", subject="")))
    if wish.target == "project" or wish.languages:
        return by_projects(asked._replace(wish=wish._replace(order="size")))
    folders = by_folders(asked, "inside = 0 OR inside = id").rows
    if wish.order == "files":
        folders.sort(key=lambda pair: -pair[1].files)
    elif wish.order in ("newest", "oldest"):
        folders.sort(key=lambda pair: pair[1].modified, reverse=wish.order == "newest")
    if asked.words.groups:
        near = [pair for pair in folders if asked.words.score(pair[1].path, "") > 0.5]
        folders = near or folders
    if wish.target == "folder":
        return Rows(folders, f"{len(folders)} folders, largest first")
    files = file_hits(asked.scope, wish._replace(order="size", subject=""), asked.words, most=MOST)[:MOST]
    largest = [file_row(asked, hit) for hit in files]
    both = [pair for some in zip(folders[:12], largest[:4] + [None] * 8, strict=False) for pair in some if pair]
    ((total,),) = asked.scope.store.rows(f"SELECT sum(bytes) FROM folder WHERE {SCOPE}", scope_of(asked.scope.top))
    return Rows(both, f"{amount(total or 0)} in all; folders and files, largest first")


def answered(asked: Asked, known: Known) -> Rows:
    """Answer a question, with the place of the first files among the first rows."""
    rows, wish = _answered(asked, known), asked.wish
    if not rows.rows and wish.span and (wish.words or wish.kinds):
        timeless = asked._replace(wish=wish._replace(span=None))
        rows, wish = _answered(timeless, known), timeless.wish
        rows = rows._replace(summary=f"nothing of that time; of any: {rows.summary}")
    first = [row.kind for _, row in rows.rows[:_FIRST]]
    if not first or wish.target == "file" or wish.order or wish.span or wish.subject or wish.least or wish.most:
        return rows
    if set(first) & {"folder", "project", "cache"}:
        return rows
    place, *others = {_place(asked, path) for path, _ in rows.rows[:_FIRST]}
    if others or place == asked.scope.top:
        return rows
    around = by_folders(asked, "path = ?", values=(place,)).rows
    at = 0 if wish.target == "project" else _FIRST - 1
    return rows._replace(rows=[*rows.rows[:at], *around, *rows.rows[at:]])


def _place(asked: Asked, path: bytes) -> bytes:
    """Return the project that a file is in, or the folder that is not called by what it has to do in a project."""
    owner = _owner(path, {fact.path: fact for fact in projects_of(asked.scope)})
    if owner:
        return owner
    above = path.rpartition(b"/")[0]
    while b"/" in above and above.rpartition(b"/")[2].lower() in _INNER:
        above = above.rpartition(b"/")[0]
    return above


def _answered(asked: Asked, known: Known) -> Rows:
    """Answer a question; where no name has any of its words and nothing else is asked, by the text of files."""
    from servers.workspace.asking_text import by_most, by_text, with_any

    nowhere, known = known.unknown, _of_names(asked.wish, known)
    wish = asked.wish
    lost = wish.words and len(known.unknown) == len(known.said) and not (wish.subject or wish.kinds or wish.endings)
    if (
        lost and (wish.span or wish.order) and (wish.target or all(map(_says_how, wish.words)))
    ):  # nobody calls files by what was done with them: downloaded last month
        asked = asked._replace(wish=wish._replace(words=(), target=wish.target or "file"), words=Words(()))
        return _way_of(asked.wish)(asked)
    if lost or wish.subject == "mentions":
        rows = by_text(asked, known.said)
        return rows if rows.rows or not lost else _either(by_most(asked, known.said, seconds=_EACH), rows)
    if _only_in_text(asked):
        ways = [way for word in wish.words for way in WRITTEN.get(word, (word,)) if len(way) > _SHORT]
        read = (
            with_any(asked, ways, seconds=_EACH) if len(wish.words) == 1 else by_most(asked, ways, seconds=_EACH).rows
        )
        if read or set(wish.words) <= WRITTEN.keys():
            return Rows(read, f"the text of {len(read)} files has it, the name of none")
    strange = _strange(wish, known) or _strange_here(asked, known)
    if strange:
        alone = asked._replace(words=Words(tuple(word for word in strange if word in nowhere)))
        rows = by_text(alone, strange, seconds=_EACH)
        rows = rows if rows.rows else by_most(alone, strange, seconds=_EACH, longest=max(strange, key=_length))
        if rows.rows:
            return rows
        kinds = by_files(asked._replace(words=Words(()))) if wish.kinds else Rows([], "nothing")
        if _telling(wish, strange) and len(kinds.rows) != 1:  # the only one of its kind is told anyway
            return Rows([], f"nothing has these words; without them: {kinds.summary}")
    return _read_too(asked, known, _way_of(wish)(asked))


def _either(first: Rows, second: Rows) -> Rows:
    return first if first.rows else second


def _read_too(asked: Asked, known: Known, rows: Rows) -> Rows:
    """Put files first that have the known words in their path and in their text one that no name has."""
    from servers.workspace.asking_text import with_any

    wish = asked.wish
    unread = [word for word in known.unknown if len(word) > _SHORT and word not in WEAK]
    if not unread or len(known.unknown) == len(known.said) or _closer(wish) or wish.target in ("folder", "project"):
        return rows
    read = [pair for pair in with_any(asked, unread, seconds=_EACH) if asked.words.fit(pair[1].path)][:_FIRST]
    return rows._replace(rows=list(dict([*read, *rows.rows]).items()))


def _closer(wish: Wish) -> bool:
    """Tell whether files are meant by more than words and kinds."""
    return bool(wish.subject or wish.names or wish.order or wish.span or wish.least or wish.most)


def _strange(wish: Wish, known: Known) -> tuple[str, ...]:
    """Return the words of what is asked for where no name has any of them: another thing than files of its kind here.

    Those are the words behind `about`, or all of them.
    """
    if _closer(wish):
        return ()
    unknown = tuple(word for word in known.unknown if not _says_how(word))
    about = tuple(word for word in unknown if word in wish.about)
    if about and set(wish.about) <= set(known.unknown) and not (wish.kinds and set(known.said) - set(known.unknown)):
        return about
    return unknown if wish.kinds and set(known.said) <= set(known.unknown) else ()


def _strange_here(asked: Asked, known: Known) -> tuple[str, ...]:
    """Return the words that no name has, where no file of the kinds that are asked for has the others."""
    wish = asked.wish
    unknown = tuple(word for word in known.unknown if not _says_how(word))
    if not (wish.kinds and unknown) or _closer(wish) or file_hits(asked.scope, wish, asked.words, most=1):
        return ()
    return unknown if _telling(wish, unknown) else ()


def _only_in_text(asked: Asked) -> bool:
    """Tell whether files of a kind of text are asked for by words that no name of that kind has."""
    wish = asked.wish
    if not wish.kinds or not set(wish.kinds) <= _READABLE or _closer(wish) or not wish.words or wish.endings:
        return False
    return not file_hits(asked.scope, wish, asked.words, most=1)


def _of_names(wish: Wish, known: Known) -> Known:
    """Take all of a name for unknown that ends in a word which nothing here has: `Secret of Evermore`."""
    words = known.unknown
    for match in _PROPER.finditer(wish.text):
        parts = [stem(part) for part in match.group().casefold().split()]
        if any(stem(word) == parts[-1] for word in known.unknown):
            words += tuple(word for word in known.said if stem(word) in parts and word not in words)
    return known._replace(unknown=words)


def _says_how(word: str) -> bool:
    return word in WEAK or word.endswith(("ed", "ing", "ly"))


def _length(word: str) -> int:
    return max(map(len, WRITTEN.get(word, (word,))))


def _telling(wish: Wish, strange: tuple[str, ...]) -> bool:
    """Tell whether words that nothing has say what is asked for, and not how it is: two of them, or a topic."""
    if len(strange) > 1 or WRITTEN.keys() & set(strange):
        return True
    return bool(set(strange) & set(wish.about)) and _TOPIC.search(wish.text) is not None


_PROPER = re.compile(r"\b[A-Z][\w']+ (?:of|to|and) (?:the )?[A-Z][\w']+")
_TOPIC = re.compile(r"\b(?:about|of|for|on|regarding) (?:\w+ ){0,3}\w+\W*$")

_WAYS: dict[str, Callable[[Asked], Rows]] = {
    "duplicates": _double,
    "scattered": scattered,
    "uncommitted": uncommitted,
    "unpushed": unpushed,
    "unkept": unkept,
    "abandoned": abandoned,
    "caches": _caches,
    "empty": empty_ones,
    "trash": trashed,
    "space": _space,
}
