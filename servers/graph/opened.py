"""The graphs behind the server: the user's own, the atlas of the game, an index of code; opened when asked for."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from servers.machine.errors import ServerError
from servers.machine.symbol_file import OwnSymbols
from servers.machine.work import told

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from knowledge.code_graph.index import CodeIndex
    from knowledge.code_graph.links_view import LinksView
    from knowledge.graph import Graph
    from knowledge.graph_view import GraphView, Node
    from knowledge.layers import Layers
    from knowledge.personal import Personal
    from servers.settings import Settings

__all__ = ["NO_CODE", "Opened", "open_code", "telling"]

NO_CODE = "no code is indexed yet; call index_code with a folder of the project, or run `afs graph index FOLDER`"


@contextlib.contextmanager
def telling() -> Generator[None]:
    """Tell what a graph or an index cannot do as it is: the text names the next step."""
    from knowledge.code_graph.types import CodeError
    from knowledge.graph_view import GraphError

    with told(GraphError, CodeError):
        yield


def open_code(path: Path) -> CodeIndex:
    """Open an index of source code whose addresses lead to the facts about them."""
    from knowledge.alttp.conventions import ref_of
    from knowledge.code_graph.index import CodeIndex

    return CodeIndex(path, name_of=ref_of)


class Opened:
    """The graphs of one server; each is opened by the first call that needs it.

    The user's graph may be used by several threads at once; all that reads the index of code goes through `reading`.
    """

    def __init__(self, settings: Settings) -> None:
        """Name the files; none is touched."""
        self.settings = settings
        self.own_symbols = OwnSymbols(settings.project_root, settings.symbols)
        self._lock = threading.RLock()
        self._graph: Graph | None = None
        self._code: CodeIndex | None = None
        self._links: LinksView | None = None
        self._layers: Layers | None = None
        self._seen: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        """The user's own graph, whose edges may lead into the atlas and the code."""
        from knowledge.graph import Graph

        with self._lock:
            if self._graph is None:
                self._graph = Graph(self.settings.graph_file, below=self._below)
            return self._graph

    @property
    def personal(self) -> Personal:
        """What the user's graph knows of the user."""
        from knowledge.personal import Personal

        return Personal(self.graph)

    @contextlib.contextmanager
    def reading(self) -> Generator[Layers]:
        """Give all graphs laid over each other, to one thread at a time; raises ServerError for their errors."""
        from knowledge.layers import Layers

        with self._lock, telling():
            views = (self.graph, *self.below())
            names = tuple(view.layer for view in views)
            if self._layers is None or names != self._seen:
                self._layers, self._seen = Layers(views), names
            yield self._layers

    @contextlib.contextmanager
    def code(self) -> Generator[CodeIndex]:
        """Give the index of source code to one thread at a time; raises ServerError for its errors."""
        with self._lock, telling():
            if self._code is None:
                if not self.settings.code_file.exists():
                    raise ServerError(NO_CODE)
                self._code = open_code(self.settings.code_file)
            yield self._code

    def below(self) -> tuple[GraphView, ...]:
        """Return the graphs under the user's own: the atlas, then each codebase. Only within `reading` or `code`."""
        from knowledge.alttp.atlas import atlas

        if self._code is None and not self.settings.code_file.exists():
            return (atlas(),)
        with self.code() as index:
            views = index.views()
            return (atlas(), *views, *((self._linked(index),) if len(views) > 1 else ()))

    def codebases(self) -> tuple[GraphView, ...]:
        """Return the indexed codebases alone. Only within `reading` or `code`."""
        return tuple(view for view in self.below() if view.layer not in ("atlas", "links"))

    def _linked(self, index: CodeIndex) -> LinksView:
        """Return the links between the codebases as a graph; it keeps what it found."""
        from knowledge.alttp.conventions import label_refs
        from knowledge.code_graph.links_view import LinksView

        if self._links is None:
            self._links = LinksView(index, aliases=label_refs())
        return self._links

    def close(self) -> None:
        """Close the files; what their journals hold is written back, so that each is one file again."""
        with self._lock:
            if self._code is not None:
                self._code.close()
            if self._graph is not None:
                self._graph.close()
            self._code = self._graph = self._layers = self._links = None

    def _below(self, text: str) -> Node | None:
        with self._lock:
            for view in self.below():
                name = view.resolve(text)
                if name:
                    return view.node(name)
        return None
