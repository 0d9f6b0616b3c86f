"""Suggestions: the same work in fewer cycles or bytes, each with what it saves; only where nothing else can notice."""

from collections.abc import Iterator

from knowledge.m65816.flow import Node
from knowledge.m65816.flow_state import RETURN_ADDRESS
from knowledge.m65816.lint.access import access, effect, register, system_bank
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding, Gain
from knowledge.m65816.lint.rules_unused import straight

__all__ = ["dead_behind", "gain_rules"]

_ZEROABLE = frozenset(("direct", "direct_x", "absolute", "absolute_x"))
_INCREASABLE = frozenset(("direct", "direct_x", "absolute", "absolute_x"))
_FARTHEST = 40
_FLAGS = {"CLC": ("c", 0), "SEC": ("c", 1), "CLD": ("d", 0), "SED": ("d", 1), "CLV": ("v", 0)}
_COMPARED = {"CMP": "A", "CPX": "X", "CPY": "Y"}


def gain_rules(context: Context) -> Iterator[Finding]:
    """Find shorter ways to do the same."""
    for address, node in context.sound_nodes.items():
        name = node.instruction.opcode.mnemonic
        if name in ("LDA", "LDX", "LDY"):
            yield from _zero(context, address, node)
        elif name in ("CLC", "SEC", "CLD", "SED", "CLV"):
            yield from _one_more(context, address, node)
            yield from _flag_known(context, address, node)
        elif name in _COMPARED:
            yield from _needless_compare(context, address, node)
        elif name in ("JSR", "JSL"):
            yield from _tail_call(context, address, node)
        elif name in ("REP", "SEP"):
            yield from _merge(context, address, node)
        elif name == "JMP" and node.instruction.opcode.mode == "absolute":
            yield from _short_jump(context, address, node)
        yield from _shorter_address(context, address, node)


def dead_behind(context: Context, address: int, names: frozenset[str]) -> bool:
    """Tell whether registers and flags are surely overwritten before they are read, behind an instruction."""
    work = [(edge.target, names) for edge in context.nodes[address].successors]
    if not work:
        return False
    seen: set[tuple[int, frozenset[str]]] = set()
    while work:
        place, left = work.pop()
        if (place, left) in seen:
            continue
        seen.add((place, left))
        node = context.nodes.get(place)
        found = effect(node) if node is not None else None
        if node is None or found is None or len(seen) > _FARTHEST:
            return False
        row = node.instruction.opcode
        if row.access in ("call", "return", "move") or row.mnemonic in ("BRK", "COP", "STP", "WAI"):
            return False
        if found.reads & left or not node.successors:
            return False
        left = left - found.writes
        if left:
            work += [(edge.target, left) for edge in node.successors]
    return True


