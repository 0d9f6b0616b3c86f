"""Which sandbox a shell command gets: the best in which a canary command could do nothing that it must not.

A shell is shown more than a single program is (processes, devices, temporary files), which a container may refuse where
the sandbox of a single program works. So the canary is a command, run as any other.
"""

import contextlib
import functools
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

from servers.machine import sandbox_choice
from servers.machine.errors import ServerError
from servers.machine.sandbox_choice import first_without
from servers.machine.sandbox_launch import Backend
from servers.machine.seccomp import filters_here
from servers.machine.shell_run import ShellLimits, ShellRun

__all__ = ["choose_shell_backend", "shell_flaw"]

_CANARY = """
cat '{secret}' 2>/dev/null && echo 'it reads outside the workspace'
(echo x > '{target}') 2>/dev/null && echo 'it writes outside the workspace'
(echo x > .mcp.json) 2>/dev/null
(: 3<> /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo 'it reaches the network of this machine'
echo x > inside && cat inside > /dev/null && echo alive
"""
_SECONDS = 10.0


def shell_flaw(backend: Backend) -> str:
    """Return why a back end can't hold a shell command here; empty when its canary held."""
    try:
        return sandbox_choice.flaw(backend) or _missing(backend) or _run_canary(backend)
    except (OSError, ServerError) as error:
        return str(error)


def _missing(backend: Backend) -> str:
    return "" if backend != "landlock" or filters_here() else "no filter of system calls for this processor"


@contextlib.contextmanager
def _listener() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _run_canary(backend: Backend) -> str:
    with tempfile.TemporaryDirectory(prefix="afs-canary-", dir=_place()) as name, _listener() as port:
        folder = Path(name)
        folder.chmod(0o711)
        work, target, secret = folder / "work", folder / "open" / "target", folder / "secret"
        work.mkdir()
        target.parent.mkdir()
        target.parent.chmod(0o777)
        secret.write_text("it reads a secret\n", encoding="utf-8")
        secret.chmod(0o644)
        command = _CANARY.format(secret=secret, target=target, port=port)
        limits = ShellLimits(wall_seconds=_SECONDS)
        ended = ShellRun(command, root=work, limits=limits, aside=folder / "aside", confinement=lambda: backend).run()
        said = ended.stdout.head.decode("utf-8", "replace").split("\n")
        if target.exists() or (work / ".mcp.json").exists():
            return "it lets a command write what it must not"
        if said != ["alive", ""] or not (work / "inside").exists():
            last = ended.stderr.head.decode("utf-8", "replace").strip().splitlines()[-1:]
            return "; ".join(part for part in (*said, *last) if part not in ("", "alive")) or f"exit {ended.exit_code}"
    return ""


def _place() -> str | None:
    """Return a folder that no sandbox shows as its own; None: the system's for temporary files."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else None


@functools.cache
def choose_shell_backend() -> Backend:
    """Return the best back end for shell commands, tried once a process (again while there is none).

    Raises ServerError with each one's reason and the fix.
    """
    return first_without(shell_flaw)
