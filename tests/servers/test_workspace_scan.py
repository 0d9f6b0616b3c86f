"""A scan of folders through the protocol: what it counts, how it goes on, and what odd trees do to it."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from servers.machine.errors import ServerError
from servers.settings import Settings
from servers.workspace.duplicates import find_groups
from servers.workspace.opened import Opened
from servers.workspace.scan import scan_tree
from servers.workspace.scan_results import Scanned
from servers.workspace.scan_walk import PATIENT, Pace
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


async def good(settings: Settings, tool: str, **arguments: Any) -> dict[str, Any]:
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


def scan(settings: Settings, path: str = "", *, changed_only: bool = False, pace: Pace = PATIENT) -> Scanned:
    return scan_tree(Opened(settings), path, pace, changed_only=changed_only, min_size=1)


def counted(root: Path) -> Counter[str]:
    """What is below a folder, counted by the plainest walk."""
    sums: Counter[str] = Counter()
    for folder, _folders, files in os.walk(root):
        sums["folders"] += 1
        for name in files:
            state = os.lstat(os.path.join(folder, name))
            if os.path.isfile(os.path.join(folder, name)) and not os.path.islink(os.path.join(folder, name)):
                sums["files"] += 1
                sums["bytes"] += state.st_size
    return sums


def stopping_after(folders: int) -> Pace:
    """A pace that wants no more after so many folders."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > folders

    return PATIENT._replace(stop=stop)


async def test_a_scan_counts_what_a_plain_walk_counts_and_names_what_it_found(root: Path, settings: Settings) -> None:
    plant(root)
    told = await good(settings, "scan_files")
    assert {key: told[key] for key in ("folders", "files", "bytes")} == counted(root)
    assert told["complete"]
    assert sum(kind["files"] for kind in told["kinds"]) == told["files"]
    assert told["largest"][0]["path"] == "models/qwen2.5-coder-7b-q4_k_m.gguf"
    caches = {row["path"] for row in told["caches"]}
    assert {"src/web-shop/node_modules", "src/afs/.venv", "src/pixel-garden/target", "src/yaze/build"} <= caches
    assert ["src/afs", "old/afs-copy"] in [row["paths"] for row in told["scattered"]]
    abandoned = [row["path"] for row in told["abandoned"]]
    assert {"src/pixel-garden", "src/web-shop", "old/afs-copy"} <= set(abandoned)
    assert "src/oracle-of-secrets" not in abandoned
    assert "roms/hacks/parallel_worlds.bps" in {row["path"] for row in told["roms_and_hacks"]}


async def test_a_password_in_a_git_remote_is_not_told(root: Path, settings: Settings) -> None:
    plant(root)
    told = await good(settings, "ask_files", question="projects cloned from gitlab")
    assert "gitlab.com/me/afs" in str(told)
    assert "secret" not in str(told)


async def test_both_halves_of_a_scan_say_the_same(root: Path, settings: Settings) -> None:
    plant(root)
    told = Scanned.model_validate(await good(settings, "scan_files"))
    text = told.as_text()
    named = (*told.largest, *told.caches, *told.abandoned, *told.oldest, *told.roms_and_hacks, *told.models)
    assert [row.path for row in named if row.path not in text or str(row.size) not in text] == []


