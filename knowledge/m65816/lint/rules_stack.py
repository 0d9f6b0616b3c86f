"""Rules over the stack: what is left on it at a return, pulls of another width or into another register, pairs."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from knowledge.m65816.flow import Exit, Join, Node, Routine
from knowledge.m65816.flow_state import RETURN_ADDRESS, TOUCHED, Pushed, State
from knowledge.m65816.lint.access import width
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding, Step
from knowledge.m65816.lint.origins import after, origin, regained

__all__ = ["depths", "stack_rules"]

_RETURNS = {"RTS": 2, "RTL": 3}
_FITS = {
    "PLB": frozenset(("DB", "PB", "A", "X", "Y", "value", "part", "return")),
    "PLD": frozenset(("D", "A", "X", "Y", "value", "part", "return")),
    "PLP": frozenset(("P", "A", "X", "Y", "value", "part", "return")),
}
_INTO = {"PLA": "A", "PLX": "X", "PLY": "Y", "PLB": "DB", "PLD": "D", "PLP": "P"}
_SAID = {"A": "A", "X": "X", "Y": "Y", "DB": "the data bank", "D": "D", "P": "P"}
_BACK = {"A": "pla", "X": "plx", "Y": "ply", "DB": "plb", "D": "pld", "P": "plp"}
_TOLD_PULLS = 3
_SPECIAL = ("DB", "D", "P")
_MOST_PULLS = 12
_MOST_DEPTHS = 12
_MOST_JOINS = 40
_TINY = 4


def stack_rules(context: Context) -> Iterator[Finding]:
    """Find returns that take something else for a return address, and pulls that get something else than was meant."""
    wrong: set[int] = set()
    for address, node in context.sound_nodes.items():
        name = node.instruction.opcode.mnemonic
        if name in _RETURNS or name == "RTI":
            yield from _at_return(context, address, node)
        elif node.instruction.opcode.access == "pull":
            for finding in _pull(context, address, node):
                if not wrong.intersection(node.routines):
                    yield finding
                wrong.update(node.routines)
    for routine in context.sound_routines.values():
        if routine.address not in wrong:
            yield from _torn(context, routine)
            yield from _piled(context, routine)
            swapped = list(_swapped(context, routine))
            yield from swapped
            if swapped:
                continue
        yield from _bank(context, routine)
    for join in [join for join in context.flow.joins if join.field == "stack"][:_MOST_JOINS]:
        yield from _join(context, join)


def _pushes(context: Context, stack: Sequence[Pushed]) -> list[Step]:
    return [context.step(item.origin, f"{context.shown(item.origin)}: pushed and not pulled") for item in stack[-3:]]


def _at_return(context: Context, address: int, node: Node) -> Iterator[Finding]:
    name = node.instruction.opcode.mnemonic
    for state in node.states:
        stack = state.stack
        if not stack or any(item.kind == "return" for item in stack):
            continue
        if _deliberate(stack, _RETURNS.get(name, 4 - (state.e or 0)), state):
            continue
        cut = [item for item in stack if item.kind == "part"]
        count = "" if state.depth is None else f"{state.depth} byte{'s' if state.depth != 1 else ''}"
        yield context.at_address(
            "stack-width" if cut else "stack-unbalanced",
            address,
            f"{count or 'something'} still on the stack at this {name.lower()}: it takes "
            f"{'a part of a 16-bit push' if cut else 'that'} for the return address",
            path=_pushes(context, stack),
            fix="pull in the width that was pushed" if cut else _missing_pulls(stack, name.lower()),
        )
        return


def _missing_pulls(stack: Sequence[Pushed], name: str) -> str:
    pulls = [_BACK[item.kind] for item in reversed(stack) if item.kind in _BACK]
    told = f": {', '.join(pulls)} before this {name}" if len(pulls) == len(stack) <= _TOLD_PULLS else ""
    return f"pull what was pushed, on every path to this return{told}"


def _deliberate(stack: Sequence[Pushed], size: int, state: State) -> bool:
    """Tell whether what lies on top can be an address that the code made for this return."""
    got = 0
    for item in reversed(stack):
        made = item.kind in ("value", "PB") or (item.kind == "A" and item.touched != 0)
        made = made or (item.kind in ("X", "Y") and item.size != 1 and item.touched != 0)
        made = made or (item.kind == "P" and size >= 3) or (item.kind in ("DB", "part") and size >= 3 and got == 2)
        if not made:
            return False
        if item.size is None:
            return True
        got += item.size
        if got >= size:
            return got == size
    return False


def _pull(context: Context, address: int, node: Node) -> Iterator[Finding]:
    name = node.instruction.opcode.mnemonic
    for state in node.states:
        stack, size = state.stack, width(node.instruction, state)
        if not stack or size is None or stack[-1].size is None:
            continue
        *rest_below, top = stack
        if name in _FITS and top.kind not in _FITS[name]:
            yield context.at_address(
                "pull-order",
                address,
                f"{name.lower()} pulls what {context.shown(top.origin)} pushed",
                path=[context.step(top.origin, f"{context.shown(top.origin)} is on top here")],
                fix="pull in the opposite order of the pushes",
            )
            return
        under = rest_below[-1] if rest_below else None
        below = under.size if under is not None else 0
        if size == 2 and top.size == 1 and below in (0, 2) and top.kind != "return":
            rest = f"half of what {context.shown(under.origin)} pushed" if under else "the return address"
            yield context.at_address(
                "stack-width",
                address,
                f"{name.lower()} pulls 16 bits where 8 were pushed: it takes {rest} as well",
                path=[
                    context.step(top.origin, f"{context.shown(top.origin)} pushed 8 bits"),
                    *_width_step(context, address, node),
                ],
                fix="push and pull in the same width: set M or X to what it was at the push",
            )
            return


def _width_step(context: Context, address: int, node: Node) -> list[Step]:
    flag = node.instruction.opcode.width
    return [origin(context, address, flag)] if flag in ("m", "x") else []


def depths(context: Context, start: int, depth: int = 0) -> dict[int, set[int]] | None:
    """Return the depths of the stack, in bytes, at each return that is reached from an address.

    None when a width is unknown, S is loaded, or a loop pushes without end. Calls count as balanced.
    """
    seen: dict[int, set[int]] = {}
    found: dict[int, set[int]] = {}
    work = [(start, depth)]
    while work:
        address, level = work.pop()
        node = context.nodes.get(address)
        if node is None:
            continue
        levels = seen.setdefault(address, set())
        if level in levels:
            continue
        levels.add(level)
        row = node.instruction.opcode
        if len(levels) > _MOST_DEPTHS or row.mnemonic in ("TXS", "TCS"):
            return None
        if row.access == "return":
            found.setdefault(address, set()).add(level)
            continue
        if row.access in ("push", "pull"):
            size = width(node.instruction, node.state)
            if size is None:
                return None
            level += size if row.access == "push" else -size
        work += [(edge.target, level) for edge in node.successors if edge.kind != "call"]
    return found


def _torn(context: Context, routine: Routine) -> Iterator[Finding]:
    """Report a return behind a pull of one byte of the return address."""
    if not any(each.state.touched & RETURN_ADDRESS for each in routine.exits):
        return
    for address, levels in (depths(context, routine.address) or {}).items():
        if levels == {-1} and context.nodes[address].instruction.opcode.mnemonic in _RETURNS:
            yield context.at_address(
                "stack-unbalanced",
                address,
                "one byte more was pulled than pushed: this return takes a torn return address",
                path=[context.step(routine.address, f"{context.label(routine.address)} begins")],
                fix="push what is pulled, or remove the pull",
            )


def _piled(context: Context, routine: Routine) -> Iterator[Finding]:
    """Report a return that every path reaches with more pushed than pulled, where a loop pushes."""
    if any(each.state.stack is not None for each in routine.exits):
        return
    least = _least(context, routine)
    for address, depth in least.items():
        if depth >= 1:
            yield context.at_address(
                "stack-unbalanced",
                address,
                f"at least {depth} byte{'s' if depth > 1 else ''} still on the stack here: a loop pushes, and nothing "
                "pulls as much",
                path=[context.step(routine.address, f"{context.label(routine.address)} begins")],
                fix="pull as often as is pushed",
            )


def _least(context: Context, routine: Routine) -> dict[int, int]:
    """Return the least depth at each return; nothing when pushes look deliberate, or loops pull."""
    known: dict[int, int] = {routine.address: 0}
    work = [routine.address]
    found: dict[int, int] = {}
    steps = 0
    while work:
        address = work.pop()
        node = context.nodes[address]
        row, level = node.instruction.opcode, known[address]
        steps += 1
        size = width(node.instruction, node.state) if row.access in ("push", "pull") else 0
        made = row.mnemonic in ("PEA", "PEI", "PER", "PHK", "TXS", "TCS") or (row.mnemonic == "PHA" and size == 2)
        if size is None or made or steps > 4 * len(routine.nodes) + 64:
            return {}
        if row.mnemonic in _RETURNS:
            found[address] = level
        level += size if row.access == "push" else -size
        for edge in node.successors:
            if edge.kind != "call" and edge.target in context.nodes and level < known.get(edge.target, 1 << 30):
                known[edge.target] = level
                work.append(edge.target)
    return found


def _swapped(context: Context, routine: Routine) -> Iterator[Finding]:
    """Report registers saved at the start that come back in each other's place at the end."""
    for each in routine.exits:
        if each.kind not in ("rts", "rtl", "rti"):
            continue
        run = _last_pulls(context, each.address)
        if not run or None in run:
            continue
        wrong = [item for item in run if item is not None and item.into != item.saved.kind]
        same = sorted(item.into for item in wrong) == sorted(item.saved.kind for item in wrong)
        if wrong and same and not any(_changed(item.saved) for item in wrong):
            first = wrong[0]
            yield context.at_address(
                "pull-order",
                first.address,
                f"{_SAID[first.saved.kind]} was saved here, but {_SAID[first.into]} gets it: "
                "the pulls are in the order of the pushes",
                path=[context.step(each.address, "returns with the registers exchanged")],
                fix="pull in the opposite order of the pushes",
            )
        elif wrong and not same:
            yield from _lost(context, routine, each, [item for item in wrong if item.saved.kind in _SPECIAL])


