"""Homebrew ROMs for the emulator: a small assembler over the opcode table, and a LoROM image with its header.

The image is 2 MiB with 128 KiB of save RAM declared, of which the emulator shows 32 KiB in each of banks $70 and $71;
what a ROM wants to tell the host it writes there. Page $FF of bank $00 is the same in every image, so that cases
may read it; it holds the header and the vectors, and each vector leads to a handler of its own.
"""

from typing import Final

from knowledge.m65816.opcodes import Mode, find

__all__ = ["BANKS_TABLE", "HANDLERS", "LAST_PAGE", "POINTERS", "SAVED", "Code", "Image", "pattern", "save_offset"]

SAVED: Final = 0x10000
"""Bytes that a ROM can hand over in save RAM."""
BANKS_TABLE: Final = 0xFD00
"""In bank $00: the bytes $00 to $FF, from which PLB can pull any bank without touching RAM."""
HANDLERS: Final[dict[str, int]] = {
    "cop": 0xFE00,
    "brk": 0xFE08,
    "nmi": 0xFE10,
    "irq": 0xFE18,
    "cop_e": 0xFE20,
    "nmi_e": 0xFE28,
    "irq_e": 0xFE30,
}
"""Address in bank $00 that each vector leads to; `_e`: in emulation mode, where BRK shares the vector of IRQ."""
POINTERS: Final[dict[int, int]] = {address: 0x1FE0 + 3 * row for row, address in enumerate(HANDLERS.values())}
"""Where in low RAM each handler finds the 24-bit address that it jumps to."""
_VECTORS: Final[dict[int, str]] = {
    0xFFE4: "cop",
    0xFFE6: "brk",
    0xFFEA: "nmi",
    0xFFEE: "irq",
    0xFFF4: "cop_e",
    0xFFFA: "nmi_e",
    0xFFFE: "irq_e",
}
_BOOT: Final = 0x8000
_BANK: Final = 0x8000
_SIZE: Final = 0x200000


def pattern(offset: int) -> int:
    """Return the byte that an untouched place holds: WRAM by its offset, page $FF by its address."""
    return (offset * 0x9D ^ offset >> 5 ^ 0x5A) & 0xFF


def _last_page() -> bytes:
    page = bytearray(pattern(0xFF00 + index) for index in range(0x100))
    page[0xC0:0xD5] = b"AFS SECOND ORACLE".ljust(21)
    page[0xD5:0xE0] = bytes((0x20, 0x02, 0x0B, 0x07, 0x01, 0x33, 0x00, 0x00, 0x00, 0xFF, 0xFF))
    for address, name in _VECTORS.items():
        page[address - 0xFF00 : address - 0xFEFE] = HANDLERS[name].to_bytes(2, "little")
    page[0xFC:0xFE] = _BOOT.to_bytes(2, "little")
    return bytes(page)


LAST_PAGE: Final = _last_page()
"""Bytes of $00FF00 to $00FFFF in every image."""


def save_offset(address: int) -> int:
    """Return where in the host's view of save RAM the byte at a SNES address in banks $70 and $71 lies."""
    return address & 0x1FFFF


class Code:
    """Machine code under construction. `m` and `x` are the widths at this point: how long an immediate is."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.m = 1
        self.x = 1

    def put(self, mnemonic: str, mode: Mode = "implied", operand: int = 0) -> None:
        """Append one instruction; SEP and REP also change the widths that follow."""
        row = find(mnemonic, mode)
        if row is None:
            raise ValueError(f"no {mnemonic} {mode} in the opcode table")
        size = row.length(self.m, self.x) - 1
        self.data += bytes((row.code,)) + (operand & (1 << 8 * size) - 1).to_bytes(size, "little")
        if mnemonic in ("SEP", "REP"):
            bit = int(mnemonic == "SEP")
            self.m = bit if operand & 0x20 else self.m
            self.x = bit if operand & 0x10 else self.x

    def load(self, value: int) -> None:
        """LDA #value."""
        self.put("LDA", "immediate_m", value)

    def read(self, address: int) -> None:
        """LDA.l address."""
        self.put("LDA", "absolute_long", address)

    def store(self, address: int) -> None:
        """STA.l address."""
        self.put("STA", "absolute_long", address)

    def write(self, address: int, value: int) -> None:
        """LDA #value, STA.l address."""
        self.load(value)
        self.store(address)


class Image:
    """A ROM under construction: blocks of code are placed one after another, none across a bank's end."""

    def __init__(self) -> None:
        self.data = bytearray(b"\xff" * _SIZE)
        self.data[0x7F00:0x8000] = LAST_PAGE
        self.data[BANKS_TABLE - _BANK : BANKS_TABLE - _BANK + 0x100] = bytes(range(0x100))
        for address, pointer in POINTERS.items():
            self.data[address - _BANK : address - _BANK + 3] = bytes((0xDC, pointer & 0xFF, pointer >> 8))
        self._next = _BANK  # bank $00 is kept for the boot code and the tables
        self._link = 0

    def room(self, size: int) -> int:
        """Return the SNES address at which a block of this size will stand. Raises ValueError when the ROM is full."""
        if self._next % _BANK + size > _BANK:
            self._next += _BANK - self._next % _BANK
        if self._next + size > _SIZE:
            raise ValueError("the ROM is full: put fewer cases into one")
        return self._next // _BANK << 16 | 0x8000 | self._next % _BANK

    def place(self, block: bytes) -> int:
        """Put a block where `room` said; return its SNES address."""
        address = self.room(len(block))
        self.data[self._next : self._next + len(block)] = block
        self._next += len(block)
        return address

    def boot(self, code: bytes) -> None:
        """Put the code that runs at power-on, in emulation mode."""
        self.data[: len(code)] = code
