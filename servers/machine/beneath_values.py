"""What the way to files gives back: kinds, ranges, states and listings, and its two errors with a name."""

import stat
from collections.abc import Mapping
from typing import Literal, NamedTuple

from servers.machine.errors import ServerError

__all__ = [
    "KINDS",
    "Chunk",
    "Entry",
    "Kind",
    "Listing",
    "NotThereError",
    "Seen",
    "State",
    "TakenError",
    "Written",
    "kind_of",
]

Kind = Literal["file", "folder", "link", "other"]
"""What a name in a folder is; `other` is a FIFO, a socket or a device."""

KINDS: Mapping[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
"""The kind of a format in a mode; any other is `other`."""


class NotThereError(ServerError):
    """The path names nothing; the server adds which of its tools lists what is there."""


class TakenError(ServerError):
    """A new name was asked for, and the path names something that is there."""


class Chunk(NamedTuple):
    """A range of bytes of a file, with the size (bytes) and the etag of the whole."""

    data: bytes
    size: int
    etag: str


class Written(NamedTuple):
    """What a write did: the real path below the root, the size (bytes), the etag (empty for a folder)."""

    path: str
    size: int
    etag: str
    existed: bool


class State(NamedTuple):
    """What a path names: its kind, size (bytes), time of change (nanoseconds since 1970) and mode bits."""

    kind: Kind
    size: int
    modified_ns: int
    mode: int


class Entry(NamedTuple):
    """One name below the root: its path (escaped, see `names.escape`), its kind and its size in bytes."""

    path: str
    kind: Kind
    size: int


class Listing(NamedTuple):
    """Entries, folder by folder, in order of names; not `complete` when something could not be listed."""

    entries: tuple[Entry, ...]
    complete: bool


class Seen(NamedTuple):
    """One name that a walk met: its path below the root as bytes, its kind, size (bytes) and time of change.

    `device` and `inode` tell two names of one file. A walk that does not measure leaves all four numbers 0.
    """

    path: bytes
    kind: Kind
    size: int
    modified_ns: int
    device: int
    inode: int


def kind_of(mode: int) -> Kind:
    """Return the kind that the mode of a `stat` tells."""
    return KINDS.get(stat.S_IFMT(mode), "other")
