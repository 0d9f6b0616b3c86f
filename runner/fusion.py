"""Fusion: several experts answer one prompt, and one answer is chosen by what was checked, with the dissent told.

Answers are put into groups that agree: code with code when running both finds no difference (`compare_code`), text with
text when they state the same facts. Nothing is ever glued together and called a consensus, and agreement proves
nothing: the verdict stays that of the chosen answer.

- `best`: the answer with the best verdict and evidence, of these the one of most confidence.
- `weighted`: the group whose answers weigh most together, by confidence and verdict; its heaviest answer.
- `consensus`: the group of more than half of all answers that were not refuted; else none, which is said.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import anyio
from pydantic import JsonValue

from runner.ask import Ask, ask_safely, bare, joined
from runner.checks import worth_of
from runner.claims import code_in, plain, promise_in
from runner.finish import Tools
from runner.grounding import facts_in
from runner.tool_checks import Judges
from schemas.run import Run
from schemas.verdict import Verdict
from servers.machine.wire import clean, shorten

__all__ = ["Candidate", "Strategy", "fuse", "run_fusion"]

Strategy = Literal["best", "weighted", "consensus"]

_TRUST: dict[Verdict, float] = {"proved": 1.0, "tested": 0.8, "unchecked": 0.5, "refuted": 0.0}
_COUNT = re.compile(r"\b(\d{1,7})\s*(?:CPU\s+|master\s+)?(byte|cycle|clock|scanline|frame|bit)s?\b", re.IGNORECASE)
_MOST_SHOWN = 400


class Candidate(NamedTuple):
    """An answer that takes part, and how much its expert is trusted, from 0 to 1."""

    expert: str
    run: Run
    confidence: float = 1.0

    @property
    def weight(self) -> float:
        """Confidence by verdict."""
        return self.confidence * _TRUST[self.run.verdict]


class _Agreement(NamedTuple):
    agree: bool
    why: str


@dataclass
class _Group:
    members: list[Candidate] = field(default_factory=list[Candidate])
    why: list[str] = field(default_factory=list[str])

    @property
    def weight(self) -> float:
        return sum(member.weight for member in self.members)

    @property
    def names(self) -> str:
        return ", ".join(member.expert for member in self.members)


async def run_fusion(
    prompt: str,
    experts: Sequence[str],
    *,
    ask: Ask,
    strategy: Strategy = "consensus",
    toolbox: Tools | None = None,
    confidence: Mapping[str, float] | None = None,
    at_once: int = 1,
) -> Run:
    """Have each expert answer `prompt`, at most `at_once` at the same time, and fuse what they say.

    `toolbox` is where `compare_code` is found; without it only code that is the same text agrees.
    """
    begun = time.monotonic()
    names = list(dict.fromkeys(experts))
    answered: dict[str, Run] = {}
    limiter = anyio.CapacityLimiter(max(1, at_once))

    async def one(name: str) -> None:
        async with limiter:
            answered[name] = await ask_safely(ask, prompt, name)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(one, name)
    trust = confidence or {}
    candidates = [Candidate(name, answered[name], trust.get(name, 1.0)) for name in names]
    return await fuse(prompt, candidates, strategy=strategy, toolbox=toolbox, begun=begun)


async def fuse(
    prompt: str,
    candidates: Sequence[Candidate],
    *,
    strategy: Strategy = "consensus",
    toolbox: Tools | None = None,
    begun: float | None = None,
) -> Run:
    """Choose one answer among candidates; the run that comes back says in its metadata who agreed, and who did not."""
    started = time.monotonic() if begun is None else begun
    there = [item for item in candidates if item.run.stop == "answer" and item.run.answer.strip()]
    if not there:
        return _nobody(prompt, candidates, strategy=strategy, begun=started)
    groups = await _grouped(prompt, there, toolbox)
    agreed = _majority(groups)
    winner = _chosen(strategy, there, groups, agreed)
    group = next(group for group in groups if winner in group.members)
    rest = [other for other in groups if other is not group]
    failed = [item for item in candidates if item not in there]
    report = _report(strategy, winner, group, rest=rest, failed=failed, agreed=agreed is not None)
    fused: dict[str, JsonValue] = {
        "strategy": strategy,
        "chosen": winner.expert,
        "agreed": agreed is not None,
        "groups": _told(groups),
        "dissent": _told(rest),
        "failed": [item.expert for item in failed],
    }
    return joined(
        prompt,
        [item.run for item in candidates],
        expert=_names(candidates),
        answer=f"{winner.run.answer}\n\n{report}",
        verdict=winner.run.verdict,
        checks=winner.run.checks,
        begun=started,
        metadata={"fusion": fused},
    )


def _nobody(prompt: str, candidates: Sequence[Candidate], *, strategy: Strategy, begun: float) -> Run:
    told = "; ".join(f"{item.expert}: {item.run.error or item.run.stop}" for item in candidates)
    return joined(
        prompt,
        [item.run for item in candidates],
        expert=_names(candidates),
        answer="",
        verdict="unchecked",
        stop="model_error",
        error=f"no expert has answered ({told}); name others, or another model",
        begun=begun,
        metadata={"fusion": {"strategy": strategy, "agreed": False, "groups": [], "dissent": []}},
    )


async def _grouped(prompt: str, candidates: Sequence[Candidate], toolbox: Tools | None) -> list[_Group]:
    """Put answers that agree with the heaviest of a group into it."""
    groups: list[_Group] = []
    for candidate in sorted(candidates, key=lambda item: -item.weight):
        for group in groups:
            first = group.members[0]
            if "refuted" in (first.run.verdict, candidate.run.verdict):
                continue
            agreement = await _agreement(prompt, bare(first.run), bare(candidate.run), toolbox)
            if agreement.agree:
                group.members.append(candidate)
                group.why.append(f"{candidate.expert} with {first.expert}: {agreement.why}")
                break
        else:
            groups.append(_Group([candidate]))
    return groups


async def _agreement(prompt: str, one: str, other: str, toolbox: Tools | None) -> _Agreement:
    codes = [_own_code(text, prompt) for text in (one, other)]
    if all(codes):
        if plain(codes[0]) == plain(codes[1]):
            return _Agreement(agree=True, why="the same code")
        if toolbox is None:
            return _Agreement(agree=False, why="not compared")
        checked = (await Judges(toolbox).is_same(codes[0], codes[1], promise_in(prompt)))[0]
        return _Agreement(agree=checked.verdict in ("proved", "tested"), why=f"compare_code: {checked.verdict}")
    if any(codes):
        return _Agreement(agree=False, why="only one has code")
    known = _facts(prompt)
    first, second = _facts(one) - known, _facts(other) - known
    shared = first & second
    if not first and not second:
        return _Agreement(agree=plain(one) == plain(other), why="the same words")
    close = bool(shared) and (shared in (first, second) or 2 * len(shared) >= len(first | second))
    return _Agreement(agree=close, why=f"the same facts: {', '.join(sorted(shared)[:6])}")


def _own_code(answer: str, prompt: str) -> str:
    """Return the code that an answer ends in, which is not that of the prompt."""
    given = {plain(code.text) for code in code_in(prompt, inline=True)}
    found = [code.text for code in code_in(answer) if code.role != "original" and plain(code.text) not in given]
    return found[-1] if found else ""


def _facts(text: str) -> frozenset[str]:
    return facts_in(text) | {f"{number} {unit.lower()}" for number, unit in _COUNT.findall(text)}


def _majority(groups: Sequence[_Group]) -> _Group | None:
    """Return the group that holds more than half of all answers, at least two, and none that was refuted."""
    total = sum(len(group.members) for group in groups)
    largest = max(groups, key=lambda group: len(group.members))
    return largest if len(largest.members) > 1 and 2 * len(largest.members) > total else None


def _chosen(
    strategy: Strategy, candidates: Sequence[Candidate], groups: Sequence[_Group], agreed: _Group | None
) -> Candidate:
    if strategy == "weighted":
        return max(groups, key=lambda group: group.weight).members[0]
    if strategy == "consensus" and agreed is not None:
        return max(agreed.members, key=_worth)
    return max(candidates, key=_worth)


def _worth(candidate: Candidate) -> tuple[tuple[int, ...], float]:
    return worth_of(candidate.run.verdict, candidate.run.checks), candidate.confidence


def _report(
    strategy: Strategy,
    winner: Candidate,
    group: _Group,
    *,
    rest: Sequence[_Group],
    failed: Sequence[Candidate],
    agreed: bool,
) -> str:
    total = len(group.members) + sum(len(other.members) for other in rest)
    if strategy == "consensus" and not agreed:
        head = f"No consensus among {total} answers: this is {winner.expert}'s, of the best verdict."
    elif len(group.members) > 1:
        head = f"Agreed by {len(group.members)} of {total}: {group.names} ({'; '.join(group.why)})."
    else:
        head = f"Chosen ({strategy}): {winner.expert}'s answer, of {total}."
    lines = [head]
    for other in rest:
        first = other.members[0]
        said = " ".join(clean(bare(first.run)).split())
        lines.append(f"Dissent: {other.names} ({first.run.verdict}): {shorten(said, _MOST_SHOWN)}")
    lines += [f"No answer: {item.expert}: {clean(item.run.error or item.run.stop)}" for item in failed]
    return "\n".join(lines)


def _told(groups: Sequence[_Group]) -> list[JsonValue]:
    return [
        {
            "members": [
                {
                    "expert": item.expert,
                    "run": item.run.id,
                    "verdict": item.run.verdict,
                    "weight": round(item.weight, 3),
                }
                for item in group.members
            ],
            "weight": round(group.weight, 3),
            "why": [*group.why],
        }
        for group in groups
    ]


def _names(candidates: Sequence[Candidate]) -> str:
    return ",".join(item.expert for item in candidates)
