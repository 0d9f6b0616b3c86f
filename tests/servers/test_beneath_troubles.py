"""Disks that are full, limits, folders that refuse, and files of a gigabyte: a clear error, and nothing is lost."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.machine.beneath import Root
from servers.machine.errors import ServerError

ACTS: dict[str, Callable[[Root], object]] = {
    "write": lambda root: root.write("a", b"x" * 200_000, mode="replace"),
    "append": lambda root: root.append("a", b"x" * 200_000, limit=1_000_000),
    "edit": lambda root: root.edit("a", lambda data: data * 50_000, limit=1_000_000),
    "create": lambda root: root.write("new", b"x" * 200_000),
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB with the file `a`, which only root can mount."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    (place / "a").write_bytes(b"old!")
    yield place
    subprocess.run(["umount", "-l", str(place)], timeout=60, check=True)


@pytest.mark.parametrize("act", ACTS)
def test_a_full_disk_keeps_what_is_there_and_leaves_nothing(small_disk: Path, act: str) -> None:
    with Root(small_disk) as root, pytest.raises(ServerError, match="disk is full"):
        ACTS[act](root)
    assert os.listdir(small_disk) == ["a"]
    assert (small_disk / "a").read_bytes() == b"old!"


def test_a_read_only_file_system_says_so_whatever_is_asked(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], timeout=60, check=True)
    more: list[Callable[[Root], object]] = [
        lambda root: root.make_folder("new"),
        lambda root: root.remove("a"),
        lambda root: root.move("a", "b"),
        lambda root: root.write("folder/new", b"x"),
    ]
    with Root(small_disk) as root:
        for act in (*ACTS.values(), *more):
            with pytest.raises(ServerError, match=r"read-only|permission"):
                act(root)
        assert root.read("a", limit=10).data == b"old!"
        assert root.swept() == 0


def test_a_move_to_another_file_system_says_what_to_do(small_disk: Path) -> None:
    (small_disk.parent / "b").write_bytes(b"x")
    with Root(small_disk.parent) as root, pytest.raises(ServerError, match="another file system"):
        root.move("b", "disk/b")
    assert (small_disk.parent / "b").read_bytes() == b"x"


LIMITED = """
import os, resource, sys
from pathlib import Path
from servers.machine.beneath import Root
from servers.machine.errors import ServerError

root = Root(Path(sys.argv[1]))
resource.setrlimit(getattr(resource, sys.argv[2]), (int(sys.argv[3]),) * 2)
held = []
if sys.argv[2] == "RLIMIT_NOFILE":
    try:
        while True:
            held.append(os.open("/", os.O_RDONLY))
    except OSError:
        pass
for act in (
    lambda: root.read("a", limit=10),
    lambda: root.write("a", b"x" * 2_000, mode="replace"),
    lambda: root.append("a", b"x" * 2_000, limit=100_000),
    lambda: root.edit("a", lambda data: data * 500, limit=100_000),
    lambda: root.entries(),
    lambda: root.move("a", "b"),
    lambda: root.make_folder("c"),
):
    try:
        act()
        sys.stdout.write("done\\n")
    except ServerError as error:
        sys.stdout.write(str(error) + "\\n")
for fd in held:
    os.close(fd)
sys.stdout.write(root.read("b" if Path(sys.argv[1], "b").exists() else "a", limit=100).data.decode() + "\\n")
"""


def limited(place: Path, what: str, *, most: int) -> list[str]:
    command = [sys.executable, "-B", "-c", LIMITED, str(place), what, str(most)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True)
    return done.stdout.splitlines()


def test_a_file_size_limit_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old!")
    *said, content = limited(tmp_path, "RLIMIT_FSIZE", most=1_000)
    assert ["file size limit" in line for line in said] == [False, True, True, True, False, False, False]
    assert content == "old!"
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_too_many_open_files_is_said_and_passes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old!")
    *said, content = limited(tmp_path, "RLIMIT_NOFILE", most=30)
    assert ["too many files are open" in line for line in said] == [True] * 7
    assert content == "old!"
    assert os.listdir(tmp_path) == ["a"]


AS_NOBODY = """
import os, sys
from pathlib import Path
from servers.machine.beneath import Root
from servers.machine.errors import ServerError

os.setgroups([]); os.setgid(65534); os.setuid(65534)
root = Root(Path(sys.argv[1]))
for act in (
    lambda: root.read("secret", limit=10),
    lambda: root.write("open/theirs", b"x", mode="replace"),
    lambda: root.write("closed/new", b"x"),
    lambda: root.remove("closed/file"),
    lambda: root.move("closed/file", "open/file"),
    lambda: root.make_folder("closed/folder"),
    lambda: root.entries("dark"),
    lambda: root.write("open/mine", b"x"),
    lambda: root.swept(),
):
    try:
        sys.stdout.write(f"done {act()}\\n")
    except ServerError as error:
        sys.stdout.write(str(error) + "\\n")
listing = root.entries(depth=9)
sys.stdout.write(f"{len(listing.entries)} {listing.complete}\\n")
"""


def test_a_normal_user_gets_no_further_than_the_permissions_and_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    place = tmp_path / "place"
    for name, mode in (("open", 0o777), ("closed", 0o755), ("dark", 0o700)):
        (place / name).mkdir(parents=True)
        (place / name).chmod(mode)
    for name, mode in (("secret", 0o600), ("open/theirs", 0o644), ("closed/file", 0o666)):
        (place / name).write_bytes(b"x")
        (place / name).chmod(mode)
    for folder in (place, tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    command = [sys.executable, "-c", AS_NOBODY, str(place)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True)
    *said, listed = done.stdout.splitlines()
    assert ["permission denied" in line for line in said] == [True] * 7 + [False] * 2
    assert said[8] == "done 0"
    assert listed == "7 False"
    assert (place / "open" / "theirs").read_bytes() == b"x"
    assert sorted(os.listdir(place / "closed")) == ["file"]


HUGE = """
import resource, sys
from pathlib import Path
from servers.machine.beneath import Root

resource.setrlimit(resource.RLIMIT_AS, (512 << 20,) * 2)
with Root(Path(sys.argv[1])) as root:
    chunk = root.read("huge", limit=1_000, offset=1 << 29)
    state = root.state("huge")
    with root.opened("huge") as fd:
        pass
sys.stdout.write(f"{len(chunk.data)} {chunk.size} {len(chunk.etag)} {state.size}")
"""


def test_a_file_of_a_gigabyte_is_read_in_part_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    command = [sys.executable, "-c", HUGE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout == f"1000 {1 << 30} 16 {1 << 30}"


def test_names_in_both_forms_of_unicode_are_two_names_each_as_given(tmp_path: Path) -> None:
    composed, apart = "caf\u00e9.md", "cafe\u0301.md"
    with Root(tmp_path) as root:
        root.write(composed, b"one")
        root.write(apart, b"two")
        if len(os.listdir(tmp_path)) == 1:
            pytest.skip("this file system folds the forms of Unicode")
        assert root.read(composed, limit=10).data == b"one"
        assert root.read(apart, limit=10).data == b"two"
        assert sorted(entry.path for entry in root.entries().entries) == sorted([composed, apart])


def test_a_root_whose_folder_is_deleted_says_that_nothing_is_there(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with Root(tmp_path / "root") as root:
        (tmp_path / "root").rmdir()
        for act in (lambda: root.read("a", limit=1), lambda: root.write("a", b"x"), lambda: root.make_folder("b")):
            with pytest.raises(ServerError, match="no such file or folder"):
                act()
        assert root.entries().entries == ()
