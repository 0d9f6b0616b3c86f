"""Patches of the project: their files are found beneath it, nothing else is, and ROMs come to no harm."""

import dataclasses
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from servers.asar.server import build
from servers.machine.asar import find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

HERE = Settings.from_environment()


def _asar_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


pytestmark = [
    pytest.mark.anyio,
    pytest.mark.asar,
    pytest.mark.skipif(not _asar_there(), reason="asar is absent: afs fetch asar"),
]


async def call(root: Path, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the text and the fields of a result; the fields are empty when it is an error."""
    with anyio.fail_after(60):
        async with Client(build(dataclasses.replace(HERE, project_root=root))) as client:
            result = await client.call_tool(tool, arguments)
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text, {} if result.is_error else dict(result.structured_content or {})


def project(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


async def test_a_patch_is_assembled_with_the_files_that_it_includes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "patches/main.asm": 'lorom\norg $008000\nincsrc "sub/macros.asm"\nincbin "../data/table.bin"\n%two()\n',
        "patches/sub/macros.asm": 'macro two()\ndb 2\nendmacro\nincsrc "deeper.asm"\n',
        "patches/sub/deeper.asm": "db 1\n",
        "data/table.bin": b"\x07\x08",
    }
    _, fields = await call(project(tmp_path, files), "assemble", code="file: patches/main.asm")
    assert fields["ok"], fields
    assert [block["hex"] for block in fields["blocks"]] == ["01 07 08 02"]


async def test_a_folder_named_for_including_is_searched_for_its_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "library/lib.asm": "db 5\n",
        "other.asm": 'org $008000\nincsrc "lib.asm"\n',
    }
    root = project(tmp_path, files)
    _, fields = await call(root, "assemble", code="file: other.asm", include=["library"])
    assert fields["ok"] and fields["blocks"][0]["hex"] == "05"
    text, fields = await call(root, "assemble", code="file: other.asm")
    assert fields["ok"] is False and "Efile_not_found" in text


@pytest.mark.parametrize("kind", ["incsrc", "incbin", "table"])
@pytest.mark.parametrize("where", ["absolute", "above"])
async def test_a_file_outside_the_project_is_never_read(tmp_path: Path, kind: str, where: str) -> None:
    secret = tmp_path / "secret.asm"
    secret.write_text("db $5E, $C3\n", encoding="utf-8")
    name = str(secret) if where == "absolute" else "../secret.asm"
    root = project(tmp_path / "project", {"main.asm": f'org $008000\n{kind} "{name}"\n'})
    text, fields = await call(root, "assemble", code="file: main.asm")
    assert not fields
    assert "outside the folder" in text and "5E" not in text


async def test_a_name_that_is_computed_reaches_nothing_outside_either(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\x5e\xc3")
    code = f'!x = "bin"\norg $008000\nin!{{x}} "{secret}"\n'.replace('"bin"', "cbin")
    root = project(tmp_path / "project", {"main.asm": code, "up.asm": code.replace(str(secret), "../secret.bin")})
    for name in ("main.asm", "up.asm"):
        text, fields = await call(root, "assemble", code=f"file: {name}")
        assert not fields.get("ok") and "5E C3" not in text


async def test_a_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.asm").write_text("db $5E\n", encoding="utf-8")
    root = project(tmp_path / "project", {"main.asm": 'org $008000\nincsrc "link.asm"\n'})
    (root / "link.asm").symlink_to(tmp_path / "secret.asm")
    text, fields = await call(root, "assemble", code="file: main.asm")
    assert not fields.get("ok") and "5E" not in text


async def test_onto_a_rom_each_written_byte_is_told_also_where_it_was_the_same(tmp_path: Path) -> None:
    rom = bytearray(0x8000)
    rom[0x100:0x104] = b"\x22\x00\x00\x6b"
    root = project(tmp_path, {"game.sfc": bytes(rom), "p.asm": "org $008100\ndb $22,$80,$00,$6B\n"})
    _, fields = await call(root, "assemble", code="file: p.asm", rom="game.sfc")
    assert [(block["address"], block["hex"]) for block in fields["blocks"]] == [("$008100", "22 80 00 6B")]
    assert (root / "game.sfc").read_bytes() == bytes(rom)


async def test_asserts_on_the_rom_below_a_patch_hold(tmp_path: Path) -> None:
    rom = bytearray(0x8000)
    rom[0x100] = 0x42
    patch = 'assert read1($008100) == $42, "not the ROM that was meant"\norg $008100\ndb $43\n'
    root = project(tmp_path, {"game.sfc": bytes(rom), "p.asm": patch})
    _, fields = await call(root, "assemble", code="file: p.asm", rom="game.sfc")
    assert fields["ok"] and [block["hex"] for block in fields["blocks"]] == ["43"]
    _, fields = await call(root, "assemble", code="file: p.asm")
    assert fields["ok"] is False


async def test_too_much_to_include_and_no_such_patch_are_told(tmp_path: Path) -> None:
    root = project(tmp_path, {"binary.asm": b"\xff\xfe\x00", "game.sfc": bytes(0x8000)})
    for name, said in (("none.asm", "no patch"), ("binary.asm", "NUL|UTF-8"), ("../x.asm", "outside")):
        text, fields = await call(root, "assemble", code=f"file: {name}")
        assert not fields and any(part in text for part in said.split("|")), text


async def test_an_address_is_translated_both_ways_for_a_mapper(tmp_path: Path) -> None:
    text, fields = await call(tmp_path, "translate_address", address="$80FFC0")
    assert fields["pc_offset"] == "0x007FC0" and "0x007FC0" in text
    _, fields = await call(tmp_path, "translate_address", address="pc:0x7FC0", mapper="lorom")
    assert fields["canonical"] == "$00FFC0"
    text, fields = await call(tmp_path, "translate_address", address="nowhere")
    assert not fields and "$7E0010" in text


async def test_labels_become_a_mesen_file_with_rom_offsets_and_come_back(tmp_path: Path) -> None:
    code = "org $008000\nMain: nop\nLoop: bra Loop\n"
    _, fields = await call(tmp_path, "convert_symbols", to="mlb", code=code)
    assert "SnesPrgRom:0001:Loop" in "\n".join(fields["lines"])
    project(tmp_path, {"game.mlb": "\n".join(fields["lines"])})
    _, fields = await call(tmp_path, "convert_symbols", to="wla", symbols="game.mlb")
    assert "00:8001 Loop" in fields["lines"]
