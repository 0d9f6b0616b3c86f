"""The sandbox, each case on both back ends, with the system's own shell as the confined program."""

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from servers.machine import landlock, sandbox_choice
from servers.machine.agent_files import AGENT_FILES
from servers.machine.errors import ServerError
from servers.machine.sandbox import Finished, run_confined
from servers.machine.sandbox_launch import Backend, Limits
from servers.machine.sandbox_report import describe_sandbox
from servers.machine.seatbelt import profile, sealed_patterns
from tests.shell import forget, only

pytestmark = pytest.mark.anyio

SHELL = str(Path(shutil.which("sh", path="/usr/bin:/bin") or "/bin/sh").resolve())


class Cell(NamedTuple):
    """A workspace beside a secret, and the back end that guards them."""

    backend: Backend
    workspace: Path
    secret: Path

    async def run(self, script: str, **limits: float) -> Finished:
        chosen = Limits(**limits)  # type: ignore[arg-type]  # the cases give whole numbers where Limits wants int
        with anyio.fail_after(30):
            return await run_confined(
                [SHELL, "-c", script, "sh", str(self.secret)],
                workspace=self.workspace,
                limits=chosen,
                backend=self.backend,
            )


def skip_unless_usable(backend: Backend) -> None:
    if backend == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is absent: apt-get install bubblewrap")
    if backend == "landlock" and landlock.abi_version() == 0:
        pytest.skip("the kernel has no Landlock")


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bwrap), "landlock"])
def cell(request: pytest.FixtureRequest) -> Iterator[Cell]:
    backend: Backend = request.param
    skip_unless_usable(backend)
    with tempfile.TemporaryDirectory(prefix="afs-cell-") as name:  # tmp_path is closed to nobody, whom root becomes
        folder = Path(name)
        folder.chmod(0o711)
        workspace = folder / "work"
        workspace.mkdir()
        secret = folder / "secret"
        secret.write_text("the secret\n", encoding="utf-8")
        secret.chmod(0o666)
        yield Cell(backend, workspace, secret)


