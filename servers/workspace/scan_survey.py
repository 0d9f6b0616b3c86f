"""What the folders of a scan add up to: totals, caches, the trash, projects, and the words that a place is found by."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from servers.machine.names import escape
from servers.workspace.scan_git import GitState, git_state
from servers.workspace.scan_kinds import PROJECT_SIGNS, TELLING, TRASH, language_of_name, trait_of
from servers.workspace.scan_store import SCOPE, scope_of

if TYPE_CHECKING:
    from servers.machine.beneath import Root
    from servers.workspace.scan_store import ScanStore

__all__ = ["split_words", "survey"]

_ASM_FILES = 2
"""So many files of assembly in one folder are a project, without any other sign."""
_ASSEMBLY = "65816 assembly"
_TEXT_LIMIT = 4_000
_ASM = b"\0asm"
"""Stands among the telling names of a folder for its files of assembly."""
_SIGNS = frozenset((*PROJECT_SIGNS, _ASM))
_HOSTS = frozenset(
    b"projects project repos repositories repo code coding dev devel development src source sources workspace "
    b"workspaces github gitlab git hacks romhacks romhack wip disasm disassemblies disassembly decomp decomps "
    b"www sites lab labs mods playground homebrew programming prototypes experiments hobby gamedev abandoned "
    b"unfinished tools ai ml llm nn".split()
)
"""Names of folders, lower case, whose folders are projects each where somebody wrote code in them."""
_PARTS = frozenset(
    b"src source sources asm code lib include scripts data res assets gfx graphics music sound sounds sprites levels "
    b"patches tests test docs doc bin build out dist tools main common notebooks "
    b"models datasets prompts".split()
)
"""Names of folders in a project, lower case, that are no projects of their own."""
_WRITTEN = "'code', 'assembly', 'notebook', 'game graphics'"
"""Kinds of files that somebody writes."""
_SLASH = ord("/")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Za-z])")
_BREAK = re.compile(r"[\W_]+")


class _Folder:
    """A folder with what is known of it; `inside` and `project` are numbers of folders, 0: none."""

    __slots__ = ("bytes", "files", "git", "inside", "newest", "number", "path", "project", "trait", "trash")

    def __init__(self, number: int, path: bytes, files: int, size: int, newest: int) -> None:
        self.number, self.path, self.files, self.bytes, self.newest = number, path, files, size, newest
        self.trait = ""
        self.inside = self.project = 0
        self.trash = self.git = False

    @property
    def name(self) -> bytes:
        return self.path.rpartition(b"/")[2]


class _Project:
    """A project while it is added up."""

    def __init__(self, *, git: bool, language: str) -> None:
        self.git, self.language = git, language
        self.languages: Counter[str] = Counter()
        self.used = 0
        self.state = GitState()


def survey(store: ScanStore, root: Root) -> None:
    """Work out all that follows from folders and files, and write it in one transaction. Raises ServerError."""
    rows = store.rows("SELECT id, path, files, bytes, newest FROM folder ORDER BY path")
    folders = [_Folder(*row) for row in rows]
    telling = _telling(store)
    coded = {number for (number,) in store.rows(f"SELECT DISTINCT folder FROM file WHERE kind IN ({_WRITTEN})")}
    projects = _placed(folders, telling, coded)
    _count_languages(store, folders, projects)
    by_number = {folder.number: folder for folder in folders}
    for number, project in projects.items():
        if project.git:
            project.state = git_state(root, by_number[number].path, _sizes(store, by_number[number].path))
    words = _words(store, folders, projects)
    facts = _facts(folders)
    with store.writing() as db:
        db.executemany(
            "UPDATE folder SET trait = ?, inside = ?, trash = ?, git = ?, project = ?, all_files = ?, all_bytes = ?, "
            "all_newest = ? WHERE id = ?",
            facts,
        )
        db.execute("DELETE FROM project")
        lines = [_row(by_number[number], project) for number, project in projects.items()]
        db.executemany("INSERT INTO project VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)
        db.execute("DELETE FROM meta WHERE key = 'stale'")
        db.execute("DELETE FROM place")
        db.executemany("INSERT INTO place(rowid, name, path, words) VALUES (?, ?, ?, ?)", words)


def _telling(store: ScanStore) -> dict[int, frozenset[bytes]]:
    """Return the telling names of files in each folder, by the folder's number."""
    found: defaultdict[int, set[bytes]] = defaultdict(set)
    marks = ", ".join("?" * len(TELLING))
    for number, name in store.rows(f"SELECT folder, name FROM file WHERE name IN ({marks})", tuple(TELLING)):
        found[number].add(name)
    counted = (
        "SELECT folder FROM file WHERE kind = 'assembly' AND CAST(name AS TEXT) LIKE '%.asm' "
        "GROUP BY folder HAVING count(*) >= ?"
    )
    for (number,) in store.rows(counted, (_ASM_FILES,)):
        found[number].add(_ASM)
    return {number: frozenset(names) for number, names in found.items()}


def _hosted(
    folders: list[_Folder], gits: set[bytes], telling: dict[int, frozenset[bytes]], coded: set[int]
) -> set[bytes]:
    """Return the folders of a folder of projects in which somebody wrote code, without any other sign of a project."""
    known = gits | {folder.path for folder in folders if telling.get(folder.number, frozenset()) & _SIGNS - {_ASM}}
    holding = {b""}
    for path in known:
        holding |= {path[:at] for at, letter in enumerate(path) if letter == _SLASH}
    counts, found = {folder.path: folder.files for folder in folders}, set[bytes]()
    for folder in folders:
        if folder.number not in coded:
            continue
        parts = folder.path.split(b"/")
        at = next((at for at, part in enumerate(parts[:-1]) if part.lower() in _HOSTS), None)
        if at is None or any(b"/".join(parts[:depth]) in known for depth in range(1, at + 2)):
            continue
        end = at + 2
        while end < len(parts) and not counts[b"/".join(parts[:end])] and parts[end].lower() not in _PARTS:
            end += 1  # a folder with nothing but folders in it sorts projects
        found.add(b"/".join(parts[:end]))
    return {path for path in found if path not in holding and path.rpartition(b"/")[2].lower() not in _PARTS}


