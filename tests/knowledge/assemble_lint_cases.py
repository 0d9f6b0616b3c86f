"""Writes what asar makes of the linter's cases: `python -m tests.knowledge.assemble_lint_cases`."""

from collections.abc import Iterable
from pathlib import Path

import anyio

from knowledge.m65816.program import Block
from servers.machine.asar import assemble_code
from servers.settings import Settings
from tests.knowledge.lint_cases import CORPUS, KNOWN_GOOD, Case, Made, cases, examples


async def assembled(wanted: Iterable[Case]) -> dict[str, Made]:
    """Assemble cases with the real asar, two at a time. AssertionError for one that does not assemble."""
    settings = Settings.from_environment()
    found: dict[str, Made] = {}
    limit = anyio.CapacityLimiter(2)

    async def one(case: Case) -> None:
        async with limit:
            made = await assemble_code(case.text, settings)
        assert made.ok, f"{case.key}: {[item.message for item in made.diagnostics]}"
        symbols = "\n".join(line for line in made.symbol_text.split("\n") if line and not line.startswith(";"))
        blocks = tuple(Block(block.address, block.data) for block in made.blocks)
        found[case.key] = Made(made.mapper, blocks, symbols)

    async with anyio.create_task_group() as tasks:
        for case in wanted:
            tasks.start_soon(one, case)
    return found


async def write(file: Path, wanted: list[Case]) -> None:
    """Write one file, a case a line."""
    made = await assembled(wanted)
    lines = [made[case.key].as_line(case) for case in wanted]
    await anyio.Path(file).write_text("".join(lines), encoding="utf-8", newline="\n")


async def main() -> None:
    """Write all files."""
    await write(CORPUS / "assembled.jsonl", list(cases(CORPUS)))
    await write(CORPUS / "examples.jsonl", list(examples()))
    await write(KNOWN_GOOD / "assembled.jsonl", list(cases(KNOWN_GOOD)))


if __name__ == "__main__":
    anyio.run(main)
