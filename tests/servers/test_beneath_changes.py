"""Editing, moving, making and removing below a root, what no path may change, and what killed writers leave."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.machine import openat2
from servers.machine.beneath import NotThereError, Root, TakenError
from servers.machine.errors import ServerError

SEALED = {
    "/history": "the recorder writes it",
    ".git/hooks": "git runs it",
    ".claude": "agents obey it",
    "CLAUDE.md": "agents obey it",
}


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "notes" / "deep").mkdir(parents=True)
    (folder / "notes" / "a.md").write_text("alpha\n", encoding="utf-8")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("SECRET", encoding="utf-8")
    return folder


@pytest.fixture(params=["kernel", "walk"])
def root(request: pytest.FixtureRequest, inside: Path) -> Iterator[Root]:
    by_kernel = request.param == "kernel"
    if by_kernel and not openat2.available():
        pytest.skip("this kernel has no openat2")
    with Root(inside, sealed=SEALED, kernel=by_kernel) as opened:
        yield opened


def upper(data: bytes) -> bytes:
    return data.upper()


def test_an_edit_changes_a_file_only_as_it_was_read_and_within_its_limit(root: Root) -> None:
    before = root.read("notes/a.md", limit=100)
    assert root.edit("notes/a.md", upper, limit=100, etag=before.etag).size == 6
    assert root.read("notes/a.md", limit=100).data == b"ALPHA\n"
    with pytest.raises(ServerError, match="has changed"):
        root.edit("notes/a.md", upper, limit=100, etag=before.etag)
    with pytest.raises(ServerError, match="more than 5 bytes"):
        root.edit("notes/a.md", bytes.lower, limit=5)
    with pytest.raises(ServerError, match="more than 20 bytes"):
        root.edit("notes/a.md", lambda data: data * 9, limit=20)
    assert root.read("notes/a.md", limit=100).data == b"ALPHA\n"


def test_an_edit_of_nothing_makes_nothing_and_what_the_change_raises_keeps_the_file(root: Root, inside: Path) -> None:
    def refuse(data: bytes) -> bytes:
        raise ServerError(f"not found in {len(data)} bytes")

    with pytest.raises(NotThereError):
        root.edit("new/folder/x.md", upper, limit=100)
    with pytest.raises(ServerError, match="not found in 6 bytes"):
        root.edit("notes/a.md", refuse, limit=100)
    assert not (inside / "new").exists()
    assert sorted(os.listdir(inside / "notes")) == ["a.md", "deep"]


def test_the_etag_of_a_write_is_the_etag_of_the_next_read_for_small_and_for_huge_files(root: Root) -> None:
    for size in (0, 10, 8_000_001):
        written = root.write("big", b"x" * size, mode="replace")
        assert (written.size, written.etag) == (size, root.read("big", limit=1).etag)
        assert len(written.etag) == 16


def test_a_replaced_file_keeps_its_mode_and_new_ones_are_private_or_as_the_mask_says(inside: Path) -> None:
    (inside / "notes" / "a.md").chmod(0o751)
    mask = os.umask(0o027)
    try:
        with Root(inside) as private, Root(inside, private=False) as shared:
            shared.write("notes/a.md", b"x", mode="replace")
            private.write("private/x", b"x")
            shared.write("shared/x", b"x")
            shared.make_folder("made")
    finally:
        os.umask(mask)
    modes = [
        stat.S_IMODE((inside / name).stat().st_mode) for name in ("notes/a.md", "private/x", "private", "shared/x")
    ]
    assert modes == [0o751, 0o600, 0o700, 0o640]
    assert [stat.S_IMODE((inside / name).stat().st_mode) for name in ("shared", "made")] == [0o750, 0o750]


def test_a_file_of_another_owner_stays_his_when_root_replaces_it(inside: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may write the files of others")
    os.chown(inside / "notes" / "a.md", 65_534, 65_534)
    with Root(inside) as root:
        root.write("notes/a.md", b"x", mode="replace")
    state = (inside / "notes" / "a.md").stat()
    assert (state.st_uid, state.st_gid) == (65_534, 65_534)


def test_a_move_takes_files_folders_and_links_and_makes_the_folders_that_it_needs(root: Root, inside: Path) -> None:
    (inside / "link").symlink_to("notes/a.md")
    moved = root.move("notes/a.md", "new/folder/b.md")
    assert (moved.path, moved.size, moved.existed) == ("new/folder/b.md", 6, False)
    assert moved.etag == root.read("new/folder/b.md", limit=10).etag
    assert root.move("notes", "old/notes").etag == ""
    root.move("link", "new/link")
    assert (inside / "new" / "link").is_symlink()
    assert (inside / "old" / "notes" / "deep").is_dir()


def test_a_move_overwrites_only_where_it_is_told_to(root: Root, inside: Path) -> None:
    root.write("b.md", b"beta")
    with pytest.raises(TakenError, match="already exists"):
        root.move("notes/a.md", "b.md")
    assert root.move("notes/a.md", "b.md", replace=True).existed
    assert root.read("b.md", limit=10).data == b"alpha\n"
    (inside / "b.md").chmod(0o444)
    root.write("c.md", b"gamma")
    with pytest.raises(ServerError, match="permission"):
        root.move("c.md", "b.md", replace=True)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("nope", "b", "no such file"),
        ("notes", "notes/deep/inner", "into itself"),
        ("notes/a.md", "notes", "already exists"),
        ("notes/a.md", "", "a folder"),
        ("", "b", "a folder"),
        ("notes/a.md", "out/b", "outside the root"),
        ("out/secret", "b", "outside the root"),
        ("../outside/secret", "b", "outside the root"),
        ("notes/a.md", "../outside/b", "outside the root"),
        ("notes/a.md", "new\nname", "printable"),
    ],
)
def test_a_move_that_cannot_be_says_why_and_changes_nothing(
    root: Root, inside: Path, outside: Path, source: str, target: str, reason: str
) -> None:
    (inside / "out").symlink_to(outside)
    with pytest.raises(ServerError, match=reason):
        root.move(source, target)
    assert (inside / "notes" / "a.md").read_bytes() == b"alpha\n"
    assert os.listdir(outside) == ["secret"]


def test_a_move_onto_a_link_replaces_the_link_and_not_what_it_leads_to(root: Root, inside: Path, outside: Path) -> None:
    (inside / "out").symlink_to(outside / "secret")
    with pytest.raises(TakenError, match="already exists"):
        root.move("notes/a.md", "out")
    assert root.move("notes/a.md", "out", replace=True).existed
    assert (inside / "out").read_bytes() == b"alpha\n"
    assert (outside / "secret").read_text(encoding="utf-8") == "SECRET"


def test_a_folder_is_made_once_and_a_file_in_its_way_is_named(root: Root, inside: Path, outside: Path) -> None:
    (inside / "out").symlink_to(outside)
    assert root.make_folder("x/y/z")
    assert not root.make_folder("x/y/z")
    assert not root.make_folder("")
    for path, reason in (("notes/a.md", "a file, not a folder"), ("out/x", "outside"), ("a\x1bb", "printable")):
        with pytest.raises(ServerError, match=reason):
            root.make_folder(path)
    assert os.listdir(outside) == ["secret"]


def test_only_a_regular_file_that_is_still_the_same_is_removed(root: Root, inside: Path, outside: Path) -> None:
    (inside / "out").symlink_to(outside / "secret")
    os.mkfifo(inside / "fifo")
    etag = root.read("notes/a.md", limit=10).etag
    (inside / "notes" / "a.md").write_text("other", encoding="utf-8")
    for path, reason in (("notes", "a folder"), ("out", "is a link"), ("fifo", "regular file"), ("nope", "no such")):
        with pytest.raises(ServerError, match=reason):
            root.remove(path)
    with pytest.raises(ServerError, match="has changed"):
        root.remove("notes/a.md", etag=etag)
    root.remove("notes/a.md")
    assert not (inside / "notes" / "a.md").exists()
    assert (outside / "secret").exists()


def test_the_state_of_a_path_tells_its_kind_without_opening_it(root: Root, inside: Path) -> None:
    os.mkfifo(inside / "fifo")
    (inside / "link").symlink_to("notes/a.md")
    (inside / "notes" / "a.md").chmod(0o640)
    kinds = {path: root.state(path).kind for path in ("", "notes", "notes/a.md", "link", "fifo")}
    assert kinds == {"": "folder", "notes": "folder", "notes/a.md": "file", "link": "file", "fifo": "other"}
    assert root.state("notes/a.md")[1:] == (6, (inside / "notes" / "a.md").stat().st_mtime_ns, 0o640)
    with pytest.raises(NotThereError):
        root.state("nope")


def test_an_open_file_can_be_read_from_its_descriptor(root: Root) -> None:
    with root.opened("notes/a.md") as fd:
        assert os.pread(fd, 100, 2) == b"pha\n"
    with pytest.raises(ServerError, match="folder"), root.opened("notes"):
        pass


@pytest.mark.parametrize(
    "path",
    [
        ".claude/settings.json",
        "deep/in/.Claude/x",
        "CLAUDE.md",
        "sub/claude.MD",
        ".git/hooks/pre-commit",
        "vendor/.git/hooks/x",
        "link/pre-commit",
        ".git",
        "History/x",
    ],
)
def test_a_sealed_name_at_any_depth_and_in_any_case_is_not_written(root: Root, inside: Path, path: str) -> None:
    (inside / ".git" / "hooks").mkdir(parents=True)
    (inside / "link").symlink_to(".git/hooks")
    before = sorted(os.listdir(inside))
    with pytest.raises(ServerError, match=r"agents obey|git runs|recorder|a folder"):
        root.write(path, b"x", mode="replace")
    with pytest.raises(ServerError, match=r"agents obey|git runs|recorder"):
        root.move("notes/a.md", path, replace=True)
    assert sorted(os.listdir(inside)) == before
    assert os.listdir(inside / ".git" / "hooks") == []


@pytest.mark.parametrize("path", ["claude.md.txt", "sub/history/x", ".github/hooks/x", "hooks/x", ".git/info/exclude"])
def test_names_that_only_look_like_sealed_ones_are_written(root: Root, path: str) -> None:
    assert root.write(path, b"x").path == path


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (".git", "elsewhere"),
        ("elsewhere", "sub/.git"),
        (".claude", "old"),
        ("notes", ".claude"),
        ("a/hooks", ".git/hooks"),
    ],
)
def test_no_folder_is_moved_so_that_a_sealed_name_comes_or_goes(
    root: Root, inside: Path, source: str, target: str
) -> None:
    for name in (".git/objects", "elsewhere/hooks", ".claude", "a/hooks"):
        (inside / name).mkdir(parents=True, exist_ok=True)
    if target == ".claude":
        (inside / ".claude").rmdir()
    with pytest.raises(ServerError, match="read-only"):
        root.move(source, target)


def test_what_is_sealed_stays_so_in_a_root_below_a_root(root: Root) -> None:
    with root.below("sub", create=True) as inner, pytest.raises(ServerError, match="agents obey"):
        inner.write(".claude/x", b"x")
    root.make_folder(".git")
    with root.below(".git") as inner, pytest.raises(ServerError, match="git runs"):
        inner.write("hooks/x", b"x")
    for remove in ("CLAUDE.md",):
        with pytest.raises(ServerError, match="agents obey"):
            root.remove(remove)


WRITER = """
import sys
from pathlib import Path
from servers.machine.beneath import Root
from servers.machine import store

