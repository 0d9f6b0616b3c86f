"""The next step for each of asar's diagnostics: what to write instead, not what went wrong.

asar answers a wrong addressing mode, a wrong size and a misspelt mnemonic with the same "Unknown command";
the hints here tell them apart. The facts about the instruction set are those of the WDC W65C816S data
sheet.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from knowledge.m65816.opcodes import ASAR_MNEMONICS
from schemas.diagnostic import Diagnostic

__all__ = ["next_step"]


class _Hint(NamedTuple):
    pattern: re.Pattern[str]
    text: str


def _hints(*rows: tuple[str, str]) -> tuple[_Hint, ...]:
    return tuple(_Hint(re.compile(pattern, re.IGNORECASE), text) for pattern, text in rows)


_LONG = r"(?:\.l\b.*|\s+\$[0-9a-f]{5,6}\b.*)$"
_ANY_SOURCE = _hints(
    (r"```", "send only the code, without ``` lines"),
    (r"^\s*\.org\b", "write org $008000, without a dot in front"),
    (r"^\s*\*\s*=", "asar sets the address with org, for example: org $008000"),
    (r"\b0x[0-9a-f]+", "hexadecimal numbers are written with $, for example $10"),
    (r"[#\s,(]\d[0-9a-f]*h\b", "hexadecimal numbers are written with $, for example $10"),
    (r"//", "comments begin with ; in asar"),
    (r"^\s*\.(?:db|byte|dcb)\b|^\s*(?:dcb|byte|\.db)\b", "write data bytes with db, for example: db $01,$02"),
    (r"^\s*\.(?:dw|word|addr)\b|^\s*word\b", "write 16-bit data with dw, for example: dw $1234"),
)
_UNKNOWN = _hints(
    (rf"^stz{_LONG}", "stz has no long form; use: lda #$00 : sta.l address"),
    (rf"^jsr{_LONG}", "jsr stays in the bank; use jsl for a routine in another bank (it ends with rtl)"),
    (rf"^jmp{_LONG}", "jmp stays in the bank; use jml to jump to another bank"),
    (rf"^(ldx|ldy|stx|sty|cpx|cpy){_LONG}", "X and Y have no long form; use: lda.l address : tax (or tay), or sta.l"),
    (rf"^(bit|inc|dec|asl|lsr|rol|ror|trb|tsb){_LONG}", "it has no long form; set the data bank, or use lda.l/sta.l"),
    (r"^(sta|stx|sty|stz)(\.\w)?\s+#", "a store takes an address, not #; load the value first: lda #$00 : sta $10"),
    (r"^(sep|rep)(\.\w)?\s+#?\$[0-9a-f]{3,}", "sep and rep take one byte: #$20 is M, #$10 is X, #$30 is both"),
    (r"^bge\b", "asar has no bge; use bcs (unsigned greater or equal)"),
    (r"^blt\b", "asar has no blt; use bcc (unsigned less)"),
    (r"^(bgt|ble)\b", "the 65816 has no such branch; combine beq with bcs or bcc"),
    (r"^swa\b", "asar calls it xba"),
    (r"^tas\b", "asar calls it tcs"),
    (r"^tsa\b", "asar calls it tsc"),
    (r"^tad\b", "asar calls it tcd"),
    (r"^tda\b", "asar calls it tdc"),
    (r"^(mov|move|ld|store|load)\b", "the 65816 has no move; use lda source : sta target"),
    (r"^(push|pop)\b", "use pha, phx, phy, php to push and pla, plx, ply, plp to pull"),
    (r"^ret\b", "use rts after jsr, rtl after jsl, rti in an interrupt"),
    (r"^(call)\b", "use jsr (same bank) or jsl (any bank)"),
    (r"^(add)\b", "use clc : adc value"),
    (r"^(sub)\b", "use sec : sbc value"),
    (r"^(lda|sta|adc|sbc|and|ora|eor|cmp)(\.l)?\s+\$[0-9a-f]{5,6}\s*,\s*y", "long addresses are indexed by x only"),
    (r"^\w+(\.\w)?\s+\(.*,\s*x\s*\)\s*,\s*y", "there is no such mode; use (dp,x) or (dp),y"),
    (r"^jml\s*\(", "an indirect long jump is written with brackets: jml [address]"),
    (r"^(\w+:)?\s*$", "delete the empty command"),
)
_BY_CODE = {
    "Elabel_redefined": "give one of the two labels another name, or make it a sublabel (.name)",
    "Elabel_missing_parent": "a label that begins with a dot needs a main label (name:) above it",
    "Erelative_branch_out_of_bounds": "a branch reaches -128 to +127 bytes: invert the condition and jump with jmp, "
    "use brl, or move the target nearer",
    "Ebank_border_crossed": "code can't run over the end of its bank: move it with org to where it fits, or split it",
    "Emissing_org": "put org $008000 (or freecode) before the first instruction",
    "Wmissing_org": "put org $008000 (or freecode) before the first instruction",
    "Eno_freespace": "no free space was found: place the code with org instead of freecode",
    "Esnes_address_doesnt_map_to_rom": "this address is not ROM (with lorom, ROM is $8000-$FFFF of banks 00-6F and "
    "80-FF): choose another org; RAM is written by code at run time, not by org",
    "Esnes_address_out_of_bounds": "this address lies outside the ROM, which is blank here: use an org in the ROM, and "
    "do not read ROM that the program has not written",
    "Edefine_not_found": "define it before its first use, for example: !name = $10",
    "Emacro_not_found": "define it before its use: macro name(arguments), the lines, endmacro",
    "Einvalid_number": "write numbers as $10 (hexadecimal), %10 (binary) or 16 (decimal)",
    "Einvalid_hex_value": "after $ only the digits 0-9 and A-F may follow",
    "Eunknown_operator": "write numbers as $10, %10 or 16, and strings in double quotes",
    "Emismatched_quotes": 'close the string with "',
    "Emismatched_parentheses": "close every ( with )",
    "Eunclosed_if": "end every if, while and for with endif, endwhile, endfor",
    "Eunclosed_macro": "end the macro with endmacro on a line of its own",
    "Ebroken_macro_declaration": "write: macro name(a, b) on a line of its own, the lines, endmacro",
    "Erecursion_limit": "a macro or an include calls itself: break the circle",
    "Eassertion_failed": "the program's own assert does not hold: change what it checks",
    "Eerror_command": "the program's own error command was reached: change the condition that leads to it",
    "Elimit_reached": "correct the errors above first",
    "Easar_too_old": "remove the asar version line, or set AFS_ASAR to a newer asar",
    "Woptimization_settings": "write the size: .b for direct page, .w for 16-bit, .l for 24-bit addresses",
    "Wfeature_deprecated": "it still works in this asar; see the suggested replacement in the message",
    "Wfreespace_leaked": "harmless on a blank ROM; put autoclean before the jsl or jml that uses the free space",
    "Wmapper_already_set": "name the mapper once: in the code or in the argument, not different ones in both",
}
_FILE_CODES = ("Efile_not_found", "Efailed_to_open_")
_LABEL_NAME = re.compile(r"^[ \t]*#?([A-Za-z_]\w*)(?::|[ \t]*=)", re.MULTILINE)
_FILE = re.compile(r"'([^']*)'")
_OUTSIDE = re.compile(r"(?:[/\\~]|[A-Za-z]:|(?:\.\.[/\\]){2,})")
_MISSING = re.compile(r"Label '([^']*)'")


def next_step(diagnostic: Diagnostic, code: str, *, files: bool = False) -> str:
    """Return what to do about a diagnostic of asar, in one or two plain sentences.

    `code` is the program, for the names in it; `files`: it is a patch, which may include files. Never empty.
    """
    if diagnostic.code.startswith(_FILE_CODES):
        return _file(diagnostic.message, files=files)
    special: dict[str, Callable[[Diagnostic, str], str]] = {
        "Eunknown_command": _unknown_command,
        "Elabel_not_found": _label_not_found,
    }
    step = ""
    if diagnostic.code in special:
        step = special[diagnostic.code](diagnostic, code)
    elif diagnostic.severity == "error":
        step = _first(_ANY_SOURCE, diagnostic.source)
    step = step or _BY_CODE.get(diagnostic.code, "")
    if step or diagnostic.severity == "warning":
        return step or "check that this is what you mean"
    return f"correct line {diagnostic.line} and assemble again" if diagnostic.line else "correct it and assemble again"


def _file(message: str, *, files: bool) -> str:
    if not files:
        return (
            "code that is sent as text can't read files: put the content into it (db for data), or save it as a patch "
            "of the project and send file: and its name"
        )
    match = _FILE.search(message)
    if match and _OUTSIDE.match(match[1]):
        return "only files below the project folder can be read: put it there and include it by a relative path"
    return (
        "the file is not below the project folder, or its name is put together when the patch runs: correct the name, "
        "or name its folder in include"
    )


def _first(hints: Sequence[_Hint], source: str) -> str:
    return next((hint.text for hint in hints if hint.pattern.search(source)), "")


def _unknown_command(diagnostic: Diagnostic, _: str) -> str:
    source = diagnostic.source.strip()
    if step := _first(_UNKNOWN, source) or _first(_ANY_SOURCE, source):
        return step
    words = re.findall(r"[A-Za-z]+", source.lower())
    if words and words[0] in ASAR_MNEMONICS:
        if any(word in ASAR_MNEMONICS for word in words[1:]):
            return "put each instruction on a line of its own (or separate them with space, colon, space)"
        return f"{words[0]} has no such addressing mode or size: check the operand and .b, .w, .l"
    if len(words) > 1 and words[1] in ASAR_MNEMONICS:
        return f"a label ends with a colon: write {words[0]}: {words[1]} ..."
    near = _similar(words[0]) if words else []
    if near:
        return f"there is no {words[0]}; did you mean {near[0]}?"
    return "use a 65816 instruction or an asar command (db, dw, org, ...); a label ends with a colon"


def _similar(word: str) -> list[str]:
    """Return the mnemonics most like a word: swapped letters first."""
    swapped = sorted(name for name in ASAR_MNEMONICS if sorted(name) == sorted(word))
    return swapped or difflib.get_close_matches(word, sorted(ASAR_MNEMONICS), n=1, cutoff=0.6)


def _label_not_found(diagnostic: Diagnostic, code: str) -> str:
    match = _MISSING.search(diagnostic.message)
    name = match[1] if match else ""
    if name.startswith((":neg", ":pos")):
        return "put the anonymous label in place: - before a backward branch, + after a forward one, on its own line"
    if step := _first(_UNKNOWN, diagnostic.source):
        return step
    near = difflib.get_close_matches(name[:100], _LABEL_NAME.findall(code)[:5000], n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}? otherwise define {name[:60]}:"
    return f"define {name[:60]}: where it belongs, or write its address, for example {name[:60]} = $008000"
