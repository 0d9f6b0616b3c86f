"""Runs single instructions on the emulator: each case becomes a block of ROM that prepares, jumps, and captures.

A block writes the case's bytes into WRAM, loads every register, jumps to the instruction, and is come back to by a
`JML` that lies where the instruction leads; then it hands over the registers and the bytes around, and restores WRAM.
Time is taken by the PPU's H/V latch: twice before and twice after, so that the place within a 4-clock dot is known.
One byte is lost: the capture pushes P to the place that S points at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from knowledge.m65816.registers import Registers
from tests.oracle.libretro import SAVE_RAM, WORK_RAM, Emulator
from tests.oracle.rom import BANKS_TABLE, POINTERS, SAVED, Code, Image, pattern, save_offset

__all__ = ["SCRATCH", "Case", "Latch", "Seen", "canonical", "probe"]

SCRATCH: Final = 0x1FE0
"""WRAM from this offset to $1FFF is the capture's own."""
_WRAM: Final = 0x7E0000
_FIXED: Final = 28
"""Bytes of a result before the watched ones."""
_MARK: Final = 0xA5
_JML: Final = 4
"""Bytes of the jump to the next block."""
_H_TIMES: Final = (200, 94, 118, 70, 160)
"""Dots at which the preparation wakes up, one for each attempt."""


@dataclass(frozen=True)
class Case:
    """One instruction with all that it starts from."""

    opcode: int
    start: Registers
    """`pb` and `pc` are where the instruction lies; native or emulation by `e`."""
    memory: dict[int, int]
    """Bytes by WRAM offset; all others hold `pattern`."""
    landings: tuple[int, ...]
    """24-bit addresses that the instruction may lead to: in WRAM, or a vector's handler."""
    watched: frozenset[int] = frozenset()
    """WRAM offsets that it may change, beside those of `memory`."""
    interrupt: int = 0
    """What is written to $4200 before the instruction: $80 lets NMI in, $10 an IRQ in every line."""
    latches: bool = False
    """The instruction itself latches the counters: they are read, not latched, afterwards, and the end is void."""


class Latch(NamedTuple):
    """One look at the PPU's counters."""

    dot: int
    line: int


class Seen(NamedTuple):
    """What the emulator made of a case."""

    end: Registers
    memory: dict[int, int]
    """All watched bytes afterwards, but the one at S."""
    latches: tuple[Latch, ...]


def canonical(address: int) -> int | None:
    """Return the WRAM offset that a 24-bit address shows, through the mirrors; None when it is no WRAM."""
    bank, offset = address >> 16, address & 0xFFFF
    if bank in (0x7E, 0x7F):
        return address - _WRAM
    return offset if bank & 0x7F < 0x40 and offset < 0x2000 else None


def _latch(code: Code, result: int, *, anew: bool = True) -> None:
    code.read(0x00213F)
    if anew:
        code.read(0x002137)
    for register, offset in ((0x213C, 0), (0x213C, 1), (0x213D, 2)):
        code.read(register)
        code.store(result + offset)


def _prepare(case: Case, pokes: dict[int, int], result: int) -> bytes:
    start, code = case.start, Code()
    code.put("SEP", "immediate_8", 0x20)
    code.x = 0
    for offset, value in pokes.items():
        code.write(_WRAM + offset, value)
    code.write(0x004200, 0x10)
    code.read(0x004211)
    code.put("WAI")
    code.write(0x004200, 0)
    code.read(0x004211)
    code.put("REP", "immediate_8", 0x20)
    for value, transfer in ((BANKS_TABLE + start.db - 1, "TCS"), (start.d, "TCD"), (start.s, "TCS")):
        code.load(value)
        code.put(transfer)
        if value == BANKS_TABLE + start.db - 1 and transfer == "TCS":
            code.put("PLB")
    code.put("SEP", "immediate_8", 0x20)
    if case.latches:
        code.write(0x004201, 0xFF)
    if case.interrupt:
        code.read(0x004210)
        code.write(0x004200, case.interrupt)
    _latch(code, result + 16)
    _latch(code, result + 19)
    code.put("REP", "immediate_8", 0x20)
    code.put("LDX", "immediate_x", start.x)
    code.put("LDY", "immediate_x", start.y)
    code.load(start.a)
    if start.e:
        code.put("SEC")
        code.put("XCE")
    code.put("REP", "immediate_8", ~start.p & 0xFF)
    code.put("SEP", "immediate_8", start.p)
    code.put("JMP", "absolute_long", start.pb << 16 | start.pc)
    return bytes(code.data)


