"""Rules over banks and the direct page: data in another bank than DB says, calls out of the bank, D left changed."""

import re
from collections.abc import Iterator

from knowledge.m65816.flow import Join, Node, Routine
from knowledge.m65816.flow_state import TOUCHED
from knowledge.m65816.lint.access import access, system_bank
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding, Gain
from knowledge.m65816.lint.origins import after, origin, regained
from knowledge.m65816.lint.source import Command, number
from knowledge.snes.memory_map import region
from knowledge.snes.registers import register_at

__all__ = ["bank_rules"]

_ABSOLUTE = frozenset(("absolute", "absolute_x", "absolute_y"))
_DATA = ("read", "write", "modify")
_NAMED = re.compile(
    r"^[\(\[]?\s*([A-Za-z_.?][\w.?]*)\s*(?:([+-])\s*(\$[0-9A-Fa-f]+|\d+))?\s*[\)\]]?(?:\s*,\s*[XxYy]\s*\)?)?$"
)
_TINY = 4


def bank_rules(context: Context) -> Iterator[Finding]:
    """Find addresses that are right but for their bank or page."""
    for command in context.source.by_address.values():
        if command.name in ("jsr", "jmp", "jml"):
            yield from _jump(context, command)
    for address, node in context.sound_nodes.items():
        if node.instruction.opcode.access in _DATA:
            yield from _data(context, address, node)
    for routine in context.sound_routines.values():
        yield from _page_left(context, routine)
    for join in context.flow.joins:
        if join.field in ("d", "db"):
            yield from _join(context, join)
    yield from _crossing(context)


def _data(context: Context, address: int, node: Node) -> Iterator[Finding]:
    row = node.instruction.opcode
    if row.mode in _ABSOLUTE and node.state.db is not None:
        yield from _other_bank(context, address, node, node.state.db)
    if row.mode in _ABSOLUTE or row.mode.startswith("absolute_long"):
        yield from _leaves(context, address, node)
    yield from _word(context, address, node)
    if row.mode in ("direct_x", "direct_y") and node.state.x == 1 and node.state.e == 0:
        yield from _page_passed(context, address, node)
    if row.mode.startswith("direct") and node.state.d is not None and node.state.d & 0xFF:
        yield _unaligned(context, address, node.state.d)


def labelled(context: Context, command: Command | None) -> int | None:
    """Return the 24-bit address that a command's operand names by a label, an offset added; None for anything else."""
    match = _NAMED.match(command.operand) if command is not None and command.operand else None
    if match is None:
        return None
    names = context.source.listing.labels
    value = names.get(match[1], names.get(match[1].replace(".", "_")))
    if value is None:
        return None
    offset = number(match[3] or "0") or 0
    return (value + (-offset if match[2] == "-" else offset)) & 0xFFFFFF


def _jump(context: Context, command: Command) -> Iterator[Finding]:
    target = labelled(context, command)
    if target is None:
        target = number(command.operand) if command.suffix == "w" else None
        if target is None or not 0x10000 <= target <= 0xFFFFFF:
            return
    operand = command.operand.strip()
    mapper = context.program.mapper
    if operand.startswith("(") and "x" not in operand.lower().rpartition(",")[2]:
        bank, what = 0, "an indirect jump reads its pointer in bank $00"
    elif operand.startswith("["):
        bank, what = 0, "an indirect long jump reads its pointer in bank $00"
    elif command.name == "jml":
        return
    else:
        bank, what = command.address >> 16, f"{command.name} stays in bank ${command.address >> 16:02X}"
    reached = bank << 16 | target & 0xFFFF
    if region(reached, mapper) == region(target, mapper):
        return
    yield context.at_command(
        "call-to-other-bank",
        command,
        f"{what}, and {context.label(target)} is at ${target:06X}: this goes by ${reached:06X}",
        fix={"jsr": "jsl, with rtl at its end", "jmp": "jml"}.get(command.name, "put the pointer in low RAM")
        if not operand.startswith(("(", "["))
        else "put the pointer in bank $00 or in low RAM",
    )


