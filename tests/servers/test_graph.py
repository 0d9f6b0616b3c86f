"""The graph server through the protocol: what is written is kept, what is asked is found, what is wrong is told."""

import json
import sysconfig
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult, TextContent, TextResourceContents

from servers.graph.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "auto"]

SOURCE = """\
org $808000
Main:
    SEP #$20
    LDA #$01
    STA $4304
    STA $420B
    JSR Check_Collision
    STZ $10
    RTS

Check_Collision:
    LDA $10
    CLC : ADC #$01
    STA $10
    RTS
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "hack"
    folder.mkdir(parents=True)
    (folder / "main.asm").write_text(SOURCE, encoding="utf-8")
    return folder.parent


def settings(project: Path) -> Settings:
    return Settings(context_root=project.parent, data_dir=project.parent / "data", project_root=project)


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest, project: Path) -> AsyncIterator[Client]:
    era: Era = request.param
    async with Client(build(settings(project)), mode=era) as connected:
        yield connected


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(30):
        return await client.call_tool(tool, arguments)


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await call(client, tool, **arguments)
    assert not result.is_error, text(result)
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


async def read(client: Client, uri: str) -> str:
    with anyio.fail_after(30):
        (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


async def test_a_node_is_kept_for_the_next_server(client: Client, project: Path) -> None:
    await done(client, "add_node", name="my hook", kind="hook", text="runs each frame", source="notes.md")
    async with Client(build(settings(project))) as other:
        found = await done(other, "query_graph", text="hook frame")
    assert found["nodes"][0] == {
        "name": "my hook",
        "kind": "hook",
        "texts": ["runs each frame"],
        "source": "notes.md",
        "layer": "user",
    }


async def test_adding_a_node_twice_changes_nothing(client: Client) -> None:
    for _ in range(2):
        await done(client, "add_node", name="A", text="x")
    found = await done(client, "query_graph")
    assert (found["total"], found["nodes"][0]["texts"]) == (1, ["x"])


async def test_a_thousand_names_fit_in_one_answer(client: Client) -> None:
    async with anyio.create_task_group() as group:
        for number in range(1_000):
            group.start_soon(lambda n=number: call(client, "add_node", name=f"node-{n:04}"))  # type: ignore[misc]  # a lambda has no types
    found = await done(client, "query_graph", names_only=True, limit=1_000)
    assert sorted(found["names"]) == [f"node-{number:04}" for number in range(1_000)]
    assert found["next_offset"] == -1


async def test_names_come_in_pages_that_miss_nothing(client: Client) -> None:
    for number in range(7):
        await done(client, "add_node", name=f"n{number}")
    names: list[str] = []
    offset = 0
    while offset >= 0:
        page = await done(client, "query_graph", names_only=True, limit=3, offset=offset)
        names += page["names"]
        offset = page["next_offset"]
    assert names == [f"n{number}" for number in range(7)]


async def test_an_edge_may_lead_into_the_atlas_in_any_spelling(client: Client) -> None:
    await done(client, "add_node", name="my hook")
    said = await done(client, "add_edge", subject="my hook", relation="patches", object="$7E0010")
    assert said["names"] == ["my hook", "ram:7E0010"]
    near = await done(client, "neighbours", name="7e0010", relations=["patches"])
    assert [(row["name"], row["edges"][0]["layer"]) for row in near["near"]] == [("my hook", "user")]


async def test_an_edge_to_nothing_is_an_error_that_names_the_next_step(client: Client) -> None:
    await done(client, "add_node", name="A")
    result = await call(client, "add_edge", subject="A", relation="calls", object="no such thing")
    assert result.is_error
    assert "add the node first" in text(result)


async def test_what_was_removed_comes_back(client: Client) -> None:
    for name in ("A", "B"):
        await done(client, "add_node", name=name, text=f"about {name}")
    await done(client, "add_edge", subject="A", relation="likes", object="B")
    await done(client, "remove", name="B")
    assert (await done(client, "query_graph", names_only=True))["names"] == ["A"]
    await done(client, "undo_remove")
    near = await done(client, "neighbours", name="A")
    assert [row["name"] for row in near["near"]] == ["B"]


async def test_the_atlas_says_who_writes_the_game_mode(client: Client) -> None:
    near = await done(client, "neighbours", name="$7E0010", relations=["writes"], direction="in", limit=200)
    assert "routine:008034" not in {row["name"] for row in near["near"]}  # the main loop only reads it
    assert near["total"] > 20
    assert all(row["edges"][0]["source"] for row in near["near"])


async def test_a_path_leads_from_a_routine_to_what_it_writes(client: Client) -> None:
    found = await done(client, "find_path", start="Interrupt_NMI", end="INIDISP")
    assert found["names"][0] == "routine:0080C9"
    assert found["names"][-1] == "register:2100"
    assert len(found["edges"]) == len(found["names"]) - 1


async def test_a_path_that_is_not_there_says_why(client: Client) -> None:
    await done(client, "add_node", name="island")
    result = await call(client, "find_path", start="island", end="$7E0010")
    assert not result.is_error
    assert text(result).startswith("NO PATH: ")


async def test_what_is_known_of_the_user_is_read_and_forgotten(client: Client) -> None:
    await done(client, "add_fact", key="name", value="scawful", category="identity")
    await done(client, "add_preference", item="65816 assembly", strength=0.9)
    told = await done(client, "add_style_rule", rule="avoid: corporate jargon")
    page = await read(client, "graph://personal")
    assert all(word in page for word in ("scawful", "65816 assembly", "corporate jargon"))
    await done(client, "remove", name=told["names"][0])
    assert "jargon" not in await read(client, "graph://personal")


async def test_a_strength_above_one_is_refused(client: Client) -> None:
    result = await call(client, "add_preference", item="x", strength=1.5)
    assert result.is_error


async def test_an_answer_with_a_wrong_name_is_found_out(client: Client) -> None:
    found = await done(client, "validate_output", text="Magic power is kept at $7EF36B.")
    assert found["findings"][0]["fact"]["ref"] in ("ram:7EF36B", "ram:7EF36E")
    right = await done(client, "validate_output", text="Magic power is kept at $7EF36E.")
    assert right["total"] == 0


async def test_indexed_code_is_searched_and_stands_in_the_graph(client: Client) -> None:
    said = await done(client, "index_code", folder="hack")
    assert (said["codebase"], said["files"], said["routines"]) == ("hack", 1, 2)
    again = await done(client, "index_code", folder="hack")
    assert again["changed"] == 0
    found = await done(client, "search_code", question="all DMA transfer routines")
    assert (found["places"][0]["node"], found["places"][0]["file"]) == ("hack:Main", "main.asm")
    near = await done(client, "neighbours", name="hack:Main", relations=["calls"], direction="out")
    assert [row["name"] for row in near["near"]] == ["hack:Check_Collision"]


async def test_code_that_touches_an_array_leads_to_its_fact(client: Client, project: Path) -> None:
    (project / "hack" / "slot.asm").write_text("Slot:\n    LDA $0D05\n    JSL $00F945\n    RTL\n", encoding="utf-8")
    await done(client, "index_code", folder="hack")
    near = await done(client, "neighbours", name="hack:Slot", direction="out")
    assert {row["name"] for row in near["near"]} >= {"ram:7E0D00", "routine:00F945"}


async def test_idioms_are_counted_with_their_places(client: Client) -> None:
    await done(client, "index_code", folder="hack")
    found = await done(client, "find_patterns", kind="anti_pattern")
    assert found["total"] >= 1
    place = found["places"][0]
    assert (place["file"], place["routine"]) == ("main.asm", "Check_Collision")


async def test_code_outside_the_project_is_refused(client: Client) -> None:
    for folder in ("..", "/etc", "hack/../.."):
        assert (await call(client, "index_code", folder=folder)).is_error


async def test_a_search_without_an_index_says_how_to_make_one(client: Client) -> None:
    result = await call(client, "search_code", question="dma")
    assert result.is_error
    assert "index_code" in text(result)


async def test_a_node_is_a_resource(client: Client) -> None:
    assert "INIDISP" in await read(client, "graph://node/register:2100")
    assert "atlas" in await read(client, "graph://layers")


HOSTILE = (
    "'; DROP TABLE node; --",
    '"NEAR(a b)" OR *',
    "a" * 1_000_000,
    "\x00\ud800",
    "../../etc/passwd",
    "{}[]()^$.*",
)


@pytest.mark.parametrize("value", HOSTILE)
async def test_hostile_names_and_questions_are_harmless(client: Client, value: str) -> None:
    await done(client, "add_node", name="kept", text="safe")
    for tool, argument in (("add_node", "name"), ("query_graph", "text"), ("neighbours", "name"), ("remove", "name")):
        result = await call(client, tool, **{argument: value})
        assert len(text(result)) < 40_000
    found = await done(client, "query_graph", text="kept")
    assert found["nodes"][0]["texts"] == ["safe"]


async def test_a_long_text_does_not_make_an_answer_too_long(client: Client) -> None:
    for number in range(30):
        await done(client, "add_node", name=f"long {number}", text="word " * 15_000)
    result = await call(client, "query_graph", limit=30)
    assert not result.is_error
    assert len(json.dumps(result.structured_content)) < 40_000
    assert result.structured_content is not None
    assert result.structured_content["next_offset"] > 0


async def test_two_codebases_are_linked_with_the_evidence(client: Client, project: Path) -> None:
    other = project / "other"
    other.mkdir()
    moved = SOURCE.replace("Check_Collision", "CheckHit").replace("$808000", "$818000")
    (other / "main.asm").write_text(moved, encoding="utf-8")
    for folder in ("hack", "other"):
        await done(client, "index_code", folder=folder)
    found = await done(client, "link_code", left="hack", right="other")
    pairs = {(link["left"].split()[0], link["right"].split()[0]) for link in found["links"]}
    assert ("Check_Collision", "CheckHit") in pairs
    assert all(link["evidence"] for link in found["links"])
    near = await done(client, "neighbours", name="hack:Check_Collision", relations=["same_as", "like"])
    assert [row["name"] for row in near["near"]] == ["other:CheckHit"]


async def test_a_forgotten_codebase_is_gone_and_an_unknown_one_is_told(client: Client) -> None:
    await done(client, "index_code", folder="hack")
    await done(client, "index_code", codebase="hack", action="forget")
    result = await call(client, "search_code", question="dma")
    assert result.is_error
    unknown = await call(client, "index_code", codebase="nothing", action="forget")
    assert unknown.is_error


async def test_the_context_of_a_prompt_names_the_address_and_stays_in_its_budget(client: Client) -> None:
    await done(client, "add_node", name="damage patch", text="my hack halves damage at $7EF36D")
    await done(client, "add_edge", subject="damage patch", relation="changes", object="$7EF36D")
    found = await call(client, "get_context_for_prompt", prompt="make Link lose less health: LDA $7EF36D", budget=400)
    assert not found.is_error
    assert "CURHP" in text(found)
    assert "damage patch" in text(found)
    assert len(text(found)) <= 4 * 400
    nothing = await done(client, "get_context_for_prompt", prompt="Write a poem about the sea.")
    assert nothing["facts"] == []


@pytest.mark.parametrize("name", ["$7E0010", "ram:7E0010", "0x7E0010"])
async def test_a_text_on_an_address_stands_with_what_the_atlas_has_there(client: Client, name: str) -> None:
    said = await done(client, "add_node", name=name, kind="note", text="my hack sets it to $20")
    assert said["names"] == ["ram:7E0010"]
    near = await done(client, "neighbours", name="$7E0010", relations=["writes"])
    assert near["total"] > 50
    node = await read(client, "graph://node/ram:7E0010")
    assert "my hack sets it to $20" in node
    assert "MODE" in node
    wrong = await call(client, "add_node", name=name, kind="hook")
    assert wrong.is_error
    assert "leave the kind out" in text(wrong)


async def test_the_context_has_the_node_that_a_prompt_calls_by_name(client: Client) -> None:
    await done(client, "add_node", name="My Hook", text="runs once a frame")
    found = await done(client, "get_context_for_prompt", prompt="What does my hook do?", budget=200)
    assert [fact["name"] for fact in found["facts"]] == ["My Hook"]


async def test_the_context_has_the_routine_that_a_prompt_calls_by_name(client: Client) -> None:
    await done(client, "index_code", folder="hack")
    prompt = "Why does my game lose its picture and crash on a frame after Check_Collision was called?"
    found = await done(client, "get_context_for_prompt", prompt=prompt)
    assert found["facts"][0]["name"] == "hack:Check_Collision"


async def test_the_context_tells_no_former_fact_of_the_user(client: Client) -> None:
    await done(client, "add_fact", key="name", value="Adah")
    await done(client, "add_fact", key="name", value="Zillah")
    result = await call(client, "get_context_for_prompt", prompt="What is my name?")
    assert text(result).count("Zillah") == 1
    assert "Adah" not in text(result)


async def test_a_small_budget_tells_no_neighbours_of_a_row_that_did_not_fit(client: Client) -> None:
    for budget in range(50, 400, 25):
        found = await done(client, "get_context_for_prompt", prompt="give Link 5 rupees on R", budget=budget)
        told = {fact["name"] for fact in found["facts"] if fact["kind"] != "relations"}
        assert {fact["name"] for fact in found["facts"]} == told


async def test_code_is_indexed_though_no_model_gives_vectors(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    async with Client(build(replace(settings(project), embed_model="none"))) as client:
        said = await done(client, "index_code", folder="hack")
        found = await done(client, "search_code", question="Check_Collision")
    assert "by words alone" in said["note"]
    assert (said["routines"], said["vectors"]) == (2, 0)
    assert found["places"]


async def test_the_graph_is_one_file_once_the_server_has_ended(project: Path) -> None:
    script = Path(sysconfig.get_path("scripts"), "afs-graph")
    data = settings(project).graph_file
    server = StdioServerParameters(command=str(script), env={"AFS_DATA_DIR": str(data.parent)}, cwd=project)
    with anyio.fail_after(30):
        async with Client(server) as client:
            await done(client, "add_node", name="A")
    assert [file.name for file in data.parent.iterdir()] == [data.name]
