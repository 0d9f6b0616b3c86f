"""The bit fields of the hardware registers, and what a value means in each: `$2100=$8F` is forced blank, brightness 15.

Fields come from the `bits` column of `registers.csv`; the words for their values from `register_values.csv`, whose
`sources` are `anomie` (anomie's SNES register document) and `ports` (the port models of `knowledge.m65816`, which rest
on bsnes). Words in braces there take numbers: `{n}` the value, masked, multiplied and added to as the `value` column
says (`[lowest-highest][&mask][*factor][+addend]`, decimal), `{twice}` that times two, `{signed}`, `{fixed}` signed 8.8,
`{bits}` the numbers of the set bits, `{port}` a register of the B bus, `{low}`, `{high}`, `{product}` of two bytes.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from knowledge.snes.registers import Register, register_at

__all__ = ["BitField", "Decoded", "DecodedField", "Use", "decode", "encode", "fields"]

Use = Literal["any", "read", "write"]
"""What was done with the register: a read, a write, or not said."""

_TABLE = Path(__file__).resolve().parent / "register_values.csv"
_SPAN = re.compile(r"(\d+)(?:-(\d+))? (\w+): (.*)")
_VALUE = re.compile(r"(?:(\d+)(?:-(\d+))?|\*?)(?:&(\d+))?(?:\*(\d+))?(?:\+(\d+))?")


class BitField(NamedTuple):
    """Some bits of a register that mean one thing."""

    high: int
    low: int
    """The first and the last bit, 15 to 0."""
    name: str
    meaning: str

    @property
    def bits(self) -> str:
        """The bits as the table writes them: `7`, `3-0`."""
        return str(self.high) if self.high == self.low else f"{self.high}-{self.low}"

    @property
    def width(self) -> int:
        """How many bits."""
        return self.high - self.low + 1

    @property
    def mask(self) -> int:
        """The bits as a number that has them set."""
        return (1 << self.width) - 1 << self.low

    def of(self, value: int) -> int:
        """Return the field's part of a value of the register."""
        return (value & self.mask) >> self.low

    @property
    def label(self) -> str:
        """The name in plain words: `forced blank`."""
        return self.name.replace("_", " ")


class DecodedField(NamedTuple):
    """One field and what it holds."""

    register: str
    """`$2100`."""
    bits: str
    name: str
    value: int
    words: str
    """What this value means; empty where the number says it all."""
    meaning: str
    """What the field is, whatever its value."""

    @property
    def phrase(self) -> str:
        """The field in a few words: `forced blank on (the picture is off)`, `brightness 15 (full)`."""
        label = self.name.replace("_", " ")
        if "-" not in self.bits:
            plain = not self.words or self.words.startswith(("on", "off"))
            return f"{label} {self.words or ('on' if self.value else 'off')}" if plain else f"{label}: {self.words}"
        high, _, low = self.bits.partition("-")
        number = f"${self.value:02X}" if int(high) - int(low) >= 7 else str(self.value)
        return f"{label} {number} ({self.words})" if self.words else f"{label} {number}"


class Decoded(NamedTuple):
    """What a value means in a register, or in a register and the one after it."""

    register: Register
    value: int
    width: int
    """Bits of the value: 8 or 16."""
    fields: tuple[DecodedField, ...]
    together: str
    """What two bytes mean together: `VRAM word address $6000, byte $C000`."""
    unused: int
    """Bits that are set and mean nothing."""
    notes: tuple[str, ...]
    """What else is to be known: a write to a read-only register, how two writes combine."""

    @property
    def spelled(self) -> str:
        """The register with the value: `INIDISP ($2100) = $8F`."""
        return f"{self.register.name} ({self.register.spelled}) = ${self.value:0{self.width // 4}X}"

    @property
    def summary(self) -> str:
        """The meaning in one line: fields that say something first, then the flags that are off."""
        off = [field.name.replace("_", " ") for field in self.fields if field.phrase.endswith(" off")]
        said = [field.phrase for field in self.fields if not field.phrase.endswith(" off")]
        parts = [self.together] if self.together else []
        parts += [", ".join(said)] if said else []
        parts += [f"off: {', '.join(off)}"] if off else []
        parts += [f"unused bits set: ${self.unused:0{self.width // 4}X}"] if self.unused else []
        return "; ".join(parts) or "nothing is set"

    def __str__(self) -> str:
        """Return all that is known as lines of text."""
        lines = [f"{self.spelled}: {self.summary}", f"{self.register.description} ({self.register.subsystem})"]
        several = len({field.register for field in self.fields}) > 1
        for field in self.fields:
            where = f"{field.register} bit" if several else "bit"
            words = f" = {field.words}" if field.words else ""
            lines.append(f"{where} {field.bits} {field.name} = {field.value}{words} [{field.meaning}]")
        return "\n".join([*lines, *self.notes])


