"""Every tool that touches files, in every trouble a disk can be in: a clear error, the server lives, nothing is lost.

As a program (`python FILE limit|closed FOLDER`) it makes all calls as a normal user, whom no folder lets pass: under a
limit on the size of files, which is what a quota looks like, or in folders that may not be written.
"""

import codecs
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from servers.machine.names import escape
from servers.settings import Settings

pytestmark = pytest.mark.anyio

NOBODY = 65534
NAMES = ("context", "scratchpad", "workspace")
LONG = "x" * 300_000
OLD = "# old\n\nold text\n"
HELD = ("context/memory/common/a.md", "context/scratchpad/common/a.md", "project/a.md")
"""The files that the calls name, and what no call that fails may change."""


class Call(NamedTuple):
    """One call; `grows`: it writes 300 KB where there is no room for them."""

    server: str
    tool: str
    arguments: dict[str, Any]
    grows: bool = False


CALLS = (
    Call("context", "read_context", {"path": "memory/a.md"}),
    Call("context", "list_context", {}),
    Call("context", "write_context", {"path": "memory/a.md", "content": LONG, "mode": "replace"}, grows=True),
    Call("context", "write_context", {"path": "memory/a.md", "content": LONG, "mode": "append"}, grows=True),
    Call("context", "write_context", {"path": "memory/new.md", "content": LONG}, grows=True),
    Call("context", "create_note", {"title": "t", "text": LONG}, grows=True),
    Call("context", "list_notes", {}),
    Call("context", "create_handoff", {"title": "t", "summary": LONG}, grows=True),
    Call("context", "read_handoff", {}),
    Call("context", "context_status", {}),
    Call("context", "mount_context", {"name": "m", "path": "/usr/share/doc"}),
    Call("context", "search_context", {"query": "old"}),
    Call("context", "search_context", {"query": "old", "mode": "literal"}),
    Call("context", "pack_context", {"prompt": "old text"}),
    Call("scratchpad", "write_scratchpad", {"filename": "a.md", "content": LONG}, grows=True),
    Call("scratchpad", "write_scratchpad", {"filename": "new.md", "content": LONG}, grows=True),
    Call("scratchpad", "append_scratchpad", {"filename": "a.md", "content": LONG}, grows=True),
    Call("scratchpad", "read_scratchpad", {"filename": "a.md"}),
    Call("scratchpad", "list_scratchpad", {}),
    Call("scratchpad", "list_scratchpad_versions", {"filename": "a.md"}),
    Call("scratchpad", "undo_scratchpad", {"filename": "a.md"}),
    Call("scratchpad", "promote_scratchpad", {"filename": "a.md"}),
    Call("scratchpad", "clear", {"filename": "none.md"}),
    Call("workspace", "read_file", {"path": "a.md"}),
    Call("workspace", "list_files", {}),
    Call("workspace", "grep_codebase", {"pattern": "old"}),
    Call("workspace", "write_file", {"path": "a.md", "content": LONG}, grows=True),
    Call("workspace", "write_file", {"path": "new.md", "content": LONG}, grows=True),
    Call("workspace", "edit_file", {"path": "a.md", "old": "old text", "new": LONG}, grows=True),
    Call("workspace", "move_file", {"source": "none.md", "destination": "b.md"}),
    Call("workspace", "make_directory", {"path": "folder"}),
    Call("workspace", "ws_find", {}),
    Call("workspace", "run_shell", {"command": "cat a.md"}),
    Call("workspace", "scan_files", {}),
    Call("workspace", "find_duplicates", {}),
    Call("workspace", "plan_cleanup", {}),
    Call("workspace", "ask_files", {"question": "where are my notes?"}),
)


class Answer(NamedTuple):
    """What a tool said, and whether it is an error."""

    call: Call
    failed: bool
    text: str


def settings_of(place: Path) -> Settings:
    return Settings(context_root=place / "context", data_dir=place / "data", project_root=place / "project")


def lay(place: Path) -> Path:
    """Make a context of version 2 and a project, each with the file that the calls name."""
    (place / "context/.afs").mkdir(parents=True)
    (place / "context/.afs/layout.toml").write_text("version = 2\n", encoding="utf-8")
    for name in HELD:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(OLD, encoding="utf-8")
    (place / "data").mkdir()
    return place


