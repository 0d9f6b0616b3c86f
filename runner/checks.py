"""Checks before words: the code and the claims of an answer go through tools that can tell, before the user sees it.

`judge` asks the tools about an answer: each block of code is assembled and linted, compared with the code of the
prompt where the expert optimises, and what the answer states is compared with the facts. `checking` makes of it the
`Finish` of an agent: a failure goes back to the model as a short diagnosis (`Limits.rounds` times at most), the
verdict becomes part of the answer, and the evidence part of the `Run`.

    async with Agent("din", finish=checking(din)) as agent: ...
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from runner.claims import Code, code_in, in_blocks, plain, promise_in
from runner.finish import UNPROVEN, Finish, Judged, Tools
from runner.grounding import facts_in, unsupported
from runner.hints import FEEDBACK, STILL, Failing, diagnosed, diagnosis_of
from runner.tool_checks import ASSEMBLES, CAN_SAVE, DOES_ALL, HAS_BUG, SAME, SAVES, Judges
from runner.wishes import wish_in
from schemas.expert import Expert
from schemas.run import Run
from schemas.verdict import Checked, Verdict
from servers.machine.wire import clean, shorten

__all__ = ["Judgement", "checking", "judge", "verdict_of", "verdict_text", "worth_of"]

SOURCED = "each address, value and name is from a tool's result or from the question"
ANSWERS = "the text is an answer, not a message of the checks again"
_MOST_JUDGED = 4
_ECHOED = 40
"""So many characters that begin a message and an answer alike are an echo."""
_OF_THE_QUESTION = frozenset([CAN_SAVE, HAS_BUG])
"""Claims about the code of the question, not about the answer."""
_WORST_FIRST: tuple[Verdict, ...] = ("refuted", "unchecked", "tested", "proved")


class Judgement(NamedTuple):
    """What the tools found out about an answer."""

    verdict: Verdict
    checks: tuple[Checked, ...]
    diagnosis: str = ""
    """What the model has to mend; empty: nothing that a tool could tell."""


def checking(expert: Expert) -> Finish:
    """Return the end of a run of `expert`: its answer is judged, and says the verdict.

    Code that the answer gives within its prose is set as a block, to be judged and copied. Plain words that no tool was
    there to judge stay as they are; that they are unchecked is told by the run alone.
    """

    async def finish(run: Run, toolbox: Tools) -> Judged:
        run = run.model_copy(update={"answer": in_blocks(run.answer)})
        judged = await judge(run, toolbox, expert=expert)
        silent = expert.check in ("none", "validate_output") and all(
            check.verdict == "unchecked" for check in judged.checks if check.claim != SOURCED
        )
        answer = run.answer
        if any(check.tool == expert.proof and check.verdict == "proved" for check in judged.checks):
            answer = answer.rpartition(UNPROVEN)[0] or answer  # the tool has accepted it now
        told = answer if silent else f"{answer}\n\n{verdict_text(judged)}"
        found = {"answer": told, "verdict": judged.verdict, "checks": judged.checks}
        return Judged(run.model_copy(update=found), judged.diagnosis, worth_of(judged.verdict, judged.checks))

    return finish


async def judge(run: Run, toolbox: Tools, *, expert: Expert) -> Judgement:
    """Have the tools judge the answer of a run; never raises but for cancellation."""
    if expert.check == "none" or not run.answer.strip():
        return Judgement("unchecked", ())
    if _echoes(run):
        echo = Checked(tool="afs-run", claim=ANSWERS, verdict="refuted", said="it repeats what the checks had said")
        return Judgement("refuted", (echo,), diagnosis_of([echo]))
    judges = Judges(toolbox)
    prompt, original = _question(run)
    news = _to_judge(code_in(run.answer), original)
    checks = await _of_code(judges, news, prompt)
    if expert.check != "compare_code":
        checks += await _of_wishes(judges, news, prompt, checks)
    else:
        checks += await _of_sameness(judges, news, original, prompt, checks)
    if judges.has("validate_output") or expert.check == "validate_output":
        checks.append(await judges.is_true(run.answer))
    if expert.check == "validate_output":
        checks += _sourced(run)
    verdict = verdict_of(checks, expert=expert)
    failing = Failing(tuple(news), prompt, original, tuple(checks))
    diagnosis = await diagnosed(judges, failing, expert=expert)
    return Judgement(verdict, (*checks, *diagnosis.checks), diagnosis.text)


def verdict_of(checks: Sequence[Checked], *, expert: Expert) -> Verdict:
    """Return the verdict on a whole answer.

    One claim that is refuted refutes it. What proves or tests it is only what was asked for, of every block: that code
    does the same as the original, or all that the prompt says. That it assembles, or that no mistake was found, leaves
    it unchecked.
    """
    if any(check.verdict == "refuted" for check in checks):
        return "refuted"
    wanted = (SAME, SAVES) if expert.check == "compare_code" else (DOES_ALL,)
    asked = [check.verdict for check in checks if check.claim in wanted]
    if not asked:
        return "unchecked"
    return next(verdict for verdict in _WORST_FIRST if verdict in asked)


def worth_of(verdict: Verdict, checks: Sequence[Checked]) -> tuple[int, ...]:
    """Return how good an answer is by what tools found, to be compared: the verdict, claims refuted, claims that hold.

    Each claim counts once, of however many blocks it was made: code that assembles and then does something else is
    nearer than code that does not assemble.
    """
    refuted = {check.claim for check in checks if check.verdict == "refuted"}
    holding = {check.claim for check in checks if check.verdict in ("proved", "tested")} - refuted - _OF_THE_QUESTION
    return _WORST_FIRST.index(verdict), -len(refuted), len(holding)


def verdict_text(judged: Judgement) -> str:
    """Return the verdict with its evidence in a few lines, as it stands under the answer."""
    lines = [f"Verdict: {judged.verdict}{_why(judged)}"]
    for check in sorted(judged.checks, key=lambda check: _WORST_FIRST.index(check.verdict))[:6]:
        told = re.sub(r"(?<![.;:,])[ \t]*\n\s*", "; ", check.said.strip())
        said = f" ({shorten(' '.join(told.split()), 240)})" if told else ""
        lines.append(f"- {check.tool}: {check.claim}: {check.verdict}{said}")
    if judged.verdict not in ("proved", "tested"):
        lines += [_instead(check) for check in judged.checks if check.claim == CAN_SAVE]
    return "\n".join(lines)


def _instead(known: Checked) -> str:
    """Return the code of a tool, where the answer has none that holds."""
    return f"Not the model's, but of {known.tool}, {known.verdict} to do the same:\n```asm\n{known.code}\n```"


def _why(judged: Judgement) -> str:
    """Say why an answer is unchecked: a reader of a right answer would wonder."""
    if judged.verdict != "unchecked":
        return ""
    if not judged.checks:
        return ": nothing in the answer could be checked by a tool"
    if any(check.verdict in ("proved", "tested") for check in judged.checks):
        return " as a whole: no tool can tell whether this is all that was asked for. Of its parts:"
    return ": no tool could tell"


def _echoes(run: Run) -> bool:
    """Tell whether an answer only says again what it was sent back with: small models do."""
    said = [item.text for item in run.messages if item.role == "user" and (item.told or item.text == run.prompt)]
    begin = _beginning(run.answer)
    return len(begin) == _ECHOED and any(begin == _beginning(text) for text in said if text.startswith(FEEDBACK))


def _beginning(text: str) -> str:
    return " ".join(text[: 4 * _ECHOED].lower().split())[:_ECHOED]


def _sourced(run: Run) -> list[Checked]:
    """Say whether each address, number and name of an answer stands in a result of the run, or in the question."""
    results = [item for item in run.messages if item.role == "tool" and not item.failed and not item.example]
    facts = facts_in(run.answer)
    if not facts or not results:
        return []
    said = [item.text for item in run.messages if item.role == "user"]
    missing = unsupported(run.answer, [item.text for item in results], "\n".join(said))
    tools = ", ".join(dict.fromkeys(item.tool for item in results))
    if missing:
        told = f"no tool of this run has named {', '.join(sorted(missing)[:6])}"
        return [Checked(tool=tools, claim=SOURCED, verdict="unchecked", said=clean(told))]
    return [Checked(tool=tools, claim=SOURCED, verdict="tested", said=f"{len(facts)} of {len(facts)}")]


class _Question(NamedTuple):
    """What the user asked."""

    prompt: str
    original: str
    """The code that they gave, with it or before."""


def _question(run: Run) -> _Question:
    """Return what a run answers: its prompt, or where that only sends an answer back, the one before."""
    begun = next((at for at, item in enumerate(run.messages) if item.role == "user" and item.text == run.prompt), 0)
    said = [item.text for item in run.messages[:begun] if item.role == "user" and not (item.example or item.told)]
    texts = [asked for text in (run.prompt, *reversed(said)) if (asked := _asked(text))]
    given = (code.text for text in texts for code in code_in(text, inline=True))
    return _Question(texts[0] if texts else run.prompt, next(given, ""))


def _asked(text: str) -> str:
    """Return what a text of the user asks; where it sends an answer back, the question that it repeats, if any."""
    _, still, question = text.rpartition(STILL)
    return text if not text.startswith(FEEDBACK) else question if still else ""


def _to_judge(found: Sequence[Code], original: str) -> list[str]:
    """Return the blocks that are the answer's own; where it only repeats the original, that."""
    own = [code for code in found if code.role != "original" and plain(code.text) != plain(original)]
    kept = own or [code for code in found if plain(code.text) != plain(original)] or list(found)
    return list(dict.fromkeys(code.text for code in kept))[:_MOST_JUDGED]


