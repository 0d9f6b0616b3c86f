"""The sandbox that a server makes ahead for its next command: as one made then, used once, and gone with the server."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client

from servers.machine.process_start import Program
from servers.machine.shell_places import swept_copies
from servers.machine.shell_run import ShellEnded, ShellLimits, ShellRun
from servers.machine.shell_spare import Ahead, Waiting
from tests.shell import Desk, fields, need, new_desk, processes, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.bwrap]

NAMESPACE = "readlink /proc/self/ns/pid"
STATE = (
    'env | sort; echo "$0|$-|$#|$?|$SHLVL|$((SECONDS / 60))|$LINENO|$PPID|$BASH_EXECUTION_STRING"; ulimit -a 2>&1; '
    "id; umask; pwd; ls /proc/self/fd | wc -l; cat; cd /; env | sort; ls -A /tmp /dev/shm; nosuch; "
    "declare -p | cut -d= -f1"
)
"""What a command can tell of its shell."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    need("bubblewrap")
    with new_desk() as made:
        yield made


def waiters(desk: Desk) -> list[int]:
    """The shells that wait in sandboxes of this workspace."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0") if name.isdigit() else [b""]
            if words[0].endswith(b"bash") and b"eval " in words[-2] and str(desk.work).encode() in mounts(name):
                found.append(int(name))
    return found


def mounts(process: str) -> bytes:
    return Path("/proc", process, "mountinfo").read_bytes()


async def waiting(desk: Desk) -> int:
    """The one that waits, as soon as one does."""
    with anyio.fail_after(20):
        while len(found := waiters(desk)) != 1:
            await anyio.sleep(0.01)
    return found[0]


def namespace(process: int) -> str:
    return os.readlink(f"/proc/{process}/ns/pid")


async def nobody_waits(desk: Desk) -> None:
    with anyio.fail_after(20):
        while waiters(desk):
            await anyio.sleep(0.01)


async def no_copies() -> None:
    with anyio.fail_after(20):
        while list(Path(tempfile.gettempdir()).glob("afs-shell-*")):
            await anyio.sleep(0.01)


async def output(client: Client, command: str, **more: object) -> str:
    result = await client.call_tool("run_shell", {"command": command, **more})
    assert not result.is_error, text_of(result)
    return str(fields(result)["stdout"])


async def test_each_command_but_the_first_has_the_sandbox_that_waited_for_it_alone(desk: Desk) -> None:
    async with desk.client() as client:
        seen = [(await output(client, NAMESPACE)).strip()]
        for _ in range(3):
            ahead = namespace(await waiting(desk))
            seen.append((await output(client, NAMESPACE)).strip())
            assert seen[-1] == ahead
    assert len({*seen, os.readlink("/proc/self/ns/pid")}) == 5


async def test_nothing_waits_before_the_first_command_and_after_the_server(desk: Desk) -> None:
    async with desk.client() as client:
        await client.call_tool("list_files", {})
        assert waiters(desk) == []
        await output(client, "true")
        await waiting(desk)
    assert waiters(desk) == []
    await no_copies()


async def test_a_shell_that_waited_is_as_one_just_started(desk: Desk) -> None:
    async with desk.client() as client:
        first = await client.call_tool("run_shell", {"command": STATE, "timeout_seconds": 33})
        await waiting(desk)
        second = await client.call_tool("run_shell", {"command": STATE, "timeout_seconds": 33})
    assert fields(first)["stdout"] == fields(second)["stdout"]
    assert fields(first)["stderr"] == fields(second)["stderr"]
    assert "nosuch: command not found" in fields(first)["stderr"]


@pytest.mark.parametrize(
    ("command", "code"),
    [("set -e; false; echo no", 1), ("(", 2), ("exit 7; echo", 7), ("kill -9 $$", 137), ("sh -c 'kill -9 $$'", 137)],
)
async def test_a_command_ends_in_a_sandbox_that_waited_as_in_any(desk: Desk, command: str, code: int) -> None:
    async with desk.client() as client:
        for _ in range(2):
            result = fields(await client.call_tool("run_shell", {"command": command}))
            assert (result["exit_code"], result["stdout"]) == (code, "")
            await waiting(desk)


async def test_a_command_of_any_characters_and_of_any_length_is_told_whole(desk: Desk) -> None:
    odd = "\x01\x7f\x01\x01é\U0001f600\\ \t\n"
    async with desk.client() as client:
        await output(client, "true")
        for text in (odd, odd * 600, "x" * 90_000, "x" * 7_000):
            await waiting(desk)
            await output(client, f"printf %s '{text}' > told")
            assert (desk.work / "told").read_text(encoding="utf-8") == text


async def test_files_are_those_of_the_call(desk: Desk) -> None:
    desk.put("gone", "gone\n")
    desk.put("changed", "old\n")
    desk.put("CLAUDE.md", "be good\n", 0o640)
    desk.put(".git/config", "[core]\n")
    async with desk.client() as client:
        await output(client, "true")
        ahead = namespace(await waiting(desk))
        (desk.work / "gone").unlink()
        for name in ("changed", "sub/new", "CLAUDE.md", ".git/config", ".git/HEAD"):
            desk.put(name, f"{name} is new\n", 0o600 if os.geteuid() else 0o604)
        modes = "stat -c '%a %Y' CLAUDE.md .git/config .git .git/HEAD sub"
        said = await output(client, f"{NAMESPACE}; cat gone changed sub/new CLAUDE.md .git/config .git/HEAD; {modes}")
        done = subprocess.run(["sh", "-c", modes], cwd=desk.work, capture_output=True, timeout=20, check=True)
    names = ("changed", "sub/new", "CLAUDE.md", ".git/config", ".git/HEAD")
    assert said == f"{ahead}\n" + "".join(f"{name} is new\n" for name in names) + done.stdout.decode()


async def test_a_folder_that_was_just_made_is_one_to_start_in(desk: Desk) -> None:
    async with desk.client() as client:
        await output(client, "true")
        for _ in range(2):
            ahead = namespace(await waiting(desk))
            desk.put("sub/deep/file", "here\n")
            said = await output(client, f"{NAMESPACE}; cat file; cd ..; echo $OLDPWD; rm -r deep", cwd="sub/deep")
            assert said == f"{ahead}\nhere\n{desk.work}/sub/deep\n"


def plant(desk: Desk) -> None:
    desk.put("CLAUDE.md", "be good\n")
    desk.put(".claude/settings.json", "{}\n")


def replace(desk: Desk) -> None:
    desk.put("new", "[core]\n").replace(desk.work / ".git/config")


def link_and_unlink(desk: Desk) -> None:
    """What was bound is no longer there, and is there again under its name."""
    config = desk.work / ".git/config"
    os.link(config, desk.work / "other")
    config.unlink()
    (desk.work / "other").rename(config)


def move_the_repository(desk: Desk) -> None:
    (desk.work / ".git").rename(desk.work / "was")
    desk.put(".git/config", "[core]\n")


@pytest.mark.parametrize("change", [plant, replace, link_and_unlink, move_the_repository])
async def test_what_is_sealed_when_a_command_begins_can_not_be_written(desk: Desk, change: object) -> None:
    desk.put(".git/config", "[core]\n")
    async with desk.client() as client:
        await output(client, "true")
        await waiting(desk)
        assert callable(change)
        change(desk)
        names = [name for name in ("CLAUDE.md", ".claude/settings.json", ".git/config") if (desk.work / name).exists()]
        before = [(desk.work / name).read_bytes() for name in names]
        said = await output(client, "".join(f"echo evil >> {name} && echo written; " for name in names))
        assert said == ""
        assert [(desk.work / name).read_bytes() for name in names] == before


def run_with(desk: Desk, ahead: Ahead, command: str, limits: ShellLimits) -> ShellEnded:
    aside = desk.work.with_name("aside")
    return ShellRun(
        command, root=desk.work, limits=limits, aside=aside, confinement=lambda: "bubblewrap", ahead=ahead
    ).run()


async def test_a_seal_that_is_undone_while_a_sandbox_is_made_ahead_is_a_seal_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk.put(".git/config", "[core]\n")
    honest = Program.start

    def start(program: Program, meanwhile: Callable[[], None]) -> None:
        honest(program, meanwhile)
        link_and_unlink(desk)

    ahead = Ahead()
    with contextlib.closing(ahead):
        with monkeypatch.context() as patch:
            patch.setattr(Program, "start", start)  # no test can strike at that moment
            ahead.prepare_now(desk.work, ShellLimits())
        ended = run_with(desk, ahead, "echo evil >> .git/config && echo written", ShellLimits())
    assert ended.stdout.head == b""
    assert config.read_text(encoding="utf-8") == "[core]\n"


async def test_a_workspace_of_any_name_has_a_sandbox_made_ahead(desk: Desk) -> None:
    odd = Desk(desk.work / "a b\\\n\t\\040", desk.settings)
    odd.work.mkdir()
    odd.put("x y/CLAUDE.md", "be good\n")
    ahead = Ahead()
    with contextlib.closing(ahead):
        ahead.prepare_now(odd.work, ShellLimits())
        (shell,) = [shell for shell in waiters(desk)]
        made = namespace(shell)
        ended = run_with(odd, ahead, f"{NAMESPACE}; cat x*/*; echo evil > x*/CLAUDE.md", ShellLimits())
    assert ended.stdout.head.decode() == f"{made}\nbe good\n"


async def test_other_limits_or_another_workspace_have_a_sandbox_of_their_own(desk: Desk) -> None:
    ahead, usual = Ahead(), ShellLimits()
    with contextlib.closing(ahead), new_desk() as other:
        for limits, place in ((usual._replace(open_files=99), desk), (usual, other)):
            ahead.prepare(desk.work, usual)
            made = namespace(await waiting(desk))
            said = run_with(place, ahead, f"{NAMESPACE}; ulimit -n; pwd", limits).stdout.head.decode().split()
            assert said[0] != made
            assert said[1:] == [str(limits.open_files), str(place.work)]
            await nobody_waits(desk)


async def test_a_sandbox_that_waited_has_the_time_of_its_command(desk: Desk) -> None:
    ahead = Ahead()
    with contextlib.closing(ahead):
        for seconds in (7, 600):
            ahead.prepare(desk.work, ShellLimits())
            made = namespace(await waiting(desk))
            ended = run_with(desk, ahead, f"{NAMESPACE}; ulimit -t", ShellLimits(wall_seconds=seconds))
            assert ended.stdout.head.decode().split() == [made, str(seconds + 1)]
        ahead.prepare(desk.work, ShellLimits())
        await waiting(desk)
        ended = run_with(desk, ahead, "echo x; while :; do :; done", ShellLimits(wall_seconds=1))
        assert (ended.timed_out, ended.stdout.head, ended.stdout.size) == (True, b"x\n", 2)


@pytest.mark.parametrize("which", ["the shell", "bubblewrap"])
async def test_a_sandbox_that_died_is_replaced_unseen(desk: Desk, which: str) -> None:
    async with desk.client() as client:
        await output(client, "true")
        shell = await waiting(desk)
        state = Path(f"/proc/{shell}/stat").read_text(encoding="utf-8")
        os.kill(shell if which == "the shell" else int(state.rpartition(")")[2].split()[1]), signal.SIGKILL)
        await nobody_waits(desk)
        for _ in range(2):
            result = fields(await client.call_tool("run_shell", {"command": "echo x"}))
            assert (result["exit_code"], result["stdout"], result["stderr"]) == (0, "x\n", "")
            await waiting(desk)


async def test_a_sandbox_that_dies_when_it_is_taken_is_replaced_unseen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Waiting.told

    def kill_first(ahead: Waiting, command: str, cwd: str, seconds: float) -> bytes:
        for shell in waiters(desk):
            os.kill(shell, signal.SIGKILL)
        return honest(ahead, command, cwd, seconds)

    async with desk.client() as client:
        await output(client, "true")
        await waiting(desk)
        monkeypatch.setattr(Waiting, "told", kill_first)  # no test can strike at that moment
        assert await output(client, "echo x >> ran; cat ran") == "x\n"
    assert (desk.work / "ran").read_text(encoding="utf-8") == "x\n"


async def test_commands_that_run_at_once_share_no_sandbox(desk: Desk) -> None:
    seen: list[str] = []

    async def ask(number: int) -> None:
        seen.append(await output(client, f"{NAMESPACE}; echo {number} > f{number}; sleep 0.2"))

    async with desk.client() as client:
        await output(client, "true")
        await waiting(desk)
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(ask, number)
    assert len(set(seen)) == 4
    assert desk.names() == {f"f{number}" for number in range(4)}


async def test_a_cancelled_command_takes_the_sandbox_that_waited_along(desk: Desk) -> None:
    mark = f"afs-mark-{os.urandom(6).hex()}"
    async with desk.client() as client:
        await output(client, "true")
        await waiting(desk)
        async with anyio.create_task_group() as group:
            group.start_soon(output, client, f"(setsid bash -c 'exec -a {mark} sleep 50' &); exec -a {mark} sleep 50")
            with anyio.fail_after(20):
                while len(processes(mark)) < 2:
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        with anyio.fail_after(20):
            while processes(mark):
                await anyio.sleep(0.01)
        assert await output(client, "echo after") == "after\n"


async def test_ten_commands_leave_no_descriptor_and_no_process(desk: Desk) -> None:
    async with desk.client() as client:
        await output(client, "true")
    await no_copies()
    before = sorted(map(target, os.listdir("/proc/self/fd")))
    async with desk.client() as client:
        for number in range(10):
            if number % 3:
                await waiting(desk)
            await output(client, "true")
    await nobody_waits(desk)
    await no_copies()
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1  # the network made ahead
    assert {name for name in map(target, os.listdir("/proc/self/fd")) if "mounts" in name or "afs-" in name} == set()


def target(descriptor: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/self/fd/{descriptor}")
    return ""


SERVER = """
import sys, time
from pathlib import Path
from servers.machine.shell_run import ShellLimits
from servers.machine.shell_spare import Ahead, Waiting
ahead = Ahead()
ahead.prepare(Path(sys.argv[1]), ShellLimits())
time.sleep(60)
"""


@pytest.mark.skipif(not os.access(os.path.realpath(sys.executable), os.X_OK), reason="this Python starts no other")
async def test_a_killed_server_leaves_no_sandbox(desk: Desk) -> None:
    assert waiters(desk) == []
    server = subprocess.Popen([sys.executable, "-B", "-c", SERVER, str(desk.work)])
    try:
        await waiting(desk)
    finally:
        server.kill()
        server.wait()
    await nobody_waits(desk)
    swept_copies.cache_clear()  # as in a server that has just been started
    await desk.run("true")
    await no_copies()


async def test_what_waits_ends_with_a_server_that_nobody_has_ended(desk: Desk) -> None:
    ahead = Ahead()
    ahead.prepare_now(desk.work, ShellLimits())
    await waiting(desk)
    del ahead
    await nobody_waits(desk)
    await no_copies()
    assert waiters(desk) == []
