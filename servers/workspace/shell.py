"""Running a shell command in the workspace: in the sandbox, with limits, and what came of it."""

from __future__ import annotations

import functools
import os
import secrets
from typing import TYPE_CHECKING, Annotated, NamedTuple

from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import EXECUTES, Face
from servers.machine.names import parse, show
from servers.machine.wire import clean
from servers.workspace.opened import Opened

if TYPE_CHECKING:
    from pathlib import Path

    from servers.machine.beneath import Root
    from servers.machine.confined_process import Captured
    from servers.machine.shell_run import Confinement, ShellEnded
    from servers.machine.shell_spare import Ahead

__all__ = ["CommandEnded", "offer_shell", "run_command"]

_LONGEST = 100_000
"""Bytes of a command: the system takes 131,072 in one argument."""
_EVERY = 1.0
"""Seconds between two words of progress."""
_LEAST = 200
"""Characters that either stream gets at least."""
_WAYS = {
    "bubblewrap": "bubblewrap",
    "landlock": "Landlock",
    "sandbox-exec": "sandbox-exec",
    "none": "NO SANDBOX: the user started this server with --unsandboxed",
}


class CommandEnded(Frozen):
    """How a command ended and what it wrote; control characters are escaped, odd bytes are shown as \\xNN."""

    exit_code: int = Field(description="0: it worked; 128 + N: ended by signal N")
    timed_out: bool
    ended_for: str = Field(description="why it was ended before its time; empty when it was not")
    stdout: str
    stderr: str
    truncated: bool = Field(description="true when the middle of a stream is not shown")
    stdout_bytes: int
    stderr_bytes: int
    sandbox: str
    seconds: float
    notes: tuple[str, ...] = Field(description="what became of the files, and what could not be kept")

    def as_text(self) -> str:
        """Return a line on the end, the notes, and both streams."""
        how = "timed out, and was killed with all that it started; " if self.timed_out else ""
        how += f"ended, since {self.ended_for}; " if self.ended_for else ""
        short = "; the middle of the output is left out: write it to a file and read that" if self.truncated else ""
        lines = [f"{how}exit code {self.exit_code} after {self.seconds:.2f} s ({self.sandbox}){short}"]
        lines += [f"note: {note}" for note in self.notes]
        for name, text, size in (
            ("stdout", self.stdout, self.stdout_bytes),
            ("stderr", self.stderr, self.stderr_bytes),
        ):
            lines.append(f"{name}, {size} bytes:\n{text}" if text else f"{name}: empty")
        return "\n".join(lines)


class _Text(NamedTuple):
    text: str
    whole: bool


def _weight(text: str) -> int:
    return len(repr(clean(text)))


