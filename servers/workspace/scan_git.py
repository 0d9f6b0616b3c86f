"""What a `.git` folder tells without running git: remote, branch, last commit, what is not committed or not pushed.

Git itself would run what the folder's configuration says; here its files are only read, beneath the root.
"""

from __future__ import annotations

import contextlib
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape
from servers.machine.wire import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.machine.beneath import Root

__all__ = ["GitState", "git_state"]

_CONFIG_LIMIT = 100_000
_INDEX_LIMIT = 64_000_000
_PACKED_LIMIT = 4_000_000
_LOG_TAIL = 4_000
_SECTION = re.compile(r'^\s*\[\s*remote\s+"([^"\n]{1,100})"\s*\]', re.MULTILINE)
_URL = re.compile(r"^\s*url\s*=\s*(\S{1,500})", re.MULTILINE)
_SECRET = re.compile(r"(?<=://)[^/@\s]+@")
_WHEN = re.compile(rb"> (\d{1,12}) [+-]\d{4}\t")
_ENTRY = struct.Struct(">10L20sH")
_SHA = 20


class GitState(NamedTuple):
    """What is known of a working tree; empty and -1 where nothing is.

    `committed` is the last commit or checkout here (seconds since 1970), `uncommitted` how many files have another
    size than the committed ones or are gone, `unpushed` is 1 where the branch differs from its remote one.
    """

    remote: str = ""
    branch: str = ""
    committed: int = 0
    uncommitted: int = -1
    unpushed: int = -1


def git_state(root: Root, folder: bytes, sizes: Mapping[bytes, int]) -> GitState:
    """Read the `.git` of a folder; `sizes` has the path of each file in the folder, below it, and its bytes."""
    git = folder + b"/.git/" if folder else b".git/"
    config = _text(root, git + b"config", _CONFIG_LIMIT).decode("utf-8", "replace")
    head = _text(root, git + b"HEAD", 1_000).decode("utf-8", "replace").strip()
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    remote = _remote(config)
    return GitState(
        remote=clean(remote),
        branch=clean(branch)[:200],
        committed=_last_commit(root, git),
        uncommitted=_uncommitted(_text(root, git + b"index", _INDEX_LIMIT), sizes),
        unpushed=_unpushed(root, git, branch, head) if remote else -1,
    )


def _text(root: Root, path: bytes, limit: int) -> bytes:
    with contextlib.suppress(ServerError):
        return root.read(escape(path), limit=limit, tagged=False).data
    return b""


def _remote(config: str) -> str:
    """Return the address of `origin`, else of the first remote, without a password."""
    found: dict[str, str] = {}
    for section in _SECTION.finditer(config):
        body = config[section.end() :].partition("\n[")[0]
        line = _URL.search(body)
        if line:
            found.setdefault(section.group(1), line.group(1))
    url = found.get("origin") or next(iter(found.values()), "")
    return _SECRET.sub("", url)


def _last_commit(root: Root, git: bytes) -> int:
    path = escape(git + b"logs/HEAD")
    with contextlib.suppress(ServerError):
        size = root.state(path).size
        tail = root.read(path, limit=_LOG_TAIL, offset=max(0, size - _LOG_TAIL), tagged=False).data
        whens = _WHEN.findall(tail)
        return int(whens[-1]) if whens else 0
    return 0


def _unpushed(root: Root, git: bytes, branch: str, head: str) -> int:
    """Compare the branch with its copy of the remote; -1 where one of them is not known."""
    if not branch:
        return 0 if head else -1
    packed = _packed(_text(root, git + b"packed-refs", _PACKED_LIMIT))
    name = branch.encode("utf-8", "replace")
    mine = _ref(root, git, b"refs/heads/" + name, packed)
    theirs = _ref(root, git, b"refs/remotes/origin/" + name, packed)
    if not mine:
        return -1
    return int(mine != theirs)


def _ref(root: Root, git: bytes, name: bytes, packed: Mapping[bytes, bytes]) -> bytes:
    return _text(root, git + name, 200).strip() or packed.get(name, b"")


def _packed(text: bytes) -> dict[bytes, bytes]:
    lines = (line.split(b" ", 1) for line in text.splitlines() if line[:1] not in (b"#", b"^"))
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2}


def _uncommitted(index: bytes, sizes: Mapping[bytes, int]) -> int:
    """Count the files of an index that are gone or have another size; -1 where the index is not to be read."""
    if index[:4] != b"DIRC" or int.from_bytes(index[4:8], "big") not in (2, 3, 4):
        return -1
    try:
        return sum(1 for path, size in _entries(index) if sizes.get(path) != size)
    except (struct.error, ValueError):
        return -1


def _entries(index: bytes) -> Iterator[tuple[bytes, int]]:
    """Give the path and the size of each file of an index; not of links, submodules and what is left out here."""
    version, count = struct.unpack_from(">LL", index, 4)
    at, last = 12, b""
    for _ in range(count):
        fields = _ENTRY.unpack_from(index, at)
        mode, size, flags = fields[6], fields[9], fields[11]
        start = at + _ENTRY.size + (2 if flags & 0x4000 else 0)
        skipped = bool(flags & 0x4000) and bool(index[at + _ENTRY.size] & 0x40)
        end = index.index(b"\0", start)
        if version == 4:
            dropped, start = _offset(index, start)
            end = index.index(b"\0", start)
            last = last[: len(last) - dropped] + index[start:end]
            at = end + 1
        else:
            last = index[start:end]
            at += (end - at + 8) & ~7
        if mode >> 12 == 0b1000 and not skipped and not flags & 0x3000:
            yield last, size


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """Return a number as version 4 of an index writes it, and the place behind it."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1
