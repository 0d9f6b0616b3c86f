"""The text index by itself: fresh by content, shared by processes, made anew when it is lost, never in the way."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.text_index import Refreshed, TextIndex, Wants
from servers.machine.text_index_search import Hits
from servers.machine.watch import open_watch

EVERYTHING = Wants()


def not_secret(path: bytes) -> bool:
    return path != b"secret.env"


def not_history(path: bytes) -> bool:
    return not path.startswith(b"history")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    put(root, "memory/palette.md", "# Palettes\n\nThe title screen fades by CGRAM.\n")
    put(root, "memory/sprites.md", "# Sprites\n\nSprite 0x41 is a soldier; PlayerMainLoop calls it at $7E:F36D.\n")
    put(root, "history/run.jsonl", '{"prompt": "soldier", "answer": "' + "word " * 60 + '"}\n')
    return root


@pytest.fixture(params=[True, False], ids=["watching", "looking"])
def watching(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def indexed(path: Path | None, *, watching: bool = True) -> Generator[TextIndex]:
    index = TextIndex(path, watching=watching)
    try:
        yield index
    finally:
        index.close()


def fresh(index: TextIndex, tree: Path, wants: Wants = EVERYTHING) -> Refreshed:
    with Root(tree) as root:
        return index.refresh(root, place=tree, wants=wants)


def paths(found: Hits) -> list[str]:
    return [hit.path for hit in found.hits]


def ask(index: TextIndex, tree: Path, query: str) -> list[str]:
    fresh(index, tree)
    return paths(index.search(query, limit=50))


def test_a_change_of_any_kind_is_found_by_the_next_search(tree: Path, tmp_path: Path, watching: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    with indexed(tmp_path / "i.sqlite", watching=watching) as index:
        assert ask(index, tree, "soldier") == ["memory/sprites.md", "history/run.jsonl"]
        put(tree, "knowledge/deep/er/new.md", "a soldier with a spear")
        assert "knowledge/deep/er/new.md" in ask(index, tree, "spear")
        put(tree, "knowledge/deep/er/new.md", "a soldier with a sword")
        assert ask(index, tree, "spear") == []
        with (tree / "knowledge/deep/er/new.md").open("a", encoding="utf-8") as file:
            file.write("\nand a lance")
        assert ask(index, tree, "lance") == ["knowledge/deep/er/new.md"]
        (tree / "knowledge/deep").rename(tree / "knowledge/other")
        assert ask(index, tree, "lance") == ["knowledge/other/er/new.md"]
        put(tree, "x.tmp", "a new soldier").replace(tree / "memory/palette.md")
        assert ask(index, tree, "cgram") == []
        (tree / "memory/sprites.md").unlink()
        assert sorted(ask(index, tree, "soldier")) == sorted(
            ["memory/palette.md", "history/run.jsonl", "knowledge/other/er/new.md"]
        )


def test_the_same_size_at_the_same_time_is_still_another_content(tree: Path, tmp_path: Path, watching: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    with indexed(tmp_path / "i.sqlite", watching=watching) as index:
        for number in range(20):
            put(tree, "memory/counter.md", f"count number{number:03}")
            assert ask(index, tree, f"number{number:03}") == ["memory/counter.md"]


def test_only_what_differs_is_read_again(tree: Path, tmp_path: Path) -> None:
    with indexed(tmp_path / "i.sqlite", watching=False) as index:
        old = 1_700_000_000
        for path in tree.rglob("*.*"):
            os.utime(path, (old, old))
        assert fresh(index, tree).changed == 3
        assert fresh(index, tree).changed == 0
        put(tree, "memory/palette.md", "other")
        assert fresh(index, tree).changed == 1
    with indexed(tmp_path / "i.sqlite", watching=False) as index:
        os.utime(tree / "memory/palette.md", (old, old))
        assert fresh(index, tree).changed == 1
        assert fresh(index, tree) == Refreshed(files=3, skipped=0, changed=0, left=0, note="")


def test_deleting_the_index_loses_nothing(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    with indexed(file) as index:
        before = ask(index, tree, "soldier")
        for name in tmp_path.glob("i.sqlite*"):
            name.unlink()
        assert ask(index, tree, "soldier") == before
        assert file.is_file()


@pytest.mark.parametrize(
    "junk", [b"", b"\0" * 5_000, b"not a database at all" * 500, b"SQLite format 3\0" + b"x" * 9_000]
)
def test_a_file_that_is_no_index_is_set_aside_and_made_anew(tree: Path, tmp_path: Path, junk: bytes) -> None:
    file = tmp_path / "i.sqlite"
    file.write_bytes(junk)
    with indexed(file) as index:
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
        assert fresh(index, tree).note == ""
    assert file.read_bytes()[:15] == b"SQLite format 3"


def test_the_database_of_somebody_else_is_kept_beside(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE mine(x)")
    other.commit()
    other.close()
    with indexed(file) as index:
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
    kept = sqlite3.connect(tmp_path / "i.sqlite.broken")
    assert kept.execute("SELECT name FROM sqlite_schema").fetchall() == [("mine",)]
    kept.close()


def test_an_index_that_breaks_in_use_is_made_anew(tree: Path, tmp_path: Path) -> None:
    file = tmp_path / "i.sqlite"
    for number in range(300):
        put(tree, f"many/{number}.md", f"filler {number} " * 60)
    with indexed(file, watching=False) as index:
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
    data = bytearray(file.read_bytes())
    data[4096:-4096] = os.urandom(len(data) - 8192)
    file.write_bytes(data)
    with indexed(file, watching=False) as index:
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
        assert fresh(index, tree).note == ""


@pytest.mark.parametrize("made", ["folder", "fifo", "link", "blocked"])
def test_where_no_file_can_be_the_index_is_in_memory_and_says_so(tree: Path, tmp_path: Path, made: str) -> None:
    file = tmp_path / "place" / "i.sqlite"
    file.parent.mkdir()
    if made == "folder":
        (file / "full").mkdir(parents=True)
    elif made == "fifo":
        os.mkfifo(file)
    elif made == "link":
        file.symlink_to(tmp_path / "outside")
    else:
        file = put(tmp_path, "file", "x") / "i.sqlite"
    with indexed(file) as index:
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
        assert ("in memory" in fresh(index, tree).note) == (made == "blocked")
    assert not (tmp_path / "outside").exists()


def test_a_full_disk_leaves_an_index_in_memory_that_goes_on(tree: Path, tmp_path: Path) -> None:
    with indexed(tmp_path / "i.sqlite") as index:
        ask(index, tree, "cgram")
        with index._using() as file:  # pyright: ignore[reportPrivateUsage]  # the only way to a full file
            pages = file.db.execute("PRAGMA page_count").fetchone()[0]
            file.db.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(200):
            put(tree, f"many/{number}.md", f"needle{number} " + "filler words " * 100)
        assert ask(index, tree, "needle77") == ["many/77.md"]
        assert ask(index, tree, "cgram") == ["memory/palette.md"]
        assert "in memory" in fresh(index, tree).note


def test_several_processes_write_one_index(tree: Path, tmp_path: Path) -> None:
    for number in range(400):
        put(tree, f"many/{number}.md", f"needle{number} in a haystack")
    program = (
        "import sys; from pathlib import Path; from servers.machine.beneath import Root\n"
        "from servers.machine.text_index import TextIndex\n"
        "tree, file = map(Path, sys.argv[1:]); index = TextIndex(file)\n"
        "with Root(tree) as root: print(index.refresh(root, place=tree).files)\n"
        "print(index.search('haystack', limit=1).total)\n"
    )
    command = [sys.executable, "-c", program, str(tree), str(tmp_path / "i.sqlite")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    answers = [process.communicate(timeout=60) for process in running]
    assert [answer[0].split() for answer in answers] == [[b"403", b"400"]] * 4, answers
    with indexed(tmp_path / "i.sqlite") as index:
        assert fresh(index, tree).changed == 0
        assert index.search("haystack", limit=500).total == 400


def test_what_another_process_writes_is_seen_without_looking(tree: Path, tmp_path: Path) -> None:
    with indexed(tmp_path / "i.sqlite") as one, indexed(tmp_path / "i.sqlite") as two:
        ask(one, tree, "x")
        ask(two, tree, "x")
        put(tree, "new.md", "something rare")
        assert ask(one, tree, "rare") == ["new.md"]
        assert paths(two.search("rare", limit=5)) == ["new.md"]


def test_odd_files_are_counted_and_stop_nothing(tree: Path, tmp_path: Path) -> None:
    (tree / "rom.sfc").write_bytes(b"\0" * 100)
    (tree / "large.txt").write_bytes(b"cgram " * 1_500_000)
    os.mkfifo(tree / "fifo")
    (tree / "out").symlink_to(tmp_path)
    (tree / "wide.txt").write_bytes("utf16 words".encode("utf-16"))
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\n\x1b.md")).write_bytes(b"caf\xe9 odd")
    with indexed(tmp_path / "i.sqlite") as index:
        state = fresh(index, tree)
        assert (state.files, state.skipped) == (5, 2)
        assert ask(index, tree, "odd") == ["\\xff\\x0a\\x1b.md"]
        assert ask(index, tree, "utf16") == ["wide.txt"]
        assert ask(index, tree, "cgram") == ["memory/palette.md"]


def test_a_link_never_brings_a_hidden_text_in_under_another_name(tree: Path, tmp_path: Path) -> None:
    put(tree, "secret.env", "token hunter2")
    with indexed(tmp_path / "i.sqlite") as index:
        hidden = Wants(wanted=not_secret)
        fresh(index, tree, hidden)
        (tree / "memory/plain.md").symlink_to("../secret.env")
        fresh(index, tree, hidden)
        assert index.search("hunter2", limit=5).total == 0


def test_files_that_are_not_wanted_any_more_leave_the_index(tree: Path, tmp_path: Path) -> None:
    with indexed(tmp_path / "i.sqlite") as index:
        fresh(index, tree)
        assert index.search("soldier", limit=5).total == 2
        fresh(index, tree, Wants(wanted=not_history, rules="new"))
        assert paths(index.search("soldier", limit=5)) == ["memory/sprites.md"]


def test_time_that_runs_out_leaves_the_rest_for_the_next_refresh(tree: Path, tmp_path: Path) -> None:
    for number in range(1_200):
        put(tree, f"many/{number}.md", f"needle{number}")
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    with indexed(tmp_path / "i.sqlite") as index, Root(tree) as root:
        first = index.refresh(root, place=tree, seconds=0.0, told=tell)
        assert (first.changed, first.left) == (500, 703)
        assert told == [(500, 1203)]
        assert index.refresh(root, place=tree).left == 0
        assert index.search("needle1199", limit=5).total == 1


def test_an_error_of_the_one_who_is_told_ends_the_refresh_and_keeps_what_is_done(tree: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise ServerError(f"called off at {done} of {total}")

    for number in range(700):
        put(tree, f"many/{number}.md", f"needle{number}")
    with indexed(tmp_path / "i.sqlite") as index, Root(tree) as root:
        with pytest.raises(ServerError, match="called off at 500"):
            index.refresh(root, place=tree, told=stop)
        assert index.search("needle1", limit=900).total + index.search("soldier", limit=9).total > 0
        assert index.refresh(root, place=tree)[:2] == (703, 0)


def test_a_root_that_disappears_is_an_error_and_comes_back(tree: Path, tmp_path: Path) -> None:
    with indexed(tmp_path / "i.sqlite") as index:
        assert ask(index, tree, "cgram")
        tree.rename(tmp_path / "away")
        with Root(tmp_path / "away") as root, pytest.raises(ServerError, match="no such file"):
            index.refresh(root, place=tree)
        put(tree, "other.md", "cgram again")
        assert ask(index, tree, "cgram") == ["other.md"]


def test_a_watch_names_files_and_says_when_more_has_changed(tree: Path) -> None:
    watch = open_watch(os.fsencode(tree))
    if watch is None:
        pytest.skip("the kernel tells no changes here (inotify, a local file system)")
    try:
        assert watch.add(b"memory")
        put(tree, "memory/palette.md", "new")
        assert watch.changes() == (frozenset([b"memory/palette.md"]), False)
        assert watch.changes() == (frozenset(), False)
        (tree / "memory/inner").mkdir()
        assert watch.changes().whole
    finally:
        watch.close()
    assert watch.changes().whole
