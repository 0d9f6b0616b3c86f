"""run_shell through the protocol: what it tells, what it may change, what it leaves behind, in both back ends."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.machine import landlock, sandbox_choice, shell_run
from servers.machine.sandbox_choice import choose_backend
from servers.machine.sandbox_launch import Backend
from servers.machine.shell_run import Confinement, ShellEnded, ShellLimits, ShellRun
from servers.settings import Settings
from servers.workspace.server import build

pytestmark = pytest.mark.anyio

HOOK = "#!/bin/sh\necho hooked\n"


class Desk(NamedTuple):
    """A workspace and the server of it."""

    work: Path
    settings: Settings

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        with anyio.fail_after(60):
            async with Client(build(self.settings)) as client:
                yield client

    async def ask(self, command: str, **more: Any) -> CallToolResult:
        async with self.client() as client:
            return await client.call_tool("run_shell", {"command": command, **more})

    async def run(self, command: str, **more: Any) -> dict[str, Any]:
        result = await self.ask(command, **more)
        assert not result.is_error, text_of(result)
        return fields(result)

    def put(self, name: str, content: str, mode: int = 0o644) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
        return path

    def names(self) -> set[str]:
        return {str(path.relative_to(self.work)) for path in self.work.rglob("*")}


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def fields(result: CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def need(backend: Backend) -> None:
    if backend == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is absent: apt-get install bubblewrap")
    if backend == "landlock" and landlock.abi_version() < 4:
        pytest.skip("the kernel has no Landlock that knows TCP")


@pytest.fixture
def desk() -> Iterator[Desk]:
    base = Path(tempfile.mkdtemp(prefix="afs-desk-", dir="/var/tmp"))  # tmp_path is closed to nobody, whom root becomes
    base.chmod(0o755)
    work = base / "work"
    work.mkdir()
    yield Desk(work, Settings(context_root=base / "c", data_dir=base / "data", project_root=work))
    shutil.rmtree(base)


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bwrap), "landlock"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    wanted: Backend = request.param
    need(wanted)
    honest = sandbox_choice.flaw

    def only(candidate: Backend) -> str:
        return honest(candidate) if candidate == wanted else f"{candidate} is left out by the test"

    monkeypatch.setattr(sandbox_choice, "flaw", only)  # this machine has both
    choose_backend.cache_clear()
    yield wanted
    choose_backend.cache_clear()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def none_here(backend: Backend) -> str:
        return f"{backend} is not here"

    monkeypatch.setattr(sandbox_choice, "flaw", none_here)  # no test machine lacks both
    choose_backend.cache_clear()
    yield
    choose_backend.cache_clear()


both = pytest.mark.usefixtures("backend")


@both
async def test_a_command_says_how_it_ended_and_what_it_wrote(desk: Desk) -> None:
    said = await desk.run("echo out; echo err >&2; exit 3")
    assert (said["exit_code"], said["stdout"], said["stderr"]) == (3, "out\n", "err\n")
    assert (said["timed_out"], said["truncated"], said["ended_for"]) == (False, False, "")


async def test_the_sandbox_is_named_in_both_halves_of_the_result(desk: Desk, backend: Backend) -> None:
    result = await desk.ask("true")
    assert fields(result)["sandbox"].lower() == backend
    assert backend in text_of(result).lower()


@both
async def test_what_a_command_makes_changes_and_deletes_is_in_the_workspace_afterwards(desk: Desk) -> None:
    desk.put("old.asm", "old\n", 0o755)
    desk.put("gone/file", "gone\n")
    desk.put("kept", "kept\n")
    said = await desk.run(
        "echo new > new.asm; echo more >> old.asm; rm -r gone; ln -s kept link; "
        "mkdir -p a/b; echo x > a/b/run; chmod 750 a/b/run"
    )
    assert said["notes"] == [] or "copy" in said["notes"][0]
    assert desk.names() == {"new.asm", "old.asm", "kept", "a", "a/b", "a/b/run", "link"}
    assert (desk.work / "old.asm").read_text(encoding="utf-8") == "old\nmore\n"
    assert (desk.work / "old.asm").stat().st_mode & 0o777 == 0o755
    assert (desk.work / "a/b/run").stat().st_mode & 0o777 == 0o750
    assert os.readlink(desk.work / "link") == "kept"
    assert {(desk.work / name).lstat().st_uid for name in desk.names()} == {desk.work.stat().st_uid}


@both
async def test_a_name_that_is_not_utf_8_is_changed_like_any_other(desk: Desk) -> None:
    name = os.fsencode(desk.work) + b"/a\xff\n"
    with open(name, "wb") as file:
        file.write(b"1")
    await desk.run('for f in a*; do echo 2 > "$f"; done')
    with open(name, "rb") as file:
        assert file.read() == b"2\n"


@both
async def test_a_command_starts_in_the_folder_that_was_asked_for(desk: Desk) -> None:
    desk.put("sub/deep/file", "here\n")
    said = await desk.run("cat file; cd ../..; ls", cwd="sub/deep")
    assert said["stdout"] == "here\nsub\n"


@pytest.mark.bwrap
async def test_the_workspace_has_its_own_path_inside(desk: Desk) -> None:
    need("bubblewrap")
    assert (await desk.run("pwd"))["stdout"] == f"{desk.work}\n"


@both
async def test_seals_can_be_read_and_never_written(desk: Desk) -> None:
    hook = desk.put(".git/hooks/pre-commit", HOOK, 0o755)
    config = desk.put(".git/config", "[core]\n")
    agents = desk.put("sub/CLAUDE.md", "be good\n")
    said = await desk.run(
        "cat .git/config sub/CLAUDE.md; echo evil > .git/hooks/pre-commit; echo evil >> .git/config; "
        "echo evil > sub/CLAUDE.md; rm -rf .git/hooks; echo fine > .git/HEAD"
    )
    assert said["stdout"] == "[core]\nbe good\n"
    assert hook.read_text(encoding="utf-8") == HOOK
    assert (config.read_text(encoding="utf-8"), agents.read_text(encoding="utf-8")) == ("[core]\n", "be good\n")
    assert (desk.work / ".git/HEAD").read_text(encoding="utf-8") == "fine\n"


PLANTS = {
    "a hook": ("mkdir -p .git/hooks; echo evil > .git/hooks/post-checkout", ".git/hooks"),
    "a config": ("git init -q . ; git config core.fsmonitor evil", ".git/config"),
    "a hook in a folder": ("mkdir -p a/b/.git/hooks; echo evil > a/b/.git/hooks/x", "a/b/.git/hooks"),
    "another common folder": ("mkdir .git evil; echo ../evil > .git/commondir", ".git/commondir"),
    "a file that names a repository": ("mkdir evil; echo 'gitdir: evil' > .git", ".git"),
    "servers": ("echo '{}' > .mcp.json", ".mcp.json"),
    "settings": ("mkdir -p .claude; echo '{}' > .claude/settings.json", ".claude"),
    "words for agents": ("echo evil > agents.MD", "agents.MD"),
    "a start-up file": ("echo evil > .bashrc", ".bashrc"),
    "a link to a folder of settings": ("mkdir evil; ln -s evil .vscode", ".vscode"),
}


@both
@pytest.mark.parametrize("plant", PLANTS)
async def test_what_tells_others_what_to_run_is_never_planted(desk: Desk, plant: str) -> None:
    command, name = PLANTS[plant]
    said = await desk.run(command)
    assert not os.path.lexists(desk.work / name)
    assert any(name in note for note in said["notes"]), said


@both
@pytest.mark.parametrize(
    "trick",
    [
        "mv .git g; mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit",
        "mv .git/hooks h; mkdir .git/hooks; echo evil > .git/hooks/pre-commit",
        "rm -rf .git; mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit",
        "ln -s .git g; echo evil > g/hooks/pre-commit",
        "cd .git; echo evil > hooks/pre-commit; ln hooks/pre-commit ../h && echo evil > ../h",
        "mkdir n; mv n .git/hooks/n; cp -r .git g; echo evil > g/hooks/pre-commit; mv -T g/hooks .git/hooks",
        "exec 7< .git/hooks/pre-commit; echo evil > /proc/self/fd/7; echo evil > /dev/fd/7",
        "mount -o remount,rw,bind .git/hooks; umount .git/hooks; echo evil > .git/hooks/pre-commit",
        "chmod 777 .git/hooks/pre-commit; truncate -s 0 .git/hooks/pre-commit",
    ],
)
async def test_no_trick_changes_a_hook(desk: Desk, trick: str) -> None:
    hook = desk.put(".git/hooks/pre-commit", HOOK, 0o755)
    await desk.run(trick)
    assert hook.read_text(encoding="utf-8") == HOOK
    assert hook.stat().st_mode & 0o777 == 0o755


@both
async def test_a_sealed_link_is_there_again_when_a_command_has_replaced_it(desk: Desk) -> None:
    desk.put("AGENTS.md", "be good\n")
    (desk.work / "CLAUDE.md").symlink_to("AGENTS.md")
    await desk.run("rm CLAUDE.md; echo evil > CLAUDE.md; echo evil > AGENTS.md")
    assert os.readlink(desk.work / "CLAUDE.md") == "AGENTS.md"
    assert (desk.work / "AGENTS.md").read_text(encoding="utf-8") == "be good\n"


@pytest.mark.bwrap
async def test_git_works_in_a_repository_that_was_there(desk: Desk) -> None:
    need("bubblewrap")
    subprocess.run(["git", "init", "-q", str(desk.work)], check=True, capture_output=True, timeout=20)
    desk.put("code.asm", "RTL\n")
    who = "git -c user.name=a -c user.email=a@b"
    said = await desk.run(f"{who} add . && {who} commit -qm first && git log --oneline | wc -l && git status --short")
    assert (said["exit_code"], said["stdout"]) == (0, "1\n"), said


@both
async def test_a_link_that_leads_outside_does_not_help_to_write_there(desk: Desk) -> None:
    outside = desk.work.with_name("outside")
    outside.mkdir()
    await desk.run(f"ln -s {outside} out; echo x > out/new; ln -s ../outside up; echo x > up/new")
    assert list(outside.iterdir()) == []


@both
async def test_a_long_output_keeps_its_head_and_its_tail(desk: Desk) -> None:
    result = await desk.ask("seq 1 200000", output_limit=4_000)
    said = fields(result)
    assert said["stdout"].startswith("1\n2\n3\n")
    assert said["stdout"].endswith("199999\n200000\n")
    assert (said["truncated"], said["stdout_bytes"]) == (True, 1_288_895)
    assert len(text_of(result)) < 5_000


@both
async def test_an_output_that_never_ends_ends_the_command(desk: Desk) -> None:
    said = await desk.run("yes", timeout_seconds=30)
    assert "output" in said["ended_for"]
    assert said["stdout_bytes"] < 100_000_000


@both
async def test_bytes_that_are_not_text_are_shown_and_fit(desk: Desk) -> None:
    result = await desk.ask("head -c 30000 /dev/urandom; printf '\\377\\033[2J'", output_limit=28_000)
    said = fields(result)["stdout"]
    assert not result.is_error
    assert "\\xff" in said and "\\x1b" in said
    assert len(text_of(result)) < 40_000


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


def processes(mark: str) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(mark.encode()):
                found.append(int(entry.name))
    return found


@both
async def test_progress_is_told_while_a_command_runs(desk: Desk) -> None:
    told: list[str] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        told.append(f"{progress:.0f} of {total:.0f}: {message}")

    async with desk.client() as client:
        await client.call_tool("run_shell", {"command": "sleep 1.3", "timeout_seconds": 20}, progress_callback=listen)
    assert told and told[0].startswith("1 of 20: running for 1 s")


@both
async def test_two_commands_run_at_once_and_nothing_is_left_of_either(desk: Desk) -> None:
    async with desk.client() as client, anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(client.call_tool, "run_shell", {"command": f"echo {number} > f{number}"})
    assert desk.names() == {f"f{number}" for number in range(4)}


@both
@pytest.mark.parametrize("command", ["", "  \n", "a\0b", "\udcff", "true " + "A" * 200_000])
async def test_a_command_that_can_not_be_run_says_why(desk: Desk, command: str) -> None:
    result = await desk.ask(command)
    assert result.is_error
    assert "command" in text_of(result)


@pytest.mark.usefixtures("nowhere")
async def test_without_a_sandbox_nothing_runs_and_the_fix_is_named(desk: Desk) -> None:
    result = await desk.ask("echo x > ran")
    assert result.is_error
    assert "apt-get install bubblewrap" in text_of(result) and "--unsandboxed" in text_of(result)
    assert desk.names() == set()


@pytest.mark.usefixtures("nowhere")
async def test_a_user_who_asked_for_it_gets_no_sandbox_and_is_told_so_each_time(desk: Desk) -> None:
    free = Desk(desk.work, dataclasses.replace(desk.settings, unsandboxed=True))
    result = await free.ask("echo x > ran; echo evil > .mcp.json; exit 2")
    assert fields(result)["exit_code"] == 2
    assert "NO SANDBOX" in text_of(result)
    assert free.names() == {"ran"}


async def test_hosts_are_told_to_ask_before_a_command_runs(desk: Desk) -> None:
    async with desk.client() as client:
        (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "run_shell"]
    assert tool.annotations is not None
    assert tool.annotations.destructive_hint and tool.annotations.open_world_hint
    assert not tool.annotations.read_only_hint


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


@pytest.mark.skipif(not os.access(os.path.realpath(sys.executable), os.X_OK), reason="this Python starts no other")
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
    shell_run.swept_copies.cache_clear()  # as in a server that has just been started
    await desk.run("true")
    assert [path.name for path in Path(tempfile.gettempdir()).glob("afs-shell-*")] == []
