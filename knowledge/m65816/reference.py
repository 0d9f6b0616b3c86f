"""The reference of the 65816 and of the SNES registers as pages of text, made from the tables when they are asked for.

Pages are Markdown. Sources: the opcode table (WDC, W65C816S data sheet, 2018) and `registers.csv` with its own.
"""

import re

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.mnemonic_words import CYCLE_REASONS, FLAG_NAMES, WORDS, flag_sentences
from knowledge.m65816.opcodes import BY_MNEMONIC, OPCODES, Opcode
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.places import MODE_WORDS
from knowledge.m65816.spell import spell
from knowledge.snes.registers import Register, find_register, registers

__all__ = ["opcode_index", "opcode_page", "register_index", "register_page"]

_GAPS = {
    "a": "the accumulator (A)",
    "x": "the X register",
    "y": "the Y register",
    "value": "the operand",
    "source": "from the operand",
    "place": "the operand's address",
    "top": "7 (15 when 16 bits wide)",
    "bits": "8 or 16 bits",
    "target": "the target",
    "flags": "the flags whose bits are 1 in the operand (128 N, 64 V, 32 M, 16 X, 8 D, 4 I, 2 Z, 1 C)",
    "from": "$ss",
    "to": "$dd",
}
_BYTE = re.compile(r"(?:\$|0[xX])?([0-9A-Fa-f]{2})")
_SOURCE = "Source: WDC, W65C816S data sheet (2018)."
_WAYS = {"r": "read only", "w": "write only", "rw": "read and write"}


def opcode_index() -> str:
    """Return the list of all mnemonics with their titles."""
    rows = [f"- {name}: {WORDS[name].title}" for name in BY_MNEMONIC]
    return "\n".join(
        ["# Opcodes of the 65816", "", f"{len(OPCODES)} opcodes, {len(rows)} mnemonics.", "", *rows, "", _SOURCE]
    )


def opcode_page(name: str) -> str:
    """Return the page of a mnemonic (`LDA`, in any case; `JML` too), or of the one that an opcode byte (`$A9`) has.

    CodeError when there is none.
    """
    wanted = name.strip().upper()
    byte = _BYTE.fullmatch(wanted)
    if byte:
        wanted = OPCODES[int(byte[1], 16)].mnemonic
    wanted = "JMP" if wanted == "JML" else wanted
    if wanted not in BY_MNEMONIC:
        raise CodeError(f"no mnemonic {name[:20]!r}; the index lists all {len(BY_MNEMONIC)}, from ADC to XCE")
    rows = BY_MNEMONIC[wanted]
    words = WORDS[wanted]
    lines = [f"# {wanted}: {words.title}", "", words.sentence.format_map(_GAPS)]
    if wanted in ("ADC", "SBC"):
        lines.append("With the decimal flag (D) set it works on BCD digits.")
    lines += ["", "Flags: " + _flags(rows), "", "| opcode | asar | bytes | CPU cycles |", "|---|---|---|---|"]
    lines += [f"| ${row.code:02X} | `{_syntax(row)}` | {_bytes(row)} | {_cycles(row)} |" for row in rows]
    modes = [f"- `{_syntax(row)}`: {_mode(row)}" for row in rows if row.mode != "implied"]
    lines += ["", *modes] if modes else []
    used = [modifier for modifier in CYCLE_REASONS if any(modifier in row.modifiers for row in rows)]
    if used:
        lines += ["", "Cycles:", "", *(f"- {modifier}: {CYCLE_REASONS[modifier]}" for modifier in used)]
    return "\n".join([*lines, "", _SOURCE])


def _flags(rows: tuple[Opcode, ...]) -> str:
    row = max(rows, key=lambda row: len(row.flags_written))
    if not row.flags_written:
        return "none change."
    if row.mnemonic in ("REP", "SEP"):
        return "those whose bits are 1 in the operand; the others stay."
    said = ". ".join(flag_sentences(row.mnemonic, row.flags_written, _bits(row)))
    fewer = [other for other in rows if other.flags_written != row.flags_written]
    only = "".join(
        f" With `{_syntax(other)}`, {' and '.join(FLAG_NAMES[flag] for flag in other.flags_written)} alone."
        for other in fewer
    )
    return f"{said}.{only}"


def _bits(row: Opcode) -> int | None:
    """Return the width of the data in bits; None where M or X decides."""
    if row.mnemonic in ("PLB", "XBA"):
        return 8
    return 16 if row.mnemonic in ("PLD", "TCD", "TDC", "TSC") else None


def _syntax(row: Opcode) -> str:
    """Return an example in asar's syntax, with 8-bit immediates."""
    example = Instruction(0x008000, row, {1: 0, 2: 0x12, 3: 0x1234, 4: 0x123456}[row.size], 1, 1)
    if row.mode.startswith("relative"):
        return spell(example, label="label")
    if row.mode == "block_move":
        return f"{row.mnemonic.lower()} $dd,$ss"
    return spell(example)


def _bytes(row: Opcode) -> str:
    if row.mode in ("immediate_m", "immediate_x"):
        return f"{row.size}, or {row.size + 1} if {row.mode[-1].upper()} = 0 (`.w`)"
    return f"{row.size}"


def _cycles(row: Opcode) -> str:
    if "b" in row.modifiers:
        return "7 a byte"
    return " + ".join([f"{row.cycles}", *(modifier for modifier in CYCLE_REASONS if modifier in row.modifiers)])


def _mode(row: Opcode) -> str:
    if row.mode == "absolute" and row.access in ("jump", "call"):
        return "a 16-bit address in the bank of the code"
    return MODE_WORDS[row.mode]


def register_index() -> str:
    """Return the list of all hardware registers with their addresses."""
    rows = [f"- {register.spelled} {register.name}: {register.description}" for register in registers()]
    return "\n".join(["# Hardware registers of the SNES", "", *rows])


def register_page(which: str) -> str:
    """Return the page of a register by name, alias or address (`2100`). CodeError when there is none."""
    register = find_register(which)
    if register is None:
        raise CodeError(
            f"no hardware register {which[:20]!r}; the index lists all {len(registers())}, from $2100 to $437A"
        )
    lines = [
        f"# {register.name} ({register.spelled})",
        "",
        f"{register.description[:1].upper()}{register.description[1:]}.",
    ]
    lines += ["", f"- access: {_WAYS[register.access]}, {_width(register)}"]
    if register.writable_when:
        lines.append(f"- write: {register.writable_when}")
    if register.readable_when:
        lines.append(f"- read: {register.readable_when}")
    lines.append(f"- part of: {register.subsystem}; shows in banks $00-$3F and $80-$BF")
    if register.aliases:
        lines.append(f"- also called: {', '.join(register.aliases)}")
    if register.queued_at:
        lines.append(f"- ALTTP writes its copy at {register.queued_at} to it")
    lines += ["", "Bits:", "", *(f"- {bits}" for bits in register.bits)]
    draft = " The description is a draft." if register.draft else ""
    return "\n".join([*lines, "", f"Sources: {', '.join(register.sources)}.{draft}"])


def _width(register: Register) -> str:
    note = f" ({register.width_note})" if register.width_note else ""
    return f"{register.width} byte{'s' if register.width > 1 else ''}{note}"