class Servers:
    """The three servers; they stay the same from one call to the next."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self._clients = clients

    async def ask(self, call: Call) -> Answer:
        with anyio.fail_after(60):
            result = await self._clients[call.server].call_tool(call.tool, call.arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        return Answer(call, bool(result.is_error), block.text)

    async def ask_all(self, calls: Iterable[Call] = CALLS) -> list[Answer]:
        return [await self.ask(call) for call in calls]


@asynccontextmanager
async def serving(place: Path) -> AsyncGenerator[Servers]:
    settings = settings_of(place)
    faces = {name: import_module(f"servers.{name}.server").build(settings) for name in NAMES}
    try:
        async with (
            Client(faces["context"]) as context,
            Client(faces["scratchpad"]) as scratchpad,
            Client(faces["workspace"]) as workspace,
        ):
            yield Servers({"context": context, "scratchpad": scratchpad, "workspace": workspace})
    finally:
        for face in faces.values():
            face.end()


def problems(answers: Iterable[Answer], *, refusal: str = "") -> list[str]:
    """What is wrong with answers: a crash, an error without a word of help, a long write that was not refused."""
    found: list[str] = []
    for answer in answers:
        name = f"{answer.call.tool} {str(answer.call.arguments)[:60]}"
        if answer.failed and (answer.text.startswith("Error executing tool") or len(answer.text) < 20):
            found.append(f"{name} crashed: {answer.text}")
        if re.search("[\x00\x1b\ud800-\udfff]|Traceback", answer.text):
            found.append(f"{name} leaks: {answer.text[:200]!r}")
        if refusal and answer.call.grows and not (answer.failed and re.search(refusal, answer.text)):
            found.append(f"{name} was not refused as {refusal}: {answer.text[:200]}")
    return found


def strays(place: Path) -> list[str]:
    return [name for _, _, names in os.walk(place) for name in names if name.endswith(".afs-tmp")]


def unchanged(place: Path) -> bool:
    return all((place / name).read_text(encoding="utf-8") == OLD for name in HELD)


async def test_the_calls_name_every_tool_of_the_servers_of_files(tmp_path: Path) -> None:
    named = {(call.server, call.tool) for call in CALLS}
    for name in NAMES:
        server = import_module(f"servers.{name}.server").build(settings_of(tmp_path))
        assert {(name, tool.name) for tool in await server.list_tools()} == {row for row in named if row[0] == name}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB, which only root can mount."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield lay(place)
    subprocess.run(["umount", "-l", str(place)], timeout=60, check=True)


def fill(place: Path) -> Path:
    """Take the last byte of a disk."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as out:
        size = 1 << 16
        while size:
            try:
                if out.write(b"\0" * size) == size:
                    continue
            except OSError:
                pass
            size //= 2
    return filler


async def test_on_a_full_disk_each_tool_says_so_and_works_again_when_there_is_room(small_disk: Path) -> None:
    async with serving(small_disk) as servers:
        filler = fill(small_disk)
        answers = await servers.ask_all()
        kept, left = unchanged(small_disk), strays(small_disk)
        filler.unlink()
        again = [answer for answer in await servers.ask_all() if answer.call.grows and answer.failed]
    assert problems(answers, refusal="disk is full") == []
    assert (kept, left) == (True, [])
    assert [answer.text for answer in again if answer.call.tool != "edit_file"] == []  # its text was written over


async def test_a_disk_that_is_full_from_the_start_is_read_all_the_same(small_disk: Path) -> None:
    fill(small_disk)
    async with serving(small_disk) as servers:
        answers = {answer.call.tool: answer for answer in await servers.ask_all()}
    assert problems(answers.values(), refusal="disk is full") == []
    for tool in ("read_context", "read_scratchpad", "read_file", "grep_codebase", "list_files", "list_context"):
        assert not answers[tool].failed, answers[tool].text
        assert "a.md" in answers[tool].text or tool == "list_context"


async def test_a_read_only_disk_is_read_and_says_why_it_is_not_written(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], timeout=60, check=True)
    async with serving(small_disk) as servers:
        answers = await servers.ask_all()
    assert problems(answers, refusal="read-only") == []
    read = {answer.call.tool: answer for answer in answers}
    for tool in ("read_context", "read_scratchpad", "read_file", "grep_codebase", "search_context", "list_files"):
        assert not read[tool].failed, read[tool].text
    assert unchanged(small_disk)


@pytest.mark.parametrize(("trouble", "refusal"), [("limit", "file size limit"), ("closed", "permission|not allowed")])
def test_a_normal_user_is_told_of_limits_and_of_folders_that_may_not_be_written(trouble: str, refusal: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders let nobody else in
        place = lay(Path(folder, "place"))
        for name in HELD:
            (place / name).chmod(0o666)
        for inner in (Path(name) for name, _, _ in os.walk(place)):
            inner.chmod(0o777 if trouble == "limit" else 0o555)
        Path(folder).chmod(0o755)
        held_under(trouble, refusal, place)


def held_under(trouble: str, refusal: str, place: Path) -> None:
    command = [sys.executable, "-B", __file__, trouble, str(place)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    answers = [Answer(CALLS[index], failed, text) for index, failed, text in json.loads(done.stdout)]
    assert len(answers) == len(CALLS)
    assert problems(answers, refusal=refusal) == []
    assert unchanged(place)
    assert strays(place) == []


def odd(path: Path, kind: str) -> None:
    """Put something that is no regular file in a file's place."""
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as plug:
            here = os.open(path.parent, os.O_RDONLY)
            plug.bind(f"/proc/self/fd/{here}/{path.name}")
            os.close(here)
    else:
        if os.geteuid() != 0:
            pytest.skip("making a device needs root")
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero: it has no end


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "socket"])
async def test_what_is_no_regular_file_is_neither_read_nor_written_and_nobody_waits(tmp_path: Path, kind: str) -> None:
    lay(tmp_path)
    for name in HELD:
        odd(tmp_path / name, kind)
    async with serving(tmp_path) as servers:
        answers = await servers.ask_all()
    assert problems(answers) == []
    named = [answer for answer in answers if {"a.md", "memory/a.md"} & set(map(str, answer.call.arguments.values()))]
    assert len(named) >= 10
    assert [answer for answer in named if not answer.failed and answer.call.tool != "list_scratchpad_versions"] == []
    refusals = [answer.text for answer in named if answer.call.grows]
    assert [text for text in refusals if "not a regular file" not in text and "folder" not in text] == []
    assert [name for name in HELD if (tmp_path / name).is_file()] == []


