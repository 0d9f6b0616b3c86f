"""The `scratchpad` server: short-lived working notes of agents, of a run, of a project or of everybody.

Many processes write here at once: each write is whole, appends of several agents lose nothing and do not mix,
and every change can be undone. Its parts are imported by `build`, as `serve` wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.start import serve

if TYPE_CHECKING:
    from servers.machine.face import Face
    from servers.settings import Settings

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "Working notes of agents: plans, findings, drafts/, and state.md for where you stand. They are your run's, your "
    "project's or shared by all agents of this context. Every change can be undone. What should last: "
    "promote_scratchpad."
)


def build(settings: Settings) -> Face:
    """Return the server; nothing is read or written before a tool is called."""
    from servers.machine.face import Face
    from servers.scratchpad.clearing import offer_clearing
    from servers.scratchpad.opened import Opened
    from servers.scratchpad.promoting import offer_promoting
    from servers.scratchpad.reading import offer_reading
    from servers.scratchpad.writing import offer_writing
    from servers.settings import version

    face = Face("scratchpad", title="AFS scratchpad", instructions=_INSTRUCTIONS, version=version())
    opened = Opened(settings)
    face.at_end(opened.close)
    for offer in (offer_writing, offer_reading, offer_clearing, offer_promoting):
        offer(face, opened)
    return face


def main() -> None:
    """Serve over standard input and output."""
    serve(build)


if __name__ == "__main__":
    main()
