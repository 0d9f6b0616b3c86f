"""Questions about files and names: by kind, ending, size, time, and by the words in paths; and what has copies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from servers.machine.names import escape
from servers.machine.times import utc
from servers.workspace.asking_rows import MOST, Asked, Rows, by_folders, counted, file_row, in_turns
from servers.workspace.asking_search import FileHit, Words, file_hits, file_sum, folder_hits, grouped
from servers.workspace.duplicates_groups import groups_of, sum_of_groups
from servers.workspace.scan_facts import OWN, project_found, projects_of
from servers.workspace.scan_kinds import CACHES, TRASH
from servers.workspace.scan_results import Found, amount
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servers.workspace.asking_rows import Row

__all__ = ["by_duplicates", "by_files", "by_names", "empty_ones", "trashed"]

_TWINS = 400
_SEVERAL = 3
"""Folders of what is found in one that has a third of it."""
_ALL = 2
"""Words of which a name with all of them says more than the kind of file."""
_LOOKED = 10
_FEW = 3
"""Files that are named before the folders that hold them."""


def by_files(asked: Asked) -> Rows:
    """Answer by files, with the folders that hold them first where that is what is asked.

    What is of another kind and has all of the words, where no file of the kind has, stands second.
    """
    rows, words = _of_kinds(asked), asked.words
    if len(words.groups) < _ALL or not asked.wish.kinds or asked.wish.order or not rows.rows:
        return rows
    if any(words.fit(row.path) for _, row in rows.rows[:_LOOKED]):
        return rows
    whole = [pair for pair in by_names(asked).rows[:_LOOKED] if words.fit(pair[1].path)][:2]
    first, *rest = rows.rows
    return rows._replace(rows=list(dict([first, *whole, *rest]).items()))


def _of_kinds(asked: Asked) -> Rows:
    wish = asked.wish
    if (wish.order or wish.target == "file") and wish.target != "folder" and not (asked.words.groups or wish.kinds):
        return _first_files(asked)
    hits = file_hits(asked.scope, wish, asked.words)
    if not hits and (asked.words.groups or wish.endings) and (wish.kinds or wish.endings or wish.names):
        return _by_less(asked)
    files = [file_row(asked, hit) for hit in hits[:MOST]]
    if wish.order or wish.names or wish.target == "file" or len(hits) < 2:
        holding = [] if wish.target != "folder" else grouped(asked.scope, hits, wish)
        around = _gathered(asked, hits, [(path, row) for _, path, row in holding]) if holding else []
        return Rows([*around, *files], counted(hits))
    folders = [(path, row) for _, path, row in grouped(asked.scope, hits, wish)]
    if not wish.languages and set(wish.kinds) & {"assembly", "code", "patch"}:
        folders = _with_projects(asked, folders)
    if wish.least or wish.most or wish.header >= 0 or (wish.span and not wish.where):
        return Rows([*files, *folders[:5]], counted(hits))
    if wish.target == "folder":
        return Rows([*_gathered(asked, hits, folders), *files], counted(hits))
    if not wish.where and len(files) <= _FEW and not asked.words.groups:
        return Rows([*files, *folders], counted(hits))
    folders = _gathered(asked, hits, folders)
    few = folders[: max(5, 12 - len(files))] if not asked.words.groups or wish.where else folders[:2]
    if asked.words.groups:
        named = [pair for pair, hit in zip(files, hits, strict=False) if hit.score >= 3]
        files = [pair for pair in files if pair not in named]
        return Rows([*named[:6], *few, *named[6:], *files], counted(hits))
    return Rows([*few[:6], *files, *few[6:]], f"{counted(hits)} in {len(folders)} folders")


def _gathered(asked: Asked, hits: Sequence[FileHit], folders: list[Row]) -> list[Row]:
    """Put the folder first that holds what is found, in several folders, and is called what is asked for."""
    said, text = asked.wish.kind_words, asked.wish.text.casefold()
    pairs = {word: word + after for word, after in pairwise(said) if f"{word} {after}" in text}
    soft = [Words((pairs.get(word, word),)) for word in said]  # of `rom hacks` the hacks are meant, not any rom
    below: dict[bytes, list[bytes]] = {}
    for hit in hits:
        parts = hit.path.split(b"/")[:-1]
        for depth in range(1, len(parts)):
            below.setdefault(b"/".join(parts[:depth]), []).append(parts[depth])
    fitting = [
        path
        for path, holding in below.items()
        if (2 * len(holding) > len(hits) or (3 * len(holding) >= len(hits) and len(set(holding)) >= _SEVERAL))
        and _any_fits(soft, path)
        and path != asked.scope.top
    ]
    if not fitting:
        return folders
    whole = max(fitting, key=len)
    rows = by_folders(asked, "path = ?", values=(whole,)).rows
    return list(dict([*rows, *folders]).items())


def _any_fits(soft: Sequence[Words], path: bytes) -> bool:
    name = escape(path.rpartition(b"/")[2])
    return any(words.score(name, "") > 0.0 for words in soft)


def _first_files(asked: Asked) -> Rows:
    """Answer by the first files of all that are meant, which may be nearly all files."""
    files, size = file_sum(asked.scope, asked.wish)
    hits = file_hits(asked.scope, asked.wish, asked.words, most=MOST)
    return Rows([file_row(asked, hit) for hit in hits], f"{files} files, {amount(size)}")


def _by_less(asked: Asked) -> Rows:
    """Answer where no file of the kind has the words: by what has the words, and by the kind alone.

    What has all of the words comes first.
    """
    wish = asked.wish
    if wish.kinds and wish.endings:
        wider = asked._replace(wish=wish._replace(endings=()))
        if not asked.words.groups or file_hits(asked.scope, wider.wish, asked.words, most=1):
            return by_files(wider)
    if not asked.words.groups:
        return Rows([], counted(()))
    names, alone = by_names(asked), by_files(asked._replace(words=Words(())))
    first_of_kind = wish.order and wish.kinds and len(asked.words.groups) == 1  # `trained` says how, not what
    if not (wish.names or first_of_kind) and any(asked.words.fit(row.path) for _, row in names.rows):
        return names._replace(rows=in_turns(names.rows, alone.rows))
    return alone._replace(rows=in_turns(alone.rows, names.rows))


def _with_projects(asked: Asked, folders: list[tuple[bytes, Found]]) -> list[tuple[bytes, Found]]:
    """Put the project in place of folders inside it, where it is one of assembly or code."""
    wanted = "patch" in asked.wish.kinds or "assembly" in asked.wish.kinds
    projects = [fact for fact in projects_of(asked.scope) if not wanted or "assembly" in fact.languages.lower()]
    fitting = [fact for fact in projects if not asked.words.groups or asked.words.score(fact.name, "") > 0.5]
    if asked.wish.span:  # those with a file of that time are there already
        fitting = []
    known = {path for path, _ in folders}
    more = [(fact.path, project_found(asked.scope, fact)) for fact in fitting if fact.path not in known]
    out: list[tuple[bytes, Found]] = []
    for path, row in folders:
        above = [fact for fact in projects if fact.path and path.startswith(fact.path + b"/")]
        if above and path.rpartition(b"/")[2].decode("utf-8", "replace") in CACHES:  # what a build made is the project
            out.append((above[-1].path, project_found(asked.scope, above[-1])))
        elif "patch" in asked.wish.kinds or not above:
            out.append((path, row))
    both = [*out[:3], *more, *out[3:]] if "patch" in asked.wish.kinds else [*more, *out]
    return list(dict(both).items())


def by_names(asked: Asked) -> Rows:
    """Answer by names: folders, projects and files that have the words."""
    folders = folder_hits(asked.scope, asked.words)
    hits = file_hits(asked.scope, asked.wish._replace(kinds=()), asked.words)
    rows = [(score, path, row) for score, path, row in folders[:MOST]]
    if asked.wish.target != "folder":
        rows += [(hit.score * 0.9, *file_row(asked, hit)) for hit in hits[:MOST]]
    if asked.wish.target == "file":
        rows = [item for item in rows if item[2].kind not in ("folder", "project", "cache")]
    if asked.wish.order and hits:
        rows = [(0.0, *file_row(asked, hit)) for hit in hits[:MOST]] + rows
    else:
        rows.sort(key=lambda item: (-round(item[0], 3), item[1].count(b"/"), item[1]))
    return Rows([(path, row) for _, path, row in rows], f"{len(folders)} folders and {len(hits)} files have such names")


def by_duplicates(asked: Asked) -> Rows:
    """Answer by groups of the same content; with a name, by the files that have it and those of their content."""
    wish = asked.wish
    if wish.names or asked.words.groups:
        rows = _twins(asked)
        if rows.rows:
            return rows
    where, values = ("kind IN (" + ", ".join("?" * len(wish.kinds)) + ")", wish.kinds) if wish.kinds else ("1", ())
    where = f"{OWN} AND {where}"
    rows_out: list[tuple[bytes, Found]] = []
    groups = groups_of(asked.scope, min_size=max(1, wish.least), limit=60, where=where, values=values)
    for group in groups:
        for copy in group.copies[:20]:
            said = f"{len(group.copies)} files of this content, {amount(group.gain)} to gain"
            shown = asked.scope.shown(copy.path)
            found = Found(path=shown, kind="duplicate", size=group.size, modified=utc(copy.mtime), why=said)
            rows_out.append((copy.path, found))
    sums = sum_of_groups(asked.scope, min_size=max(1, wish.least), where=where, values=values)
    said = f"{sums.groups} groups of {sums.files} files of the same content, {amount(sums.gain)} to gain"
    return Rows(rows_out, f"{said}; find_duplicates lists them")


def _twins(asked: Asked) -> Rows:
    """Return the files of a name, and all files that have the content of one of them."""
    wish = asked.wish
    hits = file_hits(asked.scope, wish._replace(span=None), asked.words)[:_TWINS]
    if not hits:
        return _twins(asked._replace(wish=wish._replace(kinds=()))) if wish.kinds else Rows([], "")
    sizes = sorted({hit.size for hit in hits})
    where = f"size IN ({', '.join('?' * len(sizes))})"
    wanted = {hit.path for hit in hits}
    rows: list[tuple[bytes, Found]] = []
    for group in groups_of(asked.scope, limit=_TWINS, where=where, values=sizes):
        if any(copy.path in wanted for copy in group.copies):
            said = f"{len(group.copies)} files of this content ({group.full.hex()[:12]})"
            for copy in group.copies[:50]:
                shown = asked.scope.shown(copy.path)
                found = Found(path=shown, kind="duplicate", size=group.size, modified=utc(copy.mtime), why=said)
                rows.append((copy.path, found))
    if not rows and wish.kinds:  # what people call a script may be a text, too
        return _twins(asked._replace(wish=wish._replace(kinds=())))
    known = {path for path, _ in rows}
    alone = [file_row(asked, hit, "of this name, with a content of its own") for hit in hits if hit.path not in known]
    return Rows([*rows, *alone], f"{len(rows)} files of the same content, {len(alone)} with a content of their own")


def empty_ones(asked: Asked) -> Rows:
    """Answer by folders with no file below them, or by files without a byte."""
    if asked.wish.target == "file":
        where = "size = 0"
        sql = (
            "SELECT folder.path, name, kind, size, file.mtime FROM file JOIN folder ON folder.id = file.folder "
            f"WHERE {SCOPE} AND NOT trash AND {OWN} AND {where} LIMIT {MOST}"
        )
        hits = [
            FileHit(0.0, b"/".join(filter(None, (path, name))), kind, size, mtime)
            for path, name, kind, size, mtime in asked.scope.store.rows(sql, scope_of(asked.scope.top))
        ]
        return Rows([file_row(asked, hit, "empty") for hit in hits], f"{len(hits)} empty files")
    return by_folders(asked, f"all_files = 0 AND {OWN}", "nothing in it")


def trashed(asked: Asked) -> Rows:
    """Answer by the folders of trash."""
    sql = (
        f"SELECT path, all_bytes, all_files, all_newest FROM folder WHERE {SCOPE} AND trait = ? ORDER BY all_bytes DESC"
    )
    rows = [
        (
            path,
            Found(
                path=asked.scope.shown(path), kind="folder", size=size, files=files, modified=utc(newest), why="trash"
            ),
        )
        for path, size, files, newest in asked.scope.store.rows(sql, (*scope_of(asked.scope.top), TRASH))
    ]
    return Rows(rows, f"{len(rows)} folders of trash")
