"""Rules over calls, returns, branches, and where code runs to."""

from collections.abc import Iterator

from knowledge.m65816.flow import Exit, Node, Routine
from knowledge.m65816.flow_state import RETURN_ADDRESS
from knowledge.m65816.instruction import decode
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import ENDS
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.source import Command, number

__all__ = ["call_rules"]

_LEFT = "rti takes P as well as an address"
_WRONG = {
    ("JSR", "rtl"): ("jsr-to-rtl", "rtl takes three bytes where jsr pushed two", "use jsl, or end it with rts"),
    ("JSL", "rts"): ("jsl-to-rts", "rts takes two of the three bytes that jsl pushed", "use jsr, or end it with rtl"),
    ("JSR", "rti"): ("rti-in-subroutine", _LEFT, "end it with rts"),
    ("JSL", "rti"): ("rti-in-subroutine", _LEFT, "end it with rtl"),
}
_SKIPS = frozenset((0x24, 0x2C, 0x34, 0x3C, 0x89, 0xC0, 0xC9, 0xCC, 0xCD, 0xE0, 0xEC))
"""Opcodes that old code puts before an instruction to skip it: BIT and compares."""
_HOOK = 16
"""Bytes of a block that is taken for a hook, behind which the ROM goes on."""


def call_rules(context: Context) -> Iterator[Finding]:
    """Find calls and returns that do not belong together, and ways out of the code."""
    for routine in context.sound_routines.values():
        yield from _callers(context, routine)
        for each in routine.exits:
            if each.kind == "end":
                yield from _end(context, routine, each)
    for address, node in context.nodes.items():
        if node.instruction.target is not None and address not in context.misled and not context.ghost(address):
            yield from _target(context, address, node, node.instruction.target)
    if context.source.commands:
        yield from _by_hand(context)
    else:
        yield from _overlaps(context)


def _callers(context: Context, routine: Routine) -> Iterator[Finding]:
    for caller in routine.callers:
        node = context.sound_nodes.get(caller)
        if node is None:
            continue
        stack = node.state.stack
        if stack is None or (stack and stack[-1].kind in ("PB", "P", "value")):
            continue
        for each in routine.exits:
            wrong = _WRONG.get((node.instruction.opcode.mnemonic, each.kind))
            if wrong is None or each.state.stack != () or each.state.touched & RETURN_ADDRESS:
                continue
            name, why, fix = wrong
            yield context.at_address(
                name,
                caller,
                f"{context.label(routine.address)} is called with {node.instruction.opcode.mnemonic.lower()} and "
                f"returns with {each.kind}: {why}",
                path=[
                    context.step(routine.address, f"{context.label(routine.address)} begins"),
                    context.step(each.address, f"returns with {each.kind}"),
                ],
                fix=fix,
            )
            break


def _end(context: Context, routine: Routine, each: Exit) -> Iterator[Finding]:
    node = context.nodes[each.address]
    behind = node.instruction.next
    if node.instruction.opcode.access == "call" and not _comes_back(context, node):
        return
    data = context.source.at(behind)
    if data is not None and data.kind == "data":
        if _surely_data(context, data):
            yield context.at_address(
                "runs-into-data",
                each.address,
                f"control goes on behind this into the data at {context.label(behind)}",
                path=[context.step(behind, f"{data.text[:60]}: run as code")],
                fix="end the code with rts, rtl or a jump, or move the data",
            )
        return
    if context.program.rom or context.options.original or context.program.byte(behind) is not None:
        return
    if not routine.callers and not _named(context, routine):
        return
    yield context.at_address(
        "runs-off-the-end",
        each.address,
        f"{context.label(routine.address)} runs past its last instruction into bytes that are not part of the program",
        path=[context.step(routine.address, f"{context.label(routine.address)} begins")],
        fix="end it with rts (called with jsr), rtl (called with jsl) or a jump",
    )


def _named(context: Context, routine: Routine) -> bool:
    """Tell whether a label begins the routine, and it is no hook."""
    if routine.address not in context.source.named:
        return False
    blocks = context.program.blocks
    block = next((each for each in blocks if each.address <= routine.address < each.address + len(each.data)), None)
    return block is not None and not (len(blocks) > 1 and len(block.data) <= _HOOK)


