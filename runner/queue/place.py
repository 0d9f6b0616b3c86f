"""Where the queue lies: a private folder below the data folder, with its database, its lock and its socket."""

import contextlib
import os
import stat
import sys
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from runner.errors import ConfigError
from servers.settings import Settings

__all__ = ["HERE", "Place", "address", "place_of", "prepare"]

HERE = sys.platform != "win32"
"""Whether there is a queue on this system: it speaks over a Unix socket alone."""

_LONGEST = 100
"""Bytes of a socket's name that every system takes (Linux 107, macOS 103)."""


class Place(NamedTuple):
    """The files of a queue."""

    folder: Path

    @property
    def database(self) -> Path:
        """The jobs."""
        return self.folder / "queue.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the server, and by each of its workers as long as that lives."""
        return self.folder / "lock"

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.folder / "socket"


def place_of(settings: Settings) -> Place:
    """Return the place of the queue of a data folder; nothing is made."""
    return Place(settings.data_dir / "queue")


def prepare(place: Place) -> None:
    """Make the folder, for this user alone.

    Raises:
        ConfigError: it cannot be made, is another user's, or there are no such sockets here.
    """
    if not HERE:
        raise ConfigError("the queue needs Unix sockets, which this system lacks; use afs-run without it")
    step = "choose another data folder with AFS_DATA_DIR"
    try:
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = place.folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid():
            raise ConfigError(f"{place.folder} is not a folder of this user; {step}")
        if stat.S_IMODE(state.st_mode) != 0o700:
            place.folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"the queue cannot be kept in {place.folder} ({error.strerror}); {step}") from error


@contextlib.contextmanager
def address(place: Place) -> Generator[str]:
    """Give a name of the socket that is short enough for the system.

    Raises:
        ConfigError: there is none.
        OSError: the folder is not there.
    """
    if len(os.fsencode(place.socket)) <= _LONGEST:
        yield str(place.socket)
        return
    if sys.platform != "linux":
        raise ConfigError(f"{place.socket} is too long for a socket's name; set AFS_DATA_DIR to a shorter folder")
    folder = os.open(place.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{place.socket.name}"
    finally:
        os.close(folder)