def _stub(result: int, landing: int, common: int, *, latches: bool = False) -> bytes:
    code = Code()
    for mnemonic in ("PHP", "CLC", "XCE"):
        code.put(mnemonic)
    code.put("REP", "immediate_8", 0x38)
    code.store(result)
    code.put("SEP", "immediate_8", 0x24)
    _latch(code, result + 22, anew=not latches)
    _latch(code, result + 25, anew=not latches)
    code.write(result + 14, landing)
    code.put("JMP", "absolute_long", common)
    return bytes(code.data)


def _capture(watched: Sequence[int], result: int) -> bytes:
    code = Code()
    code.x = 0
    code.load(0)
    code.put("ROL", "accumulator")
    code.store(result + 13)
    code.write(0x004200, 0)
    code.put("REP", "immediate_8", 0x20)
    for transfer, offset in (("TXA", 2), ("TYA", 4), ("TDC", 8), ("TSC", 6)):
        code.put(transfer)
        code.store(result + offset)
    code.put("TAX")
    code.put("SEP", "immediate_8", 0x20)
    code.put("LDA", "absolute_long_x", 0x000001)
    code.store(result + 10)
    code.read(0x000100)
    code.store(result + 11)
    code.put("REP", "immediate_8", 0x20)
    code.load(0x1FFF)
    code.put("TCS")
    code.put("SEP", "immediate_8", 0x20)
    code.put("PHB")
    code.put("PLA")
    code.store(result + 12)
    for index, offset in enumerate(watched):
        code.read(_WRAM + offset)
        code.store(result + _FIXED + index)
        code.write(_WRAM + offset, pattern(offset))
    code.write(result + 15, _MARK)
    code.put("REP", "immediate_8", 0x30)
    return bytes(code.data)


def _watched(case: Case, extra: Iterable[int]) -> list[int]:
    places = {case.start.s + step & 0xFFFF for step in range(-8, 9)}
    if case.start.e:
        places |= {0x100 | place & 0xFF for place in places}
    around = {place for place in places if place < SCRATCH}
    return sorted(around | case.memory.keys() | case.watched | set(extra))


class _Written(NamedTuple):
    case: Case
    watched: list[int]
    result: int


_STUB_SIZE: Final = {latches: len(_stub(0, 0, 0, latches=latches)) for latches in (False, True)}


def _ways(case: Case, stubs: Iterable[int]) -> dict[int, int]:
    """Return the bytes of WRAM by which each landing leads to its stub: a JML, or what a handler jumps by."""
    pokes: dict[int, int] = {}
    for place, stub in zip(case.landings, stubs, strict=True):
        data = stub.to_bytes(3, "little")
        if place in POINTERS:
            pokes |= {POINTERS[place] + step: byte for step, byte in enumerate(data)}
            continue
        for step, byte in enumerate(b"\x5c" + data):
            offset = canonical(place & 0xFF0000 | place + step & 0xFFFF)
            if offset is None:
                raise ValueError(f"${place:06X} is no WRAM to land in")
            pokes[offset] = byte
    return pokes


def _block(image: Image, case: Case, result: int) -> tuple[list[int], bytes]:
    """Return the watched offsets and the case's block for where the image will put it."""
    blank, stub = _ways(case, [0] * len(case.landings)), _STUB_SIZE[case.latches]
    watched = _watched(case, (offset for offset in blank if not SCRATCH <= offset < 0x2000))
    capture = _capture(watched, result)
    length = len(_prepare(case, case.memory | blank, result))
    first = image.room(length + stub * len(case.landings) + len(capture) + _JML) + length
    stubs = [first + stub * index for index in range(len(case.landings))]
    common = first + stub * len(case.landings)
    block = _prepare(case, case.memory | _ways(case, stubs), result)
    for index in range(len(case.landings)):
        block += _stub(result, index, common, latches=case.latches)
    return watched, block + capture


