"""Rules over what has no use: values that nobody reads, labels that nobody names, code that nothing reaches."""

import re
from collections.abc import Iterator
from dataclasses import replace

from knowledge.m65816.flow import Node
from knowledge.m65816.lint.access import access, effect, register, system_bank, width
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import ENDS
from knowledge.m65816.lint.finding import Finding, Gain
from knowledge.m65816.lint.source import plain

__all__ = ["unused_rules"]

_LOADS = frozenset(("LDA", "LDX", "LDY", "TXA", "TYA", "TAX", "TAY", "TXY", "TYX"))
_WORD = re.compile(r"[A-Za-z_]\w*")
_FAR = 48
_INDIRECT = ("indirect", "stack_relative")


def unused_rules(context: Context) -> Iterator[Finding]:
    """Find work and text that make no difference."""
    for address, node in context.sound_nodes.items():
        name = node.instruction.opcode.mnemonic
        if name in _LOADS:
            yield from _dead_load(context, address, node)
        elif name in ("STA", "STX", "STY", "STZ"):
            yield from _dead_store(context, address, node)
    yield from _unreachable(context)
    yield from _labels(context)


def straight(context: Context, address: int) -> Iterator[tuple[int, Node]]:
    """Give the instructions that surely run after one, as long as nothing else can lead to them."""
    for _ in range(_FAR):
        node = context.nodes[address]
        if len(node.successors) != 1 or node.successors[0].kind != "next":
            return
        address = node.successors[0].target
        following = context.nodes.get(address)
        if following is None or len(set(following.predecessors)) != 1 or address in context.flow.routines:
            return
        yield address, following


def _quiet(node: Node) -> bool:
    """Tell whether reading the operand is certain to do nothing else than read."""
    row = node.instruction.opcode
    if row.access != "read" or row.mode.startswith("immediate"):
        return True
    if row.mode in ("direct", "direct_x", "direct_y"):
        return node.state.d is None or node.state.d < 0x2000
    if row.mode not in ("absolute", "absolute_long"):
        return False
    found = access(node)
    return found is not None and not 0x2000 <= found.address & 0xFFFF < 0x8000 and register(node) is None


def _dead_load(context: Context, address: int, node: Node) -> Iterator[Finding]:
    made = effect(node)
    if made is None or not _quiet(node):
        return
    pending = made.may_write
    for place, after in straight(context, address):
        row, found = after.instruction.opcode, effect(after)
        if found is None or row.access in ("call", "return", "jump", "branch", "move"):
            return
        if found.reads & pending or row.mnemonic in ("BRK", "COP", "WAI", "STP", "XCE", "REP", "SEP"):
            return
        pending = pending - found.writes
        if not pending:
            yield context.at_address(
                "dead-load",
                address,
                "nothing reads what this loads before it is overwritten",
                path=[context.step(place, f"{context.shown(place)}: overwrites it")],
                fix="remove it",
                gain=Gain(node.instruction.opcode.cycles, node.instruction.size),
            )
            return


