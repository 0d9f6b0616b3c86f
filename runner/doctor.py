"""`afs doctor`: what is there, what is missing and how to get it, one line each.

The main job needs asar and a model (the embedded one, or an Ollama that has one); the rest is told for your
information. Nothing is started that stays, nothing is written but a probe that is removed again.
"""

import functools
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from runner.errors import ConfigError, ModelMissing, RunnerError
from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.wire import clean
from servers.settings import Settings

if TYPE_CHECKING:
    from runner.hosts import Host

__all__ = ["Finding", "diagnose", "doctor", "main_job_runs"]

State = Literal["ok", "missing", "note"]
_SIGNS: dict[State, str] = {"ok": "✓", "missing": "✗", "note": "-"}
_SHOWN_MODELS = 5
_PACKAGES = {"openai": "openai", "claude": "anthropic", "gemini": "google-genai"}


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
    return Finding(part="python", state="ok", detail=f"{platform.python_version()}, afs-suite {suite} ({sys.prefix})")


def asar_here(settings: Settings) -> Finding:
    """Tell which asar the servers will use, why that one, and its version, asked in the sandbox."""
    import anyio

    from servers.machine.asar import asar_version, find_asar

    try:
        found = find_asar(settings)
        release = anyio.run(asar_version, found)
    except ServerError as error:
        detail, _, fix = str(error).partition(": ")
        return Finding(part="asar", state="missing", detail=detail, fix=fix or "afs fetch asar")
    return Finding(part="asar", state="ok", detail=f"{release}, {found.origin} ({found.path})")


def model_here(settings: Settings) -> Finding:
    """Tell whether the embedded model is there and is the pinned file."""
    from runner.models.openmp import load_openmp
    from runner.models.weights import SHA256, find_weights, verify

    fix = "afs fetch model (1.1 GB)"
    if importlib.util.find_spec("xllamacpp") is None:
        return Finding(
            part="model", state="missing", detail="xllamacpp is not installed", fix="install the suite again"
        )
    try:
        load_openmp(settings.data_dir)
    except ModelMissing as error:
        detail, _, there = str(error).partition(": ")
        return Finding(part="model", state="missing", detail=detail, fix=f"afs fetch model, or {there}")
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
        detail, _, fix = (status.detail or "does not answer").partition("; ")
        return Finding(part="ollama", state="note", detail=detail, fix=f"optional: {fix or 'set OLLAMA_HOST'}")
    if not status.models:
        return Finding(
            part="ollama",
            state="note",
            detail=f"{status.version}, no models",
            fix="ollama pull qwen2.5-coder:7b",
        )
    more = len(status.models) - _SHOWN_MODELS
    names = ", ".join(status.models[:_SHOWN_MODELS]) + (f" and {more} more" if more > 0 else "")
    return Finding(part="ollama", state="ok", detail=f"{status.version}, {len(status.models)} models: {names}")


def provider_here(provider: str) -> Finding:
    """Tell whether a hosted provider can be asked: its package, and where its key is, never the key."""
    from runner.models.keys import KEY_VARIABLES, key_place, keys_file

    part, package = f"key:{provider}", _PACKAGES[provider]
    try:
        there = f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return Finding(part=part, state="note", detail=f"{package} is not installed", fix="install the suite again")
    try:
        place = key_place(provider)
    except ConfigError as error:
        detail, _, fix = str(error).partition("; ")
        return Finding(part=part, state="note", detail=f"{there}; {detail}", fix=fix)
    if not place:
        fix = f"optional: set {KEY_VARIABLES[provider][0]}, or write it into {keys_file()}"
        return Finding(part=part, state="note", detail=f"{there}; no key", fix=fix)
    return Finding(part=part, state="ok", detail=f"{there}; the key is in {place}")


def sandbox_here() -> Finding:
    """Tell what confines asar and shell commands here, and what that lacks."""
    from servers.machine.sandbox_report import describe_sandbox

    report = describe_sandbox()
    if report.backend is None:
        return Finding(
            part="sandbox",
            state="missing",
            detail="none: asar and commands are never run unconfined",
            fix=report.advice,
        )
    lacks = f"; lacks: {', '.join(report.lacks)}" if report.lacks else ""
    shell = "" if report.shell == report.backend else f" (run_shell: {report.shell or 'none'})"
    return Finding(part="sandbox", state="ok", detail=f"{report.backend}{shell}{lacks}", fix=report.advice)


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


