"""The one opcode table: 256 rows that feed encoding, decoding, execution, counting, analysis and documents.

A row is written as `mnemonic mode`; everything else on it follows from rules that the mnemonic and the mode
obey, stated once below. Source of the rules: WDC, W65C816S data sheet (2018), tables 5-4 and 5-7 and the notes
under them; checked cycle by cycle against a public single-step suite by the tests of the CPU.
"""

from typing import Literal, NamedTuple, get_args

__all__ = [
    "ASAR_MNEMONICS",
    "BRANCHES",
    "BY_MNEMONIC",
    "FLAGS",
    "MODES",
    "OPCODES",
    "Access",
    "Effects",
    "Mode",
    "Opcode",
    "effects",
    "find",
]

Mode = Literal[
    "implied",
    "accumulator",
    "immediate_m",
    "immediate_x",
    "immediate_8",
    "immediate_16",
    "direct",
    "direct_x",
    "direct_y",
    "direct_indirect",
    "direct_x_indirect",
    "direct_indirect_y",
    "direct_indirect_long",
    "direct_indirect_long_y",
    "absolute",
    "absolute_x",
    "absolute_y",
    "absolute_long",
    "absolute_long_x",
    "absolute_indirect",
    "absolute_x_indirect",
    "absolute_indirect_long",
    "relative",
    "relative_long",
    "stack_relative",
    "stack_relative_indirect_y",
    "block_move",
]
MODES: tuple[Mode, ...] = get_args(Mode)

Access = Literal["", "read", "write", "modify", "push", "pull", "jump", "call", "return", "branch", "move"]
"""What the operand is for: data read, written, or both; a push or pull; or where control goes."""

Width = Literal["", "m", "x", "8", "16"]
"""Width of the data: by the M flag, by the X flag, always one byte, always two; empty: no data."""

FLAGS: dict[str, int] = {"n": 0x80, "v": 0x40, "m": 0x20, "x": 0x10, "d": 0x08, "i": 0x04, "z": 0x02, "c": 0x01}
"""Flags of P by their small letter, in the order of `NVMXDIZC`. Emulation is `e`, outside P."""


class Opcode(NamedTuple):
    """One row of the table."""

    code: int
    mnemonic: str
    """Three capital letters; WDC's name (`JMP` also for the long forms, `JSL` for the long call)."""
    mode: Mode
    access: Access
    width: Width
    size: int
    """Bytes with 8-bit immediates; `immediate_m` and `immediate_x` take one more when the flag is 0."""
    cycles: int
    """CPU cycles with m = x = 1, native mode, DL = 0, no page crossed, branch not taken."""
    modifiers: frozenset[str]
    """What may add cycles: `m` +1 if m=0; `mm` +2 if m=0; `x` +1 if x=0; `w` +1 if DL is not 0; `p` +1 if x=0 or the
    index crosses a page; `t` +1 if the branch is taken; `e` +1 if taken across a page in emulation mode; `n` +1 in
    native mode; `b` 7 for each byte moved."""
    flags_read: str
    """Flags that the result depends on, as small letters; widths (m, x, e) are not repeated here."""
    flags_written: str
    """Flags that it may change, as small letters. REP and SEP change those of their operand."""

    def length(self, m: int, x: int) -> int:
        """Return the size in bytes with the M and X flags given (1: 8-bit)."""
        wide = (self.mode == "immediate_m" and not m) or (self.mode == "immediate_x" and not x)
        return self.size + wide


