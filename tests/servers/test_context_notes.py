"""Notes and handoffs: files that are never changed, revisions, many writers at once, and what may see them."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.context.server import build
from servers.machine.artifacts import NAME, parse_artifact
from servers.machine.beneath import Root
from servers.machine.sensitivity import Rules, sensitivity_of
from servers.settings import Settings

pytestmark = pytest.mark.anyio

OWN = "prj_" + "a" * 32
NAMED = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z--the-oam-flags-of-ganon--[0-9a-f]{10}\.md")


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    fields: dict[str, Any] = result.structured_content or {}
    return {**fields, "shown": text_of(result)}


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / ".afs" / "projects").mkdir(parents=True)
    (folder / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    text = f'project_id = "{OWN}"\nname = "hack"\npath = "{tmp_path}/hack"\naliases = []\n'
    (folder / ".afs" / "projects" / f"{OWN}.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=root, data_dir=tmp_path / "data", project_root=tmp_path / "hack" / "asm")


async def test_a_note_is_markdown_with_toml_before_it_and_a_name_that_sorts(settings: Settings, root: Path) -> None:
    async with Client(build(settings)) as client:
        note = await call(
            client,
            "create_note",
            title='The  OAM\nflags of "Gänon"\x7f',
            text='He said: +++\n+++\n"quoted" \\ 中',
            tags=["oam", "boss", "oam", ""],
            agent="din@qwen2.5",
            source="sprites.asm:12",
            sensitivity="never_export",
        )
    assert note["path"].startswith(f"memory/projects/{OWN}/notes/")
    assert NAMED.fullmatch(Path(note["path"]).name)
    data = (root / note["path"]).read_bytes()
    head = tomllib.loads(data.decode("utf-8").split("+++")[1])
    assert (head["artifact_id"], head["title"], head["tags"]) == (
        note["id"],
        'The OAM flags of "Gänon"',
        ["oam", "boss"],
    )
    assert (head["scope_id"], head["agent_name"], head["provenance"]["model"]) == (f"project:{OWN}", "din", "qwen2.5")
    again = parse_artifact(note["path"], data)
    assert (again.body, again.source) == ('He said: +++\n+++\n"quoted" \\ 中\n', "sprites.asm:12")
    assert note["id"].startswith(note["path"][-13:-3])


async def test_a_revision_is_a_new_file_and_the_list_shows_the_newest(settings: Settings, root: Path) -> None:
    async with Client(build(settings)) as client:
        first = await call(client, "create_note", title="Ganon", text="40 hit points", tags=["boss"])
        before = (root / first["path"]).read_bytes()
        second = await call(client, "create_note", title="Ganon", text="96 hit points", revises=first["id"])
        fork = await call(client, "create_note", title="Ganon again", text="two phases", revises=first["id"][:10])
        third = await call(client, "create_note", title="Ganon", text="96, in four phases", revises=second["id"])
        listed = await call(client, "list_notes")
        every = await call(client, "list_notes", revisions="all")
        tagged = await call(client, "list_notes", tag="BOSS", title="again")
    assert (root / first["path"]).read_bytes() == before
    assert {note["id"] for note in listed["notes"]} == {third["id"], fork["id"]}
    assert [note["id"] for note in every["notes"]] == [third["id"], fork["id"], second["id"], first["id"]]
    assert [note["id"] for note in tagged["notes"]] == [fork["id"]]
    assert every["notes"][0]["revises"] == second["id"]
    assert third["id"] in listed["shown"]


async def test_no_tool_writes_over_a_note(settings: Settings, root: Path) -> None:
    async with Client(build(settings)) as client:
        note = await call(client, "create_note", title="Fixed", text="as it is", scope="common")
        for mode in ("replace", "append"):
            error = await refused(client, "write_context", path=note["path"], content="x", mode=mode)
            assert "revises" in error
        assert "already exists" in await refused(client, "write_context", path=note["path"], content="x")
        assert (await call(client, "read_context", path=note["path"]))["text"].endswith("as it is\n")


async def test_bad_notes_are_refused_with_the_next_step_and_leave_nothing(settings: Settings, root: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"title": " \n", "text": "x"}, "title is empty"),
        ({"title": "x", "text": "  "}, "text is empty"),
        ({"title": "x" * 241, "text": "x"}, "240"),
        ({"title": "x", "text": "a\0b"}, "NUL"),
        ({"title": "x", "text": "\ud800"}, "surrogate"),
        ({"title": "x", "text": "y" * 1_000_001}, "1000000"),
        ({"title": "x", "text": "\u00e9" * 500_001}, "1000000"),
        ({"title": "x", "text": "y", "revises": "0" * 32}, "list_notes"),
        ({"title": "x", "text": "y", "tags": ["t"] * 21}, "20"),
        ({"title": "x", "text": "y", "scope": "nobody"}, "scope"),
    ]
    async with Client(build(settings)) as client:
        for arguments, reason in cases:
            assert reason in await refused(client, "create_note", **arguments)
        assert not list(root.glob("memory/**/*.md"))
        most = await call(client, "create_note", title="x" * 240, text="y" * 1_000_000, source="z" * 1_000)
        again = await call(client, "create_note", title="x", text="y", revises=most["id"])
        assert again["revises"] == most["id"]


async def test_notes_of_a_page_join_to_all_and_odd_files_do_no_harm(settings: Settings, root: Path) -> None:
    folder = root / "memory" / "common" / "notes"
    folder.mkdir(parents=True)
    for number in range(70):
        name = f"2026-01-01T0000{number % 60:02}Z--n--{number:010x}.md"
        text = f'+++\nartifact_id = "{number:032x}"\ntitle = "n{number}"\n+++\n\n{"x" * number}\n'
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "by hand.md").write_text("# By hand\n\ntext", encoding="utf-8")
    (folder / "2026-01-02T000000Z--torn--ffffffffff.md").write_bytes(b'+++\ntitle = "to')
    (folder / "2026-01-03T000000Z--odd--eeeeeeeeee.md").write_bytes(b"\xff\x00\x1b[31m")
    (folder / "folder.md").mkdir()
    seen: list[str] = []
    offset = 0
    async with Client(build(settings)) as client:
        while offset != -1:
            page = await call(client, "list_notes", limit=20, offset=offset)
            seen += [note["title"] for note in page["notes"]]
            offset = page["next_offset"]
        assert "past the end" in await refused(client, "list_notes", offset=500)
        bare = await call(client, "create_note", title="revised", text="x", revises="by hand.md")
    nameless = ["2026-01-02T000000Z--torn--ffffffffff", "2026-01-03T000000Z--odd--eeeeeeeeee"]
    assert sorted(seen) == sorted([*(f"n{number}" for number in range(70)), "By hand", *nameless])
    assert bare["revises"] == "by hand.md"


async def test_version_1_keeps_notes_where_its_policies_let_tools_write(tmp_path: Path) -> None:
    root = tmp_path / "v1"
    for name in ("memory", "scratchpad", "hivemind", "memory/notes"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "memory" / "notes" / "old.md").write_text("# Old\n", encoding="utf-8")
    async with Client(build(Settings(context_root=root, data_dir=tmp_path / "data", project_root=tmp_path))) as client:
        note = await call(client, "create_note", title="New", text="x")
        listed = await call(client, "list_notes")
    assert note["path"].startswith("scratchpad/notes/")
    assert [row["title"] for row in listed["notes"]] == ["New", "Old"]


async def test_a_handoff_tells_the_next_agent_where_things_stand(settings: Settings) -> None:
    async with Client(build(settings)) as client:
        assert "create_handoff" in await refused(client, "read_handoff")
        shared = await call(client, "create_handoff", title="For all", summary="s", scope="common")
        first = await call(
            client,
            "create_handoff",
            title="Ganon's door",
            summary="The door opens.",
            done=["hooked\nthe door"],
            next_steps=["test it"],
            blocked=["no emulator"],
            agent="nayru@gemma",
        )
        newest = await call(client, "read_handoff")
        assert (newest["id"], newest["agent"], newest["newer"]) == (first["id"], "nayru@gemma", [])
        assert newest["text"] == (
            "The door opens.\n\n## Done\n\n- hooked the door\n\n## Next\n\n- test it\n\n## Blocked\n\n- no emulator\n"
        )
        second = await call(client, "create_handoff", title="Ganon's door", summary="Done.", revises=first["id"])
        old = await call(client, "read_handoff", id=first["id"][:6])
        assert old["newer"] == [second["id"]]
        assert second["id"] in old["shown"]
        assert (await call(client, "read_handoff"))["text"] == "Done.\n"
        assert (await call(client, "read_handoff", scope="common"))["id"] == shared["id"]
        assert "list_notes" in await refused(client, "read_handoff", id="ffffff")
        listed = await call(client, "list_notes", kind="handoff")
    assert [row["id"] for row in listed["notes"]] == [second["id"], shared["id"]]


async def test_pages_of_a_long_handoff_join_to_the_whole(settings: Settings) -> None:
    whole = "\n".join(f"line {number}: Überraschung" for number in range(3_000)) + "\n"
    parts: list[str] = []
    offset = 0
    async with Client(build(settings)) as client:
        await call(client, "create_handoff", title="long", summary=whole)
        while offset != -1:
            page = await call(client, "read_handoff", offset=offset, limit=30_000)
            parts.append(page["text"])
            offset = page["next_offset"]
    assert "".join(parts) == whole
    assert len(parts) > 2


WRITER = """
import sys
from pathlib import Path
from servers.context.notes import write_note
from servers.context.opened import Opened
from servers.machine.artifacts import Draft
from servers.settings import Settings
opened = Opened(Settings(context_root=Path(sys.argv[1]), data_dir=Path(sys.argv[1]), project_root=Path("/")))
for number in range(25):
    note = write_note(opened, Draft("note", "same title", f"{sys.argv[2]} {number}"), "note")
    print(note.path, flush=True)
