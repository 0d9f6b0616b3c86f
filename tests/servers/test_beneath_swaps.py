"""A process that swaps a folder for a link to the outside all the time: nothing outside is read, shown or changed."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.bench_swap import ATTACKS, SECRET, Place, attacked, measure, place_in
from servers.machine import openat2
from servers.machine.beneath import Root, Roots
from servers.machine.errors import ServerError

TRIES = 3_000
WRITES = 150
MOST = 100_000
"""Tries at most, where an attack is slow to be met in both of its states."""


@pytest.fixture(params=sorted(ATTACKS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = place_in(tmp_path)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(attacked(made, request.param))
        except RuntimeError as error:
            pytest.skip(str(error))
        yield made
    outside = {path.name: path.read_bytes() for path in made.outside.iterdir()}
    assert outside == {"either": SECRET, "secret": SECRET}


@pytest.fixture(params=["kernel", "walk"])
def root(request: pytest.FixtureRequest, place: Place) -> Iterator[Root]:
    by_kernel = request.param == "kernel"
    if by_kernel and not openat2.available():
        pytest.skip("this kernel has no openat2")
    with Root(place.root, sealed={"/sealed": "a rule"}, kernel=by_kernel) as opened:
        yield opened


def met(act: Callable[[int], object], *, tries: int = TRIES) -> Counter[str]:
    """Act again and again until both states of the attack were met often enough; count what came of it."""
    counts: Counter[str] = Counter()
    for turn in range(MOST):
        try:
            counts["done" if act(turn) else "missed"] += 1
        except ServerError:
            counts["refused"] += 1
        if turn >= tries and min(counts["done"], counts["refused"] + counts["missed"]) >= 10:
            break
    return counts


def never(act: Callable[[], object]) -> None:
    """Act again and again; it must be refused each time."""
    for _ in range(TRIES):
        with pytest.raises(ServerError):
            act()


def both(counts: Counter[str]) -> bool:
    return counts["done"] >= 10 and counts["refused"] + counts["missed"] >= 10


def test_a_read_gets_the_file_inside_or_nothing(root: Root) -> None:
    assert both(met(lambda _: root.read("d/either", limit=100).data == b"inside" or pytest.fail("read outside")))


def test_no_name_of_the_outside_is_ever_shown(root: Root) -> None:
    def listed(_: int) -> bool:
        names = {entry.path for entry in root.entries("d").entries}
        names |= {entry.path for entry in root.entries(depth=3).entries}
        names |= {os.fsdecode(seen.path) for seen in root.walk(cap=100)}
        assert not any("secret" in name for name in names)
        return "d/mine" in names

    assert both(met(listed, tries=WRITES))
    never(lambda: root.state("d/secret"))


def test_nothing_outside_is_opened_edited_appended_to_or_removed(root: Root) -> None:
    def upper(data: bytes) -> bytes:
        assert data == b"inside"
        return data

    def opened(_: int) -> bool:
        with root.opened("d/either") as fd:
            return os.pread(fd, 100, 0) == b"inside" or pytest.fail("opened outside")

    assert both(met(opened))
    acts: list[Callable[[int], object]] = [
        lambda _: root.edit("d/either", upper, limit=1_000),
        lambda turn: root.append(f"d/log{turn % 50}", b"x", limit=1_000_000),
        lambda turn: root.write(f"d/new{turn % 100}", b"x", mode="replace"),
    ]
    for act in acts:
        assert both(met(act, tries=WRITES))
    never(lambda: root.remove("d/secret"))


def test_nothing_is_made_outside_or_moved_out_or_in(root: Root, place: Place) -> None:
    (place.root / "from").mkdir()

    def made(turn: int) -> bool:
        return root.make_folder(f"d/f{turn % 300}/g")

    def out(turn: int) -> bool:
        root.write(f"from/x{turn % 50}", b"x", mode="replace")
        return bool(root.move(f"from/x{turn % 50}", f"d/x{turn % 50}", replace=True))

    met(made, tries=WRITES)
    assert both(met(out, tries=WRITES))
    never(lambda: root.move("d/secret", "stolen", replace=True))
    assert not (place.root / "stolen").exists()


def test_a_swapped_folder_is_swept_and_opened_as_a_root_without_leaving(root: Root, place: Place) -> None:
    (place.outside / ".0123456789abcdef.afs-tmp").write_bytes(b"not ours")

    def below(_: int) -> bool:
        with root.below("d") as inner:
            return inner.read("either", limit=100).data == b"inside" or pytest.fail("read outside")

    try:
        assert both(met(below))
        assert sum(root.swept() for _ in range(100)) == 0
    finally:
        (place.outside / ".0123456789abcdef.afs-tmp").unlink()


def test_absolute_paths_of_roots_get_the_file_inside_or_nothing(place: Place) -> None:
    roots = Roots([place.root])

    def read(_: int) -> bool:
        found = roots.at(str(place.root / "d" / "either"))
        return found.root.read(found.path, limit=100).data == b"inside" or pytest.fail("read outside")

    assert both(met(read))
    roots.close()


def test_the_usual_way_is_measured_beside_ours_and_ours_reads_nothing_outside() -> None:
    try:
        found = measure(tries=2_000)
    except RuntimeError as error:
        assert "renameat2" in str(error)
        pytest.skip(str(error))
    assert [ratio.name for ratio in found] == [f"read while swapped by {attack}" for attack in ATTACKS]
    assert all("0 of 2000 outside" in ratio.plain for ratio in found)
