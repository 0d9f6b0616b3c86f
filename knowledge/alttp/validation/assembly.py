"""Lines of 65816 assembly as assemblers and disassemblies write them: mnemonic, operand and its possible modes."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import ASAR_MNEMONICS, BY_MNEMONIC, MODES, Mode, find

__all__ = [
    "ALIASES",
    "Instruction",
    "fits",
    "instruction",
    "instructions",
    "is_mnemonic",
    "modes_of",
    "split_comment",
    "too_wide",
]

ALIASES = {"JML": "JMP", "BLT": "BCC", "BGE": "BCS", "CPA": "CMP", "DEA": "DEC", "INA": "INC", "SWA": "XBA",
           "TAD": "TCD", "TAS": "TCS", "TDA": "TDC", "TSA": "TSC", "HCF": "STP"}  # fmt: skip
"""Other names of instructions that assemblers know, and the names that the opcode table has."""

_LABEL = re.compile(r"^(?:(?:[A-Za-z_.!?@][\w.!?@]*:{1,2}|\.\w+|[+-]+:?)(?=\s|$)\s*)")
_LISTING = re.compile(
    r"^(?:\s*(?:[0-9A-F]{2} ){1,4}\s+(?=[A-Z]{3}\b)|"
    r"\s*(?:\$?[0-9A-Fa-f]{2}[:/]?[0-9A-Fa-f]{4}|\$?[0-9A-Fa-f]{4,6}):?\s+"
    r"(?:(?:[0-9A-Fa-f]{2}\s+){1,4})?(?=[A-Za-z]{3}\b))"
)
_COMMAND = re.compile(r"(?P<name>[A-Za-z]{2,8})(?P<width>\.[bwlBWL])?(?:\s+(?P<operand>\S.*?))?\s*$")
_NUMBER = re.compile(
    r"^[<>^|]?(?:\$(?P<hex>[0-9A-Fa-f]{1,6})|0x(?P<oh>[0-9A-Fa-f]{1,6})|(?P<decimal>\d{1,8})|"
    r"%(?P<bits>[01_]{1,24}))(?P<rest>[+-].*)?$"
)
_PIECE = re.compile(r"\s:\s|\s:$|:\s{1,}(?=[A-Za-z]{3}\b)")
_FORMS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), forms)
    for pattern, forms in (
        (r"\((?P<i>.+),S\),Y", ("stack_relative_indirect_y",)),
        (r"\((?P<i>.+),X\)", ("direct_x_indirect", "absolute_x_indirect")),
        (r"\((?P<i>[^,]+)\),Y", ("direct_indirect_y",)),
        (r"\((?P<i>[^,]+)\),X", ()),
        (r"\((?P<i>.+),Y\)", ()),
        (r"\((?P<i>[^,()]+)\)", ("direct_indirect", "absolute_indirect")),
        (r"\[(?P<i>[^,]+)\],Y", ("direct_indirect_long_y",)),
        (r"\[(?P<i>[^,]+)\],X", ()),
        (r"\[(?P<i>[^,]+)\]", ("direct_indirect_long", "absolute_indirect_long")),
        (r"(?P<i>[^,]+),X", ("direct_x", "absolute_x", "absolute_long_x")),
        (r"(?P<i>[^,]+),Y", ("direct_y", "absolute_y", "absolute_long_y")),
        (r"(?P<i>[^,]+),S", ("stack_relative",)),
    )
)
_SIZE = {"direct": 1, "absolute": 2, "stack": 1}


class Instruction(NamedTuple):
    """One instruction of a text."""

    start: int
    end: int
    name: str
    """As written, in capitals, without a width suffix."""
    mnemonic: str
    """The name that the opcode table has; the same as `name` when it has none."""
    operand: str
    """Without blanks; empty without one."""
    width: int
    """Bytes of the operand by a suffix (`.b` 1, `.w` 2, `.l` 3), 0 without one."""
    number: int
    """The number in the operand, -1 when there is none or a label."""
    digits: int
    """Bytes that the number is written with; 0 when it is a label."""
    comment: str

    @property
    def immediate(self) -> bool:
        """Whether the operand is a value."""
        return self.operand.startswith("#")

    @property
    def indexed(self) -> bool:
        """Whether an index register or the stack pointer is added."""
        return "," in self.operand


def is_mnemonic(word: str) -> bool:
    """Tell whether a word is an instruction of the 65816, under any name that assemblers know."""
    return word.lower() in ASAR_MNEMONICS or word.upper() in ALIASES


def split_comment(text: str) -> tuple[str, str]:
    """Return (code, comment) of a line."""
    quoted = ""
    for place, letter in enumerate(text):
        if quoted:
            quoted = "" if letter == quoted else quoted
        elif letter == '"':
            quoted = letter
        elif letter == ";" or (letter == "/" and text.startswith("//", place)):
            return text[:place], text[place:].lstrip("; /*")
    return text, ""


def _operand(text: str) -> tuple[int, int]:
    """Return (number, bytes it is written with) of an operand; (-1, 0) without a number."""
    bare = re.sub(r"^[#(\[]+", "", text)
    bare = re.sub(r"[)\]]?(?:,[XYSxys])?[)\]]?(?:,[Yy])?$", "", bare)
    match = _NUMBER.match(bare)
    if match is None:
        return -1, 0
    digits = match["hex"] or match["oh"]
    if digits:
        return int(digits, 16), (len(digits) + 1) // 2
    value = int(match["decimal"]) if match["decimal"] else int(match["bits"].replace("_", "") or "0", 2)
    return value, 1 if value < 0x100 else 2 if value < 0x10000 else 3


def instruction(text: str, start: int, comment: str = "") -> Instruction | None:
    """Return the instruction that a piece of code is, whether the CPU has it or not; None when it is something else."""
    lead = len(text) - len(text.lstrip())
    match = _COMMAND.match(text, lead)
    if match is None:
        return None
    operand = re.sub(r"\s+", "", match["operand"] or "")
    name = match["name"].upper()
    number, digits = _operand(operand)
    width = {"": 0, ".b": 1, ".w": 2, ".l": 3}[(match["width"] or "").lower()]
    begin, end = start + match.start("name"), start + len(text.rstrip())
    return Instruction(begin, end, name, ALIASES.get(name, name), operand, width, number, digits, comment)


def instructions(text: str, start: int) -> Iterator[Instruction]:
    """Give the instructions of one line; labels, addresses of a listing and `:` between commands are read over."""
    code, comment = split_comment(text)
    at = 0
    listing = _LISTING.match(code)
    if listing:
        at = listing.end()
    pieces: list[tuple[int, str]] = []
    for match in [*_PIECE.finditer(code, at), None]:
        end = match.start() if match else len(code)
        pieces.append((at, code[at:end]))
        at = match.end() if match else end
    for place, (begin, piece) in enumerate(pieces):
        lead = len(piece) - len(piece.lstrip())
        label = _LABEL.match(piece.lstrip())
        skip = lead + (label.end() if label else 0)
        said = comment if place == len(pieces) - 1 and len([1 for _, one in pieces if one.strip()]) == 1 else ""
        found = instruction(piece[skip:], start + begin + skip, said)
        if found:
            yield found


def _bare(one: Instruction) -> tuple[str, ...]:
    """Return the modes that an operand without brackets and index may mean."""
    if one.mnemonic in ("MVN", "MVP"):
        return ("block_move",)
    modes = ("relative", "relative_long", "direct", "absolute", "absolute_long", "immediate_8", "immediate_16")
    if one.mnemonic in ("REP", "SEP"):
        return ("direct",)
    return modes


def modes_of(one: Instruction) -> tuple[str, ...]:
    """Return the modes that the operand may mean, by its form alone; none for a form that the CPU does not have."""
    operand = one.operand
    if not operand:
        return ("implied", "accumulator", "immediate_8")
    if operand.upper() == "A":
        return ("accumulator",)
    if operand.startswith("#"):
        return ("immediate_m", "immediate_x", "immediate_8", "immediate_16", "block_move")
    if one.mnemonic in ("MVN", "MVP") and "," in operand:
        return ("block_move",)
    for pattern, forms in _FORMS:
        if pattern.fullmatch(operand):
            if one.mnemonic == "PEI":
                return ("direct",)
            return forms
    return _bare(one)


def _bytes(mode: str) -> int:
    if mode.startswith("absolute_long"):
        return 3
    if mode in ("absolute_indirect", "absolute_x_indirect", "absolute_indirect_long"):
        return 2
    return _SIZE.get(mode.split("_")[0], 0)


def too_wide(one: Instruction) -> bool:
    """Tell whether an immediate number has more bytes than its suffix says: `LDA.b #$0120`."""
    return one.immediate and one.width > 0 and one.number >= 1 << (8 * one.width) and not re.search(
        r"[<>^|!+*/&-]", one.operand
    )  # fmt: skip


def fits(one: Instruction) -> list[Mode]:
    """Return the modes that the CPU has for this mnemonic and this operand."""
    least = one.width or one.digits
    if one.mnemonic == "JMP" and one.name == "JML":
        least = 0
    if one.mnemonic in ("JSL", "PEA", "PER", "BRL") or (
        one.name.startswith("B") and one.mnemonic not in ("BIT", "BRK")
    ):
        least = 0
    out: list[Mode] = []
    possible = modes_of(one)
    for mode in MODES:
        if mode in possible and find(one.mnemonic, mode):
            size = _bytes(mode)
            if not size or not least or (size >= least if not one.width else size == least):
                out.append(mode)
    return out


def known_modes(mnemonic: str) -> tuple[Mode, ...]:
    """Return the modes of a mnemonic."""
    return tuple(row.mode for row in BY_MNEMONIC[mnemonic])
