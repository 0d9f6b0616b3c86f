"""Which register or byte of the game's memory a text names."""

import re
from typing import NamedTuple

from knowledge.alttp.validation.check_code import register_fact
from knowledge.alttp.validation.claims import addresses
from knowledge.alttp.validation.known import behind, rows_at
from knowledge.snes.addresses import fold
from knowledge.snes.registers import find_register, register_at
from schemas.finding import Behind

__all__ = ["PLACE", "Place", "fact_of", "only_place", "place_of"]

_NAME = re.compile(r"\b[A-Z][A-Z0-9]{1,9}\b")
PLACE = (
    r"(?:the )?(?:register |RAM |address |byte |variable "
    r")?[`*_(]*(?P<place>\$[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2,4})?(?![0-9A-Fa-f])|0x7[EF][0-9A-Fa-f]{4}|"
    r"[A-Z][A-Z0-9]{1,9})[`*_)]*"
)
"""How a text names a place: the group `place` is its address or its name."""


class Place(NamedTuple):
    """A register, or a byte of the game's memory."""

    address: int
    """Of a register, or of a byte of the game's memory."""
    register: bool


def place_of(text: str) -> Place | None:
    """Return the register or the RAM address that a text names."""
    if text[:1] == "$" or text[:2] == "0x":
        found = addresses(text)
        if not found:
            return None
        address = fold(found[0].value if found[0].digits != 4 or found[0].value < 0xC000 else 0x7E0000 | found[0].value)
        return Place(address, register_at(address) is not None and address < 0x10000)
    register = find_register(text)
    return Place(register.address, register=True) if register and not text.isdigit() else None


def only_place(text: str) -> Place | None:
    """Return the one register or byte that a text names; None when it names none or several."""
    found: set[Place] = set()
    for address in addresses(text):
        place = place_of(address.text.split(",")[0])
        if place:
            found.add(place)
    for name in _NAME.findall(text):
        register = find_register(name)
        if register and name == register.name:
            found.add(Place(register.address, register=True))
    return found.pop() if len(found) == 1 else None


def fact_of(place: Place) -> Behind | None:
    """Return the row that says what is at a place."""
    if place.register:
        register = register_at(place.address)
        return register_fact(register) if register else None
    rows = rows_at(place.address)
    return behind(rows[0]) if rows else None
