"""The experts as data: who there is, what each may use, and what the user's own file changes."""

import re
from pathlib import Path

import pytest

from runner.agent import Agent
from runner.errors import ConfigError
from runner.experts import load_experts
from runner.models.scripted import ScriptedModel, text
from runner.routing.intents import EXPERT_OF
from schemas.expert import Expert

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = (
    *("din", "nayru", "farore", "veran", "majora", "farore-afs", "afs-operator", "summarizer", "router"),
    *("echo", "muse", "zelda", "ganon"),
)
PLANNED_KEYWORDS = {
    "din": [
        "optimize",
        "faster",
        "smaller",
        "reduce cycles",
        "tighten",
        "make more efficient",
        "loop unroll",
        "inline",
    ],
    "nayru": ["write", "generate", "create", "implement", "code for", "give me code", "how to write"],
    "farore": ["bug", "fix", "debug", "crash", "wrong", "not working", "why doesn't this work", "find the problem"],
    "veran": [
        "explain",
        "what does this do",
        "analyze",
        "understand",
        "disassemble",
        "reverse engineer",
        "ROM analysis",
    ],
    "majora": ["optimize cycles", "faster", "performance", "cycle count", "timing", "register usage", "memory access"],
    "farore-afs": ["use afs", "context as files", "tool calling", "agentic"],
}


def offered_tools() -> set[str]:
    return set(re.findall(r"^### (\w+)$", (ROOT / "docs" / "tools.md").read_text(encoding="utf-8"), re.MULTILINE))


def shipped() -> dict[str, Expert]:
    return dict(load_experts({}).experts)


def test_every_expert_of_the_plan_is_there_with_a_form_and_models() -> None:
    experts = shipped()
    assert [name for name in NAMED if name not in experts] == []
    assert [name for name in NAMED if not (experts[name].instructions and experts[name].answer_form)] == []
    assert [name for name in NAMED if not {"gemini", "claude"} <= set(experts[name].models)] == []


def test_every_expert_has_four_to_ten_tools_that_a_server_offers() -> None:
    there = offered_tools()
    for name in NAMED:
        tools = load_experts({}).expand(shipped()[name].tools)
        assert 4 <= len(tools) <= 10, name
        assert set(tools) <= there, name


def test_every_check_is_a_tool_that_a_server_offers() -> None:
    checks = {expert.check for expert in shipped().values()} - {"none"}
    assert checks == {"assemble", "lint", "compare_code", "validate_output"}
    assert checks <= offered_tools()


def test_examples_call_tools_that_the_expert_may_use_or_give_an_answer() -> None:
    for expert in shipped().values():
        for example in expert.examples:
            assert bool(example.tool) != bool(example.answer), (expert.name, example.prompt)
            assert not example.tool or example.tool in expert.tools, (expert.name, example.prompt)


def test_the_keywords_of_each_expert_are_those_it_was_planned_with() -> None:
    experts = shipped()
    assert {
        name: [word for word in words if word not in experts[name].keywords] for name, words in PLANNED_KEYWORDS.items()
    } == {name: [] for name in PLANNED_KEYWORDS}


def test_every_intent_goes_to_an_expert_that_serves_it() -> None:
    experts = shipped()
    assert {intent: experts[name].intent for intent, name in EXPERT_OF.items()} == {
        intent: intent for intent in EXPERT_OF
    }


def test_farore_says_the_bug_first_and_majora_gives_clocks_before_and_after() -> None:
    experts = shipped()
    farore, majora = experts["farore"].answer_form, experts["majora"].answer_form
    assert re.findall(r"\*\*(.+?):\*\*", farore) == ["Bug", "What's happening", "Fix"]
    assert re.findall(r"\*\*(.+?):\*\*", majora)[1:4] == ["Original", "Optimized", "Improvement"]


