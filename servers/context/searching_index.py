"""The text index of one context root: what is in it, what may be shown to whom, where its file lies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from servers.context.opened import Reach, View
from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.names import parse, show
from servers.machine.sensitivity import RULES, Rules, sensitivity_of
from servers.machine.text_index import TextIndex, Wants
from servers.machine.text_index_search import Wish

if TYPE_CHECKING:
    from pathlib import Path

    from servers.context.opened import Opened
    from servers.machine.beneath import Root
    from servers.machine.text_index import Refreshed, Told

__all__ = ["Searched", "Seen"]

_HISTORY = 0.5
"""What a passage of the record of runs counts, against one of a note."""
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


class Searched:
    """The index of a server's context root; it is opened by the first search."""

    def __init__(self, opened: Opened) -> None:
        """Remember the context; nothing is touched."""
        self._opened = opened
        self._settings = opened.settings
        self._lock = threading.Lock()
        self._index: TextIndex | None = None
        self._at: tuple[object, ...] = ()
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
        at = (seen.view.layout.version, self._settings.context_root)
        with self._lock:
            if self._index is None or at != self._at:
                if self._index is not None:
                    self._index.close()
                self._index, self._at = TextIndex(self._file(seen)), at
            return self._index

    def refresh(self, seen: Seen, told: Told | None = None) -> Refreshed:
        """Bring the index up to date. Raises ServerError."""

        def shown(path: bytes, head: bytes) -> bool:
            return seen.rules.indexable(path, head=head)

        wants = Wants(wanted=seen.indexed, enter=_entered, shown=shown, rules=seen.key)
        return self.index(seen).refresh(seen.view.root, place=self._settings.context_root, wants=wants, told=told)

    def wish(self, seen: Seen, path: str, reach: Reach) -> Wish:
        """Return where to search: a file or folder (empty: everywhere) in a reach. Raises ServerError."""
        under = self._under(seen, path, reach)
        return Wish(under=(under,) if under else (), allowed=partial(seen.in_reach, reach=reach), weigh=seen.weigh)

    def _under(self, seen: Seen, path: str, reach: Reach) -> bytes:
        """Return the real path to search under, once it is sure that it is there and may be seen."""
        try:
            kind = seen.view.root.state(path).kind
        except NotThereError as error:
            raise seen.view.missing(path) from error
        if kind not in ("file", "folder"):
            raise ServerError(f"{show(path)} is no regular file; name a folder or a text file")
        top = os.fsencode(self._settings.context_root)
        here = os.path.relpath(os.path.realpath(os.path.join(top, *parse(path))), os.path.realpath(top))
        under = b"" if here == b"." else here
        if under and not seen.in_reach(under + b"/.", reach):
            raise ServerError(f"{show(path)} belongs to another project; search it with scope all")
        return under

    def near(self, seen: Seen, question: str) -> Near:
        """Return the passages near to a question in meaning, where the user has chosen a model for that."""
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
        """Close the index."""
        with self._lock:
            if self._index is not None:
                self._index.close()
            self._index = None

    def _file(self, seen: Seen) -> Path:
        """Return where the index lies: in version 2 below `.afs/`; the data folder where that cannot be written."""
        settings = self._settings
        own = settings.context_root / ".afs"
        inside = settings.data_dir.is_relative_to(settings.context_root)  # the index is never in what it is made of
        if inside or (seen.view.layout.version == 2 and os.access(own, os.W_OK)):
            return own / "search" / "index.sqlite"
        name = hashlib.sha256(os.fsencode(os.path.realpath(settings.context_root))).hexdigest()[:16]
        return settings.data_dir / "search" / f"{name}.sqlite"


def _etag(root: Root, path: str) -> str:
    with contextlib.suppress(ServerError):
        return root.read(path, limit=0).etag
    return ""