def _decoded(data: bytes, room: int, *, tail: bool) -> str:
    """Return the beginning, or the end, of what a stream gave, in at most `room` characters as they are written."""
    text = data.decode("utf-8", "backslashreplace")
    while len(text) > 16 and (weight := _weight(text)) > room:
        length = max(16, min(len(text) - 1, len(text) * room // weight))
        text = text[-length:] if tail else text[:length]
    return text


def _shown(stream: Captured, room: int) -> _Text:
    """Return a stream's text: all of it, or its head and its tail with a note between them."""
    if not stream.left_out:
        text = (stream.head + stream.tail).decode("utf-8", "backslashreplace")
        if _weight(text) <= room:
            return _Text(text, whole=True)
    both = stream.head + stream.tail
    middle = max(1, len(both) * 3 // 5) if not stream.left_out else len(stream.head)
    head = _decoded(both[:middle], room * 3 // 5, tail=False)
    tail = _decoded(both[middle:], room * 2 // 5, tail=True)
    return _Text(f"{head}\n[... the middle of {stream.size} bytes is left out ...]\n{tail}", whole=False)


def _told(ended: ShellEnded, limit: int) -> CommandEnded:
    first = _shown(ended.stderr, max(_LEAST, limit // 3))
    out = _shown(ended.stdout, max(_LEAST, limit - _weight(first.text)))
    err = first if first.whole else _shown(ended.stderr, max(_LEAST, limit - _weight(out.text)))
    return CommandEnded(
        exit_code=ended.exit_code,
        timed_out=ended.timed_out,
        ended_for=ended.ended_for,
        stdout=out.text,
        stderr=err.text,
        truncated=not (out.whole and err.whole),
        stdout_bytes=ended.stdout.size,
        stderr_bytes=ended.stderr.size,
        sandbox=_WAYS[ended.confinement],
        seconds=round(ended.seconds, 3),
        notes=ended.notes,
    )


def _sound(command: str) -> str:
    """Return a command that can be run. Raises ServerError."""
    if not command.strip():
        raise ServerError("the command is empty; give what a shell is to run")
    if "\0" in command:
        raise ServerError("the command holds a NUL, which no argument can; remove it, or write it as \\0 for printf")
    try:
        size = len(command.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ServerError("the command is not valid Unicode (a lone surrogate); send plain text") from error
    if size > _LONGEST:
        raise ServerError(
            f"the command has {size} bytes, more than {_LONGEST}; write it to a file with write_file and run that"
        )
    return command


class _Start(NamedTuple):
    root: Path
    cwd: str


def _start(opened: Opened, cwd: str) -> _Start:
    """Return the root that a command runs in, and its folder below that. Raises ServerError."""
    with opened.at(cwd) as (root, inner):
        state = root.state(inner)
        if state.kind != "folder":
            raise ServerError(f"{show(cwd)} is not a folder; give cwd as a folder of the workspace")
        return _Start(_path_of(opened, root), os.fsdecode(b"/".join(parse(inner))))


def _path_of(opened: Opened, root: Root) -> Path:
    return next(path for path in opened.roots.paths if opened.roots.at(str(path)).root is root)


def _confinement(opened: Opened) -> Confinement:
    from servers.machine.shell_choice import choose_shell_backend

    try:
        return choose_shell_backend()
    except ServerError as error:
        if opened.settings.unsandboxed:
            return "none"
        raise ServerError(
            f"{error}. Only the user can allow commands without a sandbox, by starting afs-workspace --unsandboxed"
        ) from error


async def run_command(
    opened: Opened, command: str, cwd: str, *, timeout: int, limit: int, ctx: Context, ahead: Ahead
) -> CommandEnded:
    """Run a command and tell how it ended; cancelled, it is killed with all that it started. Raises ServerError."""
    import anyio
    import anyio.to_thread

    from servers.machine.shell_run import ShellLimits, ShellRun

    start = _start(opened, cwd)
    run = ShellRun(
        _sound(command),
        root=start.root,
        cwd=start.cwd,
        limits=ShellLimits(wall_seconds=timeout),
        aside=opened.settings.data_dir / "set-aside" / secrets.token_hex(4),
        confinement=functools.partial(_confinement, opened),
        ahead=ahead,
    )
    outcome: ShellEnded | ServerError = ServerError("the command was not run; call again")
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, ctx, timeout)
        try:
            outcome = await anyio.to_thread.run_sync(run.run, abandon_on_cancel=True)
        except ServerError as error:  # raised below, outside the group, which would wrap it
            outcome = error
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(run.cancel)
            raise
        group.cancel_scope.cancel()
    if isinstance(outcome, ServerError):
        raise outcome
    if outcome.confinement == "bubblewrap":
        ahead.prepare(start.root, ShellLimits())
    return _told(outcome, limit)


async def _tell(ctx: Context, timeout: int) -> None:
    """Say once a second how long the command has run."""
    import anyio

    started = anyio.current_time()
    while True:
        await anyio.sleep(_EVERY)
        passed = round(anyio.current_time() - started)
        await ctx.report_progress(min(passed, timeout), timeout, f"running for {passed} s of at most {timeout} s")


def offer_shell(face: Face, opened: Opened) -> None:
    """Offer the tool that runs a command."""

    @functools.cache
    def ahead() -> Ahead:
        from servers.machine.shell_spare import Ahead

        made = Ahead()
        face.at_end(made.close)
        return made

    @face.offer(EXECUTES, title="Run a shell command")
    async def run_shell(
        command: Annotated[str, Field(description="what bash is to run, at most 100,000 bytes")],
        ctx: Context,
        cwd: Annotated[str, Field(description="folder to start in, of the workspace; empty: its root")] = "",
        timeout_seconds: Annotated[int, Field(ge=1, le=600, description="seconds it may take, 1 to 600")] = 60,
        output_limit: Annotated[
            int,
            Field(ge=500, le=28_000, description="characters of output shown, 500 to 28000; head and tail are kept"),
        ] = 16_000,
    ) -> CommandEnded:
        """Run a shell command in a sandbox: it sees /usr and the workspace, and may write in the workspace and /tmp
        (64 MB, gone afterwards). No network, no input, no other processes; nothing that it starts outlives it. What
        tells git, hosts and shells what to run (.git/hooks, .git/config, .mcp.json, .claude, CLAUDE.md, .bashrc ...) is
        read-only. At most 2 GB of memory, 96 processes, 1 GB a file.
        """
        return await run_command(
            opened, command, cwd, timeout=timeout_seconds, limit=output_limit, ctx=ctx, ahead=ahead()
        )
