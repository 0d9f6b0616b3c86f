"""The sandbox: a program runs with one folder to write in, a few paths to read, and limits.

Two back ends: bubblewrap (its own file system, processes and network), else Landlock (the same file rules
in the host's view of the machine). A back end counts as there only after a canary has run in it: a program
that tries to read and to write outside. Without one, nothing is run. As root, the program and its sandbox
run as uid 65534, and the workspace is handed to that uid.
"""

import contextlib
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import anyio
import anyio.to_thread

from servers.machine import landlock
from servers.machine.bubblewrap import SYSTEM_PATHS, Gate, ResourceLimits, arguments
from servers.machine.confined_process import Ended, Job, Launch, Room
from servers.machine.errors import ServerError
from servers.machine.linked_program import Linked, link_of, loader_of, put_together, start_by

__all__ = [
    "BACKENDS",
    "Backend",
    "Finished",
    "Limits",
    "SandboxReport",
    "choose_backend",
    "describe_sandbox",
    "flaw",
    "link",
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
    linked: Linked | None = None,
    backend: Backend | None = None,
) -> Finished:
    """Run `argv` in the sandbox and wait for it; a cancel kills it with all that it started.

    `argv[0]` is an absolute path. The program starts in `workspace`, the one folder that it can write in;
    it can read `read_only`, itself and the system's libraries. Its environment is PATH, HOME and LANG.
    With `linked` (its program is `argv[0]`) it is started out of a folder with a secret name, and no path that it could
    name leads to a library or to itself: for a program that reads what a stranger's text tells it to.
    `backend` asks for one of the two (for tests and measuring). Raises ServerError when there is no sandbox
    or nothing could start.
    """
    chosen: Backend = backend if backend is not None else await anyio.to_thread.run_sync(choose_backend)
    launchers = [await link(tool, backend=chosen) for tool in _launchers()] if linked and chosen == "landlock" else []
    with contextlib.ExitStack() as stack:
        start = _Start(argv, workspace, read_only, linked, launchers)
        launch = _launch(chosen, start, limits, stack)
        job = Job(launch, wall_seconds=limits.wall_seconds, room=Room(limits.output_bytes), stdin=stdin)
        try:
            ended = await anyio.to_thread.run_sync(job.run, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(job.cancel)
            raise
    return _finished(ended, chosen)


def _finished(ended: Ended, backend: Backend) -> Finished:
    return Finished(
        ended.returncode,
        ended.stdout.head,
        ended.stderr.head,
        ended.timed_out,
        ended.truncated,
        backend,
        ended.seconds,
    )


class _Start(NamedTuple):
    """What is to be started, and what it may reach."""

    argv: Sequence[str]
    workspace: Path
    read_only: Sequence[Path] = ()
    linked: Linked | None = None
    launchers: Sequence[Linked] = ()
    """Under Landlock: what puts limits on a linked program, linked themselves."""


def _launch(backend: Backend, start: _Start, limits: Limits, stack: contextlib.ExitStack) -> Launch:
    """Prepare a run: the command line with its limits, and what the starting thread gives up."""
    if os.geteuid() == 0:
        _hand_over(start.workspace)
    bounds = ResourceLimits(
        limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, limits.open_files, limits.processes
    )
    if backend == "bubblewrap":
        return _by_bubblewrap(start, bounds, stack)
    return _by_landlock(start, bounds, stack)


def _environment(start: _Start) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(start.workspace), "LANG": "C.UTF-8"}


def _by_bubblewrap(start: _Start, bounds: ResourceLimits, stack: contextlib.ExitStack) -> Launch:
    gate = Gate(bounds, stack)
    folder = f"/{secrets.token_hex(16)}"
    command = arguments(
        _tool("bwrap"),
        workspace=start.workspace,
        readable=start.read_only if start.linked else [*start.read_only, Path(start.argv[0])],
        gate=gate,
        first_process=bounds.processes == 0,
        inside=start.linked.inside(folder) if start.linked else None,
    )
    command += [*start_by(start.linked, folder), *start.argv[1:]] if start.linked else start.argv
    return Launch(
        command,
        start.workspace,
        _environment(start),
        landlock.become_nobody if os.geteuid() == 0 else _nothing,
        descriptors=gate.descriptors,
        started=gate.open,
        watches_child=True,
    )


def _by_landlock(start: _Start, bounds: ResourceLimits, stack: contextlib.ExitStack) -> Launch:
    if start.linked:
        folder = _secret_folder([*start.launchers, start.linked], stack)
        command = [*_limited(start.launchers, bounds, folder), *start_by(start.linked, folder), *start.argv[1:]]
        readable = [*start.read_only, Path(folder)]
    else:
        command = [*_limited([Linked(tool) for tool in _launchers()], bounds), *start.argv]
        readable = [*SYSTEM_PATHS, *start.read_only, *_launchers(), Path(start.argv[0])]
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


async def link(program: Path, *, backend: Backend | None = None) -> Linked:
    """Find what a program is loaded with; asked of the loader once for each state of its file. Raises ServerError."""
    status = program.stat()
    key = (program, status.st_mtime_ns, status.st_size)
    if key not in _links():
        loader = loader_of(program)
        said = b""
        if loader is not None:
            with tempfile.TemporaryDirectory(prefix="afs-link-") as name:
                folder = Path(name)
                folder.chmod(0o711)
                (folder / "work").mkdir()
                command = [str(loader.resolve()), "--list", str(program)]
                done = await run_confined(command, workspace=folder / "work", read_only=[program], backend=backend)
                said = done.stdout
        _links()[key] = link_of(program, loader, said.decode("utf-8", "replace"))
    return _links()[key]


@functools.cache
def _links() -> dict[tuple[Path, int, int], Linked]:
    return {}


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


def _launchers() -> list[Path]:
    """Return the programs that start another one: with its end bound to ours where there is setpriv, with limits."""
    with contextlib.suppress(ServerError):
        return [_tool("setpriv"), _tool("prlimit")]
    return [_tool("prlimit")]


def _limited(launchers: Sequence[Linked], limits: ResourceLimits, folder: str = "") -> list[str]:
    """Return the words before a program's own: it ends when this process is killed (bubblewrap has it built in)."""
    bounds = [
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_seconds}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}",
        f"--nproc={limits.processes}",
        "--core=0",
    ]
    words = [["--pdeathsig", "KILL"], bounds][-len(launchers) :]
    command: list[str] = []
    for one, own in zip(launchers, words, strict=True):
        command += [*(start_by(one, folder) if folder else [str(one.program)]), *own, "--"]
    return command


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
        launch = _launch(backend, _Start(argv, workspace), DEFAULT_LIMITS, stack)
        ended = Job(launch, wall_seconds=5.0, room=Room(4096)).run()
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
