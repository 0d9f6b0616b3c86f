"""A text taken apart for checking: lines of code, statements of prose, rows of tables, each with its place.

Code for other processors and code that is shown as wrong is left out here, so that no check sees it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from knowledge.alttp.validation.found import listed

__all__ = ["CodeLine", "Passages", "Statement", "TableRow", "other_cpu", "passages"]

_LONGEST = 1200
_LINE = 20_000
"""Characters of one line that are read: nobody states a fact in a longer one."""
_FENCE = re.compile(r"^ {0,8}(```+|~~~+)[ \t]*([\w+.#-]*)")
_LISTED = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_NUMBERED = re.compile(r"\s*\d{1,3}[.)]")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s")
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!i\.e\.)(?<!e\.g\.)[\"')\]*_]*\s+(?=[\"'(\[*_`$A-Z])|;\s+|(?<=[\w`)]),\s+(?:but|whereas|while)\s+"
    r"|\n(?=\s*[`*_]*(?:\$|0x[0-9A-Fa-f]|!\w|[Bb]its?\s\d|[A-Z_]{4,}\b))"
)
_ASM_TAGS = frozenset(
    listed(
        "asm 65816 65c816 w65c816 wdc65816 asar snes assembly nasm asm65816 ca65 wla wla-65816 s asm6502 6502 "
        "65xx armasm x86asm masm"
    )
)
_PLAIN_TAGS = frozenset(["", "text", "txt", "plaintext", "plain", "none", "nohighlight"])
_OTHER_CPU = re.compile(
    r"\b(?:spc-?700|spc|s-smp|sound cpu|audio cpu|apu program|apu code|x86|intel|arm7?|arm ?v\d|thumb|z80|"
    r"68000|68k|m68k|"
    r"mips|powerpc|risc-?v|gba|game ?boy|nds|super ?fx|gsu|dsp-1|cx4|avr|8080|8086|nes 6502|wasm|llvm|"
    r"intermediate|pseudo-?code|pseudo)\b",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"\b(?:wrong|incorrect(?:ly)?|broken|bug|buggy|bad|invalid|illegal|mistakes?|mistaken|don't|do not|never|"
    r"avoid|fails|"
    r"won't (?:work|assemble)|doesn't (?:work|exist|assemble)|not valid|hallucinated?|nonexistent|myth|anti-?pattern|"
    r"rejects?|rejected)\b|\binstead of[\s:]*$",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"^\s*(?:(?:[0-9A-F]{2} ){1,4}\s{1,20}|[\w.!?@+-]+:\s*)?"
    r"(?:ad[cd]|and|asl|b[cenmprv][cselaiq]|br[akl]|bit|cl[cdiv]|cmp|cop|cp[xy]|de[cxyv]|eor|"
    r"in[cxy]|j[ms][lpr]|ld[axy]|lsr|mv[np]|nop|ora|pe[air]|ph[abdkpxy]|pl[abdpxy]|re[p]|ro[lr]|rt[ils]|sbc|se[cdip]|"
    r"st[apxyz]|t[acdsxy][abcdsxy]|t[rs]b|wai|wdm|xba|xce|org|db|dw|dl|hirom|lorom|incsrc|pushpc|pullpc|freecode)"
    r"(?:\.[bwl])?(?:\s|$)",
    re.IGNORECASE,
)
_DEFINE = re.compile(r"^\s*!?[A-Za-z_]\w*\s*(?::?=|\bequ\b)\s*[$%\d]|^\s*(?:[\w.]+:|%\w+\()", re.IGNORECASE)
_TELLS = re.compile(r"\s(?:is|are|gives?|takes?|makes?|sets?|puts?|means?|costs?|you|the|which|has|works|does)\s", re.I)
"""Words that make a line a sentence that begins with an instruction."""
_BARE = re.compile(
    r"^\s*(?:[\w.!?@+-]+:\s*)?(?:[A-Za-z]{3}(?:\.[bwlBWL])?\s+(?:[#$(\[!%]|[A-Za-z_.]\w*\s*(?:;|$|,))|(?:org|"
    r"db|dw|dl)\s+\$|"
    r"(?:CLC|SEC|RTS|RTL|RTI|NOP|PHA|PLA|PHB|PLB|PHP|PLP|PHX|PLX|PHY|PLY|PHK|INX|INY|DEX|DEY|TAX|TAY|TXA|TYA|"
    r"XBA|SEI|CLI)\s*(?:;|$))"
)
_RETRACTED = re.compile(
    r"^\W*(?:(?:that|this|it)(?:'s|\u2019s| is| statement is| claim is)\s+(?:wrong|incorrect|not|false|a "
    r"myth|a mistake|untrue)|wrong\b|"
    r"false\b|incorrect\b|nope\b|not (?:true|quite|right|correct)|no[,.:!\u2014 ]+(?:that|this|it|\$|`)|actually,)",
    re.IGNORECASE,
)
_POSTED = re.compile(
    r"\b(?:you|your|you've|you have|user|author|he|she|they)(?: \w+){0,3} "
    r"(?:posted|pasted|wrote|sent|shared|quoted|asked about)\b"
    r"|\b(?:posted|pasted|quoted|original|current|existing) (?:code|snippet|line|routine|version)\b",
    re.IGNORECASE,
)
"""What introduces somebody else's code."""
_FAULTY = re.compile(
    r"^\W*(?:this|that|it|here|there|(?:the|your) (?:above|code|line|snippet|instruction|problem|first|second|last)\b)"
    r"[^.:]{0,60}?(?:\b(?:won't|will not|does not|doesn't|do not|don't|can't|cannot|isn't|is not|fails?|wrong|"
    r"incorrect|invalid|errors?|bugs?|illegal|crash\w*|corrupts?|breaks?|impossible|rejects?|mistakes?)\b|n\u2019t\b)",
    re.IGNORECASE,
)
"""How a paragraph begins that says what is wrong with the code above it."""
_ASKS = re.compile(r"\?[\s`*_\"')]*$")
_QUOTED = re.compile(r"\"(?=[^\"\n]{12,200}\")(?:[^\s\"]+\s){3,30}[^\s\"]+\"|\u201c[^\u201c\u201d\n]{12,200}\u201d")
"""A sentence in quotation marks: somebody else's."""
_RULED = re.compile(r"^[\s|:+-]+$")