_GRID = """
BRK #8|ORA (d,x)|COP #8|ORA s|TSB d|ORA d|ASL d|ORA [d]
PHP|ORA #m|ASL a|PHD|TSB abs|ORA abs|ASL abs|ORA long
BPL rel|ORA (d),y|ORA (d)|ORA (s),y|TRB d|ORA d,x|ASL d,x|ORA [d],y
CLC|ORA abs,y|INC a|TCS|TRB abs|ORA abs,x|ASL abs,x|ORA long,x
JSR abs|AND (d,x)|JSL long|AND s|BIT d|AND d|ROL d|AND [d]
PLP|AND #m|ROL a|PLD|BIT abs|AND abs|ROL abs|AND long
BMI rel|AND (d),y|AND (d)|AND (s),y|BIT d,x|AND d,x|ROL d,x|AND [d],y
SEC|AND abs,y|DEC a|TSC|BIT abs,x|AND abs,x|ROL abs,x|AND long,x
RTI|EOR (d,x)|WDM #8|EOR s|MVP move|EOR d|LSR d|EOR [d]
PHA|EOR #m|LSR a|PHK|JMP abs|EOR abs|LSR abs|EOR long
BVC rel|EOR (d),y|EOR (d)|EOR (s),y|MVN move|EOR d,x|LSR d,x|EOR [d],y
CLI|EOR abs,y|PHY|TCD|JMP long|EOR abs,x|LSR abs,x|EOR long,x
RTS|ADC (d,x)|PER rell|ADC s|STZ d|ADC d|ROR d|ADC [d]
PLA|ADC #m|ROR a|RTL|JMP (abs)|ADC abs|ROR abs|ADC long
BVS rel|ADC (d),y|ADC (d)|ADC (s),y|STZ d,x|ADC d,x|ROR d,x|ADC [d],y
SEI|ADC abs,y|PLY|TDC|JMP (abs,x)|ADC abs,x|ROR abs,x|ADC long,x
BRA rel|STA (d,x)|BRL rell|STA s|STY d|STA d|STX d|STA [d]
DEY|BIT #m|TXA|PHB|STY abs|STA abs|STX abs|STA long
BCC rel|STA (d),y|STA (d)|STA (s),y|STY d,x|STA d,x|STX d,y|STA [d],y
TYA|STA abs,y|TXS|TXY|STZ abs|STA abs,x|STZ abs,x|STA long,x
LDY #x|LDA (d,x)|LDX #x|LDA s|LDY d|LDA d|LDX d|LDA [d]
TAY|LDA #m|TAX|PLB|LDY abs|LDA abs|LDX abs|LDA long
BCS rel|LDA (d),y|LDA (d)|LDA (s),y|LDY d,x|LDA d,x|LDX d,y|LDA [d],y
CLV|LDA abs,y|TSX|TYX|LDY abs,x|LDA abs,x|LDX abs,y|LDA long,x
CPY #x|CMP (d,x)|REP #8|CMP s|CPY d|CMP d|DEC d|CMP [d]
INY|CMP #m|DEX|WAI|CPY abs|CMP abs|DEC abs|CMP long
BNE rel|CMP (d),y|CMP (d)|CMP (s),y|PEI d|CMP d,x|DEC d,x|CMP [d],y
CLD|CMP abs,y|PHX|STP|JMP [abs]|CMP abs,x|DEC abs,x|CMP long,x
CPX #x|SBC (d,x)|SEP #8|SBC s|CPX d|SBC d|INC d|SBC [d]
INX|SBC #m|NOP|XBA|CPX abs|SBC abs|INC abs|SBC long
BEQ rel|SBC (d),y|SBC (d)|SBC (s),y|PEA #16|SBC d,x|INC d,x|SBC [d],y
SED|SBC abs,y|PLX|XCE|JSR (abs,x)|SBC abs,x|INC abs,x|SBC long,x
"""

_SPELLED: dict[str, tuple[Mode, int]] = {
    "": ("implied", 1),
    "a": ("accumulator", 1),
    "#m": ("immediate_m", 2),
    "#x": ("immediate_x", 2),
    "#8": ("immediate_8", 2),
    "#16": ("immediate_16", 3),
    "d": ("direct", 2),
    "d,x": ("direct_x", 2),
    "d,y": ("direct_y", 2),
    "(d)": ("direct_indirect", 2),
    "(d,x)": ("direct_x_indirect", 2),
    "(d),y": ("direct_indirect_y", 2),
    "[d]": ("direct_indirect_long", 2),
    "[d],y": ("direct_indirect_long_y", 2),
    "abs": ("absolute", 3),
    "abs,x": ("absolute_x", 3),
    "abs,y": ("absolute_y", 3),
    "long": ("absolute_long", 4),
    "long,x": ("absolute_long_x", 4),
    "(abs)": ("absolute_indirect", 3),
    "(abs,x)": ("absolute_x_indirect", 3),
    "[abs]": ("absolute_indirect_long", 3),
    "rel": ("relative", 2),
    "rell": ("relative_long", 3),
    "s": ("stack_relative", 2),
    "(s),y": ("stack_relative_indirect_y", 2),
    "move": ("block_move", 3),
}