async def _of_code(judges: Judges, blocks: list[str], prompt: str) -> list[Checked]:
    """Assemble and lint each block; blocks that lack each other's names are judged as one, and put into `blocks` so."""
    entry = promise_in(prompt).entry
    results = [await judges.assembles(code, known=prompt) for code in blocks]
    if len(blocks) > 1 and any(check.verdict == "refuted" for check in results):
        whole = await judges.assembles("\n".join(blocks), known=prompt)
        if whole.verdict == "proved":
            blocks[:], results = ["\n".join(blocks)], [whole]
    for code, check in zip(blocks, tuple(results), strict=True):
        if check.verdict == "proved":
            results.append(await judges.is_clean(code, entry=entry))
    return results


async def _of_sameness(
    judges: Judges, blocks: Sequence[str], original: str, prompt: str, checks: Sequence[Checked]
) -> list[Checked]:
    """Compare each block that assembles with the code of the prompt."""
    if not blocks:
        return []
    if not original:
        said = "the prompt holds no code to compare with"
        return [Checked(tool="compare_code", claim=SAME, verdict="unchecked", said=said)]
    failed = {check.code for check in checks if check.claim == ASSEMBLES and check.verdict == "refuted"}
    promise = promise_in(prompt)
    found: list[Checked] = []
    for code in blocks:
        if shorten(code, 2_000) not in failed:
            found += await judges.is_same(original, code, promise)
    return found


async def _of_wishes(judges: Judges, blocks: Sequence[str], prompt: str, checks: Sequence[Checked]) -> list[Checked]:
    """Run each block that assembles, and see whether it does what the prompt says in so many words."""
    wish = wish_in(prompt)
    good = {check.code for check in checks if check.claim == ASSEMBLES and check.verdict == "proved"}
    if not wish.trials or not judges.has("run_code"):
        return []
    entry = promise_in(prompt).entry
    return [await judges.does(code, wish, entry=entry) for code in blocks if shorten(code, 2_000) in good]
