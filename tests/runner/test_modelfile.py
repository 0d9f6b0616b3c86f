"""Experts as Modelfiles, read back by the rules of Ollama's own reader."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ConfigError
from runner.experts import load_experts
from runner.modelfile import modelfile
from runner.routing.cli import modelfile_command
from schemas.expert import Example, Expert


def commands(text: str) -> list[tuple[str, str]]:
    """Read a Modelfile as Ollama does: a quoted value ends at the first line after which its quotes are closed."""
    found: list[tuple[str, str]] = []
    waiting = ""
    for line in text.split("\n"):
        waiting = f"{waiting}\n{line}" if waiting else line
        if not waiting.strip() or waiting.startswith("#"):
            waiting = ""
            continue
        name, _, value = waiting.partition(" ")
        value = value.strip()
        lead = ""
        if name in ("MESSAGE", "PARAMETER"):
            lead, _, value = value.partition(" ")
            lead += " "
        if value.startswith('"""'):
            if len(value) < 6 or not value.endswith('"""'):
                continue
            value = value[3:-3]
        found.append((name, lead + value))
        waiting = ""
    assert not waiting
    return found


def expert(**changes: object) -> Expert:
    told = {"name": "x", "summary": "s", "instructions": "i", "made_from": "qwen2.5-coder:7b", **changes}
    return Expert.model_validate(told)


def test_every_expert_has_a_modelfile_with_its_parameters_and_instructions() -> None:
    for found in load_experts({}).experts.values():
        read = commands(modelfile(found))
        assert [name for name, _ in read[:4]] == ["FROM", "PARAMETER", "PARAMETER", "SYSTEM"]
        assert read[2] == ("PARAMETER", f"num_ctx {found.num_ctx}")
        assert read[3][1].startswith(found.instructions)
        assert [name for name, _ in read[4:]] == ["MESSAGE"] * 2 * sum(bool(item.answer) for item in found.examples)


def test_the_examples_become_messages_word_for_word() -> None:
    text = modelfile(expert(examples=[Example(prompt="q?", answer="**Bug:** x\n```asm\nlda #$00\n```")]))
    assert commands(text)[-2:] == [("MESSAGE", "user q?"), ("MESSAGE", "assistant **Bug:** x\n```asm\nlda #$00\n```")]


@given(st.text(alphabet='"a \n#FROM', max_size=40), st.text(alphabet='"b\n', max_size=20))
def test_no_text_of_an_expert_can_end_its_quotes(instructions: str, answer: str) -> None:
    text = modelfile(expert(instructions=instructions, examples=[Example(prompt=answer or "p", answer=answer or "a")]))
    read = commands(text)
    assert [name for name, _ in read if name != "MESSAGE"] == ["FROM", "PARAMETER", "PARAMETER", "SYSTEM"]
    assert read[3][1] == instructions.strip().replace('"""', "'''")


def test_a_name_that_would_begin_a_new_line_is_refused() -> None:
    with pytest.raises(ConfigError, match="--from"):
        modelfile(expert(made_from="x\nADAPTER ./evil"))


def test_a_summary_of_many_lines_stays_a_comment() -> None:
    assert commands(modelfile(expert(summary="a\nFROM evil\nb")))[0] == ("FROM", "qwen2.5-coder:7b")


def test_a_file_that_is_there_is_replaced_only_with_force(tmp_path: Path) -> None:
    target, run = tmp_path / "Modelfile", CliRunner()
    target.write_text("mine", encoding="utf-8")
    refused = run.invoke(modelfile_command, ["din", "-o", str(target)])
    assert (refused.exit_code, target.read_text(encoding="utf-8")) == (1, "mine")
    assert "--force" in refused.output
    assert run.invoke(modelfile_command, ["din", "-o", str(target), "--force"]).exit_code == 0
    assert target.read_text(encoding="utf-8") == run.invoke(modelfile_command, ["din"]).stdout


def test_an_unknown_expert_is_named_with_those_there_are() -> None:
    done = CliRunner().invoke(modelfile_command, ["link"])
    assert (done.exit_code, "nayru" in done.output) == (1, True)