class Statement(NamedTuple):
    """One sentence or clause of prose."""

    start: int
    text: str
    around: str
    """The whole paragraph, for what the sentence leaves unsaid."""
    heading: str
    """The heading above, empty without one."""


class CodeLine(NamedTuple):
    """One line of 65816 code."""

    start: int
    text: str
    block: int
    """Number of the block that it belongs to; blocks of their own count anew."""
    intro: str
    """The line of prose before the block."""
    tagged: bool
    """The block says that it is assembly."""


class TableRow(NamedTuple):
    """One row of a Markdown table."""

    start: int
    text: str
    cells: tuple[tuple[int, str], ...]
    """(offset, text) of each cell, blanks cut."""
    header: tuple[str, ...]
    around: str
    """The paragraph or heading before the table."""


@dataclass
class Passages:
    """All that a text says, in the order of the text."""

    text: str
    statements: list[Statement] = field(default_factory=list[Statement])
    questions: list[Statement] = field(default_factory=list[Statement])
    """Sentences that ask: they state nothing, but a prompt is made of them."""
    code: list[CodeLine] = field(default_factory=list[CodeLine])
    rows: list[TableRow] = field(default_factory=list[TableRow])
    breaks: list[int] = field(default_factory=list[int])
    """Offsets of the line feeds."""

    def line(self, offset: int) -> int:
        """Return the 1-based number of the line that an offset lies in."""
        return bisect_right(self.breaks, offset - 1) + 1


class _Line(NamedTuple):
    start: int
    text: str


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for line in text.split("\n"):
        yield _Line(start, line[:_LINE].rstrip("\r"))
        start += len(line) + 1


