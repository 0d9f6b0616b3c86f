"""Runs port programs on the emulator and brings back what VRAM, CGRAM, OAM and WRAM hold at the end."""

import random
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from tests.oracle.clock import between
from tests.oracle.corpus import read_lines, write_lines
from tests.oracle.libretro import SAVE_RAM, VIDEO_RAM, WORK_RAM, Emulator
from tests.oracle.port_programs import CODE, DATA, STACK, PortProgram, port_programs
from tests.oracle.probe import Latch
from tests.oracle.rom import Code, Image, pattern

__all__ = ["PORT_DATA", "WORK_START", "Images", "port_images", "record_ports", "run_ports", "write_ports"]

PORT_DATA: Final = random.Random("port data").randbytes(0x1000)
"""What lies in ROM at DATA."""
WORK_START: Final = bytes(pattern(offset) for offset in range(0x20000))
"""WRAM before each program."""
_FILE: Final = "ports"
_H_TIMES: Final = (150, 190, 120, 170)
_RTL: Final = 44
"""Clocks of an RTL: 4 accesses of 8 and 2 internal cycles of 6."""
_OAM, _CGRAM, _LATCHES, _DONE = 0x700000, 0x700400, 0x700700, 0x700720


class Images(NamedTuple):
    """What a program left."""

    vram: bytes
    cgram: bytes
    """Bit 7 of odd bytes, which no CGRAM has, is 0."""
    oam: bytes
    work: dict[int, int]
    """Bytes of WRAM that changed, by offset, without the stack."""
    clocks: int
    """Master clocks of the routine, refresh taken out; -1 where they are unknown."""


def _clear(code: Code) -> None:
    """Zero VRAM, CGRAM and OAM by DMA, and set their addresses to 0."""
    for port, count in ((0x18, 0), (0x22, 512), (0x04, 544)):
        for address, value in ((0x2115, 0x80), (0x2116, 0), (0x2117, 0), (0x2121, 0), (0x2102, 0), (0x2103, 0)):
            code.write(address, value)
        settings = (9 if port == 0x18 else 8, port, 0xF0, 0xFF, 0x00, count & 0xFF, count >> 8)
        for index, value in enumerate(settings):
            code.write(0x4300 + index, value)
        code.write(0x420B, 1)
    for address in range(0x4300, 0x4380):
        if address & 0x0F < 0x0B:
            code.write(address, 0)


def _look(code: Code, place: int) -> None:
    code.read(0x00213F)
    code.read(0x002137)
    for register, offset in ((0x213C, 0), (0x213C, 1), (0x213D, 2)):
        code.read(register)
        code.store(place + offset)


def _dump(code: Code, register: int, place: int, count: int) -> None:
    """Read a port `count` times into save RAM."""
    code.put("LDX", "immediate_x", 0)
    start = len(code.data)
    code.read(register)
    code.put("STA", "absolute_long_x", place)
    code.put("INX")
    code.put("CPX", "immediate_x", count)
    code.put("BNE", "relative", start - len(code.data) - 2)


def _boot(h_time: int) -> bytes:
    code = Code()
    for mnemonic in ("SEI", "CLC", "XCE"):
        code.put(mnemonic)
    code.put("REP", "immediate_8", 0x18)
    for address, value in ((0x2100, 0x80), (0x4200, 0), (0x4201, 0xFF), (0x4207, h_time), (0x4208, 0)):
        code.write(address, value)
    _clear(code)
    code.put("REP", "immediate_8", 0x20)
    code.load(0x01FF)
    code.put("TCS")
    code.load(0)
    code.put("TCD")
    code.put("SEP", "immediate_8", 0x20)
    code.write(0x004200, 0x10)
    code.read(0x004211)
    code.put("WAI")
    code.write(0x004200, 0)
    code.read(0x004211)
    _look(code, _LATCHES)
    _look(code, _LATCHES + 3)
    code.put("JSL", "absolute_long", CODE)
    _look(code, _LATCHES + 6)
    _look(code, _LATCHES + 9)
    for address, value in ((0x2102, 0), (0x2103, 0), (0x2121, 0)):
        code.write(address, value)
    _dump(code, 0x2138, _OAM, 544)
    _dump(code, 0x213B, _CGRAM, 512)
    code.write(_DONE, 0xA5)
    code.put("STP")
    return bytes(code.data)


