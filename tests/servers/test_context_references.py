"""Mounts, resources, completion and subscriptions of the context server, in both eras of the protocol."""

from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    EmptyResult,
    ResourceTemplateReference,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from servers.context.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

Era = Literal["auto", "legacy"]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Era:
    return "legacy" if request.param == "legacy" else "auto"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("memory/common", "memory/projects", "scratchpad/common", ".afs"):
        (tmp_path / "context" / name).mkdir(parents=True)
    (tmp_path / "context" / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    (tmp_path / "context" / "memory" / "common" / "a.md").write_text("alpha", encoding="utf-8")
    return tmp_path / "context"


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    return Settings(context_root=root, data_dir=tmp_path / "data", project_root=tmp_path)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def shown(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    fields: dict[str, Any] = result.structured_content or {}
    return {**fields, "shown": text_of(result)}


async def subscribe(client: Client, uri: str) -> None:
    request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def unsubscribe(client: Client, uri: str) -> None:
    request = UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def test_files_notes_and_handoffs_are_resources(settings: Settings, era: Era) -> None:
    async with Client(build(settings), mode=era) as client:
        note = await call(client, "create_note", title="N", text="of the note")
        left = await call(client, "create_handoff", title="H", summary="of the handoff")
        assert {str(item.uri) for item in (await client.list_resources()).resources} == {
            "context://status",
            "context://notes",
            "context://handoff",
        }
        assert len((await client.list_resource_templates()).resource_templates) == 3
        assert await shown(client, "context://file/memory/common/a.md") == "alpha"
        assert await shown(client, "context://file/memory/a.md") == "alpha"
        assert "of the note" in await shown(client, f"context://note/{note['id']}")
        assert "of the handoff" in await shown(client, f"context://handoff/{left['id'][:8]}")
        assert "of the handoff" in await shown(client, "context://handoff")
        assert note["id"] in await shown(client, "context://notes")
        assert "layout version 2" in await shown(client, "context://status")


@pytest.mark.parametrize(
    "uri",
    [
        "context://file/memory/none.md",
        "context://file/..%2f..%2fsecret",
        "context://file/%2Fetc%2Fpasswd",
        "context://file/memory/projects/prj_other/x.md",
        "context://note/ffffffffff",
        "context://file/memory",
        "context://nothing",
        "context://file/a%00b",
    ],
)
async def test_a_resource_that_is_not_to_be_had_is_an_error_and_the_server_lives(
    settings: Settings, root: Path, uri: str, era: Era
) -> None:
    (root.parent / "secret").write_text("SECRET", encoding="utf-8")
    (root / "memory" / "projects" / "prj_other").mkdir()
    (root / "memory" / "projects" / "prj_other" / "x.md").write_text("SECRET", encoding="utf-8")
    async with Client(build(settings), mode=era) as client:
        with pytest.raises(MCPError) as error:
            await shown(client, uri)
        assert "SECRET" not in str(error.value)
        assert await shown(client, "context://file/memory/a.md") == "alpha"


async def test_a_long_file_says_how_to_read_on(settings: Settings, root: Path) -> None:
    (root / "memory" / "common" / "long.md").write_text("line\n" * 50_000, encoding="utf-8")
    async with Client(build(settings)) as client:
        text = await shown(client, "context://file/memory/long.md")
    assert len(text) < 40_000
    assert "read_context shows the rest" in text


async def test_paths_and_ids_are_completed(settings: Settings, root: Path, era: Era) -> None:
    for number in range(120):
        (root / "memory" / "common" / f"n{number:03}.md").write_bytes(b"x")
    file, note = (
        ResourceTemplateReference(type="ref/resource", uri=uri)
        for uri in ("context://file/{+path}", "context://note/{id}")
    )
    async with Client(build(settings), mode=era) as client:
        made = await call(client, "create_note", title="N", text="x")

        async def values(ref: ResourceTemplateReference, argument: str, value: str) -> list[str]:
            return (await client.complete(ref, {"name": argument, "value": value})).completion.values

        assert await values(file, "path", "mem") == ["memory/"]
        assert await values(file, "path", "memory/c") == ["memory/common/"]
        assert await values(file, "path", "memory/common/n11") == [f"memory/common/n{n}.md" for n in range(110, 120)]
        many = await client.complete(file, {"name": "path", "value": "memory/common/n"})
        assert (len(many.completion.values), many.completion.total, many.completion.has_more) == (100, 121, True)
        assert await values(note, "id", made["id"][:3]) == [made["id"][:10]]
        for odd in ("../", "none/x", "\0", "/etc/"):
            assert await values(file, "path", odd) == []


async def test_paths_of_a_folder_of_many_files_are_completed(settings: Settings, root: Path) -> None:
    for number in range(700):
        (root / "memory" / "common" / f"note-{number:03}.md").write_text("x", encoding="utf-8")
    async with Client(build(settings)) as client:
        ref = ResourceTemplateReference(uri="context://file/{+path}")
        done = await client.complete(ref, {"name": "path", "value": "memory/common/note-69"})
        assert done.completion.values == [f"memory/common/note-69{last}.md" for last in range(10)]
        nothing = await client.complete(ResourceTemplateReference(uri="x://y"), {"name": "id", "value": ""})
        assert nothing.completion.values == []


async def test_a_client_of_the_newer_protocol_is_told_of_a_change(settings: Settings, root: Path) -> None:
    uri = "context://file/memory/common/a.md"
    with anyio.fail_after(30):
        async with Client(build(settings)) as client, client.listen(resource_subscriptions=[uri]) as events:
            (root / "memory" / "common" / "other.md").write_text("x", encoding="utf-8")
            (root / "memory" / "common" / "a.md").write_text("changed", encoding="utf-8")
            async for event in events:
                assert getattr(event, "uri", "") == uri
                break
            assert await shown(client, uri) == "changed"


async def test_a_client_of_the_older_protocol_is_told_until_it_unsubscribes(settings: Settings, root: Path) -> None:
    told: list[str] = []
    stirred = anyio.Event()

    async def hear(message: object) -> None:
        nonlocal stirred
        if isinstance(message, ResourceUpdatedNotification):
            told.append(str(message.params.uri))
            stirred.set()

    gone, new = "context://file/memory/common/a.md", "context://file/memory/common/new.md"
    with anyio.fail_after(30):
        async with Client(build(settings), mode="legacy", message_handler=hear) as client:
            assert client.server_capabilities.resources is not None
            assert client.server_capabilities.resources.subscribe
            for uri in (gone, new, "context://handoff"):
                await subscribe(client, uri)
            for make, uri in (
                ((root / "memory" / "common" / "a.md").unlink, gone),
                (lambda: (root / "memory" / "common" / "new.md").write_bytes(b"x"), new),
            ):
                stirred = anyio.Event()
                make()
                await stirred.wait()
                assert told[-1] == uri
            stirred = anyio.Event()
            await call(client, "create_handoff", title="H", summary="x")
            await stirred.wait()
            assert told[-1] == "context://handoff"
            await unsubscribe(client, new)
            (root / "memory" / "common" / "new.md").write_bytes(b"changed")
            stirred = anyio.Event()
            await call(client, "create_handoff", title="H2", summary="x")
            await stirred.wait()
            with pytest.raises(MCPError, match="no such resource"):
                await subscribe(client, "context://nothing")
    assert told.count(new) == 1


async def test_a_folder_is_mounted_after_the_user_agreed_and_is_read_only(
    settings: Settings, root: Path, tmp_path: Path, era: Era
) -> None:
    docs = tmp_path / "docs" / "hack"
    docs.mkdir(parents=True)
    (docs / "ram.md").write_text("$7E0010", encoding="utf-8")
    (docs / ".env").write_text("SECRET", encoding="utf-8")
    (docs / "out").symlink_to("/etc/passwd")
    (docs / "plain.md").symlink_to(".env")
    async with Client(build(settings), mode=era) as client:
        asked = await call(client, "mount_context", name="docs", path=str(docs))
        assert (asked["state"], asked["files"]) == ("asked", 2)
        assert asked["confirm"] in asked["shown"]
        assert "there is no" in await refused(client, "read_context", path="mounts/docs/ram.md")
        wrong = await call(client, "mount_context", name="docs", path=str(docs), confirm="yes")
        assert wrong["state"] == "asked"
        done = await call(client, "mount_context", name="docs", path=str(docs), confirm=asked["confirm"])
        assert done["state"] == "mounted"
        read = await call(client, "read_context", path="mounts/docs/ram.md")
        assert (read["path"], read["text"]) == ("mounts/docs/ram.md", "$7E0010")
        assert "mounts/" in (await call(client, "list_context"))["shown"]
        assert "mounts/docs" in (await call(client, "list_context", path="mounts"))["shown"]
        assert "mounts/docs/ram.md" in (await call(client, "list_context", path="mounts/docs"))["shown"]
        for path in ("mounts/docs/.env", "mounts/docs/.ENV", "mounts/docs/x/../.env", "mounts/docs/plain.md"):
            assert "keys or passwords" in await refused(client, "read_context", path=path)
        for path in ("mounts/docs/out", "mounts/docs/../../secret", "mounts/docs//etc/passwd"):
            assert "root:" not in await refused(client, "read_context", path=path)
        assert "read-only" in await refused(client, "write_context", path="mounts/docs/new.md", content="x")
        assert (await call(client, "mount_context", name="docs"))["state"] == "removed"
        assert "there is no" in await refused(client, "read_context", path="mounts/docs/ram.md")
    assert sorted(path.name for path in docs.iterdir()) == [".env", "out", "plain.md", "ram.md"]


async def share(client: Client, name: str, folder: Path) -> None:
    asked = await call(client, "mount_context", name=name, path=str(folder))
    await call(client, "mount_context", name=name, path=str(folder), confirm=asked["confirm"])


@pytest.fixture
def docs(root: Path, tmp_path: Path) -> Path:
    """A folder to mount, with what nobody may find, beside a context that knows the same word."""
    folder = tmp_path / "docs"
    for name, text in (
        ("map/ram.md", "# Music\n\nthe melody of the overworld is at $7E0132"),
        ("map/private.md", "the melody that nobody may find"),
        (".git/melody.md", "the melody of a hidden folder"),
        (".env", "melody=secret"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "out.md").symlink_to(root / "memory" / "common" / "tune.md")
    (root / "memory" / "common" / "tune.md").write_text("which melody plays, we noted here", encoding="utf-8")
    (root / ".afs" / "sensitivity.toml").write_text('never_index = ["mounts/docs/**/private.md"]', encoding="utf-8")
    return folder


async def test_what_is_mounted_is_searched_and_packed_but_keys_and_hidden_files_never(
    settings: Settings, tmp_path: Path, docs: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sound.md").write_text("the melody is loaded by the driver", encoding="utf-8")
    ram, sound, tune = "mounts/docs/map/ram.md", "mounts/other/sound.md", "memory/common/tune.md"
    async with Client(build(settings)) as client:
        await share(client, "docs", docs)
        await share(client, "other", tmp_path / "other")
        for mode in ("words", "literal", "regex"):
            for path, wanted in (
                ("", [tune, ram, sound]),
                ("mounts", [ram, sound]),
                ("mounts/docs", [ram]),
                (ram, [ram]),
                ("memory/tune.md", [tune]),
            ):
                found = await call(client, "search_context", query="melody", mode=mode, path=path)
                assert [match["path"] for match in found["matches"]] == wanted
        first = await call(client, "search_context", query="melody", limit=1)
        second = await call(client, "search_context", query="melody", limit=2, offset=first["next_offset"])
        assert [match["path"] for match in (*first["matches"], *second["matches"])] == [tune, ram, sound]
        packed = await call(client, "pack_context", prompt="where is the melody of the overworld loaded?")
        assert f"{ram} lines 1-3" in packed["shown"]
        assert not [word for word in ("nobody", "secret", "hidden") if word in packed["shown"]]


async def test_a_mount_that_is_gone_is_told_by_a_search_and_its_index_goes_with_it(
    settings: Settings, root: Path, tmp_path: Path, docs: Path
) -> None:
    (tmp_path / "other").mkdir()
    async with Client(build(settings)) as client:
        await share(client, "docs", docs)
        await share(client, "other", tmp_path / "other")
        missing = await refused(client, "search_context", query="melody", path="mounts/docs/none")
        assert "there is no 'mounts/docs/none'" in missing
        assert (await call(client, "search_context", query="melody"))["total"] == 2
        (tmp_path / "other").rmdir()
        left = await call(client, "search_context", query="melody")
        assert left["total"] == 2
        assert "mount other is gone" in left["note"]
        assert len([*(root / ".afs" / "search").glob("*.sqlite")]) == 3
        await call(client, "mount_context", name="docs")
        assert (await call(client, "search_context", query="melody"))["total"] == 1
        assert len([*(root / ".afs" / "search").glob("*.sqlite")]) == 2


async def test_folders_that_hold_too_much_or_keys_are_never_mounted(
    settings: Settings, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    for name in (".ssh", "hack/.git", "docs"):
        (home / name).mkdir(parents=True)
    (home / "keys").symlink_to(".ssh")
    monkeypatch.setenv("HOME", str(home))
    bad = ["/", "/etc", "/proc/self", str(home), str(tmp_path), f"{home}/.ssh", f"{home}/keys", f"{home}/hack/.git"]
    bad += [str(root), str(root / "memory"), f"{home}/none", f"{home}/docs/../.ssh", "docs", "a\0b", "~nobody/x"]
    async with Client(build(settings)) as client:
        for path in bad:
            assert await refused(client, "mount_context", name="x", path=path)
        for name in ("", "A", "../x", "a/b", "x" * 41):
            assert "name" in await refused(client, "mount_context", name=name, path=str(home / "docs"))
        assert (await call(client, "mount_context", name="x", path="~/docs"))["state"] == "asked"


async def test_a_mount_whose_folder_is_gone_says_so(settings: Settings, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    async with Client(build(settings)) as client:
        asked = await call(client, "mount_context", name="d", path=str(docs))
        await call(client, "mount_context", name="d", path=str(docs), confirm=asked["confirm"])
        docs.rmdir()
        assert "gone" in await refused(client, "read_context", path="mounts/d/a.md")
        assert "mounts/d" in "\n".join((await call(client, "context_status"))["problems"])
