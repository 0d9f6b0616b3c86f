"""Duplicates and cleaning up: every group and none false, a plan that moves nothing, and a way back from doing it."""

import hashlib
import json
import os
import random
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client

from servers.machine.beneath import Root
from servers.settings import Settings
from servers.workspace import duplicates_hashing
from servers.workspace.cli import workspace
from servers.workspace.duplicates import find_groups
from servers.workspace.duplicates_hands import ChildHand
from servers.workspace.duplicates_reading import Hashes, Wanted, head_of
from servers.workspace.opened import Opened
from servers.workspace.scan_walk import PATIENT
from servers.workspace.server import build
from tests.planted import plant

pytestmark = pytest.mark.anyio


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
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return CliRunner()


async def good(settings: Settings, tool: str, **arguments: Any) -> dict[str, Any]:
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def all_groups(settings: Settings, **arguments: Any) -> dict[str, set[str]]:
    """Every group of every page, by its hash."""
    out: dict[str, set[str]] = {}
    offset = 0
    while offset >= 0:
        page = await good(settings, "find_duplicates", offset=offset, limit=40, **arguments)
        out |= {group["sha256"]: set(group["paths"]) for group in page["groups"]}
        offset = page["next_offset"]
    return out


def groups_by_force(root: Path) -> dict[str, set[str]]:
    """Groups of the same content, found by hashing everything; names of one file count once."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    ones: defaultdict[str, set[int]] = defaultdict(set)
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            sign = hashlib.sha256(path.read_bytes()).hexdigest()
            found[sign].add(str(path.relative_to(root)))
            ones[sign].add(path.stat().st_ino)
    return {sign: paths for sign, paths in found.items() if len(ones[sign]) > 1}


def plant_copies(root: Path) -> None:
    """Files of few sizes: same heads with other tails, same tails with other heads, copies, hard links, empty ones."""
    chance = random.Random(5)
    contents = [bytes([chance.randrange(3)]) * chance.choice((1, 100, 4_096, 4_097)) for _ in range(40)]
    for size in (4_096, 65_536, 65_537, 200_000):
        body = bytearray(chance.randbytes(size))
        contents.append(bytes(body))
        for place in (0, 4_095, size - 1):
            other = bytearray(body)
            other[place] ^= 1
            contents.append(bytes(other))
    for number in range(400):
        path = root / f"folder{number % 7}" / f"deeper{number % 3}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.choice(contents))
    os.link(root / "folder0/deeper0/0.bin", root / "hard_link.bin")
    (root / "alone.bin").write_bytes(b"only its own names have this")
    os.link(root / "alone.bin", root / "alone_again.bin")
    (root / "empty1").touch()
    (root / "empty2").touch()


async def test_every_group_of_duplicates_is_found_and_none_is_false(root: Path, settings: Settings) -> None:
    plant_copies(root)
    expected = groups_by_force(root)
    assert len(expected) > 15
    assert await all_groups(settings) == expected


async def test_processes_that_hash_find_the_same(
    root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_copies(root)
    monkeypatch.setattr(duplicates_hashing, "_MANY", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert await all_groups(settings) == groups_by_force(root)


def test_a_process_that_dies_is_stood_in_for(root: Path) -> None:
    (root / "a.bin").write_bytes(b"content")
    state = (root / "a.bin").stat()
    wanted = Wanted(1, b"", b"a.bin", state.st_size, state.st_mtime_ns, state.st_ino)
    with Root(root) as opened:
        hand = ChildHand(opened, lambda: False, root)
        hand.close()
        digest = hashlib.sha256(b"content").digest()
        assert hand.hash([wanted], heads=True) == [Hashes(digest[:16], digest)]


async def test_duplicates_of_a_changed_tree_are_those_of_now(root: Path, settings: Settings) -> None:
    plant_copies(root)
    await all_groups(settings)
    for number in range(0, 400, 5):
        path = root / f"folder{number % 7}" / f"deeper{number % 3}" / f"{number}.bin"
        path.write_bytes(b"a new content of some %d" % (number % 4))
    (root / "folder3/deeper1/10.bin").unlink()
    assert await all_groups(settings) == groups_by_force(root)


def test_a_file_that_is_not_what_was_scanned_gets_no_hash(root: Path) -> None:
    (root / "a.bin").write_bytes(b"content")
    state = (root / "a.bin").stat()
    wanted = Wanted(1, b"", b"a.bin", state.st_size, state.st_mtime_ns, state.st_ino)
    with Root(root) as opened:
        assert head_of(opened, wanted).full
        (root / "a.bin").write_bytes(b"CONTENT")
        os.utime(root / "a.bin", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        assert head_of(opened, wanted) == Hashes(None, None)
        (root / "a.bin").unlink()
        assert head_of(opened, wanted) == Hashes(None, None)


def test_hashing_that_was_stopped_goes_on(root: Path, settings: Settings) -> None:
    plant_copies(root)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 40

    pace = PATIENT._replace(stop=stop)
    first = find_groups(Opened(settings), "", pace, min_size=1, kind="", limit=200, offset=0)
    assert not first.complete
    second = find_groups(Opened(settings), "", PATIENT, min_size=1, kind="", limit=200, offset=0)
    assert second.complete
    assert second.total == len(groups_by_force(root))


async def test_a_minimum_size_and_a_kind_leave_out_the_others(root: Path, settings: Settings) -> None:
    plant(root)
    roms = await all_groups(settings, kind="rom")
    assert [sorted(paths) for paths in roms.values()] == [
        [
            "Downloads/zelda3 (1).sfc",
            "Downloads/zelda3.sfc",
            "backup/old_laptop/zelda3.sfc",
            "roms/originals/zelda3.sfc",
        ]
    ]
    assert await all_groups(settings, min_size=1_000_000) == {}


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder with its inode and time of change, but for the trash."""
    return {
        str(path.relative_to(root)): (path.lstat().st_ino, path.lstat().st_mtime_ns if path.is_file() else 0)
        for path in root.rglob("*")
        if not path.relative_to(root).parts[0].startswith(".Trash")
    }


