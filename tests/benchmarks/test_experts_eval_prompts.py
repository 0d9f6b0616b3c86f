"""The prompts for the experts: each grader takes the right answer and refuses the wrong ones, by running them."""

import re
from collections import Counter

import pytest

from benchmarks.experts.answer import read_answer
from benchmarks.experts.grade import grade
from benchmarks.experts.prompt import EXPERTS, Prompt, load_prompts
from runner.experts import load_experts
from tests.asar import HERE, NEEDS_ASAR

pytestmark = pytest.mark.anyio

PROMPTS = load_prompts()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_there_are_twelve_prompts_for_each_expert_of_all_levels() -> None:
    assert Counter(prompt.expert for prompt in PROMPTS) == dict.fromkeys(EXPERTS, 12)
    assert len({prompt.id for prompt in PROMPTS}) == len({prompt.digest() for prompt in PROMPTS}) == 48
    assert all({item.level for item in PROMPTS if item.expert == expert} == {1, 2, 3} for expert in EXPERTS)


def test_no_prompt_is_what_its_expert_was_shown() -> None:
    for prompt in PROMPTS:
        expert = load_experts({}).find(prompt.expert)
        shown = _squeezed(
            "\n".join([expert.instructions, *(f"{item.prompt}\n{item.answer}" for item in expert.examples)])
        )
        for code in filter(None, (prompt.original, read_answer(prompt.right, original=prompt.original).code)):
            body = [line for line in code.splitlines() if not line.startswith(("rt", "org"))]
            assert _squeezed("\n".join(body)) not in shown, prompt.id
        assert not any(
            word in shown for word in re.findall(r"\$\w{4,6}", prompt.prompt.lower()) if prompt.expert == "veran"
        )


def _squeezed(text: str) -> str:
    return re.sub(r"[\s/`]+", " ", text.lower())


@pytest.mark.parametrize("prompt", [pytest.param(item, id=item.id, marks=NEEDS_ASAR) for item in PROMPTS])
async def test_a_right_answer_is_taken_and_wrong_ones_are_refused(prompt: Prompt) -> None:
    taken = await grade(prompt, prompt.right, HERE)
    assert taken.right and not taken.why, taken.why
    refused = [*prompt.wrong, "", "I do not know.", *_lazy(prompt)]
    for answer in refused:
        told = await grade(prompt, answer, HERE)
        assert not told.right and told.why, answer


def _lazy(prompt: Prompt) -> list[str]:
    """Answers without work: the question said again, the code that was given, the bug named but not
    mended, the mended code without its name."""
    lazy = [prompt.prompt]
    if prompt.original:
        lazy.append(f"It is fine:\n```asm\n{prompt.original}\n```")
    if prompt.expert == "farore":
        code = read_answer(prompt.right, original=prompt.original).code
        bug = prompt.right.split("**Fix:**")[0]
        lazy.append(f"{bug}**Fix:**\n```asm\n{prompt.original}\n```")
        lazy += [f"Here:\n```asm\n{code}\n```", bug]
    return lazy


def test_of_several_blocks_the_routine_counts_and_not_the_original_or_a_call_of_it() -> None:
    told = "Before:\n```asm\nLDA #$00\nSTA $10\n```\nAfter:\n```asm\nstz $10\nrts\n```\nCall it:\n```\njsr clear\n```\n"
    answer = read_answer(told, original="lda #$00\nsta $10")
    assert answer.code == "stz $10\nrts"
    assert answer.words.split() == ["Before:", "After:", "Call", "it:"]


def test_code_without_a_fence_is_read_and_the_sentences_around_it_are_not() -> None:
    told = "And then X is loaded. Use this:\n\nclear:\n  stz $10   ; A stays\n\n  rts\n\nIt clears the byte."
    assert read_answer(told).code.split() == ["stz", "$10", ";", "A", "stays", "rts"]
    assert read_answer("```json\n{}\n```\nBit 7 is set and then it is over.").code == ""


def test_the_code_that_the_runner_quotes_counts_only_where_the_answer_has_none() -> None:
    quoted = "\n\n```asm\nstz $10\nrts\n```\n\nassembled OK with asar 1.91: 3 bytes (lorom)\n$008000: 64 10 60"
    assert read_answer("```asm\ninc $10\nrts\n```" + quoted).code == "inc $10\nrts"
    assert read_answer("It is done." + quoted).code == "stz $10\nrts"


def test_the_verdict_of_the_runner_is_no_part_of_the_answer() -> None:
    answer = read_answer("```asm\nrts\n```\n\nVerdict: refuted\n- lint: `lda #$05`\n```asm\nstz $11\nrts\n```")
    assert (answer.words, answer.code) == ("", "rts")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("loop:\nbra loop\nrtl", marks=NEEDS_ASAR, id="endless"),
        pytest.param("incbin /etc/passwd\nrtl", marks=NEEDS_ASAR, id="reads a file"),
        pytest.param("org $7E0000\nrtl", marks=NEEDS_ASAR, id="in no ROM"),
        pytest.param("nop\n" * 60_000 + "rtl", marks=NEEDS_ASAR, id="huge"),
    ],
)
async def test_hostile_code_is_refused_within_its_limits(code: str) -> None:
    prompt = next(item for item in PROMPTS if item.id == "nayru_store_value")
    told = await grade(prompt, f"```asm\n{code}\n```", HERE)
    assert not told.right and told.why


def test_words_behind_a_closing_fence_are_no_code() -> None:
    assert read_answer("**Code:**\n```asm\nstz $10\nrts\n```**Bytes:** 3").code == "stz $10\nrts"