def _other_bank(context: Context, address: int, node: Node, bank: int) -> Iterator[Finding]:
    operand, row = node.instruction.operand, node.instruction.opcode
    meant = labelled(context, context.source.by_address.get(address))
    mapper = context.program.mapper
    if meant is not None and meant & 0xFFFF == operand:
        reached = bank << 16 | operand
        if region(reached, mapper) != region(meant, mapper):
            yield context.at_address(
                "data-in-other-bank",
                address,
                f"{context.label(meant)} is at ${meant:06X}, but the data bank is ${bank:02X}: this goes to "
                f"${reached:06X}",
                path=[origin(context, address, "db")],
                fix="use .l, or set the data bank: phb : phk : plb ... plb",
            )
        return
    known = register_at(operand)
    if row.mode != "absolute" or known is None or system_bank(bank) or operand >= 0x4370:
        return
    yield context.at_address(
        "hardware-in-other-bank",
        address,
        f"with the data bank at ${bank:02X} this goes to ${bank:02X}{operand:04X}, not to {known.name}",
        path=[origin(context, address, "db")],
        fix=f"use lda.l or sta.l with $00{operand:04X}, or set the data bank to $00 or $80",
    )


def _leaves(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """Report an index that surely carries an access into the next bank, where that is not more of the same memory."""
    instruction, state = node.instruction, node.state
    mode = instruction.opcode.mode
    index = state.yr if mode == "absolute_y" else state.xr if mode.endswith("_x") else None
    if index is None:
        return
    base = instruction.operand
    if not mode.startswith("absolute_long"):
        if state.db is None:
            meant = labelled(context, context.source.by_address.get(address))
            if meant is None:
                return
            base = meant
        else:
            base |= state.db << 16
    reached = (base + index) & 0xFFFFFF
    if reached >> 16 == base >> 16:
        return
    mapper = context.program.mapper
    here, there = region(base, mapper), region(reached, mapper)
    if here.area == there.area and here.area != "open_bus" and there.offset - here.offset == index:
        return
    flag = origin(context, address, "x")
    yield context.at_address(
        "index-leaves-bank",
        address,
        f"${base:06X} + ${index:04X} is ${reached:06X}: an index carries into the next bank, it does not wrap",
        path=[flag],
        fix="count so that base + index stays in the bank; an index is never negative",
    )


def _word(context: Context, address: int, node: Node) -> Iterator[Finding]:
    found = access(node)
    if found is None or found.size != 2 or not found.banked:
        return
    place, bank = found.address & 0xFFFF, found.address >> 16
    direct = node.instruction.opcode.mode.startswith("direct")
    if place == 0xFFFF and bank != 0x7E and not direct:
        said = f"the second byte comes from ${(found.address + 1) & 0xFFFFFF:06X}, in the next bank"
    elif place == 0x1FFF and system_bank(bank):
        said = "the second byte is at $2000, which is no RAM"
    else:
        return
    yield context.at_address(
        "word-leaves-area",
        address,
        f"16 bits at ${found.address:06X}: {said}",
        fix="move the variable, or access it with 8 bits",
    )


def _page_passed(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """Report an 8-bit index that looks negative, which wraps in emulation mode only."""
    index = node.state.xr if node.instruction.opcode.mode == "direct_x" else node.state.yr
    if index is not None and index >= 0x80 and index + node.instruction.operand > 0xFF:
        yield context.at_address(
            "direct-index-does-not-wrap",
            address,
            f"${node.instruction.operand:02X} + ${index:02X} is D + ${node.instruction.operand + index:04X}: "
            "in native mode a direct index does not wrap at 256",
            fix="use an index that stays in the page, or 16-bit X and Y for a negative one",
        )


def _unaligned(context: Context, address: int, page: int) -> Finding:
    return context.at_address(
        "direct-page-unaligned",
        address,
        f"D is ${page:04X}: every direct access takes one cycle more while its low byte is not 0",
        path=[origin(context, address, "d")],
        fix="set D to a multiple of $100",
        gain=Gain(1, 0),
    )


def _page_left(context: Context, routine: Routine) -> Iterator[Finding]:
    if len(routine.nodes) <= _TINY:
        return
    for each in routine.exits:
        left, entered = each.state.d, routine.entry.d
        if each.state.stack:
            continue
        if each.kind not in ("rts", "rtl") or not each.state.touched & TOUCHED["D"] or left is None or left == entered:
            continue
        if entered is None and (left == 0 or not _uses_page(context, routine, left)):
            continue
        if regained(context, routine, "d"):
            return
        yield context.at_address(
            "direct-page-not-restored",
            each.address,
            f"{context.label(routine.address)} returns with D = ${left:04X}"
            + ("" if entered is None else f"; it was entered with ${entered:04X}"),
            path=[origin(context, each.address, "d")],
            fix="phd at its start, pld before it returns",
        )
        return


def _uses_page(context: Context, routine: Routine, page: int) -> bool:
    """Tell whether a routine makes direct accesses with D as it leaves it."""
    nodes = (context.nodes[address] for address in routine.nodes)
    return any(node.state.d == page and node.instruction.opcode.mode.startswith("direct") for node in nodes)


def _join(context: Context, join: Join) -> Iterator[Finding]:
    """Report a join of two data banks or direct pages when the next access is different memory in each."""
    if not context.clean([*join.first.path, *join.second.path, join.address]):
        return
    one, two = (getattr(after(context, way), join.field) for way in (join.first, join.second))
    if one is None or two is None or one == two or join.address in context.flow.routines:
        return
    user = _user(context, join.address, join.field, (one, two))
    if user is None:
        return
    bank = join.field == "db"
    name, digits = ("data bank", 2) if bank else ("D", 4)
    yield context.at_address(
        "bank-differs-at-join" if bank else "direct-page-differs-at-join",
        user,
        f"two paths come here, one with {name} ${one:0{digits}X}, one with ${two:0{digits}X}",
        path=[
            *context.trail(join.first.path, f"{name} ${one:0{digits}X}"),
            *context.trail(join.second.path, f"{name} ${two:0{digits}X}"),
        ],
        fix=f"set the {name} where the paths meet",
    )


def _user(context: Context, address: int, field: str, values: tuple[int, int]) -> int | None:
    """Return the first access on the straight way from a join that is different memory for the two values."""
    for _ in range(64):
        node = context.nodes.get(address)
        if node is None:
            return None
        row = node.instruction.opcode
        if row.mnemonic in ("PLB", "PLD", "TCD", "MVN", "MVP") or row.access in ("call", "return", "jump", "branch"):
            return None
        operand, mapper = node.instruction.operand, context.program.mapper
        if field == "db" and row.mode == "absolute" and row.access in _DATA:
            one, two = (region(value << 16 | operand, mapper) for value in values)
            return address if one != two else None
        if field == "d" and row.mode.startswith("direct"):
            return address
        if len(node.successors) != 1:
            return None
        address = node.successors[0].target
    return None


def _crossing(context: Context) -> Iterator[Finding]:
    """Report data that runs over the end of a bank."""
    starts = {block.address: block for block in context.program.blocks}
    for block in context.program.blocks:
        end = block.address + len(block.data)
        if end & 0xFFFF:
            continue
        last = context.source.at(end - 1)
        behind = next((at for at in (end | 0x8000, end) if at in starts), None)
        if last is None or last.kind != "data" or behind is None or behind in context.source.by_address:
            continue
        yield context.at_command(
            "data-crosses-bank",
            last,
            f"this data runs over the end of bank ${block.address >> 16:02X} and goes on at ${behind:06X}",
            fix="begin it in the next bank, or split it",
        )
