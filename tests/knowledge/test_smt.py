"""The symbolic machine against the CPU on random programs, and what a proof says."""

from functools import lru_cache

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import FLAGS, OPCODES
from knowledge.m65816.outcome import Start
from knowledge.m65816.program import snippet
from knowledge.m65816.registers import Registers
from knowledge.m65816.smt import prove
from knowledge.m65816.smt_paths import explore
from knowledge.m65816.smt_state import State, World
from knowledge.m65816.smt_values import Bits, Unsupported, Value
from schemas.contract import Contract

pytest.importorskip("z3", reason="z3 is absent: install the extra smt")

LEFT_OUT = {"BRK", "COP", "STP", "WAI", "XCE", "RTI", "RTS", "RTL", "JMP", "JSR", "JSL", "BRA", "BRL", "MVN", "MVP"}
PLAIN = [row for row in OPCODES if row.mnemonic not in LEFT_OUT and row.access != "branch"]
SURE = [
    row
    for row in PLAIN
    if "indirect" not in row.mode and row.mnemonic not in ("PLP", "PLB", "PLD", "TCD", "TCS", "TXS")
]
PAGE_0 = st.integers(0x00, 0x8F)


@st.composite
def codes(draw: st.DrawFn, contract: Contract) -> bytes:
    """Straight code whose operands stay where there is RAM."""
    m, x = int(contract.m), int(contract.x)
    data = b"\x0b\x0b\x0b"  # PHD, so that there is something to pull
    for row in draw(st.lists(st.sampled_from(SURE), min_size=1, max_size=8)):
        size = row.length(m, x) - 1
        operand = draw(st.integers(0, (1 << 8 * size) - 1)) if size else 0
        if row.mode.startswith("absolute"):
            operand = draw(st.integers(0x0300, 0x1000))
        elif row.mode.startswith("direct") or row.mode.startswith("stack"):
            operand = draw(PAGE_0) & (0x07 if row.mode.startswith("stack") else 0xFF)
        if row.mnemonic in ("REP", "SEP"):
            value = int(row.mnemonic == "SEP")
            m, x = (value if operand & 0x20 else m), (value if operand & 0x10 else x)
        data += bytes((row.code,)) + operand.to_bytes(size, "little")
    return data


@lru_cache(maxsize=4)
def _symbolic(data: bytes, entry: str) -> State:
    contract = parse_contract(entry=entry)
    bits = Bits()
    index = 8 if contract.x else 16
    widths = {"A": 8, "B": 8, "X": index, "Y": index, "S": 16, "D": 16, "DB": 8} | dict.fromkeys("nvdizc", 1)
    names = {name: bits.variable(name, width) for name, width in widths.items()}
    for name in ("X", "Y"):
        bits.bound(names[name], min(0x1FF, (1 << index) - 1))
    byte = bits.z3.BitVecSort(8, bits.context)
    memory = bits.z3.Array("memory", bits.z3.BitVecSort(24, bits.context), byte)
    stack = bits.z3.Array("stack", bits.z3.BitVecSort(16, bits.context), byte)
    world = World(bits, memory, stack, names)
    (state,) = explore(world, snippet(data), contract)
    world.check_apart()
    return state


@lru_cache(maxsize=4)
def _machine(data: bytes) -> Machine:
    return Machine(snippet(data), cpu="python")


class _Given:
    """A symbolic state with numbers put in for what was free; memory holds $55 as it does without a seed."""

    def __init__(self, state: State, registers: Registers) -> None:
        world, bits = state.world, state.world.bits
        values = {"A": registers.a & 0xFF, "B": registers.a >> 8, "X": registers.x, "Y": registers.y}
        values |= {"S": registers.s, "D": registers.d, "DB": registers.db}
        values |= {name: int(registers.p & FLAGS[name] != 0) for name in "nvdizc"}
        z3 = bits.z3
        self.bits = bits
        self.pairs = [
            (variable, z3.BitVecVal(values[name], variable.size(), bits.context))
            for name, variable in world.names.items()
        ]
        fill = z3.BitVecVal(0x55, 8, bits.context)
        self.pairs.append((world.memory, z3.K(z3.BitVecSort(24, bits.context), fill)))
        self.pairs.append((world.stack, z3.K(z3.BitVecSort(16, bits.context), fill)))

    def number(self, value: Value) -> int:
        if isinstance(value, int):
            return value
        found = self.bits.plain(self.bits.z3.substitute(value, *self.pairs))
        assert isinstance(found, int)
        return found


