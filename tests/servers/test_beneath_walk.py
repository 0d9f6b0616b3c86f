"""Whole trees below a root: deep ones, wide ones, odd ones, and ones that change while they are walked."""

import contextlib
import os
import subprocess
import tempfile
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError

DEEP = 5_000
WIDE = 30_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep.asm").write_bytes(b"12345")
    (folder / "a" / "x.asm").write_bytes(b"123")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "fifo")
    return folder


@pytest.fixture
def deep() -> Iterator[Path]:
    """A folder in a folder, 5,000 times: its path is longer than any system call takes.

    It is not below pytest's own folder, whose removal recurses, and `rm`, which does not, removes it whatever happens.
    """
    place = Path(tempfile.mkdtemp(prefix="afs-deep-", dir="/var/tmp"))
    try:
        with contextlib.ExitStack() as stack:
            fd = os.open(place, os.O_RDONLY)
            stack.callback(lambda: os.close(fd))
            for _ in range(DEEP):
                os.mkdir("d", dir_fd=fd)
                above, fd = fd, os.open("d", os.O_RDONLY, dir_fd=fd)
                os.close(above)
            os.close(os.open("end.asm", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        yield place
    finally:
        subprocess.run(["rm", "-rf", "--", place], check=True, timeout=60)


def test_a_walk_tells_all_that_is_there_and_follows_no_link(tree: Path) -> None:
    with Root(tree) as root:
        seen = {item.path: item for item in root.walk(cap=100)}
    assert {path: item.kind for path, item in seen.items()} == {
        b"a": "folder",
        b"a/b": "folder",
        b"a/b/deep.asm": "file",
        b"a/x.asm": "file",
        b"fifo": "other",
        b"loop": "link",
    }
    state = (tree / "a" / "x.asm").stat()
    assert seen[b"a/x.asm"][2:] == (3, state.st_mtime_ns, state.st_dev, state.st_ino)


def test_a_walk_begins_where_it_is_told_to_and_enters_what_it_is_told_to(tree: Path) -> None:
    with Root(tree) as root:
        assert sorted(item.path for item in root.walk("a", cap=100)) == [b"a/b", b"a/b/deep.asm", b"a/x.asm"]
        outer = root.walk(cap=100, enter=lambda path: path != b"a/b")
        assert sorted(item.path for item in outer) == [b"a", b"a/b", b"a/x.asm", b"fifo", b"loop"]
        assert outer.complete and not outer.problems
        for path, reason in (("../root", "outside"), ("a/x.asm", "a file, not a folder")):
            with pytest.raises(ServerError, match=reason):
                root.walk(path, cap=1)
        with pytest.raises(NotThereError):
            root.walk("nope", cap=1)


def test_names_alone_come_without_numbers_and_with_the_same_kinds(tree: Path) -> None:
    with Root(tree) as root:
        measured = [(item.path, item.kind) for item in root.walk(cap=100)]
        plain = list(root.walk(cap=100, measured=False))
    assert [(item.path, item.kind) for item in plain] == measured
    assert {item[2:] for item in plain} == {(0, 0, 0, 0)}


def test_a_walk_stops_at_its_cap_and_says_so(tree: Path) -> None:
    with Root(tree) as root:
        walk = root.walk(cap=3)
        assert len(list(walk)) == 3
        assert not walk.complete
        exact = root.walk(cap=6)
        assert len(list(exact)) == 6
        assert exact.complete


def test_folders_that_are_not_ours_to_read_are_counted_and_passed(tree: Path, tmp_path: Path) -> None:
    with Root(tree) as root:
        walk = root.walk(cap=100, enter=lambda path: not (tree / os.fsdecode(path)).rename(tmp_path / "moved"))
        assert sorted(item.path for item in walk) == [b"a", b"fifo", b"loop"]
        (tmp_path / "moved").rename(tree / "a")
        gone = root.walk(cap=100, enter=lambda path: bool((tree / os.fsdecode(path)).rename(tmp_path / "moved")))
        assert sorted(item.path for item in gone) == [b"a", b"fifo", b"loop"]
    assert gone.problems == 1


def test_a_folder_that_becomes_a_link_is_not_entered(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"SECRET")

    def swap(path: bytes) -> bool:
        place = tree / os.fsdecode(path)
        place.rename(tmp_path / "moved")
        place.symlink_to(tmp_path / "outside")
        return True

    with Root(tree) as root:
        walk = root.walk(cap=100, enter=swap)
        assert sorted(item.path for item in walk) == [b"a", b"fifo", b"loop"]
    assert walk.problems == 1


def test_a_tree_5000_deep_is_walked_and_listed_to_its_end(deep: Path) -> None:
    with Root(deep) as root:
        walk = root.walk(cap=10_000)
        last = b""
        for item in walk:
            last = item.path
        assert last == b"d/" * DEEP + b"end.asm"
        assert walk.complete and not walk.problems
        assert len(root.entries(depth=DEEP + 1).entries) == DEEP + 1
        assert root.swept() == 0
        with pytest.raises(ServerError, match="more than 4096"):
            root.read("d/" * DEEP + "end.asm", limit=1)


def test_a_deep_tree_with_much_to_do_on_the_way_back_is_walked_whole(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(150):
        place = place / "d"
        (place / "e" / "f").mkdir(parents=True)
    with Root(tmp_path) as root:
        assert len(list(root.walk(cap=10_000))) == 450


def test_a_way_back_that_leads_elsewhere_is_not_taken(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    place = tree
    for _ in range(100):
        place = place / "d"
        (place / "zz").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_bytes(b"SECRET")
    inner = tree.joinpath(*["d"] * 30)

    def enter(path: bytes) -> bool:
        if path == b"d/" * 99 + b"d":  # deep below: what is above was closed meanwhile
            inner.rename(outside / "d")
        return True

    with Root(tree) as root:
        walk = root.walk(cap=10_000, enter=enter)
        seen = [item.path for item in walk]
    assert not any(b"secret" in path for path in seen)
    assert walk.problems == 1


def test_a_folder_of_many_names_is_walked_in_little_memory_and_listed_to_its_cap(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for number in range(WIDE):
        os.mknod(f"{number:06}.asm", dir_fd=fd)
    os.close(fd)
    with Root(tmp_path) as root:
        walk = root.walk(cap=WIDE * 2)
        tracemalloc.start()
        count = sum(1 for _ in islice(walk, WIDE // 3))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        count += sum(1 for _ in walk)
        listing = root.entries(cap=1_000)
    assert count == WIDE
    assert peak < 500_000
    assert (len(listing.entries), listing.complete) == (1_000, False)


def test_a_walk_that_is_dropped_leaves_no_folder_open(tree: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not show its descriptors")
    before = os.listdir("/proc/self/fd")
    with Root(tree) as root:
        walk = root.walk(cap=100)
        next(walk)
        walk.close()
        unused = root.walk(cap=100)
        unused.close()
    assert os.listdir("/proc/self/fd") == before
