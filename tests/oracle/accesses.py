"""When in an instruction a byte is read or written: the access itself latches the H/V counters.

Reading $2137 latches them, and so does writing $4201 with bit 7 off. An instruction aimed at one of the two tells the
time of that access; with 16 bits, once for the low byte and once for the high one. What the instruction ends with is
void, since nobody knows what $2137 reads.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from knowledge.m65816.opcodes import OPCODES, Opcode
from knowledge.m65816.registers import Registers
from tests.oracle.cases import fill
from tests.oracle.clock import between, spans
from tests.oracle.corpus import flat, packed, pairs, read_lines, registers, write_lines
from tests.oracle.draft import Collision, Draft, try_drafts
from tests.oracle.libretro import Emulator
from tests.oracle.probe import Case, Seen, probe

__all__ = ["LATCH_READ", "LATCH_WRITE", "Access", "accesses", "record_accesses", "write_accesses"]

LATCH_READ: Final = 0x2137
LATCH_WRITE: Final = 0x4201
Kind = Literal["read", "write"]
_FILE: Final = "accesses"
_EACH: Final = 8
"""Cases of each opcode, mode and kind of access."""
_BATCH: Final = 400
_ATTEMPTS: Final = 5
_TAIL: Final = 244
"""Clocks of a case without an instruction behind the place where it would begin: the JML and what precedes the look."""
_WRITTEN: Final = 4
"""Clocks by which a write takes effect later in its cycle than a read."""


class Access(NamedTuple):
    """One instruction of which one access is timed."""

    opcode: int
    start: Registers
    memory: dict[int, int]
    kind: Kind
    clocks: tuple[int, ...]
    """Master clocks from the instruction's beginning to that of the access: the true one is among these, 2 apart."""


class _Drawn(NamedTuple):
    case: Case
    kind: Kind


def _aimed(row: Opcode, e: int, index: int, kind: Kind) -> Case:
    """Return a case whose low byte, or in some of the wide ones whose high byte, lies on the register."""

    def aim(draft: Draft) -> None:
        wide = row.width in ("m", "x") and not draft.r.p & (0x20 if row.width == "m" else 0x10)
        calm = kind == "read" or row.access == "write"  # else $4200 would get what nobody knows
        place = (LATCH_READ if kind == "read" else LATCH_WRITE) - (wide and calm and index >> 2 & 1)
        if kind == "write":
            draft.r.a = 0
            draft.r.x = 0 if row.mnemonic == "STX" else draft.r.x
            draft.r.y = 0 if row.mnemonic == "STY" else draft.r.y
        if row.mode in ("direct", "direct_x", "direct_y"):
            draft.aim["low"] = place
        elif row.mode == "stack_relative":
            draft.aim["low"] = place
            draft.operand = draft.byte() or 1
            draft.r.s = place - draft.operand
        else:
            draft.aim["anywhere"] = place
        fill(draft)
        if row.mode == "stack_relative" and draft.operand != place - draft.r.s:
            raise Collision

    case = try_drafts(row, e, index, f"{kind} access", aim)
    return Case(case.opcode, case.start, case.memory, case.landings, latches=True)


def _drawn() -> Iterator[_Drawn]:
    kinds: dict[str, tuple[Kind, ...]] = {"read": ("read",), "write": ("write",), "modify": ("read", "write")}
    for row in OPCODES:
        if row.mode.startswith("immediate") or row.access not in kinds:
            continue
        for e in (0, 1):
            if row.mode == "stack_relative" and e:
                continue  # the stack of emulation mode reaches no register
            for kind in kinds[row.access]:
                yield from (_Drawn(_aimed(row, e, index, kind), kind) for index in range(_EACH))


def _idle(emulator: Emulator, e: int) -> int:
    case = Case(0xEA, Registers(s=0x1F0, db=0x7E, pb=0x7F, pc=0x1000, p=0x30, e=e), {}, (0x7F1000,))
    seen = probe(emulator, [case])[0]
    clocks = between(seen.latches) if seen else None
    if clocks is None:
        raise ValueError("the emulator did not tell the time of a case without an instruction")
    return clocks


def _clocks(drawn: _Drawn, seen: Seen, lead: int) -> tuple[int, ...]:
    if seen.latches[2] == seen.latches[1]:
        return ()  # nothing was latched: bit 7 of what was written was on
    shift = lead + (_WRITTEN if drawn.kind == "write" else 0)
    return tuple(sorted(span - shift for span in spans(seen.latches[:3])))


def _batch(emulator: Emulator, part: list[_Drawn], leads: tuple[int, int]) -> Iterator[Access]:
    waiting = part
    for attempt in range(_ATTEMPTS):
        again: list[_Drawn] = []
        for drawn, seen in zip(
            waiting, probe(emulator, [drawn.case for drawn in waiting], attempt=attempt), strict=True
        ):
            case = drawn.case
            clocks = _clocks(drawn, seen, leads[case.start.e]) if seen else ()
            if clocks:
                yield Access(case.opcode, case.start, case.memory, drawn.kind, clocks)
            else:
                again.append(drawn)
        if not again:
            return
        waiting = again


def record_accesses(emulator: Emulator) -> list[Access]:
    """Return the timed accesses; those that latched nothing are left out."""
    leads = _idle(emulator, 0) - _TAIL, _idle(emulator, 1) - _TAIL
    drawn, found = list(_drawn()), list[Access]()
    for first in range(0, len(drawn), _BATCH):
        found += _batch(emulator, drawn[first : first + _BATCH], leads)
    return sorted(found, key=lambda row: (row.opcode, row.start.e, row.kind, packed(row.start)))


def write_accesses(rows: list[Access]) -> None:
    """Write the file of accesses: `[opcode, start, memory, kind, clocks]`."""
    write_lines(_FILE, ([row.opcode, packed(row.start), flat(row.memory), row.kind, row.clocks] for row in rows))


def accesses() -> Iterator[Access]:
    """Yield all recorded accesses."""
    line: list[Any]
    for line in read_lines(_FILE):
        opcode, start, memory, kind, clocks = line
        yield Access(opcode, registers(start), pairs(memory), kind, tuple(clocks))
