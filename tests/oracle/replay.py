"""Runs the corpus on our own CPU and console, and says where they differ from what the emulator made of it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from knowledge.m65816.cpu import ANYWHERE, Cpu, Quiet
from knowledge.m65816.memory import PAGE, ROM, WRAM
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.registers import Registers
from tests.oracle.corpus import Recorded
from tests.oracle.rom import LAST_PAGE, pattern

__all__ = ["STORAGE", "Mismatch", "mismatches", "wire"]

STORAGE = ROM + PAGE
"""Bytes of storage that the CPU needs: WRAM, and one page of ROM."""
_WRAM_SIZE = 0x20000


class Mismatch(NamedTuple):
    """One instruction that ended differently."""

    row: Recorded
    text: str

    def __str__(self) -> str:
        row = OPCODES[self.row.opcode]
        return f"{row.mnemonic} {row.mode} ${row.code:02X} from {self.row.start}: {self.text}"


def wire(cpu: Cpu) -> None:
    """Show the CPU what the emulator's CPU saw: WRAM with its mirrors, and the last page of bank $00."""
    memory = cpu.memory
    for bank in (*range(0x40), *range(0x80, 0xC0)):
        memory.show(bank * 8, WRAM, writable=True)
    for page in range(16):
        memory.show(0x7E * 8 + page, WRAM + page * PAGE, writable=True)
    memory.show(7, ROM, writable=False)
    memory.storage[ROM + PAGE - 0x100 : ROM + PAGE] = LAST_PAGE
    cpu.remap()


def _steps(row: Recorded) -> int:
    return row.start.a + 1 if OPCODES[row.opcode].mnemonic in ("MVN", "MVP") else 1


def _difference(want: Registers, got: Registers) -> str:
    return "" if want == got else f"registers are\n  {got}, the emulator has\n  {want}"


def _unequal(want: bytes, got: bytes) -> str:
    places = [place for place in range(len(want)) if want[place] != got[place]][:4]
    return ", ".join(f"$7E0000+${place:05X} holds ${got[place]:02X}, not ${want[place]:02X}" for place in places)


def _told(row: Recorded, cpu: Cpu, blank: bytes) -> Iterator[str]:
    storage = cpu.memory.storage
    storage[:_WRAM_SIZE] = blank
    for place, byte in row.memory.items():
        storage[place] = byte
    expected = bytearray(storage[:_WRAM_SIZE])
    halt = cpu.run(row.start, Quiet(), budget=_steps(row), code=ANYWHERE)
    yield _difference(row.end, halt.registers)
    for place, byte in row.changed.items():
        expected[place] = byte
    found = bytes(storage[:_WRAM_SIZE])
    if row.end.s < _WRAM_SIZE:
        expected[row.end.s] = found[row.end.s]
    yield "" if found == expected else _unequal(bytes(expected), found)
    if halt.clock != row.clocks >= 0:
        yield f"takes {halt.clock} clocks, {row.clocks} on the emulator"


def mismatches(rows: Iterable[Recorded], cpu: Cpu) -> Iterator[Mismatch]:
    """Yield every recorded instruction on which a wired CPU differs in registers, in any byte of WRAM, or in time."""
    blank = bytes(pattern(offset) for offset in range(_WRAM_SIZE))
    for row in rows:
        texts = [text for text in _told(row, cpu, blank) if text]
        if texts:
            yield Mismatch(row, "; ".join(texts))
