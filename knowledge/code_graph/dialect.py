"""How the assemblers write source: bytes become text, text tells its dialect, directives get one name."""

import re
from typing import NamedTuple

from knowledge.code_graph.types import Dialect

__all__ = ["DATA", "ENDS", "LARGEST_FILE", "LONGEST_LINE", "Decoded", "decode", "detect", "directive"]

LARGEST_FILE = 32 << 20
"""Bytes of a file that is still read."""
LONGEST_LINE = 4_000
"""Characters of a line that are read."""

DATA: dict[str, int] = {
    "db": 1, "byte": 1, "byt": 1, "ascii": 1, "asciiz": 1, "asc": 1, "dsb": -1, "res": -1, "ds": -1, "fill": -1,
    "dw": 2, "word": 2, "addr": 2, "dbyt": 2, "dsw": -2, "dl": 3, "faraddr": 3, "dsl": -3, "dd": 4, "dword": 4,
    "dq": 8, "hex": 0, "incbin": 0, "insert": 0,
}  # fmt: skip
"""Directives that make data, to the bytes of one element; negative: the operand counts the elements; 0: not known."""
ENDS = frozenset(("RTS", "RTL", "RTI", "JMP", "BRA", "BRL", "STP"))
"""Mnemonics behind which control does not go on."""

_SHARED = (
    "if ifdef ifndef elseif elif else endif include incbin macro endmacro org base bank define repeat rept endr db dw "
    "dl dd ds struct endstruct enum macro print error warning assert fail"
)
_CA65 = (
    "proc endproc scope endscope segment byte byt word addr faraddr dword res import importzp export exportzp global "
    "globalzp p816 p02 a8 a16 i8 i16 smart setcpu feature autoimport local asciiz endrep endmac mac endenum ifblank "
    "ifnblank ifconst ifref ifnref ifp816 code data bss zeropage rodata reloc align charmap code pushseg popseg "
    "linecont case assert debuginfo define undef undefine exitmacro exitmac macpack constructor destructor"
)
_WLA = (
    "section ends slot orga memorymap endme slotsize defaultslot rombankmap endro bankstotal banksize banks rombanks "
    "rombanksize dsb dsw dsl ramsection accu index 8bit 16bit 24bit endm ende snesheader endsnes snesnativevector "
    "endnativevector snesemuvector endemuvector lorom hirom exhirom fastrom slowrom asciitable enda asc equ def "
    "redefine redef background emptyfill computesneschecksum undef undefine dstruct endst fopen fclose fread name "
    "force endb block shift incdir outname computechecksum dbm dwm dbsin dbcos seed dbrnd unbackground ifgr ifle"
)
_BASS = (
    "arch architecture insert output origin scope namespace inline constant variable fill map tune evaluate endian "
    "function foreach while delete notice enqueue dequeue pushvar pullvar"
)
_ASAR = (
    "incsrc freecode freedata freespace freespacebyte pushpc pullpc pushbase pullbase pushtable pulltable namespace "
    "skip pad padbyte fillbyte fillword lorom hirom exlorom exhirom norom sa1rom fastrom header autoclean autoclear "
    "prot table cleartable arch math optimize dpbase bankcross check warnpc rep endif while endwhile for endfor reset "
    "function undef spcblock endspcblock segment startpos warnings asar includeonce includefrom global dq incbin "
    "pushns pullns function xkas print error warn"
)
DIRECTIVES: dict[Dialect, frozenset[str]] = {
    "asar": frozenset((_SHARED + " " + _ASAR).split()),
    "listing": frozenset((_SHARED + " " + _ASAR).split()),
    "ca65": frozenset((_SHARED + " " + _CA65).split()),
    "wla": frozenset((_SHARED + " " + _WLA).split()),
    "bass": frozenset((_SHARED + " " + _BASS).split()),
}
"""The names of the directives that are no data, in small letters and without a dot."""

