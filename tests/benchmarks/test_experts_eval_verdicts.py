"""What our checks say of the answers whose worth is known: they refute no right one and vouch for no wrong one."""

from pathlib import Path

import anyio
import pytest

from benchmarks.experts.prompt import EXPERTS, ExpertName, load_prompts
from runner.checks import judge
from runner.conversation import unstarted
from runner.experts import load_experts
from runner.toolbox import Toolbox
from schemas.verdict import Verdict
from servers.alttp.server import build as build_alttp
from servers.asar.server import build as build_asar
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("name", [pytest.param(expert, marks=NEEDS_ASAR) for expert in EXPERTS])
async def test_no_right_answer_is_refuted_and_no_wrong_one_is_vouched_for(
    name: ExpertName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFS_PINS_DIR", str(tmp_path))
    expert = load_experts({}).find(name)
    said: dict[tuple[str, str], Verdict] = {}
    with anyio.fail_after(300):
        async with Toolbox([("asar", build_asar(HERE)), ("alttp", build_alttp(HERE))]) as toolbox:
            for prompt in (item for item in load_prompts() if item.expert == name):
                for answer in (prompt.right, *prompt.wrong, prompt.prompt):
                    run = unstarted(prompt.prompt, name, "m", None).model_copy(update={"answer": answer})
                    said[prompt.id, answer] = (await judge(run, toolbox, expert=expert)).verdict
    rights = {(prompt.id, prompt.right) for prompt in load_prompts()}
    assert [key for key in rights & said.keys() if said[key] == "refuted"] == []
    assert [key for key in said.keys() - rights if said[key] in ("proved", "tested")] == []
