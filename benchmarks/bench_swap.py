"""Reads below a root while another process swaps a folder in it for a link to the outside: `Root` and the usual way.

The usual way is to resolve a path, to look whether the result is below the root and then to open it. What it reads
of the outside is counted to show that the attack works; the same number for `Root` has to be 0.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from benchmarks.ratio import Ratio
from servers.machine.beneath import Root
from servers.machine.errors import ServerError

__all__ = ["ATTACKS", "BOUND", "SECRET", "Place", "Tries", "attacked", "measure", "place_in", "resolved"]

BOUND = 1.0
TRIES = 100_000
SECRET = b"SECRET of the outside"
_INSIDE = b"inside"
_BLOCK = 1_000

_EXCHANGE = """
import ctypes, os, sys
folder, link = map(os.fsencode, sys.argv[1:3])
exchange = getattr(ctypes.CDLL(None), "renameat2", None)
os.write(1, b"go" if exchange else b"no")
while exchange and os.getppid() == int(sys.argv[4]):
    exchange(-100, folder, -100, link, 2)  # AT_FDCWD, RENAME_EXCHANGE
"""
_FLIP = """
import os, sys
folder, real, outside = sys.argv[1:4]
new = folder + ".new"
os.rename(folder, real)
os.symlink(outside, folder)
os.write(1, b"go")
while os.getppid() == int(sys.argv[4]):
    for target in (os.path.basename(real), outside):
        os.symlink(target, new)
        os.rename(new, folder)
"""
ATTACKS = {"exchange": _EXCHANGE, "flip": _FLIP}
"""What swaps a folder and a link: at once, or the target of a link all the time."""


class Place(NamedTuple):
    """A root with a folder `d` in it, which holds `mine`, and a folder outside, which holds `secret`."""

    root: Path
    outside: Path


class Tries(NamedTuple):
    """How many reads got the file inside, the one outside, and none; and the milliseconds of one."""

    inside: int
    leaked: int
    refused: int
    each_ms: float


def place_in(folder: Path) -> Place:
    """Make the root and the outside in a folder; both hold a file `either`."""
    root, outside = folder / "root", folder / "outside"
    (root / "d").mkdir(parents=True)
    outside.mkdir()
    (root / "d" / "either").write_bytes(_INSIDE)
    (root / "d" / "mine").write_bytes(_INSIDE)
    (outside / "either").write_bytes(SECRET)
    (outside / "secret").write_bytes(SECRET)
    return Place(root, outside)


@contextlib.contextmanager
def attacked(place: Place, attack: str) -> Generator[None]:
    """Swap `d` below the root all the time while the context lasts.

    Raises:
        RuntimeError: this system cannot do it.
    """
    folder, other = place.root / "d", place.root / "other"
    if attack == "exchange":
        other.symlink_to(place.outside)
    command = [sys.executable, "-c", ATTACKS[attack], str(folder), str(other), str(place.outside), str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as swapper:
        try:
            if swapper.stdout is None or swapper.stdout.read(2) != b"go":
                raise RuntimeError("this C library has no renameat2 to swap two names at once")
            yield
        finally:
            swapper.kill()


def resolved(root: Path) -> bytes:
    """Read `d/either` the usual way. Raises PermissionError where it resolves to the outside."""
    path = (root / "d" / "either").resolve()
    if not path.is_relative_to(root):
        raise PermissionError(str(path))
    return path.read_bytes()


def _tried(read: Callable[[], bytes]) -> Tries:
    inside = leaked = refused = 0
    start = time.perf_counter()
    for _ in range(_BLOCK):
        try:
            data = read()
        except (ServerError, OSError):
            refused += 1
        else:
            inside += data == _INSIDE
            leaked += data == SECRET
    return Tries(inside, leaked, refused, (time.perf_counter() - start) * 1000 / _BLOCK)


def _sum(blocks: list[Tries]) -> Tries:
    return Tries(
        sum(block.inside for block in blocks),
        sum(block.leaked for block in blocks),
        sum(block.refused for block in blocks),
        sum(block.each_ms for block in blocks) / len(blocks),
    )


def measure(*, tries: int = TRIES) -> list[Ratio]:
    """Read in turns, blocks of 1,000 each way, under each attack; takes about ten seconds.

    Raises:
        RuntimeError: a read of `Root` got something of the outside.
    """
    return [_measured(attack, tries) for attack in ATTACKS]


def _measured(attack: str, tries: int) -> Ratio:
    with tempfile.TemporaryDirectory() as folder:
        place = place_in(Path(folder).resolve())
        ours: list[Tries] = []
        usual: list[Tries] = []
        with attacked(place, attack), Root(place.root) as root:
            for _ in range(tries // _BLOCK):
                ours.append(_tried(lambda: root.read("d/either", limit=100).data))
                usual.append(_tried(lambda: resolved(place.root)))
    return _ratio(attack, _sum(ours), _sum(usual), tries=tries)


def _ratio(attack: str, ours: Tries, usual: Tries, *, tries: int) -> Ratio:
    if ours.leaked:
        raise RuntimeError(f"{attack}: {ours.leaked} of {tries} reads below the root got the file outside")
    met = f"{ours.inside} inside, {ours.refused} refused, 0 of {tries} outside"
    told = f"resolve, compare, open: {usual.leaked} of {tries} reads leaked; ours: {met}"
    return Ratio(
        name=f"read while swapped by {attack}", ours_ms=ours.each_ms, plain_ms=usual.each_ms, bound=BOUND, plain=told
    )