def test_the_users_own_file_adds_an_expert_and_replaces_one(tmp_path: Path) -> None:
    own = tmp_path / "experts.toml"
    own.write_text(
        '[experts.din]\nsummary = "mine"\ninstructions = "short"\n'
        '[experts.scribe]\nsummary = "docs"\ninstructions = "write"\nintent = "docs"\nkeywords = ["wiki"]\n',
        encoding="utf-8",
    )
    experts = load_experts({"AFS_EXPERTS": str(own)}).experts
    assert (experts["din"].summary, experts["scribe"].intent) == ("mine", "docs")
    assert experts["nayru"] == shipped()["nayru"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[mine]\nsummary = ""\ninstructions = "i"\n', r"\[experts\.mine\]"),
        ('instructions = "i"\n', r"\[experts\.instructions\]"),
        ('experts = "mine"\n', r"\[experts\.NAME\]"),
        ("[[experts]]\n", r"\[experts\.NAME\]"),
        ('[sets]\nmine = "assemble"\n', r"under \[sets\]"),
        ("[sets]\nmine = [1]\n", r"under \[sets\]"),
        ("[experts.mine]\n", "instructions"),
        ("[experts\n", "AFS_EXPERTS"),
    ],
)
def test_a_file_of_experts_in_another_form_is_refused_with_the_form_it_has_to_have(
    tmp_path: Path, text: str, says: str
) -> None:
    own = tmp_path / "experts.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_experts({"AFS_EXPERTS": str(own)})


@pytest.mark.parametrize(("field", "value"), [("check", '"magic"'), ("intent", '"cooking"'), ("temperature", "9")])
def test_a_field_with_an_impossible_value_is_refused_by_name(tmp_path: Path, field: str, value: str) -> None:
    own = tmp_path / "experts.toml"
    own.write_text(f'[experts.x]\nsummary = ""\ninstructions = "i"\n{field} = {value}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=field):
        load_experts({"AFS_EXPERTS": str(own)})


MINE = '[sets]\nfew = ["lint"]\n\n[experts.mine]\nsummary = "mine"\ninstructions = """\nBe brief.\n"""\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("num_ctx = 100", ":9: [experts.mine] `num_ctx` is 100 and takes 1024 or more"),
        ('num_ctx = "x"', ":9: [experts.mine] `num_ctx` is 'x' and takes a whole number"),
        ("temprature = 0.2", ":9: [experts.mine] there is no field `temprature`; did you mean `temperature`?"),
        ('tools = "lint"', ":9: [experts.mine] `tools` is 'lint' and takes a list"),
        ("examples = [ { prompt = 3 } ]", ":9: [experts.mine] `examples[1].prompt` is 3 and takes text in quotes"),
        ("models.ollama = 3", ":9: [experts.mine] `models.ollama` is 3 and takes text in quotes"),
        ('check = "lnt"', "takes 'none', 'assemble', 'lint', 'compare_code' or 'validate_output'"),
        ("[experts.other]", ":9: [experts.other] lacks `summary` and `instructions`"),
        ('[experts."Not so"]\nsummary = "s"\ninstructions = "i"', ":9: [experts.Not so] is no name; use a-z"),
        ("[experts.late]\nsummary = 1\ninstructions = 2", "(1 more after it)"),
    ],
)
def test_what_does_not_fit_is_told_by_line_field_and_what_it_takes(tmp_path: Path, line: str, told: str) -> None:
    own = tmp_path / "experts.toml"
    own.write_text(f"{MINE}{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_experts({"AFS_EXPERTS": str(own)})
    text = str(caught.value)
    assert text.startswith(str(own)) and told in text
    assert "pydantic" not in text and "[type=" not in text and "\n" not in text


def test_a_set_that_is_no_list_is_told_by_its_line_and_an_expert_that_is_no_table_too(tmp_path: Path) -> None:
    own = tmp_path / "experts.toml"
    for line, told in (("[sets]\na = []\nb = 3\n", ":3: the set 'b'"), ("[experts]\nmine = 3\n", ":2: `mine` under")):
        own.write_text(line, encoding="utf-8")
        with pytest.raises(ConfigError, match=f"experts.toml{told}"):
            load_experts({"AFS_EXPERTS": str(own)})


def test_an_unknown_expert_is_told_with_all_there_are() -> None:
    with pytest.raises(ConfigError, match="no expert named 'ganondorf'; there are default, ") as caught:
        load_experts({}).find("ganondorf")
    assert all(name in str(caught.value) for name in NAMED)


@pytest.mark.anyio
async def test_the_model_sees_the_form_of_the_answer_and_an_example_of_it() -> None:
    model = ScriptedModel([text("**Bug:** none")])
    async with Agent("farore", model=model, servers=(), keep=False) as agent:
        await agent.run("Why does it crash?")
    told, asked, answered, question = model.heard[0]
    assert "**What's happening:**" in told.text.partition("Form of the answer:")[2]
    assert (asked.example, answered.example, question.example) == (True, True, False)
    assert answered.text.startswith("**Bug:** mode mismatch")
