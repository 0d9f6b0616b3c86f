"""The proof under an answer: what the expert's proving tool said of its code, quoted where the answer lacks it."""

from collections.abc import Sequence

from runner.claims import code_in, in_blocks, plain
from runner.finish import UNPROVEN
from runner.grounding import is_good
from schemas.expert import Expert
from schemas.run import CallRecord

__all__ = ["with_proof"]


def with_proof(answer: str, expert: Expert, records: Sequence[CallRecord], *, judged: bool) -> str:
    """Quote the last good result of the proving tool, and the code it was given, where the answer lacks them.

    With `judged`, checks will assemble the answer's own code: what the tool said of other code is no proof of it.
    """
    tool = expert.proof
    good = [record for record in records if record.call.name == tool and is_good(record)]
    if not good and not expert.must_prove:
        return answer
    if not good:
        return f"{answer}{UNPROVEN}{tool} has accepted no code in this run)"
    code, result = str(good[-1].call.arguments.get("code", "")).strip(), good[-1].text.strip()
    own = [plain(block.text) for block in code_in(in_blocks(answer))]
    missing = bool(code) and plain(code) not in own and _words(code) not in _words(answer)
    if missing and own and judged:
        return answer
    quoted = [f"```asm\n{code}\n```"] if missing else []
    quoted += [result] if result not in answer else []
    return "\n\n".join([answer, *quoted])


def _words(text: str) -> str:
    return " ".join(text.lower().split())
