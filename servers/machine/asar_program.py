"""A program as it is presented to asar: its text, where it goes, and what was decided for it."""

from knowledge.snes.mapping import Mapper
from schemas.diagnostic import Diagnostic
from servers.machine import asar_source

__all__ = ["SOURCE", "Program", "note"]

SOURCE = "main.asm"
"""The name that the program has in diagnostics."""
_DEFAULT_PLACE = {"norom": 0x000000}


class Program:
    """A program and how it is presented to asar."""

    def __init__(self, text: str, mapper: Mapper, *, escaped: bool) -> None:
        self.text, self.escaped = text, escaped
        self.mapper: Mapper = asar_source.mapper_in(text, mapper)
        self.lines = text.count("\n") + (not text.endswith("\n"))
        self.placed = asar_source.has_place(text)
        self.place = _DEFAULT_PLACE.get(self.mapper, 0x008000)
        preface: list[str] = [] if self.mapper != mapper or mapper == "lorom" else [mapper]
        preface += [] if self.placed else [f"org ${self.place:06X}"]
        self.entry = "\n".join([*preface, f'incsrc "{SOURCE}"', ""]) if preface else ""

    def notes(self) -> list[Diagnostic]:
        """Return what was decided for the program."""
        notes: list[Diagnostic] = []
        if self.escaped:
            notes.append(
                note("newlines", "\\n was read as the end of a line", "send real line ends: escape the code once")
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