async def test_a_plan_moves_nothing_and_names_only_what_is_there(root: Path, settings: Settings) -> None:
    plant(root)
    before = snapshot(root)
    told = await good(settings, "plan_cleanup", min_size=1)
    assert snapshot(root) == before
    plan = json.loads(Path(told["plan_file"]).read_text(encoding="utf-8"))
    assert (plan["format"], plan["version"], plan["root"]) == ("afs-cleanup-plan", 1, str(root))
    assert len(plan["actions"]) == told["total"] > 5
    assert [row["path"] for row in plan["actions"] if not (root / row["path"]).exists()] == []
    assert [kept for row in plan["actions"] for kept in row["keep"] if not (root / kept).exists()] == []
    sure = {row["path"]: row["sure"] for row in plan["actions"]}
    assert sure["src/web-shop/node_modules"] == "sure"
    assert sure["Downloads/zelda3 (1).sfc"] == "sure"
    assert not any(path.startswith("roms/originals/") for path in sure)


async def test_one_copy_of_every_group_stays_when_a_whole_plan_is_done(root: Path, settings: Settings) -> None:
    plant_copies(root)
    told = await good(settings, "plan_cleanup", what="duplicate", min_size=1)
    plan = json.loads(Path(told["plan_file"]).read_text(encoding="utf-8"))
    going = {row["path"] for row in plan["actions"]}
    assert [sign for sign, paths in groups_by_force(root).items() if paths <= going] == []
    assert [row["path"] for row in plan["actions"] if set(row["keep"]) & going] == []


async def test_the_script_of_a_plan_shows_and_changes_nothing(root: Path, settings: Settings) -> None:
    plant(root)
    told = await good(settings, "plan_cleanup", min_size=1)
    before = snapshot(root)
    done = subprocess.run(["sh", told["script_file"]], check=True, capture_output=True, timeout=30)
    assert snapshot(root) == before
    shown = done.stdout.decode()
    assert shown.count("would move to the trash") == told["total"]
    assert "nothing was changed" in shown


async def test_the_next_page_of_a_plan_is_of_the_same_plan(root: Path, settings: Settings) -> None:
    plant(root)
    first = await good(settings, "plan_cleanup", min_size=1, limit=3)
    second = await good(settings, "plan_cleanup", plan=first["plan"], offset=first["next_offset"], limit=3)
    assert [row["number"] for row in (*first["actions"], *second["actions"])] == [1, 2, 3, 4, 5, 6]


async def made_plan(settings: Settings, **arguments: Any) -> Path:
    return Path((await good(settings, "plan_cleanup", min_size=1, **arguments))["plan_file"])


