"""The habits of the house that no linter knows. Each list of exceptions may only shrink: a stale entry fails too."""

import ast
import importlib.metadata
import io
import json
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schemas", "knowledge", "servers", "runner", "benchmarks")

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
LONGEST_TOOL = 10
LARGEST_FILE = 300_000

LONG_MODULES: dict[str, str] = {
    "knowledge/m65816/cpu_python.py": "generated",
    "knowledge/m65816/cpu_python_recorded.py": "generated",
}
"""path -> why it may have more than 400 lines."""
LONG_FUNCTIONS: dict[str, str] = {
    "knowledge/m65816/cpu_python.py::run": "generated",
    "knowledge/m65816/cpu_python_recorded.py::run": "generated",
}
"""path::name -> why it may have more than 40 lines."""
LARGE_FILES: dict[str, str] = {
    "knowledge/alttp/data.csv": "table of facts",
    "knowledge/alttp/ram.csv": "table of facts",
    "knowledge/alttp/relations.txt": "table of facts",
    "knowledge/alttp/review_rom.csv": "reviewed edits of the table of ROM labels",
    "knowledge/alttp/review_ram.csv": "reviewed edits of a table of facts, each with its reason",
    "knowledge/alttp/routines.csv": "table of facts",
    "knowledge/alttp/sublabels.csv": "table of facts",
    "knowledge/m65816/cpu_python.py": "generated",
    "knowledge/m65816/cpu_python_recorded.py": "generated",
}
"""path -> why it may have more than 300 KB."""
PRINTING: dict[str, str] = {}
"""path -> why it may print; the command line modules use click.echo."""
FILE_OPENERS = {
    "servers/machine/asar_place.py": "the private workspace of one call",
    "servers/machine/asar_fetch.py": "installs a checked program below the data folder",
    "servers/machine/beneath_files.py": "the way to a file below a root: what is open",
    "servers/machine/beneath_root.py": "the way to a file below a root",
    "servers/machine/beneath_walk.py": "the way to a file below a root: whole trees",
    "servers/machine/landlock.py": "descriptors of the folders that a confined program may read",
    "servers/machine/linked_program.py": "a program of the system and its libraries, beside a confined run",
    "servers/machine/openat2.py": "the system call under beneath",
    "servers/machine/process_start.py": "/proc of the confined program",
    "servers/machine/sandbox_choice.py": "the canary of a sandbox",
    "servers/machine/sandbox_marks.py": "/proc of confined programs",
    "servers/machine/shell_choice.py": "the canary of a shell's sandbox",
    "servers/machine/shell_copy.py": "copies a workspace for another user, through no link",
    "servers/machine/shell_folders.py": "open folders of a workspace, entered through no link",
    "servers/machine/shell_places.py": "the private folder of a copy: its lock",
    "servers/machine/shell_profile.py": "how many processes the machine runs",
    "servers/machine/shell_return.py": "brings what a command changed back, through no link",
    "servers/machine/shell_run.py": "the root of a run, and the copy of it",
    "servers/machine/shell_seals.py": "moves what a command planted out of a workspace, through no link",
    "servers/machine/shell_spare.py": "the root of a sandbox made ahead, the copy of it, and the tables of mounts",
    "servers/machine/spare_network.py": "names a network by its descriptor",
    "servers/machine/store.py": "whole files, atomically",
    "servers/machine/text_index_file.py": "sets a broken SQLite file of the search aside",
    "servers/machine/walk.py": "the fallback of openat2",
    "servers/machine/windows_files.py": "the way to a file below a root on Windows: locks",
    "servers/machine/windows_handles.py": "the way to a file below a root on Windows: final paths",
    "servers/machine/windows_root.py": "the way to a file below a root on Windows",
}
"""path -> why this room of the servers opens files itself; all others go through beneath or store."""
AVOIDED = frozenset(
    [
        "base",
        "common",
        "core",
        "engine",
        "fastmcp",
        "harness",
        "helper",
        "helpers",
        "manager",
        "misc",
        "orchestrator",
        "util",
        "utils",
    ]
)
"""Words that say nothing, or that another project owns: in no name of a module, a class or a function."""
POLLING = {
    "tests/servers/test_sandbox.py": "waits until another process is gone, which nothing announces",
    "tests/servers/test_workspace_shell_ahead.py": "waits until a sandbox waits, then until it is gone",
    "tests/servers/test_workspace_shell_ends.py": "waits until another process is there, then gone",
}
"""path of a test -> why it looks again and again, in a bounded wait."""
SLEEPS = frozenset(["time.sleep", "time.time", "asyncio.sleep", "anyio.sleep", "anyio.sleep_until"])
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
)
MACHINE_PATH = re.compile(r"/(?:work/(?:main|shared)|home/[a-z]+/|Users/[A-Za-z]+/|root/\.(?:pyenv|local|cache))")
CHANGES = frozenset(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"])


@cache
def files() -> tuple[str, ...]:
    """Every file that is tracked, or new and not ignored, as a path below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return tuple(sorted(name for name in listed.decode("utf-8").split("\0") if name and (ROOT / name).is_file()))


def modules(*, tests: bool) -> tuple[str, ...]:
    folders = (*PACKAGES, "tests", "docs", ".ci") if tests else (*PACKAGES, "docs", ".ci")
    return tuple(name for name in files() if name.endswith(".py") and name.split("/")[0] in folders)


def suites() -> tuple[str, ...]:
    return tuple(name for name in modules(tests=True) if Path(name).name.startswith("test_"))


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), name)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(name: str) -> Iterator[Function]:
    return (node for node in ast.walk(tree(name)) if isinstance(node, Function))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (child for child in ast.walk(node) if isinstance(child, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def keywords(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def comments(name: str) -> Iterator[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(text(name)).readline)
    return (token for token in tokens if token.type == tokenize.COMMENT)


def readable(name: str) -> str:
    data = (ROOT / name).read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", "replace")


def test_an_init_file_holds_a_docstring_and_nothing_else() -> None:
    inits = [name for name in modules(tests=True) if name.endswith("__init__.py")]
    assert len(inits) >= len(PACKAGES)
    assert [name for name in inits if len(tree(name).body) != 1 or not ast.get_docstring(tree(name))] == []


def test_a_module_opens_with_a_docstring_that_says_what_the_room_is() -> None:
    assert [name for name in modules(tests=False) if not ast.get_docstring(tree(name))] == []


def test_a_module_has_at_most_400_lines() -> None:
    long = {name for name in modules(tests=True) if text(name).count("\n") > LONGEST_MODULE}
    assert long == set(LONG_MODULES)


def test_a_function_has_at_most_40_lines() -> None:
    long = {
        f"{name}::{function.name}"
        for name in modules(tests=True)
        for function in functions(name)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION and function.name != "build"
    }
    assert long == set(LONG_FUNCTIONS)


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_a_tool_has_at_most_10_lines_under_its_docstring() -> None:
    offered = [
        (name, function)
        for name in modules(tests=False)
        for function in functions(name)
        if any(isinstance(item, ast.Call) and called(item).endswith(".offer") for item in function.decorator_list)
    ]
    assert len(offered) >= len(json.loads(text("mcp.json"))["mcpServers"])
    assert [f"{name}::{tool.name}" for name, tool in offered if body_lines(tool) > LONGEST_TOOL] == []


def test_nothing_prints_but_the_command_line() -> None:
    printing = {name for name in modules(tests=False) if any(called(call) == "print" for call in calls(tree(name)))}
    assert printing == set(PRINTING)


def test_no_test_sleeps_or_looks_at_the_wall_clock() -> None:
    assert {name for name in suites() if any(called(call) in SLEEPS for call in calls(tree(name)))} == set(POLLING)


def test_every_test_is_a_flat_function_whose_name_is_a_sentence() -> None:
    classes = [
        f"{name}: class {node.name}"
        for name in suites()
        for node in tree(name).body
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    ]
    short = [
        f"{name}::{function.name}"
        for name in suites()
        for function in functions(name)
        if re.fullmatch(r"test(_[a-z0-9]+){1,3}", function.name)
    ]
    assert (classes, short) == ([], [])


def judges(node: ast.AST) -> bool:
    told = any(isinstance(child, ast.Assert) for child in ast.walk(node))
    return told or any(called(call) in ("pytest.raises", "pytest.fail", "raises") for call in calls(node))


def test_every_test_asserts_something() -> None:
    silent: list[str] = []
    for name in suites():
        judging = {function.name for function in functions(name) if judges(function)}
        silent += [
            f"{name}::{function.name}"
            for function in functions(name)
            if function.name.startswith("test_")
            if function.name not in judging and not judging & {called(call) for call in calls(function)}
        ]
    assert silent == []


def test_an_ignored_finding_has_its_code_and_a_reason() -> None:
    form = re.compile(r"(type: ignore|pyright: ignore|noqa)(\[[\w, -]+\]|: [A-Z]+\d+(, ?[A-Z]+\d+)*)\s+#\s*\S.{7,}")
    bare = [
        f"{name}:{token.start[0]} {token.string}"
        for name in modules(tests=True)
        for token in comments(name)
        if re.search(r"#\s*(type: ignore|pyright: ignore|noqa)\b", token.string) and not form.search(token.string)
    ]
    assert bare == []


def lacks_encoding(call: ast.Call) -> bool:
    name, given = called(call).rsplit(".", 1)[-1], keywords(call)
    if "encoding" in given:
        return False
    if name in ("read_text", "write_text"):
        return isinstance(call.func, ast.Attribute)
    if not called(call).startswith("subprocess."):
        return False
    return any(word.arg in ("text", "universal_newlines") for word in call.keywords)


def test_text_is_read_and_written_with_an_encoding() -> None:
    found = [
        f"{name}:{call.lineno} {called(call)}"
        for name in modules(tests=True)
        for call in calls(tree(name))
        if lacks_encoding(call)
    ]
    assert found == []


def test_no_file_names_a_path_of_one_machine_or_the_host_of_a_package_registry() -> None:
    found: list[str] = []
    for name in files():
        content = readable(name)
        found += [f"{name}: {match.group()}" for match in MACHINE_PATH.finditer(content)]
        found += [f"{name}: {host}" for host in HOSTS if re.search(rf"\b{re.escape(host)}\b", content)]
    assert [line for line in found if not line.startswith("tests/test_house.py")] == []


def test_every_console_script_and_command_group_exists_and_loads() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = {("console_scripts", *item) for item in project["scripts"].items()}
    wanted |= {("afs.commands", *item) for item in project["entry-points"]["afs.commands"].items()}
    points = importlib.metadata.distribution("afs-suite").entry_points
    assert {(point.group, point.name, point.value) for point in points} == wanted
    assert [point.name for point in points if not callable(point.load())] == []


def test_every_package_says_that_it_is_typed() -> None:
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []


def words(identifier: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier)
    return set(spaced.lower().split("_"))


def test_no_name_says_nothing() -> None:
    named = [(name, Path(name).stem) for name in modules(tests=True)]
    for name in modules(tests=True):
        defined = (node for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef | Function))
        named += [(name, node.name) for node in defined if not node.name.startswith("test_")]
    vague = [f"{name}: {identifier}" for name, identifier in named if words(identifier) & AVOIDED]
    assert vague == []
    assert [f"{name}: {identifier}" for name, identifier in named if {"zero", "page"} <= words(identifier)] == []


def opens_files(call: ast.Call) -> bool:
    name = called(call)
    if name in ("open", "os.open", "io.open", "os.replace", "os.rename", "os.unlink", "os.mkdir", "os.makedirs"):
        return True
    leaf = name.rsplit(".", 1)[-1]
    return "." in name and leaf in ("read_text", "read_bytes", "write_text", "write_bytes", "touch", "iterdir", "rglob")


def test_the_servers_reach_files_only_through_beneath_and_store() -> None:
    rooms = [name for name in modules(tests=False) if name.startswith("servers/")]
    assert {name for name in rooms if any(map(opens_files, calls(tree(name))))} == set(FILE_OPENERS)


def test_no_file_is_larger_than_300_kilobytes_but_the_tables() -> None:
    assert {name for name in files() if (ROOT / name).stat().st_size > LARGEST_FILE} <= set(LARGE_FILES)


def test_the_changelog_keeps_the_form_of_keep_a_changelog() -> None:
    lines = text("CHANGELOG.md").splitlines()
    releases = [line for line in lines if line.startswith("## ")]
    assert lines[0] == "# Changelog"
    assert releases[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in releases[1:])
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= CHANGES
    after = lines[lines.index(releases[0]) + 1 :]
    assert all(re.match(r"- |  |#|\[|$", line) for line in after)


def test_mcp_json_lists_the_servers_that_have_a_console_script_and_nothing_else() -> None:
    entries = json.loads(text("mcp.json"))["mcpServers"]
    scripts = tomllib.loads(text("pyproject.toml"))["project"]["scripts"]
    served = {name for name, target in scripts.items() if ".server:" in target}
    assert {entry["command"] for entry in entries.values()} == served
    assert {name: entry["command"] for name, entry in entries.items()} == {
        name: "afs-" + name.removeprefix("afs-") for name in entries
    }
    assert list(entries) == sorted(entries)


def test_the_lock_names_everything_that_the_project_asks_for() -> None:
    done = subprocess.run([sys.executable, ".ci/lock.py", "--check"], cwd=ROOT, check=False, capture_output=True)
    assert (done.returncode, done.stderr.decode("utf-8")) == (0, "")