def held(fd, data):
    sys.stdout.write("writing"); sys.stdout.flush()
    sys.stdin.read()

store._write_all = held
Root(Path(sys.argv[1])).write("notes/deep/x.md", b"x")
"""


@pytest.fixture
def writer(inside: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that stands still in the middle of a write, its temporary file made."""
    command = [sys.executable, "-c", WRITER, str(inside)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == b"writing"
        yield process
        process.kill()


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(
    root: Root, inside: Path, writer: "subprocess.Popen[bytes]"
) -> None:
    (inside / ".not-ours.afs-tmp").write_bytes(b"kept")
    (left,) = os.listdir(inside / "notes" / "deep")
    assert root.swept() == 0
    assert os.listdir(inside / "notes" / "deep") == [left]
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=10)
    assert [entry.path for entry in root.entries("notes/deep").entries] == []
    assert root.swept() == 1
    assert os.listdir(inside / "notes" / "deep") == []
    assert (inside / ".not-ours.afs-tmp").exists()


def test_a_link_with_the_name_of_a_temporary_file_is_not_swept(root: Root, inside: Path, outside: Path) -> None:
    (inside / ".0123456789abcdef.afs-tmp").symlink_to(outside / "secret")
    (inside / "folder").mkdir()
    (inside / "folder" / ".0123456789abcdef.afs-tmp").mkdir()
    assert root.swept() == 0
    assert (outside / "secret").exists()
