"""A user's ROM: read beneath the project folder, changed with a backup, put back."""

from pathlib import Path

import pytest

from knowledge.snes.addresses import COPIER_HEADER
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.rom_file import change_rom, read_rom, undo_change

ROM = bytes(0x8000)


def write(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)


def test_a_copier_header_is_parted_from_the_rom_and_kept_by_a_change(tmp_path: Path) -> None:
    write(tmp_path, "hack.smc", b"H" * COPIER_HEADER + ROM)
    with Root(tmp_path) as root:
        rom = read_rom(root, "hack.smc")
        assert (rom.header, rom.data) == (b"H" * COPIER_HEADER, ROM)
        change_rom(root, rom, b"\x01" + ROM[1:])
    assert (tmp_path / "hack.smc").read_bytes() == b"H" * COPIER_HEADER + b"\x01" + ROM[1:]


def test_changes_are_undone_one_by_one_in_reverse(tmp_path: Path) -> None:
    write(tmp_path, "hack.sfc", ROM)
    states = [ROM, b"\x01" + ROM[1:], b"\x02" + ROM[1:]]
    with Root(tmp_path) as root:
        for state in states[1:]:
            change_rom(root, read_rom(root, "hack.sfc"), state)
        for state in reversed(states[:-1]):
            undo_change(root, "hack.sfc")
            assert (tmp_path / "hack.sfc").read_bytes() == state
        with pytest.raises(ServerError, match="nothing to undo"):
            undo_change(root, "hack.sfc")


def test_a_new_file_leaves_the_rom_as_it_was_and_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path, "hack.sfc", ROM)
    with Root(tmp_path) as root:
        rom = read_rom(root, "hack.sfc")
        changed = change_rom(root, rom, b"\x01" + ROM[1:], output="new.sfc")
        assert (changed.path, changed.backup) == ("new.sfc", "")
        with pytest.raises(ServerError, match="is there already"):
            change_rom(root, rom, b"\x02" + ROM[1:], output="new.sfc")
    assert (tmp_path / "hack.sfc").read_bytes() == ROM
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hack.sfc", "new.sfc"]


def test_a_rom_that_somebody_changed_meanwhile_is_not_overwritten_by_a_change_or_an_undo(tmp_path: Path) -> None:
    write(tmp_path, "hack.sfc", ROM)
    with Root(tmp_path) as root:
        rom = read_rom(root, "hack.sfc")
        write(tmp_path, "hack.sfc", b"\x09" + ROM[1:])
        with pytest.raises(ServerError, match="meanwhile"):
            change_rom(root, rom, b"\x01" + ROM[1:])
        change_rom(root, read_rom(root, "hack.sfc"), b"\x01" + ROM[1:])
        write(tmp_path, "hack.sfc", b"\x08" + ROM[1:])
        with pytest.raises(ServerError, match="changed by something else"):
            undo_change(root, "hack.sfc")
    assert (tmp_path / "hack.sfc").read_bytes() == b"\x08" + ROM[1:]


def test_a_backup_that_is_gone_or_changed_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path, "hack.sfc", ROM)
    with Root(tmp_path) as root:
        changed = change_rom(root, read_rom(root, "hack.sfc"), b"\x01" + ROM[1:])
        (tmp_path / changed.backup).write_bytes(b"else")
        with pytest.raises(ServerError, match="was changed"):
            undo_change(root, "hack.sfc")
        (tmp_path / changed.backup).unlink()
        with pytest.raises(ServerError, match="is gone"):
            undo_change(root, "hack.sfc")
    assert (tmp_path / "hack.sfc").read_bytes() == b"\x01" + ROM[1:]


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.sfc", "no ROM"), ("../hack.sfc", "outside"), ("/etc/hostname", "absolute"), ("small.sfc", "32768 to")],
)
def test_what_is_no_rom_of_the_project_is_refused_with_the_next_step(tmp_path: Path, name: str, said: str) -> None:
    write(tmp_path, "small.sfc", b"abc")
    with Root(tmp_path) as root, pytest.raises(ServerError, match=said):
        read_rom(root, name)
