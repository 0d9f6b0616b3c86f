"""Checks of prose on code and hardware: instructions in a sentence, accesses of registers, addresses, numbers."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.assembly import instruction, is_mnemonic
from knowledge.alttp.validation.check_code import (
    FOREIGN,
    check_instruction,
    expands,
    extends,
    outside,
    register_fact,
    unknown_mnemonic,
    unlisted,
)
from knowledge.alttp.validation.claims import Address, addresses, doubtful
from knowledge.alttp.validation.found import REGISTER_PLACES, Found, hardware_map, listed
from knowledge.alttp.validation.passages import Passages, Statement, other_cpu
from knowledge.snes.addresses import fold, lorom_offset, show
from knowledge.snes.memory_map import region
from knowledge.snes.registers import Register, find_register, register_at

__all__ = ["check_prose"]

_INLINE = re.compile(r"`([^`\n]{2,60})`")
_CALLED = re.compile(
    r"(?:\bthe |\ba |\ban |\bits |\buse |\busing )`?(?P<name>[A-Z]{2,5})`?(?: [A-Za-z]+)? (?:instruction|"
    r"opcode|mnemonic)s?\b"
)
_REG = r"[`*_(]*(?P<place>\$(?:00:?|80:?)?[24][0-9A-Fa-f]{3}|[A-Z][A-Z0-9]{3,9})\b(?!,)"
_READS = re.compile(
    rf"\b(?:read|reads|reading|poll|polls|polling|check|checks|checking|load|loads|loading)\s+(?:(?:back|the|"
    rf"current|value|of|from|register|contents?|status|bits?|\d|in|state|brightness|screen|it|your|data|a|"
    rf"byte|out|directly|via|PPU|hardware|[a-z]+)\s+){{0,6}}{_REG}",
    re.IGNORECASE,
)
_WRITES = re.compile(
    rf"\b(?:write|writes|writing|store|stores|storing)\s+(?:[^.;,\n]{{0,48}}?\b(?:to|into|in)"
    rf"\s+(?:the\s+)?(?:register\s+)?)?{_REG}",
    re.IGNORECASE,
)
_ACCESS = re.compile(
    rf"{_REG}[`*_)]*(?:\s*\([^()]{{1,40}}\))?\s+(?:is|are|being)\s+(?:an?\s+)?(?:8-bit\s+|hardware\s+|PPU\s+|"
    rf"CPU\s+)?(?P<how>read[- ]only|write[- ]only|readable|writable|writeable|read[-/ ]write|readable and "
    rf"writable|read and write)\b",
    re.IGNORECASE,
)
_CAN = re.compile(
    rf"{_REG}[`*_)]*\s+(?:can|may) (?:also )?be (?P<how>read|written)(?: back| from| to)?\b(?! only)", re.IGNORECASE
)
_KIND_OF = re.compile(
    rf"\b(?P<how>read[- ]only|write[- ]only|readable) (?:[a-z]+ )?(?:register |port )?{_REG}", re.IGNORECASE
)
_LABELLED = re.compile(
    rf"\b(?P<how>reads?|writes?)(?: (?:port|register|address))?\s*(?:[:=(]|is|->|\u2192)\s*{_REG}", re.IGNORECASE
)
_HARDWARE = re.compile(
    r"\b(?:registers?|ppu|hardware|i/?o|dma|hdma|mmio|port|latch|enable|irq|nmi|joypad|controller|scroll|"
    r"window|mosaic|write|writes|writing|read|reads|reading|store|apu)\b",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"\b(?:values?|masks?|example|constants?|colou?rs?|checksums?|numbers?|vram|word address|bytes? long|"
    r"length|tilemap|up to|range|first \$|bank \$?[2-9a-f])\b",
    re.IGNORECASE,
)
_PC = re.compile(
    r"\b(?:pc(?=\s+[`*(]*(?:0x|\$))|(?:pc|file|rom(?: file)?)[- ](?:offset|address|location|position))"
    r"\s*(?:of|is|=|:|at|as|would be|becomes|\()?\s*[`*(]*(?:0x|\$)(?P<pc>[0-9A-Fa-f]{4,6})\b|"
    r"(?:0x|\$)(?P<pc2>[0-9A-Fa-f]{5,6})[`*]*\s*(?:\(?(?:pc|in the (?:rom|file)|file offset|\(pc\)|headerless)\b)",
    re.IGNORECASE,
)
_AT_OFFSET = re.compile(r"\b(?:at|from) offset [`*]*(?:0x|\$)(?P<pc>[0-9A-Fa-f]{4,6})(?P<pc2>)\b", re.IGNORECASE)
_PAIRED = re.compile(
    r"(?P<snes>\$[0-9A-Fa-f]{6})[`*]*\s+(?:is|=|->|\u2192|becomes|maps to)\s+(?:(?:pc|file) offset )?[`*]*"
    r"(?:0x|\$)(?P<pc>[0-9A-Fa-f]{4,6})(?P<pc2>)\b",
    re.IGNORECASE,
)
_TIE = frozenset(
    listed(
        "in is are for as at a an the this that it s which means equals become becomes map maps mapped to correspond "
        "corresponds snes cpu lorom address addresses bank offset location position pc file rom headerless unheadered "
        "headered without no of with so i e or give gives would be lands lies sits from header byte hex routine label "
        "its you get find comes out same thus therefore converts translates into belongs starts begins starting located"
    )
)
"""Words between an offset in the file and the address that it is said to be."""
_LABEL_OR_NUMBER = re.compile(r"\w*_\w*|[A-Z][a-z]+[A-Z]\w*|[0-9][0-9A-Fa-fx]*")
_NEAR = 120


def _is_tied(gap: str) -> bool:
    """Tell whether nothing but words that say that two addresses are the same stands between them."""
    words = re.findall(r"\w+", gap)
    return len(gap) < _NEAR and all(word.lower() in _TIE or _LABEL_OR_NUMBER.fullmatch(word) for word in words)


_PC_WORD = re.compile(r"\b(?:pc|file) offsets?\b", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"(?:\b(?:at|JSL|JML|address|routine|label)\s+[`*]*|\bat [`*]*)(?P<address>\$[0-9A-Fa-f]{7})\b", re.IGNORECASE
)
_AS_RAM = re.compile(
    r"\$(?P<address>[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{4})[`*)]*\s+(?:as|is|for)\s+"
    r"(?:(?:extra|free|more|your|additional|spare) )*(?:work )?(?:RAM|WRAM)\b(?! (?:mirror|copy|image))"
)
_DECIMAL = re.compile(
    r"(?<![\w$#])#?(?:\$|0x)(?P<hex>[0-9A-Fa-f]{1,4})[`*_]*\s*(?:\(|=|is|equals|,|"
    r"or)*\s*(?P<sign>decimal\s+)?(?P<decimal>\d{1,5})(?P<after>\s*(?:in )?decimal)?\b(?!\s*(?:[-:.]\d|"
    r"bytes?|bits?|hearts?|frames?|pixels?|entries|slots|%|x\b))",
    re.IGNORECASE,
)


def check_prose(found: Passages) -> Iterator[Found]:
    """Give what is wrong in sentences on code and hardware."""
    expanded, extended = expands(found.text), extends(found.text)
    for said in found.statements:
        if doubtful(said.text):
            continue
        yield from _inline(said, found.text)
        yield from _mnemonics(said)
        yield from _access(said)
        yield from _places(said, expanded=expanded, extended=extended)
        yield from _offsets(said)
        yield from _as_ram(said)
        yield from _too_long(said)
        yield from _decimals(said)
    for row in found.rows:
        if not doubtful(row.text):
            said = Statement(row.start, row.text, row.around, "")
            yield from _places(said, expanded=expanded, extended=extended)
            yield from _inline(said, found.text)


def _inline(said: Statement, whole: str) -> Iterator[Found]:
    for match in _INLINE.finditer(said.text):
        one = instruction(match[1], said.start + match.start(1))
        if one is None or not one.operand:
            continue
        if is_mnemonic(one.name):
            if re.match(r"[#$(\[]|[A-Za-z_]\w*,[XYS]$|A$", one.operand) and not re.search(
                r"(?i)nn|xx|aa|hh|ll|imm|addr", one.operand
            ):
                wrong = check_instruction(one)
                if wrong:
                    yield wrong
        elif (
            one.name in FOREIGN
            and re.match(r"[#$(\[]|[AXYaxy]\b", one.operand)
            and not other_cpu(said.around + " " + said.heading)
        ):
            yield unknown_mnemonic(one)
    del whole


_THE_INSTRUCTION = re.compile(r"the `?[A-Z]{3,5}`? (?:instruction|opcode|mnemonic)$")
_NO_INSTRUCTION = frozenset(
    listed(
        "CPU SPC NMI IRQ SNES DMA HDMA PPU APU ASM ROM RAM DSP GSU ARM NES WDC ASAR FIRST LAST NEXT SAME WRONG ONLY "
        "JUMP BIOS HOOK THIS THAT RISC SIMD REAL"
    )
)
"""Words in capitals before `instruction` that name none."""


def _is_strange(name: str) -> bool:
    return not is_mnemonic(name) and name not in _NO_INSTRUCTION and find_register(name) is None


_SPAN = re.compile(r"`(?P<name>[A-Z]{3})`")
_FEW = 3
"""So many instructions beside it make a word in a list one that is said to be an instruction."""


def _listed(said: Statement) -> Iterator[Found]:
    """Check a list of instructions, such as `TSX`, `TXS` and `TYS`, for one that no CPU of the kind has."""
    spans = list(_SPAN.finditer(said.text))
    real = [match for match in spans if is_mnemonic(match["name"])]
    for match in spans if len(real) >= _FEW and not other_cpu(f"{said.around} {said.heading}") else ():
        one = instruction(match["name"], said.start + match.start("name"))
        if one and match["name"] in FOREIGN and _is_strange(match["name"]):
            yield unknown_mnemonic(one)


def _mnemonics(said: Statement) -> Iterator[Found]:
    yield from _listed(said)
    for match in _CALLED.finditer(said.text):
        strange = match["name"] in FOREIGN or (_THE_INSTRUCTION.match(match.group()) and _is_strange(match["name"]))
        if strange and not other_cpu(said.around + " " + said.heading):
            one = instruction(match["name"], said.start + match.start("name"))
            if one:
                yield unknown_mnemonic(one)


def _register(text: str) -> Register | None:
    if text.startswith("$"):
        return register_at(int(text[1:].replace(":", ""), 16))
    return find_register(text) if text.isupper() else None


_IN_VAIN = re.compile(
    r"(?i)\b(?:open[- ]bus|garbage|nothing useful|undefined|no effect|nothing happens|meaningless|useless|nothing|"
    r"write-only|last value on the bus|mdr)\b"
)
"""What comes of reading a register that cannot be read."""


_READ_VERB = re.compile(r"\b(?:read|poll|check|load)(?:s|ing)?\s", re.IGNORECASE)
_ELSE_THAN_READ = re.compile(
    r"\b(?:wr(?:ite|itten|iting)|stor(?:e|ing)|set\w*|needs?|requires?|takes?|is|are|was|and|then|after|before|while|"
    r"when|with|by|using|to|through|unless|if|because|happens|at|starts?|enables?|enabled|has|have|works?|for)\b",
    re.IGNORECASE,
)
"""Words between `read` and a register that say that something else is done there: `the read needs bit 0 of $4200`."""


def _access(said: Statement) -> Iterator[Found]:
    for match in () if _IN_VAIN.search(said.text) else _READS.finditer(said.text):
        register = _register(match["place"])
        if register and not register.readable and not _ELSE_THAN_READ.search(_READ_VERB.split(match.group())[-1]):
            yield _wrong(register, match, said.start, "read")
    for match in _WRITES.finditer(said.text):
        register = _register(match["place"])
        if (
            register
            and not register.writable
            and not re.search(r"\bread|\bfrom\b|\bthen\b|\band\b", match.group(), re.I)
        ):
            yield _wrong(register, match, said.start, "written")
    for match in _LABELLED.finditer(said.text):
        register = _register(match["place"])
        reads = match["how"].lower().startswith("read")
        if register and not (register.readable if reads else register.writable):
            yield _wrong(register, match, said.start, "read" if reads else "written")
    for pattern in (_ACCESS, _CAN, _KIND_OF):
        for match in pattern.finditer(said.text):
            register = _register(match["place"])
            if register:
                yield from _said_access(register, match, said.start)


def _said_access(register: Register, match: re.Match[str], start: int) -> Iterator[Found]:
    how = match["how"].lower().replace("-", " ").replace("/", " ")
    only = how.endswith("only")
    reads = (how.startswith("read") and how != "read only") or how == "read only"
    writes = "writ" in how
    wrong = (reads and not register.readable) or (writes and not register.writable)
    wrong = (
        wrong
        or (only and how == "read only" and register.writable)
        or (only and how == "write only" and register.readable)
    )
    if wrong:
        yield _wrong(register, match, start, how)


def _wrong(register: Register, match: re.Match[str], start: int, how: str) -> Found:
    ways = {"r": "read-only", "w": "write-only", "rw": "readable and writable"}[register.access]
    return Found(
        "wrong-access",
        start + match.start(),
        start + match.end(),
        f"{register.name} ({register.spelled}) cannot be said to be {how}."
        if " " in how
        else f"{register.name} ({register.spelled}) cannot be {how}.",
        f"It is {ways}.",
        register_fact(register),
    )


_OFFSET_IN_ROM = re.compile(r"(?i)\bbank\b")
_IN_ROM = re.compile(r"\bin (?:the )?ROM\b|\borg\b")


def _points(text: str, at: int) -> bool:
    """Tell whether an arrow points to an address, in a list of what goes where: `$012F -> $2143`."""
    return re.search(r"(?:->|=>|\u2192)\s*[`*]*$", text[max(0, at - 8) : at]) is not None


def _places(said: Statement, *, expanded: bool, extended: bool) -> Iterator[Found]:
    for one in addresses(said.text, said.start):
        short = one.digits == 4 and one.text.startswith("$")
        banked = one.digits == 6 and not one.value & 0x400000
        if (
            (short or banked)
            and unlisted(one.value & 0xFFFF)
            and not extended
            and (_HARDWARE.search(said.text) or _points(said.text, one.start - said.start))
            and "," not in one.text
            and not _NUMBERS.search(said.text)
        ):
            near = hardware_map(REGISTER_PLACES)
            yield Found(
                "unknown-register",
                one.start,
                one.end,
                f"There is no hardware register at ${one.value & 0xFFFF:04X}.",
                "No register of the SNES lies there.",
                near,
            )
        elif _OFFSET_IN_ROM.search(one.text) and _IN_ROM.search(said.text) and one.value & 0x408000 == 0:
            problem = f"There is no ROM at ${one.value:06X}."
            right = "In LoROM, code of banks $00-$3F lies at $8000-$FFFF."
            yield Found("outside-map", one.start, one.end, problem, right, hardware_map(right))
        elif one.digits == 6 and not _NUMBERS.search(said.text):
            wrong = outside(one.value, expanded=expanded)
            if wrong:
                yield Found("outside-map", one.start, one.end, *wrong)


def _as_ram(said: Statement) -> Iterator[Found]:
    """Check an address that is said to be RAM and is ROM."""
    for match in _AS_RAM.finditer(said.text):
        value = int(match["address"].replace(":", ""), 16)
        if region(value, "lorom").area == "rom":
            span = (said.start + match.start(), said.start + match.end())
            right = "Work RAM is $7E0000-$7FFFFF, its first 8 KiB also at $0000-$1FFF of banks $00-$3F and $80-$BF."
            yield Found("outside-map", *span, f"${value:06X} is ROM, not RAM.", right, hardware_map(right))


def _too_long(said: Statement) -> Iterator[Found]:
    for match in _TOO_LONG.finditer(said.text):
        span = (said.start + match.start("address"), said.start + match.end("address"))
        right = "SNES addresses have 24 bits: six hex digits at most."
        yield Found("outside-map", *span, f"{match['address']} has seven digits.", right, hardware_map(right))


def _offsets(said: Statement) -> Iterator[Found]:
    pairs = list(_PAIRED.finditer(said.text)) if _PC_WORD.search(said.text) else []
    for match in pairs if len(pairs) > 1 else ():
        yield from _offset(match, addresses(match["snes"], match.start("snes")), said)
    found = list(_PC.finditer(said.text))
    if not found and re.search(r"(?i)\bfile\b|\bheaderless\b", said.text):
        found = list(_AT_OFFSET.finditer(said.text))
    if len(found) == 1:
        match = found[0]
        there = [one for one in addresses(said.text) if one.digits == 6 and one.text.startswith("$")]
        yield from _offset(match, [one for one in there if not match.start() <= one.start < match.end()], said)


def _offset(match: re.Match[str], found: list[Address], said: Statement) -> Iterator[Found]:
    """Check an offset in the file against the one SNES address that is named with it."""
    text = match["pc"] or match["pc2"]
    there = [one for one in found if fold(one.value) & 0x8000 and fold(one.value) < 0x400000]
    if len({one.value for one in there}) != 1:
        return
    ends = sorted([match.span(), (there[0].start, there[0].end)])
    if not _is_tied(said.text[ends[0][1] : max(ends[0][1], ends[1][0])]):
        return
    right, pc = lorom_offset(fold(there[0].value)), int(text, 16)
    if pc in (right, right + 0x200):
        return
    start = said.start + match.start("pc" if match["pc"] else "pc2")
    yield Found(
        "wrong-number",
        start,
        start + len(text),
        f"0x{pc:06X} is not the PC offset of {there[0].text}.",
        f"It is 0x{right:06X} without a copier header, 0x{right + 0x200:06X} with one.",
        hardware_map(f"LoROM: {show(fold(there[0].value))} is byte 0x{right:06X} of the ROM"),
    )


def _decimals(said: Statement) -> Iterator[Found]:
    for match in _DECIMAL.finditer(said.text):
        if not (match["sign"] or match["after"]):
            continue
        value, decimal = int(match["hex"], 16), int(match["decimal"])
        if value != decimal:
            yield Found(
                "wrong-number",
                said.start + match.start(),
                said.start + match.end(),
                f"${match['hex']} is not {decimal} in decimal.",
                f"It is {value}.",
                hardware_map(f"${match['hex']} = {value}, by the place value of its digits").model_copy(
                    update={
                        "text": f"${match['hex']} in decimal is {value}",
                        "rom_version": "",
                        "sources": ("arithmetic",),
                    }
                ),
            )