def test_a_scan_that_was_stopped_goes_on_where_it_was(root: Path, settings: Settings) -> None:
    plant(root)
    whole = counted(root)
    first = scan(settings, pace=stopping_after(20))
    assert not first.complete
    assert first.folders < whole["folders"]
    second = scan(settings)
    assert second.complete
    assert "had not come to its end" in second.how
    assert {"folders": second.folders, "files": second.files, "bytes": second.bytes} == whole
    read = [int(told.how.split(" folders read now")[0]) for told in (first, second)]
    assert read[1] < whole["folders"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from servers.settings import Settings
from servers.workspace.duplicates import find_groups
from servers.workspace.opened import Opened
from servers.workspace import scan_walk
from servers.workspace.scan import scan_tree

scan_walk._BATCH = 10
asked = 0
def stop():
    global asked
    asked += 1
    if asked > 25:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

settings = Settings(context_root=Path("context"), data_dir=Path(sys.argv[2]), project_root=Path(sys.argv[1]))
scan_tree(Opened(settings), "", scan_walk.Pace(stop, lambda *_: None), changed_only=False, min_size=1)
"""


def test_a_scan_that_was_killed_goes_on_where_it_was(root: Path, settings: Settings) -> None:
    plant(root)
    command = [sys.executable, "-c", _KILLED, str(root), str(settings.data_dir)]
    killed = subprocess.run(command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    told = scan(settings)
    assert told.complete
    assert "had not come to its end" in told.how
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)
    assert int(told.how.split(" folders read now")[0]) < told.folders


def test_a_rescan_finds_what_is_new_gone_renamed_and_written_in_place(root: Path, settings: Settings) -> None:
    plant(root)
    scan(settings)
    (root / "roms/hacks/new.bps").write_bytes(b"new")
    (root / "logs/emulator.log").unlink()
    (root / "src/site").rename(root / "src/homepage")
    (root / "Documents/taxes/2023_return.pdf").write_bytes(b"shorter now")
    told = scan(settings)
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)


def test_only_changed_folders_are_read_when_that_is_asked_and_the_result_says_what_it_misses(
    root: Path, settings: Settings
) -> None:
    plant(root)
    old = 1_600_000_000
    for folder, _folders, _files in os.walk(root, topdown=False):
        os.utime(folder, (old, old))
    whole = scan(settings)
    (root / "roms/hacks/new.bps").write_bytes(b"new")
    (root / "src/site").rename(root / "src/homepage")
    told = scan(settings, changed_only=True)
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)
    assert int(told.how.split(" folders read now")[0]) < whole.folders / 3
    assert "written in place is not noticed" in " ".join(told.notes)


def test_two_scans_of_one_tree_at_once_do_each_other_no_harm(root: Path, settings: Settings) -> None:
    plant(root)
    code = _KILLED.replace("asked > 25", "False")
    command = [sys.executable, "-c", code, str(root), str(settings.data_dir)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    told = scan(settings)
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)


def odd_tree(root: Path) -> None:
    """Names, links and kinds of files that a scan has to live with."""
    for name in (b"line\nbreak", b"esc\x1b[2J", b"bad\xff\xfe utf8", "ﷺ\u202e".encode(), b"-rf", b"$(id)", b"a'b\"c"):
        folder = os.path.join(os.fsencode(root), name)
        os.mkdir(folder)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"same content in each of them")
    (root / "circle").mkdir()
    (root / "circle/up").symlink_to("..")
    (root / "circle/self").symlink_to("self")
    (root / "outside").symlink_to("/etc")
    os.mkfifo(root / "fifo.sfc")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(root)
        one.bind("socket.bps")
        os.chdir(here)


def test_odd_names_links_in_circles_fifos_and_sockets_are_scanned_past(root: Path, settings: Settings) -> None:
    odd_tree(root)
    told = scan(settings)
    assert told.complete
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)
    assert told.odd == 5
    assert told.duplicate_groups == 1
    assert not set("\x1b\n\u202e") & set("".join(row.path for row in told.largest))


def test_a_deep_tree_is_scanned_to_its_end(root: Path, settings: Settings) -> None:
    folder = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 15, dir_fd=folder)
        inner = os.open("d" * 15, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    for name in ("one.bin", "two.bin"):
        file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=folder)
        os.write(file, b"deep" * 1_000)
        os.close(file)
    os.close(folder)
    told = scan(settings)
    assert (told.folders, told.files, told.duplicate_groups, len(told.largest)) == (301, 2, 1, 2)
    assert scan(settings, changed_only=True).files == 2
    (group,) = find_groups(Opened(settings), "", PATIENT, min_size=1, kind="", limit=10, offset=0).groups
    assert [path.rpartition("/")[2] for path in group.paths] == ["one.bin", "two.bin"]


def test_many_files_in_one_folder_are_scanned(root: Path, settings: Settings) -> None:
    for number in range(20_000):
        (root / f"{number}.bin").touch()
    told = scan(settings)
    assert (told.files, told.empty_files) == (20_000, 20_000)


_AS_NOBODY = """
import os, sys
from pathlib import Path
from servers.settings import Settings
from servers.workspace import duplicates_hashing, scan_report, scan_survey
from servers.workspace.duplicates import find_groups
from servers.workspace.opened import Opened
from servers.workspace.scan import scan_tree
from servers.workspace.scan_walk import Pace
os.setgroups([]); os.setgid(65534); os.setuid(65534)
settings = Settings(context_root=Path("context"), data_dir=Path(sys.argv[2]), project_root=Path(sys.argv[1]))
told = scan_tree(Opened(settings), "", Pace(lambda: False, lambda *_: None), changed_only=False, min_size=1)
print(told.model_dump_json())
"""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_may_not_be_read_is_counted_and_named(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        home, data = Path(place, "home"), Path(place, "data")
        os.chmod(place, 0o755)
        for folder in (home / "closed", home / "open", data):
            folder.mkdir(parents=True)
            os.chmod(folder, 0o755)
        (home / "closed/x.txt").write_bytes(b"x")
        (home / "open/y.txt").write_bytes(b"y")
        os.chmod(home / "closed", 0o700)
        os.chmod(data, 0o777)
        command = [sys.executable, "-c", _AS_NOBODY, str(home), str(data)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    told = Scanned.model_validate_json(done.stdout)
    assert (told.unreadable, told.unreadable_count, told.files, told.complete) == (("closed",), 1, 1, True)


def test_a_broken_file_of_a_scan_is_made_anew(root: Path, settings: Settings) -> None:
    plant(root)
    scan(settings)
    (file,) = (settings.data_dir / "scans").glob("*.sqlite")
    for other in (settings.data_dir / "scans").glob("*-*"):
        other.unlink()
    file.write_bytes(b"this is no database" * 1_000)
    told = scan(settings)
    assert {"folders": told.folders, "files": told.files, "bytes": told.bytes} == counted(root)


async def test_a_path_that_is_no_folder_or_outside_is_refused_with_a_next_step(root: Path, settings: Settings) -> None:
    (root / "file.txt").write_bytes(b"x")
    async with Client(build(settings)) as client:
        for path, said in (
            ("file.txt", "name a folder"),
            ("nowhere", "list_files"),
            ("../..", "without"),
            ("/etc", "outside the workspace"),
        ):
            result = await client.call_tool("scan_files", {"path": path})
            assert result.is_error
            assert said in str(result.content)


async def test_a_folder_of_a_root_is_scanned_alone_and_then_known_to_the_whole(root: Path, settings: Settings) -> None:
    plant(root)
    part = await good(settings, "scan_files", path="roms")
    assert {key: part[key] for key in ("folders", "files", "bytes")} == counted(root / "roms")
    whole = await good(settings, "scan_files")
    assert {key: whole[key] for key in ("folders", "files", "bytes")} == counted(root)


def test_a_root_that_is_gone_is_an_error_and_no_crash(root: Path, settings: Settings) -> None:
    plant(root)
    scan(settings)
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(ServerError, match="is not there"):
        scan(settings)
