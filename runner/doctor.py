"""`afs doctor`: what is there, what is missing and how to get it, one line each.

The main job needs asar and a model (the embedded one, or an Ollama that has one); the rest is told for your
information. Nothing is started that stays, nothing is written but a probe that is removed again.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import click
from pydantic import JsonValue

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

__all__ = ["Finding", "diagnose", "doctor", "main_job_runs"]

State = Literal["ok", "missing", "note"]
_SIGNS: dict[State, str] = {"ok": "✓", "missing": "✗", "note": "-"}
_SHOWN_MODELS = 5
_PROBE_SECONDS = 2.0


class Finding(Frozen):
    """One part of the suite on this machine."""

    part: str
    state: State
    """`missing`: something does not work without it; `note`: optional and absent, or worth knowing."""
    detail: str
    fix: str = ""
    """How to get it; empty when there is nothing to do."""

    def as_line(self) -> str:
        """Return the finding as one line of text without control characters."""
        fix = f" -> {self.fix}" if self.fix else ""
        return clean(f"{_SIGNS[self.state]} {self.part:<12} {self.detail}{fix}".replace("\n", " "))


def python_here() -> Finding:
    """Tell the Python that runs this, its folder and the suite's version."""
    suite = importlib.metadata.version("afs-suite")
    return Finding(
        part="python", state="ok", detail=f"{platform.python_version()}, afs-suite {suite} ({sys.prefix})"
    )


