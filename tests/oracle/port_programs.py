"""Programs that work the PPU's, the DMA's and the CPU's own ports: directed ones, and random ones from seeds.

Each is a routine called with JSL in forced blank, with M = 1 and X = 0, direct page and data bank 0; it ends in RTL.
VRAM, CGRAM and OAM begin with zeros, WRAM with `rom.pattern`. What a program reads from a port it puts at $7E4000 on.
"""

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, NamedTuple

from tests.oracle.rom import Code

__all__ = ["CODE", "DATA", "STACK", "PortProgram", "port_programs"]

CODE: Final = 0x018000
"""Where a program lies: in ROM."""
DATA: Final = 0x029000
"""Where 4 KiB of random bytes lie in ROM, the same for all programs."""
STACK: Final = range(0x01C0, 0x0200)
"""WRAM that a program's call may change."""
_FOUND: Final = 0x7E4000


class PortProgram(NamedTuple):
    """One routine."""

    name: str
    code: bytes


class _Writer(Code):
    """A program under construction."""

    def __init__(self) -> None:
        super().__init__()
        self.x = 0
        self._found = _FOUND

    def keep(self, register: int, mask: int = 0xFF) -> None:
        """Read a register and put what it showed into WRAM."""
        self.read(register)
        if mask != 0xFF:
            self.put("AND", "immediate_m", mask)
        self.store(self._found)
        self._found += 1

    def word(self, register: int, value: int) -> None:
        """Write 16 bits to two registers, low byte first."""
        self.write(register, value & 0xFF)
        self.write(register + 1, value >> 8 & 0xFF)

    def wait(self, count: int = 12) -> None:
        for _ in range(count):
            self.put("NOP")

    def channel(self, number: int, control: int, port: int, source: int, count: int) -> None:
        """Set a DMA channel up."""
        place = 0x4300 + 0x10 * number
        self.write(place, control)
        self.write(place + 1, port)
        self.word(place + 2, source)
        self.write(place + 4, source >> 16)
        self.word(place + 5, count)

    def dma(self, control: int, port: int, source: int, count: int, *, number: int = 0) -> None:
        """Run one DMA."""
        self.channel(number, control, port, source, count)
        self.write(0x420B, 1 << number)

    def work(self, address: int) -> None:
        """Set the WRAM port's address."""
        self.word(0x2181, address)
        self.write(0x2183, address >> 16 & 1)

    def program(self, name: str) -> PortProgram:
        self.put("RTL")
        return PortProgram(name, bytes(self.data))


def _vram_modes(dice: random.Random) -> Iterator[PortProgram]:
    for mode, step in product(range(8), (0x00, 0x08, 0x10)):
        code = _Writer()
        code.write(0x2115, 0x80)
        code.word(0x2116, dice.getrandbits(15))
        code.dma(step | mode, 0x18, DATA + dice.randrange(0x400, 0x800), dice.randrange(1, 200))
        code.keep(0x4302)
        code.keep(0x4303)
        code.keep(0x4305)
        code.keep(0x4306)
        yield code.program(f"DMA to VRAM, mode {mode}, step ${step:02X}")


def _vram_increments(dice: random.Random) -> Iterator[PortProgram]:
    for high, remap, step in product((0, 0x80), range(4), range(4)):
        vmain = high | remap << 2 | step
        code = _Writer()
        code.write(0x2115, vmain)
        code.word(0x2116, dice.getrandbits(16))
        code.dma(0x01, 0x18, DATA + dice.randrange(0x400), 2 * dice.randrange(1, 300))
        code.dma(0x00, 0x19 if high else 0x18, 0x7E2000 + dice.randrange(0x1000), dice.randrange(1, 90), number=3)
        code.word(0x2118, dice.getrandbits(16))
        yield code.program(f"VRAM with VMAIN ${vmain:02X}")


def _vram_reads(dice: random.Random) -> Iterator[PortProgram]:
    for vmain in (0x00, 0x80, 0x01, 0x81, 0x84, 0x88, 0x8C):
        code, start = _Writer(), dice.getrandbits(14)
        code.write(0x2115, 0x80)
        code.word(0x2116, start)
        code.dma(0x01, 0x18, DATA, 0x300)
        code.write(0x2115, vmain)
        code.word(0x2116, start + 5)
        for register in (0x2139, 0x213A, 0x2139, 0x213A, 0x2139, 0x2139, 0x213A, 0x213A):
            code.keep(register)
        code.word(0x2116, start + 9)
        code.dma(0x81, 0x39, 0x7E6000, 64)
        code.word(0x2118, dice.getrandbits(16))
        code.keep(0x2139)
        yield code.program(f"VRAM read back with VMAIN ${vmain:02X}")