class _Pull(NamedTuple):
    """One pull, and what lies on top there."""

    address: int
    into: str
    """A, X, Y, DB, D or P."""
    saved: Pushed


def _last_pulls(context: Context, address: int) -> list[_Pull | None]:
    """Return the pulls right before a return, in their order; none when a push stands before them: that is a move.

    None stands for a pull of something unknown, or of what is no register.
    """
    places: list[int] = []
    while (node := context.nodes.get(address)) is not None and len(set(node.predecessors)) == 1:
        address = node.predecessors[0]
        before = context.nodes.get(address)
        access = before.instruction.opcode.access if before is not None else ""
        if access == "push":
            return []
        if access != "pull" or len(places) == _MOST_PULLS:
            break
        places.insert(0, address)
    if not places:
        return []
    stack = list(context.nodes[places[0]].state.stack or ())
    found: list[_Pull | None] = []
    for place in places:
        into = _INTO.get(context.nodes[place].instruction.opcode.mnemonic)
        saved = stack.pop() if stack else None
        known = into is not None and saved is not None and saved.kind in _SAID
        found.append(_Pull(place, into, saved) if known and into is not None and saved is not None else None)
    return found


def _changed(saved: Pushed) -> bool:
    """Tell whether what was pushed was no longer the caller's; P is saved behind a REP or SEP too."""
    return saved.kind != "P" and saved.touched != 0


