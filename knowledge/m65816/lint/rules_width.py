"""Rules over M, X and E: immediates of the wrong width, REP and SEP that change nothing or are never undone."""

from collections.abc import Iterator

from knowledge.m65816.flow import Join, Node, Routine
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding, Gain, Step
from knowledge.m65816.lint.origins import WIDE, after, local_origin, origin, origins, relies

__all__ = ["width_rules"]

_BITS = {"m": 0x20, "x": 0x10}


def width_rules(context: Context) -> Iterator[Finding]:
    """Find where the widths that the CPU has are not those that the code was written for."""
    yield from _immediates(context)
    yield from _conflicts(context)
    for address, node in context.sound_nodes.items():
        if node.instruction.opcode.mnemonic in ("REP", "SEP"):
            yield from _change(context, address, node)
    for join in context.flow.joins:
        if join.field in ("m", "x"):
            yield from _join(context, join)
    for routine in context.sound_routines.values():
        yield from _returns(context, routine)


def _immediates(context: Context) -> Iterator[Finding]:
    """Compare the size that asar gave to each immediate with the one that the CPU takes."""
    for address, size in context.immediates.items():
        node = context.nodes[address]
        flag = "m" if node.instruction.opcode.mode == "immediate_m" else "x"
        for state in node.states:
            value = state.m if flag == "m" else state.x
            if value is None or 2 - value == size:
                continue
            asar, live = ("16", "8") if value else ("8", "16")
            register = "A" if flag == "m" else "X and Y"
            yield context.at_address(
                "immediate-width",
                address,
                f"asar wrote an immediate of {asar} bits, but here {register} has {live} bits: "
                + ("the CPU takes the second byte for an opcode" if value else "the CPU eats the next opcode"),
                path=origins(context, address, flag, value),
                fix=f"{'rep' if value else 'sep'} #${_BITS[flag]:02X} before it, or write .{'b' if value else 'w'}",
            )
            break


def _conflicts(context: Context) -> Iterator[Finding]:
    """Report bytes that two paths with different widths decode differently."""
    for conflict in context.flow.conflicts:
        first, second = conflict.first, conflict.second
        if first.address != second.address or context.ghost(first.address) or first.address in context.mismatched:
            continue
        flag = "m" if first.opcode.mode == "immediate_m" else "x"
        one, two = (getattr(way.state, flag) for way in (conflict.first_way, conflict.second_way))
        if one is None or two is None or one == two:
            continue
        yield context.at_address(
            "width-conflict",
            first.address,
            f"this is reached with {WIDE[flag, one]} and with {WIDE[flag, two]}, and its length depends on it",
            path=[
                *context.trail(conflict.first_way.path, WIDE[flag, one]),
                *context.trail(conflict.second_way.path, WIDE[flag, two]),
            ],
            fix=f"put rep #${_BITS[flag]:02X} or sep #${_BITS[flag]:02X} before it, where both paths have met",
        )


def _change(context: Context, address: int, node: Node) -> Iterator[Finding]:
    mask, state, name = node.instruction.operand, node.state, node.instruction.opcode.mnemonic
    if state.e == 1 and name == "REP" and mask & 0x30:
        yield context.at_address(
            "emulation-width",
            address,
            "in emulation mode M and X stay 1: this rep changes neither",
            path=[origin(context, address, "e")],
            fix="switch to native mode first: clc : xce",
        )
        return
    value = 1 if name == "SEP" else 0
    wanted = [flag for flag in "mx" if mask & _BITS[flag]]
    if not wanted or mask & ~0x30 or any(getattr(state, flag) != value for flag in wanted):
        return
    origins = [local_origin(context, address, flag) for flag in wanted]
    steps = [origin for origin in origins if origin is not None]
    if len(steps) != len(wanted):
        return
    shown = " and ".join(WIDE[flag, value] for flag in wanted)
    yield context.at_address(
        "redundant-width-change",
        address,
        f"{shown} already: this {name.lower()} changes nothing",
        path=list(dict.fromkeys(steps)),
        fix="remove it",
        gain=Gain(3, 2),
    )


