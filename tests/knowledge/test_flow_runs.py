"""Random programs on the machine: what flow analysis says is so in every run, and costs lie within the bounds."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.cycles import count
from knowledge.m65816.flow import Entry, Node, analyse
from knowledge.m65816.flow_state import State
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import OPCODES
from knowledge.m65816.outcome import Outcome, Start
from knowledge.m65816.program import Program, snippet
from knowledge.m65816.registers import Registers

HALTS = ("BRK", "COP", "STP", "WAI", "WDM")
SAFE = [
    row
    for row in OPCODES
    if row.access in ("", "read", "write", "modify")
    and row.mnemonic not in (*HALTS, "TXS", "TCS", "XCE", "TCD", "PLD", "PLB")
    and "indirect" not in row.mode
    and not row.mode.startswith("absolute_long")
    and not (row.access in ("write", "modify") and row.mode.endswith(("_x", "_y")))
]
"""What a random program is made of: none of it stores where the stack lies, at $1E00 and below."""


def made(noise: random.Random) -> bytes:
    """Return a routine of straight stretches, forward branches and loops, whose stores stay in work RAM."""
    data, m, x = bytearray(b"\xe2\x30"), 1, 1
    for _ in range(noise.randrange(1, 25)):
        kind = noise.random()
        if kind < 0.1:
            bits = noise.choice((0x10, 0x20, 0x30))
            wide = noise.random() < 0.5
            data += bytes((0xC2 if wide else 0xE2, bits))
            m, x = (0 if wide else 1) if bits & 0x20 else m, (0 if wide else 1) if bits & 0x10 else x
        elif kind < 0.2:
            body = bytes((noise.choice((0xEA, 0x1A, 0x18, 0x38)),)) * noise.randrange(1, 5)
            data += bytes((noise.choice((0x10, 0x30, 0x90, 0xB0, 0xD0, 0xF0)), len(body))) + body
        elif kind < 0.3:
            rounds = noise.randrange(1, 40)
            data += bytes((0xA0, rounds)) if x else bytes((0xA0, rounds, 0))
            data += b"\xea\x88\xd0\xfc"
        elif kind < 0.35:
            data += b"\xda\xea\xfa" if noise.random() < 0.5 else b"\x08\xc2\x30\xe8\x28"
        else:
            row = noise.choice([row for row in SAFE if row.mnemonic not in ("REP", "SEP")])
            operand = bytes((noise.randrange(256), noise.randrange(16)))
            data += bytes((row.code,)) + operand[: row.length(m, x) - 1]
    return bytes(data) + b"\x60"


def registers(noise: random.Random) -> Registers:
    """Return registers for a run in native mode with binary arithmetic or decimal, the data bank in work RAM."""
    a, x, y = (noise.randrange(0x10000) for _ in range(3))
    return Registers(a=a, x=x, y=y, s=0x1E00, db=0x7E, p=noise.randrange(256)).settled()


SAVING = (
    (b"", b""),
    (b"\x08", b"\x28"),
    (b"\x8b\x4b\xab", b"\xab"),
    (b"\x08\xe2\x30\xda\x5a", b"\xe2\x30\x7a\xfa\x28"),
    (b"\x0b\xf4\x00\x00\x2b", b"\x2b"),
    (b"\x08\xc2\x20\x48", b"\xc2\x20\x68\x28"),
)
"""What a routine does first and last: nothing, or saving and restoring P, DB, D, the indexes, the accumulator."""
ROUTINES = 0x8800


def with_calls(noise: random.Random) -> bytes:
    """Return a program of stretches as above that calls routines of its own, some of which save what they change."""
    routines, places = b"", list[int]()
    for _ in range(noise.randrange(1, 4)):
        before, behind = noise.choice(SAVING)
        places.append(ROUTINES + len(routines))
        routines += before + made(noise)[:-1] + behind + b"\x60"
    main = b""
    for _ in range(noise.randrange(1, 4)):
        main += made(noise)[:-1] + b"\x20" + noise.choice(places).to_bytes(2, "little") + b"\xe2\x30"
    return (main + b"\x60").ljust(ROUTINES - 0x8000, b"\xdb") + routines


def contradicted(node: Node, seen: Registers) -> set[str]:
    """Return what a node's state says of the registers and is not so."""
    state = node.state
    known = {
        "m": (state.m, seen.p >> 5 & 1), "x": (state.x, seen.p >> 4 & 1), "e": (state.e, seen.e),
        "D": (state.d, seen.d), "DB": (state.db, seen.db), "A": (state.a, seen.a & 0xFF), "B": (state.b, seen.a >> 8),
        "X": (state.xr, seen.x), "Y": (state.yr, seen.y), "P": (state.p, seen.p & state.known),
    }  # fmt: skip
    return {name for name, (said, is_so) in known.items() if said is not None and said != is_so}


def run(program: Program, start: Registers) -> Outcome:
    return Machine(program, cpu="python").run(Start(registers=start), trace=True)


def check(program: Program, state: State, start: Registers) -> Outcome:
    """Hold the flow and the bounds against one run."""
    flow = analyse(program, [Entry(program.start, state)])
    outcome = run(program, start)
    for line in outcome.trace:
        seen = line.registers
        assert contradicted(flow.nodes[seen.pb << 16 | seen.pc], seen) == set()
    found = count(program, Entry(program.start, state), limit=50_000).bounds
    for (least, most), spent in ((found.cycles, outcome.cycles), (found.slow, outcome.clocks)):
        assert least <= spent
        assert most is None or spent <= most
    return outcome


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 32), st.sampled_from([State(d=0, db=0x7E), State()]))
def test_flow_and_bounds_hold_in_every_run_of_one_routine(seed: int, state: State) -> None:
    noise = random.Random(seed)
    program = snippet(made(noise), address=noise.choice((0x8000, 0x808000)))
    assert check(program, state, registers(noise)).stop == "rts"


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1 << 32))
def test_flow_and_bounds_hold_in_every_run_of_programs_with_calls(seed: int) -> None:
    noise = random.Random(seed)
    outcome = check(snippet(with_calls(noise)), State(d=0, db=0x7E), registers(noise))
    assert outcome.instructions > 0