def run_ports(emulator: Emulator, program: PortProgram, *, h_time: int = _H_TIMES[0]) -> Images:
    """Run one program from power-on; its clocks are those from before the JSL to behind it.

    `h_time` is the dot at which it begins. Raises ValueError when it does not come back within 20 frames.
    """
    image = Image()
    image.boot(_boot(h_time))
    image.place(program.code)
    start = 0x10000 + (DATA & 0x7FFF)
    image.data[start : start + len(PORT_DATA)] = PORT_DATA
    image.data[0x7FF0] = 0  # what the DMA that clears reads, at $00FFF0
    emulator.load(bytes(image.data))
    saved, work = emulator.memory(SAVE_RAM), emulator.memory(WORK_RAM)
    saved[:] = bytes(len(saved))
    work[:] = WORK_START
    for _ in range(20):
        emulator.run()
        if saved[_DONE & 0xFFFF] == 0xA5:
            break
    else:
        raise ValueError(f"did not come back: {program.name}")
    return Images(
        bytes(emulator.memory(VIDEO_RAM)),
        bytes(value & (0x7F if index & 1 else 0xFF) for index, value in enumerate(saved[0x400:0x600])),
        bytes(saved[0:0x220]),
        {at: byte for at, byte in enumerate(bytes(work)) if byte != WORK_START[at] and at not in STACK},
        _clocks(bytes(saved[_LATCHES & 0xFFFF : (_LATCHES & 0xFFFF) + 12])),
    )


def _clocks(looks: bytes) -> int:
    latches = [Latch(looks[at] | (looks[at + 1] & 1) << 8, looks[at + 2]) for at in range(0, 12, 3)]
    clocks = between(latches)
    return -1 if clocks is None else clocks


def _runs(data: bytes) -> list[Any]:
    """Return the parts that are not 0 as [offset, hex, offset, hex, ...]."""
    found: list[Any] = []
    at = 0
    while at < len(data):
        if not data[at]:
            at += 1
            continue
        end = data.find(b"\0\0\0\0", at)
        end = len(data) if end < 0 else end
        found += [at, data[at:end].hex()]
        at = end
    return found


def _whole(runs: list[Any], size: int) -> bytes:
    data = bytearray(size)
    for at, text in zip(runs[::2], runs[1::2], strict=True):
        part = bytes.fromhex(text)
        data[at : at + len(part)] = part
    return bytes(data)


def record_ports(emulator: Emulator) -> Iterator[tuple[PortProgram, Images]]:
    """Yield every program with what it left. Raises ValueError for one that does not come back."""
    idle = _timed(emulator, PortProgram("nothing", b"\x6b")).clocks - _RTL
    for program in port_programs():
        images = _timed(emulator, program)
        yield program, images._replace(clocks=images.clocks - idle if images.clocks >= 0 else -1)


def _timed(emulator: Emulator, program: PortProgram) -> Images:
    images = run_ports(emulator, program)
    for h_time in _H_TIMES[1:]:
        if images.clocks >= 0:
            break
        images = run_ports(emulator, program, h_time=h_time)
    return images


def write_ports(rows: Iterable[tuple[PortProgram, Images]]) -> None:
    """Write the file of port programs: `[name, code, vram, cgram, oam, work, clocks]`, the images without zeros."""
    write_lines(_FILE, (_row(program, images) for program, images in rows))


def _row(program: PortProgram, images: Images) -> list[Any]:
    work = [number for item in sorted(images.work.items()) for number in item]
    video = [_runs(images.vram), _runs(images.cgram), _runs(images.oam)]
    return [program.name, program.code.hex(), *video, work, images.clocks]


def port_images() -> Iterator[tuple[PortProgram, Images]]:
    """Yield every recorded program with what it left on the emulator."""
    for name, code, vram, cgram, oam, work, clocks in read_lines(_FILE):
        changed = dict(zip(work[::2], work[1::2], strict=True))
        images = Images(_whole(vram, 0x10000), _whole(cgram, 512), _whole(oam, 544), changed, clocks)
        yield PortProgram(name, bytes.fromhex(code)), images
