"""Where a state comes from: the instruction that last set M, X, E, D or DB on the way to a place, told as a step."""

from collections.abc import Iterator

from knowledge.m65816.flow import Node, Routine, Way
from knowledge.m65816.flow_state import TOUCHED, State
from knowledge.m65816.flow_step import step
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Step

__all__ = ["WIDE", "after", "local_origin", "origin", "origins", "regained", "relies", "sets"]

WIDE = {
    ("m", 0): "16-bit A (M = 0)",
    ("m", 1): "8-bit A (M = 1)",
    ("x", 0): "16-bit X and Y (X = 0)",
    ("x", 1): "8-bit X and Y (X = 1)",
}
"""Widths in words."""
_MASK = {"m": 0x20, "x": 0x10}
_FARTHEST = 2_000
_MOST_CALLERS = 64
_NEAR = 256
_SAVED = {"d": "D", "db": "DB"}
_PUSHES = ("PHB", "PHD", "PEI")
_BANKED = frozenset(
    (
        "absolute", "absolute_x", "absolute_y", "direct_indirect", "direct_x_indirect", "direct_indirect_y",
        "stack_relative_indirect_y",
    )
)  # fmt: skip
"""Modes that take the bank of their data from DB."""


def sets(node: Node, field: str) -> bool:
    """Tell whether an instruction sets M, X, E, D or DB (`m`, `x`, `e`, `d`, `db`), a call left out."""
    name = node.instruction.opcode.mnemonic
    if field in _MASK:
        return name in ("PLP", "XCE") or (name in ("REP", "SEP") and bool(node.instruction.operand & _MASK[field]))
    return name in {"e": ("XCE",), "d": ("TCD", "PLD"), "db": ("PLB", "MVN", "MVP")}[field]


def _back(context: Context, address: int, field: str) -> Iterator[int]:
    """Give the nearest instructions that set a field, going back; entries too, where they do not set it."""
    entries = {entry.address for entry in context.flow.entries}
    work, seen = [address], {address}
    while work and len(seen) < _FARTHEST:
        at = work.pop(0)
        node = context.nodes[at]
        sources = [source for source in node.predecessors if source in context.nodes]
        if at in entries or not sources:
            yield at
        for source in sources:
            if source in seen:
                continue
            seen.add(source)
            if sets(context.nodes[source], field):
                yield source
            else:
                work += _inside(context, source, field) or [source]


def _inside(context: Context, call: int, field: str) -> list[int]:
    """Return the exits of the routine that a call calls, when it may change a field."""
    instruction = context.nodes[call].instruction
    routine = context.flow.routines.get(instruction.target or -1) if instruction.opcode.access == "call" else None
    bit = TOUCHED[{"d": "D", "db": "DB"}.get(field, field)]
    if routine is None or not any(each.state.touched & bit for each in routine.exits):
        return []
    return [each.address for each in routine.exits if each.kind in ("rts", "rtl") and each.address in context.nodes]


def origin(context: Context, address: int, field: str) -> Step:
    """Return the nearest place where a field gets its value, as a step; the place itself when there is none."""
    state = context.nodes[address].state
    value = getattr(state, field)
    said = WIDE.get((field, value)) or f"{field.upper()} = {'unknown' if value is None else f'${value:02X}'}"
    for place in _back(context, address, field):
        node = context.nodes[place]
        if sets(node, field):
            return context.step(place, f"{said} from {context.shown(place)}")
        return context.step(place, f"{said} at the entry")
    return context.step(address, said)


def origins(context: Context, address: int, field: str, value: int) -> list[Step]:
    """Return one place that sets a field to a value, as a step, for a finding about a place where it may differ."""
    for place in _back(context, address, field):
        node = context.nodes[place]
        if not sets(node, field):
            if getattr(node.state, field) == value:
                return [context.step(place, f"{WIDE[field, value]} at the entry")]
        elif getattr(step(node.state, node.instruction), field) == value:
            return [context.step(place, f"{WIDE[field, value]} from {context.shown(place)}")]
    return [context.step(address, WIDE[field, value])]