_READS = dict.fromkeys(("ADC", "AND", "BIT", "CMP", "EOR", "LDA", "ORA", "SBC"), "m") | dict.fromkeys(
    ("CPX", "CPY", "LDX", "LDY"), "x"
)
_WRITES = {"STA": "m", "STZ": "m", "STX": "x", "STY": "x"}
_MODIFIES = ("ASL", "DEC", "INC", "LSR", "ROL", "ROR", "TRB", "TSB")
_PUSHES = {
    "PHA": "m",
    "PHX": "x",
    "PHY": "x",
    "PHP": "8",
    "PHB": "8",
    "PHK": "8",
    "PHD": "16",
    "PEA": "16",
    "PEI": "16",
    "PER": "16",
}
_PULLS = {"PLA": "m", "PLX": "x", "PLY": "x", "PLP": "8", "PLB": "8", "PLD": "16"}
_RETURNS = ("RTS", "RTL", "RTI")
BRANCHES: dict[str, str] = {
    "BPL": "n", "BMI": "n", "BVC": "v", "BVS": "v", "BCC": "c", "BCS": "c", "BNE": "z", "BEQ": "z",
    "BRA": "", "BRL": "",
}  # fmt: skip
"""Branches and the flag that each asks; BRA and BRL ask none."""

_CYCLES_BY_MODE: dict[Mode, tuple[int, str]] = {
    "implied": (2, ""),
    "accumulator": (2, ""),
    "immediate_m": (2, ""),
    "immediate_x": (2, ""),
    "immediate_8": (2, ""),
    "direct": (3, "w"),
    "direct_x": (4, "w"),
    "direct_y": (4, "w"),
    "direct_indirect": (5, "w"),
    "direct_x_indirect": (6, "w"),
    "direct_indirect_y": (5, "w p"),
    "direct_indirect_long": (6, "w"),
    "direct_indirect_long_y": (6, "w"),
    "absolute": (4, ""),
    "absolute_x": (4, "p"),
    "absolute_y": (4, "p"),
    "absolute_long": (5, ""),
    "absolute_long_x": (5, ""),
    "stack_relative": (4, ""),
    "stack_relative_indirect_y": (7, ""),
    "relative": (2, "t e"),
}
_CYCLES: dict[str, tuple[int, str]] = {
    "XBA": (3, ""), "REP": (3, ""), "SEP": (3, ""), "WAI": (3, ""), "STP": (3, ""), "BRA": (3, "e"), "BRL": (4, ""),
    "PHA": (3, "m"), "PHX": (3, "x"), "PHY": (3, "x"), "PHP": (3, ""), "PHB": (3, ""), "PHK": (3, ""), "PHD": (4, ""),
    "PEA": (5, ""), "PEI": (6, "w"), "PER": (6, ""), "PLA": (4, "m"), "PLX": (4, "x"), "PLY": (4, "x"), "PLP": (4, ""),
    "PLB": (4, ""), "PLD": (5, ""), "JSL": (8, ""), "RTS": (6, ""), "RTL": (6, ""), "RTI": (6, "n"), "BRK": (7, "n"),
    "COP": (7, "n"), "MVN": (7, "b"), "MVP": (7, "b"),
}  # fmt: skip
_JUMPS: dict[tuple[str, Mode], int] = {
    ("JMP", "absolute"): 3, ("JMP", "absolute_long"): 4, ("JMP", "absolute_indirect"): 5,
    ("JMP", "absolute_x_indirect"): 6, ("JMP", "absolute_indirect_long"): 6, ("JSR", "absolute"): 6,
    ("JSR", "absolute_x_indirect"): 8,
}  # fmt: skip

_FLAGS_READ = {
    "ADC": "cd", "SBC": "cd", "ROL": "c", "ROR": "c", "XCE": "c",
    "PHP": "nvmxdizc", "BRK": "nvmxdizc", "COP": "nvmxdizc",
} | {name: flag for name, flag in BRANCHES.items() if flag}  # fmt: skip
_FLAGS_WRITTEN = (
    dict.fromkeys(("ADC", "SBC"), "nvzc")
    | dict.fromkeys(("ASL", "LSR", "ROL", "ROR", "CMP", "CPX", "CPY"), "nzc")
    | dict.fromkeys(("AND", "EOR", "ORA", "LDA", "LDX", "LDY", "INC", "DEC", "INX", "INY", "DEX", "DEY"), "nz")
    | dict.fromkeys(("TAX", "TAY", "TXA", "TYA", "TXY", "TYX", "TSX", "TCD", "TDC", "TSC", "XBA"), "nz")
    | dict.fromkeys(("PLA", "PLX", "PLY", "PLB", "PLD"), "nz")
    | dict.fromkeys(("TRB", "TSB"), "z")
    | dict.fromkeys(("PLP", "RTI", "REP", "SEP"), "nvmxdizc")
    | dict.fromkeys(("BRK", "COP"), "di")
    | dict.fromkeys(("CLC", "SEC"), "c")
    | dict.fromkeys(("CLD", "SED"), "d")
    | dict.fromkeys(("CLI", "SEI"), "i")
    | {"BIT": "nvz", "CLV": "v", "XCE": "mxce"}
)


