"""The state that a run begins in, as people and models type it: registers, flags and memory as short texts."""

import re
from collections.abc import Sequence

from knowledge.m65816.contract_names import FLAG_NAMES, WIDTHS, names_in, number
from knowledge.m65816.contracts import read_contract
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import CodeError, Script, Start
from knowledge.m65816.registers import D, I, M, Registers, X
from knowledge.snes.addresses import spelled
from schemas.contract import Contract
from servers.machine.errors import ServerError
from servers.machine.names import show

__all__ = ["entry_of", "start_of"]

_MOST_BYTES = 65_536
_ALONE = Script()
_MEMORY_HELP = "write memory as `$7E0010=12 34` (bytes in hexadecimal) or `$10=$1234` (a word, low byte first)"
_REGISTER_HELP = "write registers as `A=$12`, `X=3`, `S=$1FF`, `c=1`"


def entry_of(entry: str) -> Contract:
    """Return what `m8 x16 d=$0000 db=$7E` says of the entry. Raises ServerError with the right spelling."""
    try:
        return read_contract(entry=entry).contract
    except CodeError as error:
        raise ServerError(str(error)) from error


def start_of(
    *,
    entry: str = "",
    registers: Sequence[str] = (),
    memory: Sequence[str] = (),
    poison: int = 0,
    script: Script = _ALONE,
) -> Start:
    """Return the start that these texts spell: `A=$12`, `c=1`, `$7E0010=12 34`. Raises ServerError."""
    contract = entry_of(entry)
    p = (M if contract.m else 0) | (X if contract.x else 0) | I | (D if contract.decimal else 0)
    values = Registers(p=p, e=contract.e, d=contract.d or 0, db=contract.db or 0)
    try:
        for text in _parts(registers):
            _set(values, text)
        bytes_by_address = dict(_memory(text) for text in memory)
    except CodeError as error:
        raise ServerError(str(error)) from error
    return Start(values.settled(), bytes_by_address, poison, script=script)


def _parts(texts: Sequence[str]) -> list[str]:
    return [part for text in texts for part in re.split(r"[,;\s]+", re.sub(r"\s*=\s*", "=", text)) if part]


def _set(values: Registers, text: str) -> None:
    name, equals, value = text.partition("=")
    if not equals:
        raise CodeError(f"{show(text[:60])} sets nothing; {_REGISTER_HELP}")
    if name == "P":
        values.p = number(value, f"register {text!r}", high=0xFF)
        return
    settled = sorted(names_in([name], f"register {text!r}", []))
    if len(settled) != 1:
        raise CodeError(f"{show(text[:60])} names {len(settled)} places; {_REGISTER_HELP}")
    one = settled[0]
    if one in FLAG_NAMES:
        bit = number(value, f"flag {text!r}", high=1)
        if one == "e":
            values.e = bit
        else:
            values.p = values.p | FLAGS[one] if bit else values.p & ~FLAGS[one]
        return
    amount = number(value, f"register {text!r}", high=WIDTHS[one])
    if one == "B":
        values.a = values.a & 0xFF | amount << 8
    elif one == "A" and values.p & M and amount < 0x100:
        values.a = values.a & 0xFF00 | amount
    else:
        setattr(values, one.lower(), amount)


def _memory(text: str) -> tuple[int, bytes]:
    place, equals, content = text.partition("=")
    found = spelled(place.strip())
    if not equals or len(found) != 1 or found[0].pc or found[0].text != place.strip():
        raise CodeError(f"{show(text[:60])} is not understood; {_MEMORY_HELP}")
    data = b"".join(_bytes(token, text) for token in re.split(r"[\s,]+", content.strip()) if token)
    if not 0 < len(data) <= _MOST_BYTES:
        raise CodeError(f"{show(text[:60])} gives {len(data)} bytes; {_MEMORY_HELP}")
    return found[0].value, data


def _bytes(token: str, text: str) -> bytes:
    digits = re.sub(r"^(?:\$|0x)", "", token, flags=re.IGNORECASE)
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){1,}|[0-9A-Fa-f]", digits):
        raise CodeError(f"{show(text[:60])}: {show(token[:20])} is no byte; {_MEMORY_HELP}")
    data = bytes.fromhex(digits if len(digits) > 1 else "0" + digits)
    return data[::-1] if token != digits else data
