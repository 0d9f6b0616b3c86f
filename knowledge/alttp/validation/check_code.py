"""Checks of code: mnemonics, addressing modes, reads and writes of registers, and what lies at an address."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from knowledge.alttp.validation.assembly import Instruction, fits, instructions, is_mnemonic, known_modes, too_wide
from knowledge.alttp.validation.found import REGISTER_PLACES, Found, hardware_map, listed, opcode_fact
from knowledge.alttp.validation.known import behind, named, rows_at
from knowledge.alttp.validation.passages import CodeLine, Passages
from knowledge.m65816.opcodes import BY_MNEMONIC, find
from knowledge.snes.memory_map import region
from knowledge.snes.registers import Register, find_register, register_at
from schemas.finding import Behind

__all__ = [
    "FOREIGN",
    "check_code",
    "check_instruction",
    "expands",
    "extends",
    "outside",
    "register_fact",
    "unknown_mnemonic",
    "unlisted",
]

FOREIGN = frozenset(
    listed(
        "MOV MOVE MOVA MOVS MOVW LDR STR LDM STM LDI LDD STD LDAA STAA ADD ADDS ADDW ADDA SUB SUBS SUBW SUBA MUL "
        "MULU DIV IMUL IDIV PUSH POP CALL RET RETI RETF JNZ JZ JNE JE JG JL JGE JLE JC JNC JP JR JRNZ DJNZ CBNE "
        "DBNZ BLX BX BGT BLE BHI BLS BHS BLO BSR XOR NOT NEG CPL TEST INT HLT HALT LEA XCHG SHL SHR SAL SAR ROLC "
        "RORC LSL SWAP EXX LDIR LDDR OUT IN EI DI SETB CLRB CLR CLRA TSTA TST CMPA CMPX LDHL RST STW LDW LDB STB "
        "LDZ STI ADI SBI MVI LXI LOAD STORE BRANCH JUMP INCA DECA INCX DECX INCW DECW MULT BCLR BSET BEZ BNZ BZ "
        "PHZ PLZ PHS PLS TYS TSY TZA TAZ INB DEB PUSHA POPA PSHA PULA LDS STS TXD TDX JSRL JLS RTN STAX LDAX SBB "
        "ADDC SUBC NAND NOR XNOR ASR CMPY"
    )
)
"""Names of instructions that other processors have, or that none has."""
_DIRECTIVES = frozenset(
    listed(
        "ORG DB DW DL DD EQU BASE SKIP FILL PAD WARN ARCH NORM INCSRC INCBIN MACRO ENDM IF ELSE ELSEIF ENDIF END "
        "STRUCT NAMESPACE LOROM HIROM PUSHPC PULLPC FREECODE FREEDATA PRINT ASSERT ERROR TABLE FUNCTION DEFINE "
        "RETURN WHILE FOR ENDFOR REP PROT DS RES BYTE WORD LONG ADDR PROC SCOPE SEGMENT BANK SLOT SECTION "
        "ENDS INCLUDE GLOBAL IMPORT EXPORT ALIGN SET DCB DCW DSB DSW HEX TEXT ASC REPT ENDR UNDEF AUTOCLEAN "
        "SA1ROM EXLOROM CHECK SPCBLOCK STARTPOS NULL THEN AND OR NOT BYT A8 A16 I8 I16 XL XS ML MX HEADER "
        "BINCLUDE DBR DATA CODE BSS VAR LABEL NOTE TODO"
    )
)
_FINE = re.compile(
    r"\b(?:wrong|bad|invalid|illegal|bug|error|open bus|garbage|don't|do not|never|no effect|nothing|not "
    r"(?:valid|real|a)|"
    r"doesn't|fails|ignored|no-op|write-only|read-only|useless)\b|<-|\u274c",
    re.IGNORECASE,
)
_EXPANDS = re.compile(
    r"\b(?:expand\w*|expansion|free ?space|freecode|freedata|(?:[2348]|1\.5|16) ?(?:MB|MiB|megabytes?|mbit)|"
    r"exlorom|hirom|"
    r"exhirom|sa-?1|super ?fx|free bank|new bank|extra bank|custom|unused bank|past the end|beyond|padd?ing|ips|bps|"
    r"randomizer|your own|our own|my own|hook\w*|s-dd1|spc7110|(?:16|32|64|128) ?KI?B|larger sram|more sram|"
    r"coprocessor|super metroid|mario|other game|any lorom|"
    r"generic|lorom map|memory map|mapped|mirrors?)\b",
    re.IGNORECASE,
)
_EXTENDED = re.compile(
    r"\b(?:bs-?x|satellaview|super ?fx|gsu|sa-?1|s-dd1|spc7110|dsp-?1|cx4|obc1|msu-?1|coprocessor|expansion port|"
    r"super game boy|sgb|21fx|sd2snes)\b",
    re.IGNORECASE,
)
_ROM_END = 0x100000
_ANY_ADDRESS = (0x123456, 0x654321, 0xABCDEF, 0x112233, 0xAABBCC)
"""Addresses that stand for any."""
_SRAM_END = 0x2000


def expands(text: str) -> bool:
    """Tell whether a text speaks of an expanded ROM, another mapper or another cartridge."""
    return _EXPANDS.search(text) is not None


def extends(text: str) -> bool:
    """Tell whether a text speaks of hardware beside the console's own, which has registers of its own."""
    return _EXTENDED.search(text) is not None


