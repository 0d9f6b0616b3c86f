"""What a program may read of the state it starts in: registers, flags and RAM bytes, bounded from above.

`live_in` follows the flow graph, so it speaks for every run and not for those that were tried. Where an address cannot
be bounded (pointers, wide indexes, hardware, the caller's stack) it says so by raising Unbounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from knowledge.m65816.flow import Entry, Flow, Node, analyse
from knowledge.m65816.flow_live import live_after
from knowledge.m65816.flow_state import State
from knowledge.m65816.opcodes import effects
from knowledge.m65816.program import Block, Program
from knowledge.snes.addresses import fold
from knowledge.snes.mapping import pc_offset
from schemas.contract import Contract

__all__ = ["Spans", "Unbounded", "flow_of", "live_in", "writes_into"]

_PARTIAL = frozenset(("SEP", "PLP", "RTI", "XCE"))
_RTS = b"\x60"

Spans = Sequence[tuple[int, int]]
"""First and last addresses of stretches of memory, mirrors folded."""


class Unbounded(ValueError):
    """What a program reads cannot be bounded; the text says why."""


def flow_of(program: Program, contract: Contract) -> Flow:
    """Return the flow of a program from its start, in the state that the contract promises.

    Running past the end of the code counts as a return.
    """
    starts = {block.address for block in program.blocks}
    blocks = tuple(
        Block(block.address, block.data + _RTS)
        if block.address + len(block.data) not in starts and (block.address & 0xFFFF) + len(block.data) < 0x10000
        else block
        for block in program.blocks
    )
    state = State(m=contract.m, x=contract.x, e=contract.e, d=contract.d, db=contract.db)
    if contract.decimal is not None:
        state = state.with_flags(d=int(contract.decimal))
    return analyse(replace(program, blocks=blocks), [Entry(program.start, state)], limit=20_000)


def live_in(flow: Flow, reserved: Spans = ()) -> frozenset[str]:
    """Return names of the registers and flags, and `$7E0010` for the RAM bytes, that may be read before being written.

    S is left out: it may only address the stack. `reserved` is memory that may not be read by address: the stack, and
    code in RAM. Raises Unbounded.
    """
    _check(flow)
    start = flow.nodes[flow.entries[0].address]
    names = _registers(flow, start)
    known = _written_before(flow)
    for address, node in flow.nodes.items():
        for place in _ram_reads(flow, node):
            if any(low <= place <= high for low, high in reserved):
                raise Unbounded(f"${place:06X} is read at ${address:06X}, which is the stack's or part of a program")
            if place not in known[address]:
                names.add(f"${place:06X}")
    return frozenset(names)


def _check(flow: Flow) -> None:
    if not flow.complete or flow.conflicts or flow.assumptions or flow.entries[0].address not in flow.nodes:
        raise Unbounded("control flow that is not wholly known")
    for routine in flow.routines.values():
        for one in routine.exits:
            if one.kind not in ("rts", "rtl", "rti"):
                raise Unbounded(f"an exit at ${one.address:06X} that is no return")
    for address, node in flow.nodes.items():
        if node.instruction.opcode.mnemonic in ("TSX", "TSC", "TXS", "TCS", "MVN", "MVP", "XCE", "WAI"):
            raise Unbounded(f"{node.instruction.opcode.mnemonic} at ${address:06X}")
        if None in (node.state.m, node.state.x):
            raise Unbounded(f"an unknown width at ${address:06X}")


def _registers(flow: Flow, start: Node) -> set[str]:
    after = live_after(flow, frozenset())[start.instruction.address]
    row = start.instruction.opcode
    effect = effects(row, start.state.m or 0, start.state.x or 0, operand=start.instruction.operand & 0xFF)
    replaced = effect.writes - (frozenset("XY") if row.mnemonic in _PARTIAL else frozenset())
    return set(effect.reads | (after - replaced)) - {"S", "PB", "m", "x", "e"}


def _ram_reads(flow: Flow, node: Node) -> Iterator[int]:
    """Yield the RAM bytes that an instruction may read."""
    ins, state = node.instruction, node.state
    mode, access = ins.opcode.mode, ins.opcode.access
    if access == "pull" or mode.startswith("stack"):
        _check_stack(node)
        if mode == "stack_relative_indirect_y":
            raise Unbounded(f"a pointer on the stack at ${ins.address:06X}")
    elif access in ("read", "modify") or ins.opcode.mnemonic == "PEI":
        if ins.opcode.mode != "accumulator" and not mode.startswith("immediate"):
            yield from _data_reads(flow, node)
    elif access in ("jump", "call") and "indirect" in mode:
        raise Unbounded(f"an indirect jump at ${ins.address:06X}")
    elif access == "write" and "indirect" in mode:
        raise Unbounded(f"a write through a pointer at ${ins.address:06X}")
    elif access in ("return",) and state.stack is None:
        raise Unbounded(f"a return from an unknown stack at ${ins.address:06X}")


def _check_stack(node: Node) -> None:
    ins, depth = node.instruction, node.state.depth
    wide = {"m": node.state.m, "x": node.state.x}.get(ins.opcode.width, 1 if ins.opcode.width == "8" else 0)
    size = 1 if wide else 2
    needed = ins.operand + size - 1 if ins.opcode.mode.startswith("stack") else size
    if depth is None or depth < needed:
        raise Unbounded(f"the caller's stack is read at ${ins.address:06X}")


def _data_reads(flow: Flow, node: Node) -> Iterator[int]:
    ins, state = node.instruction, node.state
    span = _span(node)
    if span is None:
        raise Unbounded(f"an address at ${ins.address:06X} that is not known")
    wide = {"m": state.m, "x": state.x}.get(ins.opcode.width, 0)
    size = 1 if wide else 2
    low, high = span
    if high - low > 0x1FF:
        raise Unbounded(f"a wide index at ${ins.address:06X}")
    for address in range(low, high + size):
        place = fold(address)
        if place >> 16 in (0x7E, 0x7F):
            if high - low > 15:
                raise Unbounded(f"a table in RAM at ${ins.address:06X}")
            yield place
        elif not _constant(flow.program, address):
            raise Unbounded(f"${address:06X} is read at ${ins.address:06X}, neither RAM nor part of the program")


def _span(node: Node) -> tuple[int, int] | None:
    """Return the first and the last address that the operand may begin at."""
    ins, state = node.instruction, node.state
    mode, operand = ins.opcode.mode, ins.operand
    if "indirect" in mode:
        return None
    if mode.startswith("direct"):
        if state.d is None or state.e == 1:
            return None
        base = state.d + operand & 0xFFFF
    elif mode.startswith("absolute_long"):
        base = operand
    elif state.db is None:
        return None
    else:
        base = state.db << 16 | operand
    if not mode.endswith(("_x", "_y")):
        return base, base
    index = state.xr if mode.endswith("_x") else state.yr
    low, high = (index, index) if index is not None else (0, 0xFF if state.x else 0xFFFF)
    limit = 0xFFFF if mode.startswith("direct") else 0xFFFFFF
    return None if base + high + 1 > limit else (base + low, base + high)


def _constant(program: Program, address: int) -> bool:
    if program.byte(address) is not None:
        return pc_offset(address, program.mapper) is not None
    offset = pc_offset(address, program.mapper)
    return offset is not None and offset < len(program.rom)


def _stored(node: Node) -> frozenset[int]:
    """Return the RAM bytes that an instruction surely writes."""
    ins, state = node.instruction, node.state
    if ins.opcode.access not in ("write", "modify") or ins.opcode.mode in ("accumulator", "stack_relative"):
        return frozenset()
    span = _span(node)
    if span is None or span[0] != span[1]:
        return frozenset()
    wide = {"m": state.m, "x": state.x}.get(ins.opcode.width, 1)
    return frozenset(fold(span[0] + index) for index in range(1 if wide else 2))


def _written_before(flow: Flow) -> dict[int, frozenset[int]]:
    """Return the bytes that were written on every path to an instruction."""
    stored = {address: _stored(node) for address, node in flow.nodes.items()}
    known: dict[int, frozenset[int] | None] = dict.fromkeys(flow.nodes)
    start = flow.entries[0].address
    known[start] = frozenset()
    work = [start]
    while work:
        address = work.pop()
        after = (known[address] or frozenset()) | stored[address]
        for edge in flow.nodes[address].successors:
            if edge.target not in flow.nodes:
                continue
            old = known[edge.target]
            new = after if old is None else old & after
            if new != old:
                known[edge.target] = new
                work.append(edge.target)
    return {address: found or frozenset() for address, found in known.items()}


def writes_into(flows: Sequence[Flow], reserved: Spans) -> bool:
    """Return whether a write that is no push may fall into memory that is reserved: the stack, code in RAM."""
    for flow in flows:
        for node in flow.nodes.values():
            if node.instruction.opcode.access not in ("write", "modify"):
                continue
            if node.instruction.opcode.mode in ("accumulator", "stack_relative"):
                continue
            span = _span(node)
            if span is None or any(_meet(span[0], span[1] + 1, one) for one in reserved):
                return True
    return False


def _meet(low: int, high: int, reserved: tuple[int, int]) -> bool:
    """Return whether an address from `low` to `high`, mirrors folded, is reserved."""
    for bank in range(low >> 16, (high >> 16) + 1):
        first, last = max(low, bank << 16), min(high, bank << 16 | 0xFFFF)
        for start, end in ((first, min(last, bank << 16 | 0x1FFF)), (max(first, bank << 16 | 0x2000), last)):
            if start <= end and fold(start & 0xFFFFFF) <= reserved[1] and fold(end & 0xFFFFFF) >= reserved[0]:
                return True
    return False
