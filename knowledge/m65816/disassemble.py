"""From bytes to text: what flow analysis reaches as instructions, the rest as data, in asar's syntax.

The text assembles back to the same bytes with asar 1.91 as it is set up by default.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from knowledge.m65816.flow import Entry, Flow, Node, analyse
from knowledge.m65816.flow_code import Code
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import BY_MNEMONIC
from knowledge.m65816.program import Block, Program
from knowledge.m65816.spell import spell
from knowledge.snes.mapping import pc_offset

__all__ = ["Disassembly", "Line", "disassemble"]

_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,120}")
_DATA_BYTES: Final = 8
_COLUMN: Final = 36


class Line(NamedTuple):
    """An instruction, or up to eight bytes of data."""

    address: int
    data: bytes
    text: str
    """In asar's syntax, without its label."""
    labels: tuple[str, ...]
    instruction: Instruction | None
    """None for data."""
    m: int | None
    x: int | None
    """Before it: 1 for 8 bits, 0 for 16; None when unknown, and for data."""


@dataclass(frozen=True)
class Disassembly:
    """A program as text."""

    program: Program
    lines: tuple[Line, ...]
    flow: Flow
    outside: dict[str, int] = field(default_factory=dict[str, int])
    """Labels that are used and that no line carries, with their addresses."""

    def source(self, *, columns: bool = False) -> str:
        """Return a whole file for asar; with `columns` each line has its address, bytes, M and X in a comment."""
        rows: list[str] = [self.program.mapper]
        moved = False
        rows += [f"{name} = ${address:06x}" for name, address in sorted(self.outside.items())]
        heads = {block.address: block for block in self.program.blocks if block.data}
        for line in self.lines:
            if line.address in heads:
                rows += ["", *(["base off"] if moved else []), *_org(heads[line.address], self.program)]
                moved = rows[-1].startswith("base $")
            rows += [f"{label}:" for label in line.labels]
            text = f"    {line.text}"
            rows.append(f"{text:<{_COLUMN}}; {_comment(line)}".rstrip() if columns else text)
        return "\n".join(rows) + "\n"


def _comment(line: Line) -> str:
    """Return the columns: address, bytes, widths; `?` for an unknown width."""
    widths = ""
    if line.instruction is not None:
        widths = " ".join(
            f"{name}{'?' if flag is None else 8 if flag else 16}" for name, flag in (("M", line.m), ("X", line.x))
        )
    return f"{line.address:06X}: {line.data.hex(' ').upper():<24}{widths}".rstrip()


def _org(block: Block, program: Program) -> list[str]:
    """Return where a block goes; code that runs in RAM lies at the start of the ROM, with its own addresses."""
    if pc_offset(block.address, program.mapper) is not None:
        return [f"org ${block.address:06x}"]
    return ["org $808000" if program.mapper != "norom" else "org $000000", f"base ${block.address:06x}"]


def disassemble(
    program: Program, entries: Sequence[Entry] = (), *, names: Mapping[str, int] | None = None, flow: Flow | None = None
) -> Disassembly:
    """Return a program as lines of asar's syntax, in the order of its blocks.

    Instructions are what `analyse` reaches from the entries (or what `flow` holds, when it is given), all else is `db`.
    `names` are labels by name; a name that asar would not take is passed over. Other targets get a label of their own:
    `CODE_008012`, or `DATA_008034` for data that is addressed with a known bank.
    """
    found = flow or analyse(program, entries)
    labels = _Labels(names or {})
    cut = [piece for block in program.blocks for piece in _cut(block, program, found)]
    starts = {piece.address for piece in cut}
    texts = [_text(piece, program, labels) for piece in cut]
    for piece in cut:
        labels.offer(piece.address)
    lines: list[Line] = []
    placed: set[str] = set()
    for piece, text in zip(cut, texts, strict=True):
        label = labels.used.get(piece.address, "")
        placed.add(label)
        state = piece.node.state if piece.node else None
        widths = (state.m, state.x) if state else (None, None)
        lines.append(Line(piece.address, piece.data, text, (label,) if label else (), piece.instruction, *widths))
    outside = {name: address for address, name in labels.used.items() if address not in starts}
    return Disassembly(program, tuple(lines), found, outside)


