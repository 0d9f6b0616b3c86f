"""The copy of a workspace that root's commands work in: whole when they begin, apart from others, gone afterwards."""

import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from servers.machine import shell_copy
from servers.machine.errors import ServerError
from servers.machine.sandbox_launch import Backend
from servers.machine.shell_run import ShellLimits, ShellRun
from servers.machine.spare_network import take_network
from tests.shell import BOTH, Desk, fields, need, new_desk, only, processes, text_of

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
of_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's commands work in a copy, in a network made ahead")


@both
async def test_a_command_begins_when_the_whole_workspace_is_there(desk: Desk) -> None:
    for number in range(1_500):
        desk.put(f"{number % 40}/{number}", "12345678\n")
    said = await desk.run("find . -type f | wc -l; cat */* | wc -c; ls -d ? ?? | wc -l")
    assert said["stdout"].split() == ["1500", "13500", "40"]


def modes_and_times(desk: Desk, names: str) -> str:
    states = [(desk.work / name).stat() for name in names.split()]
    return "".join(f"{stat.S_IMODE(state.st_mode):o} {int(state.st_mtime)}\n" for state in states)


@both
async def test_folders_of_sealed_files_keep_their_modes_and_times(desk: Desk) -> None:
    desk.put("a/b/.git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
    desk.put("a/b/.git/HEAD", "ref: x\n")
    desk.put("a/b/CLAUDE.md", "be good\n", 0o640)
    folders = ("a", "a/b", "a/b/.git", "a/b/.git/hooks")
    for number, name in enumerate(reversed(folders)):
        (desk.work / name).chmod(0o711 + number)
        os.utime(desk.work / name, (1_000_000_000 + number, 1_000_000_000 + number))
    names = " ".join((*folders, "a/b/CLAUDE.md", "a/b/.git/HEAD"))
    before = modes_and_times(desk, names)
    said = await desk.run(f"stat -c '%a %Y' {names}")
    assert said["stdout"] == before
    assert modes_and_times(desk, names) == before


@both
async def test_a_sealed_folder_is_shown_with_all_that_is_in_it(desk: Desk) -> None:
    desk.put(".git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
    desk.put(".claude/agents/one.md", "one\n")
    desk.put(".claude/agents/deep/two.md", "two\n")
    (desk.work / ".gemini").symlink_to(".claude")
    said = await desk.run("cat .claude/agents/one.md .gemini/agents/deep/two.md .git/hooks/*; echo x > .claude/new")
    assert said["stdout"] == "one\ntwo\n#!/bin/sh\n"
    assert not (desk.work / ".claude/new").exists()


@of_root
@both
async def test_a_workspace_that_is_too_large_to_copy_says_so_and_nothing_runs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.run("true")
    monkeypatch.setattr(shell_copy, "COPY_NAMES", 99)
    for number in range(100):
        desk.put(f"f{number}", "x")
    result = await desk.ask("echo x > ran")
    assert result.is_error
    assert "too much to copy" in text_of(result)
    assert "ran" not in desk.names()


async def test_a_command_that_is_cancelled_before_it_begins_never_runs(desk: Desk, backend: Backend) -> None:
    for number in range(300):
        desk.put(f"f{number}", "x")
    before = desk.names()
    runs: list[ShellRun] = []

    def cancelled() -> Backend:
        asked = threading.Event()

        def cancel() -> None:
            asked.set()
            runs[0].cancel()

        threading.Thread(target=cancel).start()
        asked.wait()
        return backend

    aside = desk.work.with_name("aside")
    runs.append(ShellRun("echo x > ran", root=desk.work, limits=ShellLimits(), aside=aside, confinement=cancelled))
    with anyio.fail_after(30), pytest.raises(ServerError, match="cancelled"):
        await anyio.to_thread.run_sync(runs[0].run)
    assert desk.names() == before
    assert list(Path(tempfile.gettempdir()).glob("afs-shell-*")) == []


@of_root
async def test_a_command_whose_copy_breaks_off_never_runs(
    desk: Desk, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(_folder: int) -> list[bytes]:
        raise MemoryError

    mark = f"afs-mark-{os.urandom(6).hex()}"
    aside = desk.work.with_name("aside")
    run = ShellRun(
        f"exec -a {mark} sleep 50", root=desk.work, limits=ShellLimits(), aside=aside, confinement=lambda: backend
    )
    monkeypatch.setattr(shell_copy, "names_of", out_of_memory)  # no test machine runs out of it at the right moment
    with anyio.fail_after(30), pytest.raises(MemoryError):
        await anyio.to_thread.run_sync(run.run)
    assert processes(mark) == []


@pytest.mark.bwrap
async def test_commands_that_run_at_once_have_networks_of_their_own(desk: Desk) -> None:
    need("bubblewrap")
    said: list[Any] = []

    async def ask() -> None:
        said.append(fields(await desk.ask("readlink /proc/self/ns/net; sleep 0.5"))["stdout"].strip())

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ask)
    assert len({*said, os.readlink("/proc/self/ns/net")}) == 5


LOOPBACK = """
import socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
        continue
    with socket.create_server((address, 0), family=family) as server:
        socket.create_connection(server.getsockname()[:2], timeout=5).close()
with open("/proc/net/dev", encoding="ascii") as file:
    print([line.split(":")[0].strip() for line in file.readlines()[2:]])
"""


@pytest.mark.bwrap
async def test_a_network_has_a_loopback_and_nothing_else(desk: Desk) -> None:
    need("bubblewrap")
    desk.put("loopback.py", LOOPBACK)
    for _ in range(2):  # the second one's network has been made ahead
        assert (await desk.run("python3 loopback.py"))["stdout"] == "['lo']\n"


@of_root
def test_a_network_is_given_to_one_run_only() -> None:
    networks = [take_network() for _ in range(3)]
    if -1 in networks:
        pytest.skip("this root may make no network")
    numbers = {os.fstat(network).st_ino for network in networks}
    for network in networks:
        os.close(network)
    assert len({*numbers, os.stat("/proc/self/ns/net").st_ino}) == 4
