"""Random calls by the schemas of every server of mcp.json: none crashes a server, no malformed one is accepted.

`AFS_FUZZ_EXAMPLES=300` makes that many calls of each sort for each tool, at random; without it few, always the same.
"""

import importlib
import importlib.metadata
import json
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.from_thread
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent

from servers.machine.wire import RESULT_LIMIT
from servers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERVERS: dict[str, dict[str, Any]] = json.loads((ROOT / "mcp.json").read_text(encoding="utf-8"))["mcpServers"]
EXAMPLES = int(os.environ.get("AFS_FUZZ_EXAMPLES") or 0)
FEW = 5
SECRET = "what lies outside"
Schema = dict[str, Any]

fuzzing = settings(
    max_examples=EXAMPLES or FEW,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

WORDS = (
    *(
        "",
        " ",
        ".",
        "..",
        "/",
        "*",
        "a.md",
        "memory/a.md",
        "memory/common/a.md",
        "sub",
        "sub/b.asm",
        "state.md",
        "new.md",
    ),
    *(
        "../outside/secret.md",
        "out/secret.md",
        "/etc/passwd",
        "a.md/x",
        "-rf",
        "a\nb",
        "a\0b",
        "\x1b[2J",
        "\ud800",
        "\\xff",
    ),
    *(
        "LDA #$10",
        "LDA $7EF36D : RTS",
        "!x = !y",
        "%macro(",
        "org $008000",
        "db $FF,$FF",
        "A9 10 60",
        "$7EF36D",
        "0x7EF36D",
    ),
    *(
        "Link's health",
        "(a|b",
        "(a+)+$",
        "[[",
        "{}",
        "null",
        "true",
        "NaN",
        "-1",
        "1e999",
        "\u202e",
        "\uffff",
        "\U0001f600" * 50,
    ),
    *("x" * 5_000, "\ufdfa" * 3_000, "a=1", "A=FF", "tests/x.sfc", "echo hi", "cat a.md", "exit 3", "ls /; id"),
)
"""What agents, confused models and attackers write, and what is there."""
texts = st.one_of(st.sampled_from(WORDS), st.text(st.characters(), max_size=40))


class Tried(NamedTuple):
    """A server under test: its tools with their input schemas, and what calls one."""

    tools: dict[str, Schema]
    call: Callable[[str, dict[str, Any]], CallToolResult]
    read: Callable[[str], None]
    outside: Path


def lay(folder: Path) -> Settings:
    """Make a context, a project and a file outside, to which a link leads."""
    for name in ("context/memory/common", "context/scratchpad/common", "context/.afs", "project/sub", "outside"):
        (folder / name).mkdir(parents=True)
    (folder / "context/.afs/layout.toml").write_text("version = 2\n", encoding="utf-8")
    for name in ("context/memory/common/a.md", "context/scratchpad/common/state.md", "project/a.md"):
        (folder / name).write_text("# Link's health\n\nLDA $7EF36D\n", encoding="utf-8")
    (folder / "project/sub/b.asm").write_text(
        "org $008000\nReset:\n    LDA #$10 : STA $7EF36D\n    RTS\n", encoding="utf-8"
    )
    (folder / "outside/secret.md").write_text(SECRET, encoding="utf-8")
    for place in ("project", "context", "context/memory/common", "context/scratchpad/common"):
        (folder / place / "out").symlink_to(folder / "outside")
    return Settings(context_root=folder / "context", data_dir=folder / "data", project_root=folder / "project")


class Portal(NamedTuple):
    """One client that stays connected while synchronous code calls it."""

    portal: anyio.from_thread.BlockingPortal
    client: Client

    def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        async def ask() -> CallToolResult:
            with anyio.fail_after(90):
                return await self.client.call_tool(tool, arguments)

        return self.portal.call(ask)

    def read(self, uri: str) -> None:
        async def ask() -> None:
            with anyio.fail_after(90):
                await self.client.read_resource(uri)

        self.portal.call(ask)


@contextmanager
def connected(name: str, folder: Path) -> Generator[Tried]:
    (point,) = importlib.metadata.entry_points(group="console_scripts", name=SERVERS[name]["command"])
    face = importlib.import_module(point.module).build(lay(folder))
    with (
        ExitStack() as stack,
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(face)) as client,
    ):
        stack.callback(face.end)
        listed = portal.call(client.list_tools).tools
        talk = Portal(portal, client)
        yield Tried({tool.name: tool.input_schema for tool in listed}, talk.call, talk.read, folder / "outside")


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a parameter's schema lets through."""
    kind = schema["type"]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "array":
        return st.lists(values(schema["items"]), max_size=min(schema.get("maxItems", 6), 6))
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)
        numbers = st.one_of(st.sampled_from([low, high, 2**53, -(2**63)]), st.integers(low, high), st.just(10**400))
        if "minimum" in schema or "maximum" in schema:
            numbers = st.one_of(st.sampled_from([low, high]), st.integers(low, high))
        return st.one_of(numbers, st.floats(low, high)) if kind == "number" else numbers
    return texts.map(lambda text: text[: schema.get("maxLength", len(text))])


