"""Cleaning up by plans and receipts that somebody has edited, and scans and clean-ups that were cut short."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from servers.settings import Settings
from servers.workspace.cleanup import plan_tree
from servers.workspace.cli import workspace
from servers.workspace.opened import Opened
from servers.workspace.scan_walk import PATIENT
from tests.planted import plant

AFS = str(Path(sysconfig.get_path("scripts"), "afs"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=root)


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setenv("AFS_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("AFS_CONTEXT_ROOT", str(settings.context_root))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return CliRunner()


def snapshot(root: Path) -> dict[str, bytes]:
    """Each file below a folder that is in no trash, with its content."""
    paths = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in paths
        if not path.relative_to(root).parts[0].startswith(".Trash-")
    }


def made(settings: Settings, what: Any = "all") -> Path:
    opened = Opened(settings)
    planned = plan_tree(opened, "", PATIENT, plan="", what=what, min_size=1, limit=200, offset=0)
    opened.close()
    return Path(planned.plan_file)


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "../outside.bin", "/etc/hostname", "src/../../outside.bin", "way/outside.bin", "link", ".git/hooks",
     "\\x2e\\x2e/outside.bin", "a\0b", "x" * 5_000, ".claude/settings.json"],
)  # fmt: skip
@pytest.mark.parametrize("sort", ["temporary", "cache"])
def test_an_edited_plan_moves_nothing_outside_nothing_sealed_and_no_root(
    root: Path, settings: Settings, command: CliRunner, path: str, sort: str
) -> None:
    outside = root.with_name("outside.bin")
    outside.write_bytes(b"not yours")
    os.utime(outside, ns=(5, 5))
    (root / "way").symlink_to(root.parent)
    (root / "link").symlink_to(outside)
    for name in (".claude/settings.json", ".git/hooks/pre-commit", "keep.tmp"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not yours")
        os.utime(root / name, ns=(5, 5))
    plan = made(settings)
    action = {"number": 1, "sort": sort, "path": path, "size": 9, "modified_ns": 5, "sure": "sure", "why": "so"}
    edited(plan, lambda raw: raw.update(actions=[action]))
    before = snapshot(root)
    done = command.invoke(workspace, ["apply", str(plan), "--yes"])
    assert done.exit_code == 1, done.output
    assert snapshot(root) == before
    assert outside.read_bytes() == b"not yours"


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 200])
def test_a_plan_whose_name_is_a_path_is_no_plan(settings: Settings, command: CliRunner, name: str) -> None:
    plan = made(settings)
    edited(plan, lambda raw: raw.update(id=name))
    done = command.invoke(workspace, ["apply", str(plan), "--yes"])
    assert done.exit_code == 1
    assert "is no plan" in done.output


def test_two_copies_that_each_count_on_the_other_do_not_both_go(
    root: Path, settings: Settings, command: CliRunner
) -> None:
    for name in ("a.bin", "b (1).bin"):
        (root / name).write_bytes(b"twins" * 100)
    plan = made(settings, "duplicate")

    def both(raw: dict[str, Any]) -> None:
        (one,) = raw["actions"]
        (other,) = one["keep"]
        modified = (root / other).stat().st_mtime_ns
        raw["actions"].append({**one, "number": 2, "path": other, "keep": [one["path"]], "modified_ns": modified})

    edited(plan, both)
    assert command.invoke(workspace, ["apply", str(plan), "--yes"]).exit_code == 1
    assert len(snapshot(root)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"info": "precious.txt"},
        {"trashed": "precious.txt", "path": "new.txt"},
        {"trashed": "../files/x", "path": "new.txt"},
        {"path": "../outside.txt"},
        {"path": ".claude/settings.json"},
        {"path": ".git/hooks/pre-commit"},
    ],
)
def test_an_edited_receipt_removes_nothing_and_puts_nothing_where_it_may_not_be(
    root: Path, settings: Settings, command: CliRunner, change: dict[str, str]
) -> None:
    (root / "precious.txt").write_bytes(b"mine")
    for name in ("a.bin", "b (1).bin"):
        (root / name).write_bytes(b"twins" * 100)
    plan = made(settings, "duplicate")
    assert command.invoke(workspace, ["apply", str(plan), "--yes"]).exit_code == 0
    receipt = plan.with_name(f"{plan.stem}-receipt.json")
    edited(receipt, lambda raw: raw["moves"][0].update(change))
    command.invoke(workspace, ["undo", str(receipt)])
    assert (root / "precious.txt").read_bytes() == b"mine"
    assert sorted(os.listdir(root.parent)) == ["data", "home"]
    assert not (root / ".claude").exists() and not (root / ".git").exists()


def test_a_clean_up_that_was_killed_can_be_undone_and_so_can_an_undo(
    root: Path, settings: Settings, command: CliRunner
) -> None:
    plant(root)
    before = snapshot(root)
    plan = made(settings)
    receipt = plan.with_name(f"{plan.stem}-receipt.json")
    with subprocess.Popen([AFS, "workspace", "apply", str(plan), "--sure", "unsure", "--yes"]) as process:
        while process.poll() is None and len(list(root.glob(".Trash-*/files/*"))) < 3:
            pass
        process.kill()
    assert snapshot(root) != before
    done = command.invoke(workspace, ["undo", str(receipt)])
    assert done.exit_code == 0, done.output
    assert snapshot(root) == before
    edited(receipt, lambda raw: raw["moves"][0].update(state="moved", why=""))
    assert command.invoke(workspace, ["undo", str(receipt)]).exit_code == 0
    assert list(root.glob(".Trash-*/*/*")) == []


def test_an_undo_removes_what_a_killed_clean_up_had_not_finished(
    root: Path, settings: Settings, command: CliRunner
) -> None:
    plant(root)
    plan = made(settings)
    assert command.invoke(workspace, ["apply", str(plan), "--sure", "unsure", "--yes"]).exit_code == 0
    (info,) = root.glob(".Trash-*/info")
    (info / ".0123456789abcdef.afs-tmp").write_bytes(b"[Trash Info]\n")
    assert command.invoke(workspace, ["undo", str(plan.with_name(f"{plan.stem}-receipt.json"))]).exit_code == 0
    assert list(root.glob(".Trash-*/*/*")) == []


def test_a_backup_is_in_no_plan(root: Path, settings: Settings) -> None:
    plant(root)
    for name in ("backups/laptop.tar.gz", "Downloads/some-program.tar.gz"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(os.urandom(5_000))
        os.utime(root / name, (1, 1))
    planned = [action["path"] for action in json.loads(made(settings).read_text(encoding="utf-8"))["actions"]]
    assert "Downloads/some-program.tar.gz" in planned
    assert "backups/laptop.tar.gz" not in planned


def _written(data_dir: Path) -> bool:
    """Tell whether a scan has written its first folders."""
    for path in (data_dir / "scans").glob("*.sqlite"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
            return bool(db.execute("SELECT count(*) FROM file").fetchone()[0])  # what is in the log may be undone
    return False


@pytest.mark.usefixtures("command")
def test_a_scan_that_was_interrupted_by_the_user_goes_on(root: Path, settings: Settings) -> None:
    for number in range(14_000):  # more than one batch
        if number % 20 == 0:
            (root / f"f{number // 2_000}/g{number}").mkdir(parents=True)
        (root / f"f{number // 2_000}/g{number // 20 * 20}" / f"{number}.txt").touch()
    command = [AFS, "workspace", "scan", str(root), "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not _written(settings.data_dir):
            pass
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and b"Aborted" in said and b"Traceback" not in said
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    told = json.loads(done.stdout)
    assert (told["files"], told["complete"]) == (14_000, True)
    assert "went on with a scan" in told["how"]


@pytest.mark.usefixtures("command")
def test_a_disk_that_is_full_is_said_and_the_next_scan_goes_on(root: Path) -> None:
    plant(root)
    scan = f"{AFS} workspace scan {root} --json"
    done = subprocess.run(["sh", "-c", f"ulimit -f 32; exec {scan}"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert b"free some space" in done.stderr and b"Traceback" not in done.stderr
    again = subprocess.run(["sh", "-c", scan], capture_output=True, check=True, timeout=60)
    assert json.loads(again.stdout)["complete"]
