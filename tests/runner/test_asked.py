"""A prompt that asks nothing: refused before a model is asked, a server is started or a run is kept."""

import os
from pathlib import Path

import anyio
import pytest

from runner.agent import Agent
from runner.conduct import Request, conduct
from runner.errors import ConfigError
from runner.models.scripted import ScriptedModel, text
from runner.recorder import Recorder
from schemas.expert import Expert
from servers.settings import Settings

pytestmark = pytest.mark.anyio

ASKER = Expert(name="asker", summary="asks", instructions="Answer.")


def settings_of(tmp_path: Path) -> Settings:
    return Settings.from_environment({**os.environ, "AFS_CONTEXT_ROOT": str(tmp_path)})


@pytest.mark.parametrize("prompt", ["", "  \n\t"])
async def test_a_blank_prompt_is_refused_before_the_model_is_asked_or_a_run_is_kept(
    tmp_path: Path, prompt: str
) -> None:
    model = ScriptedModel([text("Hello.")], repeat=True)
    with anyio.fail_after(20):
        async with Agent(ASKER, servers=[], model=model, settings=settings_of(tmp_path)) as agent:
            with pytest.raises(ConfigError, match="the prompt is empty; say what is asked"):
                await agent.run(prompt)
            with pytest.raises(ConfigError, match="the prompt is empty"):
                await agent.preview(prompt)
            with pytest.raises(ConfigError, match="the prompt is empty"):
                _ = [event async for event in agent.stream(prompt)]
            done = await agent.run("say hello")
            with pytest.raises(ConfigError, match="has its answer; give a new prompt"):
                await agent.run(prompt, earlier=done)
    assert len(model.heard) == 1 and Recorder(tmp_path).ids() == [done.id]


async def test_a_blank_request_starts_no_model_and_no_server(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the prompt is empty"):
        await conduct(Request(prompt=" ", model="no such model"), settings_of(tmp_path))
