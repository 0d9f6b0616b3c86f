"""The shared path cases, through the tools of the servers: what may be reached and what may not."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import TextContent

from benchmarks.bench_swap import attacked, place_in
from servers.context.server import build as build_context
from servers.machine.face import Face
from servers.settings import Settings
from servers.workspace.server import build as build_workspace

pytestmark = pytest.mark.anyio

ALLOWED = ("allow", "allow_if_root_is_lnk", "terminates", "no_ctrl")
DENIED = ("deny", "deny_fast", "deny_and_absent")
RACES = 200


class Served(NamedTuple):
    """A server, and the tool and the names of the arguments for each operation of the cases."""

    build: Callable[[Settings], Face]
    tools: dict[str, tuple[str, ...]]
    replacing: str
    absolute: bool


SERVED = {
    "workspace": Served(
        build_workspace,
        {
            "read": ("read_file", "path"),
            "write": ("write_file", "path", "content"),
            "mkdir": ("make_directory", "path"),
            "list": ("list_files", "path"),
            "move": ("move_file", "source", "destination"),
            "search": ("list_files", "path", "pattern"),
        },
        "write",
        absolute=True,
    ),
    "context": Served(
        build_context,
        {
            "read": ("read_context", "path"),
            "write": ("write_context", "path", "content"),
            "list": ("list_context", "path"),
            "search": ("search_context", "path", "query"),
        },
        "replace",
        absolute=False,
    ),
}
LEAST = {"workspace": 54, "context": 49}


def rows(shared: Path, served: Served) -> Iterator[dict[str, Any]]:
    for line in (shared / "cases" / "path_cases.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["kind"] == "fs" and row["platform"] in ("posix", "linux") and row["op"] in served.tools:
            yield row


def fill(text: str, place: Path, *, absolute: bool) -> str:
    """Put the case's folders into a path; one below the root becomes relative where a server wants that."""
    root = str(place / "root")
    marks = {"{R}": root, "{O}": str(place / "out"), "{B}": str(place), "{RUP}": root.upper()}
    for mark, value in marks.items():
        text = text.replace(mark, value)
    if absolute:
        return text
    return "" if text == root else text.removeprefix(root + "/").removeprefix(str(place / "lnk") + "/")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@contextlib.contextmanager
def prepared(row: dict[str, Any], place: Path) -> Generator[bool]:
    """Set a case up; False where this user cannot."""
    (place / "root").mkdir(parents=True)
    (place / "out").mkdir()
    folders = {"R": str(place / "root"), "O": str(place / "out"), "B": str(place)}
    mounted = "mount" in row["setup"]
    setup = f"echo SECRET > $O/secret; mkdir $R/m; {row['setup'].rpartition(')')[2]}" if mounted else row["setup"]
    env = {**os.environ, **folders}
    done = subprocess.run(["sh", "-c", setup], env=env, capture_output=True, timeout=60, check=not mounted)
    try:
        yield done.returncode == 0
    finally:
        if mounted and not done.returncode:
            subprocess.run(["umount", "-l", str(place / "root" / "m")], timeout=60, check=True)


async def asked(client: Client, served: Served, row: dict[str, Any], place: Path) -> tuple[bool, str]:
    tool, *names = served.tools[row["op"]]
    given: list[str] = [row["input"]] if isinstance(row["input"], str) else row["input"]
    values = [fill(value, place, absolute=served.absolute) for value in given]
    arguments = dict(zip(names, (*values, "NEW CONTENT"), strict=False))
    if row["op"] == "write":
        arguments["mode"] = served.replacing
    with anyio.fail_after(30):
        result = await client.call_tool(tool, arguments)
    (block,) = result.content
    assert isinstance(block, TextContent)
    return not result.is_error, block.text


def wrong(row: dict[str, Any], place: Path, *, allowed: bool, text: str) -> str:
    """Return what the case forbids and happened; empty when all is well."""
    rule, _, target = str(row["expected"]).partition(":")
    there = Path(fill(target, place, absolute=True)) if target else place
    problems = {
        "leaked": "SECRET" in text and rule != "policy",
        "refused": rule in ALLOWED and not allowed,
        "allowed": rule in DENIED and allowed,
        "made": rule in ("deny_and_absent", "outside_absent") and there.exists(),
        "raw": any(ord(character) < 32 and character not in "\n\t" for character in text),
        "shown": rule == "lacks" and str(place / "out") in text,
        "told": str(place / "out") in text and "{O}" not in str(row["input"]) and "/out" not in str(row["input"]),
    }
    return ", ".join(name for name, bad in problems.items() if bad)


@pytest.mark.parametrize("name", SERVED)
async def test_the_shared_path_cases_hold(shared: Path, tmp_path: Path, name: str) -> None:
    served, failures, count = SERVED[name], list[str](), 0
    for number, row in enumerate(rows(shared, served)):
        if row["expected"] == "never_outside":
            continue
        place = tmp_path / str(number)
        with prepared(row, place) as ready:
            if not ready:
                continue
            before = contents(place / "out")
            root = place / "lnk" if row["expected"] == "allow_if_root_is_lnk" else place / "root"
            settings = Settings(context_root=root, project_root=root, data_dir=place / "data")
            async with Client(served.build(settings)) as client:
                allowed, text = await asked(client, served, row, place)
            problem = wrong(row, place, allowed=allowed, text=text)
            if contents(place / "out") != before:
                problem += ", changed outside"
        count += 1
        if problem:
            failures.append(f"{row['case']}: {problem}: {text[:200]}")
    assert failures == []
    assert count >= LEAST[name] - (os.geteuid() != 0)


@pytest.mark.parametrize("name", SERVED)
async def test_the_races_of_the_shared_path_cases_are_never_won(shared: Path, tmp_path: Path, name: str) -> None:
    served = SERVED[name]
    races = [row for row in rows(shared, served) if row["expected"] == "never_outside"]
    assert {row["op"] for row in races} == {"read", "write"}
    for row in races:
        made = place_in(tmp_path / row["op"])
        before = contents(made.outside)
        settings = Settings(context_root=made.root, project_root=made.root, data_dir=tmp_path / "data")
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(attacked(made, "exchange"))
            except RuntimeError as error:
                pytest.skip(str(error))
            async with Client(served.build(settings)) as client:
                for _ in range(RACES):
                    _, text = await asked(client, served, row, tmp_path / row["op"])
                    assert "SECRET" not in text
        assert contents(made.outside) == before
