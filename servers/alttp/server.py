"""The alttp server: facts about A Link to the Past and the SNES, each with ROM version and sources.

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
    "Facts about The Legend of Zelda: A Link to the Past and SNES hardware. Call alttp_lookup before you "
    "state a RAM address, a routine, a register, or a sprite, item or room id; describe_register and decode_value say "
    "what a value means. Answer only with what they return, and name the ROM version. The first line of a result is "
    "the answer; candidates are not."
)


def build(settings: Settings) -> Face:
    """Build the server; the tables are read on the first call."""
    from servers.alttp.decoding import offer_decoding
    from servers.alttp.listing import offer_listing
    from servers.alttp.looking_up import offer_looking_up
    from servers.alttp.references import offer_references
    from servers.machine.face import Face
    from servers.settings import version

    face = Face("alttp", title="ALTTP and SNES facts", instructions=_INSTRUCTIONS, version=version())
    offer_looking_up(face, settings)
    for offer in (offer_decoding, offer_listing, offer_references):
        offer(face)
    return face


def main() -> None:
    """Serve on stdio."""
    serve(build)


if __name__ == "__main__":
    main()
