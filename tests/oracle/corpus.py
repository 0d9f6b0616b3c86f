"""The recorded corpus: what the emulator made of single instructions, so that any machine can judge by it.

`instructions-*.jsonl.gz`: one case a line, `[opcode, start, memory, end, changed, clocks]`. `start` and `end` are
`[address of the instruction, A, X, Y, S, D, DB, P, E]`; `memory` and `changed` are WRAM offsets and bytes in turn
(`before`, and only what differs afterwards); the byte at the last S is not told. All other WRAM holds `rom.pattern`,
and $00FF00 to $00FFFF `rom.LAST_PAGE`. `clocks` are master clocks with all memory at 8; -1 where they are unknown.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from knowledge.m65816.registers import Registers

__all__ = [
    "FOLDER",
    "Recorded",
    "flat",
    "instructions",
    "packed",
    "pairs",
    "read_lines",
    "recorded_from",
    "recorded_row",
    "registers",
    "write_instructions",
    "write_lines",
]

FOLDER: Final = Path(__file__).resolve().parent
_FILES: Final = ("instructions-native", "instructions-emulation")


class Recorded(NamedTuple):
    """One instruction, before and after."""

    opcode: int
    start: Registers
    memory: dict[int, int]
    end: Registers
    changed: dict[int, int]
    clocks: int


def read_lines(name: str) -> Iterator[Any]:
    """Yield what each line of a file of the corpus holds."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_lines(name: str, rows: Iterable[Any]) -> None:
    """Write a file of the corpus: the same rows make the same bytes."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (FOLDER / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))


def packed(r: Registers) -> list[int]:
    """Return registers as a line has them."""
    return [r.pb << 16 | r.pc, r.a, r.x, r.y, r.s, r.d, r.db, r.p, r.e]


def registers(row: list[int]) -> Registers:
    """Read what `packed` wrote."""
    place, a, x, y, s, d, db, p, e = row
    return Registers(a, x, y, s, d, db, place >> 16, place & 0xFFFF, p, e)


def flat(memory: dict[int, int]) -> list[int]:
    """Return bytes by offset as a line has them."""
    return [number for item in sorted(memory.items()) for number in item]


def pairs(numbers: list[int]) -> dict[int, int]:
    """Read what `flat` wrote."""
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def recorded_row(row: Recorded) -> list[Any]:
    """Return one line of the corpus."""
    return [row.opcode, packed(row.start), flat(row.memory), packed(row.end), flat(row.changed), row.clocks]


def recorded_from(line: list[Any]) -> Recorded:
    """Read one line of the corpus."""
    opcode, start, memory, end, changed, clocks = line
    return Recorded(opcode, registers(start), pairs(memory), registers(end), pairs(changed), clocks)


def instructions() -> Iterator[Recorded]:
    """Yield all recorded instructions, native ones first."""
    for name in _FILES:
        yield from map(recorded_from, read_lines(name))


def write_instructions(rows: Iterable[Recorded]) -> None:
    """Write the files of instructions, native and emulation apart."""
    kept: tuple[list[Any], list[Any]] = ([], [])
    for row in rows:
        kept[row.start.e].append(recorded_row(row))
    for name, lines in zip(_FILES, kept, strict=True):
        write_lines(name, lines)