def arguments(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that a tool's schema lets through, most optional ones left out."""
    needed = set(schema.get("required", ()))
    fields = {name: values(item) for name, item in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in needed},
        optional={name: field for name, field in fields.items() if name not in needed},
    )


STRANGE: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    7,
    1.5,
    10**30,
    10**400,
    float("inf"),
    float("nan"),
    "text",
    "5",
    "1.5",
    "true",
    "[]",
    "{}",
    [],
    ["x"],
    [1],
    [[]],
    [None],
    {},
    {"a": 1},
)
"""Values of every type that JSON has."""


def breaks(schema: Schema, given: Any) -> bool:
    """Whether arguments break a schema, by a validator that is not ours."""
    try:
        jsonschema.validate(given, schema, cls=jsonschema.Draft202012Validator)
    except jsonschema.ValidationError:
        return True
    return False


def malformed(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that break the schema in one place: a value, a missing or an unknown name."""
    names = sorted(schema["properties"])
    strange: list[Any] = [
        *STRANGE,
        *(item["maximum"] + 1 for item in schema["properties"].values() if "maximum" in item),
    ]
    strange += [item["minimum"] - 1 for item in schema["properties"].values() if "minimum" in item]
    strange += ["x" * (item["maxLength"] + 1) for item in schema["properties"].values() if "maxLength" in item]
    strange += [["x"] * (item["maxItems"] + 1) for item in schema["properties"].values() if "maxItems" in item]

    @st.composite
    def broken(draw: st.DrawFn) -> dict[str, Any]:
        given = draw(arguments(schema))
        way = draw(st.sampled_from(["value", "value", "missing", "unknown"]))
        if way == "unknown" or not names:
            return {**given, draw(st.sampled_from(["no_such", "Path", "", "self", "ctx", "__class__"])): "x"}
        if way == "missing" and schema.get("required"):
            gone = draw(st.sampled_from(sorted(schema["required"])))
            return {name: value for name, value in given.items() if name != gone}
        wrong = st.tuples(st.sampled_from(names), st.sampled_from(strange))
        name, value = draw(wrong.filter(lambda pair: breaks(schema, {**given, pair[0]: pair[1]})))
        return {**given, name: value}

    return broken()


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def problem(tool: str, given: dict[str, Any], result: CallToolResult) -> str:
    """What is wrong with an answer; empty when all is well."""
    text, structured = said(result), json.dumps(result.structured_content or {})
    if result.is_error and (text.startswith("Error executing tool") or len(text) < 15):
        return f"{tool} crashed on {given!r}: {text}"
    if len(text) > RESULT_LIMIT or re.search("[\x00\x1b\ud800-\udfff]|Traceback", text):
        return f"{tool} leaks on {given!r}: {text[:300]!r}"
    if SECRET in text or SECRET in structured:
        return f"{tool} shows the outside on {given!r}"
    return ""


@pytest.fixture(params=sorted(SERVERS))
def tried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tried]:
    with connected(request.param, tmp_path) as server:
        yield server


def test_no_call_that_a_schema_lets_through_crashes_a_server_or_leaves_its_folders(tried: Tried) -> None:
    for tool, schema in tried.tools.items():

        @fuzzing
        @given(given=arguments(schema))
        def holds(tool: str, given: dict[str, Any]) -> None:
            assert problem(tool, given, tried.call(tool, given)) == ""

        holds(tool)
    assert os.listdir(tried.outside) == ["secret.md"]
    assert (tried.outside / "secret.md").read_text(encoding="utf-8") == SECRET


def test_no_malformed_call_is_accepted_and_each_refusal_says_what_is_taken(tried: Tried) -> None:
    for tool, schema in tried.tools.items():

        @fuzzing
        @given(given=malformed(schema))
        def refused(tool: str, schema: Schema, given: dict[str, Any]) -> None:
            result = tried.call(tool, given)
            assert result.is_error, f"{tool} took {given!r}: {said(result)[:200]}"
            assert problem(tool, given, result) == ""
            assert [name for name in schema["properties"] if name not in said(result)] == []

        refused(tool, schema)


URIS = st.builds(
    "{}://{}".format,
    st.sampled_from(["context", "workspace", "file", "x", ""]),
    st.one_of(texts, st.builds("{}/{}".format, st.sampled_from(["memory", "notes", "files", "projects"]), texts)),
)


def test_no_address_of_a_resource_crashes_a_server_or_leaves_its_folders(tried: Tried) -> None:
    @fuzzing
    @given(uri=URIS)
    def holds(uri: str) -> None:
        try:
            tried.read(uri)
        except MCPError as error:
            assert "Internal" not in str(error) and SECRET not in str(error), uri
        except ValueError as error:  # the client's own: no such address can be written
            assert "surrogate" in str(error) or "valid" in str(error).lower(), uri

    holds()
    assert tried.call(next(iter(tried.tools)), {"no_such": 1}).is_error
