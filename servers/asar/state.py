"""The state that a run begins in, as people and models type it: registers, flags and memory as short texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from knowledge.m65816.outcome import Start
    from knowledge.m65816.registers import Registers
    from schemas.contract import Contract

__all__ = ["Begin", "begin_of", "start_of"]

_MOST_BYTES = 65_536
_MEMORY_HELP = "write memory as `$7E0010=12 34` (bytes in hexadecimal) or `$10=$1234` (a word, low byte first)"
_REGISTER_HELP = "write registers as `A=$12`, `X=3`, `S=$1FF`, flags as `c=1`, memory as `$7E0010=12 34`"
_START = re.compile(r"(?:^|[\s,;])start\s*=\s*(\S+)", re.IGNORECASE)


class Begin(NamedTuple):
    """What an entry says."""

    contract: Contract
    """Its widths, D, DB and mode; all else is by default."""
    text: str
    """The entry without where it begins."""
    start: str
    """Label or address where the code begins; empty: the first instruction."""


def begin_of(entry: str) -> Begin:
    """Read `m8 x16 d=$0000 db=$7E start=Main`. Raises ServerError with the right spelling."""
    from knowledge.m65816.contracts import read_contract
    from knowledge.m65816.outcome import CodeError

    match = _START.search(entry)
    text = _START.sub(" ", entry)
    try:
        return Begin(read_contract(entry=text).contract, text, match[1] if match else "")
    except CodeError as error:
        raise ServerError(str(error)) from error


def start_of(contract: Contract, inputs: Sequence[str]) -> Start:
    """Return the start that an entry and inputs spell: `A=$12`, `c=1`, `$7E0010=12 34`, `joypad=$8000`.

    Raises ServerError with the right spelling.
    """
    from knowledge.m65816.outcome import CodeError, Script, Start
    from knowledge.m65816.registers import D, I, M, Registers, X

    p = (M if contract.m else 0) | (X if contract.x else 0) | I | (D if contract.decimal else 0)
    values = Registers(p=p, e=contract.e, d=contract.d or 0, db=contract.db or 0)
    memory: dict[int, int | bytes] = {}
    options: dict[str, int] = {}
    try:
        for text in inputs:
            for part in _parts(text):
                _take(part, values, memory, options)
    except CodeError as error:
        raise ServerError(str(error)) from error
    pad = options.get("joypad", 0)
    script = Script(joypads=((pad,),) if pad else (), nmi=bool(options.get("interrupts")))
    return Start(values.settled(), memory, options.get("poison", 0), script=script)


_OPTIONS = {"joypad": 0xFFFF, "poison": 1_000_000, "interrupts": 1}


def _take(text: str, values: Registers, memory: dict[int, int | bytes], options: dict[str, int]) -> None:
    from knowledge.m65816.contract_names import number

    name, equals, value = text.partition("=")
    if name[:1] in ("$", "0") or ":" in name:
        place, data = _memory(text)
        memory[place] = data
    elif equals and name.lower() in _OPTIONS:
        value = {"on": "1", "off": "0"}.get(value.lower(), value)
        options[name.lower()] = number(value, f"input {show(text[:60])}", high=_OPTIONS[name.lower()])
    else:
        _set(values, text)


def _parts(text: str) -> list[str]:
    """Part `A=1 X=2, c=1` into its settings; a setting of memory keeps its bytes."""
    words = " ".join(text.split()).replace(" =", "=").replace("= ", "=")
    parts: list[str] = []
    for word in filter(None, re.split(r"[ ,;]", words)):
        if "=" in word or not parts or "=" not in parts[-1]:
            parts.append(word)
        else:
            parts[-1] += f" {word}"
    return parts or [words]


def _set(values: Registers, text: str) -> None:
    from knowledge.m65816.contract_names import FLAG_NAMES, WIDTHS, names_in, number
    from knowledge.m65816.opcodes import FLAGS
    from knowledge.m65816.outcome import CodeError
    from knowledge.m65816.registers import M, X

    name, equals, value = text.partition("=")
    if not equals:
        raise CodeError(f"{show(text[:60])} sets nothing; {_REGISTER_HELP}")
    if name == "P":
        values.p = number(value, f"register {show(text[:60])}", high=0xFF)
        return
    settled = sorted(names_in([name], f"register {show(text[:60])}", []))
    if len(settled) != 1:
        raise CodeError(f"{show(text[:60])} names {len(settled)} places; {_REGISTER_HELP}")
    one = settled[0]
    if one in FLAG_NAMES:
        bit = number(value, f"flag {show(text[:60])}", high=1)
        if one == "e":
            values.e = bit
        else:
            values.p = values.p | FLAGS[one] if bit else values.p & ~FLAGS[one]
        return
    amount = number(value, f"register {show(text[:60])}", high=WIDTHS[one])
    if one == "B":
        values.a = values.a & 0xFF | amount << 8
    elif one in ("X", "Y") and values.p & X and amount > 0xFF:
        raise CodeError(
            f"{show(text[:60])} does not fit: {one} has 8 bits at entry; say x16 in entry, or give 0 to $FF"
        )
    elif one == "A" and values.p & M and amount < 0x100:
        values.a = values.a & 0xFF00 | amount
    else:
        setattr(values, one.lower(), amount)


def _memory(text: str) -> tuple[int, bytes]:
    from knowledge.m65816.outcome import CodeError
    from knowledge.snes.addresses import spelled

    place, equals, content = text.partition("=")
    found = spelled(place.strip())
    if not equals or len(found) != 1 or found[0].pc or found[0].text != place.strip():
        raise CodeError(f"{show(text[:60])} is not understood; {_MEMORY_HELP}")
    data = b"".join(_bytes(token, text) for token in re.split(r"[\s,]+", content.strip()) if token)
    if not 0 < len(data) <= _MOST_BYTES:
        raise CodeError(f"{show(text[:60])} gives {len(data)} bytes; {_MEMORY_HELP}")
    return found[0].value, data


def _bytes(token: str, text: str) -> bytes:
    from knowledge.m65816.outcome import CodeError

    digits = re.sub(r"^(?:\$|0x)", "", token, flags=re.IGNORECASE)
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){1,}|[0-9A-Fa-f]", digits):
        raise CodeError(f"{show(text[:60])}: {show(token[:20])} is no byte; {_MEMORY_HELP}")
    data = bytes.fromhex(digits if len(digits) > 1 else "0" + digits)
    return data[::-1] if token != digits else data
