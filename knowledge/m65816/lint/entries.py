"""Where to begin: entries from the caller, from vectors, and from labels; with the widths that the text implies.

asar decides how wide an immediate is from its text alone. Where the caller says nothing about M and X at an entry, the
first immediate behind it tells what its author took for granted; contradictions further on are findings.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from knowledge.m65816.flow import Entry, Flow, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import decode
from knowledge.m65816.lint.source import Command, Source
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.program import Block, Listing, Program

__all__ = ["ENDS", "VECTORS", "Followed", "begins", "follow", "vectors", "widths"]

ENDS = frozenset(("rts", "rtl", "rti", "jmp", "jml", "bra", "brl", "stp"))
"""Commands behind which control never goes on."""
VECTORS = {
    0xFFE4: "cop", 0xFFE6: "brk", 0xFFE8: "abort", 0xFFEA: "nmi", 0xFFEE: "irq", 0xFFF4: "cop", 0xFFFA: "nmi",
    0xFFFC: "reset", 0xFFFE: "irq",
}  # fmt: skip
"""Vectors by their address in bank $00; those from $FFF4 on hold in emulation mode."""
_MOST_ENTRIES = 4_000
_FARTHEST = 200


class Followed(NamedTuple):
    """A flow and how it came about."""

    flow: Flow
    guessed: frozenset[int]
    """Entries taken from labels."""


def vectors(program: Program) -> dict[int, str]:
    """Return the handlers that vectors in the program name: kind by SNES address; unset vectors are left out."""
    found: dict[int, str] = {}
    for place, kind in VECTORS.items():
        for bank in (0x000000, 0x800000):
            low, high = program.byte(bank | place), program.byte(bank | place + 1)
            if low is None or high is None:
                continue
            target = bank | high << 8 | low
            if program.byte(target) is not None and high >= 0x80:
                found.setdefault(target, kind)
    return found


def begins(program: Program, source: Source) -> list[Entry]:
    """Return where control begins when the caller does not say: the vectors in the program, else its start."""
    found: list[Entry] = []
    for address, kind in vectors(program).items():
        found.append(Entry(address, State(m=1, x=1, e=1, d=0, db=0) if kind == "reset" else State()))
    if not found and program.blocks and _is_code(source, program.start):
        found.append(Entry(program.start))
    return found


def widths(program: Program, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the entries with each width that M and X may have where they are unknown; one list for each."""
    starts = list(entries) or begins(program, Source(Listing(), program))
    lists = [starts]
    for flag in "mx":
        if any(getattr(entry.state, flag) is None and entry.state.e == 0 for entry in starts):
            lists = [[_with(entry, flag, value) for entry in one] for one in lists for value in (1, 0)]
    return lists


def _with(entry: Entry, flag: str, value: int) -> Entry:
    state = entry.state
    if getattr(state, flag) is not None or state.e != 0:
        return entry
    return entry._replace(state=state._replace(m=value) if flag == "m" else state._replace(x=value))


def follow(program: Program, source: Source, entries: Sequence[Entry]) -> Followed:
    """Analyse a program from its entries, and from what its text shows to be code that nothing else reaches."""
    code = _without_data(program, source)
    starts = [_implied(source, entry) for entry in entries or begins(program, source)]
    guessed: set[int] = set()
    reached: set[int] = {entry.address for entry in starts}
    flow = analyse(code, starts) if starts else analyse(Program(()), ())
    starts, flow = _refined(source, code, starts, flow)
    for _ in range(4):
        fresh = [address for address in _unreached(source, flow) if address not in reached]
        fresh = fresh[: _MOST_ENTRIES - len(starts)]
        if not fresh:
            break
        more = _fresh(source, code, starts, fresh)
        guessed.update(entry.address for entry in more.starts[len(starts) :])
        reached.update(guessed)
        starts, flow = _refined(source, code, more.starts, more.flow)
    return Followed(flow, frozenset(guessed))


class _Refined(NamedTuple):
    starts: list[Entry]
    flow: Flow


def _refined(source: Source, code: Program, starts: list[Entry], flow: Flow) -> _Refined:
    """Give entries the widths that the first immediates behind their branches and calls imply, too."""
    if not source.commands:
        return _Refined(starts, flow)
    better = [_reached_widths(source, flow, entry) for entry in starts]
    return _Refined(starts, flow) if better == starts else _Refined(better, analyse(code, better))


def _reached_widths(source: Source, flow: Flow, entry: Entry) -> Entry:
    state = entry.state
    for flag, mask in (("m", 0x20), ("x", 0x10)):
        if getattr(state, flag) is None and state.e == 0:
            value = _reached_width(source, flow, entry.address, f"immediate_{flag}", mask)
            state = state._replace(m=value) if flag == "m" else state._replace(x=value)
    return entry._replace(state=state)


def _reached_width(source: Source, flow: Flow, start: int, mode: str, mask: int) -> int | None:
    """Return the width of the first immediate that is reached before anything sets the flag."""
    work, seen = [start], {start}
    for address in work:
        node = flow.nodes.get(address)
        if node is None or len(seen) > _FARTHEST:
            continue
        row = node.instruction.opcode
        size = implied_size(source, address) if row.mode == mode else 0
        if size:
            return 3 - size
        sets = row.mnemonic in ("PLP", "XCE", "RTI")
        if sets or (row.mnemonic in ("REP", "SEP") and node.instruction.operand & mask):
            continue
        for edge in node.successors:
            if edge.target not in seen and source.begins(edge.target):
                seen.add(edge.target)
                work.append(edge.target)
    return None


