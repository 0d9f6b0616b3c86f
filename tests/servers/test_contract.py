"""What every server of mcp.json has in common: one face, held by one set of tests in both protocol eras."""

import importlib
import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
import sysconfig
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import Tool
from pydantic import JsonValue

from servers.machine.face import Face
from servers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERVERS: dict[str, dict[str, Any]] = json.loads((ROOT / "mcp.json").read_text(encoding="utf-8"))["mcpServers"]
ERAS: tuple[Literal["auto", "legacy"], ...] = ("auto", "legacy")
Era = Literal["auto", "legacy"]

LONGEST_NAME = 55
LONGEST_DESCRIPTION = 1_024
LONGEST_INSTRUCTIONS = 500
MOST_PARAMETERS = 8
PLAIN_TYPES = {"string", "integer", "number", "boolean", "array"}
UNSUITED = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "prefixItems", "patternProperties", "const", "title"}
"""Schema keywords that some client drops, rewrites or cannot show to a model."""

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("name", sorted(SERVERS))]
both_eras = pytest.mark.parametrize("era", ERAS)


def console_script(name: str) -> Path:
    return Path(sysconfig.get_path("scripts"), SERVERS[name]["command"])


def face(name: str, folder: Path) -> Face:
    """Build a server as its console script does, over folders that do not exist."""
    (point,) = importlib.metadata.entry_points(group="console_scripts", name=SERVERS[name]["command"])
    build = importlib.import_module(point.module).build
    server = build(Settings(context_root=folder / "context", data_dir=folder / "data", project_root=folder))
    assert isinstance(server, Face)
    return server


@asynccontextmanager
async def connected(name: str, folder: Path, era: Era = "auto") -> AsyncGenerator[Client]:
    server = face(name, folder)
    try:
        with anyio.fail_after(20):
            async with Client(server, mode=era) as client:
                yield client
    finally:
        server.end()


async def tools_of(name: str, folder: Path, era: Era = "auto") -> list[Tool]:
    async with connected(name, folder, era) as client:
        page = await client.list_tools()
        assert page.next_cursor is None
        return page.tools


@both_eras
async def test_a_server_presents_itself_by_its_name_in_mcp_json(name: str, era: Era, tmp_path: Path) -> None:
    async with connected(name, tmp_path, era) as client:
        info, instructions = client.server_info, client.instructions
    assert info is not None
    assert (info.name, info.version) == (name, importlib.metadata.version("afs-suite"))
    assert info.title
    assert instructions and len(instructions) <= LONGEST_INSTRUCTIONS


async def test_building_a_server_touches_no_file(name: str, tmp_path: Path) -> None:
    tools = await tools_of(name, tmp_path)
    assert tools
    assert list(tmp_path.iterdir()) == []


async def test_both_eras_list_the_same_tools(name: str, tmp_path: Path) -> None:
    modern, legacy = await tools_of(name, tmp_path, "auto"), await tools_of(name, tmp_path, "legacy")
    assert [tool.model_dump() for tool in modern] == [tool.model_dump() for tool in legacy]


@both_eras
async def test_names_and_descriptions_fit_every_client(name: str, era: Era, tmp_path: Path) -> None:
    for tool in await tools_of(name, tmp_path, era):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", tool.name)
        assert len(name) + len(tool.name) <= LONGEST_NAME
        assert tool.description and len(tool.description) <= LONGEST_DESCRIPTION
        assert tool.description == inspect.cleandoc(tool.description), f"{tool.name}: the description is indented"


@both_eras
async def test_a_tool_says_whether_it_changes_anything(name: str, era: Era, tmp_path: Path) -> None:
    for tool in await tools_of(name, tmp_path, era):
        hints = tool.annotations
        assert hints is not None
        told = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert None not in told
        assert not (hints.read_only_hint and hints.destructive_hint)


