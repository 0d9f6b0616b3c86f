"""The text indexes of one context root and its mounts: what is in them, what may be shown to whom, where they lie."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from servers.context.mounts import MOUNTS, mount_at, mounts_of
from servers.context.opened import Reach, View
from servers.context.searching_places import Searchable, SearchPlaces
from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.real_path import real_path
from servers.machine.sensitivity import RULES, Rules, sensitivity_of
from servers.machine.text_index import TextIndex, Wants
from servers.machine.text_index_search import Wish
from servers.machine.wire import shorten

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.context.mounts import Mount
    from servers.context.opened import Opened
    from servers.machine.beneath import Place, Root

__all__ = ["Searched", "Seen"]

_HISTORY = 0.5
"""What a passage of the record of runs counts, against one of a note."""
_LONGEST_NOTE = 600
_DEAF_SECONDS = 60.0
"""How long a model that failed is not asked again."""


class Seen(NamedTuple):
    """The context as one search sees it: its view, and which files may be found."""

    view: View
    rules: Rules
    key: str
    """Changes when the rules do."""

    def in_reach(self, path: bytes, reach: Reach) -> bool:
        """Tell whether a file belongs to what was asked for: what lies in a project's folder is that project's."""
        if reach == "all":
            return True
        return not (self.view if reach == "project" else self.view._replace(project=None)).foreign(path)

    def indexed(self, path: bytes) -> bool:
        """Tell whether a file may be found: not the suite's own state, no secret, nothing that is never indexed."""
        return not path.startswith(b".afs/") and self.rules.indexable(path)

    def weigh(self, path: bytes) -> float:
        """Return what a file counts by its place: the record of runs less than what was written down."""
        return _HISTORY if path.startswith(b"history/") else 1.0


class Near(NamedTuple):
    """Passages near in meaning, and what is to be said of that."""

    passages: tuple[int, ...]
    note: str


def _entered(folder: bytes) -> bool:
    return folder != b".afs"


def _is_plain(folder: bytes) -> bool:
    """Tell whether a folder of a mount is gone into: none that is hidden, such as `.git`."""
    return not folder.rpartition(b"/")[2].startswith(b".")


