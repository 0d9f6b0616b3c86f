"""Patches of the project: their files are found beneath it, nothing else is, and ROMs come to no harm."""

from pathlib import Path

import anyio
import pytest

from tests.asar import NEEDS_ASAR, call_in

pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


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
    _, fields = await call_in(project(tmp_path, files), "assemble", code="file: patches/main.asm")
    assert fields["ok"], fields
    assert [block["hex"] for block in fields["blocks"]] == ["01 07 08 02"]


async def test_a_folder_named_for_including_is_searched_for_its_files(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "library/lib.asm": "db 5\n",
        "other.asm": 'org $008000\nincsrc "lib.asm"\n',
    }
    root = project(tmp_path, files)
    _, fields = await call_in(root, "assemble", code="file: other.asm", include=["library"])
    assert fields["ok"] and fields["blocks"][0]["hex"] == "05"
    text, fields = await call_in(root, "assemble", code="file: other.asm")
    assert fields["ok"] is False and "Efile_not_found" in text


@pytest.mark.parametrize("kind", ["incsrc", "incbin", "table"])
@pytest.mark.parametrize("where", ["absolute", "above"])
async def test_a_file_outside_the_project_is_never_read(tmp_path: Path, kind: str, where: str) -> None:
    secret = tmp_path / "secret.asm"
    secret.write_text("db $5E, $C3\n", encoding="utf-8")
    name = str(secret) if where == "absolute" else "../secret.asm"
    root = project(tmp_path / "project", {"main.asm": f'org $008000\n{kind} "{name}"\n'})
    text, fields = await call_in(root, "assemble", code="file: main.asm")
    assert not fields
    assert "outside the folder" in text and "5E" not in text


