"""Rules over where a patch writes: overlaps, hooks that cut instructions, ranges, the header."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from knowledge.m65816.instruction import Truncated, decode
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import ENDS
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.program import Block
from knowledge.snes.mapping import pc_offset

__all__ = ["rom_rules"]

_HEADER = 0xFFB0
_CHECKSUM = 0x00FFDC
_JUMPS = frozenset((0x4C, 0x5C, 0x6C, 0x7C, 0xDC, 0x80, 0x82, 0x60, 0x6B, 0x40, 0xDB))
_FREE = 32


def rom_rules(context: Context) -> Iterator[Finding]:
    """Find bytes that a patch writes where it should not."""
    yield from _overlaps(context)
    for block in context.program.blocks:
        yield from _place(context, block)
        yield from _header(context, block)
        if context.options.original:
            yield from _hook(context, block)
            yield from _not_free(context, block)
    yield from _expected(context)
    yield from _checksum(context)


def _overlaps(context: Context) -> Iterator[Finding]:
    mapper = context.program.mapper
    blocks = [(pc_offset(block.address, mapper), block) for block in context.program.blocks if block.data]
    placed = sorted((offset, block) for offset, block in blocks if offset is not None)
    for (first, one), (second, two) in pairwise(placed):
        if second < first + len(one.data):
            yield _overlap(context, two.address, one.address, first + len(one.data) - second)
    yield from _written_twice(context)


def _overlap(context: Context, address: int, other: int, count: int) -> Finding:
    return context.at_address(
        "org-overlap",
        address,
        f"{count} byte{'s' if count != 1 else ''} here {'are' if count != 1 else 'is'} written twice: the code from "
        f"${other:06X} runs into it",
        path=[context.step(other, "the other code begins here")],
        fix="move one of the two",
    )


def _written_twice(context: Context) -> Iterator[Finding]:
    """Report commands of one stretch of code that begin within a command of another stretch."""
    mapper = context.program.mapper
    spans: list[tuple[int, int, int]] = []
    seen: dict[int, int] = {}
    order = 0
    for command in context.source.commands:
        if command.name in ("org", "pushpc", "pullpc", "freecode", "freedata"):
            order += 1
        offset = pc_offset(command.address, mapper) if command.address >= 0 else None
        if offset is None or command.kind == "other":
            continue
        if seen.setdefault(offset, order) != order and command.text:
            yield _overlap(context, command.address, command.address, max(1, command.size))
            return
        spans.append((offset, order, command.address))
    yield from _inside(context, sorted(spans))


def _inside(context: Context, spans: list[tuple[int, int, int]]) -> Iterator[Finding]:
    """Report a command that begins in the middle of an instruction of another stretch, told by the bytes it needs."""
    starts = [offset for offset, _, _ in spans]
    for offset, order, address in spans:
        place = bisect_right(starts, offset) - 2
        if place < 0:
            continue
        before, other, where = spans[place]
        code = context.source.by_address.get(where)
        if other == order or code is None or code.kind != "code" or before == offset:
            continue
        least = min(row.size for row in OPCODES if row.mnemonic == _mnemonic(code.name))
        written = {"l": 4, "w": 3, "b": 2}.get(code.suffix, least)
        if before + written > offset:
            yield _overlap(context, address, where, before + written - offset)
            return


def _mnemonic(name: str) -> str:
    return "JMP" if name == "jml" else name.upper()


def _place(context: Context, block: Block) -> Iterator[Finding]:
    options = context.options
    end = block.address + len(block.data) - 1
    if options.allowed and block.data:
        outside = next((at for at in (block.address, end) if not any(at in each for each in options.allowed)), None)
        if outside is None:
            one = next(each for each in options.allowed if block.address in each)
            outside = None if end in one or end <= one.last else one.last + 1
        if outside is not None:
            yield context.at_address(
                "outside-allowed",
                outside,
                f"the bytes from ${block.address:06X} to ${end:06X} leave the ranges that may be written",
                fix="move the code, or allow the range",
            )
    offset = pc_offset(block.address, context.program.mapper)
    size = len(options.original)
    if size and offset is not None and offset + len(block.data) > size:
        yield context.at_address(
            "outside-rom",
            block.address,
            f"${block.address:06X} to ${end:06X} lies behind the {size:,} bytes of the ROM, which has to grow",
            fix="use free space within the ROM, or expand it and its header on purpose",
        )


def _header(context: Context, block: Block) -> Iterator[Finding]:
    """Report code or data that runs into the internal header from below."""
    if block.address >> 16 & 0x7F or context.program.mapper == "norom":
        return
    bank = block.address & 0xFF0000
    if not block.address < bank | 0xFFC0 < block.address + len(block.data):
        return
    command = context.source.at(bank | 0xFFC0)
    if command is None or command.kind == "other" or command.name in ("fill", "pad", "fillbyte"):
        return
    if command.kind == "data" and command.address & 0xFFFF >= _HEADER:
        return
    yield context.at_address(
        "header-overlap",
        command.address,
        "this runs into the internal header at $00FFC0",
        path=[context.step(block.address, "the code begins here")],
        fix="end the bank's code before $00FFB0",
    )


def _hook(context: Context, block: Block) -> Iterator[Finding]:
    """Report a patch behind which the original code goes on in the middle of an instruction."""
    offset = pc_offset(block.address, context.program.mapper)
    if offset is None or not block.data or len(block.data) > 64 or not _goes_on(context, block):
        return
    original = context.options.original[offset : offset + len(block.data) + 4]
    if len(original) < len(block.data) + 4 or len(set(original)) == 1:
        return
    states = _known(context, block.address)
    if any(_whole(original, len(block.data), m, x) for m, x in states):
        return
    yield context.at_address(
        "hook-cuts-instruction",
        block.address,
        f"these {len(block.data)} bytes end in the middle of an original instruction: what is left of it runs as code",
        path=[context.step(block.address, f"original bytes: {original.hex(' ').upper()}")],
        fix="fill up with nop to the end of that instruction",
    )


def _known(context: Context, address: int) -> list[tuple[int, int]]:
    node = context.nodes.get(address)
    ms = (0, 1) if node is None or node.state.m is None else (node.state.m,)
    xs = (0, 1) if node is None or node.state.x is None else (node.state.x,)
    return [(m, x) for m in ms for x in xs]


def _goes_on(context: Context, block: Block) -> bool:
    """Tell whether control surely passes the block's end: it has instructions and the last one is no jump or return."""
    last = None
    at = block.address
    while at < block.address + len(block.data):
        node = context.nodes.get(at)
        if node is None:
            return _by_text(context, block)
        last = node.instruction
        at += last.size
    return last is not None and last.opcode.code not in _JUMPS


