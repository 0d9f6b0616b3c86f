"""The OpenMP library that xllamacpp links to and does not bring: a bare Debian has no libgomp.

Where the system has none, Debian's own package is fetched by apt (which needs no root for that, and checks it
against the signed lists) and the one library in it is kept in the data folder, to be loaded before xllamacpp.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.errors import ModelMissing
from servers.machine.store import write_atomic
from servers.settings import Settings

__all__ = ["fetch_openmp", "load_openmp", "openmp_path"]

_LIBRARY = "libgomp.so.1"
_PACKAGE = "libgomp1"
_SECONDS = 60.0
_MISSING = (
    f"the embedded model needs the system library {_LIBRARY}, which is not here: "
    f"apt-get install {_PACKAGE} (Debian, Ubuntu), dnf install libgomp (Fedora)"
)


def openmp_path(data_dir: Path) -> Path:
    """Return where a fetched library belongs, there or not."""
    return data_dir / "lib" / _LIBRARY


def load_openmp(data_dir: Path) -> None:
    """Load the system's library, else the fetched one, so that xllamacpp finds it under its name.

    Raises:
        ModelMissing: there is neither; the text names the package.
    """
    if sys.platform != "linux":  # elsewhere the wheel needs none
        return
    for name in (_LIBRARY, str(openmp_path(data_dir))):
        try:
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return
    raise ModelMissing(_MISSING)


def fetch_openmp(settings: Settings) -> bool:
    """Fetch the library where none loads; return whether it had to be fetched.

    Raises:
        ModelMissing: none is here and apt gives none; the text names the package.
    """
    try:
        load_openmp(settings.data_dir)
    except ModelMissing:
        target = openmp_path(settings.data_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, _from_debian(target.parent))
        load_openmp(settings.data_dir)
        return True
    return False


def _from_debian(folder: Path) -> bytes:
    apt, unpack = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or unpack is None:
        raise ModelMissing(_MISSING)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as name:
        place = Path(name)
        _run([apt, "download", _PACKAGE], place)
        _run([unpack, "-x", *(str(path) for path in place.glob("*.deb")), "unpacked"], place)
        found = [path for path in place.glob(f"unpacked/**/{_LIBRARY}*") if path.is_file() and not path.is_symlink()]
        if len(found) != 1:
            raise ModelMissing(_MISSING)
        return found[0].read_bytes()


def _run(command: list[str], place: Path) -> None:
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ModelMissing(f"{_MISSING}; fetching it failed: {''.join(last) or error}") from error
