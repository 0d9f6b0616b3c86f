"""What the docs say is so: generated parts are fresh, commands parse, targets, options and files exist."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from runner.agent_cli import run_prompt
from runner.groups import afs

ROOT = Path(__file__).resolve().parent.parent
DOCS = ("README.md", "CONTRIBUTING.md")
FOREIGN = {"uv", ".", "jq", "echo", "git", "cd", "claude", "gemini", "ollama", "pytest"}
"""Programs in the command blocks that are not ours."""
_ASSIGNED = re.compile(r"^[A-Z_]+=")


class Line(NamedTuple):
    """One command of a command block."""

    doc: str
    words: tuple[str, ...]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def command_lines() -> Iterator[Line]:
    for doc in DOCS:
        for block in re.findall(r"^```sh\n(.*?)^```", text(doc), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                yield from (Line(doc, words) for words in split_pipe(line) if words)


def split_pipe(line: str) -> Iterator[tuple[str, ...]]:
    words: list[str] = []
    for word in [*shlex.shlex(line, posix=True, punctuation_chars="|"), "|"]:
        if word == "|":
            yield tuple(words)
            words = []
        else:
            words.append(word)


def plain(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without variables set in front, and without `uv run`."""
    while words and _ASSIGNED.match(words[0]):
        words = words[1:]
    return words[2:] if words[:2] == ("uv", "run") else words


def parse(words: tuple[str, ...]) -> None:
    """Parse a command of ours without running it. Raises click.ClickException."""
    command: click.Command = afs if words[0] == "afs" else run_prompt
    name, rest = words[0], list(words[1:])
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"no command {name}"
        command = found
    command.make_context(name, rest)


def test_the_generated_docs_are_fresh() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, check=False, capture_output=True)
    assert (done.returncode, done.stderr.decode("utf-8")) == (0, "")


def test_every_command_in_the_docs_is_one_that_exists() -> None:
    lines = list(command_lines())
    assert len(lines) > 10
    for line in lines:
        words = plain(line.words)
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets(), line
        elif words[0] in ("afs", "afs-run"):
            parse(words)
        else:
            assert words[0] in FOREIGN, line


def test_every_option_that_readme_names_is_one_of_a_command() -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]+)", text("README.md")))
    known: set[str] = set()
    waiting: list[click.Command] = [afs, run_prompt]
    while waiting:
        command = waiting.pop()
        known |= {option for item in command.params for option in item.opts}
        if isinstance(command, click.Group):
            context = click.Context(command)
            names = command.list_commands(context)
            waiting += [found for name in names if (found := command.get_command(context, name))]
    assert named
    assert named - known - {"--scope", "--check", "--client"} == set()
    assert named & {"--scope", "--check", "--client"} <= known


@pytest.mark.parametrize("doc", DOCS)
def test_every_file_that_a_doc_names_is_there(doc: str) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".venv"}
    named = set(re.findall(r"`([\w.-]+/[\w./-]*)`", text(doc)))
    own = {name for name in named if name.split("/")[0] in folders and not re.search("[A-Z]{4}\\.py", name)}
    assert own
    assert {name for name in own if not (ROOT / name).exists()} == set()


def test_make_help_lists_every_target_that_is_meant_for_people() -> None:
    done = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True)
    told = set(re.findall(r"make ([a-z-]+)", done.stdout.decode("utf-8")))
    assert {"help", "run", "test", "check", "lint", "type", "bench", "docs", "smoke", "clean"} <= told
    assert told <= targets()


def test_every_make_target_that_is_no_file_is_phony() -> None:
    phony = re.search(r"^\.PHONY: ([a-z -]+)", text("Makefile"), re.MULTILINE)
    assert phony is not None
    assert targets() - {"another-python"} == set(phony.group(1).split())