def _join(context: Context, join: Join) -> Iterator[Finding]:
    """Report a join of two widths when an instruction runs with either."""
    if join.address in context.flow.routines or not context.clean([*join.first.path, *join.second.path, join.address]):
        return
    flag = join.field
    states = [way.state for way in (join.first, join.second)]
    one, two = (after(context, way) for way in (join.first, join.second))
    values = [getattr(state, flag) for state in (one, two)]
    if None in values or values[0] == values[1] or states[0].e != states[1].e:
        return
    user = _first_user(context, join.address, flag)
    if user is None or user in context.mismatched or user in context.conflicting:
        return
    yield context.at_address(
        "width-differs-at-join",
        user,
        f"two paths come here, one with {WIDE[flag, values[0]]}, one with {WIDE[flag, values[1]]}",
        path=[
            *context.trail(join.first.path, WIDE[flag, values[0]]),
            *context.trail(join.second.path, WIDE[flag, values[1]]),
        ],
        fix=f"set the width where the paths meet: rep #${_BITS[flag]:02X} or sep #${_BITS[flag]:02X}",
    )


def _first_user(context: Context, address: int, flag: str) -> int | None:
    """Return the first instruction on the straight way from a join whose data has the width of M or X.

    None when there is none before the width is set, control leaves, or the ways part.
    """
    for _ in range(64):
        node = context.nodes.get(address)
        if node is None:
            return None
        row = node.instruction.opcode
        if row.mnemonic in ("PHP", "PLP", "XCE", "WAI") or row.access in ("call", "return", "jump", "branch"):
            return None
        if row.mnemonic in ("REP", "SEP") and node.instruction.operand & _BITS[flag]:
            return None
        if row.width == flag and row.access in ("read", "write", "modify", "push", "pull"):
            return address
        if len(node.successors) != 1:
            return None
        address = node.successors[0].target
    return None


def _returns(context: Context, routine: Routine) -> Iterator[Finding]:
    exits = [each for each in routine.exits if each.kind in ("rts", "rtl")]
    for flag in "mx":
        values = {getattr(each.state, flag) for each in exits}
        if values == {0, 1}:
            yield from _differs(context, routine, flag)
        elif len(values) == 1 and None not in values and exits:
            yield from _not_restored(context, routine, flag, values.pop())


def _differs(context: Context, routine: Routine, flag: str) -> Iterator[Finding]:
    exits = [each for each in routine.exits if each.kind in ("rts", "rtl")]
    by_value = {getattr(each.state, flag): each for each in exits}
    if _carries_width(context, routine):
        return
    yield context.at_address(
        "width-differs-between-returns",
        by_value[0].address,
        f"{context.label(routine.address)} returns with {WIDE[flag, 0]} here, and with {WIDE[flag, 1]} elsewhere",
        path=[
            origin(context, by_value[0].address, flag),
            context.step(by_value[0].address, f"returns with {WIDE[flag, 0]}"),
            origin(context, by_value[1].address, flag),
            context.step(by_value[1].address, f"returns with {WIDE[flag, 1]}"),
        ],
        fix="bring both returns to the same width, or keep the caller's with php and plp",
    )


def _carries_width(context: Context, routine: Routine) -> bool:
    """Tell whether the routine is called in several widths, so that each return may belong to one of them."""
    states = context.nodes[routine.address].states if routine.address in context.nodes else ()
    return len({(state.m, state.x, state.e) for state in states}) > 1


def _not_restored(context: Context, routine: Routine, flag: str, left: int) -> Iterator[Finding]:
    """Report a routine whose every return leaves another width than it was entered with."""
    entered = getattr(routine.entry, flag)
    if entered is None or entered == left:
        return
    named = context.given and any(entry.address == routine.address for entry in context.flow.entries)
    misled = [caller for caller in routine.callers if relies(context, caller, flag)]
    if not misled and not (named and not routine.callers):
        return
    at = next(each.address for each in routine.exits if each.kind in ("rts", "rtl"))
    path: list[Step] = [context.step(routine.address, f"entered with {WIDE[flag, entered]}")]
    path.append(origin(context, at, flag))
    if misled:
        path.append(context.step(misled[0], "this caller goes on as if the width had not changed"))
    yield context.at_address(
        "width-not-restored",
        at,
        f"{context.label(routine.address)} is entered with {WIDE[flag, entered]} and returns with {WIDE[flag, left]}",
        path=path,
        fix=f"{'sep' if entered else 'rep'} #${_BITS[flag]:02X} before the return, or php first and plp last",
    )
