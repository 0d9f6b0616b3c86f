"""The private folder that asar works in: made for one program, filled, read back, removed."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from servers.machine.asar_program import SOURCE, Program

__all__ = ["ROM", "SYMBOLS", "Place", "put", "taken", "workspace"]

ENTRY, ROM, SYMBOLS = ".afs.asm", ".afs.sfc", ".afs.sym"


class Place(NamedTuple):
    """The folder that asar works in, and the program itself as it is in reach there."""

    folder: Path
    program: Path


@contextmanager
def workspace(program: Path) -> Generator[Place, None, None]:
    """Make a private folder for one run, with the program in reach.

    As root the sandbox runs as nobody, who may not enter the folder where the program lies (below /root): a
    link or a copy lies beside the workspace then, where the program can't change it.
    """
    root = Path(tempfile.mkdtemp(prefix="afs-asar-"))
    try:
        folder = root / "work"
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            root.chmod(0o711)
            copy = root / "asar"
            _link_or_copy(program.resolve(), copy)
            program = copy
        yield Place(folder, program)
    finally:
        _remove(root)


def _remove(root: Path) -> None:
    """Delete the folder: by name what a program of one file leaves, and whatever else there is by walking it."""
    try:
        for name in (f"work/{SOURCE}", f"work/{ENTRY}", f"work/{ROM}", f"work/{SYMBOLS}", "asar"):
            (root / name).unlink(missing_ok=True)
        (root / "work").rmdir()
        root.rmdir()
    except OSError:
        shutil.rmtree(root, ignore_errors=True)


def _link_or_copy(program: Path, target: Path) -> None:
    if program.stat().st_mode & 0o005 == 0o005:
        with contextlib.suppress(OSError):
            os.link(program, target)
            return
    shutil.copyfile(program, target)
    target.chmod(0o755)


def put(place: Place, program: Program, rom: bytes) -> str:
    """Lay a program's files and the ROM out (empty: none); return the name that asar is started with."""
    for name in (ROM, SYMBOLS):
        (place.folder / name).unlink(missing_ok=True)
    for name, data in {**program.files, program.name: program.text.encode("utf-8")}.items():
        path = place.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if program.entry:
        (place.folder / ENTRY).write_text(program.entry, encoding="utf-8")
    if rom:
        (place.folder / ROM).write_bytes(rom)
    return ENTRY if program.entry else program.name


def taken(place: Place, name: str, *, limit: int) -> bytes:
    """Read a file that asar made: a regular one, at most `limit` bytes; nothing where there is none."""
    try:
        descriptor = os.open(place.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return file.read(limit)
