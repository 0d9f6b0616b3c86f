"""The conversation of `conversation.py` on every provider, through whole runs of an agent."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import anyio
import pytest

from runner.models.capabilities import CAPABILITIES
from tests.runner.conversation import (
    ANSWER,
    DECLINED,
    INIDISP,
    MDMAEN,
    MENDED,
    NMITIMEN,
    PARTIAL,
    SCREEN,
    Played,
    Stage,
    play,
)
from tests.runner.stages import embedded_stage, ollama_stage, openai_stage, scripted_stage
from tests.runner.stages_hosted import claude_stage, gemini_stage

pytestmark = pytest.mark.anyio

STAGES: dict[str, Callable[[pytest.MonkeyPatch], AbstractContextManager[Stage]]] = {
    "claude": claude_stage,
    "embedded": embedded_stage,
    "gemini": gemini_stage,
    "ollama": ollama_stage,
    "openai": openai_stage,
    "scripted": scripted_stage,
}
GOLDEN = Path(__file__).with_name("golden")
RENEW = "AFS_RENEW_GOLDEN"

_played: dict[str, Played] = {}


@pytest.fixture(params=sorted(STAGES))
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def played(provider: str, tmp_path: Path) -> Played:
    """The conversation is played once on each stage; its bodies are checked where they are at hand."""
    if provider not in _played:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AFS_KEYS_FILE", str(tmp_path / "keys.toml"))
            with STAGES[provider](patch) as stage:
                _played[provider] = anyio.run(_play, stage)
    return _played[provider]


async def _play(stage: Stage) -> Played:
    try:
        played = await play(stage)
        assert played.replies and all(played.bodies.values())
        for bodies in played.bodies.values():
            for body in bodies:
                stage.check(body)
        return played
    finally:
        await stage.model.close()


def test_the_conversation_comes_to_its_answer(played: Played) -> None:
    talk = played.talk
    records = [record for step in talk.steps for record in step.calls]
    assert (talk.stop, talk.answer) == ("answer", ANSWER)
    assert [record.ok for record in records] == [True, True, True, False, True, True]
    good = [(record.call.name, record.call.arguments) for record in records if record.ok]
    assert good == [NMITIMEN, INIDISP, MDMAEN, MENDED, SCREEN]
    assert len({record.call.id for record in records}) == len(records)


def test_each_result_goes_back_with_the_call_that_it_answers(played: Played) -> None:
    answered = [message.call_id for message in played.talk.messages if message.role == "tool"]
    called = [call.id for message in played.talk.messages for call in message.calls]
    assert answered == called and len(called) == 6


def test_wrong_arguments_come_back_as_what_to_mend(played: Played) -> None:
    (failed,) = [record for step in played.talk.steps for record in step.calls if not record.ok]
    assert "query" in failed.text and any("qeury" in str(body) for body in played.bodies["talk"])


def test_a_refusal_ends_the_run_with_its_words(provider: str, played: Played) -> None:
    told = CAPABILITIES[provider].refusal  # else it looks like any answer
    assert (played.refusal.stop, played.refusal.answer) == ("model_error" if told else "answer", DECLINED)
    assert ("declined to answer" in played.refusal.error) == told
    assert len(played.bodies["refusal"]) == 1


def test_a_death_in_mid_stream_leaves_what_was_said(played: Played) -> None:
    assert (played.death.stop, played.death.answer) == ("model_error", PARTIAL)
    assert played.death.error and "Traceback" not in played.death.error


def test_a_busy_provider_is_asked_again_or_says_that_it_is_busy(provider: str, played: Played) -> None:
    if CAPABILITIES[provider].retries:
        assert (played.busy.stop, len(played.bodies["busy"])) == ("answer", 2)
    else:
        assert (played.busy.stop, len(played.bodies["busy"])) == ("model_error", 1)


def test_the_table_of_capabilities_says_what_was_seen(provider: str, played: Played) -> None:
    assert played.observed() == CAPABILITIES[provider]


def test_no_key_is_in_what_was_kept(played: Played) -> None:
    kept = [run.model_dump_json() for run in (played.busy, played.talk, played.refusal, played.death)]
    assert "dummy-key" not in "".join(kept) + json.dumps(played.bodies)


def test_what_the_double_received_is_what_it_received_before(provider: str, played: Played) -> None:
    path = GOLDEN / f"{provider}.json"
    text = json.dumps(played.bodies, indent=1, ensure_ascii=True, sort_keys=True) + "\n"
    if os.environ.get(RENEW):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"no golden file: run with {RENEW}=1, look at the file, and commit it"
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text), f"run with {RENEW}=1 if this is meant"


def test_every_provider_of_the_table_has_a_stage() -> None:
    assert set(STAGES) == set(CAPABILITIES)
