"""run_shell through the protocol: what it tells, and what of its work is in the workspace afterwards."""

import dataclasses
import os
from collections.abc import Iterator

import anyio
import pytest

from servers.machine import sandbox_choice
from servers.machine.sandbox_launch import Backend
from tests.shell import BOTH, Desk, fields, forget, need, new_desk, only, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk() -> Iterator[Desk]:
    with new_desk() as made:
        yield made


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    with only(request.param, monkeypatch) as chosen:
        yield chosen


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def none_here(backend: Backend) -> str:
        return f"{backend} is not here"

    monkeypatch.setattr(sandbox_choice, "flaw", none_here)  # no test machine lacks both
    forget()
    yield
    forget()


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
