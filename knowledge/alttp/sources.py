"""The sources of the facts: a short name for each in the tables, and the repository that it stands for."""

from typing import Literal

__all__ = ["FAMILY", "REPOSITORY", "SHORT", "UNTRUSTED", "Version", "independent", "versions"]

Version = Literal["US 1.0", "JP 1.0"]

REPOSITORY: dict[str, str] = {
    "jpdasm": "spannerisms/jpdasm",
    "usdasm": "spannerisms/usdasm",
    "zelda3": "snesrev/zelda3",
    "asar-us": "JaredBrian/AsarUSALTTPDisassembly",
    "mon": "walkingeyerobot/alttp-disassembly",
    "z3randomizer": "KatDevsGames/z3randomizer",
    "oracle": "scawful/Oracle-of-Secrets",
    "zscream": "Zarby89/ZScreamDungeon",
    "bsnes": "bsnes-emu/bsnes",
    "libsfx": "Optiroc/libSFX",
    "untech": "undisbeliever/untech-engine",
}
"""Short name to GitHub repository. Commits and licences are in SOURCES.md."""

SHORT: dict[str, str] = {repository: short for short, repository in REPOSITORY.items()}
"""GitHub repository to short name."""

UNTRUSTED = frozenset({"scawful/yaze"})
"""Repositories that the raw tables quote and that are no source here: they contradict the disassemblies."""

_US = frozenset({"usdasm", "zelda3", "asar-us", "mon", "zscream"})
_JP = frozenset({"jpdasm", "z3randomizer"})


def versions(sources: tuple[str, ...]) -> tuple[Version, ...]:
    """Return the ROM versions that the sources (short names) describe; `oracle` alone proves none."""
    out: list[Version] = []
    if _US.intersection(sources):
        out.append("US 1.0")
    if _JP.intersection(sources):
        out.append("JP 1.0")
    return tuple(out)


FAMILY: dict[str, str] = {
    "usdasm": "jpdasm",
    "z3randomizer": "jpdasm",
    "oracle": "jpdasm",
    "zscream": "jpdasm",
    "asar-us": "mon",
}
"""Source to the source that it builds on: the two share an author, cite each other or have the same lists."""


def independent(sources: tuple[str, ...]) -> int:
    """Return how many of the sources (short names) do not build on each other."""
    return len({FAMILY.get(source, source) for source in sources})
