"""The internal header of a SNES ROM: read, found, and its checksum computed and verified.

Source of the fields: the ROM header page of the snesdev wiki. All offsets and images are without copier header.
"""

from typing import NamedTuple

from knowledge.snes.mapping import Mapper, pc_offset

__all__ = [
    "HEADER_SIZE",
    "Checksum",
    "Guess",
    "Header",
    "checksum_of",
    "compute_checksum",
    "find_mapper",
    "headed",
    "read_header",
]

HEADER_SIZE = 0x40
"""Bytes from $00FFC0 to $00FFFF: the header and the vectors."""
_SMALLEST = 0x8000
_COUNTRIES = (
    "Japan", "USA and Canada", "Europe", "Sweden", "Finland", "Denmark", "France", "Netherlands", "Spain", "Germany",
    "Italy", "China", "Indonesia", "South Korea", "international", "Canada", "Brazil", "Australia",
)  # fmt: skip
_CANDIDATES: tuple[Mapper, ...] = ("lorom", "hirom", "exlorom", "exhirom", "sa1rom", "sfxrom")
_MODES: dict[int, Mapper] = {0: "lorom", 1: "hirom", 2: "exlorom", 3: "sa1rom", 5: "exhirom"}
_FIRST_OPCODES = frozenset((0x78, 0x18, 0x38, 0x5C, 0x4C, 0xC2, 0xE2, 0x9C, 0xA9, 0xA2, 0x80, 0x20, 0x22))
_BAD_OPCODES = frozenset((0x00, 0x02, 0xDB, 0x42, 0xFF, 0x40, 0x60, 0x6B))


class Checksum(NamedTuple):
    """What the header says, and what it should say."""

    stored: int
    complement: int
    computed: int
    by_asar: int
    """What asar 1.91 writes: the same, but for sizes that are a sum of three powers of two or more."""

    @property
    def ok(self) -> bool:
        """Whether both stored words fit the ROM, by one of the two ways to add it up."""
        return self.stored in (self.computed, self.by_asar) and self.stored ^ self.complement == 0xFFFF


class Header(NamedTuple):
    """The internal header, as the bytes say."""

    offset: int
    """Of the title in the ROM file."""
    title: str
    map_mode: int
    chipset: int
    rom_size: int
    """Bytes that the size byte stands for; 0 when it makes no sense."""
    sram_size: int
    """Bytes of cartridge RAM; 0: none."""
    country: str
    maker: int
    version: int
    stored_checksum: int
    stored_complement: int
    nmi: int
    """Native NMI vector."""
    reset: int
    """Emulation RESET vector: where the program starts, in bank $00."""
    irq: int
    """Native IRQ vector."""

    @property
    def fast_rom(self) -> bool:
        """Whether the map mode asks for FastROM."""
        return bool(self.map_mode & 0x10)


class Guess(NamedTuple):
    """The mapper that a ROM most likely has."""

    mapper: Mapper
    score: float
    """0 to 1."""
    evidence: tuple[str, ...]


def _word(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "little")


def _size(exponent: int) -> int:
    return 1024 << exponent if 0 < exponent <= 14 else 0


def read_header(rom: bytes, mapper: Mapper) -> Header | None:
    """Return the header where the mapper has it; None when the ROM is too short."""
    offset = pc_offset(0x00FFC0, mapper)
    if offset is None or len(rom) < offset + HEADER_SIZE:
        return None
    data = rom[offset : offset + HEADER_SIZE]
    country = data[0x19]
    return Header(
        offset=offset,
        title="".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data[:21]).rstrip(),
        map_mode=data[0x15],
        chipset=data[0x16],
        rom_size=_size(data[0x17]),
        sram_size=_size(data[0x18]),
        country=_COUNTRIES[country] if country < len(_COUNTRIES) else f"unknown (${country:02X})",
        maker=data[0x1A],
        version=data[0x1B],
        stored_complement=_word(data, 0x1C),
        stored_checksum=_word(data, 0x1E),
        nmi=_word(data, 0x2A),
        reset=_word(data, 0x3C),
        irq=_word(data, 0x2E),
    )