class Searched:
    """The indexes of a server's context root and of what is mounted in it; each is opened by the first search."""

    def __init__(self, opened: Opened) -> None:
        """Remember the context; nothing is touched."""
        self._opened = opened
        self._settings = opened.settings
        self._lock = threading.Lock()
        self._indexes: dict[Path, TextIndex] = {}
        self._kept: set[Path] = set()
        self._deaf_until = 0.0

    def seen(self) -> Seen:
        """Return the context as it is now. Raises ServerError where it is not there or its rules cannot be read."""
        view = self._opened.view()
        rules = sensitivity_of(view.root)
        if rules.problems:
            raise ServerError(f"{rules.problems[0]}; nothing is searched until then, as it may be secret")
        return Seen(view, rules, repr([_etag(view.root, path) for path in (RULES, "afs.toml")]))

    def index(self, seen: Seen) -> TextIndex:
        """Return the index of the root; it is opened by its first use."""
        return self._index(self._file(seen))

    def _index(self, file: Path) -> TextIndex:
        with self._lock:
            if file not in self._indexes:
                self._indexes[file] = TextIndex(file)
            return self._indexes[file]

    @contextlib.contextmanager
    def places(self, seen: Seen, path: str, reach: Reach) -> Generator[SearchPlaces]:
        """Give what a search looks through: below a file or folder; everywhere, with all mounts, where it is empty.

        Raises ServerError: there is no such path, or it is another project's.
        """
        mounts = mounts_of(seen.view.root)
        self._drop(seen, mounts)
        chosen = [mount for mount in mounts if path.strip("/") == MOUNTS or path.startswith(f"{MOUNTS}/{mount.name}/")]
        chosen += [mount for mount in mounts if path == f"{MOUNTS}/{mount.name}"]
        found: list[Searchable] = []
        if not chosen:
            under = self._under(seen, path, reach)
            found, chosen = [self._context(seen, under, reach)], [] if under else list(mounts)
        notes: list[str] = []
        with contextlib.ExitStack() as open_ones:
            for mount in chosen:
                start = f"{MOUNTS}/{mount.name}/"
                inner = path if path.startswith(start) else start
                try:
                    place = mount_at(seen.view.root, inner, context=self._settings.context_root)
                    if place is not None:
                        open_ones.enter_context(place.root)
                        found.append(self._mounted(seen, mount, place))
                except ServerError as error:
                    if not found and len(chosen) == 1:
                        raise
                    notes.append(f"{start} is not searched: {error}")
            yield SearchPlaces(tuple(found), shorten("; ".join(notes), _LONGEST_NOTE))

    def _context(self, seen: Seen, under: bytes, reach: Reach) -> Searchable:
        """Return the context itself, below a real path."""

        def shown(path: bytes, head: bytes) -> bool:
            return seen.rules.indexable(path, head=head)

        view = seen.view
        wants = Wants(wanted=seen.indexed, enter=_entered, shown=shown, rules=seen.key)
        wish = Wish(under=(under,) if under else (), allowed=partial(seen.in_reach, reach=reach), weigh=seen.weigh)
        return Searchable("", view.root, view.place, self.index(seen), wants, wish)

    def _mounted(self, seen: Seen, mount: Mount, place: Place) -> Searchable:
        """Return a mount, below a path in it. Raises ServerError where there is no such path."""
        start = f"{MOUNTS}/{mount.name}/"

        def shown(path: bytes, head: bytes) -> bool:
            return seen.rules.indexable(start.encode() + path, head=head)

        def wanted(path: bytes) -> bool:
            return seen.rules.indexable(start.encode() + path)

        try:
            _kind_of(place.root, place.path, shown=start + place.path)
        except NotThereError as error:
            raise seen.view.missing(start + place.path) from error
        under = real_path(place.root, Path(mount.path), place.path)
        wants = Wants(wanted=wanted, enter=_is_plain, shown=shown, rules=seen.key + start)
        index = self._index(self._mount_file(seen, mount))
        return Searchable(start, place.root, Path(mount.path), index, wants, Wish(under=(under,) if under else ()))

    def _drop(self, seen: Seen, mounts: tuple[Mount, ...]) -> None:
        """Close and remove the indexes of what is mounted no more."""
        own = self._file(seen)
        kept = {own, *(self._mount_file(seen, mount) for mount in mounts)}
        if kept == self._kept:
            return
        self._kept = kept
        with self._lock:
            for file in [file for file in self._indexes if file not in kept]:
                self._indexes.pop(file).close()
        for file in own.parent.glob(f"{own.stem}-*.sqlite*"):
            if not any(file.name.startswith(one.name) for one in kept):
                with contextlib.suppress(OSError):
                    file.unlink()

    def _under(self, seen: Seen, path: str, reach: Reach) -> bytes:
        """Return the real path to search under, once it is sure that it is there and may be seen; short ones too."""
        for spelled in seen.view.spellings(path):
            with contextlib.suppress(NotThereError):
                _kind_of(seen.view.root, spelled, shown=path)
                under = real_path(seen.view.root, seen.view.place, spelled)
                if under and not seen.in_reach(under + b"/.", reach):
                    raise ServerError(f"{show(path)} belongs to another project; search it with scope all")
                return under
        raise seen.view.missing(path)

    def near(self, seen: Seen, question: str) -> Near:
        """Return the passages of the context near to a question in meaning, where the user has chosen a model."""
        from servers.machine.embed import embedder

        model = self._settings.embed_model
        if not model:
            return Near((), "")
        if time.monotonic() < self._deaf_until:
            return Near((), f"searched by words alone: {model} failed a moment ago")
        try:
            found = self.index(seen).near(question, embedder(model, seconds=15.0), model=model)
        except ServerError as error:
            self._deaf_until = time.monotonic() + _DEAF_SECONDS
            return Near((), f"searched by words alone: {error}")
        some = "" if found.known >= found.all else f"meaning is known of {found.known} of {found.all} passages so far"
        return Near(found.passages, some)

    def close(self) -> None:
        """Close the indexes."""
        with self._lock:
            for index in self._indexes.values():
                index.close()
            self._indexes = {}

    def _file(self, seen: Seen) -> Path:
        """Return where the index lies: in version 2 below `.afs/`; the data folder where that cannot be written."""
        settings = self._settings
        own = settings.context_root / ".afs"
        inside = settings.data_dir.is_relative_to(settings.context_root)  # the index is never in what it is made of
        if inside or (seen.view.layout.version == 2 and os.access(own, os.W_OK)):
            return own / "search" / "index.sqlite"
        name = hashlib.sha256(os.fsencode(os.path.realpath(settings.context_root))).hexdigest()[:16]
        return settings.data_dir / "search" / f"{name}.sqlite"

    def _mount_file(self, seen: Seen, mount: Mount) -> Path:
        """Return where the index of a mount lies: beside that of the context, which no context shares."""
        own = self._file(seen)
        name = hashlib.sha256(f"{mount.name}/{mount.path}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return own.with_name(f"{own.stem}-{name}.sqlite")


def _kind_of(root: Root, path: str, *, shown: str) -> None:
    """Raise ServerError where a path is neither a file nor a folder; NotThereError where it is nothing."""
    if root.state(path).kind not in ("file", "folder"):
        raise ServerError(f"{show(shown)} is no regular file; name a folder or a text file")


def _etag(root: Root, path: str) -> str:
    with contextlib.suppress(ServerError):
        return root.read(path, limit=0).etag
    return ""
