"""The tools that say what a value means: in a hardware register, in the game's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.work import told

if TYPE_CHECKING:
    from knowledge.alttp.values import Meaning
    from knowledge.snes.bit_fields import BitField, Decoded
    from knowledge.snes.registers import Register

__all__ = ["offer_decoding"]

_LONGEST = 200
_MOST_ASKED = 12


class RegisterField(Frozen):
    """One bit field of a register, and what it holds when a value was given."""

    address: str = Field(description="$2100: of a 16-bit value also the next register")
    bits: str
    name: str
    meaning: str
    value: int = Field(default=-1, description="what it holds; -1: no value was given")
    words: str = Field(default="", description="what that means, where the number does not say it")


class DescribedRegister(Frozen):
    """What `describe_register` returns."""

    address: str
    name: str
    aliases: tuple[str, ...]
    description: str
    access: str = Field(description="r, w or rw, and when: any, vblank, fblank, hblank")
    subsystem: str
    value: str = Field(default="", description="the value that was given, in hexadecimal")
    summary: str = Field(default="", description="what it means, in one line")
    fields: tuple[RegisterField, ...]
    notes: tuple[str, ...] = ()
    draft: bool = Field(description="the bit fields have not been compared with other sources")
    sources: tuple[str, ...]

    def as_text(self) -> str:
        """Return the meaning first, then the register and its fields."""
        head = [f"{self.name} ({self.address}) = {self.value}: {self.summary}"] if self.value else []
        also = f", also {', '.join(self.aliases)}" if self.aliases else ""
        head.append(f"{self.address} {self.name}{also}: {self.description} ({self.subsystem}; {self.access})")
        lines = [
            f"{field.address} bit {field.bits} {field.name}"
            + (f" = {field.value}" if field.value >= 0 else "")
            + (f" {field.words}" if field.words else "")
            + f" [{field.meaning}]"
            for field in self.fields
        ]
        trust = f"Sources: {', '.join(self.sources)}" + (" (draft)" if self.draft else "")
        return "\n".join([*head, *lines, *self.notes, trust])


class ValuePart(Frozen):
    """One bit or field of a value."""

    bits: str
    value: int
    words: str


class DecodedValue(Frozen):
    """What `decode_value` returns."""

    what: str
    address: str = Field(description="where the game holds it: $7E0010; empty when no address was meant")
    place: str = Field(description="sprite slot 5 and the like; empty for a plain byte")
    value: int
    known: bool = Field(description="a source says what the value means")
    words: str
    ref: str = Field(description="the fact that the value is the id of: module:07")
    parts: tuple[ValuePart, ...]
    rom_version: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    text: str = Field(description="all of it as text")

    def as_text(self) -> str:
        """Return all that the fields say."""
        return self.text


def _field(register: Register, field: BitField) -> RegisterField:
    return RegisterField(address=register.spelled, bits=field.bits, name=field.name, meaning=field.meaning)


def _fields(register: Register, decoded: Decoded | None) -> tuple[RegisterField, ...]:
    from knowledge.snes.bit_fields import fields

    if decoded is None:
        return tuple(_field(register, field) for field in fields(register))
    return tuple(
        RegisterField(
            address=field.register,
            bits=field.bits,
            name=field.name,
            meaning=field.meaning,
            value=field.value,
            words=field.words,
        )
        for field in decoded.fields
    )


def _described(register: Register, decoded: Decoded | None) -> DescribedRegister:
    when = ", ".join(
        f"{way} {time}" for way, time in (("written", register.writable_when), ("read", register.readable_when)) if time
    )
    return DescribedRegister(
        address=register.spelled,
        name=register.name,
        aliases=register.aliases,
        description=register.description,
        access="; ".join(filter(None, (register.access, register.width_note, when))),
        subsystem=register.subsystem,
        value=f"${decoded.value:0{decoded.width // 4}X}" if decoded else "",
        summary=decoded.summary if decoded else "",
        fields=_fields(register, decoded),
        notes=decoded.notes if decoded else (),
        draft=register.draft,
        sources=register.sources,
    )


def _describe(register: str, value: str) -> DescribedRegister:
    """Describe a register, decoded when a value is given, be it apart or behind the name (`$2100=$8F`)."""
    from knowledge.snes.register_text import RegisterTextError, decode_text, decode_value
    from knowledge.snes.registers import find_register

    plain = find_register(register)
    with told(RegisterTextError):
        if value.strip():
            decoded = decode_value(register, value)
        elif plain is not None:
            return _described(plain, None)
        else:
            decoded, *more = decode_text(register)
            if more:
                named = "; ".join(item.spelled for item in more[:_MOST_ASKED])
                raise ServerError(f"several values at once ({decoded.spelled}; {named}); ask for each by itself")
    return _described(decoded.register, decoded)


def _decodable() -> DecodedValue:
    """Return what can be decoded, for a question that names nothing."""
    from knowledge.alttp.values import decodable

    names = ", ".join(kind.name for kind in decodable())
    return DecodedValue(
        what="",
        address="",
        place="",
        value=0,
        known=False,
        words=names,
        ref="",
        parts=(),
        rom_version="",
        sources=(),
        notes=(),
        text=f"What can be decoded, beside the hardware registers: {names}",
    )


def _value(what: str, value: str) -> DecodedValue:
    from knowledge.alttp.values import ValueTextError, decode_value

    if not what.strip():
        return _decodable()
    with told(ValueTextError):
        meaning: Meaning = decode_value(what, value)
    return DecodedValue(
        what=meaning.what,
        address=meaning.address,
        place=meaning.place,
        value=meaning.value,
        known=meaning.known,
        words=meaning.words,
        ref=meaning.ref,
        parts=tuple(ValuePart(**part._asdict()) for part in meaning.parts),
        rom_version=meaning.rom_version,
        sources=meaning.sources,
        notes=meaning.notes,
        text=str(meaning),
    )


def offer_decoding(face: Face) -> None:
    """Offer `describe_register` and `decode_value`."""

    @face.offer(READS, title="Describe an SNES register")
    def describe_register(
        register: Annotated[str, Field(description="a register ($2100, INIDISP), or with its value ($2100=$8F)")],
        value: Annotated[str, Field(description="the value, if not given above: $8F, %10001111, 143")] = "",
    ) -> DescribedRegister:
        """Describe a hardware register: its bit fields, access and timing; with a value, what that value does.

        $2100=$8F is forced blank on, brightness 15. A 16-bit value covers the next register too.
        """
        return _describe(register, value)

    @face.offer(READS, title="Decode a value of the game")
    def decode_value(
        what: Annotated[
            str,
            Field(
                description="address ($7E0010), RAM name, or a word: game mode, direction, item, "
                "sprite state, follower, joypad; empty: what can be decoded"
            ),
        ],
        value: Annotated[str, Field(description="the value: $07, 0x07, 7, %00000111; modules also 07.02")] = "",
    ) -> DecodedValue:
        """Say what a value of A Link to the Past's memory means: game mode, direction, item, sprite state and more.

        Says so when no source knows the value.
        """
        return _value(what, value)
