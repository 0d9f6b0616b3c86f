"""A program with the libraries that it needs, found once, so that it can be started where nothing else can be read.

A sandbox that shows a program the system's libraries shows them also to what the program is told to read. So the
program, its loader and just these libraries lie in a folder whose name nobody can guess, and the loader is named there.
The facts about ELF are those of `elf.h`: 64 bits, low byte first.
"""

import re
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

from servers.machine.errors import ServerError

__all__ = ["Linked", "link_of", "loader_of", "put_together", "start_by"]

_PT_INTERP = 3
_MOST_HEADERS = 64
_LIBRARY = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)
_LOADER = "loader"


class Linked(NamedTuple):
    """A program and what it is loaded with. Without a loader it needs no libraries."""

    program: Path
    loader: Path | None = None
    libraries: tuple[tuple[str, Path], ...] = ()
    """Each library by the name that the loader looks for."""

    def inside(self, folder: str) -> dict[str, Path]:
        """Return the files that the start needs, by the paths that they have in a folder."""
        files = {f"{folder}/{name}": path for name, path in self.libraries}
        files |= {f"{folder}/{_LOADER}": self.loader} if self.loader else {}
        return files | {f"{folder}/{self.program.name}": self.program}


def start_by(linked: Linked, folder: str) -> list[str]:
    """Return the first words of the command that starts a program out of the folder."""
    program = f"{folder}/{linked.program.name}"
    if linked.loader is None:
        return [program]
    return [f"{folder}/{_LOADER}", "--library-path", folder, program]


def put_together(programs: list[Linked], folder: Path) -> None:
    """Copy programs, loader and libraries into a folder, which others than its owner can enter but not list."""
    folder.mkdir(mode=0o711)
    for place, source in {name: path for one in programs for name, path in one.inside(str(folder)).items()}.items():
        shutil.copyfile(source, place)
        Path(place).chmod(0o755)


def loader_of(program: Path) -> Path | None:
    """Return the loader that a program names; None when it needs none. Raises ServerError, OSError."""
    with open(program, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            raise ServerError(f"{program} is no program of this system; set AFS_ASAR to an asar for Linux")
        place, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        file.seek(place)
        table = file.read(size * min(count, _MOST_HEADERS))
        for start in range(0, len(table) - 55, max(size, 56)):
            kind, offset = struct.unpack_from("<I4xQ", table, start)
            if kind == _PT_INTERP:
                file.seek(offset)
                return Path(file.read(4096).partition(b"\0")[0].decode("utf-8", "surrogateescape"))
    return None


def link_of(program: Path, loader: Path | None, said: str) -> Linked:
    """Read what the loader says of a program (`loader --list program`). Raises ServerError: a library is missing."""
    missing = _MISSING.findall(said)
    if missing:
        raise ServerError(f"{program} needs {', '.join(missing)}, which this system lacks; install it, or set AFS_ASAR")
    libraries = {name: Path(path) for name, path in _LIBRARY.findall(said) if name and name.startswith("lib")}
    return Linked(program, loader, tuple(sorted(libraries.items())))