class _Words(NamedTuple):
    lowest: int
    highest: int
    mask: int
    factor: int
    addend: int
    words: str


@cache
def fields(register: Register) -> tuple[BitField, ...]:
    """Return the bit fields of a register, the highest first; ValueError when its `bits` cannot be read."""
    out: list[BitField] = []
    for text in register.bits:
        match = _SPAN.fullmatch(text)
        if match is None:
            raise ValueError(f"{register.spelled}: no bit field in {text!r}; write `7-4 name: meaning`")
        high = int(match[1])
        out.append(BitField(high, int(match[2] or high), match[3], match[4]))
    return tuple(out)


def _addresses(cell: str) -> Iterator[int]:
    """Give the addresses of a `registers` cell: `$2100`, `$2107-$210A`, `$43x0`, parted by bars."""
    for part in cell.split("|"):
        first, _, last = part.replace("$", "").partition("-")
        if "x" in first:
            yield from (int(first.replace("x", str(channel)), 16) for channel in range(8))
        else:
            yield from range(int(first, 16), int(last or first, 16) + 1)


@cache
def _words() -> Mapping[tuple[int, str], tuple[_Words, ...]]:
    out: dict[tuple[int, str], list[_Words]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            match = _VALUE.fullmatch(row["value"])
            if match is None:
                raise ValueError(f"register_values.csv: no value in {row['value']!r}")
            low, high, mask, factor, addend = match.groups()
            lowest = int(low or 0)
            highest = int(high or low) if low else 0xFFFF
            words = _Words(lowest, highest, int(mask or 0xFFFF), int(factor or 1), int(addend or 0), row["words"])
            for address in _addresses(row["registers"]):
                for name in row["field"].split("|"):
                    out.setdefault((address, name), []).append(words)
    return {key: tuple(rows) for key, rows in out.items()}


def _say(address: int, name: str, value: int, bits: int) -> str:
    """Return the words for a value of a field, or of two bytes together; empty where the table has none."""
    for row in _words().get((address, name), ()):
        if row.lowest <= value <= row.highest:
            return row.words.format(**_numbers(row, value, bits)) if "{" in row.words else row.words
    return ""


def _numbers(row: _Words, value: int, bits: int) -> dict[str, int | str]:
    n = (value & row.mask) * row.factor + row.addend
    signed = (value ^ 1 << bits - 1) - (1 << bits - 1)
    port = register_at(0x2100 | value & 0xFF)
    return {
        "n": n,
        "twice": 2 * n,
        "signed": signed,
        "fixed": f"{signed / 256:g}",
        "bits": ", ".join(str(bit) for bit in range(bits) if value >> bit & 1),
        "port": f"${0x2100 | value & 0xFF:04X}" + (f", {port.name}: {port.description}" if port else ", no register"),
        "low": value & 0xFF,
        "high": value >> 8,
        "product": (value & 0xFF) * (value >> 8),
    }


def _decoded(register: Register, value: int) -> Iterator[DecodedField]:
    for field in fields(register):
        part = field.of(value)
        words = _say(register.address, field.name, part, field.width)
        yield DecodedField(register.spelled, field.bits, field.name, part, words, field.meaning)


def _unused(register: Register, value: int) -> int:
    for field in fields(register):
        value &= ~field.mask
    return value


def decode(register: Register, value: int, *, width: int = 0, use: Use = "any", store: bool = False) -> Decoded:
    """Return what a value means in a register: 0 to 255, or 0 to 65,535 for two bytes.

    `width` is 8 or 16 bits, 0 for what the value and the register need. Two bytes are the contents of a write-twice or
    read-twice register, low byte first, else of this register and the next. With `store` they are what one 16-bit store
    writes: the low byte here, the high byte in the next register, whatever the register. ValueError for other values.
    """
    if not 0 <= value <= 0xFFFF or width not in (0, 8, 16) or (width == 8 and value > 0xFF):
        raise ValueError(f"{value} does not fit {register.name}; give one byte (0-255) or two (0-65535)")
    twice = register.width == 2 and not (store and (width == 16 or value > 0xFF))
    bits = width or (16 if value > 0xFF or twice else 8)
    notes = list(_access(register, use))
    if twice:
        notes += _twice(register, bits, value)
        parts = tuple(_decoded(register, value))
        return Decoded(register, value, bits, parts, "", _unused(register, value), tuple(notes))
    low, high = value & 0xFF, value >> 8
    found, unused, together = list(_decoded(register, low)), _unused(register, low), ""
    if register.width == 2:
        unused, found = 0, []
    if bits == 16:
        following = register_at(register.address + 1)
        together = _say(register.address, "= 2", value, 16) or _each(register, following, low, high)
        notes += _behind(register, following, high)
        if following is not None and following.width == 1:
            found += _decoded(following, high)
            unused |= _unused(following, high) << 8
    return Decoded(register, value, bits, tuple(found), together, unused, tuple(notes))


def _access(register: Register, use: Use) -> Iterator[str]:
    if use == "write" and not register.writable:
        yield f"{register.name} ({register.spelled}) is read-only: a write to it does nothing."
    if use == "read" and not register.readable:
        yield f"{register.name} ({register.spelled}) is write-only: a read gives open bus, not its value."


def _twice(register: Register, bits: int, value: int) -> Iterator[str]:
    way, verb = ("read", "read") if register.width_note == "read twice" else ("write", "written")
    if bits == 8:
        yield f"One {way} of two: ${value:02X} is taken as the low byte, with the high byte 0."
    yield f"{register.name} is {verb} twice through {register.spelled}, low byte first, then high byte."
    if way == "write":
        yield f"A 16-bit store does not do that: its high byte goes to ${register.address + 1:04X}."


def _each(register: Register, following: Register | None, low: int, high: int) -> str:
    """Return where the two bytes go when one of the registers takes two writes."""
    if register.width == 1 and (following is None or following.width == 1):
        return ""
    return f"${low:02X} to {register.name}, ${high:02X} to {following.name if following else 'nothing'}"


def _behind(register: Register, following: Register | None, high: int) -> Iterator[str]:
    place, first = f"${register.address + 1:04X}", f"{register.name} ({register.spelled})"
    if following is None:
        yield f"The high byte ${high:02X} goes to {place}, where no register is."
    else:
        yield f"Two bytes: the low one is for {first}, the high one for {following.name} ({place})."
    for one in (register, following):
        if one is not None and one.width == 2:
            way = one.width_note.replace("write", "written")
            yield f"{one.name} ({one.spelled}) is {way}: this is one byte of two."


def encode(register: Register, values: Mapping[str, int]) -> int:
    """Return the value of a register with these fields and all others 0; ValueError for a wrong field or value."""
    known = {field.name.lower(): field for field in fields(register)}
    out = 0
    for name, part in values.items():
        field = known.get(name.strip().lower().replace(" ", "_"))
        if field is None:
            names = ", ".join(field.name for field in fields(register))
            raise ValueError(f"{register.name} has no field {name[:40]!r}; it has {names}")
        if not 0 <= part < 1 << field.width:
            raise ValueError(f"{part} does not fit {register.name}'s {name}; it takes 0 to {(1 << field.width) - 1}")
        out |= part << field.low
    return out
