"""Finding projects below the workspace: by name, by language, by git remote, by last use."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.names import escape
from servers.machine.paging import END, Page, page_of
from servers.machine.times import utc
from servers.machine.wire import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servers.machine.beneath import Root, Seen
    from servers.workspace.opened import Opened

__all__ = ["MARKERS", "Project", "Projects", "find_projects", "offer_projects"]

_CAP = 300_000
_DEPTH = 8
_GIT_CONFIG = 64_000
SKIPPED = frozenset(
    (b"node_modules", b".venv", b"venv", b"__pycache__", b".cache", b"site-packages", b"target", b".git", b".tox")
)
"""Folders that hold no project of the user's own."""
MARKERS = {
    b".git": "git",
    b"pyproject.toml": "Python",
    b"setup.py": "Python",
    b"package.json": "JavaScript",
    b"Cargo.toml": "Rust",
    b"go.mod": "Go",
    b"CMakeLists.txt": "C++",
    b"meson.build": "C",
    b"Makefile": "make",
    b"pom.xml": "Java",
    b"build.gradle": "Java",
    b"Gemfile": "Ruby",
    b"composer.json": "PHP",
    b".context": "AFS context",
}
"""A name that makes its folder a project -> what it says about the project."""
_SURE = frozenset((b".git", b"pyproject.toml", b"package.json", b"Cargo.toml", b"go.mod", b"CMakeLists.txt"))
_LANGUAGES = {
    b"asm": "65816 assembly", b"s": "65816 assembly", b"65s": "65816 assembly", b"inc": "65816 assembly",
    b"py": "Python", b"js": "JavaScript", b"ts": "TypeScript", b"tsx": "TypeScript", b"rs": "Rust", b"go": "Go",
    b"c": "C", b"h": "C", b"cc": "C++", b"cpp": "C++", b"hpp": "C++", b"cs": "C#", b"java": "Java", b"kt": "Kotlin",
    b"swift": "Swift", b"rb": "Ruby", b"php": "PHP", b"lua": "Lua", b"sh": "shell", b"el": "Emacs Lisp", b"zig": "Zig",
}  # fmt: skip
_REMOTE = re.compile(r'^\s*\[remote "([^"]{1,100})"\]|^\s*url\s*=\s*(\S{1,500})', re.MULTILINE)


class Project(Frozen):
    """One project: a folder with a sign of one."""

    path: str
    name: str
    language: str = Field(description="the language of most of its files; empty: none known")
    files: int = Field(description="files of a known language")
    remote: str = Field(description="git remote, without a password; empty: none")
    signs: tuple[str, ...] = Field(description="what makes the folder a project")
    last_used: str = Field(description="last change of its own files or of git's state, UTC")

    def as_text(self) -> str:
        """Return one line."""
        parts = [f"{self.language}, {self.files} files" if self.language else "", self.remote, ", ".join(self.signs)]
        told = "; ".join(part for part in parts if part)
        return f"{self.path}: {self.name} ({told}; last used {self.last_used})"


class Projects(Frozen):
    """A page of projects, last used first."""

    projects: tuple[Project, ...]
    total: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1 on the last one")
    complete: bool = Field(description="false when there was more than could be looked at")

    def as_text(self) -> str:
        """Return one line a project."""
        some = "" if self.complete else ", and more that could not be looked at"
        if not self.projects:
            none = f"no project fits (0 of {self.total}, offset {self.offset}){some}"
            return f"{none}; ws_find without words shows all, list_files what else is there"
        lines = [f"{len(self.projects)} of {self.total} projects from offset {self.offset}, last used first{some}"]
        lines += [project.as_text() for project in self.projects]
        if self.next_offset != END:
            lines.append(f"more: call again with offset={self.next_offset}")
        return "\n".join(lines)


class _Folder:
    """What is known of one folder that may be a project."""

    def __init__(self) -> None:
        self.markers: set[bytes] = set()
        self.languages: Counter[str] = Counter()
        self.newest = 0


class _Wish(NamedTuple):
    query: str
    language: str
    remote: str

    def fits(self, project: Project) -> bool:
        words = self.query.casefold().split()
        about = f"{project.path} {project.name} {project.remote}".casefold()
        return (
            all(word in about for word in words)
            and self.language.casefold() in f"{project.language} {' '.join(project.signs)}".casefold()
            and self.remote.casefold() in project.remote.casefold()
        )


