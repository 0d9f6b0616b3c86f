"""Records the corpus from the emulator: `python -m tests.oracle.record` writes the files beside this one."""

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.registers import Registers
from tests.oracle.accesses import record_accesses, write_accesses
from tests.oracle.cases import UNTIMED, cases
from tests.oracle.clock import between
from tests.oracle.corpus import Recorded, write_instructions
from tests.oracle.interrupts import record_interrupts, write_interrupts
from tests.oracle.libretro import Emulator, find_bsnes
from tests.oracle.ports import record_ports, write_ports
from tests.oracle.probe import Case, Seen, probe
from tests.oracle.rom import HANDLERS, pattern

__all__ = ["EMULATION", "NATIVE", "record_instructions"]

NATIVE: Final = 24
"""Cases of each opcode in native mode."""
EMULATION: Final = 24
_BATCH: Final = 400
_ATTEMPTS: Final = 5
_HANDLER: Final = 16
"""Clocks that the way back from a vector's handler takes more than a JML: 6 cycles of 8 against 4."""


def _nothing(e: int) -> Case:
    """A case that runs no instruction at all: its clocks are those of the way there and back."""
    start = Registers(s=0x1F0, db=0x7E, pb=0x7F, pc=0x1000, p=0x30, e=e)
    return Case(0xEA, start, {}, (0x7F1000,))


def _idle_clocks(emulator: Emulator) -> tuple[int, int]:
    seen = probe(emulator, [_nothing(0), _nothing(1)])
    native, emulation = (between(row.latches) if row else None for row in seen)
    if native is None or emulation is None:
        raise ValueError("the emulator did not tell the time of a case without an instruction")
    return native, emulation


def _recorded(case: Case, seen: Seen, idle: tuple[int, int]) -> Recorded:
    span = between(seen.latches)
    extra = _HANDLER if (seen.end.pb << 16 | seen.end.pc) in HANDLERS.values() else 0
    untimed = span is None or OPCODES[case.opcode].mnemonic in UNTIMED
    clocks = -1 if span is None or untimed else span - idle[case.start.e] - extra
    changed = {place: byte for place, byte in seen.memory.items() if byte != case.memory.get(place, pattern(place))}
    return Recorded(case.opcode, case.start, case.memory, seen.end, changed, clocks)


def _batch(emulator: Emulator, part: Sequence[Case], idle: tuple[int, int]) -> list[Recorded]:
    """Run cases until the time of each is known, at most a few times."""
    found: dict[int, Recorded] = {}
    waiting = list(range(len(part)))
    for attempt in range(_ATTEMPTS):
        looks = probe(emulator, [part[index] for index in waiting], attempt=attempt)
        for index, seen in zip(waiting, looks, strict=True):
            if seen is None:
                raise ValueError(f"a case did not come back: {part[index]}")
            row = _recorded(part[index], seen, idle)
            if index in found and found[index]._replace(clocks=row.clocks) != row:
                raise ValueError(f"a case ended in two ways: {part[index]}")
            found[index] = row
        waiting = [index for index in waiting if found[index].clocks < 0]
        if not waiting:
            break
    return [found[index] for index in range(len(part))]


def record_instructions(emulator: Emulator, drawn: Iterable[Case]) -> list[Recorded]:
    """Return what the emulator makes of cases. Raises ValueError for one that does not come back or tells two tales."""
    idle, waiting, rows = _idle_clocks(emulator), iter(drawn), list[Recorded]()
    while part := list(islice(waiting, _BATCH)):
        rows += _batch(emulator, part, idle)
    return rows


def main() -> int:
    """Write the corpus."""
    found = find_bsnes()
    if found is None:
        sys.stderr.write("no emulator: apt-get install libretro-bsnes-mercury-accuracy\n")
        return 1
    with Emulator(found) as emulator:
        rows = record_instructions(emulator, cases(native=NATIVE, emulation=EMULATION))
        met = record_interrupts(emulator)
        ports = list(record_ports(emulator))
        timed = record_accesses(emulator)
    write_instructions(rows)
    write_interrupts(met)
    write_ports(ports)
    write_accesses(timed)
    untimed = sum(row.clocks < 0 for row in rows) + sum(images.clocks < 0 for _program, images in ports)
    sys.stdout.write(
        f"{len(rows)} instructions, {len(met)} interrupts, {len(ports)} port programs, {untimed} of all without their "
        f"time; {len(timed)} accesses\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
