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
import sysconfig
import tempfile
from pathlib import Path

from benchmarks.bench_read import Line
from benchmarks.ratio import Ratio, in_turns, ratio_of
from servers.machine.errors import ServerError

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
        with Line([str(Path(sysconfig.get_path("scripts"), "afs-workspace")), str(root)], Path(place)) as line:
            return [_first(line, Path(place), root, candidates), *_later(line, root)]


def _of_one_size(root: Path) -> list[bytes]:
    """Return the files whose size another one has too."""
    sizes: dict[int, list[bytes]] = {}
    for folder, _folders, names in os.walk(os.fsencode(root)):
        for name in names:
            path = os.path.join(folder, name)
            sizes.setdefault(os.path.getsize(path), []).append(path)
    return [path for paths in sizes.values() if len(paths) > 1 for path in paths]


def _first(line: Line, place: Path, root: Path, candidates: Path) -> Ratio:
    def ours() -> None:
        shutil.rmtree(place / "data", ignore_errors=True)
        line.call("scan_files", {"seconds": 3_600})

    def plain() -> None:
        subprocess.run(["find", str(root), "-type", "f"], stdout=subprocess.DEVNULL, check=True)
        with candidates.open("rb") as source:
            subprocess.run(["xargs", "-0", "sha256sum"], stdin=source, stdout=subprocess.DEVNULL, check=True)

    times = in_turns(ours, plain, rounds=ROUNDS)
    name = f"a first scan of {FILES:,} files with duplicates"
    return ratio_of(name, times, bound=_BY_PROGRAMS, plain="find, then sha256sum on candidates")


def _later(line: Line, root: Path) -> list[Ratio]:
    def find() -> None:
        subprocess.run(["find", str(root), "-type", "f", "-size", "+0"], stdout=subprocess.DEVNULL, check=True)

    year = datetime.datetime.now(datetime.UTC).year
    asked = f"largest asm files of {year} about name77"
    again = in_turns(lambda: line.call("scan_files", {"seconds": 3_600}), find, rounds=ROUNDS)
    answered = in_turns(lambda: line.call("ask_files", {"question": asked}), find, rounds=ROUNDS)
    return [
        ratio_of("a scan with nothing changed", again, bound=_BY_FIND, plain="find by size"),
        ratio_of("one question about files", answered, bound=_BY_FIND, plain="find by size"),
    ]
