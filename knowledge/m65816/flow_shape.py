"""The shape of a flow: basic blocks, dominators and natural loops of each routine."""

from typing import NamedTuple

from knowledge.m65816.flow import Flow, Routine

__all__ = ["BasicBlock", "Loop", "blocks", "loops"]


class BasicBlock(NamedTuple):
    """Instructions that run one after another, from the first to the last."""

    addresses: tuple[int, ...]
    successors: tuple[int, ...]
    """First addresses of the blocks that may follow; behind a call, and not into it."""


class Loop(NamedTuple):
    """A natural loop: every way into its body leads through its head."""

    head: int
    body: tuple[int, ...]
    """Addresses of all its instructions, the head's too, ascending."""
    back: tuple[int, ...]
    """Instructions that lead back to the head."""


def _inside(flow: Flow, routine: Routine) -> dict[int, list[int]]:
    """Return the successors of each instruction within its routine."""
    members = set(routine.nodes)
    return {
        address: [
            edge.target for edge in flow.nodes[address].successors if edge.kind != "call" and edge.target in members
        ]
        for address in routine.nodes
    }


def _predecessors(successors: dict[int, list[int]]) -> dict[int, list[int]]:
    before: dict[int, list[int]] = {address: [] for address in successors}
    for address, targets in successors.items():
        for target in targets:
            before[target].append(address)
    return before


def blocks(flow: Flow, routine: Routine) -> tuple[BasicBlock, ...]:
    """Return the basic blocks of a routine, in the order of their addresses. A call ends no block."""
    successors = _inside(flow, routine)
    before = _predecessors(successors)
    starts = {
        address
        for address in successors
        if address == routine.address or len(before[address]) != 1 or len(successors[before[address][0]]) != 1
    }
    found: list[BasicBlock] = []
    for start in sorted(starts):
        chain = [start]
        while len(successors[chain[-1]]) == 1 and successors[chain[-1]][0] not in starts:
            chain.append(successors[chain[-1]][0])
        found.append(BasicBlock(tuple(chain), tuple(successors[chain[-1]])))
    return tuple(found)


def _order(successors: dict[int, list[int]], start: int) -> list[int]:
    """Return the reverse postorder from the start."""
    done: list[int] = []
    seen = {start}
    stack = [(start, iter(successors.get(start, ())))]
    while stack:
        address, rest = stack[-1]
        target = next((each for each in rest if each not in seen), None)
        if target is None:
            done.append(address)
            stack.pop()
        else:
            seen.add(target)
            stack.append((target, iter(successors[target])))
    return done[::-1]


def _dominators(successors: dict[int, list[int]], order: list[int]) -> dict[int, int]:
    """Return the immediate dominator of each instruction (Cooper, Harvey and Kennedy's iteration)."""
    number = {address: place for place, address in enumerate(order)}
    before = _predecessors(successors)
    found = {order[0]: order[0]}
    changed = True
    while changed:
        changed = False
        for address in order[1:]:
            new = -1
            for one in before[address]:
                if one in found:
                    new = one if new < 0 else _meet(found, number, one, new)
            if found.get(address) != new:
                found[address], changed = new, True
    return found


def _meet(found: dict[int, int], number: dict[int, int], one: int, two: int) -> int:
    while one != two:
        while number[one] > number[two]:
            one = found[one]
        while number[two] > number[one]:
            two = found[two]
    return one


def loops(flow: Flow, routine: Routine) -> tuple[Loop, ...]:
    """Return the natural loops of a routine by their heads; loops with several heads are left out."""
    successors = _inside(flow, routine)
    if routine.address not in successors:
        return ()
    order = _order(successors, routine.address)
    number = {address: place for place, address in enumerate(order)}
    dominators = _dominators(successors, order)
    before = _predecessors(successors)
    backs: dict[int, list[int]] = {}
    for address in order:
        for target in successors[address]:
            if number[target] <= number[address] and _dominates(dominators, number, target, address):
                backs.setdefault(target, []).append(address)
    return tuple(
        Loop(head, tuple(sorted(_body(before, head, back))), tuple(sorted(back)))
        for head, back in sorted(backs.items())
    )


def _dominates(dominators: dict[int, int], number: dict[int, int], head: int, address: int) -> bool:
    while number[address] > number[head]:
        address = dominators[address]
    return address == head


def _body(before: dict[int, list[int]], head: int, backs: list[int]) -> set[int]:
    body, work = {head}, list(backs)
    while work:
        address = work.pop()
        if address not in body:
            body.add(address)
            work += before[address]
    return body