async def test_a_name_that_is_computed_reaches_nothing_outside_either(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\x5e\xc3")
    code = f'!x = "bin"\norg $008000\nin!{{x}} "{secret}"\n'.replace('"bin"', "cbin")
    root = project(tmp_path / "project", {"main.asm": code, "up.asm": code.replace(str(secret), "../secret.bin")})
    for name in ("main.asm", "up.asm"):
        text, fields = await call_in(root, "assemble", code=f"file: {name}")
        assert not fields.get("ok") and "5E C3" not in text


async def test_a_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.asm").write_text("db $5E\n", encoding="utf-8")
    root = project(tmp_path / "project", {"main.asm": 'org $008000\nincsrc "link.asm"\n'})
    (root / "link.asm").symlink_to(tmp_path / "secret.asm")
    text, fields = await call_in(root, "assemble", code="file: main.asm")
    assert not fields.get("ok") and "5E" not in text


async def test_onto_a_rom_each_written_byte_is_told_also_where_it_was_the_same(tmp_path: Path) -> None:
    rom = bytearray(0x8000)
    rom[0x100:0x104] = b"\x22\x00\x00\x6b"
    root = project(tmp_path, {"game.sfc": bytes(rom), "p.asm": "org $008100\ndb $22,$80,$00,$6B\n"})
    _, fields = await call_in(root, "assemble", code="file: p.asm", rom="game.sfc")
    assert [(block["address"], block["hex"]) for block in fields["blocks"]] == [("$008100", "22 80 00 6B")]
    assert (root / "game.sfc").read_bytes() == bytes(rom)


async def test_asserts_on_the_rom_below_a_patch_hold(tmp_path: Path) -> None:
    rom = bytearray(0x8000)
    rom[0x100] = 0x42
    patch = 'assert read1($008100) == $42, "not the ROM that was meant"\norg $008100\ndb $43\n'
    root = project(tmp_path, {"game.sfc": bytes(rom), "p.asm": patch})
    _, fields = await call_in(root, "assemble", code="file: p.asm", rom="game.sfc")
    assert fields["ok"] and [block["hex"] for block in fields["blocks"]] == ["43"]
    _, fields = await call_in(root, "assemble", code="file: p.asm")
    assert fields["ok"] is False


async def test_too_much_to_include_and_no_such_patch_are_told(tmp_path: Path) -> None:
    root = project(tmp_path, {"binary.asm": b"\xff\xfe\x00", "game.sfc": bytes(0x8000)})
    for name, said in (("none.asm", "no patch"), ("binary.asm", "NUL|UTF-8"), ("../x.asm", "outside")):
        text, fields = await call_in(root, "assemble", code=f"file: {name}")
        assert not fields and any(part in text for part in said.split("|")), text


async def test_an_address_is_translated_both_ways_for_a_mapper(tmp_path: Path) -> None:
    text, fields = await call_in(tmp_path, "translate_address", address="$80FFC0")
    assert fields["pc_offset"] == "0x007FC0" and "0x007FC0" in text
    _, fields = await call_in(tmp_path, "translate_address", address="pc:0x7FC0", mapper="lorom")
    assert fields["canonical"] == "$00FFC0"
    text, fields = await call_in(tmp_path, "translate_address", address="nowhere")
    assert not fields and "$7E0010" in text


async def test_labels_become_a_mesen_file_with_rom_offsets_and_come_back(tmp_path: Path) -> None:
    code = "org $008000\nMain: nop\nLoop: bra Loop\n"
    _, fields = await call_in(tmp_path, "convert_symbols", to="mlb", code=code)
    assert "SnesPrgRom:0001:Loop" in "\n".join(fields["lines"])
    project(tmp_path, {"game.mlb": "\n".join(fields["lines"])})
    _, fields = await call_in(tmp_path, "convert_symbols", to="wla", symbols="game.mlb")
    assert "00:8001 Loop" in fields["lines"]


def game(folder: Path) -> bytes:
    """Write a small LoROM game: a routine at $008100 that is called from reset, free space behind it."""
    rom = bytearray(0x8000)
    rom[0x0000:0x000C] = bytes.fromhex("78 18 FB E2 30 22 00 81 00 4C 0A 80")
    rom[0x000A:0x000C] = b"\x80\xfe"
    rom[0x0100:0x010A] = bytes.fromhex("A5 10 18 69 05 8D 00 02 6B EA")
    rom[0x7FC0:0x7FD5] = b"TEST GAME            "
    rom[0x7FD5:0x7FE0] = bytes.fromhex("20 00 05 00 01 00 00 00 00 00 00")
    rom[0x7FFC:0x7FFE] = b"\x00\x80"
    (folder / "game.sfc").write_bytes(rom)
    return bytes(rom)


GOOD = "org $008100\njsl $00C000\nnop\norg $00C000\nlda $10\nclc\nadc #$07\nrtl\n"


async def test_a_whole_hook_into_free_space_is_found_right_and_its_way_back_told(tmp_path: Path) -> None:
    game(tmp_path)
    text, fields = await call_in(tmp_path, "check_patch", patches=[GOOD], rom="game.sfc")
    assert fields["ok"], text
    assert "JSL $00C000" in fields["hooks"][0] and "$008105" in fields["hooks"][0]


async def test_a_hook_that_cuts_an_instruction_is_an_error_and_is_not_applied(tmp_path: Path) -> None:
    rom = game(tmp_path)
    bad = GOOD.replace("nop\n", "")
    text, fields = await call_in(tmp_path, "check_patch", patches=[bad], rom="game.sfc")
    assert fields["ok"] is False and "AFSP02" in [item["id"] for item in fields["findings"]]
    text, fields = await call_in(tmp_path, "apply_patch", patch=bad, rom="game.sfc")
    assert not fields and "not applied" in text and "AFSP02" in text
    assert (tmp_path / "game.sfc").read_bytes() == rom


async def test_patches_that_overlap_and_bytes_that_were_not_expected_are_told(tmp_path: Path) -> None:
    game(tmp_path)
    patches = [GOOD, "org $00C002\ndb 1\n"]
    _, fields = await call_in(tmp_path, "check_patch", patches=patches, rom="game.sfc", expected=["$008100=A5 11"])
    ids = [item["id"] for item in fields["findings"]]
    assert "AFSP10" in ids and "AFSP15" in ids
    _, fields = await call_in(tmp_path, "check_patch", patches=[GOOD], rom="game.sfc", allowed=["$00C000-$00CFFF"])
    assert "AFSP13" in [item["id"] for item in fields["findings"]]


async def test_a_patch_is_applied_with_a_backup_and_a_right_checksum_and_undone(tmp_path: Path) -> None:
    rom = game(tmp_path)
    text, fields = await call_in(tmp_path, "apply_patch", patch=GOOD, rom="game.sfc")
    patched = (tmp_path / "game.sfc").read_bytes()
    assert patched[0x100:0x105] == bytes.fromhex("22 00 C0 00 EA"), text
    assert sum(patched) & 0xFFFF == int.from_bytes(patched[0x7FDE:0x7FE0], "little")
    assert (tmp_path / fields["backup"]).read_bytes() == rom
    text, fields = await call_in(tmp_path, "undo_patch", rom="game.sfc")
    assert fields["restored_from"] and (tmp_path / "game.sfc").read_bytes() == rom


async def test_a_new_file_may_be_written_instead(tmp_path: Path) -> None:
    rom = game(tmp_path)
    _, fields = await call_in(tmp_path, "apply_patch", patch=GOOD, rom="game.sfc", output="hack.sfc")
    assert fields["rom"] == "hack.sfc" and fields["backup"] == ""
    assert (tmp_path / "game.sfc").read_bytes() == rom
    text, fields = await call_in(tmp_path, "apply_patch", patch=GOOD, rom="game.sfc", output="../hack.sfc")
    assert not fields and "outside" in text


async def test_files_are_found_whatever_their_names_hold(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "main.asm": '!dir = "sub"\n!name := parts\norg $008000\nincsrc "!dir/!{name}.asm" ; incsrc "/etc/passwd"\n'
        'incbin "a; b.bin"\ndb readfile1("sub/c.bin",1),filesize("sub/c.bin")\ndw table/2\ntable:\n',
        "sub/parts.asm": "incsrc deep.code\n",
        "sub/deep.code": 'incbin "../e.bin"\n',
        "sub/c.bin": b"\x03\x04",
        "a; b.bin": b"\x01",
        "e.bin": b"\x09",
    }
    _, fields = await call_in(project(tmp_path, files), "assemble", code="file: main.asm")
    assert fields["blocks"][0]["hex"] == "09 01 04 02 03 40"


async def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.asm": 'org $008000\nincsrc "nope.asm"\n',
        "b.asm": 'org $008000\nmacro m(f)\nincbin "../../<f>"\nendmacro\n%m("etc/passwd")\n',
        "lib/one.asm": 'incsrc "../far/two.asm"\n',
        "far/two.asm": "db 2\n",
        "c.asm": 'org $008000\nmacro m(f)\nincsrc "<f>.asm"\nendmacro\n%m("one")\n',
    }
    folder = project(tmp_path, files)
    missing, _ = await call_in(folder, "assemble", code="file: a.asm")
    assert "name its folder in include" in missing
    outside, _ = await call_in(folder, "assemble", code="file: b.asm")
    assert "only files below the project folder can be read" in outside
    computed, _ = await call_in(folder, "assemble", code="file: c.asm")
    assert "name its folder in include" in computed
    _, fields = await call_in(folder, "assemble", code="file: c.asm", include=["lib"])
    assert fields["blocks"][0]["hex"] == "02"
    _, fields = await call_in(folder, "assemble", code='org $008000\nincbin "lib/one.asm"\n')
    assert "file: and its name" in fields["diagnostics"][0]["next_step"]


