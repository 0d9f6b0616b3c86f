"""Several folders as roots: which one a path is in, and folders that come and go."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.machine.beneath import Root, Roots
from servers.machine.errors import ServerError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("one", "two", "one-evil", "one/inner"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name, encoding="utf-8")
    return tmp_path


@pytest.fixture
def roots(place: Path) -> Iterator[Roots]:
    opened = Roots([place / "one", place / "two", place / "one" / "inner"], sealed={"CLAUDE.md": "a rule"})
    yield opened
    opened.close()


def content(roots: Roots, path: str) -> str:
    found = roots.at(path)
    return found.root.read(found.path, limit=100).data.decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("f", "one"),
        ("inner/f", "one/inner"),
        ("{}/one/f", "one"),
        ("{}/two/f", "two"),
        ("{}/one/inner/f", "one/inner"),
        ("{}//two/./f", "two"),
        ("{}/nothing/../two/f", "two"),
    ],
)
def test_a_path_is_in_the_root_that_its_parts_say(roots: Roots, place: Path, path: str, text: str) -> None:
    assert content(roots, path.format(place)) == text


@pytest.mark.parametrize(
    "path",
    [
        "{}/one-evil/f",
        "{}",
        "/",
        "/etc/passwd",
        "{}/two/../one-evil/f",
        "{}/two/../one/f",
        "{}/one/../../etc/passwd",
        "{}/ONE/f",
        "../two/f",
    ],
)
def test_a_path_in_no_root_is_refused_and_only_itself_is_named(roots: Roots, place: Path, path: str) -> None:
    with pytest.raises(ServerError, match="outside the") as caught:
        content(roots, path.format(place))
    assert "one/inner" not in str(caught.value)


def test_an_odd_name_is_reached_by_its_absolute_path_as_it_is_shown(roots: Roots, place: Path) -> None:
    Path(os.fsdecode(os.fsencode(place / "one") + b"/\xff\n")).write_text("odd", encoding="utf-8")
    assert content(roots, f"{place}/one/\\xff\\x0a") == "odd"


def test_a_root_with_an_odd_name_itself_is_reached(place: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(place) + b"/\xff\\x41"))
    odd.mkdir()
    (odd / "f").write_text("odd", encoding="utf-8")
    assert content(Roots([odd]), f"{place}/\\xff\\x5cx41/f") == "odd"


def test_a_root_that_goes_says_so_and_one_that_comes_back_works_again(roots: Roots, place: Path) -> None:
    assert content(roots, "f") == "one"
    (place / "one").rename(place / "gone")
    with pytest.raises(ServerError, match="is not there"):
        content(roots, "f")
    (place / "one").mkdir()
    (place / "one" / "f").write_text("new", encoding="utf-8")
    assert content(roots, "f") == "new"
    shutil.rmtree(place / "one")
    (place / "one").symlink_to(place / "two")
    assert content(roots, "f") == "two"


def test_a_file_in_the_place_of_a_root_is_named_as_such(place: Path) -> None:
    with pytest.raises(ServerError, match="a file, not a folder"):
        Roots([place / "one" / "f"]).at("x")


def test_the_rules_hold_in_every_root(roots: Roots, place: Path) -> None:
    for path in ("claude.md", f"{place}/two/CLAUDE.md", f"{place}/one/inner/deep/Claude.md"):
        found = roots.at(path)
        with pytest.raises(ServerError, match="a rule"):
            found.root.write(found.path, b"x")


def test_many_threads_read_while_the_root_is_replaced(roots: Roots, place: Path) -> None:
    texts: set[str] = set()
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            try:
                texts.add(content(roots, "f"))
            except ServerError:
                texts.add("refused")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        os.rename(place / "one", place / "aside")
        os.rename(place / "two", place / "one")
        os.rename(place / "one", place / "two")
        os.rename(place / "aside", place / "one")
    ending.set()
    for thread in threads:
        thread.join(timeout=10)
    assert {"one"} <= texts <= {"one", "two", "refused"}


def test_no_descriptor_stays_open_when_roots_are_replaced(place: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not show its descriptors")
    before = os.listdir("/proc/self/fd")
    roots = Roots([place / "one"])
    for _ in range(20):
        (place / "one").rename(place / "aside")
        shutil.copytree(place / "aside", place / "one")
        shutil.rmtree(place / "aside")
        assert content(roots, "f") == "one"
    roots.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_what_killed_writers_left_is_gone_after_the_first_use_of_a_root(place: Path) -> None:
    left = place / "one" / "inner" / ".0123456789abcdef.afs-tmp"
    left.write_bytes(b"half")
    roots = Roots([place / "one", place / "two"])
    assert content(roots, "f") == "one"
    assert not left.exists()
    roots.close()


def test_a_root_that_was_closed_by_another_thread_is_never_another_file(place: Path) -> None:
    root = Root(place / "one")
    root.close()
    with pytest.raises(ServerError):
        root.read("f", limit=10)