def _dead_store(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """Report a store to RAM that the next store to the same place makes useless, with no read of memory between."""
    found = access(node)
    size = width(node.instruction, node.state)
    if size is None or not _ram(node):
        return
    same = node.instruction.operand, node.instruction.opcode.mode
    for place, after in straight(context, address):
        row = after.instruction.opcode
        if row.access in ("call", "return", "jump", "branch", "move", "modify") or row.mnemonic in (
            "WAI",
            "STP",
            "CLI",
        ):
            return
        if row.mnemonic in ("TCD", "PLD", "PLB", "TCS", "TXS") or any(word in row.mode for word in _INDIRECT):
            return
        if row.access == "read" and not row.mode.startswith("immediate") and not _apart(node, after):
            return
        if row.access == "push" and row.mnemonic == "PEI":
            return
        here = width(after.instruction, after.state)
        hit = (after.instruction.operand, row.mode) == same and access(after) == found
        if row.access == "write" and hit and here == size:
            yield context.at_address(
                "dead-store",
                address,
                "nothing reads this before the same place is written again",
                path=[context.step(place, f"{context.shown(place)}: overwrites it")],
                fix="remove one of the two",
                gain=Gain(node.instruction.opcode.cycles, node.instruction.size),
            )
            return
        if row.access == "write" and register(after) is not None:
            return


def _apart(store: Node, read: Node) -> bool:
    """Tell whether a read surely takes other bytes than a store writes, where neither D nor DB changes between.

    Both are direct, or both addresses are known and in RAM.
    """
    one, two = store.instruction, read.instruction
    if not _ram(read):
        return False
    if one.opcode.mode == two.opcode.mode == "direct":
        first, second = one.operand, two.operand
    else:
        here, there = access(store), access(read)
        if here is None or there is None or not (here.banked and there.banked):
            return False
        first, second = _cell(here.address), _cell(there.address)
    return first + (width(one, store.state) or 2) <= second or second + (width(two, read.state) or 2) <= first


def _cell(address: int) -> int:
    """Return an address of RAM by its place in $7E and $7F."""
    return 0x7E0000 | address if system_bank(address >> 16) else address


def _ram(node: Node) -> bool:
    row = node.instruction.opcode
    if row.mode == "direct":
        return node.state.d is None or node.state.d < 0x2000
    found = access(node)
    if found is None or row.mode not in ("absolute", "absolute_long"):
        return False
    if found.banked and found.address >> 16 in (0x7E, 0x7F):
        return True
    return found.address & 0xFFFF < 0x2000


def _unreachable(context: Context) -> Iterator[Finding]:
    labelled = {label.address for label in context.source.labels} | set(context.source.listing.labels.values())
    labelled |= context.source.origins
    before = None
    dead = False
    for command in sorted(context.source.by_address.values(), key=lambda each: each.address):
        joined = before is not None and before.address + before.size == command.address
        if command.kind != "code" or command.address in labelled or command.address in context.nodes or not joined:
            dead = False
        elif not dead and before is not None and before.kind == "code" and before.name in ENDS:
            dead = True
            if command.name != "nop" and before.address in context.nodes and not _offsets(context):
                yield context.at_command(
                    "unreachable-code",
                    command,
                    f"nothing leads here: {before.text[:60]} stands before it, and it has no label",
                    path=[context.step(before.address, f"{before.text[:60]}: control never goes on behind it")],
                    fix="remove it, or give it a label and a way that leads to it",
                )
        before = command
    if context.options.closed:
        for address in sorted(context.guessed):
            yield context.at_address(
                "unreachable-code",
                address,
                f"none of the entries leads to {context.label(address)}",
                fix="remove it, or name it as an entry",
            )


def _offsets(context: Context) -> bool:
    """Tell whether a jump, branch or table of the text goes to an offset from a label, which may be anything."""
    return any(
        command.name in ("jmp", "jml", "bra", "brl", "jsr", "jsl", "dw", "dl", "pea", "per")
        and re.search(r"\w\s*\+\s*(\$|\d)|[*]", command.operand)
        for command in context.source.commands
    )


def _labels(context: Context) -> Iterator[Finding]:
    """Report labels that the text never names: sublabels, and with `closed` all others too."""
    source = context.source
    if not source.labels or any(command.name in ("namespace", "incsrc", "macro") for command in source.commands):
        return
    counts: dict[str, int] = {}
    for line in {(line.file, line.line): line.text for line in source.listing.lines}.values():
        for word in _WORD.findall(plain(line)):
            counts[word] = counts.get(word, 0) + 1
    for label in source.labels:
        bare = label.name.strip("#?.+-:")
        sub = label.name.lstrip("#?").startswith(".")
        if not bare or not (sub or context.options.closed) or label.name.startswith(("#", "?")):
            continue
        used = counts.get(bare, 0) > 1 or any(word != bare and word.endswith(f"_{bare}") for word in counts)
        entry = label.address in context.flow.routines and not sub and label.address not in context.guessed
        if used or entry or label.address < 0:
            continue
        command = source.by_address.get(label.address)
        if command is None:
            continue
        found = context.at_command(
            "unused-label", command, f"nothing names the label {label.name}", fix="remove the label"
        )
        yield replace(found, file=label.file, line=label.line, source=label.name)