def _use(mnemonic: str, mode: Mode) -> tuple[Access, Width]:
    if mode == "accumulator":
        return "", "m"
    if mnemonic in _READS:
        return "read", "m" if _READS[mnemonic] == "m" else "x"
    if mnemonic in _WRITES:
        return "write", "m" if _WRITES[mnemonic] == "m" else "x"
    if mnemonic in _MODIFIES:
        return "modify", "m"
    for access, table in (("push", _PUSHES), ("pull", _PULLS)):
        if mnemonic in table:
            width: Width = table[mnemonic]  # type: ignore[assignment]  # the tables hold widths alone
            return ("push" if access == "push" else "pull"), width
    return _control(mnemonic), ""


def _control(mnemonic: str) -> Access:
    if mnemonic in BRANCHES:
        return "branch"
    if mnemonic in ("MVN", "MVP"):
        return "move"
    if mnemonic in ("JSR", "JSL"):
        return "call"
    if mnemonic in _RETURNS:
        return "return"
    return "jump" if mnemonic == "JMP" else ""


def _cycles(mnemonic: str, mode: Mode, access: Access, width: Width) -> tuple[int, frozenset[str]]:
    if (mnemonic, mode) in _JUMPS:
        return _JUMPS[mnemonic, mode], frozenset()
    if mnemonic in _CYCLES:
        count, extra = _CYCLES[mnemonic]
        return count, frozenset(extra.split())
    count, extra = _CYCLES_BY_MODE[mode]
    modifiers = set(extra.split())
    if access == "modify":
        return count + 2 + (mode == "absolute_x"), frozenset(modifiers - {"p"} | {"mm"})
    if access == "write" and "p" in modifiers:
        count, modifiers = count + 1, modifiers - {"p"}
    if access in ("read", "write") and width in ("m", "x"):
        modifiers.add(width)
    return count, frozenset(modifiers)


def _row(code: int, spelled: str) -> Opcode:
    mnemonic, _, operand = spelled.partition(" ")
    mode, size = _SPELLED[operand]
    access, width = _use(mnemonic, mode)
    cycles, modifiers = _cycles(mnemonic, mode, access, width)
    written = "z" if spelled == "BIT #m" else _FLAGS_WRITTEN.get(mnemonic, "")
    return Opcode(code, mnemonic, mode, access, width, size, cycles, modifiers, _FLAGS_READ.get(mnemonic, ""), written)


OPCODES: tuple[Opcode, ...] = tuple(
    _row(code, cell) for code, cell in enumerate(_GRID.strip().replace("\n", "|").split("|"))
)
"""The table, in the order of the opcodes."""

_BY_MODE = {(row.mnemonic, row.mode): row for row in OPCODES}
BY_MNEMONIC: dict[str, tuple[Opcode, ...]] = {
    name: tuple(row for row in OPCODES if row.mnemonic == name) for name in sorted({row.mnemonic for row in OPCODES})
}
"""The rows of each mnemonic."""
ASAR_MNEMONICS = frozenset(name.lower() for name in BY_MNEMONIC) | {"jml"}
"""The 92 names that asar knows, in small letters: it calls the long jump JML."""


def find(mnemonic: str, mode: Mode) -> Opcode | None:
    """Return the row of a mnemonic in a mode, or None where the CPU has no such instruction."""
    return _BY_MODE.get((mnemonic, mode))


class Effects(NamedTuple):
    """What an instruction reads and writes beside memory.

    Registers are `A` (low byte of the accumulator), `B` (its high byte), `X`, `Y`, `S`, `D`, `DB`, `PB`; flags are the
    small letters of P and `e`.
    """

    reads: frozenset[str]
    writes: frozenset[str]


