"""The route of a prompt: rules, keywords, complexity, and what the command says of them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ConfigError
from runner.experts import load_experts
from runner.routing.classifier import read_weights
from runner.routing.cli import route_command
from runner.routing.german import in_english
from runner.routing.intents import INTENTS
from runner.routing.keywords import by_keywords
from runner.routing.router import explain_route, route
from runner.routing.tokens import read_prompt

EXPERTS = load_experts({})


@pytest.mark.parametrize(
    ("prompt", "expert"),
    [
        ("What is $2100?", "veran"),
        ("explain LDA $10", "veran"),
        ("explain what this does: LDA $10", "veran"),
        ("What is $420B?", "veran"),
        ("INIDISP?", "veran"),
        ("Optimize this: LDA #$00 / STA $10", "din"),
        ("Write a DMA transfer routine", "nayru"),
        ("Find the bug: REP #$20 / LDA $10,x / STA $2100", "farore"),
        ("How many cycles does MVN take for 16 bytes?", "majora"),
        ("List the files in patches/", "afs-operator"),
        ("Summarize what we did today", "summarizer"),
        ("Assemble inx at $008000", "nayru"),
        ("assemble this: LDA #$05 / STA $7E0020 / RTL", "nayru"),
        ("Lint this code: SEP #$20 / LDA #$1234", "farore"),
        ("Convert $00:8000 to a ROM offset", "veran"),
        ("does lda.l take longer than lda.w", "majora"),
        ("hello", "default"),
        ("", "default"),
    ],
)
def test_a_plain_prompt_goes_to_the_expert_for_it(prompt: str, expert: str) -> None:
    assert route(prompt, EXPERTS).expert == expert


@pytest.mark.parametrize(
    ("prompt", "expert"),
    [
        ("explain how this loop was optimised", "veran"),
        ("why is this faster?", "veran"),
        ("my faster version draws garbage", "farore"),
        ("Is it worth making this smaller, or what does it cost now?", "majora"),
        ("write down in my notes why the crash happened", "afs-operator"),
        ("write a summary of how we fixed the bug", "summarizer"),
    ],
)
def test_what_counts_is_what_is_asked_for_and_not_the_words_in_it(prompt: str, expert: str) -> None:
    assert route(prompt, EXPERTS).expert == expert


@pytest.mark.parametrize(
    ("prompt", "expert"),
    [
        ("Warum stürzt mein Code ab? LDA $10 / STA $2100", "farore"),
        ("Warum stürzt das Spiel nach dem Laden ab?", "farore"),
        ("Warum funktioniert diese Routine nicht? rep #$20 / lda $10 / rts", "farore"),
        ("Meine Sprites flackern, woran liegt das?", "farore"),
        ("Finde den Fehler in dieser Routine: sep #$20 / lda #$1234", "farore"),
        ("Schreibe eine Routine, die 5 in $7E0020 speichert", "nayru"),
        ("Mach diesen Code schneller: lda #$00 / sta $10", "din"),
        ("Erkläre, was LDA $10 macht", "veran"),
        ("Wie viele Takte braucht diese Schleife?", "majora"),
        ("Fasse diese Datei zusammen", "summarizer"),
        ("Zeige mir meine Notizen über den Enterhaken", "afs-operator"),
    ],
)
def test_a_german_prompt_goes_to_the_expert_for_it(prompt: str, expert: str) -> None:
    assert route(prompt, EXPERTS).expert == expert


@pytest.mark.parametrize("prompt", ["Explain how die rolls affect the boss", "was this faster before?", "mit license"])
def test_an_english_prompt_is_not_taken_for_german(prompt: str) -> None:
    assert in_english(prompt) == prompt


@pytest.mark.parametrize("prompt", ["disassemble $008000 in game.sfc", "Disassemble 40 bytes at $80:8000 of game.sfc"])
def test_who_is_asked_to_disassemble_has_the_tool_for_it(prompt: str) -> None:
    assert "disassemble" in EXPERTS.find(route(prompt, EXPERTS).expert).tools


def test_a_prompt_that_names_an_expert_goes_to_it() -> None:
    assert [route(text, EXPERTS).expert for text in ("din: hello", "@muse a dungeon", "ask Ganon, is it safe?")] == [
        "din",
        "muse",
        "ganon",
    ]
    assert route("din is slow, explain $2100", EXPERTS).expert != "din"


def test_the_keywords_of_a_particular_expert_choose_it_among_those_of_the_intent() -> None:
    assert route("treat the context as files and list what is in memory/", EXPERTS).expert == "farore-afs"
    assert route("list what is in memory/", EXPERTS).expert == "afs-operator"


def test_an_expert_of_the_user_serves_an_intent_by_its_keywords(tmp_path: Path) -> None:
    own = tmp_path / "e.toml"
    own.write_text(
        '[experts.scribe]\nsummary="s"\ninstructions="i"\nintent="docs"\nkeywords=["wiki page"]\n', encoding="utf-8"
    )
    experts = load_experts({"AFS_EXPERTS": str(own)})
    assert route("Write a wiki page for my patch", experts).expert == "scribe"
    assert route("Write a readme for my patch", experts).expert == "summarizer"


@pytest.mark.parametrize(
    ("prompt", "intent"),
    [
        ("optimize cycles", "performance"),  # the longer keyword: two words against one
        ("faster", "optimize"),  # found in both: the order of the intents
        ("crash in the faster code", "debug"),  # one each: the first in the prompt
        ("write a fix for the crash", "debug"),  # two against one
        ("prefixed debugger", "general"),  # whole words only
        ("nothing of it", "general"),
    ],
)
def test_keywords_break_ties_as_it_is_written(prompt: str, intent: str) -> None:
    assert by_keywords(prompt, EXPERTS.experts) == intent


def test_a_bigger_task_is_more_complex_and_each_part_is_told() -> None:
    small = explain_route("What is $2100?", EXPERTS).complexity
    task = (
        "Write an entire weather system from scratch: first design the architecture across all banks, then the HDMA "
        "code, then the sprites, and also a debug view; sometimes it must run at worst-case load. "
        + "More words. "
        * 60
    )
    large = explain_route(task, EXPERTS).complexity
    assert small.value < 0.1 < 0.7 < large.value <= 1.0
    assert sum(large.parts.values()) == pytest.approx(large.value, abs=0.01)


def test_the_probabilities_add_up_and_the_confidence_is_one_of_them() -> None:
    explained = explain_route("my sprite flickers when two guards are on screen", EXPERTS)
    assert sum(explained.judgement.probabilities.values()) == pytest.approx(1.0)
    assert explained.route.confidence == pytest.approx(max(explained.judgement.probabilities.values()), abs=0.001)


@given(st.text(max_size=400))
def test_any_text_has_a_route(text: str) -> None:
    found = route(text, EXPERTS)
    assert found.intent in INTENTS
    assert found.expert in EXPERTS.experts


@pytest.mark.parametrize(
    "piece", ["explain ", "lda $10\n", " \n", "`", "```", "(", "a.b/", "\ud800", "$7E:", "x_", ": / "]
)
def test_a_huge_prompt_costs_no_more_than_twenty_small_ones(piece: str) -> None:
    small, huge = "explain how the NMI handler at $00:80C9 works. " * 20, piece * (400_000 // len(piece))
    assert fastest(huge) < 20 * fastest(small) + 0.01


def fastest(prompt: str) -> float:
    times: list[float] = []
    for _ in range(5):
        begun = time.perf_counter()
        route(prompt, EXPERTS)
        times.append(time.perf_counter() - begun)
    return min(times)


def test_code_is_told_from_prose() -> None:
    code = "Make this smaller:\nLDA #$00\nSTA $10 ; x\n.loop\n  INC A : BNE .loop\nplease"
    assert read_prompt(code).code_lines == 4
    prose = "bit weird\nand the music stops\nNote: it hangs\nsec, I will look"
    assert read_prompt(prose).code_lines == 0


def test_the_command_explains_the_route() -> None:
    done = CliRunner().invoke(route_command, ["my", "faster", "version", "draws", "garbage", "--json"])
    told = json.loads(done.stdout)
    assert (told["intent"], told["expert"], told["where"]["where"]) == ("debug", "farore", "local")
    assert sum(told["scores"].values()) == pytest.approx(1.0, abs=0.01)
    assert any("garbage" in reason["what"] for reason in told["reasons"])
    assert told["keywords"] == {"din": ["faster"], "majora": ["faster"]}
    plain = CliRunner().invoke(route_command, ["What is $2100?"]).stdout
    assert all(word in plain for word in ("intent", "veran", "complexity", "reasons", "local"))


def test_a_prompt_with_control_characters_is_shown_without_them() -> None:
    done = CliRunner().invoke(route_command, ["explain \x1b[31m\u202e $2100"])
    assert done.exit_code == 0
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_damaged_weights_are_an_error_with_a_next_step(tmp_path: Path) -> None:
    for text in ("", "{}", '{"intents": []}', "[1]"):
        (tmp_path / "w.json").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match="train-router"):
            read_weights(tmp_path / "w.json")


def test_routing_imports_no_numeric_library() -> None:
    code = (
        "import sys; from runner.experts import load_experts; from runner.routing.router import route;"
        "route('hi', load_experts({}));"
        "print([name for name in ('numpy', 'scipy', 'sklearn', 'mcp', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