def proofs_here() -> Finding:
    """Tell what stands behind proofs of code: the fast CPU, and z3."""
    fast, solver = (importlib.util.find_spec(name) is not None for name in ("wasmtime", "z3"))
    cpu = "65816 in WebAssembly" if fast else "65816 in Python (slower)"
    proved = "z3 proves loop-free code" if solver else "no z3: proofs only by running every input"
    fixes = ([] if fast else ["pip install wasmtime"]) + ([] if solver else ["pip install 'afs-suite[smt]'"])
    return Finding(
        part="proofs", state="ok" if fast and solver else "note", detail=f"{cpu}; {proved}", fix=" and ".join(fixes)
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
    return Finding(part="context", state="ok", detail=f"{root}" + ("" if root.exists() else " (made on first use)"))


def _can_write(folder: Path) -> bool:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_CORES = ("bsnes_libretro.so", "bsnes_mercury_accuracy_libretro.so", "bsnes_hd_beta_libretro.so")


def _libretro_folders() -> Iterable[Path]:
    yield from (Path(part) for part in os.environ.get("LIBRETRO_DIRECTORY", "").split(os.pathsep) if part)
    yield Path.home() / ".config" / "retroarch" / "cores"
    yield from Path("/usr/lib").glob("*/libretro")
    yield Path("/usr/lib/libretro")


def _first_program(*names: str) -> str:
    return next((found for name in names if (found := shutil.which(name))), "")


def emulators_here() -> Finding:
    """Tell which emulators are found: bsnes libretro cores, Mesen2, YAZE."""
    found = [str(folder / core) for folder in _libretro_folders() for core in _CORES if (folder / core).is_file()]
    found += [path for names in (("mesen", "Mesen", "mesen2"), ("yaze",)) if (path := _first_program(*names))]
    if not found:
        detail = "none found (bsnes libretro core, Mesen2, YAZE); no server needs one yet"
        return Finding(part="emulators", state="note", detail=detail)
    return Finding(part="emulators", state="ok", detail=", ".join(found))


def host_here(host: "Host") -> Finding:
    """Tell whether a host is installed, and whether its files here or at home list our servers as mcp.json does."""
    from runner.config import find_config, shipped_config

    program = shutil.which(host.name) or "not installed"
    config = find_config(Path.cwd())
    here = config.parent if config else Path.cwd()
    listed = config if config and config.name == "mcp.json" else shipped_config()
    states = [_configured(host, listed, folder, user=user) for folder, user in ((here, False), (Path.home(), True))]
    told = next((state for state in states if state.endswith(".json")), next(filter(None, states), ""))
    settled = told.endswith(".json")
    fix = "" if settled or program == "not installed" else f"afs mcp install --client {host.name}"
    detail = f"{program}; {told or 'not configured here'}"
    return Finding(part=host.name, state="ok" if settled and not fix else "note", detail=detail, fix=fix)


def _configured(host: "Host", config: Path, folder: Path, *, user: bool) -> str:
    """Return where the servers are configured, what is wrong with that, or nothing when they are not."""
    from runner.hosts import plan

    try:
        change = plan(host, config, folder=folder, user=user)
    except RunnerError as error:
        return str(error)
    if not change.diff:
        return f"configured in {change.path}"
    lists_ours = change.path.exists() and '"afs-' in change.path.read_text(encoding="utf-8", errors="replace")
    return f"{change.path} differs from mcp.json" if lists_ours else ""


def _checks(settings: Settings) -> tuple[Callable[[], Finding], ...]:
    from runner.hosts import HOSTS

    return (
        python_here,
        lambda: asar_here(settings),
        lambda: model_here(settings),
        ollama_here,
        *(functools.partial(provider_here, provider) for provider in _PACKAGES),
        sandbox_here,
        ripgrep_here,
        proofs_here,
        lambda: context_here(settings),
        emulators_here,
        *(functools.partial(host_here, host) for host in HOSTS),
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
