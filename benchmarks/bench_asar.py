"""How much the sandbox and the reading back cost: `assemble` against a plain asar subprocess, in one run."""

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import anyio

from servers.machine.asar import assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.machine.sandbox_choice import BACKENDS
from servers.machine.sandbox_launch import Backend
from servers.settings import Settings

__all__ = ["BOUND", "CODE", "measure"]

BOUND = 1.5
"""The most that `assemble` may take, as a multiple of the plain subprocess."""

CODE = """org $008000
Main:
    php
    rep #$30
    ldx.w #$0000
.loop:
    lda.l Table,x
    sta.l $7E2000,x
    inx
    inx
    cpx.w #$0010
    bne .loop
    plp
    rtl
Table:
    dw $0000,$0001,$0002,$0003,$0004,$0005,$0006,$0000
"""
"""One routine with a table: what a model assembles. Its zeros are among the bytes that must come back."""


def _plain(program: Path) -> float:
    """Seconds from the code to the image by a plain subprocess, in a fresh folder as any caller needs."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        Path(name, "main.asm").write_text(CODE, encoding="utf-8")
        command = [str(program), "--no-title-check", "--symbols=wla", "--symbols-path=main.sym", "main.asm", "main.sfc"]
        subprocess.run(command, cwd=name, capture_output=True, check=True)
        Path(name, "main.sfc").read_bytes()
        Path(name, "main.sym").read_text(encoding="utf-8")
    return time.perf_counter() - started


async def _ours(settings: Settings, backend: Backend) -> float:
    started = time.perf_counter()
    assembly = await assemble_code(CODE, settings, backend=backend)
    seconds = time.perf_counter() - started
    if not assembly.ok:
        raise ServerError(f"the benchmark's code does not assemble: {assembly.diagnostics}")
    return seconds


async def _measure(rounds: int) -> dict[str, float]:
    settings = Settings.from_environment()
    program = find_asar(settings).path
    usable: list[Backend] = [backend for backend in BACKENDS if backend != "bubblewrap" or shutil.which("bwrap")]
    times: dict[str, list[float]] = {"plain": [], **{backend: [] for backend in usable}}
    for turn in range(rounds + 1):
        taken = {"plain": _plain(program)}
        for backend in usable:
            taken[backend] = await _ours(settings, backend)
        if turn:  # the first turn asks for the version and warms the caches
            for name, seconds in taken.items():
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    report = {f"{name}_ms": seconds * 1000 for name, seconds in medians.items()}
    best = {name: min(values) for name, values in times.items()}
    report |= {f"{backend}_ratio": medians[backend] / medians["plain"] for backend in usable}
    return report | {f"{backend}_best_ratio": best[backend] / best["plain"] for backend in usable}


def measure(rounds: int = 25) -> dict[str, float]:
    """Measure, interleaved: median milliseconds of each way, and its ratio to the plain subprocess.

    `best_ratio` is that of the fastest rounds: on a busy machine the medians measure its scheduler, since ours is a
    chain of processes that hand over to each other.

    Raises ServerError when asar or a sandbox is missing.
    """
    return anyio.run(_measure, rounds)
