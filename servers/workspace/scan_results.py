"""What the tools over a scan return: files, places, groups, and how a scan went."""

from __future__ import annotations

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.times import utc

__all__ = ["Found", "KindSum", "Scanned", "Scattered", "amount", "day"]

_STEPS = ("bytes", "KB", "MB", "GB", "TB")


def amount(size: float) -> str:
    """Return a number of bytes for reading: 1.4 MB (of 1,000)."""
    step = 0
    while size >= 999.5 and step < len(_STEPS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:.0f} {_STEPS[step]}" if not step or size >= 100 else f"{size:.1f} {_STEPS[step]}"


def day(nanoseconds: int) -> str:
    """Return the day of a time, UTC; empty for none."""
    return utc(nanoseconds)[:10]


class Found(Frozen):
    """A file or a folder that a scan knows."""

    path: str
    kind: str = Field(description="folder, project, cache, or the kind of a file: rom, patch, archive, ...")
    size: int = Field(default=0, description="bytes; of a folder: of all files below it")
    files: int = Field(default=0, description="files below a folder")
    modified: str = Field(default="", description="last change, UTC; of a folder: of the newest file below it")
    why: str = Field(default="", description="what there is to say of it")

    def as_text(self) -> str:
        """Return one line."""
        held = f", {self.files} files" if self.files else ""
        when = f", {self.modified}" if self.modified else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.path} [{self.kind}] {amount(self.size)} ({self.size}){held}{when}{why}"


class KindSum(Frozen):
    """The files of one kind."""

    kind: str
    files: int
    bytes: int

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.kind}: {self.files} files, {amount(self.bytes)} ({self.bytes})"


class Scattered(Frozen):
    """Projects that belong together and lie in several places."""

    what: str
    why: str
    paths: tuple[str, ...]

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.what} ({self.why}): {', '.join(self.paths)}"


class Scanned(Frozen):
    """What a scan found; each list has the first few, `ask_files` tells more."""

    path: str
    folders: int
    files: int
    bytes: int
    complete: bool = Field(description="false: call again, it goes on where it was")
    how: str = Field(description="how the scan went: what was read, what was known, what is left")
    seconds: float
    kinds: tuple[KindSum, ...] = ()
    largest: tuple[Found, ...] = ()
    largest_folders: tuple[Found, ...] = ()
    oldest: tuple[Found, ...] = ()
    newest: tuple[Found, ...] = ()
    roms_and_hacks: tuple[Found, ...] = ()
    models: tuple[Found, ...] = ()
    caches: tuple[Found, ...] = ()
    cache_bytes: int = 0
    projects: int = 0
    scattered: tuple[Scattered, ...] = ()
    abandoned: tuple[Found, ...] = ()
    duplicate_groups: int = Field(default=-1, description="-1: not looked for, or not all hashed yet")
    duplicate_bytes: int = Field(default=0, description="what the copies but one of each group take")
    odd: int = Field(default=0, description="links, FIFOs, sockets and devices, which are counted and not read")
    empty_files: int = 0
    empty_folders: int = 0
    unreadable: tuple[str, ...] = Field(default=(), description="folders that could not be read, the first 20")
    unreadable_count: int = 0
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return everything, a heading over each list."""
        done = "complete" if self.complete else "not complete: call scan_files again, it goes on where it was"
        lines = [
            f"{self.path}: {self.folders} folders, {self.files} files, {amount(self.bytes)} ({self.bytes}); {done}",
            f"{self.how}; {self.seconds} s",
            f"{self.empty_files} empty files, {self.empty_folders} empty folders, {self.odd} links and odd names, "
            f"{self.projects} projects, caches of {amount(self.cache_bytes)} ({self.cache_bytes})",
        ]
        if self.duplicate_groups >= 0:
            gain = f"{amount(self.duplicate_bytes)} ({self.duplicate_bytes}) to gain"
            lines.append(f"{self.duplicate_groups} groups of duplicates, {gain}; see find_duplicates")
        else:
            lines.append(f"duplicates: not all compared ({self.duplicate_groups}, {self.duplicate_bytes} bytes known)")
        lines += self._lists()
        if self.unreadable_count:
            lines.append(f"{self.unreadable_count} folders could not be read: {', '.join(self.unreadable)}")
        return "\n".join([*lines, *self.notes])

    def _lists(self) -> list[str]:
        lists: tuple[tuple[str, tuple[KindSum | Found | Scattered, ...]], ...] = (
            ("kinds of files, most bytes first", self.kinds),
            ("largest files", self.largest),
            ("largest folders", self.largest_folders),
            ("oldest files", self.oldest),
            ("newest files", self.newest),
            ("ROMs, patches and other hacks", self.roms_and_hacks),
            ("models", self.models),
            ("caches and build output", self.caches),
            ("scattered projects", self.scattered),
            ("abandoned work", self.abandoned),
        )
        out: list[str] = []
        for heading, rows in lists:
            if rows:
                out += [f"{heading}:", *(f"  {row.as_text()}" for row in rows)]
        return out
