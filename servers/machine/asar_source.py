"""Assembly text looked at before asar does: is it text, does it say where it goes, what does asar let pass.

Nothing here assembles. What can't be told for certain from the text alone is left to asar.
"""

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import ASAR_MNEMONICS, BRANCHES, OPCODES
from knowledge.snes.mapping import MAPPERS, Mapper
from schemas.diagnostic import Diagnostic
from servers.machine.errors import ServerError

__all__ = [
    "CODE_LIMIT",
    "checked",
    "has_place",
    "mapper_in",
    "one_line_program",
    "parted",
    "silent_traps",
    "single_run",
]

CODE_LIMIT = 256 * 1024
"""Bytes of one program in UTF-8."""

_DATA = {"db": 8, "dw": 16, "dl": 24, "dd": 32}
_PLACE = re.compile(r"\b(?:org|freecode|freedata|freespace)\b", re.IGNORECASE)
_MAPPER = re.compile(rf"(?:^|:)[ \t]*({'|'.join(MAPPERS)})[ \t]*(?=$|[:;])", re.IGNORECASE | re.MULTILINE)
_UNSURE = re.compile(r"[^\t\n -~]|[!\"'\\{}]")
_LABEL = re.compile(r"^(?:[.#]*[A-Za-z_]\w*:|[+-]+:?|\.+[A-Za-z_]\w*)(?:\s+|$)")
_ORG = re.compile(r"^org\s+\$[0-9A-Fa-f]{1,6}$", re.IGNORECASE)
_WORD = re.compile(r"^([A-Za-z]+)(?:\.[bwl])?(?=\s|$)")
_NUMBER = re.compile(r"^(-?)(?:\$([0-9A-Fa-f]{1,16})|%([01]{1,64})|(\d{1,19}))$")
_OPERATION = re.compile(r"^([a-z]{3})(?:\.([bwl]))?\s+(#?)(\S+)$", re.IGNORECASE)
_BRANCHES = frozenset(name.lower() for name in BRANCHES) | {"per"}
_WITH_IMMEDIATE = frozenset(row.mnemonic.lower() for row in OPCODES if row.mode in ("immediate_m", "immediate_x"))
_SLASH = re.compile(
    rf"\s/\s+(?=(?:(?:[.\w]+:|[-+]+)\s+)?(?:{'|'.join(sorted(ASAR_MNEMONICS))})(?:\.[bwl])?(?:\s|$))", re.IGNORECASE
)
"""A slash between two instructions on a line: what stands behind it can't be divided by."""
_WITH_ADDRESS = frozenset(row.mnemonic.lower() for row in OPCODES if row.mode == "absolute")


class _Command(NamedTuple):
    line: int
    text: str


def one_line_program(code: str) -> bool:
    """Say whether the newlines came as the two characters \\ and n: JSON escaped twice, as small models do."""
    return "\n" not in code.strip() and "\\n" in code