def _boot(first: int, h_time: int) -> bytes:
    code = Code()
    for mnemonic in ("SEI", "CLC", "XCE"):
        code.put(mnemonic)
    for address, value in ((0x2100, 0x80), (0x4200, 0), (0x4201, 0xFF), (0x4207, h_time & 0xFF), (0x4208, h_time >> 8)):
        code.write(address, value)
    code.put("REP", "immediate_8", 0x38)
    code.put("JMP", "absolute_long", first)
    return bytes(code.data)


def _build(cases: Sequence[Case], h_time: int) -> tuple[Image, list[_Written]]:
    image, written, result = Image(), list[_Written](), 0x700000
    blocks: list[tuple[int, int]] = []
    for case in cases:
        if result & 0x7FFF > 0x7FFF - 200:
            result = 0x710000
        watched, block = _block(image, case, result)
        address = image.place(block + b"\x5c\x00\x00\x00")
        blocks.append((address, len(block)))
        written.append(_Written(case, watched, result))
        result += _FIXED + len(watched)
    stop = image.place(b"\xdb")
    for (address, size), following in zip(blocks, [*(place for place, _size in blocks[1:]), stop], strict=True):
        at = (address >> 16) * 0x8000 + (address & 0x7FFF) + size + 1
        image.data[at : at + 3] = following.to_bytes(3, "little")
    image.boot(_boot(blocks[0][0], h_time))
    return image, written


def _read(saved: memoryview, row: _Written) -> Seen | None:
    at = save_offset(row.result)
    data = bytes(saved[at : at + _FIXED + len(row.watched)])
    if data[15] != _MARK:
        return None
    a, x, y, pushed, d = (int.from_bytes(data[place : place + 2], "little") for place in (0, 2, 4, 6, 8))
    e, place = data[13], row.case.landings[data[14]]
    s = 0x100 | pushed + 1 & 0xFF if e else pushed + 1 & 0xFFFF
    p = data[11] if e and s == 0x100 else data[10]
    end = Registers(a, x, y, s, d, data[12], place >> 16, place & 0xFFFF, p, e)
    memory = {offset: data[_FIXED + index] for index, offset in enumerate(row.watched) if offset != s}
    for landing in row.case.landings:
        for step in range(4):
            offset = canonical(landing & 0xFF0000 | landing + step & 0xFFFF)
            if offset is not None:
                memory.pop(offset, None)
    looks = [data[index : index + 3] for index in range(16, 28, 3)]
    return Seen(end, memory, tuple(Latch(look[0] | (look[1] & 1) << 8, look[2]) for look in looks))


def probe(emulator: Emulator, cases: Sequence[Case], *, attempt: int = 0) -> list[Seen | None]:
    """Run cases (a few hundred at most) in one ROM; None for those that did not come back.

    The attempt chooses where in a scanline the cases begin. Raises ValueError when a byte of WRAM was changed that no
    case watches.
    """
    image, written = _build(cases, _H_TIMES[attempt % len(_H_TIMES)])
    assert save_offset(written[-1].result) < 0x20000 - SAVED // 2
    emulator.load(bytes(image.data))
    saved, work = emulator.memory(SAVE_RAM), emulator.memory(WORK_RAM)
    saved[:] = bytes(len(saved))
    blank = bytes(pattern(offset) for offset in range(len(work)))
    work[:] = blank
    last = save_offset(written[-1].result) + 15
    for _ in range(20 + len(cases)):
        emulator.run()
        if saved[last] == _MARK:
            break
    seen = [_read(saved, row) for row in written]
    changed = [offset for offset, value in enumerate(work) if value != blank[offset] and not SCRATCH <= offset < 0x2000]
    if changed and None not in seen:
        raise ValueError(f"WRAM was changed where no case looks: {[hex(offset) for offset in changed[:8]]}")
    return seen
