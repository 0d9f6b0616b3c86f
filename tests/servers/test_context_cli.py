"""`afs context`: laying out, showing and mending a context root, without losing anything."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from servers.context.cli import context
from servers.machine.beneath import Root
from servers.machine.layout import layout_of, project_of


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFS_CONTEXT_ROOT", str(tmp_path / "context"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "hack" / "asm").mkdir(parents=True)
    (tmp_path / "home" / "hack" / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "home" / "hack" / "asm")
    return tmp_path / "context"


def run(*arguments: str, code: int = 0) -> str:
    result: Result = CliRunner().invoke(context, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def told(*arguments: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json", code=code))
    return found


def aged(path: Path) -> None:
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_init_lays_out_version_2_and_registers_the_git_root_once(root: Path) -> None:
    first, second = told("init"), told("init")
    assert (first["version"], first["registered"], second["registered"], second["made"]) == (2, True, False, [])
    assert first["project"] == second["project"]
    assert first["project"]["paths"] == [str(Path.cwd().parent)]
    assert (root / "memory" / "common").is_dir()
    assert (root / ".afs" / "queue" / "messages").is_dir()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    with Root(root) as opened:
        assert layout_of(opened).version == 2
        found = project_of(opened, Path.cwd())
    assert found is not None
    assert found.id == first["project"]["id"]


def test_init_lays_out_version_1_when_asked_and_never_makes_one_version_the_other(root: Path) -> None:
    assert told("init", "--layout", "1")["version"] == 1
    assert json.loads((root / "metadata.json").read_text(encoding="utf-8"))["agents"] == []
    assert told("init")["version"] == 1
    assert "layout version 1 already" in run("init", "--layout", "2", code=1)


def test_the_home_folder_is_no_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path.home())
    assert told("init")["project"] is None
    assert not list((root / ".afs" / "projects").iterdir())


def test_an_unmarked_root_moves_into_version_2_and_can_be_taken_back(root: Path) -> None:
    for name in ("memory/a.md", "scratchpad/state.md", "history/runs/1.json", "own.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    done = told("init", "--no-project")
    assert (root / "memory/common/a.md").read_text(encoding="utf-8") == "memory/a.md"
    assert (root / "history/common/runs/1.json").exists()
    assert (root / "own.md").exists()
    back = told("repair", "--undo", done["undo"])
    assert (len(back["back"]), back["left"]) == (3, [])
    assert (root / "memory/a.md").exists()


def test_repair_makes_folders_puts_broken_pieces_aside_and_deletes_nothing(root: Path) -> None:
    told("init")
    (root / "human" / "common").rmdir()
    record = root / ".afs" / "projects" / f"prj_{'d' * 32}.toml"
    record.write_text("no toml [", encoding="utf-8")
    log = root / "history" / "common" / "events_20261121.jsonl"
    log.write_bytes(b'{"a": 1}\n{"b": 2}\n{"c": ')
    whole = root / "history" / "common" / "whole.jsonl"
    whole.write_bytes(b'{"a": 1}\n{"b": 2}')
    log.chmod(0o666)
    for path in (log, whole):
        aged(path)
    (root / "memory" / "common" / ".0123456789abcdef.afs-tmp").write_bytes(b"half")
    planned = told("repair", "--dry-run")
    assert len(planned["done"]) == 4
    assert log.read_bytes().endswith(b'{"c": ')
    done = told("repair")
    assert (done["failed"], done["told"]) == ([], [])
    assert (root / "human" / "common").is_dir()
    assert log.read_bytes() == b'{"a": 1}\n{"b": 2}\n'
    assert whole.read_bytes() == b'{"a": 1}\n{"b": 2}'
    assert stat.S_IMODE(log.stat().st_mode) == 0o644
    assert not record.exists()
    aside = {path.name: path.read_bytes() for path in (root / ".afs" / "repair").rglob("*") if path.is_file()}
    assert (aside["events_20261121.jsonl.tail"], aside[record.name]) == (b'{"c": ', b"no toml [")
    assert not list(root.rglob("*.afs-tmp"))
    assert told("repair")["done"] == []
    back = told("repair", "--undo", done["undo"])
    assert back["left"] == []
    assert log.read_bytes().endswith(b'{"c": ')
    assert record.read_bytes() == b"no toml ["


def test_a_tail_is_given_back_only_to_the_file_as_it_was_left(root: Path) -> None:
    told("init")
    log = root / "history" / "common" / "events.jsonl"
    log.write_bytes(b'{"a": 1}\n\0\0\0\n')
    aged(log)
    done = told("repair")
    log.write_bytes(b'{"a": 1}\n{"new": 1}\n')
    left = told("repair", "--undo", done["undo"], code=1)["left"]
    assert "has changed" in left[0]
    assert log.read_bytes() == b'{"a": 1}\n{"new": 1}\n'


def test_a_file_that_is_being_written_is_left_alone(root: Path) -> None:
    told("init")
    log = root / "history" / "common" / "events.jsonl"
    log.write_bytes(b'{"half": ')
    assert told("repair")["done"] == []


def test_a_broken_marker_is_put_aside_and_written_anew(root: Path) -> None:
    told("init")
    (root / ".afs" / "layout.toml").write_text("version = 9", encoding="utf-8")
    assert "layout.toml" in run("status", code=1)
    assert "layout.toml" in run("repair", "--dry-run")
    assert "version 2" in run("repair")
    assert told("status")["version"] == 2


def test_what_only_a_person_can_mend_is_told(root: Path, tmp_path: Path) -> None:
    told("init")
    (root / "loose").mkdir()
    (root / "memory" / "common" / "out").symlink_to(tmp_path)
    Path.cwd().parent.rename(tmp_path / "home" / "moved")
    found = "\n".join(told("repair")["told"])
    for part in ("loose", "memory/common/out", "afs context init"):
        assert part in found


@pytest.mark.parametrize("name", ["", "..", "../../x", "none", "a/b", "\n"])
def test_an_undo_of_nothing_says_so(root: Path, name: str) -> None:
    told("init")
    if name:
        assert "repair" in run("repair", "--undo", name, code=1)
    assert told("status")["problems"] == []


def test_status_and_repair_of_a_root_that_is_not_there_name_the_next_step(root: Path) -> None:
    for command in ("status", "repair"):
        assert "afs context init" in run(command, code=1)
    assert not root.exists()


def test_a_mount_is_made_and_taken_away_by_the_user(root: Path) -> None:
    told("init")
    assert "mounted" in run("mount", "hack", str(Path.cwd()))
    assert "mounts/hack" in run("status")
    assert "removed" in run("mount", "hack")
    assert "whole home" in run("mount", "home", str(Path.home()), code=1)
