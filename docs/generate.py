"""Writes from the servers themselves: README.md's table, docs/tools.md, docs/lint.md and the pins of the tools.

`make docs` writes; `--check` writes nothing and fails, with a diff, when a file is not what it would write.
"""

import argparse
import difflib
import importlib
import importlib.metadata
import inspect
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from mcp.server import MCPServer
from mcp.types import Tool

from knowledge.m65816.lint.catalogue import docs as lint_rules
from runner.trust import definition, digest, made_with
from servers.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
TOOLS = ROOT / "docs" / "tools.md"
LINT = ROOT / "docs" / "lint.md"
PINS = ROOT / "runner" / "pins.json"
BEGIN = "<!-- tools:begin -->"
END = "<!-- tools:end -->"
_NOTE = "<!-- written by `make docs` -->"


class Offer(NamedTuple):
    """A server of mcp.json and what it offers."""

    name: str
    command: str
    instructions: str
    tools: tuple[Tool, ...]


def built(command: str, settings: Settings) -> "MCPServer[Any]":
    """Return the server behind a console script: the `build` of the module that its entry point names."""
    (point,) = importlib.metadata.entry_points(group="console_scripts", name=command)
    server: MCPServer[Any] = importlib.import_module(point.module).build(settings)
    return server


async def offers() -> tuple[Offer, ...]:
    """Return what every server of mcp.json offers, in its order. Starts no process."""
    listed: Mapping[str, Any] = json.loads((ROOT / "mcp.json").read_text(encoding="utf-8"))["mcpServers"]
    found: list[Offer] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(context_root=Path(folder, "context"), data_dir=Path(folder, "data"))
        for name, entry in listed.items():
            server = built(entry["command"], settings)
            tools = tuple(await server.list_tools())
            found.append(Offer(name, entry["command"], server.instructions or "", tools))
    return tuple(found)


def _first_sentence(text: str) -> str:
    line = " ".join(text.split("\n\n", 1)[0].split())
    return line.split(". ", 1)[0].rstrip(".") + "."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _effect(tool: Tool) -> str:
    notes = tool.annotations
    if notes is not None and notes.read_only_hint:
        return "reads"
    return "writes" if notes is None or notes.destructive_hint else "appends"


def table(found: tuple[Offer, ...]) -> str:
    """Return the table for README: server, tool, what it does, what it changes."""
    rows = [
        f"| `{offer.name}` | `{tool.name}` | {_cell(_first_sentence(tool.description or ''))} | {_effect(tool)} |"
        for offer in found
        for tool in offer.tools
    ]
    return "\n".join([_NOTE, "| server | tool | what it does | effect |", "|---|---|---|---|", *rows])


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {schema.get('items', {}).get('type', 'any')}"
    low, high = schema.get("minimum"), schema.get("maximum")
    span = "" if low is None and high is None else f", {'' if low is None else low}..{'' if high is None else high}"
    return f"{schema.get('type', 'any')}{span}"


def _parameters(tool: Tool) -> Iterator[str]:
    properties: Mapping[str, Mapping[str, Any]] = tool.input_schema.get("properties", {})
    required = tool.input_schema.get("required", [])
    if not properties:
        return
    yield from ("", "| parameter | type | default | meaning |", "|---|---|---|---|")
    for name, schema in properties.items():
        default = "required" if name in required else f"`{json.dumps(schema.get('default'))}`"
        yield f"| `{name}` | {_type(schema)} | {default} | {_cell(schema.get('description', ''))} |"


def reference(found: tuple[Offer, ...]) -> str:
    """Return docs/tools.md: every tool with its whole description and its parameters."""
    lines = ["# Tools", "", _NOTE, "What every server offers, in its own words."]
    for offer in found:
        lines += ["", f"## {offer.name}", "", f"Console script `{offer.command}`. {offer.instructions}"]
        for tool in offer.tools:
            lines += ["", f"### {tool.name}", "", f"*{_effect(tool)}*", "", inspect.cleandoc(tool.description or "")]
            lines += _parameters(tool)
    return "\n".join(lines) + "\n"


def rules() -> str:
    """Return docs/lint.md: every rule of the linter."""
    lines = [
        "# What lint finds",
        "",
        _NOTE,
        "Each rule has a stable id. `; lint: ignore AFS201 reason` silences a line, `; lint: off AFS201` and",
        "`; lint: on` a region. The tool `lint` reports errors and warnings unless `level` is `suggestion`.",
        "",
        lint_rules().strip(),
    ]
    return "\n".join(lines) + "\n"


def pins(found: tuple[Offer, ...]) -> str:
    """Return runner/pins.json: the digest of every tool by its server's console script, and what it was made with."""
    servers = {offer.command: {tool.name: digest(definition(tool)) for tool in offer.tools} for offer in found}
    about = "written by `make docs`: what the tools of the suite's own servers are, see runner/trust.py"
    return json.dumps({"about": about, "made_with": made_with(), "servers": servers}, indent=1) + "\n"


def readme(text: str, found: tuple[Offer, ...]) -> str:
    """Return README's text with the table between its two marks.

    Raises:
        SystemExit: the marks are not there.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md needs the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{table(found)}\n{END}{tail}"


def wanted() -> dict[Path, str]:
    """Return the files that this writes, and what they should hold."""
    found = anyio.run(offers)
    own = readme(README.read_text(encoding="utf-8"), found)
    return {README: own, TOOLS: reference(found), LINT: rules(), PINS: pins(found)}


def _old(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def check(files: Mapping[Path, str]) -> int:
    """Return 0 when every file is as wanted; else 1, with the diffs on standard error."""
    code = 0
    for path, text in files.items():
        old, name = _old(path), str(path.relative_to(ROOT))
        diff = difflib.unified_diff(old.splitlines(), text.splitlines(), name, f"{name} by make docs", lineterm="")
        if lines := list(diff):
            sys.stderr.write("\n".join([*lines, f"{name} is stale: run `make docs`\n"]))
            code = 1
    return code


def main() -> int:
    """Write the files, or check them."""
    parser = argparse.ArgumentParser(
        description="Write README's table of tools, docs/tools.md, docs/lint.md and runner/pins.json."
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    files = wanted()
    if parser.parse_args().check:
        return check(files)
    for path, text in files.items():
        if _old(path) != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
