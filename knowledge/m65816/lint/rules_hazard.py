"""Rules over decimal mode, block moves, software interrupts and memory that nothing has written."""

from collections.abc import Iterator

from knowledge.m65816.flow import Node
from knowledge.m65816.flow_state import TOUCHED
from knowledge.m65816.lint.access import access, writes
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import vectors
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.origins import origin
from knowledge.snes.memory_map import region

__all__ = ["hazard_rules", "uninitialised"]

_D = 0x08
_FARTHEST = 500
_PORTS = frozenset((0x2180, 0x420B, 0x420C))
"""Registers through which a transfer writes WRAM."""


def hazard_rules(context: Context) -> Iterator[Finding]:
    """Find instructions that seldom do what was meant."""
    handled = set(vectors(context.program).values())
    for address, node in context.sound_nodes.items():
        name = node.instruction.opcode.mnemonic
        if name == "SED" or (name == "SEP" and node.instruction.operand & _D):
            yield from _decimal(context, address)
        elif name in ("MVN", "MVP"):
            yield from _move(context, address, node)
        elif name in ("BRK", "COP", "WDM") and name.lower() not in handled:
            yield _software(context, address, name)


def _decimal(context: Context, start: int) -> Iterator[Finding]:
    """Report a SED from which some way leads to a return without CLD."""
    if context.nodes[start].state.flag("d") == 1:
        return
    seen = {start}
    work = [start]
    while work and len(seen) < _FARTHEST:
        address = work.pop()
        node = context.nodes.get(address)
        if node is None:
            continue
        row = node.instruction.opcode
        if address != start and _ends_decimal(context, node):
            continue
        if row.mnemonic in ("RTS", "RTL"):
            if node.state.stack == () and not _called_decimal(context, node):
                yield context.at_address(
                    "decimal-left-on",
                    start,
                    "decimal mode is still on at a return: every adc and sbc of the caller counts in decimal",
                    path=[context.step(address, f"{context.shown(address)}: returns with D = 1")],
                    fix="cld before the return, or php before sed and plp behind",
                )
            return
        for edge in node.successors:
            if edge.kind != "call" and edge.target not in seen:
                seen.add(edge.target)
                work.append(edge.target)


def _ends_decimal(context: Context, node: Node) -> bool:
    row, mask = node.instruction.opcode, node.instruction.operand
    if row.mnemonic in ("CLD", "PLP", "RTI") or (row.mnemonic == "REP" and mask & _D):
        return True
    if row.access != "call":
        return False
    routine = context.flow.routines.get(node.instruction.target or -1)
    return routine is None or "d" in routine.clobbers


def _called_decimal(context: Context, node: Node) -> bool:
    entries = [context.flow.routines[address].entry for address in node.routines if address in context.flow.routines]
    return any(state.flag("d") == 1 for state in entries)


def _move(context: Context, address: int, node: Node) -> Iterator[Finding]:
    state, bank = node.state, node.instruction.operand & 0xFF
    name = node.instruction.opcode.mnemonic.lower()
    mapper = context.program.mapper
    offsets = (0x0000, 0x6000, 0x8000, 0xFFFF) if state.yr is None else (state.yr,)
    areas = {region(bank << 16 | offset, mapper).area for offset in offsets}
    source = node.instruction.operand >> 8
    if areas <= {"rom", "open_bus"} and (state.yr is not None or "rom" in areas):
        yield context.at_address(
            "block-move-to-rom",
            address,
            f"the destination is bank ${bank:02X}, where nothing can be written; the source is bank ${source:02X}",
            path=[] if state.yr is None else [context.step(address, f"Y = ${state.yr:04X} here")],
            fix=f"asar writes the banks as they stand, destination first: {name} ${source:02X},${bank:02X}",
        )
    if state.x == 1:
        yield context.at_address(
            "block-move-width",
            address,
            f"X and Y have 8 bits here: {name} reaches only the first 256 bytes of each bank",
            path=[origin(context, address, "x")],
            fix="rep #$30 before X, Y and A are loaded",
        )
    elif state.m == 1 and state.b is None and not state.touched & TOUCHED["B"] and state.touched & TOUCHED["A"]:
        yield context.at_address(
            "block-move-width",
            address,
            f"{name} counts with all 16 bits of A, and only the low 8 were loaded",
            path=[origin(context, address, "m")],
            fix="rep #$20 before A is loaded with the number of bytes less one",
        )


def _software(context: Context, address: int, name: str) -> Finding:
    why = {
        "BRK": "it jumps through the BRK vector, which no handler here is for; a run into zeros looks like this",
        "COP": "it jumps through the COP vector, which no handler here is for",
        "WDM": "it is reserved and does nothing",
    }[name]
    return context.at_address(
        "software-interrupt", address, f"{name.lower()} is executed: {why}", fix="remove it, or give it a handler"
    )


def uninitialised(context: Context) -> Iterator[Finding]:
    """Find reads of RAM that nothing in the whole program writes, when all writes are known."""
    written: set[int] = set()
    seen: dict[int, int] = {}
    for address, node in context.sound_nodes.items():
        row = node.instruction.opcode
        if row.access == "move" or any(edge.assumed for edge in node.successors):
            return
        if row.access not in ("read", "write", "modify") or row.mode.startswith("immediate"):
            continue
        cells = _cells(context, node)
        if cells is None and writes(node):
            return
        if row.access == "write":
            written.update(cells or ())
        else:
            for cell in cells or ():
                seen.setdefault(cell, address)
    for cell, address in sorted(seen.items(), key=lambda item: item[1]):
        if cell not in written:
            yield context.at_address(
                "uninitialised-read",
                address,
                f"${0x7E0000 + cell:06X} is read, and nothing in the program writes it: it holds what power-on left",
                fix="write it first, or clear RAM at the start",
            )
            return


def _cells(context: Context, node: Node) -> range | None:
    """Return the bytes of WRAM that an access is to, empty for none; None when that is unknown."""
    found = access(node)
    if found is None or not found.banked or found.address & 0xFFFF in _PORTS:
        return None
    place = region(found.address, context.program.mapper)
    return range(place.offset, place.offset + (found.size or 2)) if place.area == "wram" else range(0)