def _lost(context: Context, routine: Routine, each: Exit, wrong: Sequence[_Pull]) -> Iterator[Finding]:
    """Report a saved DB, D or P that A, X or Y gets right before a return, while the register itself stays changed."""
    for item in wrong:
        kind = item.saved.kind
        bits = 0xFF if kind == "P" else TOUCHED[kind]
        taken = _taken(context, routine, item)
        if item.into not in ("A", "X", "Y") or not each.state.touched & bits or taken is None or each.state.stack:
            continue
        yield context.at_address(
            "pull-order",
            item.address,
            f"{item.into} gets {_SAID[kind]} that was saved, and {_SAID[kind]} stays as {context.shown(taken)} left it",
            path=[
                context.step(item.saved.origin, f"{context.shown(item.saved.origin)}: pushed here"),
                context.step(taken, f"{context.shown(taken)} pulls what another push left"),
            ],
            fix="pull in the opposite order of the pushes",
        )
        return


def _taken(context: Context, routine: Routine, item: _Pull) -> int | None:
    """Return the pull of a register that took something else while the saved one still lay beneath it."""
    kind = item.saved.kind
    for address in routine.nodes:
        node = context.nodes[address]
        if _INTO.get(node.instruction.opcode.mnemonic) != kind or not node.state.stack or len(node.state.stack) < 2:
            continue
        *beneath, top = node.state.stack
        if top.kind != kind and any(each.kind == kind and each.origin == item.saved.origin for each in beneath):
            return address
    return None


