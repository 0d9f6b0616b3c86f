"""Code that is run, explained and disassembled through the asar server, with the real asar."""

from pathlib import Path
from typing import Any

import pytest

from tests.asar import HERE, NEEDS_ASAR, call_in

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


async def call(tool: str, root: Path = HERE.project_root, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return await call_in(root, tool, **arguments)


async def test_a_routine_is_run_from_its_inputs_to_its_registers_memory_and_exact_time() -> None:
    code = "org $008000\nlda $10\nclc\nadc $11\nsta $7E0020\nrtl"
    text, fields = await call("run_code", code=code, inputs=["$10=05 07"])
    assert fields["stop"] == "rtl" and fields["registers"]["A"] == "$000C"
    assert fields["memory"] == ["$7E0020: 0C"]
    # 3 + 2 + 3 + 5 + 6 CPU cycles; ROM and WRAM 8 clocks an access, internal cycles 6
    assert fields["cycles"] == 19
    assert fields["clocks"] == (2 * 8 + 8) + (8 + 6) + (2 * 8 + 8) + (4 * 8 + 8) + (8 + 2 * 6 + 3 * 8)
    assert "19 CPU cycles" in text and "$7E0020: 0C" in text


async def test_hardware_accesses_are_listed_in_order_with_their_names() -> None:
    code = "lda #$80\nsta $2115\nldx #$34\nstx $2116\nlda $2100\nrts"
    text, fields = await call("run_code", code=code, show="hardware")
    names = [line.split(": ", 1)[1].split(" at ")[0] for line in fields["hardware"]]
    assert names[:2] == ["$2115 VMAIN <- $80", "$2116 VMADDL <- $34"]
    assert fields["hardware_total"] == 3
    assert "write_only_read" in text


async def test_a_trace_shows_the_state_before_each_instruction_page_by_page() -> None:
    code = "ldx #$03\nloop:\ndex\nbne loop\nrts"
    _, fields = await call("run_code", code=code, show="trace", limit=4)
    assert fields["trace_total"] == 8 and fields["next_offset"] == 4
    assert "X=$0003" in fields["trace"][1]
    _, fields = await call("run_code", code=code, show="trace", limit=4, offset=4)
    assert fields["next_offset"] == -1 and len(fields["trace"]) == 4


async def test_code_that_runs_away_or_never_ends_is_stopped_and_the_reason_told() -> None:
    for code, stop, said in (
        ("loop: bra loop", "budget", "endless loop"),
        ("jmp $9000", "outside", "no part of it"),
        ("nop", "end", "no RTS or RTL"),
        ("stp", "stp", "STP"),
        ("wai", "wai", "never comes"),
    ):
        text, fields = await call("run_code", code=code, budget=5_000)
        assert fields["stop"] == stop and said in text


async def test_a_part_of_a_rom_of_the_project_is_run_in_place(tmp_path: Path) -> None:
    rom = bytearray(0x8000)
    rom[0x100:0x106] = bytes.fromhex("AD 00 82 85 10 6B")
    rom[0x200] = 0x77
    (tmp_path / "game.sfc").write_bytes(rom)
    _, fields = await call("run_code", tmp_path, code="rom: game.sfc $008100 6")
    assert fields["memory"] == ["$7E0010: 77"] and fields["stop"] == "rtl"
    text, fields = await call("run_code", tmp_path, code="rom: game.sfc $108000 6")
    assert not fields and "not in this ROM" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"code": ""}, "empty"),
        ({"code": "lda #$12", "entry": "m9"}, "m8 x16"),
        ({"code": "lda #$12", "inputs": ["Q=1"]}, "no register or flag"),
        ({"code": "lda #$12", "inputs": ["A=$12345"]}, "more than"),
        ({"code": "lda #$12", "inputs": ["$7E0010=xyz"]}, "no byte"),
        ({"code": "lda #$12", "inputs": ["$2100=12"]}, "neither WRAM nor SRAM"),
        ({"code": "hex: A9 0"}, "pairs of digits"),
        ({"code": "hex:"}, "no bytes"),
        ({"code": "rom: none.sfc $008000"}, "no ROM"),
        ({"code": "file: none.asm"}, "no patch"),
        ({"code": "foo #$12"}, "Eunknown_command"),
        ({"code": "lda #$12", "entry": "start=Nowhere"}, "no label"),
        ({"code": "; nothing"}, "no bytes"),
    ],
)
async def test_what_cannot_be_run_is_refused_with_the_next_step(arguments: dict[str, Any], said: str) -> None:
    text, fields = await call("run_code", **arguments)
    assert not fields and said in text, text


async def test_bytes_are_explained_in_the_widths_that_hold_at_each_place() -> None:
    text, fields = await call("explain_bytes", bytes="C2 20 A9 34 12 8D 00 21 60")
    meanings = [item["meaning"] for item in fields["instructions"]]
    assert len(meanings) == 4 and "16-bit accumulator" in meanings[1]
    assert "INIDISP" in text and "CPU cycles" in text
    text, fields = await call("explain_bytes", bytes="A9 34", entry="m16")
    assert fields["total"] == 0 and "not decoded" in text


async def test_a_disassembly_is_proved_by_asar_to_make_the_same_bytes() -> None:
    loop = "loop:\nlda $7E2000,x\nsta $10,x\ndex\nbpl loop\n"
    code = f"org $008000\nMain:\nrep #$30\nldx #$0010\n{loop}jsr Sub\nrtl\nSub:\nrts\ndb 1,2,3"
    _, assembled = await call("assemble", code=code)
    _, fields = await call("disassemble", code=code)
    assert fields["same_bytes"] == "yes" and fields["data_bytes"] == 3
    text = "\n".join(fields["lines"])
    assert "Main:" in text and "jsr Sub" in text and "ldx.w #$0010" in text
    _, again = await call("assemble", code=text)
    assert again["blocks"] == assembled["blocks"]