def headed(rom: bytes, mapper: Mapper) -> bool:
    """Say whether a ROM has an internal header: a title of text, or a checksum with its complement."""
    header = read_header(rom, mapper)
    if header is None:
        return False
    title = rom[header.offset : header.offset + 21]
    text = all(0x20 <= byte < 0x7F or 0xA1 <= byte < 0xE0 for byte in title)
    return text or header.stored_checksum ^ header.stored_complement == 0xFFFF


def _filled(data: bytes) -> int:
    """Return the sum of the bytes, mirrored up to the next power of two as the cartridge's chips show them."""
    size = len(data)
    if size & (size - 1) == 0:
        return sum(data)
    large = 1 << size.bit_length() - 1
    rest = size - large
    times = large // (1 << (rest - 1).bit_length())
    return sum(data[:large]) + times * _filled(data[large:])


def _neutral(rom: bytes, mapper: Mapper) -> bytes:
    """Return the ROM with $1FE for the four bytes of the checksum."""
    offset = pc_offset(0x00FFDC, mapper)
    if offset is None or len(rom) < offset + 4:
        return rom
    return rom[:offset] + b"\xff\xff\x00\x00" + rom[offset + 4 :]


def compute_checksum(rom: bytes, mapper: Mapper) -> int:
    """Return the checksum that the header should have: all bytes added, 16 bits, its own four counted as $1FE.

    A size that is no power of two is mirrored up, part by part.
    """
    return _filled(_neutral(rom, mapper)) & 0xFFFF


def _asar_sum(rom: bytes) -> int:
    """Return the checksum as asar 1.91 adds it up: all behind the largest power of two counts as one part."""
    large = 1 << len(rom).bit_length() - 1
    rest = len(rom) - large
    return sum(rom[:large]) + (large // rest * sum(rom[large:]) if rest else 0) & 0xFFFF


def checksum_of(rom: bytes, mapper: Mapper) -> Checksum | None:
    """Return the stored and the computed checksum; None when the ROM is too short for a header."""
    header = read_header(rom, mapper)
    if header is None:
        return None
    neutral = _neutral(rom, mapper)
    return Checksum(header.stored_checksum, header.stored_complement, _filled(neutral) & 0xFFFF, _asar_sum(neutral))


def find_mapper(rom: bytes) -> Guess:
    """Return the mapper whose header is the most likely one. With no evidence it is lorom, with score 0."""
    guesses = [_scored(rom, mapper) for mapper in _CANDIDATES]
    return max(guesses, key=lambda guess: guess.score)


def _scored(rom: bytes, mapper: Mapper) -> Guess:
    header = read_header(rom, mapper)
    if header is None or len(rom) < _SMALLEST:
        return Guess(mapper, 0.0, ())
    title = rom[header.offset : header.offset + 21]
    start = pc_offset(header.reset, mapper) if header.reset >= 0x8000 else None
    first = rom[start] if start is not None and start < len(rom) else -1
    checks = (
        (4, header.stored_checksum ^ header.stored_complement == 0xFFFF, "checksum and complement fit together"),
        (3, _mode_says(header) == mapper, f"map mode ${header.map_mode:02X}"),
        (2, all(0x20 <= byte < 0x7F for byte in title) and title.strip() != b"", "title is text"),
        (2, first in _FIRST_OPCODES, "RESET leads to code"),
        (1, first not in _BAD_OPCODES and first >= 0, "RESET leads into ROM"),
        (1, header.rom_size > 0 and header.rom_size >= len(rom) // 2, "size byte fits the file"),
    )
    score = sum(weight for weight, holds, _ in checks if holds)
    return Guess(
        mapper, score / sum(weight for weight, _, _ in checks), tuple(why for _, holds, why in checks if holds)
    )


def _mode_says(header: Header) -> Mapper | None:
    """Return the mapper that map mode and chipset name."""
    if header.map_mode & 0xE0 != 0x20:
        return None
    if header.map_mode & 0x0F == 0 and header.chipset & 0xF0 == 0x10 and header.chipset & 0x0F >= 3:
        return "sfxrom"
    return _MODES.get(header.map_mode & 0x0F)
