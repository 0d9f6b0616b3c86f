"""How a check says what it found, before the text's lines are known."""

from typing import NamedTuple

from schemas.finding import Behind, FindingCode

__all__ = ["OPCODE_TABLE", "REGISTER_PLACES", "Found", "hardware_map", "listed", "opcode_fact"]

OPCODE_TABLE = "opcode table of the 65816 (WDC W65C816S data sheet)"


REGISTER_PLACES = (
    "registers lie at $2100-$213F, $2140-$217F (APU), $2180-$2183, $4016-$4017, $4200-$421F and $43x0-$43xF"
)


class Found(NamedTuple):
    """One contradiction."""

    code: FindingCode
    start: int
    end: int
    problem: str
    right: str
    fact: Behind


def opcode_fact(text: str) -> Behind:
    """Return a fact of the opcode table."""
    return Behind(ref="", text=f"{OPCODE_TABLE}: {text}", rom_version="65816, the same for every ROM", sources=("wdc",))


def hardware_map(text: str) -> Behind:
    """Return a fact of the SNES memory map."""
    return Behind(ref="", text=f"SNES LoROM memory map: {text}", rom_version="SNES hardware", sources=("snesdev",))


def listed(text: str) -> list[str]:
    """Return the words of a text that is a list of words."""
    return text.split()