async def test_a_plan_that_was_done_can_be_undone_whole(root: Path, settings: Settings, command: CliRunner) -> None:
    plant(root)
    before = snapshot(root)
    plan = await made_plan(settings)
    done = command.invoke(workspace, ["apply", str(plan), "--sure", "unsure", "--yes"])
    assert done.exit_code == 0, done.output
    moved = set(before) - set(snapshot(root))
    assert {"src/web-shop/node_modules", "Downloads/zelda3 (1).sfc"} <= moved
    trash = next(root.glob(".Trash-*"))
    assert len(list((trash / "files").iterdir())) == len(list((trash / "info").iterdir())) > 5
    again = command.invoke(workspace, ["apply", str(plan), "--yes"])
    assert again.exit_code == 1 and "applied before" in again.output
    back = command.invoke(workspace, ["undo", str(plan.with_name(f"{plan.stem}-receipt.json"))])
    assert back.exit_code == 0, back.output
    assert snapshot(root) == before
    assert list((trash / "files").iterdir()) == list((trash / "info").iterdir()) == []


async def test_nothing_is_done_without_a_yes(root: Path, settings: Settings, command: CliRunner) -> None:
    plant(root)
    plan = await made_plan(settings)
    before = snapshot(root)
    done = command.invoke(workspace, ["apply", str(plan)], input="n\n")
    assert done.exit_code == 1
    assert snapshot(root) == before


async def test_what_changed_since_it_was_planned_stays(root: Path, settings: Settings, command: CliRunner) -> None:
    plant(root)
    plan = await made_plan(settings)
    (root / "Downloads/zelda3 (1).sfc").write_bytes(b"a hack that I began meanwhile")
    (root / "src/web-shop/node_modules/mine.js").write_bytes(b"mine")
    for name in ("roms/originals/zelda3.sfc",):
        (root / name).unlink()
    done = command.invoke(workspace, ["apply", str(plan), "--yes", "--json"])
    assert done.exit_code == 1
    (receipt,) = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    states = {move["path"]: (move["state"], move["why"]) for move in receipt["moves"]}
    assert "changed since" in states["Downloads/zelda3 (1).sfc"][1]
    assert "changed since" in states["src/web-shop/node_modules"][1]
    assert "none of the copies" in states["Downloads/zelda3.sfc"][1]
    assert {path.read_bytes()[:7] for path in root.rglob("zelda3.sfc") if ".Trash" not in str(path)} == {b"zelda3."}


async def test_undoing_never_overwrites_a_file(root: Path, settings: Settings, command: CliRunner) -> None:
    plant(root)
    plan = await made_plan(settings, what="duplicate")
    assert command.invoke(workspace, ["apply", str(plan), "--yes"]).exit_code == 0
    (root / "Downloads/zelda3 (1).sfc").write_bytes(b"another one came")
    done = command.invoke(workspace, ["undo", str(plan.with_name(f"{plan.stem}-receipt.json"))])
    assert done.exit_code == 1
    assert "already exists" in done.output
    assert (root / "Downloads/zelda3 (1).sfc").read_bytes() == b"another one came"
    assert len(list(next(root.glob(".Trash-*")).glob("files/*"))) == 1


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, command: CliRunner) -> None:
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    for words in (["apply", str(tmp_path / "x.json")], ["undo", str(tmp_path / "x.json")]):
        done = command.invoke(workspace, words)
        assert done.exit_code == 1
        assert "is no" in done.output


async def test_a_plan_that_leads_outside_moves_nothing(root: Path, settings: Settings, command: CliRunner) -> None:
    plant(root)
    outside = root.with_name("outside.bin")
    outside.write_bytes(b"not yours")
    plan = await made_plan(settings, what="cache")
    raw = json.loads(plan.read_text(encoding="utf-8"))
    state = outside.stat()
    raw["actions"] = [
        {
            **raw["actions"][0],
            "sort": "temporary",
            "path": "../outside.bin",
            "size": 9,
            "modified_ns": state.st_mtime_ns,
        }
    ]
    plan.write_text(json.dumps(raw), encoding="utf-8")
    done = command.invoke(workspace, ["apply", str(plan), "--yes"])
    assert done.exit_code == 1
    assert outside.read_bytes() == b"not yours"


def test_the_command_line_scans_lists_plans_and_answers(root: Path, command: CliRunner) -> None:
    plant(root)
    for words in (["scan"], ["duplicates"], ["plan"]):
        done = command.invoke(workspace, [*words, str(root), "--json"])
        assert done.exit_code == 0, done.output
        assert isinstance(json.loads(done.stdout), dict)
    done = command.invoke(workspace, ["ask", "where are my ROM hacks?", str(root)])
    assert "1. roms/hacks" in done.stdout