def asar_here(settings: Settings) -> Finding:
    """Tell which asar the servers will use, and its version."""
    from servers.machine.asar import find_asar

    try:
        path = find_asar(settings)
    except ServerError as error:
        return Finding(part="asar", state="missing", detail=str(error), fix="afs fetch asar")
    try:
        said = subprocess.run(
            [path, "--version"],
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(
            part="asar",
            state="missing",
            detail=f"{path} does not run: {error}",
            fix="unset AFS_ASAR, afs fetch asar",
        )
    words = (said.stdout or said.stderr).decode("utf-8", "replace").split("\n", 1)[0].strip()
    return Finding(part="asar", state="ok", detail=f"{words or 'no version'} ({path})")


def model_here(settings: Settings) -> Finding:
    """Tell whether the embedded model is there and is the pinned file."""
    from runner.models.weights import SHA256, find_weights, verify

    fix = "afs fetch model (1.1 GB)"
    if importlib.util.find_spec("xllamacpp") is None:
        return Finding(
            part="model", state="missing", detail="xllamacpp is not installed", fix="install the suite again"
        )
    path = find_weights(settings)
    if path is None:
        return Finding(part="model", state="missing", detail="the embedded model is not there", fix=fix)
    if not verify(path):
        return Finding(part="model", state="missing", detail=f"{path} is not the pinned file", fix=fix)
    return Finding(part="model", state="ok", detail=f"sha256 {SHA256[:12]}… ({path})")


def ollama_here() -> Finding:
    """Tell whether an Ollama answers, and what models it has."""
    import anyio

    from runner.models.ollama import ollama_status

    status = anyio.run(ollama_status)
    if not status.answers:
        fix = "optional: start `ollama serve`, or set OLLAMA_HOST"
        return Finding(part="ollama", state="note", detail=status.detail or "does not answer", fix=fix)
    if not status.models:
        return Finding(
            part="ollama",
            state="note",
            detail=f"{status.version}, no models",
            fix="ollama pull qwen2.5-coder:7b",
        )
    more = len(status.models) - _SHOWN_MODELS
    names = ", ".join(status.models[:_SHOWN_MODELS]) + (f" and {more} more" if more > 0 else "")
    return Finding(
        part="ollama", state="ok", detail=f"{status.version}, {len(status.models)} models: {names}"
    )


def sandbox_here() -> Finding:
    """Tell what confines asar here, and what that back end lacks."""
    from servers.machine.sandbox import describe_sandbox

    report = describe_sandbox()
    if report.backend is None:
        return Finding(
            part="sandbox", state="missing", detail="none: asar is never run unconfined", fix=report.advice
        )
    lacks = f"; lacks: {', '.join(report.lacks)}" if report.lacks else ""
    return Finding(part="sandbox", state="ok", detail=f"{report.backend}{lacks}", fix=report.advice)


def ripgrep_here() -> Finding:
    """Tell whether the search that the context server uses is there."""
    if importlib.util.find_spec("python_ripgrep") is None:
        return Finding(
            part="ripgrep",
            state="missing",
            detail="python-ripgrep is not installed",
            fix="install the suite again",
        )
    return Finding(
        part="ripgrep",
        state="ok",
        detail=f"built in (python-ripgrep {importlib.metadata.version('python-ripgrep')})",
    )


def context_here(settings: Settings) -> Finding:
    """Tell whether notes and runs can be kept under the context root; it is made on the first write."""
    root = settings.context_root
    place = root
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not _can_write(place):
        return Finding(
            part="context",
            state="missing",
            detail=f"{root} cannot be written",
            fix="set AFS_CONTEXT_ROOT to a folder of yours",
        )
    return Finding(
        part="context", state="ok", detail=f"{root}" + ("" if root.exists() else " (made on first use)")
    )


def _can_write(folder: Path) -> bool:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_CORES = ("bsnes_libretro.so", "bsnes_mercury_accuracy_libretro.so", "bsnes_hd_beta_libretro.so")


def _core_folders() -> Iterable[Path]:
    yield from (Path(part) for part in os.environ.get("LIBRETRO_DIRECTORY", "").split(os.pathsep) if part)
    yield Path.home() / ".config" / "retroarch" / "cores"
    yield from Path("/usr/lib").glob("*/libretro")
    yield Path("/usr/lib/libretro")


def _first_program(*names: str) -> str:
    return next((found for name in names if (found := shutil.which(name))), "")


def emulators_here() -> Finding:
    """Tell which emulators are found: bsnes libretro cores, Mesen2, YAZE."""
    found = [str(folder / core) for folder in _core_folders() for core in _CORES if (folder / core).is_file()]
    found += [path for names in (("mesen", "Mesen", "mesen2"), ("yaze",)) if (path := _first_program(*names))]
    if not found:
        detail = "none found (bsnes libretro core, Mesen2, YAZE); no server needs one yet"
        return Finding(part="emulators", state="note", detail=detail)
    return Finding(part="emulators", state="ok", detail=", ".join(found))


def host_here(name: str, files: tuple[Path, ...]) -> Finding:
    """Tell whether a host is installed and whether our servers stand in one of its files.

    Args:
        name: the program, and the client's name for `afs mcp install`.
        files: the host's own configuration files, nearest first.
    """
    program = shutil.which(name)
    holder = next((path for path in files if _lists_ours(path)), None)
    told = f"configured in {holder}" if holder else "not configured here"
    fix = "" if holder else f"afs mcp install --client {name}"
    if program is None:
        return Finding(part=name, state="note", detail=f"not installed; {told}", fix="")
    return Finding(part=name, state="ok" if holder else "note", detail=f"{program}; {told}", fix=fix)


def _lists_ours(path: Path) -> bool:
    try:
        document: JsonValue = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    servers = document.get("mcpServers") if isinstance(document, dict) else None
    return isinstance(servers, dict) and any("afs-" in json.dumps(entry) for entry in servers.values())


def _checks(settings: Settings) -> tuple[Callable[[], Finding], ...]:
    here, home = Path.cwd(), Path.home()
    above = (here, *here.parents)
    claude = (*(folder / ".mcp.json" for folder in above), home / ".claude.json")
    gemini = (here / ".gemini" / "settings.json", home / ".gemini" / "settings.json")
    return (
        python_here,
        lambda: asar_here(settings),
        lambda: model_here(settings),
        ollama_here,
        sandbox_here,
        ripgrep_here,
        lambda: context_here(settings),
        emulators_here,
        lambda: host_here("claude", claude),
        lambda: host_here("gemini", gemini),
    )


def diagnose(settings: Settings) -> tuple[Finding, ...]:
    """Look at every part, each once; takes under 3 s."""
    return tuple(check() for check in _checks(settings))


def main_job_runs(findings: Iterable[Finding]) -> bool:
    """Tell whether a prompt can be answered: asar in a sandbox, and a model, embedded or of an Ollama."""
    good = {finding.part for finding in findings if finding.state == "ok"}
    return {"asar", "sandbox"} <= good and bool({"model", "ollama"} & good)


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def doctor(*, as_json: bool) -> None:
    """Say what is there, what is missing and how to get it. Exit status 1 when the main job cannot run."""
    findings = diagnose(Settings.from_environment())
    for finding in findings:
        click.echo(finding.model_dump_json() if as_json else finding.as_line())
    if not main_job_runs(findings):
        if not as_json:
            click.echo("the main job cannot run here: it needs what is marked ✗ above")
        raise click.exceptions.Exit(1)
