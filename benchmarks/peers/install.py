"""Environments of the peers: each in a folder of its own below the user's cache, made once, by pip."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.runners import Runner

__all__ = ["Installed", "NotInstalled", "environments", "find_python", "install", "installed"]

SECONDS = 600.0
"""Longest that pip may take for one peer."""
_READY = "ready.json"
_LATER = 4
"""How many minor versions of Python are looked for, the oldest that serves first."""


class NotInstalled(Exception):
    """A peer that cannot be had here; the text says why and what to do."""


class Installed(NamedTuple):
    """An environment that is there."""

    python: Path
    versions: str
    """Of what was asked for, and of the Python: `name 1.2.3, Python 3.13.0`."""


def environments() -> Path:
    """Return the folder of all environments; it can be deleted at any time."""
    import platformdirs

    return platformdirs.user_cache_path("afs-suite", appauthor=False) / "bench-peers"


def find_python(oldest: tuple[int, int]) -> str:
    """Return a Python that is new enough: this one, else one of the PATH or of pyenv; empty: there is none."""
    if sys.version_info[:2] >= oldest:
        return sys.executable
    major, first = oldest
    for version in (f"{major}.{minor}" for minor in range(first, first + _LATER)):
        program = shutil.which(f"python{version}")
        command = [program or "", "-c", "import sys; print(sys.executable)"]
        env = {**os.environ, "PYENV_VERSION": version}  # its programs only pass on, and to what is chosen
        if program is None:
            continue
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            found = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=30, env=env)
            if found.returncode == 0:
                return found.stdout.strip()
    return ""


def installed(runner: Runner, folder: Path) -> Installed | None:
    """Return a peer's environment below `folder`, if it was made for the same packages."""
    place = folder / runner.name
    try:
        kept = json.loads((place / _READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    python = _python(place)
    same = kept.get("packages") == list(runner.packages)
    return Installed(python, kept["versions"]) if same and python.exists() else None


def install(runner: Runner, folder: Path) -> Installed:
    """Make a peer's environment below `folder`, with the newest versions of its packages.

    Raises:
        NotInstalled: it cannot be had here.
    """
    base = find_python(runner.python)
    if not base:
        raise NotInstalled(f"it needs Python {'.'.join(map(str, runner.python))} or newer; install one")
    place = folder / runner.name
    shutil.rmtree(place, ignore_errors=True)
    _do([base, "-m", "venv", str(place)])
    python = _python(place)
    _do([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *runner.packages])
    listed = _do([str(python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"])
    found = {item["name"].lower(): item["version"] for item in json.loads(listed)}
    names = [package.partition("[")[0] for package in runner.packages]
    version = _do([str(python), "-c", "import platform; print(platform.python_version())"]).strip()
    told = ", ".join([*(f"{name} {found.get(name, '?')}" for name in names), f"Python {version}"])
    kept = {"packages": runner.packages, "versions": told}
    (place / _READY).write_text(json.dumps(kept), encoding="utf-8")
    return Installed(python, told)


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _do(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{command[0]} {command[2]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        raise NotInstalled(f"{' '.join(command[1:3])} failed: {last[:300]}")
    return done.stdout
