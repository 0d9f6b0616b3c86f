"""Draws and records interrupts: NMI and IRQ that meet a waiting CPU, by WAI or by a branch to itself."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final, Literal, NamedTuple

from knowledge.m65816.opcodes import OPCODES, find
from tests.oracle.corpus import Recorded, read_lines, recorded_from, recorded_row, write_lines
from tests.oracle.draft import Draft, try_drafts
from tests.oracle.libretro import Emulator
from tests.oracle.probe import Case, probe
from tests.oracle.rom import HANDLERS, pattern

__all__ = ["Interrupted", "interrupts", "record_interrupts", "write_interrupts"]

Kind = Literal["nmi", "irq"]
_FILE: Final = "interrupts"
_ENABLE: Final[dict[Kind, int]] = {"nmi": 0x80, "irq": 0x10}
_EACH: Final = 6
"""Cases of each kind, mode, instruction and I flag."""
_ATTEMPTS: Final = 5


class Interrupted(NamedTuple):
    """One interrupt and the instruction that it met; the clocks are not known."""

    kind: Kind
    row: Recorded


def _draw(kind: Kind, mnemonic: str, e: int, masked: int, index: int) -> Case:
    row = find(mnemonic, "relative" if mnemonic == "BRA" else "implied")
    assert row is not None

    def fill(draft: Draft) -> None:
        draft.operand = 0xFE
        draft.r.p = draft.r.p & ~4 | masked
        taken = kind == "nmi" or not masked
        draft.land(HANDLERS[kind + "_e" * e] if taken else draft.next)

    case = try_drafts(OPCODES[row.code], e, index, f"{kind} {masked}", fill)
    return Case(case.opcode, case.start, case.memory, case.landings, case.watched, _ENABLE[kind])


def _drawn() -> Iterator[tuple[Kind, Case]]:
    kinds: tuple[Kind, ...] = ("nmi", "irq")
    for kind, mnemonic, e, masked, index in product(kinds, ("BRA", "WAI"), (0, 1), (0, 4), range(_EACH)):
        if (kind, mnemonic, masked) != ("irq", "BRA", 4):  # that would wait for ever
            yield kind, _draw(kind, mnemonic, e, masked, index)


def record_interrupts(emulator: Emulator) -> list[Interrupted]:
    """Return what the emulator makes of each. Raises ValueError for one that never comes back."""
    rows: list[Interrupted] = []
    for kind, case in _drawn():
        tries = (probe(emulator, [case], attempt=attempt)[0] for attempt in range(_ATTEMPTS))
        seen = next((seen for seen in tries if seen is not None), None)
        if seen is None:
            raise ValueError(f"an interrupt did not come back: {case}")
        changed = {place: byte for place, byte in seen.memory.items() if byte != case.memory.get(place, pattern(place))}
        rows.append(Interrupted(kind, Recorded(case.opcode, case.start, case.memory, seen.end, changed, -1)))
    return rows


def write_interrupts(rows: list[Interrupted]) -> None:
    """Write the file of interrupts: `[kind, ...]` and then as the instructions."""
    write_lines(_FILE, ([row.kind, *recorded_row(row.row)] for row in rows))


def interrupts() -> Iterator[Interrupted]:
    """Yield all recorded interrupts."""
    line: list[Any]
    for line in read_lines(_FILE):
        yield Interrupted(line[0], recorded_from(line[1:]))
