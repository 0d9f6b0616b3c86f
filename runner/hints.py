"""What goes back to a model whose answer is not right: what was refuted, and what tools know of the code in question.

A small model mends what it is shown. So a diagnosis holds the line and the evidence, and where a tool can do a part of
the work (a cheaper version that is proved, the linter's fix) its result, in the form that the answer shall have.
"""

from collections.abc import Sequence
from typing import NamedTuple

from runner.claims import plain, promise_in
from runner.tool_checks import CAN_SAVE, HAS_BUG, Judges
from runner.wishes import wish_in
from schemas.expert import Expert
from schemas.verdict import Checked
from servers.machine.wire import shorten

__all__ = ["FEEDBACK", "STILL", "Failing", "diagnosed", "diagnosis_of"]

FEEDBACK = "Your answer "
"""How each message begins that sends an answer back: it asks nothing new."""
STILL = "\nThe question is still: "
"""What stands before the question in a message that sends an answer back."""

_MOST = 1_500
_AGAIN = "Mend it and give your whole answer again, with all of the code in one asm block."
_SHORT_OF_IT = "does not do what was asked for yet."
_BLOCK = "Give all of the code in one ```asm block, one instruction a line"


class Failing(NamedTuple):
    """An answer, and what it is an answer to."""

    blocks: tuple[str, ...]
    """The code that was judged."""
    prompt: str
    original: str
    """The code of the prompt; empty: none."""
    checks: tuple[Checked, ...]


def diagnosis_of(checks: Sequence[Checked], *, lacking: str = "") -> str:
    """Return what the model is told about what was refuted or is `lacking`, as a message to it; empty: nothing is.

    What tools know of the code of the question is part of it.
    """
    wrong = [check for check in checks if check.verdict == "refuted"]
    known = [check for check in checks if check.claim in (CAN_SAVE, HAS_BUG)]
    if not (wrong or known or lacking):
        return ""
    told = "\n".join(f"{check.tool}: not so: {check.claim}.\n{check.said}" for check in wrong[:3])
    head = f"was checked and is not right yet.\n{shorten(told, _MOST)}" if wrong else lacking or _SHORT_OF_IT
    solved = any(check.claim == CAN_SAVE for check in known)
    again = "" if solved or (lacking and not known) else _AGAIN
    return "\n".join(filter(None, [f"{FEEDBACK}{head}", *map(_told, known), again]))


class Diagnosed(NamedTuple):
    """What the model has to mend, and what tools found out about the code of the question for it."""

    text: str = ""
    """Empty: nothing that a tool could tell."""
    checks: tuple[Checked, ...] = ()


async def diagnosed(judges: Judges, failing: Failing, *, expert: Expert) -> Diagnosed:
    """Return what the model has to mend, with what tools know of it; a right answer costs nothing."""
    lacking = _lacking(failing, expert)
    refuted = any(check.verdict == "refuted" for check in failing.checks)
    if not (lacking or refuted):
        return Diagnosed()
    known = await _known(judges, failing, expert)
    return Diagnosed(diagnosis_of([*failing.checks, *known], lacking=lacking), known)


def _lacking(failing: Failing, expert: Expert) -> str:
    """Say what an answer lacks that was not refuted."""
    mends = expert.intent == "debug" and bool(failing.original)
    optimizes = expert.check == "compare_code" and expert.intent == "optimize" and bool(failing.original)
    if not failing.blocks and (mends or optimizes or expert.check == "assemble"):
        return f"holds no code that could be checked. {_BLOCK}."
    if mends and all(plain(block) == plain(failing.original) for block in failing.blocks):
        return f"holds the code of the question as it was: nothing in it is mended. {_BLOCK}, with the bug mended."
    return ""


async def _known(judges: Judges, failing: Failing, expert: Expert) -> tuple[Checked, ...]:
    """Return what tools know about the code of the question by themselves."""
    if not failing.original or expert.intent not in ("optimize", "debug"):
        return ()
    promise = promise_in(failing.prompt)
    if expert.intent == "optimize":
        found = await judges.cheaper(failing.original, promise)
        return (found,) if found is not None else ()
    bug = await judges.known_bug(failing.original, entry=promise.entry)
    wish = wish_in(failing.prompt)
    if bug is None and wish.trials:
        ran = await judges.does(failing.original, wish, entry=promise.entry)
        bug = ran.model_copy(update={"claim": HAS_BUG, "verdict": "tested"}) if ran.verdict == "refuted" else None
    return (bug,) if bug is not None else ()


def _told(known: Checked) -> str:
    if known.claim == CAN_SAVE:
        saved = known.said.split("\n", maxsplit=1)[0]
        told = f"{known.tool} has a version of the question's code ({saved}) that is {known.verdict} to do the same"
        return f"Answer with it in one asm block. {told}:\n{_fenced(known.code)}"
    return f"Of the code of the question {known.tool} says:\n{shorten(known.said, _MOST)}"


def _fenced(code: str) -> str:
    return f"```asm\n{code}\n```"
