"""The smoke set: ten prompts on the embedded model with the real servers, graded by what the tools returned.

`python -m benchmarks.smoke` (or `make smoke`) prints a table and exits 1 below nine right of ten. An answer is right
when it names every fact of its item, and each of them stands in a good tool result of the same run.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import anyio
import click
from rich.console import Console
from rich.table import Table

from runner.config import load_config, shipped_config
from runner.conversation import Conversation, allowed
from runner.experts import DEFAULT, Experts, load_experts
from runner.models.model import Model
from runner.models.open import open_model
from runner.toolbox import Toolbox
from schemas.frozen import Frozen
from schemas.run import Run
from servers.settings import Settings

__all__ = ["Graded", "SmokeItem", "grade", "load_items"]

ITEMS = Path(__file__).with_name("smoke.jsonl")
NEEDED = 9


class SmokeItem(Frozen):
    """A prompt and the facts that its answer has to name."""

    id: str
    prompt: str
    facts: tuple[str, ...]
    expert: str = DEFAULT


class Graded(NamedTuple):
    """One item with its run and what was wrong with it; empty when it was right."""

    item: SmokeItem
    run: Run
    wrong: str


def load_items() -> tuple[SmokeItem, ...]:
    """Read the items from their file."""
    lines = ITEMS.read_text(encoding="utf-8").splitlines()
    return tuple(SmokeItem.model_validate(json.loads(line)) for line in lines if line.strip())


def grade(item: SmokeItem, run: Run) -> str:
    """Say what is wrong with the run; nothing when every fact is in the answer and in a good tool result."""
    if run.stop != "answer":
        return f"no answer: {run.stop} {run.error}"
    results = _plain("\n".join(call.text for step in run.steps for call in step.calls if call.ok))
    for fact in item.facts:
        if _plain(fact) not in _plain(run.answer):
            return f"the answer lacks {fact}"
        if _plain(fact) not in results:
            return f"no tool result holds {fact}"
    return ""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


async def _run_all(items: tuple[SmokeItem, ...], model_name: str) -> list[Graded]:
    experts = load_experts()
    with tempfile.TemporaryDirectory(prefix="afs-smoke-") as root:
        settings = Settings.from_environment().at(Path(root))
        overrides = {"AFS_CONTEXT_ROOT": root, "AFS_DATA_DIR": str(settings.data_dir)}
        opened = await open_model(model_name, experts.find(DEFAULT), settings)
        try:
            async with Toolbox(load_config(shipped_config(), overrides=overrides)) as toolbox:
                return [await _run_one(item, experts, opened.model, toolbox) for item in items]
        finally:
            await opened.model.close()


async def _run_one(item: SmokeItem, experts: Experts, model: Model, toolbox: Toolbox) -> Graded:
    expert = experts.find(item.expert)
    offered = allowed(toolbox.tools, experts.expand(expert.tools))
    agent = Conversation(expert=expert, model=model, toolbox=toolbox, offered=offered)
    run = await agent.run(item.prompt)
    return Graded(item, run, grade(item, run))


def _show(graded: list[Graded]) -> None:
    table = Table(title="Smoke set")
    for column in ("item", "right", "steps", "seconds", "tools", "answer"):
        table.add_column(column, overflow="fold")
    for item, run, wrong in graded:
        tools = ", ".join(call.call.name for step in run.steps for call in step.calls)
        said = " ".join((run.answer or run.error).split())[:100]
        table.add_row(item.id, wrong or "yes", str(len(run.steps)), f"{run.seconds:.1f}", tools, said)
    Console(width=150).print(table)


@click.command()
@click.option("--model", default="embedded", help="provider:name; the embedded model by default")
@click.option("--only", default="", help="run only the items whose id contains this")
def main(model: str, only: str) -> None:
    """Run the smoke set and print its table."""
    items = tuple(item for item in load_items() if only in item.id)
    graded = anyio.run(_run_all, items, model)
    _show(graded)
    right = sum(not item.wrong for item in graded)
    click.echo(f"{right} of {len(graded)} right")
    sys.exit(0 if right >= min(NEEDED, len(graded)) else 1)


if __name__ == "__main__":
    main()