async def test_a_root_that_disappears_is_an_error_and_its_return_is_seen(tmp_path: Path) -> None:
    place, away = lay(tmp_path / "place"), tmp_path / "away"
    async with serving(place) as servers:
        before = await servers.ask_all([call for call in CALLS if not call.grows])
        place.rename(away)
        gone = await servers.ask_all([call for call in CALLS if call.server == "workspace" or not call.grows])
        projects = (place / "project").exists()
        subprocess.run(["rm", "-rf", str(place)], timeout=60, check=True)  # data and context may have been made anew
        away.rename(place)
        back = {answer.call.tool: answer for answer in await servers.ask_all()}
    assert problems([*before, *gone, *back.values()]) == []
    said = [answer for answer in gone if answer.call.tool in ("read_file", "write_file", "edit_file", "list_files")]
    assert [answer for answer in said if not answer.failed or "not there" not in answer.text] == []
    assert not projects
    assert [tool for tool in ("read_file", "read_context", "read_scratchpad", "write_file") if back[tool].failed] == []


ODD_NAMES = (b"new\nline.md", b"\x1b[31mred.md", b"caf\xe9.md", b"\xff\xfe", b"-rf", b"a\\x41.md", b"$(id).md")


async def test_odd_names_are_shown_on_one_line_and_what_is_shown_can_be_read(tmp_path: Path) -> None:
    lay(tmp_path)
    for folder in ("context/memory/common", "context/scratchpad/common", "project"):
        for name in ODD_NAMES:
            (tmp_path / os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("needle\n", encoding="utf-8")
    async with serving(tmp_path) as servers:
        answers = await servers.ask_all([call for call in CALLS if not call.grows])
        names = [escape(name) for name in ODD_NAMES]
        reads = await servers.ask_all(
            [
                *(Call("workspace", "read_file", {"path": name}) for name in names),
                *(Call("context", "read_context", {"path": f"memory/common/{name}"}) for name in names),
                *(Call("scratchpad", "read_scratchpad", {"filename": name}) for name in names),
            ]
        )
        listed = {
            "project": await servers.ask(Call("workspace", "list_files", {})),
            "memory": await servers.ask(Call("context", "list_context", {"path": "memory/common"})),
            "pad": await servers.ask(Call("scratchpad", "list_scratchpad", {})),
            "grep": await servers.ask(Call("workspace", "grep_codebase", {"pattern": "needle"})),
        }
    assert problems([*answers, *reads, *listed.values()]) == []
    assert [answer for answer in reads if answer.failed or "needle" not in answer.text] == []
    missing = [(place, name) for place, answer in listed.items() for name in names if name not in answer.text]
    assert missing == []


async def test_a_file_of_a_gigabyte_is_paged_and_never_taken_whole(tmp_path: Path) -> None:
    lay(tmp_path)
    for name in HELD:
        with (tmp_path / name).open("ab") as big:
            big.truncate(1 << 30)
    calls = [call for call in CALLS if not call.tool.startswith("write_") or "new.md" in str(call.arguments)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(tmp_path) as servers:
        answers = await servers.ask_all(calls)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert problems(answers) == []
    told = {answer.call.tool: answer for answer in answers}
    assert [tool for tool in ("edit_file", "append_scratchpad", "promote_scratchpad") if not told[tool].failed] == []
    assert {(tmp_path / name).stat().st_size for name in HELD} == {1 << 30}


def deep(place: Path, levels: int) -> None:
    """Make folders in folders, deeper than a path can be long."""
    here = os.open(place, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 20, dir_fd=here)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("end.md", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


async def test_three_hundred_folders_in_each_other_are_walked_by_every_tool(tmp_path: Path) -> None:
    lay(tmp_path)
    for name in HELD:
        deep((tmp_path / name).parent, 300)
    try:
        async with serving(tmp_path) as servers:
            answers = await servers.ask_all()
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "context"), str(tmp_path / "project")], timeout=60, check=True)
    assert problems(answers) == []


async def _as_a_normal_user(trouble: str, place: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # what is imported late may lie where only root can read
        async with serving(lay(Path(folder))) as servers:
            await servers.ask_all()
    codecs.lookup("ascii")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    async with serving(place) as servers:
        if trouble == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        rows = [(CALLS.index(answer.call), answer.failed, answer.text) for answer in await servers.ask_all()]
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    anyio.run(_as_a_normal_user, sys.argv[1], Path(sys.argv[2]))