async def test_the_whole_project_can_be_what_a_patch_includes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "patches/main.asm": 'org $008000\nmacro m(f)\nincsrc "<f>.asm"\nendmacro\n%m("lib/one")\n',
        "lib/one.asm": "db 1\n",
    }
    folder = project(tmp_path, files)
    _, fields = await call_in(folder, "assemble", code="file: patches/main.asm")
    assert not fields["ok"]
    _, fields = await call_in(folder, "assemble", code="file: patches/main.asm", include=["."])
    assert fields["ok"]


def rom_image(size: int = 0x80000, title: bytes = b"A ROM OF TESTS") -> bytes:
    """A LoROM that returns at once, filled with $FF, with a header but for an empty title."""
    image = bytearray(b"\xff" * size)
    image[0] = 0x6B
    if title:
        image[0x7FC0:0x7FD5] = title.ljust(21)
        image[0x7FD5:0x8000] = bytes((0x20, 0, 9, 0, 1, 0x33, 0, 0, 0, 0, 0)) + b"\x00\x80" * 16
    return bytes(image)


async def test_code_without_a_place_is_not_put_over_a_rom(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image()})
    _, fields = await call_in(folder, "check_patch", patches=["lda #$05\nrtl\n"], rom="a.sfc")
    assert (fields["ok"], fields["findings"][0]["id"]) == (False, "W_afs_default_org")
    said, fields = await call_in(folder, "apply_patch", patch="lda #$05\nrtl\n", rom="a.sfc")
    assert fields == {} and "write org" in said
    assert (folder / "a.sfc").read_bytes() == rom_image()