def local_origin(context: Context, address: int, field: str) -> Step | None:
    """Return where a field was set when that is in the same straight stretch of code; else None."""
    seen: set[int] = set()
    while address not in seen and address not in context.flow.routines:
        seen.add(address)
        sources = context.nodes[address].predecessors
        if len(sources) != 1 or sources[0] not in context.nodes:
            return None
        address = sources[0]
        node = context.nodes[address]
        if node.instruction.opcode.mnemonic == "XCE":
            return None
        if sets(node, field):
            return context.step(address, f"set by {context.shown(address)}")
        if node.instruction.opcode.access in ("call", "jump", "return"):
            return None
    return None


def after(context: Context, way: Way) -> State:
    """Return the state at the end of a way: what its last instruction before the join left."""
    if len(way.path) < 2 or way.path[-2] not in context.nodes:
        return way.state
    instruction = context.nodes[way.path[-2]].instruction
    return way.state if instruction.opcode.access in ("call", "jump", "branch") else step(way.state, instruction)


def relies(context: Context, call: int, field: str) -> bool:
    """Tell whether the code behind a call uses data in the width of M or X before it sets it.

    False as well when an immediate there has the width that the call left, since its author knew of it.
    """
    address, used = context.nodes[call].instruction.next, False
    for _ in range(64):
        node = context.nodes.get(address)
        if node is None or address in context.flow.routines:
            return used
        row = node.instruction.opcode
        if sets(node, field) or row.mnemonic == "PHP":
            return used
        if row.mode in ("immediate_m", "immediate_x") and row.width == field:
            return False
        used = used or (row.width == field and row.access in ("read", "write", "modify", "push", "pull"))
        if len(node.successors) != 1 or row.access in ("call", "return", "jump"):
            return used
        address = node.successors[0].target
    return used


def regained(context: Context, routine: Routine, field: str) -> bool:
    """Tell whether no caller of a routine needs the D or DB (`d`, `db`) that it leaves; False without callers.

    A caller does not that saved its own, or that sets another one before it uses it. Where the flow knows what the
    routine was entered with, only what stands behind the call counts.
    """
    known = getattr(routine.entry, field) is not None
    calls = [address for address in routine.callers[:_MOST_CALLERS] if address in context.nodes]
    return bool(calls) and all(
        not _uses(context, call, field) or (not known and _keeps(context, call, field)) for call in calls
    )


def _keeps(context: Context, call: int, field: str) -> bool:
    """Tell whether the caller saved D or DB before a call, or has it back at all its returns."""
    node, kind = context.nodes[call], _SAVED[field]
    if node.state.stack is not None and any(item.kind == kind for item in node.state.stack):
        return True
    routines = [
        context.flow.routines[entry] for entry in node.routines[:_MOST_CALLERS] if entry in context.flow.routines
    ]
    exits = [each.state for routine in routines for each in routine.exits if each.kind in ("rts", "rtl", "rti")]
    return bool(exits) and not any(state.touched & TOUCHED[kind] for state in exits)


def _uses(context: Context, call: int, field: str) -> bool:
    """Tell whether D or DB may be used behind a call before it is set: by an access, a call, or whoever comes next."""
    work, seen = [context.nodes[call].instruction.next], set[int]()
    while work:
        address = work.pop()
        if address in seen:
            continue
        seen.add(address)
        node = context.nodes.get(address)
        if node is None or len(seen) > _NEAR:
            return True
        if sets(node, field):
            continue
        row = node.instruction.opcode
        if row.access in ("call", "return") or not node.successors or row.mnemonic in _PUSHES:
            return True
        if row.access != "jump" and (row.mode in _BANKED if field == "db" else row.mode.startswith("direct")):
            return True
        work += [edge.target for edge in node.successors]
    return False
