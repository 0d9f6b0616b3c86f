"""How a program is started in a sandbox: the command line with its limits, and what the starting thread gives up.

As root, the program and its sandbox run as uid 65534, and the workspace is handed to that uid.
"""

import contextlib
import functools
import os
import resource
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from servers.machine import landlock
from servers.machine.bubblewrap import SYSTEM_PATHS, Gate, ResourceLimits, arguments, at_most
from servers.machine.errors import ServerError
from servers.machine.linked_program import Linked, put_together, start_by
from servers.machine.process_start import Launch
from servers.machine.seatbelt import SANDBOX_EXEC, limited, profile
from servers.machine.seccomp import filter_file, filter_thread, filters_here

__all__ = ["Backend", "Limits", "Start", "launch", "launchers", "tool"]

Backend = Literal["bubblewrap", "landlock", "sandbox-exec"]
"""The last is that of macOS."""


class Limits(NamedTuple):
    """What one program may take. Processes count the program's children and threads, not itself."""

    wall_seconds: float = 10.0
    cpu_seconds: int = 5
    memory_bytes: int = 1 << 30
    file_bytes: int = 16 << 20
    output_bytes: int = 1 << 20
    """Of each of stdout and stderr; above it the program is ended."""
    open_files: int = 64
    processes: int = 0
    """Under Landlock the kernel counts all processes of the user: above 0 it is a rough bound there."""


class Start(NamedTuple):
    """What is to be started, and what it may reach."""

    argv: Sequence[str]
    workspace: Path
    read_only: Sequence[Path] = ()
    linked: Linked | None = None
    launchers: Sequence[Linked] = ()
    """Under Landlock: what puts limits on a linked program, linked themselves."""


def launch(backend: Backend, start: Start, limits: Limits, stack: contextlib.ExitStack) -> Launch:
    """Prepare a run: the command line with its limits, and what the starting thread gives up."""
    if os.geteuid() == 0:
        _hand_over(start.workspace)
    if backend == "sandbox-exec":
        return _by_sandbox_exec(start, limits)
    bounds = ResourceLimits(
        limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, limits.open_files, limits.processes
    )
    if backend == "bubblewrap":
        return _by_bubblewrap(start, bounds, stack)
    return _by_landlock(start, bounds, stack)


def _environment(start: Start) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(start.workspace), "LANG": "C.UTF-8"}


def _by_bubblewrap(start: Start, bounds: ResourceLimits, stack: contextlib.ExitStack) -> Launch:
    gate = Gate(bounds, stack)
    filters = [_filter(stack)] if filters_here() else []
    folder = f"/{secrets.token_hex(16)}"
    command = arguments(
        tool("bwrap"),
        workspace=start.workspace,
        readable=start.read_only if start.linked else [*start.read_only, Path(start.argv[0])],
        gate=gate,
        first_process=bounds.processes == 0,
        inside=start.linked.inside(folder) if start.linked else None,
        filters=filters,
    )
    command += [*start_by(start.linked, folder), *start.argv[1:]] if start.linked else start.argv
    return Launch(
        command,
        start.workspace,
        _environment(start),
        landlock.become_nobody if os.geteuid() == 0 else None,
        descriptors=(*gate.descriptors, *filters),
        started=gate.open,
        watches_child=True,
    )


def _by_sandbox_exec(start: Start, limits: Limits) -> Launch:
    words = limited(
        start.argv,
        cpu_seconds=limits.cpu_seconds,
        file_bytes=limits.file_bytes,
        open_files=limits.open_files,
    )
    rules = profile(readable=start.read_only, writable=[start.workspace])
    return Launch([str(SANDBOX_EXEC), "-p", rules, *words], start.workspace, _environment(start), None)


def _by_landlock(start: Start, bounds: ResourceLimits, stack: contextlib.ExitStack) -> Launch:
    if start.linked:
        folder = _secret_folder([*start.launchers, start.linked], stack)
        command = [*_limited(start.launchers, bounds, folder), *start_by(start.linked, folder), *start.argv[1:]]
        readable = [*start.read_only, Path(folder)]
    else:
        command = [*_limited([Linked(tool) for tool in launchers()], bounds), *start.argv]
        readable = [*SYSTEM_PATHS, *start.read_only, *launchers(), Path(start.argv[0])]
    ruleset = landlock.open_ruleset(read_only=readable, read_write=[start.workspace])
    stack.callback(os.close, ruleset)
    confine = functools.partial(_confine_by_landlock, ruleset, os.geteuid() == 0)
    return Launch(command, start.workspace, _environment(start), confine)


def _secret_folder(programs: list[Linked], stack: contextlib.ExitStack) -> str:
    """Make a folder with the programs in it, below one that is removed at the end."""
    above = Path(tempfile.mkdtemp(prefix="afs-linked-"))
    stack.callback(shutil.rmtree, above, ignore_errors=True)
    above.chmod(0o711)
    folder = above / secrets.token_hex(16)
    put_together(programs, folder)
    return str(folder)


def _confine_by_landlock(ruleset: int, as_root: bool) -> None:  # noqa: FBT001  # called by partial, by one caller
    if as_root:
        landlock.become_nobody()
    landlock.restrict_thread(ruleset)
    if filters_here():
        filter_thread("none")


def _filter(stack: contextlib.ExitStack) -> int:
    """Return a file with the filter for bubblewrap to read, once."""
    file = filter_file("none")
    stack.callback(os.close, file)
    return file


def _hand_over(workspace: Path) -> None:
    """Give the workspace, which root made for this, to the uid that the program runs as."""
    for folder, _, files in os.walk(workspace):
        for name in (".", *files):
            os.chown(os.path.join(folder, name), landlock.NOBODY, landlock.NOBODY, follow_symlinks=False)


@functools.cache
def tool(name: str) -> Path:
    """Return the full path of a program of the system, looked for where the system keeps them."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if found is None:
        raise ServerError(f"{name} is missing: install it (Debian: apt-get install util-linux bubblewrap)")
    return Path(found).resolve()


def launchers() -> list[Path]:
    """Return the programs that start another one: with its end bound to ours where there is setpriv, with limits."""
    with contextlib.suppress(ServerError):
        return [tool("setpriv"), tool("prlimit")]
    return [tool("prlimit")]


def _limited(launchers: Sequence[Linked], limits: ResourceLimits, folder: str = "") -> list[str]:
    """Return the words before a program's own: it ends when this process is killed (bubblewrap has it built in)."""
    bounds = [
        f"--as={at_most(resource.RLIMIT_AS, limits.memory_bytes)}",
        f"--cpu={at_most(resource.RLIMIT_CPU, limits.cpu_seconds)}",
        f"--fsize={at_most(resource.RLIMIT_FSIZE, limits.file_bytes)}",
        f"--nofile={at_most(resource.RLIMIT_NOFILE, limits.open_files)}",
        f"--nproc={at_most(resource.RLIMIT_NPROC, limits.processes)}",
        "--core=0",
    ]
    words = [["--pdeathsig", "KILL"], bounds][-len(launchers) :]
    command: list[str] = []
    for one, own in zip(launchers, words, strict=True):
        command += [*(start_by(one, folder) if folder else [str(one.program)]), *own, "--"]
    return command
