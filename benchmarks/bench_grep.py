"""Searches in 100,000 files through the workspace server, against `rg` for the same; names in 20,000 files.

The goals are 1.2 times the program `rg` as it is installed, with every match reported, and names by a pattern in
100 ms, held here as a ratio to `find`.
"""

import functools
import json
import random
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Self

from benchmarks.ratio import Ratio, in_turns, ratio_of
from servers.machine.errors import ServerError

__all__ = ["FILES", "NAMES", "ROUNDS", "Server", "measure", "write_code", "write_names"]

FILES = 100_000
NAMES = 20_000
ROUNDS = 9
BOUND = 1.2
_BY_FIND = 5.0
_CLIENT = {"name": "bench", "version": "1"}
_RARE, _MEDIUM = "RARE_NEEDLE_TOKEN", "medium_marker_token"
_IN_FOLDER = 100
_SYLLABLES = ("ka", "lo", "mi", "ter", "van", "gor", "eth", "su", "pal", "rin", "dox", "quo", "bel", "fra", "nim")


def _word(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3))


def write_code(root: Path, files: int = FILES) -> int:
    """Write so many files of about 1 KB below `root`, a twentieth of them ignored; return how many are to be found."""
    draw = random.Random(1)
    (root / ".git").mkdir(parents=True)
    (root / ".gitignore").write_text("build/\n*.o\n", encoding="utf-8")
    blocks = ["\n".join(" ".join(_word(draw) for _ in range(9)) for _ in range(7)) for _ in range(2_000)]
    rare = 0
    for number in range(files):
        ignored = number >= files * 19 // 20
        folder = root / ("build" if ignored else f"part{number // 5_000:02}") / f"m{number // _IN_FOLDER % 50:02}"
        if number % _IN_FOLDER == 0:
            folder.mkdir(parents=True)
        lines = [f"; module {number}", draw.choice(blocks), f"call_{_word(draw)}:", draw.choice(blocks)]
        if number % 5_000 == 1_234:
            lines.append(f"{_RARE} = 42")
            rare += not ignored
        if number % 100 == 33:
            lines.append(f"JSL {_MEDIUM}")
        (folder / f"mod_{number:06}.asm").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rare


def write_names(root: Path, files: int = NAMES) -> None:
    """Write so many small files into folders of a hundred; one of 500 is a needle."""
    draw = random.Random(2)
    for number in range(files):
        folder = root / f"a{number // 2_000:02}" / f"b{number // _IN_FOLDER % 20:02}"
        if number % _IN_FOLDER == 0:
            folder.mkdir(parents=True)
        name = "needle" if number % 500 == 7 else _word(draw)
        (folder / f"{name}_{number:05}.txt").write_text("x\n", encoding="utf-8")


class Server:
    """The workspace server as a host starts it; a context manager."""

    def __init__(self, root: Path) -> None:
        """Start it over a folder."""
        command = [str(Path(sysconfig.get_path("scripts"), "afs-workspace")), str(root)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0
        client: dict[str, object] = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT}
        self._ask("initialize", client)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return the structured half of its result. Raises ServerError with the tool's own error."""
        result = self._ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise ServerError(str(result["content"]))
        structured: dict[str, Any] = result["structuredContent"]
        return structured

    def _send(self, message: dict[str, object]) -> None:
        if self._process.stdin is None:
            raise ServerError("the server has no pipes")
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, method: str, params: dict[str, object]) -> dict[str, Any]:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        for line in self._process.stdout or ():
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._number:
                result: dict[str, Any] = answer["result"]
                return result
        raise ServerError("the workspace server ended; run afs-workspace by hand to see why")


def measure(*, files: int = FILES, names: int = NAMES, rounds: int = ROUNDS) -> list[Ratio]:
    """Search text and names in turns with the plain ways. Raises ServerError where `rg` or `find` is absent."""
    rg, find = shutil.which("rg"), shutil.which("find")
    if rg is None or find is None:
        raise ServerError("rg or find is absent: install ripgrep and findutils")
    with tempfile.TemporaryDirectory() as place:
        code, tree = Path(place, "code"), Path(place, "names")
        rare = write_code(code, files)
        write_names(tree, names)
        with Server(code) as server:
            found = [_text(server, rg, code, pattern, rounds=rounds) for pattern in (_RARE, _MEDIUM, "call_")]
            if server.call("grep_codebase", pattern=_RARE)["matches"] != rare:
                raise ServerError(f"not every match was reported: there are {rare}")
        with Server(tree) as server:
            return [*found, _names(server, find, tree, rounds=rounds)]


def _text(server: Server, rg: str, root: Path, pattern: str, *, rounds: int) -> Ratio:
    plain = functools.partial(_output, [rg, "--line-number", pattern, "."], root)
    page = server.call("grep_codebase", pattern=pattern)
    lines = plain().count(b"\n")
    if page["matches"] != lines:
        raise ServerError(f"{pattern}: {page['matches']} matches are reported, rg finds {lines}")
    times = in_turns(lambda: server.call("grep_codebase", pattern=pattern), plain, rounds=rounds)
    return ratio_of(f"grep {lines:,} lines of {FILES:,} files", times, bound=BOUND, plain="rg as it is installed")


def _names(server: Server, find: str, root: Path, *, rounds: int) -> Ratio:
    plain = functools.partial(_output, [find, ".", "-name", "*needle*"], root)
    page = server.call("list_files", pattern="needle")
    if page["total"] != plain().count(b"\n"):
        raise ServerError(f"{page['total']} names are reported, find knows another number")
    times = in_turns(lambda: server.call("list_files", pattern="needle"), plain, rounds=rounds)
    return ratio_of(f"names in {NAMES:,} files", times, bound=_BY_FIND, plain="find -name")


def _output(command: list[str], folder: Path) -> bytes:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return done.stdout