def _by_text(context: Context, block: Block) -> bool:
    inside = [
        command
        for address, command in context.source.by_address.items()
        if block.address <= address < block.address + len(block.data)
    ]
    if not inside or any(command.kind != "code" for command in inside):
        return False
    return max(inside, key=lambda each: each.address).name not in ENDS


def _whole(original: bytes, length: int, m: int, x: int) -> bool:
    at = 0
    while at < length:
        try:
            instruction = decode(original[at:], 0, m=m, x=x)
        except Truncated:
            return True
        at += instruction.size
        if instruction.opcode.mnemonic in ("REP", "SEP"):
            value = 1 if instruction.opcode.mnemonic == "SEP" else 0
            m = value if instruction.operand & 0x20 else m
            x = value if instruction.operand & 0x10 else x
    return at == length


def _not_free(context: Context, block: Block) -> Iterator[Finding]:
    offset = pc_offset(block.address, context.program.mapper)
    if offset is None or len(block.data) <= _FREE:
        return
    original = context.options.original[offset : offset + len(block.data)]
    if original and len(set(original)) > 1:
        yield context.at_address(
            "overwrites-original",
            block.address,
            f"{len(block.data)} bytes are written over original bytes that are not free space",
            fix="put code and data into free space, and only hooks elsewhere",
        )


def _expected(context: Context) -> Iterator[Finding]:
    options = context.options
    for address, wanted in sorted(options.expected.items()):
        offset = pc_offset(address, context.program.mapper)
        found = options.original[offset : offset + len(wanted)] if offset is not None else b""
        if options.original and found != wanted:
            yield context.at_address(
                "unexpected-original",
                address,
                f"the ROM has {found.hex(' ').upper() or 'nothing'} at ${address:06X}, where the patch expects "
                f"{wanted.hex(' ').upper()}",
                fix="this is another version of the ROM, or it is patched already: find the place again",
            )


def _checksum(context: Context) -> Iterator[Finding]:
    values = [context.program.byte(_CHECKSUM + place) for place in range(4)]
    known = [value for value in values if value is not None]
    if len(known) < 4 or len(set(known)) == 1:
        return
    complement, checksum = known[0] | known[1] << 8, known[2] | known[3] << 8
    if complement ^ checksum != 0xFFFF:
        yield context.at_address(
            "checksum-mismatch",
            _CHECKSUM,
            f"checksum ${checksum:04X} and complement ${complement:04X} do not belong together: they add up to $FFFF",
            fix="leave both to the assembler (asar --fix-checksum=on), or mend them at the end",
        )