def _placed(folders: list[_Folder], telling: dict[int, frozenset[bytes]], coded: set[int]) -> dict[int, _Project]:
    """Tell each folder what it is in; folders come in order of their paths. Return the projects.

    `coded` are the numbers of the folders that have code of their own.
    """
    by_path = {folder.path: folder for folder in folders}
    gits = {folder.path[:-5] for folder in folders if folder.path.endswith(b"/.git")}
    if b".git" in by_path:
        gits.add(b"")
    unity = {
        folder.path[:-7]
        for folder in folders
        if folder.path.endswith(b"/Assets")
        and any(folder.path[:-6] + beside in by_path for beside in (b"ProjectSettings", b"Library", b"Packages"))
    }
    nothing = frozenset[bytes]()
    hosted = _hosted(folders, gits, telling, coded)
    projects: dict[int, _Project] = {}
    for folder in folders:
        inside = telling.get(folder.number, nothing)
        above = by_path.get(folder.path.rpartition(b"/")[0]) if folder.path else None
        beside = telling.get(above.number, nothing) if above else nothing
        if above:
            folder.inside, folder.project = above.inside, above.project
            folder.trash, folder.git = above.trash, above.git or folder.name == b".git"
        if not folder.inside and folder.path and not folder.git:
            folder.trait = trait_of(folder.path, beside, inside)
            folder.inside = folder.number if folder.trait else 0
            folder.trash = folder.trait == TRASH
        if not folder.inside and not folder.git:
            git = folder.path in gits or b".git" in inside
            signed = inside & _SIGNS or folder.path in unity or folder.path in hosted  # Unity makes no telling file
            if git or (not folder.project and signed and folder.path):
                folder.project = folder.number
                projects[folder.number] = _Project(git=git, language=_told_language(inside))
    return projects


def _told_language(inside: frozenset[bytes]) -> str:
    told = [language for sign, language in PROJECT_SIGNS.items() if sign in inside and language]
    return told[0] if told else (_ASSEMBLY if _ASM in inside else "")


def _count_languages(store: ScanStore, folders: list[_Folder], projects: dict[int, _Project]) -> None:
    owner = {f.number: projects[f.project] for f in folders if f.project and not f.inside and not f.git}
    for folder in folders:
        if folder.number in owner:
            owner[folder.number].used = max(owner[folder.number].used, folder.newest)
    for number, name in store.rows("SELECT folder, name FROM file WHERE kind IN ('code', 'assembly')"):
        language = language_of_name(name)
        if language and number in owner:
            owner[number].languages[language] += 1


def _sizes(store: ScanStore, path: bytes) -> dict[bytes, int]:
    """Return the size of each file below a folder, by its path below it."""
    start = len(path) + 1 if path else 0
    sql = f"SELECT path, name, size FROM file JOIN folder ON folder.id = file.folder WHERE {SCOPE}"
    return {
        b"/".join(filter(None, (where[start:], name))): size for where, name, size in store.rows(sql, scope_of(path))
    }


def _facts(folders: list[_Folder]) -> list[tuple[object, ...]]:
    """Return the values of each folder with the sums of all below it."""
    sums = {folder.path: [folder.files, folder.bytes, folder.newest] for folder in folders}
    for folder in reversed(folders):
        above = sums.get(folder.path.rpartition(b"/")[0]) if folder.path else None
        if above:
            files, size, newest = sums[folder.path]
            above[0] += files
            above[1] += size
            above[2] = max(above[2], newest)
    return [(f.trait, f.inside, f.trash, f.git, f.project, *sums[f.path], f.number) for f in folders]


def _row(folder: _Folder, project: _Project) -> tuple[object, ...]:
    counted = [language for language, _ in project.languages.most_common(5)]
    language = counted[0] if counted else project.language
    state = project.state
    return (
        folder.number, escape(folder.name), language, ", ".join(counted or filter(None, [project.language])),
        state.remote, state.branch, project.git, project.used, state.committed, state.uncommitted, state.unpushed,
    )  # fmt: skip


def _words(store: ScanStore, folders: list[_Folder], projects: dict[int, _Project]) -> list[tuple[int, str, str, str]]:
    """Return what each place is found by: its name, its path, and kinds, languages, remote and names of its files."""
    kinds: defaultdict[int, list[str]] = defaultdict(list)
    for number, kind in store.rows("SELECT DISTINCT folder, kind FROM file WHERE kind NOT IN ('other', 'code')"):
        kinds[number].append(kind)
    out: list[tuple[int, str, str, str]] = []
    for folder in folders:
        if folder.git or (folder.inside and folder.inside != folder.number):
            continue
        said = [*kinds.get(folder.number, ()), folder.trait]
        project = projects.get(folder.number)
        if project:
            said += ["project", *project.languages, project.state.remote, project.state.branch]
        name, path = escape(folder.name), escape(folder.path)
        out.append((folder.number, split_words(name), split_words(path), split_words(" ".join(said))))
    return out


def split_words(text: str) -> str:
    """Return a text with its names taken apart (`OracleOfSecrets`): parts and whole, at most 4,000 characters."""
    humps = _HUMP.sub(" ", text)
    parts = _BREAK.sub(" ", humps)
    return (f"{parts} {_BREAK.sub(' ', text)}" if humps != text else parts)[:_TEXT_LIMIT]