_SAMENESS = {
    "incsrc": "include", "insert": "incbin", "mac": "macro", "endm": "endmacro", "endmac": "endmacro",
    "elif": "elseif", "byt": "db", "byte": "db", "asciiz": "db", "ascii": "db", "asc": "db", "word": "dw",
    "addr": "dw", "dbyt": "dw", "faraddr": "dl", "dword": "dd", "equ": "define", "def": "define",
    "redefine": "define", "redef": "define", "constant": "define", "variable": "define", "ende": "endenum",
    "ends": "endsection", "architecture": "arch", "evaluate": "define",
}  # fmt: skip


def _only(words: str, others: str) -> str:
    return "|".join(sorted(set(words.split()) - set(others.split())))


_MARKS: tuple[tuple[Dialect, int, re.Pattern[str]], ...] = (
    ("ca65", 3, re.compile(rf"^[ \t]*\.(?:{_only(_CA65, _WLA + ' db dw')})\b", re.IGNORECASE | re.MULTILINE)),
    ("ca65", 2, re.compile(r"\b(?:ld[axy]|st[axyz])[ \t]+[azf]:", re.IGNORECASE)),
    ("ca65", 1, re.compile(r"^@\w+:", re.MULTILINE)),
    ("wla", 3, re.compile(rf"^[ \t]*\.(?:{_only(_WLA, _CA65)}|db|dw)\b", re.IGNORECASE | re.MULTILINE)),
    ("bass", 3, re.compile(r"^[ \t]*(?:arch snes\.|(?:constant|variable|define|macro|evaluate) [\w.]+\(|//)", re.M)),
    ("bass", 2, re.compile(r"^[ \t]*(?:(?:scope|namespace) [\w.]+[ \t]*\{|origin \S|insert \S|output \"|[-+];)", re.M)),
    ("asar", 3, re.compile(r"^[ \t]*(?:incsrc|freecode|freedata|pushpc|pullpc|autoclean|warnpc|lorom|hirom)\b", re.M)),
    ("asar", 1, re.compile(r"^[ \t]*(?:org[ \t]+\$|!\w+[ \t]*[:#?+]?=|%\w+\(|\.\w+:?[ \t]*$|d[bwl] |#_)", re.M)),
    ("listing", 2, re.compile(r"^[ \t]*\$?[0-9A-F]{2}[:/]?[0-9A-F]{4}[ \t:|]+(?:[0-9A-F]{2}[ \t]+){0,4}\w", re.M)),
)
_HEAD = 1 << 16
_SUFFIXES: dict[str, Dialect] = {"s": "ca65", "65816": "ca65", "65s": "ca65", "a65": "ca65"}


class Decoded(NamedTuple):
    """The text of a file."""

    lines: list[str]
    """Without line ends."""
    problem: str
    """Why nothing of it was read; empty when it was."""


def decode(data: bytes) -> Decoded:
    """Return the lines of a file: UTF-8 or UTF-16 by its mark, else Shift-JIS or Latin-1, with any line ends."""
    if len(data) > LARGEST_FILE:
        return Decoded([], f"{len(data)} bytes: only files of up to {LARGEST_FILE} bytes are read")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        if data.count(b"\0") * 10 > len(data):
            return Decoded([], "this is no text: a tenth of its bytes are zero")
        text = _text(data)
    text = text.replace("\0", " ").replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text.split("\n"), "")


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "shift_jis"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def detect(path: str, lines: list[str]) -> Dialect:
    """Return the dialect that a file's directives and its name speak for; asar where nothing does."""
    head, room = list[str](), _HEAD
    for line in lines:
        head.append(line[:200])
        room -= len(head[-1]) + 1
        if room < 0:
            break
    text = "\n".join(head)
    score: dict[Dialect, int] = {"asar": 1}
    for dialect, weight, mark in _MARKS:
        score[dialect] = score.get(dialect, 0) + weight * sum(1 for _ in mark.finditer(text))
    by_name = _SUFFIXES.get(path.rsplit(".", 1)[-1].lower())
    if by_name:
        score[by_name] = score.get(by_name, 0) + 2
    return max(score, key=lambda dialect: score[dialect])


def directive(word: str) -> str:
    """Return the one name for a directive: `include` for `incsrc`, `db` for `.byte`."""
    plain = word.lower().lstrip(".")
    return _SAMENESS.get(plain, plain)
