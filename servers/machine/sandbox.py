"""The sandbox: a program runs with one folder to write in, a few paths to read, and limits.

Two back ends: bubblewrap (its own file system, processes and network), else Landlock (the same file rules
in the host's view of the machine). A back end counts as there only after a canary has run in it: a program
that tries to read and to write outside. Without one, nothing is run. As root, the program and its sandbox
run as uid 65534, and the workspace is handed to that uid.
"""

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import anyio
import anyio.to_thread

from servers.machine import landlock
from servers.machine.bubblewrap import SYSTEM_PATHS, Gate, ResourceLimits, arguments
from servers.machine.confined_process import Ended, Job, Launch
from servers.machine.errors import ServerError

__all__ = [
    "BACKENDS",
    "Backend",
    "Finished",
    "Limits",
    "SandboxReport",
    "choose_backend",
    "describe_sandbox",
    "flaw",
    "run_confined",
]

Backend = Literal["bubblewrap", "landlock"]
BACKENDS: tuple[Backend, ...] = ("bubblewrap", "landlock")
"""Best first."""


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


DEFAULT_LIMITS = Limits()


class Finished(NamedTuple):
    """How the program ended; `returncode` is that of the program, negative or 128 + N for signal N."""

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    backend: Backend
    seconds: float


class SandboxReport(NamedTuple):
    """What `afs doctor` says: the back end in use, or why there is none, and what would be better."""

    backend: Backend | None
    lacks: tuple[str, ...]
    advice: str


