"""The way to files that Windows takes: its rules of names, and its comparing of final paths tried here on others."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.machine.beneath_values import NotThereError, TakenError
from servers.machine.errors import ServerError
from servers.machine.windows_names import parts_of
from servers.machine.windows_root import WindowsRoot


def test_the_shared_cases_of_windows_names_are_refused(shared: Path) -> None:
    count = 0
    for line in (shared / "cases" / "path_cases.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["kind"] == "fs" and row["platform"] == "win32":
            count += 1
            with pytest.raises(ServerError):
                parts_of(row["input"])
    assert count >= 10


@pytest.mark.parametrize(
    "path",
    [
        "con",
        "a/Nul.txt",
        "COM1.tar.gz",
        "lpt\u00b2",
        "conin$",
        "aux .x",
        "C:\\x",
        "/x",
        "\\x",
        "\\\\server\\share",
        "//?/C:/x",
        "\\\\.\\pipe",
        "a.txt::$DATA",
        "a.",
        "b /c",
        "a?b",
        "a\x1fb",
        "GIT~1",
        "longna~2.txt",
        "..",
        "a/../../b",
        "x" * 5_000,
    ],
)
def test_a_name_that_means_something_else_on_windows_is_refused(path: str) -> None:
    with pytest.raises(ServerError) as caught:
        parts_of(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a\\b/c", ("a", "b", "c")),
        ("a/../b", ("b",)),
        ("./a//b/", ("a", "b")),
        ("", ()),
        ("console.asm", ("console.asm",)),
        ("com10", ("com10",)),
        ("a~b.txt", ("a~b.txt",)),
        (".gitignore", (".gitignore",)),
        ("caf\u00e9 (v2).md", ("caf\u00e9 (v2).md",)),
    ],
)
def test_a_plain_path_is_taken_in_either_spelling(path: str, parts: tuple[str, ...]) -> None:
    assert parts_of(path) == parts


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "root" / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "root" / "notes" / "a.md").write_bytes(b"alpha\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"SECRET")
    (tmp_path / "root" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "file").symlink_to(tmp_path / "outside" / "secret")
    return tmp_path


@pytest.fixture
def root(place: Path) -> Iterator[WindowsRoot]:
    if sys.platform != "win32" and not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not tell the final path of an open file")
    with WindowsRoot(place / "root", sealed={".claude": "a rule", ".git/hooks": "a rule"}) as opened:
        yield opened


def test_files_are_read_written_edited_and_appended_to(root: WindowsRoot) -> None:
    first = root.read("notes\\a.md", limit=100)
    assert (first.data, first.size) == (b"alpha\n", 6)
    done = root.edit("notes/a.md", bytes.upper, limit=100, etag=first.etag)
    assert (done.path, done.etag) == ("notes/a.md", root.read("notes/a.md", limit=1).etag)
    with pytest.raises(ServerError, match="has changed"):
        root.write("notes/a.md", b"x", mode="replace", etag=first.etag)
    with pytest.raises(TakenError):
        root.write("notes/a.md", b"x")
    assert root.append("new/folder/log.md", b"one", limit=7).existed is False
    assert root.append("new/folder/log.md", b"two", limit=7).size == 7
    with pytest.raises(ServerError, match="above 7 bytes"):
        root.append("new/folder/log.md", b"x", limit=7)
    assert root.read("new/folder/log.md", limit=4, offset=4).data == b"two"


@pytest.mark.parametrize("path", ["out/secret", "file", "../outside/secret", "out/new", "out/new/deep"])
def test_no_path_leads_outside(root: WindowsRoot, place: Path, path: str) -> None:
    with pytest.raises(ServerError) as caught:
        root.read(path, limit=100)
    with pytest.raises(ServerError):
        root.write(path, b"x", mode="replace")
    with pytest.raises(ServerError):
        root.make_folder(path)
    with pytest.raises(ServerError):
        root.move("notes/a.md", path)
    assert "SECRET" not in str(caught.value)
    assert os.listdir(place / "outside") == ["secret"]
    assert (place / "outside" / "secret").read_bytes() == b"SECRET"


def test_what_is_sealed_and_what_is_no_file_is_refused(root: WindowsRoot, place: Path) -> None:
    os.mkfifo(place / "root" / "fifo")
    for path, reason in ((".Claude/x", "a rule"), ("sub/.git/hooks/x", "a rule"), ("notes", "folder"), ("", "folder")):
        with pytest.raises(ServerError, match=reason):
            root.write(path, b"x", mode="replace")
    for path in ("notes", "fifo", ""):
        with pytest.raises(ServerError, match=r"folder|regular"):
            root.read(path, limit=1)
    with pytest.raises(NotThereError):
        root.read("nope", limit=1)
    with root.below("notes") as notes, pytest.raises(ServerError):
        notes.write("../.claude/x", b"x")


def test_folders_and_files_are_moved_made_and_removed(root: WindowsRoot, place: Path) -> None:
    assert root.make_folder("x/y")
    assert not root.make_folder("x/y")
    moved = root.move("notes/a.md", "x/y/b.md")
    assert (moved.path, moved.existed) == ("x/y/b.md", False)
    root.write("c.md", b"c")
    with pytest.raises(TakenError):
        root.move("c.md", "x/y/b.md")
    assert root.move("c.md", "x/y/b.md", replace=True).existed
    root.remove("x/y/b.md")
    with pytest.raises(NotThereError):
        root.remove("x/y/b.md")
    assert os.listdir(place / "root" / "x" / "y") == []


def test_a_tree_is_listed_without_following_links(root: WindowsRoot, place: Path) -> None:
    (place / "root" / ".0123456789abcdef.afs-tmp").write_bytes(b"left")
    listing = root.entries(depth=5)
    assert [(entry.path, entry.kind) for entry in listing.entries] == [
        ("file", "link"),
        ("notes", "folder"),
        ("notes/a.md", "file"),
        ("notes/deep", "folder"),
        ("out", "link"),
    ]
    assert listing.complete
    assert not root.entries(depth=5, cap=2).complete
    assert root.state("notes").kind == "folder"
    assert root.state("notes/a.md").size == 6
    assert root.swept() == 1
    assert root.still(place / "root")
    assert not root.still(place / "outside")
