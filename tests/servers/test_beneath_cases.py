"""The shared path cases, through the tools of the context server: what may be reached and what may not."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from servers.context.server import build
from servers.settings import Settings

pytestmark = pytest.mark.anyio

TOOLS = {"read": "read_context", "write": "write_context", "list": "list_context", "search": "search_context"}


def rows(shared: Path) -> Iterator[dict[str, Any]]:
    with (shared / "cases" / "path_cases.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            here = row["kind"] == "fs" and row["platform"] in ("posix", "linux")
            if here and row["op"] in TOOLS and "race" not in row["setup"] and "mount" not in row["setup"]:
                yield row


def fill(text: str, place: Path) -> str:
    """Put the case's folders into a path; one below the root becomes relative, as the tools want it."""
    root = str(place / "root")
    for mark, value in (("{R}", root), ("{O}", str(place / "out")), ("{B}", str(place)), ("{RUP}", root.upper())):
        text = text.replace(mark, value)
    return "" if text == root else text.removeprefix(root + "/")


def arguments_of(row: dict[str, Any], place: Path) -> dict[str, str]:
    if row["op"] == "search":
        return {"path": fill(row["input"][0], place), "query": row["input"][1]}
    path = fill(row["input"], place)
    more = {"content": "written", "mode": "replace"} if row["op"] == "write" else {}
    return {"path": path, **more}


async def outcome(row: dict[str, Any], place: Path) -> tuple[bool, str]:
    folders = {"R": str(place / "root"), "O": str(place / "out"), "B": str(place)}
    subprocess.run(["sh", "-c", row["setup"]], env={**os.environ, **folders}, check=True, timeout=60)
    root = place / "lnk" if row["expected"] == "allow_if_root_is_lnk" else place / "root"
    arguments = arguments_of(row, place)
    if root.name == "lnk":
        arguments["path"] = row["input"].removeprefix("{B}/lnk/")
    with anyio.fail_after(30):
        async with Client(build(Settings(context_root=root, data_dir=place))) as client:
            result = await client.call_tool(TOOLS[row["op"]], arguments)
    (block,) = result.content
    assert isinstance(block, TextContent)
    return not result.is_error, block.text


def wrong(row: dict[str, Any], place: Path, *, allowed: bool, text: str) -> str:
    """Return what the case forbids and happened; empty when all is well."""
    rule, _, target = str(row["expected"]).partition(":")
    there = Path(fill(target, place)) if target else place
    problems = {
        "leaked": "SECRET" in text and rule != "policy",
        "refused": rule in ("allow", "allow_if_root_is_lnk", "terminates", "no_ctrl") and not allowed,
        "allowed": rule in ("deny", "deny_fast", "deny_and_absent") and allowed,
        "made": rule in ("deny_and_absent", "outside_absent") and there.exists(),
        "changed": rule == "outside_unchanged" and there.read_text(encoding="utf-8") != "SECRET\n",
        "raw": any(ord(character) < 32 and character not in "\n\t" for character in text),
        "shown": rule == "lacks" and str(place / "out") in text,
    }
    return ", ".join(name for name, bad in problems.items() if bad)


async def test_the_shared_path_cases_hold(shared: Path, tmp_path: Path) -> None:
    failures: list[str] = []
    count = 0
    for count, row in enumerate(rows(shared), start=1):
        place = tmp_path / str(count)
        (place / "root").mkdir(parents=True)
        (place / "out").mkdir()
        allowed, text = await outcome(row, place)
        problem = wrong(row, place, allowed=allowed, text=text)
        if problem:
            failures.append(f"{row['case']}: {problem}: {text[:200]}")
    assert failures == []
    assert count >= 48
