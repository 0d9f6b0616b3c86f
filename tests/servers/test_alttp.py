"""The alttp server through the protocol, in both eras."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, get_args

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, ResourceTemplateReference, TextContent, TextResourceContents

from schemas.fact import AskedKind
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
    assert text(result).startswith("$7EF36D = CURHP (RAM, 1 byte): current health of Link")
    assert result.structured_content is not None
    assert result.structured_content["answer"]["id"] == "$7EF36D"
    assert result.structured_content["answer"]["rom_version"] == "US 1.0 and JP 1.0"


async def test_a_register_is_found_by_its_address(client: Client) -> None:
    assert "INIDISP" in text(await ask(client, query="What is SNES register $2100?")).splitlines()[0]


async def test_the_schema_is_flat_and_names_its_ranges(client: Client) -> None:
    with anyio.fail_after(20):
        tool = next(tool for tool in (await client.list_tools()).tools if tool.name == "alttp_lookup")
    schema = tool.input_schema
    assert schema["required"] == ["query"]
    assert "$defs" not in json.dumps(schema)
    assert "anyOf" not in json.dumps(schema)
    assert schema["properties"]["kind"]["enum"] == list(get_args(AskedKind))
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


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(20):
        return await client.call_tool(tool, arguments)


async def test_a_register_value_is_decoded(client: Client) -> None:
    result = await call(client, "describe_register", register="$2100=$8F")
    first = text(result).splitlines()[0]
    assert first.startswith("INIDISP ($2100) = $8F")
    assert "forced blank" in first
    assert "brightness 15" in first
    apart = await call(client, "describe_register", register="INIDISP", value="143")
    assert apart.structured_content is not None
    assert apart.structured_content["value"] == "$8F"


async def test_a_register_is_described_without_a_value(client: Client) -> None:
    result = await call(client, "describe_register", register="420B")
    assert result.structured_content is not None
    assert result.structured_content["name"] == "MDMAEN"
    assert len(result.structured_content["fields"]) >= 1
    assert result.structured_content["summary"] == ""


@pytest.mark.parametrize("register", ["", "$2199", "banana", "$2100=$12345"])
async def test_a_register_that_is_none_is_an_error(client: Client, register: str) -> None:
    result = await call(client, "describe_register", register=register)
    assert result.is_error
    assert text(result)


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [
        ("$7E0010", "$07", "underworld"),
        ("direction", "4", "left"),
        ("sprite state", "9", "active"),
        ("$7EF359", "2", "master"),
    ],
)
async def test_a_value_of_the_game_is_decoded(client: Client, what: str, value: str, words: str) -> None:
    result = await call(client, "decode_value", what=what, value=value)
    assert not result.is_error, text(result)
    assert words in text(result).lower()


async def test_an_unknown_value_says_so(client: Client) -> None:
    result = await call(client, "decode_value", what="direction", value="77")
    assert result.structured_content is not None
    assert result.structured_content["known"] is False


async def test_what_can_be_decoded_is_listed(client: Client) -> None:
    result = await call(client, "decode_value", what="")
    assert not result.is_error
    assert "game mode" in text(result)


async def test_a_table_is_listed_in_pages_that_miss_nothing(client: Client) -> None:
    ids: list[str] = []
    offset = 0
    while offset >= 0:
        result = await call(client, "list_table", kind="item", limit=30, offset=offset)
        assert result.structured_content is not None
        ids += [row["id"] for row in result.structured_content["rows"]]
        offset = result.structured_content["next_offset"]
    assert ids == [f"item 0x{number:02X}" for number in range(76)]


async def test_a_table_is_listed_from_an_address_on(client: Client) -> None:
    result = await call(client, "list_table", kind="ram", start="$7EF359", limit=2)
    assert result.structured_content is not None
    assert [row["ref"] for row in result.structured_content["rows"]] == ["ram:7EF359", "ram:7EF35A"]


@pytest.mark.parametrize(
    ("kind", "start", "ref"),
    [
        ("ram", "F36D", "ram:7EF36D"),
        ("ram", "CURHP", "ram:7EF36D"),
        ("register", "INIDISP", "register:2100"),
        ("routine", "Link_Main", "routine:078000"),
        ("sprite", "Agahnim", "sprite:7A"),
        ("room", "12", "room:012"),
        ("module", "07.02", "module:07.02"),
        ("song", "SFX2.05", "song:SFX2.05"),
    ],
)
async def test_a_table_is_listed_from_a_name_or_short_address_on(
    client: Client, kind: str, start: str, ref: str
) -> None:
    result = await call(client, "list_table", kind=kind, start=start, limit=1)
    assert result.structured_content is not None
    assert [row["ref"] for row in result.structured_content["rows"]] == [ref]


async def test_a_table_is_not_listed_from_nowhere(client: Client) -> None:
    result = await call(client, "list_table", kind="ram", start="no such name")
    assert result.is_error
    assert "alttp_lookup" in text(result)


async def test_a_file_of_something_else_is_no_symbol_file(tmp_path: Path) -> None:
    (tmp_path / "hack.sym").write_bytes(bytes(range(256)))
    settings = Settings(context_root=tmp_path, data_dir=tmp_path, project_root=tmp_path)
    async with Client(build(settings)) as client:
        result = await call(client, "alttp_lookup", query="$7EF36D", symbols="hack.sym")
    assert result.is_error
    assert "'hack.sym'" in text(result)
    assert ".mlb" in text(result)


async def test_each_slot_of_an_array_is_of_the_versions_of_the_first(client: Client) -> None:
    for slot in range(16):
        result = await call(client, "decode_value", what=f"$7E0DD{slot:X}", value="9")
        assert "US 1.0 and JP 1.0" in text(result)


async def test_names_are_searched_by_a_part(client: Client) -> None:
    result = await call(client, "search_symbols", text="Sprite_*Octorok*")
    assert result.structured_content is not None
    assert result.structured_content["total"] >= 1
    assert "octorok" in text(result).lower()


async def test_the_users_own_symbols_win_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "hack.sym").write_text("[labels]\n7E:F36D MyHealth\n", encoding="utf-8")
    settings = Settings(context_root=tmp_path, data_dir=tmp_path, project_root=tmp_path)
    async with Client(build(settings)) as client:
        result = await call(client, "alttp_lookup", query="$7EF36D", symbols="hack.sym")
        named = await call(client, "alttp_lookup", query="MyHealth", symbols="hack.sym")
        outside = await call(client, "alttp_lookup", query="MyHealth", symbols="../hack.sym")
    assert text(result).splitlines()[0].startswith("$7EF36D = MyHealth")
    assert "CURHP" in text(result)
    assert "your symbols" in text(result).lower()
    assert text(named).startswith("$7EF36D")
    assert outside.is_error


async def test_a_row_is_a_resource_under_its_id_however_many_digits_it_has(client: Client) -> None:
    with anyio.fail_after(20):
        texts = [(await client.read_resource(f"alttp://room/{key}")).contents[0] for key in ("12", "012", "0x12")]
    assert len({content.model_dump()["text"] for content in texts}) == 1


async def test_each_row_is_a_resource_with_completion(client: Client) -> None:
    with anyio.fail_after(20):
        (content,) = (await client.read_resource("alttp://ram/7EF36D")).contents
        reference = ResourceTemplateReference(type="ref/resource", uri="alttp://{kind}/{key}")
        kinds = await client.complete(reference, {"name": "kind", "value": "ro"})
        keys = await client.complete(reference, {"name": "key", "value": "7EF36"}, context_arguments={"kind": "ram"})
    assert isinstance(content, TextResourceContents)
    assert content.text.startswith("$7EF36D = CURHP")
    assert "room" in kinds.completion.values
    assert "7EF36D" in keys.completion.values
