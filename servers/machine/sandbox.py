"""The sandbox: a program runs with one folder to write in, a few paths to read, and limits.

Two back ends: bubblewrap (its own file system, processes and network), else Landlock (the same file rules
in the host's view of the machine). A back end counts as there only after a canary has run in it: a program
that tries to read and to write outside. Without one, nothing is run.
"""

import contextlib
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from servers.machine.confined_process import Ended, Job, Room
from servers.machine.linked_program import Linked, link_of, loader_of
from servers.machine.sandbox_choice import choose_backend
from servers.machine.sandbox_launch import Backend, Limits, Start, launch, launchers

__all__ = ["Finished", "link", "run_confined"]

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
    wrappers = [await link(one, backend=chosen) for one in launchers()] if linked and chosen == "landlock" else []
    with contextlib.ExitStack() as stack:
        start = Start(argv, workspace, read_only, linked, wrappers)
        made = launch(chosen, start, limits, stack)
        job = Job(made, wall_seconds=limits.wall_seconds, room=Room(limits.output_bytes), stdin=stdin)
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