def register_fact(register: Register) -> Behind:
    """Return the row of a register as the fact behind a finding."""
    found = [one for one in rows_at(register.address) if one.kind == "register"]
    return behind(found[0]) if found else Behind(ref=f"register:{register.address:04X}", text=register.description)


def check_code(found: Passages) -> Iterator[Found]:
    """Give what is wrong in the code of a text."""
    defined = frozenset(
        re.findall(r"(?im)^[ \t]*(?:macro[ \t]+|!|%)?([A-Za-z_]\w{2,40})\s*(?::|\(|=)", found.text[:200_000])
    )
    expanded = expands(found.text)
    extended = extends(found.text)
    for _, lines in groupby(found.code, key=lambda line: line.block):
        yield from _Block(list(lines), defined, expanded=expanded, extended=extended).check()


class _Block:
    """One block of code, with what its instructions say of the data bank."""

    def __init__(self, lines: list[CodeLine], defined: frozenset[str], *, expanded: bool, extended: bool) -> None:
        self.lines = lines
        self.defined = frozenset(name.upper() for name in defined)
        self.expanded = expanded
        self.extended = extended
        self.system = True
        """Absolute addresses reach registers: the data bank is $00-$3F or $80-$BF, as far as the code says."""
        self.before: list[Instruction] = []
        self.orgs = {match[1].upper() for line in lines for match in re.finditer(r"(?i)\borg\s+\$(\w{6})", line.text)}

    def check(self) -> Iterator[Found]:
        found = [list(instructions(line.text, line.start)) for line in self.lines]
        real = [one for line in found for one in line if is_mnemonic(one.name)]
        strange = [one for line in found for one in line if one.name in FOREIGN and not is_mnemonic(one.name)]
        if len(strange) > 3 * len(real) + 2 and not _named_65816(self.lines):
            return
        for line, ones in zip(self.lines, found, strict=True):
            if _FINE.search(line.text):
                ones = [one for one in ones if one.name == "PLB"]
            for one in ones:
                yield from self.one(one, line)

    def one(self, one: Instruction, line: CodeLine) -> Iterator[Found]:
        if not is_mnemonic(one.name):
            yield from self.strange(one, line)
            return
        self.bank(one)
        wrong = check_instruction(one) or _too_wide(one)
        if wrong:
            yield wrong
        else:
            yield from self.access(one)
        self.before = [*self.before[-3:], one]

    def strange(self, one: Instruction, line: CodeLine) -> Iterator[Found]:
        """Check a word where an instruction stands and that the CPU does not have."""
        if (
            one.name in _DIRECTIVES
            or one.name in self.defined
            or line.text.lstrip().startswith(("!", ".", "%", "@", "#"))
        ):
            return
        operand = one.operand
        like = re.match(r"(?:#|\$|\(\$|\[\$|[AXY],|[AXY]$|!\w|%[01])", operand, re.IGNORECASE) is not None
        known = one.name in FOREIGN and (not operand or like or re.match(r"[A-Za-z_.]\w*(?:,[\w#$]+)?$", operand))
        three = len(one.name) == 3 and like and not re.match(r"[A-Za-z_]\w*\s*=", line.text.strip())
        three = three or (not operand and self.is_mixed_up(one))
        jump = re.fullmatch(r"[BJ][A-Z]{2,3}", one.name) and re.fullmatch(r"\.[A-Za-z_]\w*|[+-]{1,3}", operand)
        if known or three or jump:
            yield unknown_mnemonic(one)

    def is_mixed_up(self, one: Instruction) -> bool:
        """Tell whether a word alone, among instructions written alike, has the letters of one in another order."""
        names = [other.name for other in self.before]
        anagram = any(sorted(one.name) == sorted(name) for name in BY_MNEMONIC)
        return len(names) > 1 and anagram and not one.name.startswith("B")

    def bank(self, one: Instruction) -> None:
        """Follow the data bank as far as it can be seen."""
        if one.mnemonic != "PLB":
            return
        last = self.before[-1] if self.before else None
        if last is None:
            self.system = False
        elif last.mnemonic == "PHK":
            self.system = True
        elif last.mnemonic == "PHA" and len(self.before) > 1 and self.before[-2].immediate:
            value = self.before[-2].number & 0xFF if self.before[-2].number >= 0 else 0x7E
            self.system = not value & 0x40
        elif last.mnemonic == "PEA":
            self.system = last.number >= 0 and not last.number & 0x40
        elif last.mnemonic != "PLB" or len(self.before) < 2 or self.before[-2].mnemonic != "PEA":
            self.system = True

    def access(self, one: Instruction) -> Iterator[Found]:
        """Check what an instruction reads, writes or calls."""
        if one.immediate or one.operand.startswith(("(", "[")):
            return
        modes = fits(one)
        row = next(row for row in BY_MNEMONIC[one.mnemonic] if row.mode in modes)
        if row.access in ("read", "write", "modify") and not one.indexed:
            yield from self.data(one, row.access)
        elif row.access in ("jump", "call", "read", "write") and one.digits == 3:
            yield from self.place(one)

    def data(self, one: Instruction, access: str) -> Iterator[Found]:
        address, register = _target(one, self.defined)
        if register is None:
            if address >= 0:
                yield from self.nowhere(one, address)
            return
        if one.digits == 2 and not self.system:
            return
        if access in ("read", "modify") and not register.readable:
            yield _wrong_access(one, register, "register-read")
        elif access == "write" and not register.writable:
            yield _wrong_access(one, register, "register-write")

    def nowhere(self, one: Instruction, address: int) -> Iterator[Found]:
        """Check an address that is no register for one that looks like one, or for a hole in the map."""
        short = one.digits == 2
        if short and (not self.system or self.extended):
            return
        if unlisted(address & 0xFFFF) and (short or not address & 0x400000) and not self.extended:
            text = f"${address & 0xFFFF:04X}"
            yield Found(
                "unknown-register",
                one.start,
                one.end,
                f"There is no hardware register at {text}.",
                f"{_nearest(address & 0xFFFF)}",
                hardware_map(REGISTER_PLACES),
            )
        elif not short:
            yield from self.place(one)

    def place(self, one: Instruction) -> Iterator[Found]:
        if f"{one.number:06X}" in self.orgs:
            return
        wrong = outside(one.number, expanded=self.expanded)
        if wrong:
            yield Found("outside-map", one.start, one.end, *wrong)


