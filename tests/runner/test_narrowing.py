"""Which tools a model of this machine is shown: those its expert names or the prompt speaks of, none for a hello."""

import os
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from pydantic import Field

from runner.agent import Agent
from runner.events import Event, Note
from runner.models.scripted import ScriptedModel, text
from schemas.expert import Expert
from schemas.frozen import Frozen
from schemas.run import Run
from servers.machine.face import READS, Face
from servers.settings import Settings

pytestmark = pytest.mark.anyio

NAMED = ("look_up", "assemble")
OTHERS = {
    "move_file": "Move a file of the project.",
    "list_files": "List the files of a folder.",
    "make_directory": "Make a folder, with those above it.",
    "undo_removal": "Bring back what was removed.",
    "find_path": "Find how two things are connected.",
    "add_preference": "Keep what the user likes.",
    "plan_cleanup": "Plan which copies can go.",
    "index_code": "Read the routines of the project.",
    "ask_weather": "Tell the weather of a place.",
}
DEFAULT = Expert(name="default", summary="answers", instructions="Use the tools.", tools=(*NAMED, "*"))


class Said(Frozen):
    """What a tool says."""

    said: str

    def as_text(self) -> str:
        return self.said


class Small(ScriptedModel):
    """A script that goes by the name of a model of this machine."""

    @property
    def name(self) -> str:
        """Return the name of an Ollama model."""
        return "ollama:small"


def server(name: str, tools: dict[str, str]) -> Face:
    face = Face(name, title=name, instructions="Does things.", version="1")
    for tool, told in tools.items():

        def ask(query: Annotated[str, Field(description="what")]) -> Said:
            return Said(said=query)

        ask.__name__, ask.__doc__ = tool, told
        face.offer(READS, title=tool)(ask)
    return face


def agent(tmp_path: Path, model: ScriptedModel, **options: Any) -> Agent:
    named = server("named", {"look_up": "Look a fact up.", "assemble": "Assemble code."})
    return Agent(
        options.pop("expert", DEFAULT),
        servers=[("named", named), ("others", server("others", OTHERS))],
        model=model,
        settings=Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)}),
        **options,
    )


async def shown(tmp_path: Path, prompt: str, *, kind: type[ScriptedModel] = Small, **options: Any) -> list[str]:
    """The names of the tools that a model sees."""
    model = kind([text("Hello.")], repeat=True)
    with anyio.fail_after(20):
        async with agent(tmp_path, model, **options) as entered:
            run = await entered.run(prompt)
    assert run.metadata["offered"] == [tool.name for tool in model.offered[0]]
    return [tool.name for tool in model.offered[0]]


@pytest.mark.parametrize("prompt", ["hi", "Thanks a lot!", "what can you do?", "Good morning, how are you?", "danke"])
async def test_small_talk_is_shown_no_tool(tmp_path: Path, prompt: str) -> None:
    assert await shown(tmp_path, prompt) == []


@pytest.mark.parametrize(
    ("prompt", "more"),
    [
        ("What is $2100?", []),
        ("hi, what is $2100?", []),
        ("What is A?", []),
        ("Move a.asm into src", ["move_file"]),
        ("Create a folder called patches", ["list_files", "make_directory"]),
        ("Remember that I prefer tabs", ["add_preference"]),
        ("How's the weather in Kyoto?", ["ask_weather"]),
    ],
)
async def test_a_small_model_is_shown_what_its_expert_names_and_what_the_prompt_speaks_of(
    tmp_path: Path, prompt: str, more: list[str]
) -> None:
    assert await shown(tmp_path, prompt) == [*NAMED, *more]


async def test_other_models_and_whoever_asks_for_all_are_shown_all(tmp_path: Path) -> None:
    everything = sorted([*NAMED, *OTHERS])
    assert sorted(await shown(tmp_path, "hi", kind=ScriptedModel)) == everything
    assert sorted(await shown(tmp_path, "hi", tools=("*",))) == everything
    assert await shown(tmp_path, "hi", tools=("move_file",)) == ["move_file"]


async def test_a_list_that_is_short_is_shown_whole(tmp_path: Path) -> None:
    few = Expert(name="few", summary="few", instructions="Use the tools.", tools=("look_up", "list_files"))
    assert await shown(tmp_path, "What is $2100?", expert=few) == ["look_up", "list_files"]
    bare = few.model_copy(update={"tools": ()})
    assert len(await shown(tmp_path, "What is $2100?", expert=bare)) == 10


async def test_what_was_left_out_is_told_with_how_to_get_it(tmp_path: Path) -> None:
    events: list[Event] = []
    await shown(tmp_path, "What is $2100?", on_event=events.append)
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert "2 of 11 tools" in note and "--tools '*'" in note and "--expert" in note


async def test_what_was_asked_before_counts_when_a_run_goes_on(tmp_path: Path) -> None:
    model = Small([text("Done.")], repeat=True)
    with anyio.fail_after(20):
        async with agent(tmp_path, model) as entered:
            first: Run = await entered.run("Move a.asm into src")
            await entered.run("thanks", earlier=first)
    assert [tool.name for tool in model.offered[-1]] == [*NAMED, "move_file"]