"""


async def test_eight_processes_that_write_at_once_lose_no_note(root: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(root)]
    writers = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, encoding="utf-8") for number in range(8)
    ]
    told = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]
    assert [writer.returncode for writer in writers] == [0] * 8
    assert len(set(told)) == 200
    texts = {parse_artifact(path, (root / path).read_bytes()).body for path in told}
    assert texts == {f"{writer} {number}\n" for writer in range(8) for number in range(25)}
    assert all(NAME.fullmatch(path.name) for path in (root / "memory" / "common" / "notes").iterdir())


def test_rules_and_front_matter_say_what_is_never_indexed_or_exported(root: Path) -> None:
    rules = 'never_index = ["memory/private", "*.Draft"]\nnever_export = ["memory/*/notes/**"]\n'
    (root / ".afs" / "sensitivity.toml").write_text(rules, encoding="utf-8")
    (root / "afs.toml").write_text('[sensitivity]\nnever_index = ["/top.md"]\n', encoding="utf-8")
    with Root(root) as opened:
        found = sensitivity_of(opened)
    hidden: list[str | bytes] = [
        "memory/private/a.md",
        "x/a.draft",
        "top.md",
        ".env",
        "a/.SSH/config",
        "a/id_rsa",
        "k.pem",
        b"\xff/.env",
    ]
    shown = ["memory/a.md", "x/top.md", "memory/privates/a.md", "environment.md", "keys.md"]
    assert [path for path in hidden if found.indexable(path)] == []
    assert [path for path in shown if not found.indexable(path)] == []
    assert (found.exportable("memory/common/notes/a.md"), found.exportable("memory/a.md")) == (False, True)
    for word, index, export in (
        ("never_index", False, True),
        ("never_export", True, False),
        ("restricted", False, False),
        ("normal", True, True),
    ):
        head = f"+++\nsensitivity = {json.dumps(word)}\n+++\ntext".encode()
        assert (found.indexable("a.md", head=head), found.exportable("a.md", head=head)) == (index, export)
    assert found.problems == []


@pytest.mark.parametrize(
    "head",
    [
        "+++\nsensitivity = never_index\n+++\ntext",
        "+++\r\ntitle = [\r\nsensitivity = 'Never_Index'\r\n+++\r\ntext",
        "---\nsensitivity: never_index\n---\ntext",
        "---\ntitle: a\nSensitivity:\n  - normal\n  - never_index\n---\ntext",
        "+++\nsensitivity = 'never_index'\ntitle = '" + "x" * 40_000,
    ],
)
def test_front_matter_that_cannot_be_read_hides_what_it_may_mean_to(head: str) -> None:
    assert not Rules().indexable("a.md", head=head.encode())
    assert Rules().exportable("a.md", head=head.encode())
    assert Rules().indexable("a.md", head=f"text\n{head}".encode())


@pytest.mark.parametrize("rules", ["not toml [", 'never_index = ["../x"]', 'never_index = "a"', "\xff"])
def test_rules_that_cannot_be_read_are_a_problem_that_is_told(root: Path, rules: str) -> None:
    (root / ".afs" / "sensitivity.toml").write_bytes(rules.encode("latin-1"))
    with Root(root) as opened:
        problems = sensitivity_of(opened).problems
    assert problems
    assert all(".afs/sensitivity.toml" in problem for problem in problems)


async def test_a_note_that_is_never_indexed_is_not_found_and_not_packed(settings: Settings) -> None:
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            await call(client, "create_note", title="open", text="the moldorm word")
            long = {"source": "\U0001f5e1" * 1_000, "tags": [f"{number}" + "\U0001f5e1" * 50 for number in range(20)]}
            for more in ({}, long):
                old = await call(
                    client, "create_note", title="shut", text="the moldorm secret", sensitivity="never_index", **more
                )
                await call(client, "create_note", title="new", text="moldorm secret", revises=old["id"])
            found = await call(client, "search_context", query="moldorm")
            packed = await call(client, "pack_context", prompt="moldorm", budget=2_000)
    assert "the moldorm word" in json.dumps(found)
    assert "secret" not in json.dumps(found) + json.dumps(packed)