def _named_65816(lines: Sequence[CodeLine]) -> bool:
    text = lines[0].intro if lines else ""
    return re.search(r"65c?816|snes|asar|alttp|zelda", text, re.IGNORECASE) is not None


def unknown_mnemonic(one: Instruction) -> Found:
    """Return that the CPU does not have an instruction."""
    return Found(
        "unknown-mnemonic",
        one.start,
        one.end,
        f"The 65816 has no instruction {one.name}.",
        _instead(one.name),
        opcode_fact("its 256 opcodes have 91 mnemonics, " + ", ".join(sorted(BY_MNEMONIC)[:6]) + " ..."),
    )


_INSTEAD = {
    "MOV": "LDA and STA (or a transfer such as TAX, or MVN for a block)",
    "MOVE": "LDA and STA, or MVN for a block",
    "LDR": "LDA", "STR": "STA", "ADD": "CLC with ADC", "SUB": "SEC with SBC", "PUSH": "PHA, PHX or PHY",
    "POP": "PLA, PLX or PLY", "CALL": "JSR or JSL", "RET": "RTS or RTL", "XOR": "EOR", "JNZ": "BNE", "JZ": "BEQ",
    "MUL": "the registers $4202, $4203 and $4216", "DIV": "the registers $4204-$4206 and $4214", "NOT": "EOR #$FF",
    "JP": "JMP", "BSR": "JSR", "HLT": "STP or WAI",
}  # fmt: skip