def checked(code: str) -> str:
    """Return the program ready for asar. Raises ServerError when it is empty, too long or no text."""
    if not code.strip():
        raise ServerError("the code is empty; send 65816 assembly, for example: org $008000 and, on a new line, rtl")
    if "\x00" in code:
        raise ServerError("the code holds a NUL character; send plain text")
    try:
        size = len(code.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ServerError(f"the code is not valid text at character {error.start}; send plain UTF-8 text") from None
    if size > CODE_LIMIT:
        raise ServerError(f"the code has {size} bytes, more than {CODE_LIMIT}; assemble it in smaller parts")
    if one_line_program(code):
        code = code.replace("\\r", "").replace("\\n", "\n")
    return code.replace("\r\n", "\n").replace("\r", "\n")


def parted(code: str) -> str:
    """Return the program with asar's colon where ` / ` parts two instructions of a line, as people write in prose."""
    return "\n".join(_parted(line) if "/" in line else line for line in code.split("\n"))


def _parted(line: str) -> str:
    code, mark, comment = line.partition(";")
    return line if '"' in code or "'" in code else _SLASH.sub(" : ", code) + mark + comment


def has_place(code: str) -> bool:
    """Say whether the text has a command that says where code goes, or could hide one in a define."""
    return any(_PLACE.search(line.partition(";")[0]) for line in code.split("\n"))


def mapper_in(code: str, default: Mapper) -> Mapper:
    """Return the mapper that the program itself chooses, else `default`."""
    match = _MAPPER.search(code)
    chosen = match[1].lower() if match else default
    for name in MAPPERS:
        if name == chosen:
            return name  # type: ignore[return-value]  # MAPPERS are the values of Mapper
    return default


def _commands(code: str) -> Iterator[_Command]:
    """Split into commands, without labels and comments. Not for text with quotes (they may hold ; and :)."""
    for number, line in enumerate(code.split("\n"), start=1):
        for part in line.partition(";")[0].split(" : "):
            text = part.strip()
            while match := _LABEL.match(text):
                text = text[match.end() :].lstrip()
            if text:
                yield _Command(number, text)


def single_run(code: str) -> bool:
    """Say whether the program surely is one run of code and data from one `org` on (or from where it is put).

    Only mnemonics and data with plain operands count; anything that could move the position, repeat,
    include or replace text makes it False.
    """
    if _UNSURE.search("\n".join(line.partition(";")[0] for line in code.split("\n"))):
        return False
    placed = began = False
    for command in _commands(code):
        word = _WORD.match(command.text)
        name = word[1].lower() if word else ""
        if name in MAPPERS and not began and command.text.lower() == name:
            continue
        if _ORG.match(command.text) and not began:
            placed = began = True
        elif name in _DATA or (name in ASAR_MNEMONICS and not _is_loop(command.text)):
            began = True
        else:
            return False
    return began or placed


def _is_loop(text: str) -> bool:
    """Tell `rep 4` (asar's old loop) from `rep #$30` (the instruction)."""
    return text[:3].lower() == "rep" and "#" not in text


def silent_traps(code: str, assembled: Container[int]) -> list[Diagnostic]:
    """Find what asar changes without a word: numbers cut to size and branches to a number.

    Only literal numbers count, and only on the lines in `assembled`; programs for another processor are
    left alone.
    """
    if re.search(r"\barch\b", code, re.IGNORECASE):
        return []
    found: list[Diagnostic] = []
    plain = "\n".join("" if "'" in line or '"' in line else line for line in code.split("\n"))
    for command in _commands(plain):
        if command.line in assembled and (trap := _trap(command)):
            found.append(trap)
    return found


def _trap(command: _Command) -> Diagnostic | None:
    word = _WORD.match(command.text)
    if word and word[1].lower() in _DATA:
        return _data_trap(command, word[1].lower())
    match = _OPERATION.match(command.text)
    number = _number(match[4]) if match else None
    if match is None or number is None:
        return None
    name, suffix, immediate = match[1].lower(), (match[2] or "").lower(), bool(match[3])
    if name in _BRANCHES and not immediate:
        return _warning(
            command,
            "W_afs_numeric_branch",
            f"{name} takes a number as the raw displacement, not as an address",
            "branch to a label: put a label before the target and name it here",
        )
    if immediate and name in _WITH_IMMEDIATE:
        return _size_trap(command, number, 8 if suffix == "b" else 16, "immediate value")
    if not immediate and name in _WITH_ADDRESS and suffix in ("b", "w"):
        return _size_trap(command, number, 8 if suffix == "b" else 16, "address")
    return None


def _number(text: str) -> int | None:
    match = _NUMBER.match(text)
    if match is None:
        return None
    value = int(match[2], 16) if match[2] else int(match[3], 2) if match[3] else int(match[4])
    return -value if match[1] else value


def _data_trap(command: _Command, name: str) -> Diagnostic | None:
    bits = _DATA[name]
    for part in command.text[2:].split(","):
        number = _number(part.strip())
        if number is not None and (trap := _size_trap(command, number, bits, f"{name} value")):
            return trap
    return None


def _size_trap(command: _Command, number: int, bits: int, what: str) -> Diagnostic | None:
    if -(1 << (bits - 1)) <= number < 1 << bits:
        return None
    kept = number & ((1 << bits) - 1)
    return _warning(
        command,
        "W_afs_truncated",
        f"the {what} {_hex(number)} does not fit in {bits} bits: asar wrote {_hex(kept)}",
        f"use a value that fits, or a wider form (.w or .l, dw or dl) if {_hex(number)} is meant",
    )


def _hex(number: int) -> str:
    return f"{'-' if number < 0 else ''}${abs(number):02X}"


def _warning(command: _Command, code: str, message: str, next_step: str) -> Diagnostic:
    return Diagnostic(
        severity="warning",
        code=code,
        message=message,
        file="main.asm",
        line=command.line,
        source=command.text[:100],
        next_step=next_step,
    )
