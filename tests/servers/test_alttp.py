"""The alttp server through the protocol, in both eras."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from servers.alttp.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "auto"]


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    era: Era = request.param
    server = build(Settings(context_root=tmp_path, data_dir=tmp_path))
    async with Client(server, mode=era) as connected:
        yield connected


async def ask(client: Client, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(20):
        return await client.call_tool("alttp_lookup", arguments)


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_a_question_is_answered_in_both_halves(client: Client) -> None:
    result = await ask(client, query="Which RAM address holds Link's current health?")
    assert not result.is_error
    assert text(result).startswith("$7EF36D = CURHP (RAM, 1 byte): Link's current health")
    assert result.structured_content is not None
    assert result.structured_content["answer"]["id"] == "$7EF36D"
    assert result.structured_content["answer"]["rom_version"] == "US 1.0 and JP 1.0"


async def test_a_register_is_found_by_its_address(client: Client) -> None:
    assert "INIDISP" in text(await ask(client, query="What is SNES register $2100?")).splitlines()[0]


async def test_the_schema_is_flat_and_names_its_ranges(client: Client) -> None:
    with anyio.fail_after(20):
        (tool,) = (await client.list_tools()).tools
    schema = tool.input_schema
    assert schema["required"] == ["query"]
    assert "$defs" not in json.dumps(schema)
    assert "anyOf" not in json.dumps(schema)
    assert schema["properties"]["kind"]["enum"] == [
        "any",
        "ram",
        "routine",
        "register",
        "sprite",
        "item",
        "room",
    ]
    assert (schema["properties"]["limit"]["minimum"], schema["properties"]["limit"]["maximum"]) == (1, 20)
    assert tool.description is not None
    assert len(tool.description) <= 1_000
    assert tool.annotations is not None
    assert tool.annotations.read_only_hint


async def test_the_instructions_are_short(client: Client) -> None:
    assert client.instructions is not None
    assert len(client.instructions) <= 500


async def test_nonsense_is_an_answer_and_not_an_error(client: Client) -> None:
    result = await ask(client, query="flurble wombat")
    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["found"] is False
    assert "Try an address" in text(result)


@pytest.mark.parametrize("query", ["x" * 1_000_000, "\x00\x1b[2J", "\u202e$7EF36D", "'; DROP TABLE facts"])
async def test_hostile_text_comes_back_harmless(client: Client, query: str) -> None:
    result = await ask(client, query=query)
    assert not result.is_error
    shown = text(result) + json.dumps(result.structured_content, ensure_ascii=False)
    assert len(shown) < 20_000
    assert not any(character in shown for character in "\x00\x1b\u202e")


async def test_a_wrong_kind_names_the_kinds(client: Client) -> None:
    result = await ask(client, query="magic", kind="boss")
    assert result.is_error
    assert "register" in text(result)


async def test_the_largest_page_fits(client: Client) -> None:
    result = await ask(client, query="sprite", limit=20)
    assert not result.is_error
    assert len(text(result)) < 10_000
    assert len(json.dumps(result.structured_content)) < 20_000


async def test_the_pages_of_a_question_are_told_apart(client: Client) -> None:
    first = await ask(client, query="magic", limit=3)
    assert first.structured_content is not None
    second = await ask(client, query="magic", limit=3, offset=first.structured_content["next_offset"])
    assert second.structured_content is not None
    assert second.structured_content["answer"] is None
    assert text(second).startswith("More candidates for 'magic'")
    seen = {other["id"] for other in first.structured_content["others"]}
    assert seen.isdisjoint(other["id"] for other in second.structured_content["others"])