def _instead(name: str) -> str:
    return (
        f"It is written with {_INSTEAD[name]}."
        if name in _INSTEAD
        else "Its instructions are those of the opcode table."
    )


def check_instruction(one: Instruction) -> Found | None:
    """Return what is wrong with the addressing mode of an instruction; None when the CPU or a macro may have it."""
    if (
        fits(one)
        or _repeats(one)
        or "%" in one.operand.lstrip("#")
        or ("!" in one.operand and not one.operand.startswith(("(", "[")))
    ):
        return None
    if one.mnemonic in ("PEA", "PER", "PEI", "COP", "BRK", "WDM", "MVN", "MVP") or re.search(
        r"[\"{}\\?]|\.\.\.", one.operand
    ):
        return None
    if not re.fullmatch(r"[#<>^|!()\[\],\w$.+*/%&-]{0,48}", one.operand) or _placeholder(one.operand):
        return None
    shown = f"{one.name} {one.operand}".strip()
    have = ", ".join(mode.replace("_", " ") for mode in known_modes(one.mnemonic))
    return Found(
        "addressing-mode",
        one.start,
        one.end,
        f"The 65816 has no {shown}: {one.mnemonic} has no such addressing mode.",
        f"{one.mnemonic} has: {have}.",
        opcode_fact(f"{one.mnemonic}: {have}"),
    )


def _too_wide(one: Instruction) -> Found | None:
    if not too_wide(one):
        return None
    return Found(
        "addressing-mode",
        one.start,
        one.end,
        f"{one.operand} does not fit the {one.width} byte{'s' if one.width > 1 else ''} that the suffix says.",
        "With M or X clear the suffix is .w and the operand has 2 bytes.",
        opcode_fact(f"{one.name} with an immediate has 1 byte of operand in 8-bit mode and 2 in 16-bit mode"),
    )


def _repeats(one: Instruction) -> bool:
    """Tell whether a number says how often the assembler is to write an instruction: `NOP #8`, `ASL #3`."""
    return one.immediate and 0 < one.number <= 64 and one.digits < 2 and not one.operand.startswith("#$") and (
        find(one.mnemonic, "implied") is not None or find(one.mnemonic, "accumulator") is not None
    )  # fmt: skip


def _placeholder(operand: str) -> bool:
    """Tell whether an operand stands for any: `addr`, `$xxxx`, words of a sentence."""
    return re.search(r"(?i)\$[g-z]|^(?:instructions?|opcode|is|and|or|to|the|a8|a16)\b", operand) is not None


