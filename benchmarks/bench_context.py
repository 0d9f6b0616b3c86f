"""Searches, packs and refreshes over 20,000 notes, through the protocol, against ripgrep and an echo.

The goals are a search in 20 ms and a refresh with nothing changed in 300 ms over 20,000 notes, and a search in 15 ms
over 5,000. What is held is the ratio to plain `rg` looking through the same files once.
"""

import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from benchmarks.bench_read import Line
from benchmarks.bench_servers import BARE
from benchmarks.ratio import Pair, Ratio, ratio_of
from servers.machine.beneath import Root
from servers.machine.errors import ServerError
from servers.machine.text_index import TextIndex

__all__ = ["NOTES", "ROUNDS", "measure", "plant"]

NOTES = 20_000
ROUNDS = 15
_QUERIES = ("needle77", "topic7", "palette of room", "how is the sprite loaded?", "$7E004D")
_BY_RG = {"search_context": 0.2, "pack_context": 0.4, "refresh": 2.0}
_BY_ECHO = 8.0
_START = "import sys\nfrom bare import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
_WORDS = ("palette", "sprite", "room", "bank", "tile", "sound", "title", "door", "camera", "link", "dungeon", "loaded")


def plant(root: Path, notes: int) -> None:
    """Write so many notes of about 1 KB into folders of 200; the first words are common, the others rare."""
    chance = random.Random(7)
    words = (*_WORDS, *(f"word{number}" for number in range(4_000)))
    for number in range(notes):
        folder = root / "memory" / f"part{number // 200}"
        folder.mkdir(parents=True, exist_ok=True)
        body = " ".join(chance.choice(words) for _ in range(140))
        text = f"# Note {number}\n\n{body}\n\ntopic{number % 97} needle{number} $7E{number % 65536:04X}\n"
        (folder / f"note-{number}.md").write_text(text, encoding="utf-8")


def _by_rg(rg: str, root: Path, pattern: str) -> float:
    start = time.perf_counter()
    subprocess.run([rg, "-l", "-e", pattern, str(root)], stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - start) * 1000


def _refreshed(index: TextIndex, tree: Path) -> float:
    """Return the milliseconds of a refresh that the kernel tells nothing."""
    start = time.perf_counter()
    with Root(tree) as root:
        index.refresh(root, place=tree, seconds=600)
    return (time.perf_counter() - start) * 1000


def measure(*, notes: int = NOTES, rounds: int = ROUNDS) -> list[Ratio]:
    """Measure in turns; planting and the first reading of the notes take some ten seconds. Raises ServerError."""
    rg = shutil.which("rg")
    if rg is None:
        raise ServerError("there is no rg to compare with; install ripgrep")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tree = folder / "context"
        plant(tree, notes)
        (folder / "bare.py").write_text(BARE, encoding="utf-8")
        (folder / "start.py").write_text(_START, encoding="utf-8")
        index = TextIndex(folder / "index.sqlite", watching=False)
        _refreshed(index, tree)
        script = str(Path(sysconfig.get_path("scripts"), "afs-context"))
        with Line([sys.executable, str(folder / "start.py")], folder) as bare, Line([script], folder) as context:
            context.call("search_context", {"query": "needle1"})
            times: dict[str, list[float]] = {name: [] for name in ("rg", "echo", *_BY_RG)}
            for number in range(rounds * len(_QUERIES)):
                query = _QUERIES[number % len(_QUERIES)]
                times["search_context"].append(context.call("search_context", {"query": query}))
                times["echo"].append(bare.call("echo", {"text": "x" * 2_000}))
                if number % len(_QUERIES) == 0:
                    times["refresh"].append(_refreshed(index, tree))
                    times["rg"].append(_by_rg(rg, tree, "needle77"))
                    times["pack_context"].append(context.call("pack_context", {"prompt": query, "budget": 1_500}))
        index.close()
    return _ratios(times, notes)


def _ratios(times: dict[str, list[float]], notes: int) -> list[Ratio]:
    plain = f"rg over the same {notes:,} notes"
    found = [
        ratio_of(f"{name}, {notes:,} notes", Pair(times[name], times["rg"]), bound=bound, plain=plain)
        for name, bound in _BY_RG.items()
    ]
    echo = Pair(times["search_context"], times["echo"])
    return [*found, ratio_of(f"search_context, {notes:,} notes", echo, bound=_BY_ECHO, plain="an echo of 2 KB")]