def _bank(context: Context, routine: Routine) -> Iterator[Finding]:
    """Report a routine that leaves another data bank behind."""
    exits = [each for each in routine.exits if each.kind in ("rts", "rtl")]
    if not exits or len(routine.nodes) <= _TINY:
        return
    for each in exits:
        left, entered = each.state.db, routine.entry.db
        if not each.state.touched & TOUCHED["DB"] or left is None or left == entered or each.state.stack:
            continue
        if entered is None and each.kind != "rtl" and left not in (0x7E, 0x7F):
            continue
        if regained(context, routine, "db"):
            return
        yield context.at_address(
            "data-bank-not-restored",
            each.address,
            f"{context.label(routine.address)} returns with the data bank at ${left:02X}"
            + ("" if entered is None else f"; it was entered with ${entered:02X}"),
            path=[origin(context, each.address, "db")],
            fix="phb at its start, plb before it returns",
        )
        return


def _join(context: Context, join: Join) -> Iterator[Finding]:
    """Report two paths that meet with different depths when no return behind them can be right for both."""
    if not context.clean([*join.first.path, *join.second.path, join.address]) or join.address not in context.nodes:
        return
    stacks = [after(context, way).stack for way in (join.first, join.second)]
    one, two = stacks
    if one is None or two is None or _in_loop(context, join):
        return
    shared = min(len(one), len(two))
    extra = (*one[shared:], *two[shared:])
    levels = [sum(item.size or 0 for item in stack) for stack in (one, two)]
    if levels[0] == levels[1] or any(item.size is None or item.kind in ("value", "return") for item in (*one, *two)):
        return
    if any(item.touched and (item.kind == "A" or item.size == 2) for item in extra) and len(extra) > 1:
        return
    found = depths(context, join.address)
    net = {level for levels in (found or {}).values() for level in levels}
    if len(net) != 1:
        return
    yield context.at_address(
        "stack-differs-at-join",
        join.address,
        f"two paths meet here with {levels[0]} and with {levels[1]} bytes on the stack: one of them returns wrongly",
        path=[
            *(context.step(item.origin, f"{context.shown(item.origin)}: on one path only") for item in extra[:2]),
            *(context.step(address, "the return for both") for address in list(found or {})[:1]),
        ],
        fix="push and pull on both paths, or on neither",
    )


def _in_loop(context: Context, join: Join) -> bool:
    """Tell whether one of the two ways comes round from the join itself."""
    ends = {way.path[-2] for way in (join.first, join.second) if len(way.path) > 1}
    seen: set[int] = set()
    work = [join.address]
    while work:
        address = work.pop()
        if address in seen or address not in context.nodes:
            continue
        seen.add(address)
        work += [edge.target for edge in context.nodes[address].successors if edge.kind != "call"]
    return bool(ends & seen)
