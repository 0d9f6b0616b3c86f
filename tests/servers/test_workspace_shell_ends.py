"""How a command of run_shell ends before its time, and that nothing is left of it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from servers.machine.sandbox_launch import Backend
from servers.machine.shell_places import swept_copies
from servers.machine.shell_run import Confinement, ShellEnded, ShellLimits, ShellRun
from tests.shell import BOTH, Desk, new_desk, only, processes

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk() -> Iterator[Desk]:
    with new_desk() as made:
        yield made


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    with only(request.param, monkeypatch) as chosen:
        yield chosen


both = pytest.mark.usefixtures("backend")
starts_python = pytest.mark.skipif(
    not os.access(os.path.realpath(sys.executable), os.X_OK), reason="this Python starts no other"
)


@both
async def test_a_cancelled_command_leaves_no_process_and_no_change(desk: Desk, backend: Backend) -> None:
    mark = f"afs-mark-{os.urandom(6).hex()}"
    sign = Path(tempfile.gettempdir()) / mark
    command = f"echo x > started; (setsid bash -c 'exec -a {mark} sleep 50' &); exec -a {mark} sleep 50"
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(desk.ask, command)
            while not processes(mark):
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        while processes(mark):
            await anyio.sleep(0.01)
    assert not sign.exists()
    assert [path.name for path in Path(tempfile.gettempdir()).glob("afs-shell-*")] == []


async def run_with(desk: Desk, backend: Confinement, command: str, **limits: float) -> ShellEnded:
    chosen = ShellLimits(**limits)  # type: ignore[arg-type]  # the cases give whole numbers where it wants int
    run = ShellRun(
        command, root=desk.work, limits=chosen, aside=desk.work.with_name("aside"), confinement=lambda: backend
    )
    with anyio.fail_after(60):
        return await anyio.to_thread.run_sync(run.run)


EATER = 'python3 -c "x=bytearray(60<<20)\nfor i in range(0,len(x),4096): x[i]=1\nimport time;time.sleep(20)"'


async def test_the_memory_of_all_processes_together_is_bounded(desk: Desk, backend: Backend) -> None:
    ended = await run_with(desk, backend, f"for i in 1 2 3 4 5; do {EATER} & done; wait", memory_bytes=200 << 20)
    assert "memory" in ended.ended_for
    assert not ended.timed_out


async def test_what_a_tree_shares_counts_once(desk: Desk, backend: Backend) -> None:
    script = (
        "import os,time\nx=bytearray(60<<20)\nfor i in range(0,len(x),4096): x[i]=1\n"
        "pids=[os.fork() for _ in range(2)]\ntime.sleep(0.5)"
    )
    ended = await run_with(desk, backend, f"python3 -c '{script}'", memory_bytes=150 << 20)
    assert (ended.exit_code, ended.ended_for) == (0, "")


async def test_the_disk_is_not_filled_with_many_files(desk: Desk, backend: Backend) -> None:
    command = "i=0; while head -c 20M /dev/zero > f$i; do i=$((i+1)); done"
    ended = await run_with(desk, backend, command, disk_bytes=100 << 20, wall_seconds=30)
    assert "disk" in ended.ended_for
    assert not ended.timed_out


@starts_python
async def test_an_interrupted_server_takes_its_commands_along(desk: Desk, backend: Backend) -> None:
    mark = f"afs-mark-{os.urandom(6).hex()}"
    code = (
        "import sys; from pathlib import Path\n"
        "from servers.machine.shell_run import ShellLimits, ShellRun\n"
        f"ShellRun('exec -a {mark} sleep 50', root=Path(sys.argv[1]), limits=ShellLimits(), aside=Path(sys.argv[2]), "
        f"confinement=lambda: {backend!r}).run()"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(desk.work), str(desk.work) + "-aside"])
    with anyio.fail_after(30):
        while not processes(mark):
            await anyio.sleep(0.01)
        server.send_signal(signal.SIGKILL)
        server.wait()
        while processes(mark):
            await anyio.sleep(0.01)
    assert server.returncode == -signal.SIGKILL
    swept_copies.cache_clear()  # as in a server that has just been started
    await desk.run("true")
    with anyio.fail_after(10):
        while list(Path(tempfile.gettempdir()).glob("afs-shell-*")):
            await anyio.sleep(0.01)


LOWERED = """
import resource, sys
from pathlib import Path
from servers.machine.shell_run import ShellLimits, ShellRun

command = "head -c 300000 /dev/zero > z; wc -c < z; ulimit -n"
for kind, most in ((resource.RLIMIT_FSIZE, 100_000), (resource.RLIMIT_NOFILE, 200)):
    resource.setrlimit(kind, (most, most))
work = Path(sys.argv[1])
run = ShellRun(command, root=work, limits=ShellLimits(), aside=work / "aside", confinement=lambda: sys.argv[2])
sys.stdout.buffer.write(run.run().stdout.head)
"""


@starts_python
async def test_a_server_with_lower_limits_runs_commands_within_them(desk: Desk, backend: Backend) -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", LOWERED, str(desk.work), backend], capture_output=True, timeout=60, check=False
    )
    assert done.stdout == b"100000\n200\n", done.stderr
