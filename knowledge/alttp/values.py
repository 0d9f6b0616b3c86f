"""What a value of the game's memory means: `$7E0010` = 0x07 is the underworld, direction 4 is left, sword 2 the master.

`what` is an address in any spelling, a RAM name of any source, a hardware register, or a plain word (`game mode`,
`direction`, `item`, `sprite state`); `decodable` lists them. A value that no source explains is said to be not known.
"""

import re
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from knowledge.alttp.values_table import Kind, Place, ValueRow, kinds, places, rows_of
from knowledge.alttp.words import squeeze
from knowledge.snes.numerals import Numeral, read_numeral
from schemas.fact import Fact, FactKind

__all__ = ["Decodable", "Meaning", "Part", "ValueTextError", "decodable", "decode_value"]

_LONGEST = 200
_BYTE = r"(?:\$|0x)?([0-9A-Fa-f]{1,2})"
_STEPS = re.compile(rf"\s*{_BYTE}\s*[./:]\s*{_BYTE}\s*(?:[./:]\s*{_BYTE}\s*)?")
_SAVE_FILES = range(0x700000, 0x701E00)
_SAVE = 0x500  # bytes of one save file; three files, then a copy of each
_BLANK = {"ancilla", "overlord", "garnish"}
_HARDWARE = "SNES hardware, the same for every ROM"


class ValueTextError(ValueError):
    """A thing that cannot be decoded, or no value; the text names the next step."""


class Part(NamedTuple):
    """One bit or field of a value."""

    bits: str
    """`3`, `5-0`."""
    value: int
    words: str
    """What it is when set, or what its value means."""


class Meaning(NamedTuple):
    """What one value means."""

    what: str
    """The kind: `game mode`, `sprite`."""
    address: str
    """Where the game holds it: `$7E0010`; empty when none was meant."""
    place: str
    """`sprite slot 5`, `save file 1`; empty for a plain byte."""
    about: str
    """Ref of the RAM row or register: `ram:7E0010`; empty when no address was meant."""
    value: int
    width: int
    """Bits: 8 or 16."""
    known: bool
    """A source says what the value means."""
    words: str
    ref: str
    """Ref of the fact that the value is the id of: `module:07`; empty where it is none."""
    parts: tuple[Part, ...]
    """For bits: those that are set."""
    rom_version: str
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def spelled(self) -> str:
        """The kind with its place and the value: `game mode ($7E0010) = 0x07`."""
        where = ", ".join(filter(None, (self.address, self.place)))
        return f"{self.what}{f' ({where})' if where else ''} = 0x{self.value:0{self.width // 4}X}"

    def __str__(self) -> str:
        """Return it as lines of text."""
        ref = f" [{self.ref}]" if self.ref else ""
        lines = [f"{self.spelled}: {self.words}{ref}. {self.rom_version}. Sources: {', '.join(self.sources)}"]
        lines += [f"bit {part.bits} = {part.value}: {part.words}" for part in self.parts]
        return "\n".join([*lines, *self.notes])


class Decodable(NamedTuple):
    """Something that can be decoded."""

    name: str
    aliases: tuple[str, ...]
    addresses: tuple[str, ...]
    """`$7E0010`, `$7E0DD0-$7E0DDF` for an array."""
    width: int
    """Bits of a value: 8 or 16."""
    table: str
    """Kind of fact whose ids the values are; empty for words and bits of its own."""


class _Asked(NamedTuple):
    kind: Kind
    address: int | None
    place: str


def decodable() -> tuple[Decodable, ...]:
    """Return all that `decode_value` knows, beside the hardware registers."""
    return tuple(
        Decodable(
            kind.name, kind.aliases, tuple(_span(kind, place) for place in kind.places), kind.width, kind.rows or ""
        )
        for kind in kinds()
    )


def decode_value(what: str | int, value: str | int) -> Meaning:
    """Return what a value means; ValueTextError when `what` is not known or the value does not fit it.

    A value is a number in any spelling; for modules also `07.02`, the submodule behind the module, and `07.01.00`, the
    step of it in $7E00B0 behind that.
    """
    text = f"${what:04X}" if isinstance(what, int) else what.strip()
    if len(text) > _LONGEST or (isinstance(value, str) and len(value) > _LONGEST):
        raise ValueTextError(f"ask with at most {_LONGEST} characters: an address, a name or a word, and a number")
    asked = _asked(text)
    if isinstance(asked, str):
        return _register(asked, value)
    steps = _STEPS.fullmatch(value) if isinstance(value, str) and asked.kind.how in ("module", "submodule") else None
    if steps:
        third = f"{int(steps[3], 16):02X}" if steps[3] else ""
        return _meaning(asked, int(steps[1], 16) | int(steps[2], 16) << 8, 16, (), third=third)
    number = Numeral(value, 8, "") if isinstance(value, int) else read_numeral(value)
    if number is None or number.value < 0:
        raise ValueTextError(f"no number in {str(value)[:40]!r}; write $07, 0x07, %00000111 or 7")
    guessed = number.guessed == "decimal" and number.value > 9
    notes = (f"{value} is read as a decimal number; write ${value} for hexadecimal.",) if guessed else ()
    return _meaning(asked, number.value, 16 if number.value > 0xFF else asked.kind.width, notes)


