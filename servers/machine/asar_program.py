"""A program as it is presented to asar: its text and files, where it goes, and what was decided for it."""

from collections.abc import Mapping
from types import MappingProxyType

from knowledge.snes.mapping import Mapper
from schemas.diagnostic import Diagnostic
from servers.machine import asar_source

__all__ = ["SOURCE", "TEXT_SUFFIXES", "Program", "note"]

SOURCE = "main.asm"
"""The name that a program without a file of its own has in diagnostics."""
TEXT_SUFFIXES = (".asm", ".s", ".inc", ".a", ".65816", ".txt")
"""What the names of assembly files end in."""
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})
_DEFAULT_PLACE = {"norom": 0x000000}


class Program:
    """A program and how it is presented to asar.

    `files` are what it may include, by their paths beside it; `name` is its own path among them. `rom` is what it is
    assembled onto, without copier header; empty: a blank one.
    """

    def __init__(
        self,
        text: str,
        mapper: Mapper,
        *,
        escaped: bool,
        slashed: bool = False,
        name: str = SOURCE,
        files: Mapping[str, bytes] = _NO_FILES,
        folders: tuple[str, ...] = (),
        rom: bytes = b"",
    ) -> None:
        self.text, self.escaped, self.name, self.files, self.rom = text, escaped, name, files, rom
        self.slashed = slashed
        self.folders = folders
        """Where asar looks for files beside the folder of the file that includes."""
        self.mapper: Mapper = asar_source.mapper_in(text, mapper)
        texts = self.texts().values()
        self.lines = max(one.count("\n") + (not one.endswith("\n")) for one in texts)
        self.placed = any(map(asar_source.has_place, texts))
        self.place = _DEFAULT_PLACE.get(self.mapper, 0x008000)
        preface: list[str] = [] if self.mapper != mapper or mapper == "lorom" else [mapper]
        preface += [] if self.placed else [f"org ${self.place:06X}"]
        self.entry = "\n".join([*preface, f'incsrc "{name}"', ""]) if preface else ""

    def texts(self) -> dict[str, str]:
        """Return its files that are assembly text, by name, its own first."""
        others = {
            name: data.decode("utf-8", "replace")
            for name, data in self.files.items()
            if name != self.name and name.lower().endswith(TEXT_SUFFIXES)
        }
        return {self.name: self.text, **others}

    def notes(self) -> list[Diagnostic]:
        """Return what was decided for the program."""
        notes: list[Diagnostic] = []
        if self.escaped:
            notes.append(
                note("newlines", "\\n was read as the end of a line", "send real line ends: escape the code once")
            )
        if self.slashed:
            notes.append(
                note("slashes", "/ was read as the end of an instruction", "put each instruction on a line of its own")
            )
        if not self.placed:
            place = f"org ${self.place:06X}"
            notes.append(
                note(
                    "default_org",
                    f"the code has no org: assembled at ${self.place:06X}",
                    f"write {place} (or another address) before the code",
                )
            )
        return notes


def note(name: str, message: str, step: str) -> Diagnostic:
    """Return a warning of ours, `W_afs_` and the name."""
    return Diagnostic(severity="warning", code=f"W_afs_{name}", message=message, next_step=step)