def _fresh(source: Source, code: Program, starts: list[Entry], fresh: Sequence[int]) -> _Refined:
    """Add entries for labels that nothing reaches, those left out that others of them reach."""
    entries = {address: _implied(source, Entry(address)) for address in fresh}
    flow = analyse(code, [*starts, *entries.values()])
    nodes = flow.nodes
    alone = [address for address in fresh if address in nodes and not nodes[address].predecessors]
    covered: set[int] = set()
    kept: list[Entry] = []
    for address in dict.fromkeys([*alone, *fresh]):
        if address in covered:
            continue
        kept.append(entries[address])
        work = [address]
        while work:
            place = work.pop()
            if place not in covered and place in nodes:
                covered.add(place)
                work += [edge.target for edge in nodes[place].successors]
    starts = [*starts, *kept]
    return _Refined(starts, flow if len(kept) == len(fresh) else analyse(code, starts))


def _is_code(source: Source, address: int) -> bool:
    if not source.commands:
        return True
    command = source.at(address)
    return command is None or command.kind != "data"


def _unreached(source: Source, flow: Flow) -> list[int]:
    """Return where labels, or an org, begin instructions that the flow does not reach; sublabels only if nothing else.

    A sublabel is reached from its own routine as a rule, once that is an entry.
    """
    mains = {label.address for label in source.labels if label.name[:1] not in (".", "+", "-", "?")} | source.origins
    found = [address for address in mains if _unseen(source, flow, address)]
    if not found:
        found = [label.address for label in source.labels if _unseen(source, flow, label.address)]
    return sorted(set(found))


def _unseen(source: Source, flow: Flow, address: int) -> bool:
    command = source.by_address.get(address)
    return command is not None and command.kind == "code" and address not in flow.nodes


def _without_data(program: Program, source: Source) -> Program:
    """Return the program without the data that code would run into, so that nothing decodes it."""
    cut: list[tuple[int, int]] = []
    running = False
    end = -1
    for command in sorted(source.by_address.values(), key=lambda each: each.address):
        if command.address != end:
            running = False
        end = command.address + command.size
        if command.kind == "code":
            running = command.name not in ENDS
        elif command.kind == "data" and running and command.size:
            cut.append((command.address, end))
        elif command.kind == "other":
            running = False
    if not cut:
        return program
    start = program.start
    blocks = tuple(piece for block in program.blocks for piece in _pieces(block, cut))
    return Program(blocks, program.mapper, start, program.rom, program.fast_rom)


def _pieces(block: Block, cut: list[tuple[int, int]]) -> Iterator[Block]:
    at, end = block.address, block.address + len(block.data)
    for first, behind in cut:
        if at <= first < end:
            if first > at:
                yield Block(at, block.data[at - block.address : first - block.address])
            at = max(at, behind)
    if at < end:
        yield Block(at, block.data[at - block.address :])


class _Widths(NamedTuple):
    m: int | None
    x: int | None


def _implied(source: Source, entry: Entry) -> Entry:
    """Return an entry with M and X as the first immediates behind it have them, where the caller does not know."""
    state = entry.state
    if not source.commands or (state.m is not None and state.x is not None) or state.e == 1:
        return entry
    m, x = _first_widths(source, entry.address)
    return entry._replace(
        state=state._replace(m=m if state.m is None else state.m, x=x if state.x is None else state.x)
    )


def _first_widths(source: Source, address: int) -> _Widths:
    """Read on from an address in the order of the bytes; PHP and PLP are paired."""
    entry: dict[str, int | None] = {"m": None, "x": None}
    still: dict[str, bool] = {"m": True, "x": True}
    kept: list[dict[str, bool]] = []
    for _ in range(_FARTHEST):
        command = source.by_address.get(address)
        if command is None or command.kind != "code" or not command.size:
            break
        if command.name in ("sep", "rep"):
            mask = source.program.byte(address + 1) or 0
            still = {"m": still["m"] and not mask & 0x20, "x": still["x"] and not mask & 0x10}
        elif command.name == "php":
            kept.append(dict(still))
        elif command.name == "plp":
            still = kept.pop() if kept else {"m": False, "x": False}
        elif command.name == "xce":
            break
        else:
            _note(source, command, entry, still)
        if command.name in ENDS or not (entry["m"] is None or entry["x"] is None):
            break
        address += command.size
    return _Widths(entry["m"], entry["x"])


def _note(source: Source, command: Command, entry: dict[str, int | None], still: dict[str, bool]) -> None:
    code = source.program.byte(command.address)
    if code is None or command.size not in (2, 3):
        return
    row = OPCODES[code]
    flag = {"immediate_m": "m", "immediate_x": "x"}.get(row.mode, "")
    if flag and still[flag] and entry[flag] is None:
        entry[flag] = 3 - command.size


def implied_size(source: Source, address: int) -> int:
    """Return the bytes that the text gives to the instruction at an address; 0 when it is no single instruction."""
    command = source.by_address.get(address)
    if command is None or command.kind != "code" or not 1 <= command.size <= 4:
        return 0
    data = bytes(source.program.byte(address + place) or 0 for place in range(4))
    sizes = {decode(data, address, m=m, x=x).size for m in (0, 1) for x in (0, 1)}
    return command.size if command.size in sizes else 0