async def test_what_asar_warns_of_is_told_with_a_patch(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image()})
    patch = "org $008100\njsl New\nfreecode\nNew: rtl\n"
    text, fields = await call_in(folder, "check_patch", patches=[patch], rom="a.sfc")
    assert "Wfreespace_leaked" in [item["id"] for item in fields["findings"]]
    assert "Wfreespace_leaked" in text
    _, fields = await call_in(folder, "apply_patch", patch=patch, rom="a.sfc")
    assert any("Wfreespace_leaked" in text for text in fields["warnings"])


async def test_a_patch_that_is_in_the_rom_already_says_so(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image()})
    patch = "org $008100\nautoclean jsl New\nfreecode\nNew: rtl\n"
    _, fields = await call_in(folder, "apply_patch", patch=patch, rom="a.sfc")
    assert fields["size_after"] == 0x100000
    said, fields = await call_in(folder, "apply_patch", patch=patch, rom="a.sfc")
    assert fields == {} and "changes nothing" in said and "undo_patch" in said


async def test_a_rom_grows_by_whole_banks_and_is_never_taken_for_a_headered_one(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image()})
    patch = "org $208000\n" + "db " + ",".join(["1"] * 512) + "\n"
    text, fields = await call_in(folder, "check_patch", patches=[patch], rom="a.sfc")
    assert fields["size_after"] == 0x108000
    assert "bank $10-$1F: 16 new, all free" in text
    await call_in(folder, "apply_patch", patch=patch, rom="a.sfc")
    after = (folder / "a.sfc").read_bytes()
    assert (len(after), after[0x100000:0x100201]) == (0x108000, b"\x01" * 512 + b"\0")


async def test_a_rom_without_a_header_gets_no_checksum(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image(title=b"")})
    _, fields = await call_in(folder, "apply_patch", patch="org $008100\ndb 1\n", rom="a.sfc")
    assert fields["checksum"] == ""
    before, after = rom_image(title=b""), (folder / "a.sfc").read_bytes()
    assert [place for place in range(len(before)) if before[place] != after[place]] == [0x100]


async def test_an_output_that_is_there_and_a_rom_that_is_gone_are_told(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image(), "b.sfc": b"mine"})
    said, _ = await call_in(folder, "apply_patch", patch="org $008100\ndb 1\n", rom="a.sfc", output="b.sfc")
    assert "name a new file as output" in said
    await call_in(folder, "apply_patch", patch="org $008100\ndb 1\n", rom="a.sfc")
    (folder / "a.sfc").unlink()
    said, fields = await call_in(folder, "undo_patch", rom="a.sfc")
    assert fields == {} and "is gone" in said


async def test_of_two_patches_at_once_one_is_told_to_try_again(tmp_path: Path) -> None:
    folder = project(tmp_path, {"a.sfc": rom_image()})
    said: list[str] = []

    async def one(value: int) -> None:
        text, fields = await call_in(folder, "apply_patch", patch=f"org $008100\ndb {value}\n", rom="a.sfc")
        said.append("" if fields else text)

    async with anyio.create_task_group() as group:
        group.start_soon(one, 1)
        group.start_soon(one, 2)
    lost = [text for text in said if text]
    assert all("call again" in text or "read it again" in text for text in lost)
    for _ in range(2 - len(lost)):
        await call_in(folder, "undo_patch", rom="a.sfc")
    assert (folder / "a.sfc").read_bytes() == rom_image()