def _span(kind: Kind, place: Place) -> str:
    size = place.slots * kind.width // 8
    first = f"${place.address:06X}"
    return first if size == kind.width // 8 else f"{first}-${place.address + size - 1:06X}"


@cache
def _names() -> dict[str, Kind]:
    out: dict[str, Kind] = {}
    for kind in kinds():
        for name in (kind.name, *kind.aliases):
            out.setdefault(squeeze(name), kind)
    return out


@cache
def _ram_names() -> dict[str, int]:
    """Return the addresses that can be decoded by every name of their RAM rows."""
    out: dict[str, int] = {}
    for address in places():
        fact = _fact("ram", f"{address:06X}")
        for name in (fact.name, *(alias.partition(" (")[0] for alias in fact.aliases)) if fact else ():
            out.setdefault(squeeze(name), address)
    return out


def _fact(kind: FactKind, key: str) -> Fact | None:
    from knowledge.alttp.tables import fact, tables

    table = tables()[kind]
    number = table.find(key)
    return fact(table, table.rows[number]) if number >= 0 else None


def _asked(text: str) -> _Asked | str:
    """Return what is meant: a kind with its place, or the name of a hardware register."""
    from knowledge.snes.addresses import AddressError, fold, read_address
    from knowledge.snes.registers import find_register

    plain = re.sub(r"(?i)^(?:ram:|link's |current |the )+", "", text) or text
    kind = _names().get(squeeze(text)) or _names().get(squeeze(plain))
    if kind:
        place = kind.places[0]
        return _Asked(kind, place.address if place.slots == 1 else None, "")
    address = _ram_names().get(squeeze(plain))
    if address is None:
        register = find_register(plain)
        if register is not None:
            return register.name
        try:
            found = read_address(plain)
        except AddressError:
            raise ValueTextError(_unknown(text)) from None
        address = -1 if found.pc else fold(found.value)
    return _at(address, text)


def _at(address: int, text: str) -> _Asked | str:
    """Return what is held at an address, in a save file too; a queue of a register is that register."""
    place = ""
    if address in _SAVE_FILES:
        number, offset = divmod(address - _SAVE_FILES.start, _SAVE)
        place, address = f"save file {number % 3 + 1}{', copy' if number > 2 else ''}", 0x7EF000 + offset
    known = places().get(address)
    if known is None:
        before = places().get(address - 1)
        if before and before[0].width == 16:
            raise ValueTextError(f"{text} is the high byte of {before[0].name}: ask with ${address - 1:06X}")
        queue = _queues().get(address)
        if queue:
            return queue
        raise ValueTextError(_unknown(text))
    kind, held, slot = known
    if held.slots > 1:
        slot_name = f"{kind.name} {slot + 1}" if kind.name == "bottle" else f"slot {slot}"
        if kind.name in ("room flags", "overworld flags"):
            slot_name = f"{kind.name.removesuffix(' flags')} 0x{slot:02X}"
        place = f"{place}, {slot_name}" if place else slot_name
    return _Asked(kind, address, place)


@cache
def _queues() -> dict[int, str]:
    from knowledge.snes.registers import registers

    return {int(row.queued_at[1:], 16): row.name for row in registers() if row.queued_at}


def _unknown(text: str) -> str:
    names = [*dict.fromkeys(name for kind in kinds() for name in (kind.name, *kind.aliases))]
    near = get_close_matches(text.lower()[:40], names, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(near)}?" if near else "ask with a word like `game mode`, `direction`, `item`"
    return f"no values are known for {text[:60]!r}; {hint}"


def _register(name: str, value: str | int) -> Meaning:
    from knowledge.snes.register_text import decode_value as decode_register

    found = decode_register(name, value)
    parts = tuple(Part(part.bits, part.value, part.phrase) for part in found.fields)
    row = found.register
    return Meaning(
        what=row.name,
        address=row.spelled,
        place="",
        about=f"register:{row.address:04X}",
        value=found.value,
        width=found.width,
        known=True,
        words=found.summary,
        ref="",
        parts=parts,
        rom_version=_HARDWARE,
        sources=row.sources,
        notes=found.notes,
    )