def survivors(cell: Cell) -> list[str]:
    """Command lines of processes that name the workspace or the secret."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(cell.secret).encode() in line:
            found.append(line.decode(errors="replace"))
    return found


async def test_a_program_says_how_it_ended_and_what_it_wrote(cell: Cell) -> None:
    done = await cell.run("echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert (done.timed_out, done.truncated, done.backend) == (False, False, cell.backend)


async def test_a_program_writes_in_its_workspace(cell: Cell) -> None:
    done = await cell.run("echo hello > here")
    assert done.returncode == 0
    assert (cell.workspace / "here").read_text(encoding="utf-8") == "hello\n"


async def test_a_program_reads_nothing_outside(cell: Cell) -> None:
    done = await cell.run(
        'for f in "$1" /etc/passwd /proc/self/environ ../secret; do read -r x < $f && echo "$x"; done'
    )
    assert done.stdout == b""


async def test_a_program_writes_nothing_outside(cell: Cell) -> None:
    await cell.run('echo bad > "$1"; echo bad > ../new; echo bad > /tmp/afs-escaped')
    assert cell.secret.read_text(encoding="utf-8") == "the secret\n"
    assert not (cell.workspace.parent / "new").exists()
    assert not Path("/tmp/afs-escaped").exists()


async def test_a_link_out_of_the_workspace_leads_nowhere(cell: Cell) -> None:
    (cell.workspace / "link").symlink_to(cell.secret)
    done = await cell.run("read -r x < link && echo $x; echo bad > link")
    assert done.stdout == b""
    assert cell.secret.read_text(encoding="utf-8") == "the secret\n"


async def test_a_program_sees_none_of_the_environment(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFS_TEST_KEY", "sk-secret")
    done = await cell.run("export -p")
    names = {line.split()[1].split(b"=")[0] for line in done.stdout.splitlines() if line.startswith(b"export")}
    assert names <= {b"PATH", b"HOME", b"LANG", b"PWD", b"OLDPWD"}
    assert b"sk-secret" not in done.stdout


async def test_a_program_is_not_root(cell: Cell) -> None:
    program = Path(shutil.which("id", path="/usr/bin:/bin") or "/usr/bin/id").resolve()
    with anyio.fail_after(30):
        done = await run_confined([str(program), "-u"], workspace=cell.workspace, backend=cell.backend)
    assert done.returncode == 0
    assert int(done.stdout) != 0


async def test_a_program_starts_no_other(cell: Cell) -> None:
    done = await cell.run("(echo child); echo after")
    assert b"child" not in done.stdout


async def test_a_program_gets_its_input(cell: Cell) -> None:
    with anyio.fail_after(30):
        done = await run_confined(
            [SHELL, "-c", "read -r a; read -r b; echo $b $a"],
            workspace=cell.workspace,
            stdin=b"one\n" + b"x" * 300_000 + b"\n",
            backend=cell.backend,
        )
    assert done.stdout.endswith(b"x one\n")
    assert len(done.stdout) == 300_005


async def test_a_program_that_never_ends_is_killed_at_its_time(cell: Cell) -> None:
    done = await cell.run("while :; do :; done", wall_seconds=0.3)
    assert done.timed_out
    assert done.seconds < 5
    assert survivors(cell) == []


async def test_a_program_that_burns_the_processor_is_killed(cell: Cell) -> None:
    done = await cell.run("while :; do :; done", cpu_seconds=1, wall_seconds=20.0)
    assert not done.timed_out
    assert done.returncode != 0


async def test_a_flood_of_output_is_cut_and_ended(cell: Cell) -> None:
    done = await cell.run("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", output_bytes=10_000)
    assert done.truncated
    assert len(done.stdout) == 10_000
    assert survivors(cell) == []


async def test_a_file_that_grows_is_ended_at_its_limit(cell: Cell) -> None:
    script = "while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done > big; echo ended"
    done = await cell.run(script, file_bytes=50_000)
    assert done.returncode != 0 or b"error" in done.stderr
    assert (cell.workspace / "big").stat().st_size <= 50_000


async def test_a_program_that_eats_memory_is_ended(cell: Cell) -> None:
    done = await cell.run("x=x; while :; do x=$x$x; done", memory_bytes=64 << 20, wall_seconds=20.0)
    assert done.returncode != 0
    assert not done.timed_out


async def test_a_cancelled_run_leaves_no_process(cell: Cell) -> None:
    running = cell.workspace / "running"
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(cell.run, "echo x > running; while :; do :; done")
            while not running.exists():
                await anyio.sleep(0.01)
            assert survivors(cell) != []
            group.cancel_scope.cancel()
    assert survivors(cell) == []


async def test_a_run_cancelled_before_it_begins_starts_nothing(cell: Cell) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await cell.run("echo x > running")
    assert scope.cancelled_caught
    assert not (cell.workspace / "running").exists()


async def test_many_run_at_once(cell: Cell) -> None:
    results: list[bytes] = []

    async def one(number: int) -> None:
        workspace = cell.workspace / str(number)
        workspace.mkdir()
        cell.workspace.chmod(0o755)
        done = await run_confined(
            [SHELL, "-c", f"echo {number} > file; read -r x < file; echo $x"],
            workspace=workspace,
            backend=cell.backend,
        )
        results.append(done.stdout)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
    assert sorted(results) == sorted(f"{number}\n".encode() for number in range(8))


async def test_this_process_keeps_its_own_rights_and_descriptors(cell: Cell) -> None:
    await cell.run(":")
    before = (os.geteuid(), len(os.listdir("/proc/self/fd")))
    for _ in range(5):
        await cell.run(":")
    assert (os.geteuid(), len(os.listdir("/proc/self/fd"))) == before
    assert cell.secret.read_text(encoding="utf-8") == "the secret\n"
    assert await anyio.to_thread.run_sync(cell.secret.read_bytes) == b"the secret\n"


async def test_a_missing_program_is_told(cell: Cell) -> None:
    done = await run_confined(["/usr/bin/afs-none"], workspace=cell.workspace, backend=cell.backend)
    assert done.returncode != 0
    assert b"afs-none" in done.stderr


def test_the_canary_holds_in_each_back_end_that_is_there() -> None:
    usable = [name for name in sandbox_choice.BACKENDS if not sandbox_choice.flaw(name)]
    assert usable, [sandbox_choice.flaw(name) for name in sandbox_choice.BACKENDS]
    assert describe_sandbox().backend == usable[0]


async def test_without_any_back_end_nothing_runs_and_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(backend: Backend) -> str:
        return f"{backend} is not here"

    monkeypatch.setattr(sandbox_choice, "flaw", none_here)  # no test machine lacks both
    forget()
    with pytest.raises(ServerError, match=r"landlock is not here.*Install bubblewrap"):
        await run_confined([SHELL, "-c", "echo x > ran"], workspace=tmp_path)
    report = describe_sandbox()
    forget()
    assert not (tmp_path / "ran").exists()
    assert report.backend is None
    assert "install" in report.advice.lower()


def test_what_landlock_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with only("landlock", monkeypatch):
        report = describe_sandbox()
    assert (report.backend, report.shell) == ("landlock", "landlock")
    assert any("/proc" in gap for gap in report.lacks)
    assert "make bubblewrap work (bubblewrap is left out by the test)" in report.advice


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_UNIX).connect(sys.argv[1])",
        "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))",
        "ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 or int('refused')",
        "ctypes.CDLL(None).syscall(425, 4, 0) >= 0 or int('refused')",
        "ctypes.CDLL(None).syscall(250, 6, -3, 0, 0, 0) >= 0 or int('refused')",
        "resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))",
        "os.open('/proc/1/mem', 0)",
    ],
)
async def test_what_needs_no_file_is_refused_too(cell: Cell, code: str) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("no python3 of the system")
    modules = "import ctypes, os, resource, socket, sys\n"
    with socket.socket(socket.AF_UNIX) as listener, anyio.fail_after(30):
        path = cell.workspace / "socket"
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen()
        argv = [str(Path(python).resolve()), "-S", "-c", f"{modules}{code}\nprint('done')", str(path)]
        done = await run_confined(argv, workspace=cell.workspace, backend=cell.backend)
    assert b"done" not in done.stdout
    assert done.returncode == 1, done.stderr


async def test_a_run_ends_with_its_program_and_not_with_a_pipe_that_a_child_holds(cell: Cell) -> None:
    started = time.monotonic()
    done = await cell.run("sleep_forever() { while :; do :; done; }; sleep_forever & echo done", processes=500)
    assert done.stdout == b"done\n"
    assert time.monotonic() - started < 8
    with anyio.fail_after(5):  # a child in the group was killed, and is gone when the kernel gets to it
        while survivors(cell):
            await anyio.sleep(0.01)


def test_the_profile_for_macos_denies_by_default_and_names_every_seal() -> None:
    workspace = Path('/Volumes/x/a "b" (c)')
    patterns = sealed_patterns(workspace, AGENT_FILES)
    text = profile(readable=[Path("/opt/tool")], writable=[workspace], sealed=patterns, processes=False)
    assert text.startswith("(version 1)\n(deny default)\n")
    assert '(subpath "/Volumes/x/a \\"b\\" (c)")' in text
    assert "network" not in text and "process-fork" not in text
    assert text.count("(deny file-write*") == len(AGENT_FILES)
    sealed = [".git/hooks/x", "a/.GIT/config", ".mcp.json", "a/b/.Claude/settings.json", ".git/modules/m/n/hooks/x"]
    free = ["git/hooks", ".gitignore", "mcp.json", ".git/HEAD", "x.mcp.json", ".git/modules/m/HEAD"]
    found = [any(re.search(one, f"{workspace}/{name}") for one in patterns) for name in (*sealed, *free)]
    assert found == [True] * len(sealed) + [False] * len(free)
