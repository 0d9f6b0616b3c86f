"""What `run_shell true` costs beside a plain bash: the whole call through the protocol, on stdio.

Calls that follow one another at once wait for the sandbox that the server makes ahead. An agent's calls come with a
pause, since a model reads the answer of the one before.
"""

import os
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from benchmarks.ratio import Ratio
from servers.machine.errors import ServerError
from servers.machine.shell_choice import choose_shell_backend

__all__ = ["MOST_OVER_MS", "measure"]

MOST_OVER_MS = 8.0
"""The most that a call may take more than bash alone, in milliseconds."""
_ROUNDS = 60
_FILES = 20
_PAUSES = {"at once": 0.0, "after 50 ms": 0.05}
"""How calls follow one another: seconds between them."""


def _plain(bash: str, folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run([bash, "-c", "true"], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


async def _ours(client: Client) -> float:
    started = time.perf_counter()
    result = await client.call_tool("run_shell", {"command": "true"})
    taken = (time.perf_counter() - started) * 1000
    if result.is_error:
        raise ServerError(f"run_shell failed: {result.content}")
    return taken


async def _turns(client: Client, work: Path, bash: str, how: str) -> Ratio:
    ours: list[float] = []
    plain: list[float] = []
    for turn in range(_ROUNDS + 1):
        await anyio.sleep(_PAUSES[how])
        times = (await _ours(client), _plain(bash, work))
        if turn:  # the first call tries the sandbox
            ours.append(times[0])
            plain.append(times[1])
    alone = statistics.median(plain)
    where = "in a copy of 20 files, as root" if os.geteuid() == 0 else "in place"
    return Ratio(
        name=f"run_shell true, {where}, {how}",
        ours_ms=statistics.median(ours),
        plain_ms=alone + MOST_OVER_MS,
        bound=1.0,
        plain=f"bash alone, {alone:.1f} ms, and {MOST_OVER_MS:.0f} ms",
    )


async def _measure(folder: Path, bash: str) -> list[Ratio]:
    work = folder / "work"
    work.mkdir()
    for number in range(_FILES):
        (work / f"{number}.asm").write_text("    RTL\n" * 100, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AFS_DATA_DIR": str(folder / "data")}
    server = StdioServerParameters(
        command=str(Path(sysconfig.get_path("scripts"), "afs-workspace")), args=[str(work)], env=environment
    )
    async with Client(server) as client:
        return [await _turns(client, work, bash, how) for how in _PAUSES]


def measure() -> list[Ratio]:
    """Return what a call takes beside bash and 8 ms. Raises ServerError when there is no sandbox or no bash."""
    choose_shell_backend()
    bash = shutil.which("bash")
    if bash is None:
        raise ServerError("bash is missing; install it")
    with tempfile.TemporaryDirectory(prefix="afs-bench-shell-") as name:
        Path(name).chmod(0o711)
        return anyio.run(_measure, Path(name), bash)
