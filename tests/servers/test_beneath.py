"""Paths that try to leave the root, files that are no files, and writers that meet: through `Root` itself."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.machine import names, openat2
from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError

SECRET = "SECRET outside the root"
SEALED = {"/history": "the recorder writes it"}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "notes" / "deep").mkdir(parents=True)
    (folder / "history").mkdir()
    (folder / "notes" / "a.md").write_text("alpha\n", encoding="utf-8")
    return folder


@pytest.fixture(params=["kernel", "walk"])
def root(request: pytest.FixtureRequest, inside: Path, outside: Path) -> Iterator[Root]:
    """Every case runs by openat2 and by the walk; both must decide alike."""
    by_kernel = request.param == "kernel"
    if by_kernel and not openat2.available():
        pytest.skip("this kernel has no openat2")
    with Root(inside, sealed=SEALED, kernel=by_kernel) as opened:
        yield opened


def test_a_file_is_read_with_its_size_and_an_etag_that_changes_with_it(root: Root, inside: Path) -> None:
    before = root.read("notes/a.md", limit=100)
    assert (before.data, before.size) == (b"alpha\n", 6)
    (inside / "notes" / "a.md").write_text("alphb\n", encoding="utf-8")
    assert root.read("notes/a.md", limit=100).etag != before.etag


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "notes/../../outside/secret",
        "notes/deep/../../../outside/secret",
        "out/secret",
        "absolute",
        "chain",
        "proc/etc/passwd",
        "out/../secret",
        "out/../outside/secret",
        "..",
    ],
)
def test_no_path_reads_outside_the_root(root: Root, inside: Path, outside: Path, path: str) -> None:
    (inside / "out").symlink_to(outside)
    (inside / "absolute").symlink_to(outside / "secret")
    (inside / "chain").symlink_to("chain2")
    (inside / "chain2").symlink_to("out/secret")
    (inside / "proc").symlink_to("/proc/self/root")
    with pytest.raises(ServerError, match="leads outside the root") as caught:
        root.read(path, limit=100)
    assert str(outside) not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "//etc/passwd", "/", "/proc/self/root/etc/passwd"])
def test_an_absolute_path_is_refused_with_the_way_to_say_it(root: Root, path: str) -> None:
    with pytest.raises(ServerError, match="relative to the root"):
        root.read(path, limit=100)


@pytest.mark.parametrize(
    "path",
    [
        "~/.bashrc",
        "$HOME/.bashrc",
        "%2e%2e/outside/secret",
        "..\\outside\\secret",
        "\uff0e\uff0e/outside/secret",
        "   ",
        "file://notes/a.md",
        "notes/a.md\u202e",
        "\udcff",
        "*",
    ],
)
def test_nothing_in_a_path_is_expanded_or_decoded(root: Root, path: str) -> None:
    with pytest.raises(NotThereError, match="no such file"):
        root.read(path, limit=100)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("notes/a\0b", "NUL"),
        ("\ud800", "not text"),
        ("n" * 300, "too long"),
        ("a/" * 3000, "more than 4096"),
        ("x" * 5_000_000, "more than 4096"),
        ("\u4e2d" * 4000, "more than 4096"),
        ("", "folder"),
        (".", "folder"),
        ("notes", "folder"),
        ("notes/a.md/x", "a file, not a folder"),
        ("circle", "circle"),
    ],
)
def test_a_path_that_names_no_file_gets_its_reason(root: Root, inside: Path, path: str, reason: str) -> None:
    (inside / "circle").symlink_to("circle2")
    (inside / "circle2").symlink_to("circle")
    with pytest.raises(ServerError, match=reason) as caught:
        root.read(path, limit=100)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("path", ["relative", "whole", "notes/../notes/a.md", "folder/a.md", "notes//a.md/"])
def test_links_and_dots_that_stay_below_the_root_are_followed(root: Root, inside: Path, path: str) -> None:
    (inside / "relative").symlink_to("notes/a.md")
    (inside / "whole").symlink_to(inside / "notes" / "a.md")
    (inside / "folder").symlink_to(inside / "notes")
    assert root.read(path, limit=100).data == b"alpha\n"


def test_a_root_that_is_itself_a_link_works(inside: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(inside)
    (inside / "back").symlink_to(tmp_path / "link" / "notes" / "a.md")
    with Root(tmp_path / "link") as root:
        assert root.read("back", limit=100).data == b"alpha\n"


def test_a_fifo_a_socket_and_a_device_are_refused_at_once(root: Root, inside: Path) -> None:
    os.mkfifo(inside / "fifo")
    (inside / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(inside / "socket"))
        for path in ("fifo", "socket", "zero"):
            with pytest.raises(ServerError, match=r"regular file|outside"):
                root.read(path, limit=100)
    with pytest.raises(ServerError, match="regular file"):
        root.write("fifo", b"x", mode="replace")
    assert stat.S_ISFIFO((inside / "fifo").stat().st_mode)


def test_a_range_of_a_huge_sparse_file_is_read_without_the_rest(root: Root, inside: Path) -> None:
    with (inside / "huge").open("wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 29)
        file.write(b"here")
    chunk = root.read("huge", limit=4, offset=1 << 29)
    assert (chunk.data, chunk.size, len(chunk.etag)) == (b"here", 1 << 30, 16)


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe.txt", b"a\nb\x1b[31m.txt", b"c1\xc2\x85.txt", b"\\x41.txt", "\u202e.txt".encode(), b"-rf"]
)
def test_a_name_that_cannot_be_shown_is_listed_escaped_and_opens_by_that_name(
    root: Root, inside: Path, raw: bytes
) -> None:
    Path(os.fsdecode(os.fsencode(inside) + b"/" + raw)).write_bytes(b"odd")
    (shown,) = [entry.path for entry in root.entries().entries if entry.kind == "file"]
    assert shown.isprintable()
    assert root.read(shown, limit=10).data == b"odd"
    assert root.write(shown, b"even", mode="replace").path == shown
    assert root.read(shown, limit=10).data == b"even"


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_every_name_survives_escaping(raw: bytes) -> None:
    parts = tuple(part for part in raw.split(b"/") if part not in (b"", b"."))
    shown = names.escape(b"/".join(parts))
    shown.encode("utf-8")
    assert "\n" not in shown
    assert names.parse(shown) == parts


def test_a_new_name_with_control_characters_is_refused(root: Root, inside: Path) -> None:
    before = sorted(os.listdir(inside))
    for path in ("new\n.md", "fol\x1bder/x.md", "\\x0a.md"):
        with pytest.raises(ServerError):
            root.write(path, b"x")
    assert sorted(os.listdir(inside)) == before


def test_folders_300_deep_are_made_listed_and_read(root: Root) -> None:
    path = "d/" * 300 + "end.md"
    root.write(path, b"deep")
    assert root.read(path, limit=10).data == b"deep"
    assert root.entries("d", depth=1_000).entries[-1].path == path


def test_writing_through_links_never_touches_the_outside(root: Root, inside: Path, outside: Path) -> None:
    (inside / "out").symlink_to(outside)
    (inside / "file").symlink_to(outside / "secret")
    (inside / "new").symlink_to(outside / "created")
    os.link(outside / "secret", inside / "hard")
    for path in ("out/x", "out/sub/x", "file", "new", "../outside/x"):
        with pytest.raises(ServerError, match="outside the root"):
            root.write(path, b"x", mode="replace")
    root.write("hard", b"parted", mode="replace")
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_text(encoding="utf-8") == SECRET
    assert (inside / "hard").read_bytes() == b"parted"


@pytest.mark.parametrize("path", ["history/x", "notes/../history/x", "link/x", "history/new/x", "history"])
def test_a_sealed_folder_is_not_written_by_whatever_path(root: Root, inside: Path, path: str) -> None:
    (inside / "link").symlink_to("history")
    with pytest.raises(ServerError, match=r"the recorder writes it|folder"):
        root.write(path, b"x", mode="replace")
    assert os.listdir(inside / "history") == []


def test_create_never_overwrites_and_a_stale_etag_never_replaces(root: Root) -> None:
    first = root.write("notes/b.md", b"one")
    with pytest.raises(ServerError, match="already exists"):
        root.write("notes/b.md", b"two")
    root.write("notes/b.md", b"two", mode="replace", etag=first.etag)
    with pytest.raises(ServerError, match="has changed"):
        root.write("notes/b.md", b"three", mode="replace", etag=first.etag)
    with pytest.raises(ServerError, match="is gone"):
        root.write("notes/c.md", b"x", mode="replace", etag=first.etag)
    assert root.read("notes/b.md", limit=10).data == b"two"


def test_a_file_marked_read_only_is_not_replaced_and_modes_are_kept(root: Root, inside: Path) -> None:
    (inside / "notes" / "a.md").chmod(0o444)
    with pytest.raises(ServerError, match="permission"):
        root.write("notes/a.md", b"x", mode="replace")
    (inside / "notes" / "a.md").chmod(0o640)
    root.write("notes/a.md", b"x", mode="replace")
    assert stat.S_IMODE((inside / "notes" / "a.md").stat().st_mode) == 0o640


def test_an_append_begins_on_a_new_line_and_stops_at_the_limit(root: Root) -> None:
    root.append("log.md", b"one", limit=8)
    assert root.append("log.md", b"two\n", limit=8).size == 8
    with pytest.raises(ServerError, match="above 8 bytes"):
        root.append("log.md", b"x", limit=8)
    assert root.read("log.md", limit=100).data == b"one\ntwo\n"


def test_a_listing_is_in_order_capped_and_shows_links_without_following_them(root: Root, inside: Path) -> None:
    (inside / "loop").symlink_to(".")
    (inside / ".0123456789abcdef.afs-tmp").write_bytes(b"in flight")
    listing = root.entries(depth=9)
    assert [(entry.path, entry.kind) for entry in listing.entries] == [
        ("history", "folder"),
        ("loop", "link"),
        ("notes", "folder"),
        ("notes/a.md", "file"),
        ("notes/deep", "folder"),
    ]
    assert listing.complete
    assert not root.entries(depth=9, cap=3).complete


def test_a_folder_below_is_a_root_that_its_files_cannot_leave(root: Root, inside: Path) -> None:
    (inside / "notes" / "up").symlink_to("../history")
    with root.below("pads/mine", create=True) as pad, root.below("notes") as notes:
        pad.write("x.md", b"x")
        for path in ("../pads/mine/x.md", "up/x", "../notes/a.md"):
            with pytest.raises(ServerError, match="outside the root"):
                notes.read(path, limit=10)
    assert (inside / "pads" / "mine" / "x.md").read_bytes() == b"x"
    with pytest.raises(ServerError, match="the recorder writes it"):
        root.below("history/mine", create=True)


def test_a_held_lock_is_waited_for_and_then_named(root: Root, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    from servers.machine import beneath_files

    monkeypatch.setattr(beneath_files, "_LOCK_SECONDS", 0.05)
    holder = os.open(inside / "notes", os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(ServerError, match="locked"):
            root.write("notes/b.md", b"x")
    finally:
        os.close(holder)
    assert root.write("notes/b.md", b"x").size == 1


def test_no_descriptor_is_left_open(inside: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    for kernel in (True, False):
        with Root(inside, sealed=SEALED, kernel=kernel) as root:
            root.write("notes/x.md", b"x", mode="replace")
            root.entries(depth=5)
            for path in ("nope", "../x", "notes", "notes/a.md/x", "history/x"):
                with pytest.raises(ServerError):
                    root.read(path, limit=1)
                with pytest.raises(ServerError):
                    root.write(path if path != "nope" else "..", b"x")
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    assert after == before
