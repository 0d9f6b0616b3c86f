"""The asar server: code in; bytes, proofs, counter-examples, counts and explanations out.

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
    "Assembles SNES 65816 code with asar and proves what it does by running it. Never guess bytes, cycles or "
    "equivalence: assemble gives the exact bytes, run_code what the code does, compare_code whether two versions do "
    "the same, optimize_code a faster version that was proved or tested, count_cycles the cost, lint the bugs. Only "
    "apply_patch and undo_patch write files, below the project folder."
)


def build(settings: Settings) -> Face:
    """Build the server; nothing is read or started before the first call."""
    from servers.asar.addressing import offer_addressing
    from servers.asar.counting import offer_counting
    from servers.asar.disassembling import offer_disassembling
    from servers.asar.explaining import offer_explaining
    from servers.asar.linting import offer_linting
    from servers.asar.optimizing import offer_optimizing
    from servers.asar.patching import offer_assembling
    from servers.asar.proving import offer_proving
    from servers.asar.references import offer_references
    from servers.asar.rom_patching import offer_rom_patching
    from servers.asar.running import offer_running
    from servers.machine.face import Face
    from servers.settings import version

    face = Face("asar", title="asar assembler and 65816 proofs", instructions=_INSTRUCTIONS, version=version())
    for offer in (offer_assembling, offer_running, offer_proving, offer_optimizing, offer_linting, offer_counting):
        offer(face, settings)
    for offer in (offer_disassembling, offer_explaining, offer_rom_patching, offer_addressing):
        offer(face, settings)
    offer_references(face)
    return face


def main() -> None:
    """Serve on stdio."""
    serve(build)
