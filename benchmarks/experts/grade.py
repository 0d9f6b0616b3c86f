"""Whether an answer is right: found by running its code, or by the facts that it must state and may not contradict."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.experts.answer import Answer, read_answer
from benchmarks.experts.execution import assembled, clocks_of, fault
from benchmarks.experts.prompt import Prompt
from knowledge.alttp.validate import validate_output
from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import compare
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Program
from servers.settings import Settings

__all__ = ["Grade", "grade"]

_SEED = 65_816
"""Of the random inputs, another one than the tools use by default."""


class Grade(NamedTuple):
    """What an answer is worth."""

    right: bool
    assembled: bool
    """Whether it holds code that assembles; never for an explanation."""
    why: str = ""
    """What is wrong with it; empty when it is right."""


async def grade(prompt: Prompt, text: str, settings: Settings) -> Grade:
    """Grade an answer to a prompt.

    Raises:
        ServerError: asar or the sandbox are missing; the text says how to get them.
    """
    if not text.strip():
        return Grade(right=False, assembled=False, why="there is no answer")
    answer = read_answer(text, original=prompt.original)
    if prompt.expert == "veran":
        why = _unsaid(prompt, text) or _contradicted(text)
        return Grade(right=not why, assembled=False, why=why)
    if not answer.code:
        return Grade(right=False, assembled=False, why="the answer holds no code")
    found = await assembled(answer.code, settings)
    if found.program is None:
        return Grade(right=False, assembled=False, why=found.problem)
    why = (
        await _not_better(prompt, found.program, settings)
        if prompt.expert == "din"
        else _misdone(prompt, found.program)
    )
    if not why and prompt.expert == "farore":
        why = _unnamed(prompt, answer)
    return Grade(right=not why, assembled=True, why=why)


def _misdone(prompt: Prompt, program: Program) -> str:
    return fault(program, prompt.vectors, entry=prompt.entry, ends=prompt.ends, scratch=prompt.scratch)


async def _not_better(prompt: Prompt, candidate: Program, settings: Settings) -> str:
    """Say why a candidate may not stand for the original, or saves nothing."""
    original = (await assembled(prompt.original, settings)).program
    assert original is not None, prompt.id
    try:
        contract = parse_contract(entry=prompt.entry, live=prompt.live, inputs=prompt.inputs)
        verdict = compare(original, candidate, contract, seed=_SEED)
        if verdict.result == "refuted":
            return f"it does something else: {verdict.reason}"
        if candidate.size < original.size or clocks_of(candidate, prompt.entry) < clocks_of(original, prompt.entry):
            return ""
    except CodeError as error:
        return f"cannot be compared: {error}"
    return f"it saves nothing: {candidate.size} bytes, {original.size} before"


def _unnamed(prompt: Prompt, answer: Answer) -> str:
    missing = _missing(prompt.says, answer.words)
    return f"it does not name the bug: nothing like {missing}" if missing else ""


def _unsaid(prompt: Prompt, text: str) -> str:
    words = text.partition("\n\nVerdict: ")[0]
    missing = _missing(prompt.says, words)
    if missing:
        return f"it lacks {missing}"
    said = next((item for item in prompt.never if re.search(item, words, re.IGNORECASE)), "")
    return f"it says {said}" if said else ""


def _missing(patterns: Sequence[str], words: str) -> str:
    return next((item for item in patterns if not re.search(item, words, re.IGNORECASE)), "")


def _contradicted(text: str) -> str:
    found = validate_output(text.partition("\n\nVerdict: ")[0]).findings
    return f"it contradicts a fact: {found[0].problem}" if found else ""
