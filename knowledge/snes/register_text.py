"""Register values as people write them: `$2100=$8F`, `INIDISP #$8F`, `2100 8f`, `lda #$8f : sta $2100`."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from knowledge.snes.bit_fields import Decoded, Use, decode
from knowledge.snes.numerals import Numeral, read_numeral
from knowledge.snes.registers import Register, find_register, registers

__all__ = ["TEXT_LIMIT", "RegisterTextError", "decode_text", "decode_value"]

TEXT_LIMIT = 2000
"""Characters that are read; a longer text is refused."""
_STEPS_LIMIT = 64  # values of one text

_CODE = re.compile(
    r"(?<![\w.!])(?P<op>ld[axy]|st[axyz]|rep|sep)(?P<size>\.[bwl])?[ \t]+(?P<operand>#?[!$%]?[\w.:]+)(?P<index>,)?",
    re.IGNORECASE,
)
_BARE = re.compile(r"[0-9A-Fa-f]{4,6}")
_BYTE = re.compile(r"[0-9A-Fa-f]{2}")  # as bare as the address before it, which is hexadecimal
_PARTS = re.compile(r"[\s=,]+")
_USES: dict[str, Use] = {
    "write": "write",
    "writes": "write",
    "writing": "write",
    "set": "write",
    "store": "write",
    "read": "read",
    "reads": "read",
    "reading": "read",
    "from": "read",
}
_FILLERS = frozenset(
    re.findall(r"\w+", "to with is be the register value of a in into at hex decimal binary what does mean means")
)


class RegisterTextError(ValueError):
    """A text that names no register with a value; it says what to write instead."""


class _Setting(NamedTuple):
    register: Register
    number: Numeral
    use: Use
    store: bool
    note: str = ""


def decode_value(register: str | int, value: str | int, *, use: Use = "any") -> Decoded:
    """Return what a value (a number, or one in any spelling) means in a register by name or address.

    RegisterTextError when there is no such register, or the value is no number of one or two bytes.
    """
    found = _register(register if isinstance(register, str) else f"${register:04X}")
    number = read_numeral(value) if isinstance(value, str) else None
    if isinstance(value, int):
        return _decode(_Setting(found, Numeral(value, 16 if value > 0xFF else 8, ""), use, store=False))
    if number is None:
        raise RegisterTextError(f"no number in {value[:40]!r}; write $8F, 0x8F, %10001111 or 143")
    return _decode(_Setting(found, number, use, store=False, note=_guess(number, value)))


def decode_text(text: str, *, use: Use = "any") -> tuple[Decoded, ...]:
    """Return what each register value of a text means, in order: assignments, or stores of 65816 code.

    RegisterTextError when there is none, or when it has more than 2,000 characters.
    """
    if len(text) > TEXT_LIMIT:
        raise RegisterTextError(f"{len(text)} characters; ask for at most {TEXT_LIMIT}, a few values at a time")
    settings = list(_stores(text)) or [_assignment(part, use) for part in _split(text)]
    if not settings:
        raise RegisterTextError("no register and no value; write $2100=$8F, INIDISP #$8F or lda #$8F : sta $2100")
    return tuple(map(_decode, settings[:_STEPS_LIMIT]))


def _decode(setting: _Setting) -> Decoded:
    register, number, use, store, note = setting
    if not 0 <= number.value <= 0xFFFF:
        raise RegisterTextError(f"{number.value:#x} does not fit {register.name}; give one byte or two")
    width = 16 if number.bits > 8 else 8
    if width == 8 and register.width == 2 and not store:
        width = 0
    found = decode(register, number.value, width=width, use=use, store=store)
    return found._replace(notes=(*found.notes, note)) if note else found


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[;\n]|\s:\s", text) if part.strip()]


def _register(name: str) -> Register:
    plain = name.strip().lstrip("!#").rstrip(":")
    found = find_register(plain)
    if found is not None:
        return found
    names = [register.name for register in registers()]
    near = get_close_matches(plain.upper()[:20], names, n=3, cutoff=0.7)
    hint = f"; did you mean {', '.join(near)}?" if near else "; write an address ($2100) or a name (INIDISP)"
    raise RegisterTextError(f"no hardware register {name[:40]!r}{hint}")


def _guess(number: Numeral, text: str) -> str:
    if number.guessed != "decimal":
        return ""
    plain = text.strip().lstrip("#")
    return f"{plain} is read as a decimal number, ${number.value:02X}; write ${plain} for hexadecimal."


def _assignment(text: str, use: Use) -> _Setting:
    words = [word for word in _PARTS.split(text.strip().rstrip("?.")) if word]
    uses: list[Use] = [_USES[word.lower()] for word in words if word.lower() in _USES]
    words = [word for word in words if word.lower() not in _FILLERS and word.lower() not in _USES]
    words = _joined(words)
    if len(words) != 2:
        raise RegisterTextError(f"no register with one value in {text.strip()[:60]!r}; write $2100=$8F or INIDISP #$8F")
    name, value = words
    if find_register(name.lstrip("!")) is None and find_register(value.lstrip("!")) is not None:
        name, value = value, name
    if _BARE.fullmatch(name) and _BYTE.fullmatch(value):
        value = f"${value}"
    register, number = _register(name), read_numeral(value)
    if number is None:
        raise RegisterTextError(f"no number in {value[:40]!r}; write $8F, 0x8F, %10001111 or 143")
    return _Setting(register, number, uses[0] if uses else use, store=False, note=_guess(number, value))


def _joined(words: list[str]) -> list[str]:
    """Put a `#` that stands alone before the number behind it."""
    out: list[str] = []
    for word in words:
        if out and out[-1] in ("#", "$", "#$"):
            out[-1] += word
        else:
            out.append(word)
    return out


def _stores(text: str) -> Iterator[_Setting]:
    """Give what 65816 code stores in registers, as far as a value is loaded right in the text."""
    held: dict[str, Numeral | None] = {"z": Numeral(0, 8, "")}
    for match in _CODE.finditer(_uncommented(text)):
        op, operand = match["op"].lower(), match["operand"]
        number = read_numeral(operand) if operand.startswith("#") else None
        if op in ("rep", "sep"):
            if number is not None and number.value & 0x20:
                held["z"] = Numeral(0, 16 if op == "rep" else 8, "")
        elif op.startswith("ld"):
            wide = number is not None and (match["size"] or "").lower() == ".w"
            held[op[2]] = number._replace(bits=16) if number is not None and wide else number
        elif not match["index"]:
            known, loaded = find_register(operand.lstrip("!")), held.get(op[2])
            if known is not None and loaded is not None:
                yield _Setting(known, loaded, "write", store=loaded.bits > 8)


def _uncommented(text: str) -> str:
    return "\n".join(line.partition(";")[0] for line in text.splitlines())