def _agrees(data: bytes, entry: str, registers: Registers) -> bool:
    """Hold both machines side by side; False where the code is not modelled or reads what a caller left."""
    try:
        state = _symbolic(data, entry)
    except Unsupported:
        return False
    if any(place > 0 for place in state.world.stack_reads):  # the frame lies there
        return False
    outcome = _machine(data).run(Start(registers))
    entered = registers.copy()
    entered.s -= 3
    number = _Given(state, entered).number
    after = outcome.registers
    assert state.stop == outcome.stop == "end"
    p = sum(FLAGS[name] for name, flag in state.flags.items() if number(flag))
    p |= (FLAGS["m"] if state.m else 0) | (FLAGS["x"] if state.narrow else 0)
    assert (
        Registers(
            a=number(state.high) << 8 | number(state.low),
            x=number(state.x),
            y=number(state.y),
            s=number(state.s),
            d=number(state.d),
            db=number(state.db),
            pb=after.pb,
            pc=after.pc,
            p=p,
            e=after.e,
        )
        == after
    ), after
    array = state.flush()
    for address, byte in outcome.memory.items():
        offset = (address & 0x1FFF) - entered.s
        if offset in state.pushed:
            assert number(state.pushed[offset]) == byte
        else:
            cell = state.world.bits.z3.Select(array, state.world.bits.term(address, 24))
            assert number(cell) == byte, f"${address:06X}"
    return True


def _registers(a: int, x: int, y: int, flags: int, s: int) -> Registers:
    return Registers(a=a, x=x, y=y, p=flags & 0xC3 | 0x04, s=s)


REGISTERS = st.builds(
    _registers,
    st.integers(0, 0xFFFF),
    st.integers(0, 0x01FF),
    st.integers(0, 0x01FF),
    st.integers(0, 0xFF),
    st.integers(0x01A0, 0x01FF),
)


@settings(deadline=None, max_examples=150)
@given(st.data(), REGISTERS, st.sampled_from([(1, 1), (0, 0), (1, 0), (0, 1)]), st.integers(0, 1))
def test_symbolic_execution_ends_in_the_state_that_the_cpu_ends_in(
    data: st.DataObject, registers: Registers, widths: tuple[int, int], decimal: int
) -> None:
    entry = f"m={widths[0]} x={widths[1]} decimal={decimal}"
    contract = parse_contract(entry=entry)
    code = data.draw(codes(contract))
    registers.p |= (0x20 if contract.m else 0) | (0x10 if contract.x else 0) | (0x08 if decimal else 0)
    event("modelled" if code and _agrees(code, entry, registers.settled()) else "left out")


@pytest.mark.parametrize("code", [row.code for row in PLAIN], ids=lambda code: f"{code:02X}")
def test_each_plain_opcode_agrees_with_the_cpu(code: int) -> None:
    row = OPCODES[code]
    ran = 0
    for m, x, decimal in ((1, 1, 0), (0, 0, 0), (1, 0, 1), (0, 1, 1)):
        entry = f"m={m} x={x} decimal={decimal}"
        size = row.length(m, x) - 1
        for a, index, p in ((0x1234, 0x07, 0), (0x8099, 0x80, 0xC3), (0x5FFF, 0x00, 0x01), (0x0199, 0xFF, 0x40)):
            operand = 0x0410 if row.mode.startswith("absolute") else 0x0010 if size else 0
            operand = operand % (1 << 8 * size) if size else 0
            flags = p | 4 | m << 5 | x << 4 | decimal << 3
            data = bytes((code,)) + operand.to_bytes(size, "little")
            if row.mode.startswith("stack"):
                data = bytes((code, 1))
            if row.access == "pull" or row.mode.startswith("stack"):
                data = b"\x48\x0b\xda" + data
            ran += _agrees(data, entry, Registers(a=a, x=index, y=index ^ 3, p=flags).settled())
    assert ran or row.mnemonic in ("PLP", "TCS", "TXS", "TSX", "TCD") or "indirect" in row.mode, row


def test_proof_and_refutation_of_a_well_known_pair() -> None:
    original, candidate = snippet(bytes.fromhex("A9008510")), snippet(bytes.fromhex("6410"))
    assert prove(original, candidate, parse_contract(live="none")).result == "equal"
    assert prove(original, candidate, parse_contract(live="A")).result == "differs"


def test_loops_of_a_known_count_are_unrolled() -> None:
    loop, plain = (
        snippet(bytes.fromhex("A203 7410 CA 10FB 60")),
        snippet(bytes.fromhex("6413641264116410 A2FF A000 60")),
    )
    assert prove(loop, plain, parse_contract(clobbers="Y n z")).result == "equal"
    assert prove(loop, plain, parse_contract(clobbers="n z")).result == "differs"


def test_paths_that_part_and_meet_in_a_loop_are_merged() -> None:
    data = bytes.fromhex("A900A208461190031865106A6612CAD0F3851360")
    assert prove(snippet(data), snippet(data + b"\xea"), parse_contract()).result == "equal"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AD124260", "neither RAM"),
        ("4C0080", "instructions over all paths"),
        ("6C100060", "unknown address"),
    ],
)
def test_what_is_not_modelled_is_unknown_and_says_why(code: str, reason: str) -> None:
    program = snippet(bytes.fromhex(code))
    proof = prove(program, program, parse_contract())
    assert proof.result == "unknown"
    assert reason in proof.reason
