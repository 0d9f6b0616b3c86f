"""What callers write into the arguments of the asar tools: spelled in many ways, too long, or plainly wrong."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from servers.asar.server import build
from tests.asar import HERE, NEEDS_ASAR, call_in

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


def hirom() -> bytes:
    """A HiROM with a header that says so, and RTS at its reset vector, $00:8000."""
    image = bytearray(b"\xff" * 0x80000)
    image[0x8000:0x8002] = b"\x78\x60"
    image[0xFFC0:0xFFD5] = b"A HIROM OF TESTS".ljust(21)
    image[0xFFD5:0x10000] = bytes((0x21, 0, 9, 0, 1, 0x33, 0, 0xFF, 0xFF, 0, 0)) + b"\x00\x80" * 16
    return bytes(image)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("run_code", {"code": "rom: a" + " " * 150_000 + "b"}),
        ("run_code", {"code": "file: a" + "\t" * 150_000 + "b\nx"}),
        ("run_code", {"code": "rts", "inputs": ["A=" + "; " * 75_000 + "="]}),
        ("run_code", {"code": "rts", "inputs": ["a" + " " * 150_000 + "b"]}),
        ("run_code", {"code": "hex: " + "A " * 75_000 + "g"}),
        ("explain_bytes", {"bytes": "0x" * 75_000 + "g"}),
        ("compare_code", {"original": "rts", "candidate": "rts", "inputs": ["A" + " " * 150_000 + "="]}),
        ("translate_address", {"address": "$" * 1_000_000}),
    ],
)
async def test_a_long_argument_that_says_nothing_is_refused_soon(
    tool: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    said, fields = await call_in(tmp_path, tool, **arguments)
    assert fields == {}
    assert len(said) < 5_000


async def test_the_memory_map_of_a_rom_is_read_off_its_header(tmp_path: Path) -> None:
    (tmp_path / "my game.sfc").write_bytes(hirom())
    for part in ("my game.sfc $C08000 2", "'my game.sfc' 00:8000 $2", "hirom my game.sfc pc:0x8000 2"):
        _, fields = await call_in(tmp_path, "run_code", code=f"rom: {part}")
        assert (part, fields["stop"], fields["instructions"]) == (part, "rts", 2)


@pytest.mark.parametrize("tool", ["run_code", "count_cycles", "disassemble", "optimize_code", "lint"])
async def test_a_start_outside_the_code_is_an_error_that_says_where_the_code_lies(tool: str, tmp_path: Path) -> None:
    said, fields = await call_in(tmp_path, tool, code="org $008000\nnop\nrts\n", entry="m8 x8 start=$009000")
    assert fields == {}
    assert "$008000-$008001" in said


@pytest.mark.parametrize("spelled", ["A9 12", "a912", "$A9,$12", "0xA9, 0x12", "$008000: A9 12", "db $A9,$12"])
async def test_bytes_are_understood_in_each_usual_spelling(spelled: str, tmp_path: Path) -> None:
    _, fields = await call_in(tmp_path, "explain_bytes", bytes=spelled)
    assert [item["bytes"] for item in fields["instructions"]] == ["A9 12"]


async def test_db_and_a_byte_without_a_sign_are_two_bytes(tmp_path: Path) -> None:
    _, fields = await call_in(tmp_path, "explain_bytes", bytes="DB 60")
    assert [item["mnemonic"] for item in fields["instructions"]] == ["STP", "RTS"]


async def test_symbols_lie_where_the_codes_own_memory_map_puts_them(tmp_path: Path) -> None:
    own, given = "hirom\norg $C08000\nfoo: rtl\n", "org $C08000\nfoo: rtl\n"
    for code, mapper in ((own, "lorom"), (given, "hirom")):
        text, _ = await call_in(tmp_path, "convert_symbols", to="mlb", code=code, mapper=mapper)
        assert "\nSnesPrgRom:8000:foo" in text
    _, fields = await call_in(tmp_path, "convert_symbols", to="wla", code="foo = $7E0010\n")
    assert "7E:0010 foo" in fields["lines"]
    said, _ = await call_in(tmp_path, "convert_symbols", to="wla", code="nop\n")
    assert "no labels" in said


async def test_sarif_of_many_findings_comes_in_pages(tmp_path: Path) -> None:
    code = "org $008000\n" + "".join(f"l{number}: lda #$12345\n" for number in range(150)) + "rts\n"
    seen: list[str] = []
    offset = total = 0
    while offset >= 0:
        text, fields = await call_in(
            tmp_path, "lint", code=code, format="sarif", offset=offset, limit=200, level="suggestion"
        )
        run = json.loads(fields["sarif"])["runs"][0]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert all(rules[item["ruleIndex"]] == item["ruleId"] for item in run["results"])
        assert len(text) < 40_000
        seen += [item["ruleId"] for item in run["results"]]
        offset, total = fields["next_offset"], fields["total"]
    assert len(seen) == total >= 150


async def test_hardware_accesses_that_are_not_listed_are_counted_in_the_text(tmp_path: Path) -> None:
    text, fields = await call_in(tmp_path, "run_code", code="ldx #$40\n- sta $2118\ndex\nbne -\nrts\n")
    assert fields["hardware_total"] == 64
    assert "64 hardware accesses in all; show=hardware lists them" in text
    text, _ = await call_in(tmp_path, "run_code", code="sta $2118\nrts\n", show="memory")
    assert "1 hardware accesses in all" in text


async def test_a_value_that_an_index_register_cannot_hold_is_refused(tmp_path: Path) -> None:
    said, fields = await call_in(tmp_path, "run_code", code="rts", inputs=["X=$1234"])
    assert fields == {} and "x16" in said
    _, fields = await call_in(tmp_path, "run_code", code="rts", inputs=["X=$1234"], entry="x16")
    assert fields["registers"]["X"] == "$1234"


async def test_progress_only_ever_grows(tmp_path: Path) -> None:
    lines = [f"lda ${n:02x}\nclc\nadc ${n + 1:02x}\nsta ${n + 64:02x}\nlda #$00\nsta ${n + 128:02x}" for n in range(3)]
    seen: list[float] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        assert total is None and message
        seen.append(progress)

    with anyio.fail_after(120):
        async with Client(build(dataclasses.replace(HERE, project_root=tmp_path))) as client:
            code = "\n".join([*lines, "rts"])
            result = await client.call_tool("optimize_code", {"code": code, "live": "X"}, progress_callback=told)
    assert not result.is_error
    assert seen == sorted(set(seen))


async def test_a_prompt_that_is_not_there_or_lacks_an_argument_is_told(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with Client(build(dataclasses.replace(HERE, project_root=tmp_path))) as client:
            with pytest.raises(MCPError, match="the prompts are debug, explain, generate, optimise"):
                await client.get_prompt("nope", {})
            with pytest.raises(MCPError, match="code"):
                await client.get_prompt("explain", {})