def _target(one: Instruction, defined: frozenset[str]) -> tuple[int, Register | None]:
    """Return the address that an instruction reaches and the register there."""
    if one.digits >= 2 and not re.search(r"[+*/&|-]", one.operand):
        address = one.number
        if one.digits == 3 and address & 0x400000:
            return address, None
        return address, register_at(address)
    name = one.operand
    if re.fullmatch(r"[A-Z][A-Z0-9]{2,9}", name) and name not in defined:
        register = find_register(name)
        if register and not any(row.kind != "register" for row in named(name)):
            return register.address, register
    return -1, None


def _wrong_access(one: Instruction, register: Register, code: str) -> Found:
    reads = code == "register-read"
    can = "write-only: a read gives open bus" if reads else "read-only: a write does nothing"
    twin = _twin(register, reads=reads)
    return Found(
        "register-read" if reads else "register-write",
        one.start,
        one.end,
        f"{one.name} {one.operand} {'reads' if reads else 'writes'} {register.name} ({register.spelled}), "
        f"which is {can}.",
        twin,
        register_fact(register),
    )


_TWINS = {0x2104: 0x2138, 0x2118: 0x2139, 0x2119: 0x213A, 0x2122: 0x213B, 0x4201: 0x4213, 0x4200: 0x4210}


def _twin(register: Register, *, reads: bool) -> str:
    other = _TWINS.get(register.address) if reads else {v: k for k, v in _TWINS.items()}.get(register.address)
    found = register_at(other) if other else None
    if found:
        return f"{found.name} ({found.spelled}) is the one to {'read' if reads else 'write'}."
    if reads and register.queued_at:
        return f"ALTTP keeps the value that it writes there at {register.queued_at}."
    return f"{register.name} can only be {'written' if reads else 'read'}."


def unlisted(address: int) -> bool:
    """Tell whether an address (16 bits) lies among the registers and is none."""
    inside = 0x2184 <= address < 0x2200 or 0x4220 <= address < 0x4300 or 0x4380 <= address < 0x4400
    return inside or address in (0x420E, 0x420F) or 0x2144 <= address < 0x2180


def _nearest(address: int) -> str:
    page = address & 0xFF00
    if page == 0x2100:
        return "The PPU, APU and WRAM registers end at $2183."
    return "The CPU registers end at $421F." if page == 0x4200 else "The DMA channels end at $437F."


def outside(address: int, *, expanded: bool) -> tuple[str, str, Behind] | None:
    """Return (problem, right, fact) when nothing of the game lies at a 24-bit address; None when something does."""
    if not 0 <= address <= 0xFFFFFF or address in _ANY_ADDRESS:
        return None
    area, offset = region(address, "lorom")
    if area == "rom" and offset >= _ROM_END and not expanded:
        return (
            f"${address:06X} lies beyond the ROM: it would be PC offset 0x{offset:06X} of 0x100000.",
            "The 1 MiB ROM fills banks $00-$1F (mirrored at $80-$9F), from $8000 up in each.",
            hardware_map("ALTTP's ROM of 1 MiB is banks $00-$1F, $8000-$FFFF, and their mirrors from $80 on"),
        )
    if area == "sram" and offset >= _SRAM_END and not expanded:
        return (
            f"${address:06X} lies beyond the save RAM, which has 8 KiB.",
            "It is $700000-$701FFF: three files of 0x500 bytes from $700000, their copies from $700F00.",
            hardware_map("ALTTP's save RAM of 8 KiB is $700000-$701FFF"),
        )
    if area == "open_bus" and not expanded:
        return (
            f"Nothing is mapped at ${address:06X} in a LoROM cartridge.",
            "Below $8000, banks $00-$3F hold work RAM ($0000-$1FFF) and registers ($2100-$43FF); SRAM is at $70:0000.",
            hardware_map("open bus: banks $00-$3F and $80-$BF between the registers and $8000"),
        )
    return None
