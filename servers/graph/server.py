"""The graph server: the user's own knowledge over the atlas of the game and the source code, as one graph.

Its parts are imported by `build`, as `serve` wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.start import serve

if TYPE_CHECKING:
    from servers.machine.face import Face
    from servers.settings import Settings

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "A knowledge graph: the user's own nodes, facts and preferences, kept on disk, over the atlas of A Link to the "
    "Past (who calls, reads, writes what) and indexed source code. Begin a task with get_context_for_prompt; check an "
    "answer with validate_output before you give it; write what is learnt with add_node and add_edge. Nodes are named "
    "in any spelling: $7E0010, INIDISP, sprite 0x41."
)


def build(settings: Settings) -> Face:
    """Build the server; its files are opened by the first call that needs them."""
    from servers.graph.advising import offer_advising
    from servers.graph.coding import offer_coding
    from servers.graph.knowing import offer_knowing
    from servers.graph.opened import Opened
    from servers.graph.querying import offer_querying
    from servers.graph.references import offer_references
    from servers.graph.writing import offer_writing
    from servers.machine.face import Face
    from servers.settings import version

    face = Face("graph", title="Knowledge graph", instructions=_INSTRUCTIONS, version=version())
    opened = Opened(settings)
    face.at_end(opened.close)
    for offer in (offer_querying, offer_writing, offer_knowing, offer_advising, offer_coding, offer_references):
        offer(face, opened)
    return face


def main() -> None:
    """Serve on stdio."""
    serve(build)


if __name__ == "__main__":
    main()
