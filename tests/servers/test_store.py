"""A whole file is the old one or the new one: disks that are full, limits, folders that refuse."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.machine.errors import ServerError
from servers.machine.store import write_atomic


def test_a_file_is_written_whole_private_and_without_leftovers(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.json"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(target.parent) == ["a.json"]


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"kept"
    assert (tmp_path / "link").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file/x.json", "in the way"),
        ("file/deep/x.json", "a file, not a folder"),
        ("n" * 300, "too long"),
        ("a\0b", "not a path"),
        ("\ud800", "not a path"),
        ("folder", "a folder"),
    ],
)
def test_a_path_that_cannot_be_written_gets_its_reason_and_leaves_nothing(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ServerError, match=reason):
        write_atomic(tmp_path / name, b"x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    contents = [bytes([65 + turn % 26]) * 200_000 for turn in range(40)]
    write_atomic(target, contents[0])

    def write() -> None:
        for content in contents:
            write_atomic(target, content)

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while writer.is_alive():
        data = target.read_bytes()
        assert len(data) == 200_000
        assert len(set(data)) == 1
        reads += 1
    writer.join(timeout=10)
    assert reads > 0


LIMITED = """
import resource, sys
from pathlib import Path
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 2000)
except ServerError as error:
    sys.stderr.write(str(error))
    sys.exit(7)
"""


def test_a_file_size_limit_keeps_the_old_content_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_atomic(target, b"old")
    done = subprocess.run(
        [sys.executable, "-B", "-c", LIMITED, str(target)], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 7, done.stderr
    assert b"file size limit" in done.stderr
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB, which only root can mount."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], timeout=60, check=True)


def test_a_full_disk_keeps_the_old_content_and_leaves_nothing(small_disk: Path) -> None:
    write_atomic(small_disk / "a", b"old")
    with pytest.raises(ServerError, match="disk is full"):
        write_atomic(small_disk / "a", b"x" * 200_000)
    assert (small_disk / "a").read_bytes() == b"old"
    assert os.listdir(small_disk) == ["a"]


def test_a_read_only_file_system_says_so(small_disk: Path) -> None:
    write_atomic(small_disk / "a", b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], timeout=60, check=True)
    with pytest.raises(ServerError, match="read-only"):
        write_atomic(small_disk / "a", b"new")
    assert (small_disk / "a").read_bytes() == b"old"
