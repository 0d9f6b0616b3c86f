"""What is to be read rather than called: each node, what is known of the user; and prompts to begin with."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceError

from servers.graph.results import edge_of, node_of
from servers.machine.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Generator

    from knowledge.layers import Layers
    from servers.graph.opened import Opened
    from servers.machine.face import Face

__all__ = ["offer_references"]

_MARKDOWN = "text/markdown"
_MOST_EDGES = 200
_LONGEST = 38_000


@contextlib.contextmanager
def _reading(opened: Opened) -> Generator[Layers]:
    """Give the graphs; what they cannot do is an error of the resource."""
    try:
        with opened.reading() as layers:
            yield layers
    except ServerError as error:
        raise ResourceError(str(error)) from error


def _node(opened: Opened, name: str) -> str:
    from servers.machine.wire import shorten

    with _reading(opened) as layers:
        found = layers.resolve(name)
        node = layers.node(found) if found else None
        edges = layers.edges(found) if node else ()
    if node is None:
        raise ResourceError(f"no node is named {name[:80]!r}; query_graph finds one by its words")
    lines = [node_of(node).as_text(), "", *(edge_of(edge).as_text() for edge in edges[:_MOST_EDGES])]
    if len(edges) > _MOST_EDGES:
        lines.append(f"{len(edges) - _MOST_EDGES} more edges: the tool neighbours shows them")
    return shorten("\n".join(lines), _LONGEST)


def _summary(opened: Opened) -> str:
    with _reading(opened):
        views = (opened.graph, *opened.below())
        rows = [f"| {view.layer} | {nodes} | {edges} |" for view in views for nodes, edges in (view.count(),)]
        kinds = [f"- {kind}: {count}" for kind, count in opened.graph.kinds().items()]
        rules = [f"- {rule.as_text()}" for rule in opened.graph.constraints()]
    own = ["", "Your nodes by kind:", *kinds] if kinds else []
    held = ["", "Rules that writes are held to:", *rules] if rules else []
    return "\n".join(["| layer | nodes | edges |", "|---|---|---|", *rows, *own, *held])


def offer_references(face: Face, opened: Opened) -> None:
    """Offer the resources and the prompts."""
    _offer_resources(face, opened)
    _offer_prompts(face)


def _offer_resources(face: Face, opened: Opened) -> None:
    @face.resource("graph://layers", title="The graphs and their size", mime_type=_MARKDOWN)
    def layers() -> str:
        """Say which graphs there are, how large they are, and the rules of the user's own."""
        return _summary(opened)

    @face.resource("graph://personal", title="What is known of the user", mime_type=_MARKDOWN)
    def personal() -> str:
        """Show the user's facts, preferences and style rules."""
        with _reading(opened):
            told = "".join(opened.personal.export("markdown"))
        return told or "Nothing is known of the user yet: call add_fact."

    @face.resource("graph://node/{name}", title="A node", mime_type=_MARKDOWN)
    def node(name: str) -> str:
        """Tell all about one node, with its edges: ram:7E0010, or a name of your own."""
        return _node(opened, name)


def _offer_prompts(face: Face) -> None:
    @face.prompt(title="Answer from what is known")
    def answer(question: str) -> str:
        """Answer a question about the game, the hardware or the code, checked against the facts."""
        return (
            f"{question}\n\nCall get_context_for_prompt with this question first, then neighbours or search_code for "
            "what is missing. Write the answer, call validate_output with it, and mend what it finds. Say what the "
            "graph does not know."
        )

    @face.prompt(title="Learn a codebase")
    def learn(folder: str) -> str:
        """Index a source tree and write down how it works."""
        return (
            f"Learn the code in {folder}: call index_code with it, then find_patterns and search_code for its main "
            "loop, its hooks and its sprites. For each thing worth knowing call add_node, and add_edge to the routine "
            "or address that it is about. End with a summary that names file and line."
        )
