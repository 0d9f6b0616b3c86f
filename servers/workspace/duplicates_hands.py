"""Those who hash files: this process, or some of its own that end with it; many small files need more than one core."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from servers.workspace.duplicates_reading import Hashes, Wanted, full_of, head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servers.machine.beneath import Root

__all__ = ["ChildHand", "Hand", "main"]

_PROGRAM = "from servers.workspace.duplicates_hands import main; main()"


class Hand:
    """Hashes files in this process; `heads` of them, else all of each."""

    def __init__(self, root: Root, stop: Callable[[], bool]) -> None:
        """Hash below a root; `stop` ends a long file."""
        self._root, self._stop = root, stop

    def hash(self, files: Sequence[Wanted], *, heads: bool) -> list[Hashes]:
        """Return the hashes of files, in their order."""
        if heads:
            return [head_of(self._root, file) for file in files]
        return [Hashes(None, None) if self._stop() else full_of(self._root, file, self._stop) for file in files]

    def close(self) -> None:
        """End."""


class ChildHand(Hand):
    """Hashes files in a process of its own, which ends when this one does; here when that process fails."""

    def __init__(self, root: Root, stop: Callable[[], bool], path: Path) -> None:
        """Start the process; `path` is the root's."""
        super().__init__(root, stop)
        command = [sys.executable, "-I", "-c", _PROGRAM, str(path)]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def hash(self, files: Sequence[Wanted], *, heads: bool) -> list[Hashes]:
        """Return the hashes of files, in their order."""
        try:
            given, taken = self._child.stdin, self._child.stdout
            if given and taken:
                _send(given, (heads, [tuple(file) for file in files]))
                answer = _received(taken)
                if answer is not None and len(answer) == len(files):
                    return [Hashes(*pair) for pair in answer]
        except (OSError, ValueError, EOFError, TypeError):
            self._child.kill()
        return super().hash(files, heads=heads)

    def close(self) -> None:
        """End the process, in the middle of a file too."""
        self._child.kill()
        self._child.communicate()


def _send(to: IO[bytes], value: tuple[bool, list[tuple[Any, ...]]] | list[tuple[Any, ...]]) -> None:
    data = marshal.dumps(value)
    to.write(len(data).to_bytes(4, "big") + data)
    to.flush()


def _received(source: IO[bytes]) -> list[tuple[bytes | None, bytes | None]] | None:
    size = source.read(4)
    return marshal.loads(source.read(int.from_bytes(size, "big"))) if len(size) == 4 else None


def main() -> None:
    """Hash what is asked for on standard input until it ends; the argument is the path of the root."""
    from servers.machine.beneath import Root

    source, to = sys.stdin.buffer, sys.stdout.buffer
    with Root(Path(sys.argv[1])) as root:
        hand = Hand(root, lambda: False)
        while len(size := source.read(4)) == 4:
            heads, rows = marshal.loads(source.read(int.from_bytes(size, "big")))
            found = hand.hash([Wanted(*row) for row in rows], heads=heads)
            _send(to, [tuple(pair) for pair in found])
