"""The CPUs against the public single-step cases, the opcode table, and their own spec."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from knowledge.m65816 import cpu_generate
from knowledge.m65816.conformance import check_case, check_file, flat_cpu, main
from knowledge.m65816.cpu import ANYWHERE, CPU_KINDS, Cpu, CpuKind, Quiet
from knowledge.m65816.cpu_layout import operations
from knowledge.m65816.cpu_spec import STATES
from knowledge.m65816.memory import PAGE, PAGES
from knowledge.m65816.opcodes import OPCODES, Opcode
from knowledge.m65816.registers import Registers


@pytest.fixture(scope="module", params=CPU_KINDS)
def cpu(request: pytest.FixtureRequest) -> Cpu:
    kind: CpuKind = request.param
    return flat_cpu(kind)


def cases(shared: Path) -> list[Path]:
    folder = shared / "conformance" / "65816"
    if not folder.is_dir():
        pytest.skip("no single-step cases beside the repository: conformance/65816 of the shared data is absent")
    return sorted(folder.glob("*.json.gz"))


def test_every_single_step_case_gives_the_same_registers_memory_and_bus(cpu: Cpu, shared: Path) -> None:
    tallies = [check_file(cpu, path) for path in cases(shared)]
    assert [tally for tally in tallies if any(tally.faults) or tally.shown] == []
    assert (len(tallies), sum(tally.cases for tally in tallies)) == (84, 5040)


def test_the_command_takes_a_folder_and_fails_on_a_case_that_differs(shared: Path, tmp_path: Path) -> None:
    source = next(path for path in cases(shared) if path.name.startswith("69.e"))
    found: list[dict[str, Any]] = json.loads(gzip.decompress(source.read_bytes()))
    (tmp_path / "69.e.json").write_text(json.dumps(found), encoding="utf-8")
    right = CliRunner().invoke(main, [str(tmp_path)])
    found[3]["final"]["a"] ^= 1
    (tmp_path / "69.e.json").write_text(json.dumps(found), encoding="utf-8")
    wrong = CliRunner().invoke(main, [str(tmp_path), "--cpu", "python"])
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert found[3]["name"] in wrong.output


@pytest.mark.parametrize("part", ["registers", "memory", "cycles", "bus"])
def test_a_case_that_is_changed_in_one_part_is_found_in_that_part(cpu: Cpu, shared: Path, part: str) -> None:
    source = next(path for path in cases(shared) if path.name.startswith("48.e"))
    case: dict[str, Any] = json.loads(gzip.decompress(source.read_bytes()))[0]
    assert check_case(cpu, case) == ((False, False, False, False), 0)
    if part == "registers":
        case["final"]["y"] ^= 1
    elif part == "memory":
        case["final"]["ram"] = [[address, value ^ 1] for address, value in case["final"]["ram"]]
    elif part == "cycles":
        case["cycles"].append([0, None, "---remx-"])
    else:
        case["cycles"][2][0] ^= 1
    faults, _ = check_case(cpu, case)
    assert faults[("registers", "memory", "cycles", "bus").index(part)]


def test_a_block_move_cut_off_after_100_cycles_is_compared_up_to_there(cpu: Cpu) -> None:
    """The suite's form: 14 steps of 7 cycles and two cycles of the fifteenth, PC behind the bytes fetched."""
    start = {"pc": 0x8000, "s": 0x1FF, "p": 0x34, "a": 40, "x": 1, "y": 2, "dbr": 9, "d": 0, "pbr": 0, "e": 0}
    source = [[0x120001 + number, number + 1] for number in range(15)]
    initial: dict[str, Any] = {**start, "ram": [[0x8000, 0x54], [0x8001, 0x11], [0x8002, 0x12], *source]}
    final: dict[str, Any] = {**start, "a": 26, "x": 15, "y": 16, "dbr": 0x11, "pc": 0x8002}
    final["ram"] = [*initial["ram"], *([0x110002 + number, number + 1] for number in range(14))]
    cycles: list[list[Any]] = []
    for number in range(15):
        cycles += [[0x8000, 0x54, "dp-r----"], [0x8001, 0x11, "-p-r----"], [0x8002, 0x12, "-p-r----"]]
        cycles += [[0x120001 + number, number + 1, "d--r----"], [0x110002 + number, number + 1, "d--w----"]]
        cycles += [[0x110002 + number, None, "---r----"]] * 2
    case = {"name": "54 n", "initial": initial, "final": final, "cycles": cycles[:100]}
    assert check_case(cpu, case) == ((False, False, False, False), 0)