def _palette(dice: random.Random) -> Iterator[PortProgram]:
    for mode, count in product((0, 2), (1, 2, 31, 512, 600)):
        code = _Writer()
        code.write(0x2121, dice.getrandbits(8))
        code.dma(mode, 0x22, DATA + dice.randrange(0x400), count)
        code.write(0x2122, dice.getrandbits(8))
        code.write(0x2121, dice.getrandbits(8))
        code.keep(0x213B, 0x7F)
        code.keep(0x213B, 0x7F)
        code.dma(0x80, 0x3B, 0x7F0000 + dice.getrandbits(15), 2)
        yield code.program(f"DMA to CGRAM, mode {mode}, {count} bytes")
    code = _Writer()
    for address, values in ((3, (1, 2, 3)), (9, (4,)), (9, (5, 6)), (255, (7, 0xFF, 9, 10))):
        code.write(0x2121, address)
        for value in values:
            code.write(0x2122, value)
    yield code.program("CGRAM written in pairs and halves")


def _sprites(dice: random.Random) -> Iterator[PortProgram]:
    for address, count in product((0, 1, 0x81, 0xFF, 0x100, 0x10F, 0x1FF), (1, 2, 3, 33, 544)):
        code = _Writer()
        code.word(0x2102, address)
        code.dma(0x00 if count % 2 else 0x02, 0x04, DATA + dice.randrange(0x400), count)
        code.write(0x2104, dice.getrandbits(8))
        code.word(0x2102, dice.getrandbits(9))
        code.keep(0x2138)
        code.keep(0x2138)
        code.dma(0x80, 0x38, 0x7F2000, 9)
        yield code.program(f"DMA to OAM at ${address:03X}, {count} bytes")


def _work_port(dice: random.Random) -> Iterator[PortProgram]:
    for start in (0x02000, 0x0FFFE, 0x1FFFC, 0x12345):
        code = _Writer()
        code.work(start)
        for _ in range(3):
            code.write(0x2180, dice.getrandbits(8))
        code.keep(0x2180)
        code.dma(0x00, 0x80, DATA, 40)
        code.work(start)
        code.keep(0x2180)
        code.dma(0x80, 0x80, 0x7E7000, 20)
        code.dma(0x00, 0x80, 0x7E3000, 20)
        code.keep(0x2180)
        yield code.program(f"WRAM port at ${start:05X}")


def _arithmetic(dice: random.Random) -> Iterator[PortProgram]:
    for number in range(24):
        code = _Writer()
        for _ in range(6):
            code.write(0x4202, dice.choice((0, 1, 0xFF, dice.getrandbits(8))))
            code.write(0x4203, dice.choice((0, 1, 0xFF, dice.getrandbits(8))))
            code.wait()
            for register in (0x4214, 0x4215, 0x4216, 0x4217):
                code.keep(register)
            code.word(0x4204, dice.choice((0, 0xFFFF, dice.getrandbits(16))))
            code.write(0x4206, dice.choice((0, 1, 0xFF, dice.getrandbits(8), dice.getrandbits(8))))
            code.wait()
            for register in (0x4214, 0x4215, 0x4216, 0x4217):
                code.keep(register)
        yield code.program(f"multiply and divide, {number}")


def _mode_7(dice: random.Random) -> Iterator[PortProgram]:
    for number in range(12):
        code = _Writer()
        for _ in range(5):
            for value in (dice.getrandbits(8), dice.choice((0x00, 0x7F, 0x80, 0xFF, dice.getrandbits(8)))):
                code.write(0x211B, value)
            if dice.random() < 0.4:
                code.write(dice.choice((0x211D, 0x211E, 0x211F, 0x210D, 0x210E)), dice.getrandbits(8))
            for _ in range(dice.randrange(1, 3)):
                code.write(0x211C, dice.getrandbits(8))
            for register in (0x2134, 0x2135, 0x2136):
                code.keep(register)
        yield code.program(f"mode 7 multiply, {number}")


def _special(dice: random.Random) -> Iterator[PortProgram]:
    code = _Writer()
    code.write(0x2115, 0x80)
    code.word(0x2116, 0x1000)
    code.dma(0x09, 0x18, DATA + 7, 0)
    code.keep(0x4305)
    yield code.program("DMA with a count of 0, fixed")
    code = _Writer()
    code.write(0x2115, 0x80)
    code.word(0x2116, 0x2000)
    code.dma(0x01, 0x18, 0x7EFFF0, 0x40)
    code.keep(0x4303)
    code.keep(0x4304)
    yield code.program("DMA across the end of a bank")
    code = _Writer()
    code.write(0x2115, 0x80)
    code.word(0x2116, 0x0100)
    code.write(0x2121, 0x10)
    code.work(0x15000)
    for number, (control, port) in enumerate(((0x01, 0x18), (0x00, 0x22), (0x00, 0x80), (0x02, 0x18))):
        code.channel(number + 2, control, port, DATA + dice.randrange(0x400), 20 + 2 * number)
    code.write(0x420B, 0x3C)
    yield code.program("four DMA channels at once")