_REGISTERS: dict[str, tuple[str, str]] = {
    # mnemonic: registers read, registers written; `a` stands for A, and for B as well when m = 0
    "ADC": ("a", "a"), "SBC": ("a", "a"), "AND": ("a", "a"), "ORA": ("a", "a"), "EOR": ("a", "a"), "BIT": ("a", ""),
    "CMP": ("a", ""), "CPX": ("X", ""), "CPY": ("Y", ""), "LDA": ("", "a"), "LDX": ("", "X"), "LDY": ("", "Y"),
    "STA": ("a", ""), "STX": ("X", ""), "STY": ("Y", ""), "TRB": ("a", ""), "TSB": ("a", ""), "INX": ("X", "X"),
    "INY": ("Y", "Y"), "DEX": ("X", "X"), "DEY": ("Y", "Y"), "TXY": ("X", "Y"), "TYX": ("Y", "X"), "TXA": ("X", "a"),
    "TYA": ("Y", "a"), "TSX": ("S", "X"), "TXS": ("X", "S"), "TCD": ("A B", "D"), "TDC": ("D", "A B"),
    "TCS": ("A B", "S"), "TSC": ("S", "A B"), "XBA": ("A B", "A B"), "PHA": ("a", ""), "PHX": ("X", ""),
    "PHY": ("Y", ""), "PHB": ("DB", ""), "PHK": ("PB", ""), "PHD": ("D", ""), "PLA": ("", "a"), "PLX": ("", "X"),
    "PLY": ("", "Y"), "PLB": ("", "DB"), "PLD": ("", "D"), "MVN": ("A B X Y", "A B X Y DB"),
    "MVP": ("A B X Y", "A B X Y DB"), "JSL": ("PB", "PB"), "RTL": ("", "PB"), "RTI": ("", "PB"), "BRK": ("PB", "PB"),
    "COP": ("PB", "PB"),
}  # fmt: skip
_DATA_BANK: frozenset[Mode] = frozenset(
    (
        "absolute",
        "absolute_x",
        "absolute_y",
        "direct_indirect",
        "direct_x_indirect",
        "direct_indirect_y",
        "stack_relative_indirect_y",
    )
)


def _mode_reads(row: Opcode) -> set[str]:
    reads: set[str] = set()
    if row.mode.startswith("direct"):
        reads.add("D")
    if row.mode in _DATA_BANK and row.access in ("read", "write", "modify"):
        reads.add("DB")
    if row.mode.endswith("_y"):
        reads.add("Y")
    if "_x" in row.mode and not row.mode.startswith("immediate"):
        reads.add("X")
    if (
        row.mode.startswith("stack")
        or row.access in ("push", "pull", "call", "return")
        or row.mnemonic in ("BRK", "COP")
    ):
        reads.add("S")
    return reads


def effects(row: Opcode, m: int, x: int, *, operand: int = 0xFF) -> Effects:
    """Return the registers and flags that a row reads and writes in the widths given.

    `operand` matters to REP and SEP only, whose operand names the flags. With x = 1 the high bytes of X and Y are 0 and
    stay 0; TAX and TAY read B when x = 0. Widths themselves (m, x, e) are not listed among the reads.
    """
    read_names, written_names = _REGISTERS.get(row.mnemonic, ("", ""))
    accumulator = {"A"} if m else {"A", "B"}
    if row.mode == "accumulator":
        read_names = written_names = "a"
    reads, writes = _mode_reads(row), set[str]()
    for names, into in ((read_names, reads), (written_names, writes)):
        for name in names.split():
            into.update(accumulator if name == "a" else {name})
    if row.mnemonic in ("TAX", "TAY"):
        reads |= {"A"} if x else {"A", "B"}
        writes.add(row.mnemonic[2])
    if "S" in reads and (row.access in ("push", "pull", "call", "return") or row.mnemonic in ("BRK", "COP")):
        writes.add("S")
    flags = row.flags_written
    if row.mnemonic in ("REP", "SEP"):
        flags = "".join(flag for flag, bit in FLAGS.items() if operand & bit)
        if row.mnemonic == "SEP" and operand & FLAGS["x"]:
            writes |= {"X", "Y"}
    if row.mnemonic in ("PLP", "RTI", "XCE"):
        writes |= {"X", "Y"}
    reads |= set(row.flags_read) | ({"e"} if row.mnemonic == "XCE" else set())
    return Effects(frozenset(reads), frozenset(writes | set(flags)))
