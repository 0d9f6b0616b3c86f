"""From the points that the worklist left to what readers of a flow ask: nodes, routines, conflicts, joins."""

from knowledge.m65816.flow import Assumption, Conflict, Entry, Exit, Flow, Join, JumpTable, Node, Routine, Way
from knowledge.m65816.flow_code import Code
from knowledge.m65816.flow_solve import Edge, Solver, address_of
from knowledge.m65816.flow_state import NAMES, State, join, names
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.program import Program

__all__ = ["build"]

_LONGEST_PATH = 200
_LONGEST_WALK = 20_000
_CONFLICTS = 200


def build(program: Program, entries: tuple[Entry, ...], *, limit: int, whole_rom: bool) -> Flow:
    """Run the analysis and put its findings in order."""
    solver = Solver(Code(program, whole_rom=whole_rom), limit=limit)
    for entry in entries:
        solver.enter(entry.address & 0xFFFFFF, entry.state)
    complete = solver.run()
    points = _points(solver)
    sources = _sources(solver)
    nodes = _nodes(solver, points, sources)
    return Flow(
        program,
        entries,
        nodes,
        _routines(solver, points, nodes, sources),
        conflicts=tuple(_conflicts(solver)),
        joins=tuple(_joins(solver)),
        tables=tuple(JumpTable(at, address, targets) for (at, address), targets in sorted(solver.tables.items())),
        assumptions=tuple(Assumption(address, text) for address, text in sorted(solver.assumed.items())),
        complete=complete,
    )


def _points(solver: Solver) -> dict[int, list[int]]:
    """Return the points by address, those outside the code left out."""
    points: dict[int, list[int]] = {address: [] for address in sorted(solver.decoded)}
    for point in solver.states:
        if (address := address_of(point)) in points:
            points[address].append(point)
    return points


def _joined(states: list[State]) -> State:
    first = states[0]
    for state in states[1:]:
        first = join(first, state)
    return first


def _sources(solver: Solver) -> dict[int, list[int]]:
    """Return the instructions that lead to each address, outside the code too."""
    before: dict[int, list[int]] = {}
    for address, edges in solver.edges.items():
        for edge in edges:
            before.setdefault(edge.target, []).append(address)
    return before


def _nodes(solver: Solver, points: dict[int, list[int]], before: dict[int, list[int]]) -> dict[int, Node]:
    nodes: dict[int, Node] = {}
    for address, found in points.items():
        states = [solver.states[point] for point in found]
        routines = dict.fromkeys(solver.contexts[point >> 29].address for point in found)
        nodes[address] = Node(
            next(iter(solver.decoded[address])),
            states[0] if len(states) == 1 else _joined(states),
            tuple(states),
            tuple(edge for edge in solver.edges.get(address, ()) if edge.target in points),
            tuple(dict.fromkeys(before.get(address, ()))),
            tuple(routines),
        )
    return nodes


def _routines(
    solver: Solver, points: dict[int, list[int]], nodes: dict[int, Node], sources: dict[int, list[int]]
) -> dict[int, Routine]:
    inside: dict[int, list[int]] = {context.address: [] for context in solver.contexts}
    for address, node in nodes.items():
        for routine in node.routines:
            inside[routine].append(address)
    routines: dict[int, Routine] = {}
    for routine in sorted(inside):
        contexts = [context for context in solver.contexts if context.address == routine]
        starts = [
            solver.states[point] for point in points.get(routine, ()) if solver.contexts[point >> 29].address == routine
        ]
        exits = _exits(solver, routine, nodes, sources)
        touched = 0
        for each in exits:
            touched |= each.state.touched
        clobbers = names(touched)
        if any(each.kind in ("unknown", "outside", "end") for each in exits):
            clobbers = NAMES
        routines[routine] = Routine(
            routine,
            _joined(starts) if starts else State(),
            tuple(inside[routine]),
            exits,
            tuple(address for address in inside[routine] if nodes[address].instruction.opcode.access == "call"),
            tuple(sorted({address_of(caller) for context in contexts for caller in context.callers})),
            clobbers,
        )
    return routines


def _exits(solver: Solver, routine: int, nodes: dict[int, Node], sources: dict[int, list[int]]) -> tuple[Exit, ...]:
    """Return the exits of a routine; one for each instruction from which control leaves the code."""
    found: dict[tuple[int, str], Exit] = {}

    def keep(one: Exit) -> None:
        old = found.get((one.address, one.kind))
        found[one.address, one.kind] = one if old is None else one._replace(state=join(old.state, one.state))

    for context in solver.contexts:
        if context.address != routine:
            continue
        for (address, kind, _), state in context.exits.items():
            if kind != "outside" or address in solver.decoded:
                keep(Exit(address, kind, state))
                continue
            for source in sources.get(address, ()):
                if routine not in nodes[source].routines:
                    continue
                edge_kinds = {edge.kind for edge in solver.edges[source] if edge.target == address}
                keep(Exit(source, "outside" if edge_kinds & {"taken", "jump"} else "end", state))
            if address == routine:
                keep(Exit(address, "outside", state))
    return tuple(sorted(found.values(), key=lambda one: (one.address, one.kind)))


def _path(solver: Solver, point: int) -> tuple[int, ...]:
    """Return the addresses that led to a point, straight stretches shortened to their ends."""
    way: list[int] = []
    steps = 0
    while point >= 0 and steps < _LONGEST_WALK and len(way) < _LONGEST_PATH:
        address, parent = address_of(point), solver.parents[point]
        steps += 1
        straight = parent >= 0 and Edge(address, "next") in solver.edges.get(address_of(parent), {})
        if not (straight and way and steps > 2 and len(solver.edges.get(address, ())) == 1):
            way.append(address)
        point = parent
    return tuple(reversed(way))


def _joins(solver: Solver) -> list[Join]:
    found: list[Join] = []
    for (address, name), (before, source, one, two) in sorted(solver.joins.items()):
        ways = [
            Way(_state_from(solver, point, after), (*_path(solver, point), address))
            for point, after in ((before, one), (source, two))
            if point >= 0
        ]
        if len(ways) == 2:
            found.append(Join(address, name, ways[0], ways[1]))
    return found


def _state_from(solver: Solver, before: int, after: int) -> State:
    """Return the state before the last instruction of one way, or at the join where the ways are apart."""
    return solver.states[after] if address_of(before) not in solver.decoded else solver.states[before]


def _conflicts(solver: Solver) -> list[Conflict]:
    """Return addresses decoded in two ways, and instructions that begin inside others."""
    found: list[Conflict] = []
    last: tuple[Instruction, int] | None = None
    for address in sorted(solver.decoded):
        ways = list(solver.decoded[address].items())
        sizes = {instruction.size: (instruction, point) for instruction, point in reversed(ways)}
        pairs = list(sizes.values())
        if len(pairs) > 1:
            found.append(_conflict(solver, address, pairs[-1], pairs[0]))
        if last is not None and last[0].address + last[0].size > address and last[0].address >> 16 == address >> 16:
            found.append(_conflict(solver, address, last, ways[0]))
        longest = max(ways, key=lambda way: way[0].size)
        if last is None or longest[0].address + longest[0].size > last[0].address + last[0].size:
            last = longest
        if len(found) >= _CONFLICTS:
            break
    return found


def _conflict(solver: Solver, address: int, one: tuple[Instruction, int], two: tuple[Instruction, int]) -> Conflict:
    ways = [Way(solver.states[point], _path(solver, point)) for _, point in (one, two)]
    return Conflict(address, one[0], two[0], ways[0], ways[1])