_SPEEDS: Final[dict[str, tuple[int, ...]]] = {
    "WRAM": (0x7E5000, 0x7F5000, 0x001000, 0x3F1000, 0x801000),
    "save RAM and what lies at $6000": (0x700010, 0x006000, 0x3F7FFE, 0x806000),
    "PPU and CPU registers": (0x2134, 0x213F, 0x802135, 0x4212, 0x4214, 0x804216),
    "serial joypads": (0x4016, 0x4017, 0x804016, 0x3F4017),
    "ROM": (DATA, DATA | 0x800000, 0x028000, 0x00FFFF, 0x40FFF0, 0xC0FFF0),
}


def _speeds(_dice: random.Random) -> Iterator[PortProgram]:
    for (name, places), fast in product(_SPEEDS.items(), (0, 1)):
        code = _Writer()
        code.write(0x420D, fast)
        for place in places:
            code.read(place)
        code.put("REP", "immediate_8", 0x20)
        for place in places:
            code.read(place)
        code.put("SEP", "immediate_8", 0x20)
        code.write(0x420D, 0)
        yield code.program(f"speed of {name}{', FastROM' * fast}")
    for fast in (0, 1):
        code, inner = _Writer(), _Writer()
        for mnemonic in ("NOP", "XBA", "INX", "PHA", "PLA", "PHX", "PLX", "CLC"):
            inner.put(mnemonic)
        inner.read(0x7E5000)
        inner.read(DATA)
        inner.read(DATA | 0x800000)
        inner.put("RTL")
        code.write(0x420D, fast)
        behind = len(code.data) + 4 + 6 + 1  # the JSL, the write of $420D and the RTL
        code.put("JSL", "absolute_long", (CODE | 0x800000) + behind)
        code.write(0x420D, 0)
        code.put("RTL")
        code.data += inner.data
        yield PortProgram(f"speed of code in bank $81{', FastROM' * fast}", bytes(code.data))


_REGISTERS: Final = (0x2115, 0x2116, 0x2117, 0x2118, 0x2119, 0x2121, 0x2122, 0x2102, 0x2103, 0x2104, 0x211B, 0x211C)
_READABLE: Final = (0x2134, 0x2135, 0x2136, 0x2138, 0x2139, 0x213A, 0x213B, 0x2180)
_PORTS: Final = (0x18, 0x18, 0x18, 0x19, 0x22, 0x04, 0x04, 0x80)


def _random_step(code: _Writer, dice: random.Random) -> None:
    kind = dice.random()
    if kind < 0.55:
        code.write(dice.choice(_REGISTERS), dice.choice((0x80, 0x00, dice.getrandbits(8), dice.getrandbits(8))))
    elif kind < 0.75:
        register = dice.choice(_READABLE)
        code.keep(register, 0x7F if register == 0x213B else 0xFF)
    elif kind < 0.85:
        code.work(dice.randrange(0x10000, 0x1FFF0))
        code.write(0x2180, dice.getrandbits(8))
    elif kind < 0.95:
        control = dice.randrange(8) | dice.choice((0, 0x08, 0x10))
        source = dice.choice((DATA + dice.randrange(0x200, 0x800), 0x7EA000 + dice.randrange(0x1000)))
        port = dice.choice(_PORTS)
        if port == 0x80:
            source, control = DATA + 0x300, control & 0x18
        code.dma(control, port, source, dice.randrange(1, 60), number=dice.randrange(8))
    else:
        control = 0x80 | dice.choice((0, 1, 2))
        code.dma(control, dice.choice((0x38, 0x39)), 0x7E9000 + dice.randrange(0x800), dice.randrange(1, 30))


def _random(dice: random.Random) -> Iterator[PortProgram]:
    for number in range(120):
        code = _Writer()
        code.work(0x18000)
        code.word(0x2102, dice.getrandbits(9))
        for register in (0x2115, 0x2116, 0x2117, 0x2121):
            code.write(register, dice.getrandbits(8))
        for register in (0x211B, 0x211B, 0x211C, 0x211C):
            code.write(register, dice.getrandbits(8))
        for _ in range(dice.randrange(20, 60)):
            _random_step(code, dice)
        yield code.program(f"random port accesses, {number}")


_KINDS: Final[tuple[Callable[[random.Random], Iterator[PortProgram]], ...]] = (
    _vram_modes,
    _vram_increments,
    _vram_reads,
    _palette,
    _sprites,
    _work_port,
    _arithmetic,
    _mode_7,
    _special,
    _speeds,
    _random,
)


def port_programs() -> Iterator[PortProgram]:
    """Yield all programs, the same each time."""
    for kind in _KINDS:
        yield from kind(random.Random(kind.__name__))
