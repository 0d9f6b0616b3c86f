"""Checks of what a text says of one instruction: widths that REP and SEP set, cycles, bytes and flags."""

import re
from collections.abc import Iterator
from itertools import combinations

from knowledge.alttp.validation.assembly import Instruction, fits, instruction, instructions, is_mnemonic
from knowledge.alttp.validation.claims import doubtful
from knowledge.alttp.validation.found import Found, listed, opcode_fact
from knowledge.alttp.validation.passages import Passages, Statement, TableRow
from knowledge.m65816.opcodes import BY_MNEMONIC, FLAGS, Opcode

__all__ = ["CODE", "COUNT", "PLACEHOLDER", "check_instructions", "counted", "placeheld"]

_WORDS = listed("zero one two three four five six seven eight nine ten")
COUNT = r"(?P<n>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)"
_COUNT_3 = COUNT.replace("?P<n>", "?P<n3>")
_SAID = re.compile(
    rf"\b(?P<verb>takes?|costs?|uses|is|needs|requires|executes in|runs in|completes in|occupies|in)\s+"
    rf"(?:(?:only|exactly|just|always|about|up|a|encoded|as)\s+)*{COUNT}[ -](?:(?:cpu|machine|clock)[ -])?"
    rf"(?P<what>cycles?|bytes?|byte-long)\b"
    rf"|[(:=\u2014\u2013-]\s*{COUNT.replace('?P<n>', '?P<n2>')}\s+(?P<what2>cycles?|bytes?)\b"
    rf"|(?<=[\w`)])\s{_COUNT_3}\s(?P<what3>cycles?|bytes?)\b(?! (?:of|free|later|before|after|away|apart|worth|to|in))",
    re.IGNORECASE,
)
_NOTE = re.compile(
    rf"^\s*\(?\s*{COUNT} (?:cpu )?(?P<what>cycles?|bytes?)\s*\)?(?:\s*[,/]\s*(?P<n2>\d+) (?P<what2>cycles?|"
    rf"bytes?))?\s*$",
    re.I,
)
_NOT_CPU = re.compile(
    r"\b(?:master|dots?|scanlines?|loops?|iterations?|total|per frame|each time|saves?|fewer|more|less|extra|"
    r"additional|faster|slower|altogether|sum|combined|both|together|instead|than|transfer)\b",
    re.IGNORECASE,
)
CODE = re.compile(
    r"`(?P<code>[A-Za-z]{3}(?:\.[bwlBWL])?(?:\s+[^`\n]{1,24})?)`|"
    r"\b(?P<plain>[A-Z]{3}(?:\.[bwlBWL])?(?:\s+(?:#?\$[0-9A-Fa-f]{2,6}|#?\$?nn+|\(\$?[0-9A-Fa-f]{2}\)|"
    r"#(?:imm|const|value))(?:,[XYS])?)?)\b"
)
PLACEHOLDER = re.compile(
    r"(?i)\$?(?:nnnnnn|nnnn|nn|llhhll|hhll|aaaa|bbaaaa|xxxxxx|xxxx|xx|ll)\b|\b(?:imm(?:ediate)?8?|const|value|byte|n)\b"
)
_EIGHT, _SIXTEEN = re.compile(r"\b8[- ]bit\b", re.I), re.compile(r"\b16[- ]bit\b", re.I)
_TOGETHER = re.compile(r"[`*\s]*(?:,|and|or|/|\+|then|:|;|, then|, and)?[`*\s]*")
"""What stands between instructions that are named together."""
_SEVERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|ten|several|many|\d+(?:x|\u00d7)?)\s+`?$", re.IGNORECASE
)
_BITS = re.compile(r"\b(?P<bits>8|16)[- ]?bits?\b", re.IGNORECASE)
_BOTH = re.compile(
    r"\bA(?:/|,| and | & |\+)\s?X(?:(?:/|,|,? and | & |\+)\s?Y)?\b|\b(?:A|M|accumulator|memory)(?:[ /&]|and|"
    r",)+(?:the )?(?:index|X)\b|\ball (?:three )?registers\b",
    re.I,
)
_ACC = re.compile(r"\b(?:A|M|accumulator|memory|acc)\b|(?<=-bit )a\b", re.IGNORECASE)
_INDEX = re.compile(r"\b(?:X|Y|XY|X/Y|index(?:es)?|indices)\b", re.IGNORECASE)
_SUBJECT = re.compile(
    r"\b(?:A|M|X|Y|XY)\b|(?<=-bit )a\b|(?i:\b(?:acc|accumulator|memory|index(?:es)?|indices|registers?|mode|all)\b)"
)
_GIVES = re.compile(
    r"[`*\s:=\u2192\u2014-]*(?:(?:it|is|goes|switch\w*|puts?|makes?|gives?|sets?|to|for|into|in|means|you|back|"
    r"the CPU) )*(?:8|16)[- ]?bit",
    re.IGNORECASE,
)
_REP = re.compile(r"\b(?P<name>REP|SEP)\s+#(?P<mask>\$[0-9A-Fa-f]{2}|%[01]{8}|\d{1,3})\b`?", re.IGNORECASE)
_FLAG_NAME = {"carry": "c", "zero": "z", "negative": "n", "overflow": "v", "decimal": "d", "interrupt": "i"}
_FLAGGED = re.compile(
    r"`?\b(?P<name>[A-Z]{3})\b`?(?: instruction)?(?: also| always)? (?:affects?|sets?|clears?|modif(?:y|ies)|"
    r"updates?|changes?|"
    r"alters?)(?: only)? the (?P<flag>carry|zero|negative|overflow|decimal|interrupt(?: disable)?)(?: flag| bit)?\b",
)
_UNFLAGGED = re.compile(
    r"`?\b(?P<name>[A-Z]{3})\b`?(?: instruction)? (?:does not|doesn't|never|will not|won't) (?:affect|set|"
    r"modify|update|change|alter|touch)"
    r"(?: the)? (?P<flag>carry|zero|negative|overflow|decimal)\b",
)


_NO_FLAGS = re.compile(
    r"`?\b(?P<name>[A-Z]{3})\b`?(?: instruction)? (?:(?:does not|doesn't|never|will not|won't) (?:affect|set|modify|"
    r"update|change|alter|touch) (?:any(?: of the)?|the)(?: \w+)? flags?\b(?! (?:except|but|other|besides))"
    r"|(?:affects?|changes?|sets?|modif(?:y|ies)) no(?: \w+)? flags?\b|leaves (?:all )?(?:the )?(?:\w+ )?flags "
    r"(?:alone|unchanged|untouched|as they are))(?! (?:except|but|other|besides))",
)
_ANY_FLAGS = frozenset("czn")
"""Flags of arithmetic: who says that an instruction changes no flags speaks of these."""


_UPPER = re.compile(
    r"(?P<name>[Ss][Ee][Pp]) #\$20`?(?: \w+){0,2} (?P<verb>clears|zeroes|resets|destroys|wipes|erases|loses) "
    r"the (?:upper|high|hidden|top) "
    r"(?:byte|half|8 bits) of (?:`?A`?\b|the accumulator)"
)


def _upper(said: Statement) -> Iterator[Found]:
    """Check what SEP does to the half of the accumulator that it hides: nothing."""
    for match in _UPPER.finditer(said.text):
        yield Found(
            "wrong-width",
            said.start + match.start(),
            said.start + match.end(),
            f"SEP #$20 {match['verb']} nothing of the accumulator.",
            "The upper byte is kept (XBA reaches it); only SEP #$10 clears the upper bytes, of X and Y.",
            opcode_fact("SEP sets flags; with X set the upper bytes of X and Y are 0, B is kept while M is set"),
        )


def check_instructions(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of instructions."""
    for line in found.code:
        if doubtful(line.text):
            continue
        for one in instructions(line.text, line.start):
            if one.comment:
                yield from _comment(one)
    for said in found.statements:
        yield from _statement(said)
    for row in found.rows:
        yield from _row(row)


def _comment(one: Instruction) -> Iterator[Found]:
    if one.name in ("REP", "SEP") and one.number >= 0 and one.immediate:
        yield from _widths(one.name, one.number, one.comment, one.start, one.end)
    match = _NOTE.match(one.comment)
    if match and is_mnemonic(one.name) and fits(one):
        yield from counted(one, match["n"], match["what"], "", one.start, one.end)
        if match["n2"]:
            yield from counted(one, match["n2"], match["what2"], "", one.start, one.end)


def _statement(said: Statement) -> Iterator[Found]:
    yield from _flags(said)
    if doubtful(said.text):
        return
    yield from _upper(said)
    for match in _REP.finditer(said.text):
        mask = match["mask"]
        value = int(mask[1:], 16 if mask[0] == "$" else 2) if mask[0] in "$%" else int(mask)
        others = [other for other in _REP.finditer(said.text) if other.start() > match.start()]
        end = others[0].start() if others else len(said.text)
        part = re.split(
            r"[,;.]\s+(?:then|and then|after)\b|\bbefore\b|\bwhen\b|\bwhile\b|\bso\b", said.text[match.end() : end]
        )[0]
        yield from _widths(
            match["name"].upper(), value, part[:120], said.start + match.start(), said.start + match.end()
        )
    yield from _counts(said)


def _widths(name: str, mask: int, text: str, start: int, end: int) -> Iterator[Found]:
    """Check a width that REP or SEP is said to set: REP makes 16 bits, SEP makes 8."""
    said = {match["bits"] for match in _BITS.finditer(text)}
    if len(said) != 1 or not mask & 0x30:
        return
    bits = said.pop()
    makes = "16" if name == "REP" else "8"
    right = " and ".join(part for part, bit in (("the accumulator", 0x20), ("the index registers", 0x10)) if mask & bit)
    wrong = bits != makes and (_SUBJECT.search(text) is not None or _GIVES.match(text) is not None)
    if bits == makes:
        both = _BOTH.search(text) is not None
        acc, index = both or _ACC.search(text) is not None, both or _INDEX.search(text) is not None
        if re.search(r"\b(?:value|number|read|load|copy|compare|address|pointer|math|loop)\b", text, re.IGNORECASE):
            return
        wrong = (acc and not mask & 0x20 and not (index and not both)) or (
            index and not mask & 0x10 and not (acc and not both)
        )
    if wrong:
        yield Found(
            "wrong-width",
            start,
            end,
            f"{name} #${mask:02X} does not do that: {' '.join(text.split())[:60]!r}.",
            f"{name} #${mask:02X} makes {right} {makes} bits wide.",
            opcode_fact(
                f"REP clears and SEP sets the flags of its operand; M = ${FLAGS['m']:02X}, X = "
                f"${FLAGS['x']:02X}, 1 is 8-bit"
            ),
        )


def _counts(said: Statement) -> Iterator[Found]:
    text = said.text
    codes = list(CODE.finditer(text))
    for match in _SAID.finditer(text):
        what = match["what"] or match["what2"] or match["what3"]
        before = [code for code in codes if code.end() <= match.start() and match.start() - code.end() < 60]
        between = text[before[-1].end() : match.start()] if before else ""
        if (
            not before
            or _NOT_CPU.search(text[max(0, match.start() - 60) : match.end() + 40])
            or re.search(r"[.;:!?]\s", between)
            or (match["n3"] and between.strip("`* "))
        ):
            continue
        if len(before) > 1 and _TOGETHER.fullmatch(text[before[-2].end() : before[-1].start()]):
            continue  # a sequence: its sum may be meant
        last = before[-1]
        if re.match(r"s\b|'s\b", between) or _SEVERAL.search(text, max(0, last.start() - 12), last.start()):
            continue  # several of them
        code = last["code"] or last["plain"]
        one = instruction(PLACEHOLDER.sub(placeheld, code), said.start + before[-1].start())
        if one and is_mnemonic(one.name):
            bare = not one.operand
            yield from counted(
                one,
                match["n"] or match["n2"] or match["n3"],
                what,
                text,
                said.start + before[-1].start(),
                said.start + match.end(),
                any_mode=bare,
            )


def placeheld(match: re.Match[str]) -> str:
    """Give digits for a placeholder: `nn` is a byte, `nnnn` two, `nnnnnn` three."""
    text = match.group().lstrip("$").lower()
    digits = {"nnnn": 4, "hhll": 4, "aaaa": 4, "xxxx": 4, "nnnnnn": 6, "llhhll": 6, "bbaaaa": 6, "xxxxxx": 6}.get(
        text, 2
    )
    return "$" + "12" * (digits // 2)


def counted(
    one: Instruction, count: str, what: str, text: str, start: int, end: int, *, any_mode: bool = False
) -> Iterator[Found]:
    """Check a number of cycles or bytes against all that the instruction can take."""
    number = int(count) if count.isdigit() else _WORDS.index(count.lower())
    rows = [row for row in BY_MNEMONIC[one.mnemonic] if any_mode or row.mode in fits(one)]
    if one.name == "JML":
        rows = [row for row in rows if row.mode in ("absolute_long", "absolute_indirect_long")]
    if not any_mode and one.digits:
        least = min((_operand_bytes(row) for row in rows), default=0)
        rows = [row for row in rows if _operand_bytes(row) == least]
    cycles = what.lower().startswith("cycle")
    if not rows or (cycles and one.mnemonic in ("MVN", "MVP", "WAI", "STP")):
        return
    eight, sixteen = _EIGHT.search(text) is not None, _SIXTEEN.search(text) is not None
    possible = set[int]().union(
        *(
            _cycles(row, eight=eight and not sixteen) if cycles else _lengths(row, eight=eight and not sixteen)
            for row in rows
        )
    )
    if sixteen and not eight and one.immediate and not cycles:
        possible -= {min(possible)} if len(possible) > 1 else set()
    if number in possible:
        return
    shown = f"{one.name} {one.operand}".strip()
    right = " or ".join(map(str, sorted(possible)))
    yield Found(
        "wrong-cycles" if cycles else "wrong-length",
        start,
        end,
        f"{shown} does not take {number} "
        f"{'cycles' if cycles else 'bytes'}{' in 8-bit mode' if eight and not sixteen else ''}.",
        f"It takes {right}.",
        opcode_fact(f"{shown}: {right} {'CPU cycles' if cycles else 'bytes'}"),
    )


def _operand_bytes(row: Opcode) -> int:
    return row.size


_EXTRA = {"mm": 2}


def _cycles(row: Opcode, *, eight: bool) -> set[int]:
    extras = [_EXTRA.get(name, 1) for name in row.modifiers if name != "b" and not (eight and name in ("m", "mm", "x"))]
    sums = {sum(some) for size in range(len(extras) + 1) for some in combinations(extras, size)}
    return {row.cycles + more for more in sums}


def _lengths(row: Opcode, *, eight: bool) -> set[int]:
    return {row.length(1, 1)} if eight else {row.length(1, 1), row.length(0, 0)}


def _row(found: TableRow) -> Iterator[Found]:
    """Check a table of instructions with columns of bytes or cycles."""
    yield from _wide_row(found)
    columns = {
        place: name for place, name in enumerate(found.header) if re.search(r"\b(?:cycles?|bytes?|size|length)\b", name)
    }
    if not columns or not found.cells or doubtful(found.text):
        return
    start, code = found.cells[0]
    one = instruction(PLACEHOLDER.sub(placeheld, code.strip("`* ")), start)
    if one is None or not is_mnemonic(one.name) or not fits(one):
        return
    for place, name in columns.items():
        text = found.cells[place][1].strip("`* ") if place < len(found.cells) else ""
        if re.fullmatch(r"\d{1,2}", text) and not re.search(r"master|16|total", name):
            what = "cycles" if "cycle" in name else "bytes"
            at = found.cells[place][0]
            yield from counted(one, text, what, name, start, at + len(text), any_mode=not one.operand)


def _wide_row(found: TableRow) -> Iterator[Found]:
    """Check a table that says in words which width each REP and SEP sets."""
    match = _REP.fullmatch(found.cells[0][1].strip("* `")) if found.cells else None
    if match is None or doubtful(found.text) or not match["mask"].startswith("$"):
        return
    for start, text in found.cells[1:]:
        yield from _widths(match["name"].upper(), int(match["mask"][1:], 16), text, start, start + len(text))


def _flags(said: Statement) -> Iterator[Found]:
    for match in _UNFLAGGED.finditer(said.text):
        if re.search(r"\b(?:wrong|myth|incorrect|mistak\w+|if)\b", said.text):
            continue
        yield from _flag(match, said, affected=False)
    for match in _NO_FLAGS.finditer(said.text):
        rows = () if match["name"] in ("REP", "SEP") else BY_MNEMONIC.get(match["name"], ())
        if (
            rows
            and all(_ANY_FLAGS & set(row.flags_written) for row in rows)
            and not re.search(r"\b(?:wrong|myth|incorrect|mistak\w+|if|except)\b", said.text)
        ):
            yield _changes(match, said, f"{match['name']} changes flags.")
    if doubtful(said.text):
        return
    for match in _FLAGGED.finditer(said.text):
        yield from _flag(match, said, affected=True)


def _flag(match: re.Match[str], said: Statement, *, affected: bool) -> Iterator[Found]:
    rows = () if match["name"] in ("REP", "SEP") else BY_MNEMONIC.get(match["name"], ())
    flag = _FLAG_NAME[match["flag"].split()[0]]
    writes = [flag in row.flags_written for row in rows]
    if not rows or (affected and any(writes)) or (not affected and not all(writes)):
        return
    what = f"the {match['flag']} flag{' as it is' if affected else ''}."
    yield _changes(match, said, f"{match['name']} {'leaves' if affected else 'changes'} {what}")


def _changes(match: re.Match[str], said: Statement, problem: str) -> Found:
    changed = ", ".join(BY_MNEMONIC[match["name"]][0].flags_written.upper()) or "no flag"
    return Found(
        "wrong-flags",
        said.start + match.start(),
        said.start + match.end(),
        problem,
        f"{match['name']} changes: {changed}.",
        opcode_fact(f"{match['name']} writes {changed}"),
    )