async def run_confined(
    argv: Sequence[str],
    *,
    workspace: Path,
    read_only: Sequence[Path] = (),
    limits: Limits = DEFAULT_LIMITS,
    stdin: bytes = b"",
    backend: Backend | None = None,
) -> Finished:
    """Run `argv` in the sandbox and wait for it; a cancel kills it with all that it started.

    `argv[0]` is an absolute path. The program starts in `workspace`, the one folder that it can write in;
    it can read `read_only`, itself and the system's libraries. Its environment is PATH, HOME and LANG.
    `backend` asks for one of the two (for tests and measuring). Raises ServerError when there is no sandbox
    or nothing could start.
    """
    chosen: Backend = backend if backend is not None else await anyio.to_thread.run_sync(choose_backend)
    with contextlib.ExitStack() as stack:
        launch = _launch(chosen, argv, workspace, read_only, limits, stack)
        job = Job(launch, wall_seconds=limits.wall_seconds, output_bytes=limits.output_bytes, stdin=stdin)
        try:
            ended = await anyio.to_thread.run_sync(job.run, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(job.cancel)
            raise
    return _finished(ended, chosen)


def _finished(ended: Ended, backend: Backend) -> Finished:
    return Finished(
        ended.returncode, ended.stdout, ended.stderr, ended.timed_out, ended.truncated, backend, ended.seconds
    )


def _launch(
    backend: Backend,
    argv: Sequence[str],
    workspace: Path,
    read_only: Sequence[Path],
    limits: Limits,
    stack: contextlib.ExitStack,
) -> Launch:
    """Prepare a run: the command line with its limits, and what the starting thread gives up."""
    as_root = os.geteuid() == 0
    if as_root:
        _hand_over(workspace)
    bounds = ResourceLimits(
        limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, limits.open_files, limits.processes
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(workspace), "LANG": "C.UTF-8"}
    readable = [*read_only, Path(argv[0])]
    if backend == "bubblewrap":
        gate = Gate(bounds, stack)
        command = arguments(
            _tool("bwrap"),
            workspace=workspace,
            readable=readable,
            gate=gate,
            first_process=limits.processes == 0,
        )
        return Launch(
            [*command, *argv],
            workspace,
            environment,
            landlock.become_nobody if as_root else _nothing,
            descriptors=gate.descriptors,
            started=gate.open,
            watches_child=True,
        )
    command = [*_death_with_us(readable), *_limit(bounds, readable), *argv]
    ruleset = landlock.open_ruleset(read_only=[*SYSTEM_PATHS, *readable], read_write=[workspace])
    stack.callback(os.close, ruleset)
    return Launch(command, workspace, environment, functools.partial(_confine_by_landlock, ruleset, as_root))


def _nothing() -> None:
    """Give up nothing: bubblewrap does it all."""


def _confine_by_landlock(ruleset: int, as_root: bool) -> None:  # noqa: FBT001  # called by partial, by one caller
    if as_root:
        landlock.become_nobody()
    landlock.restrict_thread(ruleset)


def _hand_over(workspace: Path) -> None:
    """Give the workspace, which root made for this, to the uid that the program runs as."""
    for folder, _, files in os.walk(workspace):
        for name in (".", *files):
            os.chown(os.path.join(folder, name), landlock.NOBODY, landlock.NOBODY, follow_symlinks=False)


@functools.cache
def _tool(name: str) -> Path:
    """Return the full path of a program of the system, looked for where the system keeps them."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if found is None:
        raise ServerError(f"{name} is missing: install it (Debian: apt-get install util-linux bubblewrap)")
    return Path(found).resolve()


def _limit(limits: ResourceLimits, readable: list[Path]) -> list[str]:
    prlimit = _tool("prlimit")
    readable.append(prlimit)
    return [
        str(prlimit),
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_seconds}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}",
        f"--nproc={limits.processes}",
        "--core=0",
        "--",
    ]


def _death_with_us(readable: list[Path]) -> list[str]:
    """The program's end when this process is killed; bubblewrap has it built in."""
    try:
        setpriv = _tool("setpriv")
    except ServerError:
        return []
    readable.append(setpriv)
    return [str(setpriv), "--pdeathsig", "KILL", "--"]


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
    if os.geteuid() == 0 and not landlock.can_become_nobody():
        return f"root can't be given up on {os.uname().machine}: run as another user"
    _tool("bwrap" if backend == "bubblewrap" else "prlimit")
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
        argv = [str(_tool("sh")), "-c", _CANARY, "sh", str(secret), str(target)]
        launch = _launch(backend, argv, workspace, (), DEFAULT_LIMITS, stack)
        ended = Job(launch, wall_seconds=5.0, output_bytes=4096).run()
        said = ended.stdout.decode("utf-8", "replace").split("\n")
        if target.exists():
            return "it lets a program write outside its folder"
        if said != ["alive", ""]:
            last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            return "; ".join(part for part in (*said, *last) if part) or f"exit status {ended.returncode}"
    return ""


@functools.cache
def choose_backend() -> Backend:
    """Return the best back end that works, tried once a process (again while there is none).

    Raises ServerError with each one's reason and the fix.
    """
    reasons: list[str] = []
    for backend in BACKENDS:
        reason = flaw(backend)
        if not reason:
            return backend
        reasons.append(f"{backend}: {reason}")
    raise ServerError(
        "no sandbox works here, so nothing is run: " + "; ".join(reasons) + ". Install bubblewrap "
        "(Debian: apt-get install bubblewrap), then run: afs doctor"
    )


def describe_sandbox() -> SandboxReport:
    """Say which back end is used, what it lacks and how to get a better one. Runs the canaries: 10 ms."""
    try:
        backend = choose_backend()
    except ServerError as error:
        return SandboxReport(None, (), str(error))
    if backend == "bubblewrap":
        return SandboxReport(backend, ("no bound on the memory of all its processes together",), "")
    abi = landlock.abi_version()
    lacks = ["no network of its own (UDP and unix sockets by path are not refused)"]
    if abi < 4:
        lacks.append(f"Landlock interface {abi}: TCP is not refused (4 does)")
    if abi < 6:
        lacks.append(f"Landlock interface {abi}: signals to others are not refused (6 does)")
    lacks.append("a program that leaves its process group outlives its run")
    why = flaw("bubblewrap")
    advice = f"for a sandbox without these gaps make bubblewrap work ({why})" if why else ""
    return SandboxReport(backend, tuple(lacks), advice)