def _blanked(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _sentences(paragraph: list[_Line], heading: str) -> Iterator[Statement]:
    """Give the statements of lines that run on; a line feed between them counts as a blank."""
    if not paragraph:
        return
    first = paragraph[0].start
    parts: list[str] = []
    length = 0
    for line in paragraph:
        parts.append("\n" * max(0, line.start - first - length) + line.text)
        length = line.start - first + len(line.text)
    whole = "".join(parts)
    at = 0
    for match in [*_SENTENCE.finditer(whole), None]:
        if match and _NUMBERED.fullmatch(whole, at, match.start()):
            continue
        end = match.start() if match else len(whole)
        piece = whole[at:end]
        if piece.strip():
            yield Statement(first + at, piece[:_LONGEST], whole[:_LONGEST], heading)
        at = match.end() if match else end


def _cells(line: _Line) -> tuple[tuple[int, str], ...]:
    out: list[tuple[int, str]] = []
    at = 0
    for part in line.text.split("|"):
        lead = len(part) - len(part.lstrip())
        out.append((line.start + at + lead, part.strip()))
        at += len(part) + 1
    if out and not out[0][1]:
        out = out[1:]
    if out and not out[-1][1]:
        out = out[:-1]
    return tuple(out)


class _Reader:
    """Walks the lines once and files them."""

    def __init__(self, text: str) -> None:
        """Begin before the first line."""
        self.found = Passages(text)
        self.found.breaks = [match.start() for match in re.finditer("\n", text)]
        self.paragraph: list[_Line] = []
        self.heading = ""
        self.intro = ""
        self.table: list[_Line] = []
        self.blocks = 0
        self.last_block = 0

    def flush(self) -> None:
        """File the paragraph and the table that end here."""
        self.take_back()
        code = [
            line
            for line in self.paragraph
            if _BARE.match(line.text)
            and _INSTRUCTION.match(line.text)
            and not _TELLS.search(line.text.partition(";")[0])
        ]
        if (
            code
            and len(code) * 2 >= len(self.paragraph)
            and (len(code) > 1 or self.paragraph[0].text.startswith("    "))
        ):
            self.block(self.paragraph, "")
            self.intro = ""
        elif self.paragraph:
            self.found.statements += _sentences(self.paragraph, self.heading)
            self.intro = self.paragraph[-1].text
        self.paragraph = []
        if len(self.table) > 1 or (self.table and self.table[0].text.lstrip().startswith("|")):
            self.file_table()
        elif self.table:
            self.found.statements += _sentences(self.table, self.heading)
        self.table = []

    def file_table(self) -> None:
        """File the rows of a table with their header."""
        ruled = next((place for place, line in enumerate(self.table[:3]) if _RULED.match(line.text)), -1)
        header = tuple(cell.lower() for _, cell in _cells(self.table[ruled - 1])) if ruled > 0 else ()
        for line in self.table[ruled + 1 :] if ruled >= 0 else self.table:
            if not _RULED.match(line.text):
                row = TableRow(line.start, line.text, _cells(line), header, f"{self.heading} {self.intro}")
                self.found.rows.append(row)

    def prose(self, line: _Line) -> None:
        """Take one line outside of fences."""
        text = line.text
        if not text.strip():
            self.flush()
        elif _HEADING.match(text):
            self.flush()
            self.heading = self.intro = text
            self.found.statements.append(Statement(line.start, text, text, text))
        elif text.count("|") >= 2 and (text.lstrip().startswith("|") or self.table or " | " in text):
            if self.paragraph:
                self.flush()
            self.table.append(line)
        else:
            if self.table or _LISTED.match(text):
                self.flush()
            self.paragraph.append(line)

    def take_back(self) -> None:
        """Drop the block just above when the paragraph that begins here says that it does not work."""
        if not self.paragraph:
            return
        last, self.last_block = self.last_block, 0
        if last and _FAULTY.match(" ".join(line.text for line in self.paragraph[:3])[:300]):
            self.found.code = [line for line in self.found.code if line.block != last]

    def block(self, lines: list[_Line], tag: str) -> None:
        """File one block of code when it is 65816 code that is meant to be right."""
        intro = f"{self.heading} {self.intro}" if not self.intro.startswith("#") else self.intro
        if _WRONG.search(self.intro[-160:]) or _POSTED.search(self.intro[-160:]) or not _is_assembly(lines, tag, intro):
            return
        self.blocks += 1
        self.last_block = self.blocks
        tagged = tag in _ASM_TAGS
        self.found.code += [CodeLine(line.start, line.text, self.blocks, intro, tagged) for line in lines]


def _is_assembly(lines: list[_Line], tag: str, intro: str) -> bool:
    """Tell whether a block is code for the 65816: by its tag, what introduces it, and its instructions."""
    if tag not in _ASM_TAGS and tag not in _PLAIN_TAGS:
        return False
    head = "\n".join(line.text for line in lines[:60])
    if _OTHER_CPU.search(intro) or re.search(
        r"(?i)\barch\s+spc|\b(?:spc-?700|z80|x86|68000|68k|gba|super ?fx)\b", head
    ):
        return False
    written = [line.text for line in lines if line.text.strip() and not line.text.lstrip().startswith(";")]
    native = sum(1 for text in written[:200] if _INSTRUCTION.match(text) or _DEFINE.match(text))
    if tag in _PLAIN_TAGS:
        return native * 2 >= min(len(written), 200) and native > 0
    return native > 0 or tag not in ("asm", "assembly", "s", "nasm", "masm", "x86asm", "armasm", "6502", "asm6502")


def other_cpu(text: str) -> bool:
    """Tell whether a text speaks of another processor."""
    return _OTHER_CPU.search(text) is not None


_ELSE = re.compile(r"(?<=\w), (?:otherwise|or else)\b.*", re.DOTALL)
"""What holds when what stands before does not: it leaves that as it is."""


def _stated(said: list[Statement]) -> Iterator[Statement]:
    """Give what the author says: no question, nothing that the next sentence takes back, no quoted sentence."""
    told = [one for one in said if not _ASKS.search(one.text)]
    for one, after in zip(told, [*told[1:], None], strict=False):
        if after is None or not _RETRACTED.match(after.text):
            yield one._replace(text=_ELSE.sub(_blanked, _QUOTED.sub(_blanked, one.text)))


def passages(text: str) -> Passages:
    """Take a text apart. A fence that is never closed runs to the end of the text."""
    reader = _Reader(text)
    fence = tag = ""
    block: list[_Line] = []
    for line in _lines(text):
        mark = _FENCE.match(line.text)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2]:
                reader.block(block, tag)
                reader.intro = ""
                fence, block = "", []
            else:
                block.append(line)
        elif mark:
            reader.flush()
            fence, tag, block = mark[1], mark[2].lower(), []
        else:
            reader.prose(line)
    reader.flush()
    if fence:
        reader.block(block, tag)
    said = reader.found.statements
    reader.found.questions = [one for one in said if _ASKS.search(one.text)]
    reader.found.statements = list(_stated(said))
    return reader.found