class _Piece(NamedTuple):
    """Bytes that make one line."""

    address: int
    data: bytes
    instruction: Instruction | None
    node: Node | None


def _cut(block: Block, program: Program, flow: Flow) -> list[_Piece]:
    """Cut a block into instructions and data; where bytes are decoded in two ways, the earlier address wins."""
    place = Code(Program((), program.mapper)).place
    nodes = {place(address): node for address, node in flow.nodes.items()}
    marks = {place(address) for address in _data(flow)}
    pieces: list[_Piece] = []
    at, since = 0, 0
    start = place(block.address)
    while at < len(block.data):
        node = nodes.get(start + at)
        size = node.instruction.size if node else 0
        fits = node is not None and node.instruction.data == block.data[at : at + size]
        if since < at and (fits or at - since == _DATA_BYTES or start + at in marks):
            pieces.append(_Piece(block.address + since, block.data[since:at], None, None))
            since = at
        if node is not None and fits:
            instruction = node.instruction._replace(address=block.address + at)
            pieces.append(_Piece(block.address + at, instruction.data, instruction, node))
            at += size
            since = at
        else:
            at += 1
    if since < at:
        pieces.append(_Piece(block.address + since, block.data[since:at], None, None))
    return pieces


def _data(flow: Flow) -> list[int]:
    """Return the addresses of data that instructions name."""
    found = (_operand(node.instruction, node) for node in flow.nodes.values())
    return [address for address in found if address is not None]


def _operand(instruction: Instruction, node: Node) -> int | None:
    """Return the 24-bit address of data that an operand names; None when its bank is unknown or there is none."""
    row = instruction.opcode
    if row.access not in ("read", "write", "modify"):
        return None
    if row.mode.startswith("absolute_long"):
        return instruction.operand
    if row.mode in ("absolute", "absolute_x", "absolute_y") and node.state.db is not None:
        return node.state.db << 16 | instruction.operand
    return None


class _Labels:
    """Names for addresses: those given, and new ones for what is used."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._given: dict[int, str] = {}
        taken: set[str] = set()
        for name, address in names.items():
            if _LABEL.fullmatch(name) and name.upper() not in BY_MNEMONIC and len(name) > 1:
                taken.add(name)
                self._given.setdefault(address, name)
        self._taken = taken
        self.used: dict[int, str] = {}

    def offer(self, address: int) -> None:
        """Let a line carry the name that was given for its address."""
        if address in self._given:
            self.used[address] = self._given[address]

    def given(self, address: int) -> str:
        """Return the name that was given for an address, empty when none was."""
        name = self._given.get(address, "")
        if name:
            self.used[address] = name
        return name

    def name(self, address: int, kind: str) -> str:
        """Return the name of an address, a new one when none was given."""
        name = self.given(address) or self.used.get(address, "")
        if not name:
            name = f"{kind}_{address:06X}"
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self.used[address] = name
        return name


def _text(piece: _Piece, program: Program, labels: _Labels) -> str:
    instruction = piece.instruction
    if instruction is None or piece.node is None:
        return "db " + ",".join(f"${byte:02x}" for byte in piece.data)
    target = _reach(instruction)
    if target is not None:
        known = program.byte(target) is not None or instruction.opcode.access == "branch"
        return spell(instruction, label=labels.name(target, "CODE") if known else labels.given(target))
    data = _operand(instruction, piece.node)
    if data is None:
        return spell(instruction)
    return spell(instruction, label=labels.given(data) if program.byte(data) is None else labels.name(data, "DATA"))


def _reach(instruction: Instruction) -> int | None:
    """Return what an operand leads to as asar would count it; None where the offset wraps within the bank."""
    row = instruction.opcode
    if row.mode not in ("relative", "relative_long"):
        return instruction.target
    span = 0x100 if row.mode == "relative" else 0x10000
    distance = instruction.operand - (span if instruction.operand >= span // 2 else 0)
    target = instruction.address + instruction.size + distance
    return target if target >> 16 == instruction.address >> 16 else None