def _meaning(asked: _Asked, value: int, width: int, notes: tuple[str, ...], *, third: str = "") -> Meaning:
    kind = asked.kind
    module = kind.how in ("module", "submodule")
    if value > 0xFFFF or (width == 16 and kind.width == 8 and not module):
        raise ValueTextError(f"0x{value:X} does not fit {kind.name}, which has {kind.width // 8} byte(s)")
    said = (
        _modules(kind, value, width, third) if module else _by_row(kind, value) if kind.rows else _by_words(kind, value)
    )
    row = _fact("ram", f"{kind.places[0].address if asked.address is None else asked.address:06X}")
    return Meaning(
        what=kind.name,
        address=f"${asked.address:06X}" if asked.address is not None else "",
        place=asked.place,
        about=row.ref if row and asked.address is not None else "",
        value=value,
        width=width,
        known=said.known,
        words=said.words,
        ref=said.ref,
        parts=said.parts,
        rom_version=row.rom_version if row and not _in_array(kind, asked.address) else _of_place(kind),
        sources=said.sources or kind.sources,
        notes=(*notes, *((f"{kind.note}.",) if kind.note else ())),
    )


def _in_array(kind: Kind, address: int | None) -> bool:
    """Tell whether an address is a later slot of the kind's first array, which is held there as the first slot is."""
    first = kind.places[0]
    return address is not None and first.address < address < first.address + first.slots * kind.width // 8


def _of_place(kind: Kind) -> str:
    """Return the ROM versions of the first byte of the kind: the slots of an array need no rows of their own."""
    row = _fact("ram", f"{kind.places[0].address:06X}")
    return row.rom_version if row else "ROM version not confirmed"


class _Said(NamedTuple):
    known: bool
    words: str
    ref: str = ""
    parts: tuple[Part, ...] = ()
    sources: tuple[str, ...] = ()


_NOTHING = _Said(known=False, words="not a known value")


def _by_row(kind: Kind, value: int) -> _Said:
    if kind.how == "effect":
        return _effect(kind, value)
    table: FactKind = kind.rows or "ram"
    if value == 0 and kind.name in _BLANK:
        return _Said(known=True, words="empty slot")
    if value == 0 and kind.name == "song":
        return _Said(known=True, words="nothing is asked for")
    fact = _fact(table, f"{value:03X}" if table == "room" else f"{value:02X}")
    if fact is None:
        return _NOTHING
    return _Said(known=True, words=fact.name or "a known id without a name", ref=fact.ref, sources=fact.sources)


def _effect(kind: Kind, value: int) -> _Said:
    """Say a sound effect and the side it comes from; source of the sides: CalculateSfxPan of zelda3."""
    number, side = value & 0x3F, ("", ", from the right", ", from the left", ", on both bits of the side")[value >> 6]
    if number == 0:
        return _Said(known=value == 0, words="nothing is asked for")
    fact = _fact("song", f"{kind.prefix}{number:02X}")
    if fact is None:
        return _NOTHING
    words = (fact.name or "a known effect without a name") + side
    return _Said(known=value < 0xC0, words=words, ref=fact.ref, sources=fact.sources)


def _modules(kind: Kind, value: int, width: int, third: str) -> _Said:
    if width == 8 and kind.how == "submodule":
        return _Said(known=False, words="depends on the module; give both, as 07.02")
    keys = [f"{value & 0xFF:02X}", *([f"{value >> 8:02X}"] if width == 16 else []), *([third] if third else [])]
    said = _Said(known=False, words="")
    for depth, (level, key) in enumerate(zip(("module", "submodule", "step"), keys, strict=False), start=1):
        fact = _fact("module", ".".join(keys[:depth]))
        if fact is None:
            if depth == 1:
                return _NOTHING
            return said._replace(known=False, words=f"{said.words}, {level} 0x{key}, which is not known")
        words = fact.name if len(keys) == 1 else f"{level} 0x{key} {fact.name}"
        words = f"{said.words}, {words}" if depth > 1 else words
        said = _Said(known=True, words=words, ref=fact.ref, sources=fact.sources)
    return said


def _by_words(kind: Kind, value: int) -> _Said:
    rows = rows_of(kind)
    if kind.how == "bits":
        return _by_bits(rows, value)
    for row in rows:
        if row.low <= value <= row.high:
            words = row.words.format(n=value, eighth=f"{value / 8:g}", above=value + 1, below=256 - value)
            return _Said(known=True, words=words, sources=row.sources)
    return _NOTHING


def _by_bits(rows: tuple[ValueRow, ...], value: int) -> _Said:
    parts: list[Part] = []
    owned = 0
    for row in rows:
        owned |= row.mask
        part = (value & row.mask) >> row.shift
        if row.low <= part <= row.high:
            words = row.words if row.low == row.high else f"{row.words} 0x{part:02X}"
            parts.append(Part(row.bits, part, words))
    words = ", ".join(part.words for part in parts) or "no bit is set"
    rest = value & ~owned
    if rest:
        words += f"; not known: 0x{rest:02X}"
    return _Said(known=not rest, words=words, parts=tuple(parts), sources=rows[0].sources)
