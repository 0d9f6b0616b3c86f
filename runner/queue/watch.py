"""What the machine is doing: load, memory, graphics cards, and the user's own training, for which jobs wait.

A job of the class `training` waits for memory alone. While a training process that the user has named runs, all others
wait. Analysis and scheduled jobs also wait for a calm processor and a calm graphics card.
"""

import contextlib
import importlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.queue.job import Job
from schemas.frozen import Frozen

__all__ = ["Bounds", "Card", "Reading", "read_machine", "reason_to_wait"]

_MEGABYTE = 1 << 20
_PROC = Path("/proc")


class Card(Frozen):
    """A graphics card."""

    name: str
    busy: float
    """Share of the last moments in which it computed, 0 to 1."""
    free_mb: float
    """Free memory, in MiB."""


class Reading(Frozen):
    """The machine at one moment."""

    load: float = 0.0
    """Processes that want to run, for each processor, over the last minute."""
    free_mb: float | None = None
    """Memory that a new process could have, in MiB; None: unknown."""
    cards: tuple[Card, ...] = ()
    training: str = ""
    """The training process that was found: its name and id; empty: none."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When jobs wait. Zero means never."""

    load: float = 4.0
    """Load for each processor, above which analysis and scheduled jobs wait."""
    free_mb: float = 512.0
    """Free memory in MiB, below which no job is begun."""
    card_busy: float = 0.9
    """Share of a graphics card's time, above which analysis and scheduled jobs wait."""
    card_free_mb: float = 0.0
    """Free memory in MiB of the emptiest card, below which no job is begun."""
    training: tuple[str, ...] = ()
    """Names of training programs, or paths of their pid files (with a slash, or ending in .pid)."""


def reason_to_wait(job: Job, reading: Reading, bounds: Bounds, *, computing: bool = False) -> str:
    """Return why a job may not be begun now; empty: it may.

    `computing` says that jobs of ours run: then what they do to the processor and the card is no reason to wait.
    """
    if job.priority != "training" and reading.training:
        return f"{reading.training} is training"
    if bounds.free_mb and reading.free_mb is not None and reading.free_mb < bounds.free_mb:
        return f"{reading.free_mb:.0f} MiB of memory are free, {bounds.free_mb:.0f} are needed"
    if bounds.card_free_mb and reading.cards and max(card.free_mb for card in reading.cards) < bounds.card_free_mb:
        return f"no graphics card has {bounds.card_free_mb:.0f} MiB free"
    if job.priority not in ("analysis", "scheduled") or computing:
        return ""
    if bounds.load and reading.load > bounds.load:
        return f"the load is {reading.load:.1f} for each processor, {bounds.load:.1f} is the limit"
    if bounds.card_busy and reading.cards and min(card.busy for card in reading.cards) > bounds.card_busy:
        return "the graphics cards are busy"
    return ""


def read_machine(training: Sequence[str] = ()) -> Reading:
    """Return what the machine does now; what cannot be found out is left at its default."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0
    return Reading(load=load, free_mb=_free_mb(), cards=tuple(_cards()), training=_training(training))


def _free_mb() -> float | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (_PROC / "meminfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 1024
    return None


def _cards() -> Iterator[Card]:
    """Yield the NVIDIA cards, where the package `nvidia-ml-py` and a driver are there."""
    try:
        nvml: Any = importlib.import_module("pynvml")  # ships no types
    except ImportError:
        return
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return
    try:
        for index in range(nvml.nvmlDeviceGetCount()):
            with contextlib.suppress(nvml.NVMLError):
                card = nvml.nvmlDeviceGetHandleByIndex(index)
                busy = nvml.nvmlDeviceGetUtilizationRates(card).gpu / 100
                free = nvml.nvmlDeviceGetMemoryInfo(card).free / _MEGABYTE
                yield Card(name=str(nvml.nvmlDeviceGetName(card)), busy=busy, free_mb=free)
    except nvml.NVMLError:
        return
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _training(wanted: Sequence[str]) -> str:
    for name in wanted:
        if "/" not in name and not name.endswith(".pid"):
            continue
        pid = _pid_in(Path(name))
        if pid and _lives(pid):
            return f"process {pid} of {name}"
    names = {name for name in wanted if "/" not in name and not name.endswith(".pid")}
    return next((f"{found} (process {pid})" for pid, found in _named(names) if pid != os.getpid()), "") if names else ""


def _pid_in(path: Path) -> int:
    try:
        with path.expanduser().open("rb") as file:
            return max(0, int(file.read(32).split()[0]))
    except (OSError, ValueError, IndexError):
        return 0


def _lives(pid: int) -> bool:
    if _PROC.joinpath("self").exists():
        return _state(pid) not in ("", "Z", "X")
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _state(pid: int) -> str:
    try:
        line = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return line.rpartition(")")[2].split()[0]


def _named(names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the processes whose program, or the script that it runs, has one of the names."""
    if not _PROC.joinpath("self").exists():
        yield from _told_by_ps(names)
        return
    for place in _PROC.glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()[:4096].split(b"\0")
            called = {(place / "comm").read_text(encoding="utf-8", errors="replace").strip()}
        except OSError:
            continue
        called |= {os.path.basename(os.fsdecode(word)) for word in words[:3]}
        for name in names & called:
            if _lives(int(place.name)):
                yield int(place.name), name


def _told_by_ps(names: set[str]) -> Iterator[tuple[int, str]]:
    try:
        done = subprocess.run(["ps", "-A", "-o", "pid=,comm="], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        pid, _, program = line.strip().partition(" ")
        name = os.path.basename(program.strip())
        if name in names:
            yield int(pid), name