def test_a_file_that_holds_no_cases_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "00.n.json").write_text('{"not": "cases"}', encoding="utf-8")
    result = CliRunner().invoke(main, [str(tmp_path), "--cpu", "python"])
    assert (result.exit_code, "00.n.json is no file of single-step cases" in result.output) == (1, True)
    (tmp_path / "00.n.json").unlink()
    assert "no .json" in CliRunner().invoke(main, [str(tmp_path)]).output


def test_the_generated_files_are_what_the_spec_makes() -> None:
    here = Path(cpu_generate.__file__).parent
    assert {name: (here / name).read_text(encoding="utf-8") for name in cpu_generate.texts()} == cpu_generate.texts()
    told = cpu_generate.artifact_source((here / "cpu.wasm").read_bytes())
    assert told["sha256"] == cpu_generate.c_hash()


def counted(row: Opcode, state: int, *, deep: int, crossed: bool, taken: bool, paged: bool) -> int:
    """Return what the table says that an opcode takes in a state."""
    if row.mnemonic in ("MVN", "MVP"):
        return 7
    met = {
        "m": not state & 2, "mm": not state & 2, "x": not state & 1, "w": bool(deep), "p": crossed or not state & 1,
        "t": taken, "e": (taken or row.mnemonic in ("BRA",)) and paged and bool(state & 4), "n": not state & 4,
    }  # fmt: skip
    return row.cycles + sum((2 if name == "mm" else 1) for name in row.modifiers if name != "b" and met[name])


FLAGS_TAKEN = {"BPL": 0, "BMI": 0x80, "BVC": 0, "BVS": 0x40, "BCC": 0, "BCS": 1, "BNE": 0, "BEQ": 2}


@pytest.mark.parametrize("row", OPCODES, ids=[f"{row.code:02X} {row.mnemonic}" for row in OPCODES])
def test_an_opcode_takes_the_cycles_that_the_table_says_in_every_state(cpu: Cpu, row: Opcode) -> None:
    storage, flag = cpu.memory.storage, FLAGS_TAKEN.get(row.mnemonic)
    asked = {"BPL": 0x80, "BMI": 0x80, "BVC": 0x40, "BVS": 0x40, "BCC": 1, "BCS": 1, "BNE": 2, "BEQ": 2}
    for state in STATES:
        for deep, crossed, taken, paged in (
            (0, False, False, False), (1, True, True, False), (0, True, True, True), (1, False, False, True),
        ):  # fmt: skip
            pc = 0x8000 if not paged else 0x80F0
            storage[pc : pc + 4] = bytes((row.code, 0x20, 0x30, 0))
            # pointers at $20 and $21, and at S + $20, lead to $30F8: crossed with an index of $10
            for place in (0x20, 0x21, 0x220, 0x221, 0x30, 0x31):
                storage[place : place + 3] = b"\xf8\x30\x00"
            if row.mode in ("absolute_x", "absolute_y"):
                storage[pc + 1] = 0xF8
            index = 0x10 if crossed else 0
            p = (state & 3) << 4 | (asked[row.mnemonic] if flag is not None and bool(flag) == taken else 0)
            start = Registers(x=index, y=index, s=0x1FF, d=deep, pc=pc, p=p, e=state >> 2)
            pointed = int.from_bytes(storage[0x20 + deep : 0x22 + deep], "little")
            halt = cpu.run(start, Quiet(), budget=1, code=ANYWHERE)
            where = pointed if row.mode == "direct_indirect_y" else 0x30F8
            over = (where & 0xFF) + index > 0xFF
            if row.mnemonic == "BRA" or row.mnemonic == "BRL":
                taken = True
            expected = counted(row, state, deep=deep, crossed=over, taken=taken, paged=paged)
            assert (state, deep, crossed, halt.cycles) == (state, deep, crossed, expected)


def test_the_spec_states_each_opcode_in_each_state_once() -> None:
    met = [(item.variant.name, state) for item in operations() for state in item.variant.states]
    assert len(met) == len(set(met)) == (256 + 4) * len(STATES)
    assert PAGE * PAGES == 1 << 24
