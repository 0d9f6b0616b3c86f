"""What the scratchpad keeps: whose notes are whose, what they held before, and what becomes of those that last."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.scratchpad.changing import FILE_LIMIT, TOTAL_LIMIT
from servers.scratchpad.clearing import clear_notes, undo_change
from servers.scratchpad.opened import Opened
from servers.scratchpad.reading import read_note, versions_of
from servers.scratchpad.server import build
from servers.scratchpad.versions import MOST_VERSIONS, VERSION_BYTES
from servers.scratchpad.writing import append_note, write_note
from servers.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "context"


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    """A project that a context root of version 2 knows."""
    place = tmp_path / "zelda"
    place.mkdir()
    (root / ".afs" / "projects").mkdir(parents=True)
    (root / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    record = f'project_id = "prj_z"\nname = "zelda"\npath = "{place}"\n'
    (root / ".afs" / "projects" / "prj_z.toml").write_text(record, encoding="utf-8")
    return place


class Pad:
    """The tools of one server, of one run."""

    def __init__(self, root: Path, *, project: Path | None = None, run: str = "") -> None:
        where = project or root.parent
        self.settings = Settings(context_root=root, data_dir=root.parent / "data", project_root=where, run_id=run)

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        with anyio.fail_after(30):
            async with Client(build(self.settings)) as client:
                return await client.call_tool(tool, arguments)

    async def good(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        fields: dict[str, Any] = result.structured_content or {}
        return {**fields, "shown": text_of(result)}

    async def refused(self, tool: str, **arguments: Any) -> str:
        result = await self.call(tool, **arguments)
        assert result.is_error
        return text_of(result)

    async def text(self, filename: str = "state.md", **arguments: Any) -> str:
        return str((await self.good("read_scratchpad", filename=filename, **arguments))["text"])


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@pytest.fixture
def pad(root: Path) -> Pad:
    return Pad(root)


async def test_a_run_a_project_and_everybody_have_notes_of_their_own(root: Path, project: Path) -> None:
    run, other, outside = Pad(root, project=project, run="r1"), Pad(root, project=project, run="r2"), Pad(root)
    for pad, scope in ((run, "run"), (run, "project"), (run, "shared")):
        assert (await pad.good("write_scratchpad", filename="state.md", content=scope, scope=scope))["scope"] == scope
    assert [await run.text(), await other.text(), await outside.text()] == ["run", "project", "shared"]
    assert await other.text(scope="run", run="r1") == "run"
    assert (root / "scratchpad/projects/prj_z/runs/r1/state.md").read_bytes() == b"run"
    assert (root / "scratchpad/projects/prj_z/state.md").read_bytes() == b"project"
    assert (root / "scratchpad/common/state.md").read_bytes() == b"shared"
    listed = await other.good("list_scratchpad")
    assert [row["scope"] for row in listed["files"]] == ["project", "shared"]
    assert listed["runs"] == 1
    assert "1 runs have notes of their own" in listed["shown"]


async def test_a_note_is_written_to_the_nearest_scratchpad_and_appended_where_it_is(root: Path, project: Path) -> None:
    run = Pad(root, project=project, run="r1")
    await run.good("write_scratchpad", filename="log.md", content="one", scope="shared")
    assert (await run.good("append_scratchpad", filename="log.md", content="two"))["scope"] == "shared"
    assert (await run.good("append_scratchpad", filename="own.md", content="mine"))["scope"] == "run"
    assert await run.text("log.md") == "one\ntwo"


async def test_a_scope_that_is_not_there_says_what_to_do(pad: Pad) -> None:
    wanted = {"filename": "a.md", "content": "x"}
    assert "AFS_RUN_ID" in await pad.refused("write_scratchpad", scope="run", **wanted)
    assert "afs context init" in await pad.refused("write_scratchpad", scope="project", **wanted)
    for run in ("..", "a/b", "a..b", "-x", "x" * 81, "\x1b[2J", "\ud800"):
        assert "no id of a run" in await pad.refused("write_scratchpad", scope="run", run=run, **wanted)
    assert not (pad.settings.context_root / "scratchpad").exists()


async def test_drafts_are_a_folder_that_can_be_listed_alone(pad: Pad) -> None:
    for name in ("drafts/one.md", "drafts/deep/two.md", "draftsman.md"):
        await pad.good("write_scratchpad", filename=name, content="x")
    listed = await pad.good("list_scratchpad", folder="drafts")
    assert [row["filename"] for row in listed["files"]] == ["drafts/deep/two.md", "drafts/one.md"]
    assert (await pad.good("list_scratchpad"))["total"] == 3


async def test_each_change_is_undone_back_to_no_file_and_forth_again(pad: Pad) -> None:
    await pad.good("write_scratchpad", filename="state.md", content="one")
    await pad.good("append_scratchpad", filename="state.md", content="two")
    await pad.good("clear", filename="state.md")
    assert "undo_scratchpad" in await pad.refused("read_scratchpad")
    seen: list[int] = []
    for wanted in ("one\ntwo", "one"):
        assert "has" in (await pad.good("undo_scratchpad"))["shown"]
        assert await pad.text() == wanted
    gone = await pad.good("undo_scratchpad")
    seen.append(gone["kept"])
    assert (gone["size"], gone["shown"].count("is gone again")) == (-1, 1)
    assert "nothing is left to undo" in await pad.refused("undo_scratchpad")
    await pad.good("undo_scratchpad", version=seen[0])
    assert await pad.text() == "one"
    listed = await pad.good("list_scratchpad_versions")
    assert [row["change"] for row in listed["versions"]] == ["undo"] * 4 + ["clear", "append", "write"]
    assert [row["size"] for row in listed["versions"]] == [-1, 3, 7, -1, 7, 3, -1]
    assert await pad.text(version=3) == "one\ntwo"
    assert "no version 99" in await pad.refused("undo_scratchpad", version=99)
    assert "no state.md at version 1" in (await pad.refused("read_scratchpad", version=1)).replace("'", "")


async def test_clearing_all_clears_one_scratchpad_and_every_note_comes_back(root: Path) -> None:
    pad, run = Pad(root), Pad(root, run="r1")
    for name in ("a.md", "drafts/b.md"):
        await pad.good("write_scratchpad", filename=name, content=name)
    await run.good("write_scratchpad", filename="c.md", content="kept")
    cleared = await pad.good("clear", filename="*")
    assert (cleared["count"], cleared["filenames"]) == (2, ["a.md", "drafts/b.md"])
    assert (await pad.good("list_scratchpad"))["files"] == []
    assert await run.text("c.md") == "kept"
    for name in ("a.md", "drafts/b.md"):
        await pad.good("undo_scratchpad", filename=name)
        assert await pad.text(name) == name
    assert "list_scratchpad" in await pad.refused("clear", filename="nope.md")


async def test_a_write_with_the_etag_of_an_older_text_changes_nothing(pad: Pad) -> None:
    first = await pad.good("write_scratchpad", filename="a.md", content="one")
    await pad.good("append_scratchpad", filename="a.md", content="two")
    error = await pad.refused("write_scratchpad", filename="a.md", content="lost", etag=first["etag"])
    assert "has changed since it was read" in error
    assert await pad.text("a.md") == "one\ntwo"
    assert len((await pad.good("list_scratchpad_versions", filename="a.md"))["versions"]) == 2
    assert (await pad.good("write_scratchpad", filename="a.md", content="one\ntwo"))["action"] == "left"


def test_versions_are_bounded_by_count_and_by_bytes_and_the_oldest_go(root: Path) -> None:
    opened = Opened(Settings(context_root=root, data_dir=root.parent))
    for number in range(MOST_VERSIONS + 6):
        write_note(opened, "a.md", str(number))
    rows = versions_of(opened, "a.md").versions
    assert [row.version for row in rows] == list(range(MOST_VERSIONS + 6, 6, -1))
    assert read_note(opened, "a.md", version=MOST_VERSIONS + 6).text == str(MOST_VERSIONS + 4)
    for number in range(12):
        write_note(opened, "big.md", chr(97 + number) * FILE_LIMIT)
    assert sum(row.size for row in versions_of(opened, "big.md").versions) <= VERSION_BYTES
    assert undo_change(opened, "big.md").size == FILE_LIMIT


def test_a_version_whose_writer_died_before_the_change_counts_for_nothing(root: Path) -> None:
    opened = Opened(Settings(context_root=root, data_dir=root.parent))
    write_note(opened, "a.md", "one")
    write_note(opened, "a.md", "two")
    (folder,) = (root / ".afs" / "scratchpad").glob("*/versions")
    for number in (3, 4):
        (folder / f"{number:06d}-write-0-text-{number}").write_bytes(b"two")
    undo_change(opened, "a.md")
    assert read_note(opened, "a.md").text == "one"
    assert undo_change(opened, "a.md").size == -1


async def test_the_whole_scratchpad_has_a_limit_that_growing_meets(pad: Pad) -> None:
    await pad.good("write_scratchpad", filename="a.md", content="x")
    with (pad.settings.context_root / "scratchpad" / "big.bin").open("wb") as big:
        big.truncate(TOTAL_LIMIT)
    assert str(TOTAL_LIMIT) in await pad.refused("append_scratchpad", filename="a.md", content="y")
    await pad.good("write_scratchpad", filename="a.md", content="y")
    assert await pad.text("a.md") == "y"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.text("ab", max_size=2)),
        st.tuples(st.just("append"), st.text("ab", min_size=1, max_size=2)),
        st.tuples(st.just("clear"), st.just("")),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_as_many_undos_as_changes_walk_back_through_every_state(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    opened = Opened(Settings(context_root=tmp_path_factory.mktemp("undo") / "c", data_dir=Path("none")))
    states: list[str | None] = [None]
    for change, text in steps:
        old = states[-1]
        if change == "clear" and old is None:
            continue
        if change == "write":
            write_note(opened, "a.md", text)
        elif change == "append":
            append_note(opened, "a.md", text)
        else:
            clear_notes(opened, "a.md")
        new = None if change == "clear" else text
        if change == "append" and old:
            new = f"{old}\n{text}"
        states += [new] if new != old else []
    for wanted in reversed(states[:-1]):
        undone = undo_change(opened, "a.md")
        assert (None if undone.size < 0 else read_note(opened, "a.md").text) == wanted


async def test_a_promoted_note_is_found_by_its_heading_and_says_where_it_is_from(root: Path, project: Path) -> None:
    pad = Pad(root, project=project, run="r1")
    await pad.good("write_scratchpad", filename="found.md", content="# Link's health\n\n7EF36D\n")
    done = await pad.good("promote_scratchpad", filename="found.md", tags=["ram"], agent="din@qwen")
    assert done["path"].startswith("memory/projects/prj_z/notes/")
    text = (root / done["path"]).read_text(encoding="utf-8")
    assert 'title = "Link\'s health"' in text
    assert f'source = "{done["source"]}"' in text
    assert done["source"].startswith("scratchpad/projects/prj_z/runs/r1/found.md (etag ")
    assert 'model = "qwen"' in text
    assert text.endswith("+++\n\n# Link's health\n\n7EF36D\n")
    from servers.context.notes import notes_in
    from servers.context.opened import Opened as Context

    (row,) = notes_in(Context(pad.settings), tag="ram").notes
    assert (row.id, row.title) == (done["id"], "Link's health")


async def test_promoting_to_memory_copies_the_text_and_never_writes_over_a_file(root: Path, project: Path) -> None:
    pad = Pad(root, project=project)
    await pad.good("write_scratchpad", filename="plan.md", content="do it\n", scope="shared")
    done = await pad.good("promote_scratchpad", filename="plan.md", to="memory", path="memory/plans/a.md")
    assert done["path"] == "memory/common/plans/a.md"
    text = (root / done["path"]).read_text(encoding="utf-8")
    assert text.endswith("+++\n\ndo it\n")
    assert f'source = "{done["source"]}"' in text
    again = {"filename": "plan.md", "to": "memory", "path": "plans/a.md"}
    assert "already exists" in await pad.refused("promote_scratchpad", **again)
    assert (root / done["path"]).read_text(encoding="utf-8") == text
    await pad.good("write_scratchpad", filename="table.csv", content="a,b\n", scope="shared")
    plain = await pad.good("promote_scratchpad", filename="table.csv", to="memory")
    assert (root / plain["path"]).read_bytes() == b"a,b\n"
    for path in ("../out.md", "/etc/x", "2026-01-01T000000Z--x--0123456789.md"):
        await pad.refused("promote_scratchpad", filename="plan.md", to="memory", path=path)


async def test_what_the_rules_keep_from_search_stays_kept_when_it_is_promoted(root: Path, project: Path) -> None:
    (root / ".afs" / "sensitivity.toml").write_text('never_index = ["scratchpad/**/private*"]\n', encoding="utf-8")
    pad = Pad(root, project=project)
    for name in ("private.md", "private.csv"):
        await pad.good("write_scratchpad", filename=name, content="mine")
    note = await pad.good("promote_scratchpad", filename="private.md", title="t")
    assert 'sensitivity = "never_index"' in (root / note["path"]).read_text(encoding="utf-8")
    copy = await pad.good("promote_scratchpad", filename="private.md", to="memory", path="x.md")
    assert 'sensitivity = "never_index"' in (root / copy["path"]).read_text(encoding="utf-8")
    assert "to=note" in await pad.refused("promote_scratchpad", filename="private.csv", to="memory")


async def test_memory_that_no_tool_may_write_gets_no_copy_and_a_note_lies_among_the_drafts(root: Path) -> None:
    for name in ("memory", "knowledge", "tools", "scratchpad", "hivemind"):
        (root / name).mkdir(parents=True)
    pad = Pad(root)
    await pad.good("write_scratchpad", filename="a.md", content="text")
    assert "to=note" in await pad.refused("promote_scratchpad", filename="a.md", to="memory")
    assert os.listdir(root / "memory") == []
    note = await pad.good("promote_scratchpad", filename="a.md", title="a")
    assert note["path"].startswith("scratchpad/notes/")
    assert "empty" in await pad.refused("write_scratchpad", filename="", content="x")
    assert "list_scratchpad" in await pad.refused("promote_scratchpad", filename="nope.md")


WRITER = """
import sys
from pathlib import Path
from servers.scratchpad.opened import Opened
from servers.scratchpad.writing import append_note
from servers.settings import Settings
opened = Opened(Settings(context_root=Path(sys.argv[1]), data_dir=Path(sys.argv[1])))
for number in range(3):
    append_note(opened, "log.md", f"{sys.argv[2]}{number}")
"""


def test_versions_of_four_processes_are_each_one_change_apart(root: Path) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", WRITER, str(root), letter]) for letter in "abcd"]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * 4
    opened = Opened(Settings(context_root=root, data_dir=root))
    lines = read_note(opened, "log.md").text.split("\n")
    rows = list(reversed(versions_of(opened, "log.md").versions))
    assert [row.version for row in rows] == list(range(1, 13))
    for count, row in enumerate(rows[1:], start=1):
        assert read_note(opened, "log.md", version=row.version).text == "\n".join(lines[:count])