def _zero(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """LDA #0, one or more STA, and A is not used again: STZ."""
    instruction, state = node.instruction, node.state
    row = instruction.opcode
    if row.mnemonic != "LDA" or row.mode != "immediate_m" or instruction.operand != 0 or state.m is None:
        return
    last, count = address, 0
    for place, after in straight(context, address):
        each = after.instruction.opcode
        if each.mnemonic != "STA" or each.mode not in _ZEROABLE:
            break
        last, count = place, count + 1
    accumulator = frozenset(("A", "n", "z") if state.m else ("A", "B", "n", "z"))
    if count and dead_behind(context, last, accumulator):
        yield context.at_address(
            "use-stz",
            address,
            f"A is 0 only for the store{'s' if count > 1 else ''} behind this",
            fix="write stz for sta, and remove this lda",
            gain=Gain(3 - state.m, 3 - state.m),
        )


def _one_more(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """CLC, ADC #1 or SEC, SBC #1 with C and V not used again: INC or DEC."""
    name, state = node.instruction.opcode.mnemonic, node.state
    wanted = {"CLC": "ADC", "SEC": "SBC"}.get(name)
    following = next(iter(straight(context, address)), None)
    if wanted is None or following is None or state.m is None or context.decimal:
        return
    place, after = following
    row = after.instruction.opcode
    if row.mnemonic != wanted or row.mode != "immediate_m" or after.instruction.operand != 1:
        return
    if dead_behind(context, place, frozenset("cv")):
        short = "inc a" if wanted == "ADC" else "dec a"
        yield context.at_address(
            "use-inc",
            address,
            f"{name.lower()} and {wanted.lower()} #1 where neither carry nor overflow is used",
            fix=f"write {short} for both",
            gain=Gain(3 - state.m, 3 - state.m + 1),
        )


def _flag_known(context: Context, address: int, node: Node) -> Iterator[Finding]:
    flag, value = _FLAGS[node.instruction.opcode.mnemonic]
    if len(node.predecessors) != 1 or node.state.flag(flag) != value or address in context.flow.routines:
        return
    before, behind = context.nodes.get(node.predecessors[0]), context.nodes.get(node.instruction.next)
    if before is None or before.instruction.opcode.access in ("call", "branch") or len(node.states) != 1:
        return
    if behind is not None and behind.instruction.opcode.mnemonic == "XCE":
        return
    yield context.at_address(
        "flag-already-set",
        address,
        f"{flag.upper()} is {value} here already",
        fix="remove it",
        gain=Gain(2, 1),
    )


def _needless_compare(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """CMP #0 behind an instruction that set N and Z by the same register."""
    instruction = node.instruction
    row = instruction.opcode
    if not row.mode.startswith("immediate") or instruction.operand != 0 or len(set(node.predecessors)) != 1:
        return
    before = context.nodes.get(node.predecessors[0])
    name = _COMPARED[row.mnemonic]
    found = effect(before) if before is not None else None
    if before is None or found is None or address in context.flow.routines or effect(node) is None:
        return
    past = before.instruction.opcode
    sets = "n" in found.writes and "z" in found.writes and name in found.writes and past.access != "call"
    if not sets or past.mnemonic in (
        "XBA",
        "TCD",
        "PLP",
        "SEP",
        "REP",
        "MVN",
        "MVP",
        "RTI",
        "TAX",
        "TAY",
        "TDC",
        "TSC",
    ):
        return
    if dead_behind(context, address, frozenset("c")):
        yield context.at_address(
            "needless-compare",
            address,
            f"{context.shown(before.instruction.address)} has set N and Z by {name} already",
            fix="remove it",
            gain=Gain(row.cycles + instruction.size - 2, instruction.size),
        )


def _tail_call(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """JSR and RTS, or JSL and RTL, one behind the other: a jump."""
    row = node.instruction.opcode
    wanted = "RTS" if row.mnemonic == "JSR" else "RTL"
    behind = context.nodes.get(node.instruction.next)
    routine = context.flow.routines.get(node.instruction.target or -1)
    if behind is None or behind.instruction.opcode.mnemonic != wanted or routine is None or node.state.stack != ():
        return
    if any(each.state.touched & RETURN_ADDRESS or each.kind not in ("rts", "rtl") for each in routine.exits):
        return
    alone = set(behind.predecessors) == {address}
    jump = "jmp" if row.mnemonic == "JSR" else "jml"
    yield context.at_address(
        "tail-call",
        address,
        f"a call right before {wanted.lower()}",
        fix=f"write {jump} {context.label(routine.address)}" + (f", and remove the {wanted.lower()}" if alone else ""),
        gain=Gain(9 if row.mnemonic == "JSR" else 10, 1 if alone else 0),
    )


def _merge(context: Context, address: int, node: Node) -> Iterator[Finding]:
    following = next(iter(straight(context, address)), None)
    if following is None:
        return
    _, after = following
    name = node.instruction.opcode.mnemonic
    both = node.instruction.operand | after.instruction.operand
    if after.instruction.opcode.mnemonic == name and both not in (node.instruction.operand, after.instruction.operand):
        yield context.at_address(
            "merge-width-changes",
            address,
            f"two {name.lower()} one behind the other",
            fix=f"write {name.lower()} #${both:02X} for both",
            gain=Gain(3, 2),
        )


def _short_jump(context: Context, address: int, node: Node) -> Iterator[Finding]:
    target = node.instruction.target
    if target is not None and target in context.nodes and -0x80 <= target - (address + 2) <= 0x7F:
        yield context.at_address("use-bra", address, "the target of this jmp is near", fix="write bra", gain=Gain(0, 1))


def _shorter_address(context: Context, address: int, node: Node) -> Iterator[Finding]:
    """An address of 16 or 24 bits that the direct page or the data bank shows as well."""
    row, state = node.instruction.opcode, node.state
    if row.mode not in ("absolute", "absolute_long") or row.access not in ("read", "write", "modify"):
        return
    found = access(node)
    if found is None or not found.banked or register(node) is not None:
        return
    place, bank = found.address & 0xFFFF, found.address >> 16
    low = place if system_bank(bank) or bank == 0x7E else 0x10000
    if low < 0x2000 and state.d is not None and not state.d & 0xFF and 0 <= low - state.d < 0x100 - (found.size or 2):
        yield context.at_address(
            "shorter-address",
            address,
            f"this is in the direct page (D = ${state.d:04X})",
            fix=f"write .b ${low - state.d:02X}",
            gain=Gain(2 if row.mode == "absolute_long" else 1, node.instruction.size - 2),
        )
    elif row.mode == "absolute_long" and state.db is not None:
        near = bank == state.db or (low < 0x2000 and system_bank(state.db))
        if near and found.address & 0xFFFF != 0xFFFF:
            yield context.at_address(
                "shorter-address",
                address,
                f"the data bank is ${state.db:02X}, which shows this too",
                fix=f"write .w ${place:04X}",
                gain=Gain(1, 1),
            )