def keywords(schema: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Every keyword of a schema with its place; the names of properties are no keywords."""
    if isinstance(schema, list):
        for item in schema:
            yield from keywords(item, path)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        yield path, key
        if key == "properties" and isinstance(value, dict):
            for name, item in value.items():
                yield from keywords(item, f"{path}/{name}")
        elif key not in ("enum", "default", "examples"):
            yield from keywords(value, path)


def problems_of_parameter(schema: dict[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if kind not in PLAIN_TYPES:
        yield f"type is {kind!r}"
    if not schema.get("description"):
        yield "no description"
    if kind == "array" and schema.get("items", {}).get("type") not in PLAIN_TYPES - {"array"}:
        yield "an array without plain items"
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        yield "an enum of something else than strings"
    if schema.get("additionalProperties") not in (None, False):
        yield "a free map"
    for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if bound in schema and not mentions(schema.get("description", ""), schema[bound]):
            yield f"{bound} {schema[bound]} is not in the description"


def mentions(description: str, number: float) -> bool:
    """A description names a number in plain digits, grouped digits or hexadecimal."""
    digits = description.replace(",", "")
    return f"{number:g}" in digits or str(number) in digits or f"{int(number):x}" in description.lower()


@both_eras
async def test_input_schemas_are_flat_and_described(name: str, era: Era, tmp_path: Path) -> None:
    found: list[str] = []
    for tool in await tools_of(name, tmp_path, era):
        schema = tool.input_schema
        assert schema["type"] == "object"
        properties = schema["properties"]
        assert len(properties) <= MOST_PARAMETERS
        found += [f"{tool.name}{path}: {key}" for path, key in keywords(schema) if key in UNSUITED]
        found += [
            f"{tool.name}.{key}: {word}" for key, item in properties.items() for word in problems_of_parameter(item)
        ]
    assert found == []


@both_eras
async def test_every_tool_has_an_output_schema_without_noise(name: str, era: Era, tmp_path: Path) -> None:
    for tool in await tools_of(name, tmp_path, era):
        assert tool.output_schema and tool.output_schema["type"] == "object"
        assert [path for path, key in keywords(tool.output_schema) if key == "title"] == []


@both_eras
async def test_an_unknown_argument_is_refused_and_the_known_ones_are_named(name: str, era: Era, tmp_path: Path) -> None:
    tools = await tools_of(name, tmp_path, era)
    async with connected(name, tmp_path, era) as client:
        for tool in tools:
            result = await client.call_tool(tool.name, {"no_such_argument": "x"})
            text = " ".join(getattr(block, "text", "") for block in result.content)
            assert result.is_error
            assert "no_such_argument" in text
            assert [known for known in tool.input_schema["properties"] if known not in text] == []


@both_eras
async def test_an_unknown_tool_is_an_error_and_no_crash(name: str, era: Era, tmp_path: Path) -> None:
    async with connected(name, tmp_path, era) as client:
        tools = (await client.list_tools()).tools
        for tool, arguments in (("no_such_tool", {}), ("x" * 1_000_000, {}), (tools[0].name, {"x" * 1_000_000: 1})):
            result = await client.call_tool(tool, arguments)
            text = " ".join(getattr(block, "text", "") for block in result.content)
            assert result.is_error and len(text) < 5_000
            assert tool != "no_such_tool" or all(known.name in text for known in tools)
        assert (await client.list_tools()).tools


HOSTILE = ("", "\0", "\x1b[2J", "\ud800", "../../etc/passwd", "x" * 1_000_000, "-rf", "${HOME}", "ﷺ" * 5_000)
"""Arguments that a confused model or an attacker sends; none may be answered by a bare crash."""


async def test_hostile_text_is_answered_and_the_server_lives(name: str, tmp_path: Path) -> None:
    tools = await tools_of(name, tmp_path)
    async with connected(name, tmp_path) as client:
        for tool in tools:
            texts = [key for key, item in tool.input_schema["properties"].items() if item.get("type") == "string"]
            for value in HOSTILE:
                plain = {
                    key: item["enum"][0] for key, item in tool.input_schema["properties"].items() if "enum" in item
                }
                with anyio.fail_after(20):
                    result = await client.call_tool(tool.name, {**dict.fromkeys(texts, value), **plain})
                told = "".join(getattr(block, "text", "") for block in result.content)
                assert told
                assert len(told) <= 40_000
                assert not re.search("[\x00\x1b\ud800-\udfff]", told)
                assert told != f"Error executing tool {tool.name}", f"it crashed on {value[:20]!r}"


@pytest.fixture
def decoy(tmp_path: Path) -> Path:
    """A project folder that holds folders of our packages' names, as any user's may."""
    for package in ("servers", "schemas", "knowledge", "runner"):
        folder = tmp_path / "project" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise ImportError('the decoy was imported')\n", encoding="utf-8")
    return tmp_path / "project"


def environment(folder: Path) -> dict[str, str]:
    return {
        "AFS_CONTEXT_ROOT": str(folder / "context"),
        "AFS_DATA_DIR": str(folder / "data"),
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
    }


@both_eras
async def test_the_console_script_serves_from_a_folder_that_holds_decoys(
    name: str, era: Era, decoy: Path, tmp_path: Path
) -> None:
    params = StdioServerParameters(command=str(console_script(name)), env=environment(tmp_path), cwd=decoy)
    with anyio.fail_after(30):
        async with Client(params, mode=era) as client:
            served = [tool.name for tool in (await client.list_tools()).tools]
    assert served == [tool.name for tool in await tools_of(name, tmp_path)]


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
GARBAGE = (
    b"\n",
    b"not json\n",
    b"[]\n",
    b'{"jsonrpc":"2.0"}\n',
    b"\xff\xfe\x00\n",
    b"[" * 5_000 + b"\n",
    b"{" + b"a" * 99_999 + b"\n",
)


def test_a_server_survives_garbage_and_ends_with_its_input(name: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [console_script(name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path),
        cwd=tmp_path,
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        guard = threading.Timer(30, server.kill)
        guard.start()
        try:
            ask = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}).encode()
            ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
            server.stdin.write(
                json.dumps(INITIALIZE).encode() + b"\n" + ready + b"\n" + b"".join(GARBAGE) + ask + b"\n"
            )
            server.stdin.flush()
            answers: list[dict[str, Any]] = []
            while not any(answer.get("id") == 2 for answer in answers):
                line = server.stdout.readline()
                assert line, "the server ended before it answered"
                answers.append(json.loads(line))
            server.stdin.close()
            assert server.wait(5) == 0
            answers += [json.loads(line) for line in server.stdout]
        finally:
            guard.cancel()
            server.kill()
    assert {answer["jsonrpc"] for answer in answers} == {"2.0"}
    (listed,) = [answer for answer in answers if answer.get("id") == 2]
    assert listed["result"]["tools"]


def test_a_server_imports_nothing_heavy_to_start(name: str) -> None:
    (point,) = importlib.metadata.entry_points(group="console_scripts", name=SERVERS[name]["command"])
    heavy = ["xllamacpp", "numpy", "networkx", "jsonschema", "ollama", "rich", "pip", "python_ripgrep", "grpc"]
    code = f"import sys, mcp.server; old = set(sys.modules); import {point.module}; print(*(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8", timeout=60)
    assert not set(heavy) & set(done.stdout.split())
