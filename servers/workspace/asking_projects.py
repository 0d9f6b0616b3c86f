"""Questions about projects: by language, name, remote and time; scattered, abandoned, not committed, not pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.workspace.asking_files import by_files, by_names
from servers.workspace.asking_rows import Asked, Rows
from servers.workspace.asking_search import Words
from servers.workspace.scan_facts import (
    ABANDONED_DAYS,
    OWN,
    ProjectFact,
    abandoned_of,
    project_found,
    projects_of,
    scattered_of,
)
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servers.workspace.asking_question import Wish
    from servers.workspace.scan_results import Found

__all__ = ["abandoned", "by_projects", "language_fits", "scattered", "uncommitted", "unkept", "unpushed"]

_IN_NAME = 2.5
"""A score that only words in the name itself give."""


def by_projects(asked: Asked) -> Rows:
    """Answer by projects, last worked on first."""
    wish = asked.wish
    facts = [fact for fact in projects_of(asked.scope) if language_fits(fact, wish)]
    if wish.languages and not facts:  # a single file may be all there is
        return by_files(asked._replace(wish=wish._replace(target="", subject=""), words=Words(())))
    soft = Words(wish.kind_words)
    named = [fact for fact in facts if soft.score(fact.name, "") > _IN_NAME]
    facts = [*named, *(fact for fact in _with_kinds(asked, facts) if fact not in named)]
    if wish.span:
        facts = _in_span(asked, facts)
    if asked.words.groups:
        scored = [
            (asked.words.score(fact.name, f"{fact.path.decode('utf-8', 'replace')} {fact.remote}"), fact)
            for fact in facts
        ]
        best = max((score for score, _ in scored), default=0)
        fitting = [(score, fact) for score, fact in scored if score > best / 2]
        if not fitting:
            names = by_names(asked)
            return names if not (facts and wish.languages) else _told(asked, _ordered(facts, wish.order))
        fitting.sort(key=lambda item: -item[0])
        facts = [fact for _, fact in fitting]
    return _told(asked, _ordered(facts, wish.order))


def _with_kinds(asked: Asked, facts: list[ProjectFact]) -> list[ProjectFact]:
    """Return the projects with files of the kinds of the question, all where none has."""
    kinds = asked.wish.kinds
    if not kinds:
        return facts
    if "patch" in kinds:  # a hack is made of assembly
        kinds = ("patch", "assembly", "rom", "game graphics")
    sql = (
        "SELECT DISTINCT owner.path FROM file JOIN folder ON folder.id = file.folder "
        "JOIN folder owner ON owner.id = folder.project "
        f"WHERE folder.inside = 0 AND NOT folder.git AND kind IN ({', '.join('?' * len(kinds))})"
    )
    fitting = {path for (path,) in asked.scope.store.rows(sql, kinds)}
    return [fact for fact in facts if fact.path in fitting] or facts


def _ordered(facts: list[ProjectFact], order: str) -> list[ProjectFact]:
    keys: dict[str, Callable[[ProjectFact], int]] = {
        "size": lambda fact: -fact.size,
        "-size": lambda fact: fact.size,
        "newest": lambda fact: -fact.last,
        "oldest": lambda fact: fact.last,
    }
    return sorted(facts, key=keys[order]) if order in keys else facts


def language_fits(fact: ProjectFact, wish: Wish) -> bool:
    """Tell whether a project is in one of the languages of a question, or none is asked for."""
    return not wish.languages or any(language in fact.languages.split(", ") for language in wish.languages)


def _in_span(asked: Asked, facts: list[ProjectFact]) -> list[ProjectFact]:
    """Return the projects with work in a span; of one that only ends, those with no work since."""
    span = asked.wish.span
    if not span:
        return facts
    if not span.start:
        return [fact for fact in facts if fact.last < span.end]
    sql = (
        "SELECT DISTINCT folder.project FROM file JOIN folder ON folder.id = file.folder "
        f"WHERE {OWN} AND file.mtime >= ? AND file.mtime < ?"
    )
    numbers = {row[0] for row in asked.scope.store.rows(sql, (span.start, span.end))}
    known = dict(asked.scope.store.rows(f"SELECT path, id FROM folder WHERE {SCOPE}", scope_of(asked.scope.top)))
    return [fact for fact in facts if known.get(fact.path) in numbers or span.start <= fact.last < span.end]


def _told(asked: Asked, facts: Sequence[ProjectFact]) -> Rows:
    return Rows([(fact.path, project_found(asked.scope, fact)) for fact in facts], f"{len(facts)} projects")


def _named(asked: Asked, facts: Sequence[ProjectFact]) -> list[ProjectFact]:
    """Return the projects that have a word of the question, all where none has."""
    if not asked.words.groups:
        return list(facts)
    return _fitting(asked, facts) or list(facts)


def _fitting(asked: Asked, facts: Sequence[ProjectFact]) -> list[ProjectFact]:
    return [fact for fact in facts if asked.words.score(fact.name, fact.path.decode("utf-8", "replace")) > 0.3]


def uncommitted(asked: Asked) -> Rows:
    """Answer by projects with files that are not committed."""
    return _told(asked, _named(asked, projects_of(asked.scope, "uncommitted > 0")))


def unpushed(asked: Asked) -> Rows:
    """Answer by projects whose branch the remote does not have as it is."""
    return _told(asked, _named(asked, projects_of(asked.scope, "unpushed = 1 OR (project.git AND remote = '')")))


def unkept(asked: Asked) -> Rows:
    """Answer by projects without a remote."""
    return _told(asked, _named(asked, projects_of(asked.scope, "remote = ''")))


def abandoned(asked: Asked) -> Rows:
    """Answer by projects without work for long, or with the last of it in the span of the question."""
    span, facts = asked.wish.span, projects_of(asked.scope)
    if span and span.end > asked.now:  # not touched since then
        found = sorted((fact for fact in facts if fact.last < span.start), key=lambda fact: fact.last)
    elif span:
        found = sorted((fact for fact in facts if span.start <= fact.last < span.end), key=lambda fact: fact.last)
    else:
        found = abandoned_of(facts)
    if asked.words.groups and asked.wish.target == "project" and not _fitting(asked, found):
        names = by_names(asked)  # what people call a project may have no sign of one
        if names.rows:
            return names
    found = [fact for fact in _with_kinds(asked, _named(asked, found)) if language_fits(fact, asked.wish)]
    said = f" in {ABANDONED_DAYS} days" if not span else ""
    return _told(asked, found)._replace(summary=f"{len(found)} projects without work{said}")


def scattered(asked: Asked) -> Rows:
    """Answer by projects that belong together and lie in several places."""
    rows: list[tuple[bytes, Found]] = []
    groups = scattered_of(projects_of(asked.scope), asked.scope)
    paths = {asked.scope.shown(fact.path): fact for fact in projects_of(asked.scope)}
    for group in groups:
        for path in group.paths:
            if path in paths:
                found = project_found(asked.scope, paths[path])
                said = f"{group.what} ({group.why}); {found.why}"
                rows.append((paths[path].path, found.model_copy(update={"why": said})))
    if asked.words.groups:
        rows = [row for row in rows if asked.words.score(row[1].why, row[1].path) > 0.5] or rows
    return Rows(rows, f"{len(groups)} groups of projects that belong together")