def find_projects(opened: Opened, query: str, *, language: str, remote: str, limit: int, offset: int) -> Projects:
    """Return a page of the projects that fit all that is given, last used first. Raises ServerError."""
    wish = _Wish(query.strip(), language.strip(), remote.strip())
    found: list[tuple[int, Project]] = []
    complete = True
    for root in opened.roots.roots():
        prefix = opened.prefix(root)
        with contextlib.closing(root.walk("", cap=_CAP, enter=_enter)) as walk:
            folders = _folders(walk)
            complete = complete and walk.complete
        found += [_project(root, prefix, path, folder) for path, folder in folders.items()]
    fitting = [project for _, project in sorted(found, key=lambda item: (-item[0], item[1].path)) if wish.fits(project)]
    page: Page[Project] = page_of(fitting, offset=offset, limit=limit, weigh=lambda item: len(item.as_text()) * 2 + 200)
    return Projects(
        projects=page.items, total=len(fitting), offset=offset, next_offset=page.next_offset, complete=complete
    )


def _enter(folder: bytes) -> bool:
    return folder.rpartition(b"/")[2] not in SKIPPED and folder.count(b"/") < _DEPTH


def _folders(walk: Iterable[Seen]) -> dict[bytes, _Folder]:
    """Return the folders that have a sign of a project, each with what is in it and in no project below it."""
    signs: dict[bytes, _Folder] = {}
    files: list[Seen] = []
    for seen in walk:
        folder, _, name = seen.path.rpartition(b"/")
        if name in MARKERS:
            signs.setdefault(folder, _Folder()).markers.add(name)
        if seen.kind == "file":
            files.append(seen)
    signs = {path: folder for path, folder in signs.items() if folder.markers & _SURE or not _inside(path, signs)}
    for seen in files:
        owner = _inside(seen.path, signs)
        if owner is not None:
            language = _LANGUAGES.get(seen.path.rpartition(b".")[2].lower())
            if language:
                owner.languages[language] += 1
            owner.newest = max(owner.newest, seen.modified_ns)
    return signs


def _inside(path: bytes, folders: dict[bytes, _Folder]) -> _Folder | None:
    """Return the nearest folder above a path that is among `folders`."""
    while path:
        path = path.rpartition(b"/")[0]
        if path in folders:
            return folders[path]
    return None


def _project(root: Root, prefix: bytes, path: bytes, folder: _Folder) -> tuple[int, Project]:
    remote, newest = "", folder.newest
    if b".git" in folder.markers:
        remote = _remote(root, path)
        newest = max(newest, *(_changed(root, path, name) for name in (b"HEAD", b"index", b"FETCH_HEAD", b"logs/HEAD")))
    language, _ = folder.languages.most_common(1)[0] if folder.languages else ("", 0)
    named = {MARKERS[sign] for sign in folder.markers}
    where = escape(prefix + path) or "."
    return newest, Project(
        path=where,
        name=escape((prefix + path).rstrip(b"/").rpartition(b"/")[2]) or "the workspace root",
        language=language or next(iter(sorted(named - {"git", "make", "AFS context"})), ""),
        files=sum(folder.languages.values()),
        remote=remote,
        signs=tuple(sorted(escape(sign) for sign in folder.markers)),
        last_used=utc(newest),
    )


def _changed(root: Root, path: bytes, name: bytes) -> int:
    with contextlib.suppress(ServerError):
        return root.state(escape(path + b"/.git/" + name if path else b".git/" + name)).modified_ns
    return 0


def _remote(root: Root, path: bytes) -> str:
    """Return the URL of the remote `origin`, else of the first one, without a password."""
    try:
        data = root.read(
            escape(path + b"/.git/config" if path else b".git/config"), limit=_GIT_CONFIG, tagged=False
        ).data
    except ServerError:  # a worktree's .git is a file; a folder may be ours no more
        return ""
    remotes: dict[str, str] = {}
    name = ""
    for found in _REMOTE.finditer(data.decode("utf-8", "replace")):
        name = found[1] or name
        if found[2] and name:
            remotes.setdefault(name, found[2])
    url = remotes.get("origin") or next(iter(remotes.values()), "")
    return clean(re.sub(r"^(\w+://)[^/@]*@", r"\1", url))


def offer_projects(face: Face, opened: Opened) -> None:
    """Offer `ws_find`."""

    @face.offer(READS, title="Find projects")
    def ws_find(
        query: Annotated[str, Field(description="words of a project's name, path or remote; empty: all")] = "",
        language: Annotated[str, Field(description="language or sign, e.g. assembly, Python, git; empty: any")] = "",
        remote: Annotated[str, Field(description="a part of the git remote's URL; empty: any")] = "",
        limit: Annotated[int, Field(ge=1, le=200, description="projects to return, 1 to 200")] = 30,
        offset: Annotated[int, Field(ge=0, description="number of projects to skip, 0 or more")] = 0,
    ) -> Projects:
        """Find projects of the workspace by name, language or git remote, the last used first."""
        return find_projects(opened, query, language=language, remote=remote, limit=limit, offset=offset)
