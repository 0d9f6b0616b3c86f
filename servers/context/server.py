"""The `context` server: what agents know and leave for each other, as text files under one context root.

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
    "Text files that agents share under one context root: memory, knowledge, notes, handoffs. Search first, then read "
    "the file that matches. Paths are relative to the root; you see your own project and what all share. Leave what "
    "you learnt with create_note, and create_handoff when you stop."
)


def build(settings: Settings) -> Face:
    """Build the server; nothing is read or written before a tool is called."""
    from servers.context.handoffs import offer_handoffs
    from servers.context.mounts import offer_mounting
    from servers.context.notes import offer_notes
    from servers.context.opened import Opened
    from servers.context.packing import offer_packing
    from servers.context.reading import offer_reading
    from servers.context.references import offer_references
    from servers.context.searching import offer_searching
    from servers.context.searching_index import Searched
    from servers.context.status import offer_status
    from servers.context.writing import offer_writing
    from servers.machine.face import Face
    from servers.settings import version

    face = Face("context", title="AFS context", instructions=_INSTRUCTIONS, version=version())
    opened = Opened(settings)
    searched = Searched(opened)
    face.at_end(opened.close)
    face.at_end(searched.close)
    for offer in (offer_reading, offer_writing, offer_notes, offer_handoffs, offer_status, offer_mounting):
        offer(face, opened)
    offer_searching(face, searched)
    offer_packing(face, searched)
    offer_references(face, opened)
    return face


def main() -> None:
    """Serve on stdio."""
    serve(build)


if __name__ == "__main__":
    main()
