"""A scan of 150,000 files against `find` over the same tree and `sha256sum` over what could be a duplicate.

The tree is planted: folders of a hundred files, most of some KB and of many sizes, a tenth of them copies, a few of
some MB. What is held is the ratio of a first scan, with totals, projects and every duplicate by content, to the two
programs of the system one after the other. Two more ratios: a scan with nothing changed, and one question.
"""

import datetime
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.ratio import Ratio, in_turns, ratio_of
from servers.machine.errors import ServerError
from servers.settings import Settings
from servers.workspace.asking import answer
from servers.workspace.opened import Opened
from servers.workspace.scan import scan_tree
from servers.workspace.scan_walk import PATIENT

__all__ = ["FILES", "measure", "plant_many"]

FILES = 150_000
ROUNDS = 3
_IN_FOLDER = 100
_BY_PROGRAMS = 1 / 0.7
_BY_FIND = 8.0
_LARGE_EVERY = 1_000
_COPY_EVERY = 10
_ENDINGS = ("asm", "py", "txt", "bin", "md", "png", "json", "c", "sfc", "bps")


def plant_many(root: Path, files: int) -> None:
    """Write so many files below a folder; every tenth has the content of one before it."""
    chance = random.Random(7)
    contents = [chance.randbytes(size) for size in (300, 700, 1_500, 2_000, 4_096, 9_000, 20_000)]
    large = chance.randbytes(2_000_000)
    for number in range(files):
        folder = root / f"area{number // 10_000}" / f"folder{number // _IN_FOLDER}"
        if number % _IN_FOLDER == 0:
            folder.mkdir(parents=True)
        sign = b"%08d" % (number if number % _COPY_EVERY else number // 7)
        body = large if number % _LARGE_EVERY == 1 else contents[number % len(contents)]
        (folder / f"name{number}.{_ENDINGS[number % len(_ENDINGS)]}").write_bytes(sign + body)


def measure() -> list[Ratio]:
    """Scan in turns with the programs; raises ServerError where they are not there."""
    if not (shutil.which("find") and shutil.which("sha256sum") and shutil.which("xargs")):
        raise ServerError("find, xargs and sha256sum are not all here; install findutils and coreutils")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "home")
        plant_many(root, FILES)
        candidates = Path(place, "candidates")
        candidates.write_bytes(b"\0".join(_of_one_size(root)))
        return [_first(place, root, candidates), *_later(place, root)]


def _of_one_size(root: Path) -> list[bytes]:
    """Return the files whose size another one has too."""
    sizes: dict[int, list[bytes]] = {}
    for folder, _folders, names in os.walk(os.fsencode(root)):
        for name in names:
            path = os.path.join(folder, name)
            sizes.setdefault(os.path.getsize(path), []).append(path)
    return [path for paths in sizes.values() if len(paths) > 1 for path in paths]


def _settings(place: str, root: Path, number: int) -> Settings:
    folder = Path(place)
    return Settings(context_root=folder / "context", data_dir=folder / f"data{number}", project_root=root)


def _first(place: str, root: Path, candidates: Path) -> Ratio:
    numbers = iter(range(1_000))

    def ours() -> None:
        opened = Opened(_settings(place, root, next(numbers)))
        scan_tree(opened, "", PATIENT, changed_only=False, min_size=1)

    def plain() -> None:
        subprocess.run(["find", str(root), "-type", "f"], stdout=subprocess.DEVNULL, check=True)
        with candidates.open("rb") as source:
            subprocess.run(["xargs", "-0", "sha256sum"], stdin=source, stdout=subprocess.DEVNULL, check=True)

    times = in_turns(ours, plain, rounds=ROUNDS)
    return ratio_of(
        f"a first scan of {FILES:,} files with duplicates",
        times,
        bound=_BY_PROGRAMS,
        plain="find, then sha256sum on candidates",
    )


def _later(place: str, root: Path) -> list[Ratio]:
    opened = Opened(_settings(place, root, 1_000))
    scan_tree(opened, "", PATIENT, changed_only=False, min_size=1)

    def find() -> None:
        subprocess.run(["find", str(root), "-type", "f", "-size", "+0"], stdout=subprocess.DEVNULL, check=True)

    again = in_turns(lambda: scan_tree(opened, "", PATIENT, changed_only=False, min_size=1), find, rounds=ROUNDS)
    year = datetime.datetime.now(datetime.UTC).year
    asked = in_turns(
        lambda: answer(opened, f"largest asm files of {year} about name77", "", PATIENT, limit=10), find, rounds=ROUNDS
    )
    return [
        ratio_of("a scan with nothing changed", again, bound=_BY_FIND, plain="find by size"),
        ratio_of("one question", asked, bound=_BY_FIND, plain="find by size"),
    ]
