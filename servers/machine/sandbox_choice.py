"""Which sandbox is used: the best back end in which a canary could neither read nor write outside."""

import contextlib
import functools
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from servers.machine import landlock
from servers.machine.confined_process import Job, Room
from servers.machine.errors import ServerError
from servers.machine.sandbox_launch import Backend, Limits, Start, launch, tool

__all__ = ["BACKENDS", "choose_backend", "first_without", "flaw"]

BACKENDS: tuple[Backend, ...] = ("sandbox-exec",) if platform.system() == "Darwin" else ("bubblewrap", "landlock")
"""Those of this system, best first."""


_CANARY = """
if read -r line < "$1"; then echo "reads outside its folder"; fi
if echo x > "$2"; then echo "writes outside its folder"; fi
if echo x > inside; then echo alive; else echo "can't write in its folder"; fi
"""


def flaw(backend: Backend) -> str:
    """Return why a back end can't be used here; empty when its canary held."""
    try:
        return _missing(backend) or _run_canary(backend)
    except (OSError, ServerError) as error:
        return str(error)


def _missing(backend: Backend) -> str:
    if backend == "sandbox-exec":
        return "run as another user than root" if os.geteuid() == 0 else ""
    if os.geteuid() == 0 and not landlock.can_become_nobody():
        return f"root can't be given up on {os.uname().machine}: run as another user"
    tool("bwrap" if backend == "bubblewrap" else "prlimit")
    if backend == "landlock" and landlock.abi_version() == 0:
        return "the kernel has no Landlock (Linux 5.13 or newer, with landlock among its security modules)"
    return ""


def _run_canary(backend: Backend) -> str:
    """Return why the back end does not hold; empty when it does."""
    with tempfile.TemporaryDirectory(prefix="afs-canary-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        secret, target, workspace = folder / "secret", folder / "open" / "target", folder / "work"
        workspace.mkdir()
        target.parent.mkdir()
        target.parent.chmod(0o777)
        secret.write_text("secret\n", encoding="utf-8")
        secret.chmod(0o644)
        argv = [str(tool("sh")), "-c", _CANARY, "sh", str(secret), str(target)]
        made = launch(backend, Start(argv, workspace), Limits(), stack)
        ended = Job(made, wall_seconds=5.0, room=Room(4096)).run()
        said = ended.stdout.head.decode("utf-8", "replace").split("\n")
        if target.exists():
            return "it lets a program write outside its folder"
        if said != ["alive", ""]:
            last = ended.stderr.head.decode("utf-8", "replace").strip().splitlines()[-1:]
            return "; ".join(part for part in (*said, *last) if part) or f"exit status {ended.returncode}"
    return ""


@functools.cache
def choose_backend() -> Backend:
    """Return the best back end that works, tried once a process (again while there is none).

    Raises ServerError with each one's reason and the fix.
    """
    return first_without(flaw)


def first_without(flaw_of: Callable[[Backend], str]) -> Backend:
    """Return the best back end in which `flaw_of` finds nothing.

    Raises ServerError with each one's reason and the fix.
    """
    reasons: list[str] = []
    for backend in BACKENDS:
        reason = flaw_of(backend)
        if not reason:
            return backend
        reasons.append(f"{backend}: {reason}")
    raise ServerError(
        "no sandbox works here, so nothing is run: " + "; ".join(reasons) + ". Install bubblewrap "
        "(Debian: apt-get install bubblewrap), then run: afs doctor"
    )
