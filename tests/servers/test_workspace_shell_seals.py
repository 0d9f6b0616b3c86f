"""What tells others what to run: read by a command of run_shell, and never written or planted by it."""

import contextlib
import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.machine.sandbox_launch import Backend
from tests.shell import BOTH, Desk, need, new_desk, only, text_of

pytestmark = pytest.mark.anyio

HOOK = "#!/bin/sh\necho hooked\n"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with new_desk() as made:
        yield made


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    with only(request.param, monkeypatch) as chosen:
        yield chosen


both = pytest.mark.usefixtures("backend")


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
    "a config": ("mkdir .git; printf '[core]\\nfsmonitor = evil\\n' > .git/config", ".git/config"),
    "a hook in a folder": ("mkdir -p a/b/.git/hooks; echo evil > a/b/.git/hooks/x", "a/b/.git/hooks"),
    "another common folder": ("mkdir .git evil; echo ../evil > .git/commondir", ".git/commondir"),
    "a file that names a repository": ("mkdir evil; echo 'gitdir: evil' > .git", ".git"),
    "servers": ("echo '{}' > .mcp.json", ".mcp.json"),
    "settings": ("mkdir -p .claude; echo '{}' > .claude/settings.json", ".claude"),
    "words for agents": ("echo evil > agents.MD", "agents.MD"),
    "a start-up file": ("echo evil > .bashrc", ".bashrc"),
    "a hook of a submodule two folders down": (
        "mkdir -p .git/modules/libs/asar/hooks; echo evil > .git/modules/libs/asar/hooks/post-checkout",
        ".git/modules/libs/asar/hooks",
    ),
    "a hook of a submodule of a submodule": (
        "mkdir -p .git/modules/a/modules/b; echo evil > .git/modules/a/modules/b/config",
        ".git/modules/a/modules/b/config",
    ),
    "a link to the submodules": ("mkdir -p .git evil/a/hooks; ln -s ../evil .git/modules", ".git/modules"),
    "a link to one worktree": ("mkdir -p .git/worktrees evil; ln -s ../../evil .git/worktrees/w", ".git/worktrees/w"),
    "settings of git": ("mkdir -p .config/git; echo evil > .config/git/config", ".config/git"),
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
async def test_a_repository_that_a_command_makes_keeps_nothing_that_git_would_run(desk: Desk) -> None:
    said = await desk.run("git init -q .; git config core.fsmonitor evil")  # what is planted may be gone in between
    assert {"hooks", "config"}.isdisjoint(os.listdir(desk.work / ".git"))
    assert any(".git/" in note for note in said["notes"]), said


@both
async def test_a_planted_folder_is_told_of_once(desk: Desk) -> None:
    said = await desk.run("mkdir -p a/.git/hooks/b; touch a/.git/hooks/1 a/.git/hooks/b/2")
    assert len(said["notes"]) <= 2 and said["notes"][-1].count("hooks") == 1


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
async def test_a_seal_swapped_for_a_link_while_a_command_starts_shows_nothing_of_outside(desk: Desk) -> None:
    outside = desk.work.with_name("outside")
    outside.mkdir(mode=0o755)
    (outside / "secret").write_text("the secret\n", encoding="utf-8")
    desk.put(".claude/real", "real\n")
    (desk.work / "other").symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            if not exchange(desk.work, b".claude", b"other"):  # one was moved aside: make it again
                with contextlib.suppress(OSError):
                    (desk.work / ".claude").symlink_to("../outside")
                with contextlib.suppress(OSError):
                    (desk.work / "other").symlink_to("../outside")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        async with desk.client() as client:
            results = [
                await client.call_tool("run_shell", {"command": "cat .claude/* other/*", "timeout_seconds": 10})
                for _ in range(40)
            ]
    finally:
        stop.set()
        swapper.join(10)
    assert [text_of(result) for result in results if "the secret" in text_of(result)] == []
    assert any("real" in text_of(result) or result.is_error for result in results)


def exchange(folder: Path, first: bytes, second: bytes) -> bool:
    """Swap two names at once, by `renameat2` with RENAME_EXCHANGE; say whether both were there."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return int(ctypes.CDLL(None).renameat2(descriptor, first, descriptor, second, 2)) == 0
    finally:
        os.close(descriptor)
