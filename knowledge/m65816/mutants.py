"""Programs that are wrong in one small way: what a comparison, or a set of test inputs, must tell from the original.

The ways are those in which people and models err: another opcode of the same form, an operand that is off by one, an
instruction dropped, doubled or swapped with the next, a branch turned round or aimed at a neighbour, a wrong width.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple

from knowledge.m65816.flow import Flow
from knowledge.m65816.instruction import Instruction, encode, relocate
from knowledge.m65816.opcodes import BRANCHES, OPCODES, Opcode
from knowledge.m65816.program import Block, Program

__all__ = ["Mutant", "mutants"]


class Mutant(NamedTuple):
    """A wrong program and what is wrong with it."""

    program: Program
    change: str


_FAMILIES = (
    "ADC SBC AND ORA EOR LDA CMP BIT",
    "INC DEC ASL LSR ROL ROR",
    "TSB TRB",
    "STA STX STY STZ",
    "LDX LDY CPX CPY",
    "INX INY DEX DEY",
    "TAX TAY TXA TYA TXY TYX XBA NOP",
    "CLC SEC CLD SED CLV NOP",
    "PHA PHX PHY",
    "PLA PLX PLY",
    "PHP PHB PHK",
    "PLP PLB",
    "REP SEP",
    "MVN MVP",
    "RTS RTL",
    "BPL BMI BVC BVS BCC BCS BNE BEQ BRA",
)
_FAMILY = {name: family.split() for family in _FAMILIES for name in family.split()}
_INDEXED = {
    "direct": ("direct_x",),
    "direct_x": ("direct",),
    "absolute": ("absolute_x", "absolute_y"),
    "absolute_x": ("absolute", "absolute_y"),
    "absolute_y": ("absolute", "absolute_x"),
    "absolute_long": ("absolute_long_x",),
    "absolute_long_x": ("absolute_long",),
    "direct_indirect": ("direct_indirect_y",),
    "direct_indirect_y": ("direct_indirect", "direct_indirect_long_y"),
    "direct_indirect_long": ("direct_indirect_long_y", "direct_indirect"),
    "direct_indirect_long_y": ("direct_indirect_long", "direct_indirect_y"),
}
_NOP = b"\xea"


def mutants(program: Program, flow: Flow, *, count: int, seed: int = 0) -> list[Mutant]:
    """Return up to `count` different mutants of a program, chosen by a seed, each of another kind where there are some.

    `flow` is that of the program. Only its first block is changed, and only bytes that the flow reaches as code. A
    mutant may happen to do what the program does.
    """
    block = program.blocks[0]
    end = block.address + len(block.data)
    code = [node.instruction for at, node in flow.nodes.items() if block.address <= at and node.instruction.next <= end]
    code = [ins for ins in code if program.byte(ins.address) == ins.opcode.code]
    kinds: list[list[Mutant]] = []
    random = Random(f"mutants {seed}")
    for way in _WAYS:
        found = list(way(program, code))
        random.shuffle(found)
        kinds.append(found)
    chosen: list[Mutant] = []
    seen = {block.data}
    while len(chosen) < count and any(kinds):
        for kind in kinds:
            while kind:
                mutant = kind.pop()
                if mutant.program.blocks[0].data not in seen:
                    seen.add(mutant.program.blocks[0].data)
                    chosen.append(mutant)
                    break
    return chosen[:count]


def _with(program: Program, address: int, data: bytes, change: str) -> Mutant:
    block = program.blocks[0]
    at = address - block.address
    new = block.data[:at] + data + block.data[at + len(data) :]
    return _whole(program, new, f"${address:06X}: {change}")


def _whole(program: Program, data: bytes, change: str) -> Mutant:
    blocks = (Block(program.blocks[0].address, data), *program.blocks[1:])
    return Mutant(Program(blocks, program.mapper, program.entry, program.rom, program.fast_rom), change)


def _same_form(row: Opcode, other: Opcode) -> bool:
    if row.mnemonic == other.mnemonic or row.mode != other.mode:
        return False
    return other.mnemonic in _FAMILY.get(row.mnemonic, ())


def _opcodes(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    for ins in code:
        for other in OPCODES:
            if _same_form(ins.opcode, other):
                data = bytes((other.code,))
                yield _with(program, ins.address, data, f"{ins.opcode.mnemonic} became {other.mnemonic}")


def _operands(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    for ins in code:
        bits = 8 * (ins.size - 1)
        if not bits or ins.opcode.mnemonic in BRANCHES or ins.opcode.mnemonic in ("REP", "SEP", "WDM"):
            continue
        for change, operand in (
            ("+ 1", ins.operand + 1),
            ("- 1", ins.operand - 1),
            ("with bit 7 turned", ins.operand ^ 0x80),
            ("with bit 0 turned", ins.operand ^ 1),
            ("+ 16", ins.operand + 16),
        ):
            data = (operand & (1 << bits) - 1).to_bytes(bits // 8, "little")
            yield _with(program, ins.address + 1, data, f"operand of {ins.opcode.mnemonic} {change}")


def _drops(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    for ins in code:
        if ins.opcode.mnemonic != "NOP":
            yield _with(program, ins.address, _NOP * ins.size, f"{ins.opcode.mnemonic} dropped")


def _branches(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    starts = sorted(ins.address for ins in code)
    for ins in code:
        if ins.opcode.mnemonic not in BRANCHES or ins.target not in starts:
            continue
        place = starts.index(ins.target)
        for other in (place - 1, place + 1):
            moved = relocate(ins, ins.address, starts[other]) if 0 <= other < len(starts) else None
            if moved is not None:
                yield _with(program, ins.address, encode(moved), f"{ins.opcode.mnemonic} to a neighbour of its target")


def _swaps(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    targets = {ins.target for ins in code}
    for one, other in pairwise(code):
        if one.next != other.address or other.address in targets or not _plain(one) or not _plain(other):
            continue
        names = f"{one.opcode.mnemonic} and {other.opcode.mnemonic}"
        yield _with(program, one.address, encode(other) + encode(one), f"{names} swapped")


def _plain(ins: Instruction) -> bool:
    return ins.opcode.access not in ("branch", "jump", "call", "return") and ins.opcode.mnemonic != "PER"


def _widths(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    for ins in code:
        if ins.opcode.mnemonic in ("REP", "SEP"):
            for bit in (0x20, 0x10, 0x01, 0x08, 0x30):
                data = bytes((ins.operand ^ bit,))
                yield _with(program, ins.address + 1, data, f"{ins.opcode.mnemonic} of other flags")


def _modes(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    for ins in code:
        for mode in _INDEXED.get(ins.opcode.mode, ()):
            for other in OPCODES:
                if other.mnemonic == ins.opcode.mnemonic and other.mode == mode:
                    yield _with(program, ins.address, bytes((other.code,)), f"{other.mnemonic} {mode}")


def _doubles(program: Program, code: Sequence[Instruction]) -> Iterator[Mutant]:
    """Yield the program with one instruction twice, where nothing but branches depends on where code lies."""
    block = program.blocks[0]
    if sum(ins.size for ins in code) != len(block.data) or program.entry not in (-1, block.address):
        return
    fixed = ("jump", "call")
    if any(
        ins.opcode.access in fixed or ins.opcode.mnemonic in ("PER", "BRL") or ins.opcode.mnemonic == "PHK"
        for ins in code
    ):
        return
    for twice in code:
        if not _plain(twice):
            continue
        data = b""
        for ins in code:
            at = ins.address + (twice.size if ins.address > twice.address else 0)
            moved: Instruction | None = ins._replace(address=at)
            if ins.opcode.access == "branch" and ins.target is not None:
                moved = relocate(ins, at, ins.target + (twice.size if ins.target > twice.address else 0))
            if moved is None:
                break
            data += encode(moved) * (2 if ins is twice else 1)
        else:
            yield _whole(program, data, f"${twice.address:06X}: {twice.opcode.mnemonic} twice")


_Way = Callable[[Program, Sequence[Instruction]], Iterator[Mutant]]
_WAYS: tuple[_Way, ...] = (_opcodes, _operands, _drops, _branches, _swaps, _widths, _modes, _doubles)