def _comes_back(context: Context, node: Node) -> bool:
    """Tell whether a call surely returns behind itself: its routine is known and leaves its return address alone."""
    routine = context.flow.routines.get(node.instruction.target or -1)
    if routine is None:
        return False
    names = {context.nodes[address].instruction.opcode.mnemonic for address in routine.nodes}
    modes = {context.nodes[address].instruction.opcode.mode for address in routine.nodes}
    if names & {"TSX", "TSC", "TCS", "TXS"} or any(mode.startswith("stack_relative") for mode in modes):
        return False
    plain = [each for each in routine.exits if each.kind in ("rts", "rtl")]
    return bool(plain) and not any(each.state.touched & RETURN_ADDRESS for each in routine.exits)


def _surely_data(context: Context, data: Command) -> bool:
    """Tell data from instructions that were written as bytes: it has a label, or is no list of single bytes."""
    if data.name != "db":
        return data.name not in ("fill", "fillbyte", "pad", "ds")
    return data.address in context.source.named or '"' in data.text


def _target(context: Context, address: int, node: Node, target: int) -> Iterator[Finding]:
    row = node.instruction.opcode
    command = context.source.by_address.get(address)
    written = number(command.operand) if command is not None else None
    if row.mode == "relative" and written is None:
        distance = (node.instruction.operand ^ 0x80) - 0x80
        if not 0 <= (node.instruction.next & 0xFFFF) + distance <= 0xFFFF:
            yield context.at_address(
                "branch-wraps-bank",
                address,
                f"this branch leaves its bank at one end and comes in at the other, at ${target:06X}",
                fix="keep the branch and its target in one bank, or jump with jml",
            )
    at = context.source.at(target)
    if at is None or (row.access == "branch" and written is not None):
        return
    if at.kind == "data" and (at.address in context.source.named or at.name != "db"):
        yield context.at_address(
            "jump-into-data",
            address,
            f"this goes to {context.label(target)}, which is data",
            path=[context.step(target, f"{at.text[:60]}: run as code")],
            fix="name the code that is meant; a table of addresses is read with jmp (table,x) or jsr (table,x)",
        )
    else:
        yield from _into_middle(context, address, target)


def _into_middle(context: Context, address: int, target: int) -> Iterator[Finding]:
    """Report a target within an instruction of the text, but for one that is there to be skipped."""
    at = context.source.at(target)
    if at is None or at.kind != "code" or not context.ghost(target):
        return
    if context.program.byte(at.address) in _SKIPS:
        return
    yield context.at_address(
        "jump-into-instruction",
        address,
        f"this goes to ${target:06X}, into the middle of {at.text[:60]}",
        path=[context.step(at.address, f"{at.text[:60]} begins here")],
        fix="put a label at the instruction that is meant",
    )


def _by_hand(context: Context) -> Iterator[Finding]:
    """Report a branch or jump that was written as bytes, between instructions, and goes into the middle of another."""
    program, source = context.program, context.source
    before: Command | None = None
    for command in sorted(source.by_address.values(), key=lambda each: each.address):
        last, before = before, command
        if command.name != "db" or command.address in source.named or last is None or not _runs_on(last, command):
            continue
        data = bytes(program.byte(command.address + place) or 0 for place in range(4))
        made = decode(data, command.address, m=1, x=1)
        if made.target is None or made.opcode.access not in ("branch", "jump", "call"):
            continue
        if made.size > 1 and source.begins(made.next) and made.next in source.by_address:
            yield from _into_middle(context, command.address, made.target)


def _runs_on(last: Command, command: Command) -> bool:
    """Tell whether control surely comes from one command to the next; bytes behind a call may be for who is called."""
    if last.kind != "code" or last.address + last.size != command.address:
        return False
    return last.name not in ENDS and last.name not in ("jsr", "jsl", "brk", "cop", "wdm", "per")


def _overlaps(context: Context) -> Iterator[Finding]:
    """Report, without source, an instruction that begins inside another one that runs too."""
    for conflict in context.flow.conflicts:
        first, second = conflict.first, conflict.second
        if first.address == second.address or first.opcode.code in _SKIPS:
            continue
        source = next((place for place in reversed(conflict.second_way.path[:-1]) if place in context.nodes), -1)
        if source in context.astray or source < 0 or conflict.first.address in context.astray:
            continue
        yield context.at_address(
            "jump-into-instruction",
            source,
            f"this goes to ${second.address:06X}, into the middle of the instruction at ${first.address:06X}",
            path=[context.step(first.address, "the instruction around it runs too")],
            fix="put a label at the instruction that is meant",
        )
