"""The generalist: a model that hands parts of a prompt to experts by writing a token, and goes on with their answers.

The protocol, in the model's own words and nowhere else (no tool's result and no expert's answer is ever read for it):

    <INVOKE_EXPERT:din>
    what the expert is asked; nothing: the user's whole prompt

What stands behind the token up to the next one, `</INVOKE_EXPERT>` or the end is the question. Each answer comes back
behind its token, wrapped, and the model goes on:

    <INVOKE_EXPERT:din>
    <EXPERT_RESPONSE>
    what the expert answered
    </EXPERT_RESPONSE>
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from pydantic import Field, JsonValue

from runner.ask import Ask, bare, joined
from runner.errors import ConfigError
from runner.hints import FEEDBACK
from schemas.frozen import Frozen
from schemas.run import Run
from schemas.verdict import Verdict
from servers.machine.wire import clean, shorten

__all__ = ["GENERALIST", "Invocation", "Wanted", "invocations_in", "run_generalist", "trace_lines"]

GENERALIST = "generalist"
"""The expert that speaks the protocol."""

_MOST_TEXT = 100_000
_MOST_QUESTION = 20_000
_MOST_RESPONSE = 12_000
_TOKEN = re.compile(r"<INVOKE_EXPERT:[ \t]*([^<>\n]{0,64}?)[ \t]*/?>")
_END = re.compile(r"</INVOKE_EXPERT(?::[^<>\n]{0,64})?>|<EXPERT_RESPONSE>")
_FAKED = re.compile(r"<EXPERT_RESPONSE>.*?(?:</EXPERT_RESPONSE>|\Z)", re.DOTALL)
_FENCED = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_MARKUP = re.compile(r"<(?=/?(?:INVOKE_EXPERT|EXPERT_RESPONSE)\b)", re.IGNORECASE)


class Wanted(NamedTuple):
    """One expert that a text invokes."""

    expert: str
    question: str
    """Empty: the user's whole prompt."""


class Invocation(Frozen):
    """One expert that was invoked, and what came of it."""

    expert: str
    question: str
    run: str = Field(default="", description="the id of the expert's run; empty: none took place")
    verdict: Verdict = "unchecked"
    answer: str = Field(description="what the generalist was given, without the wrapping")
    refused: bool = Field(
        default=False, description="no expert was asked: there is none of the name, or no more may be"
    )
    nested: bool = Field(default=False, description="the expert tried to invoke one itself, which is never done")


def invocations_in(text: str) -> tuple[Wanted, ...]:
    """Return the experts that a model's own text invokes, in order; tokens within a code block are quotations."""
    own = _FENCED.sub(lambda match: _MARKUP.sub("<'", match[0]), _FAKED.sub("<EXPERT_RESPONSE>", text[:_MOST_TEXT]))
    found = list(_TOKEN.finditer(own))
    ends = [*[match.start() for match in found], len(own)][1:]
    return tuple(
        Wanted(match[1].strip().lower(), shorten(_question(own[match.end() : end]), _MOST_QUESTION))
        for match, end in zip(found, ends, strict=True)
    )


def _question(text: str) -> str:
    return _END.split(text, maxsplit=1)[0].strip()


@dataclass(kw_only=True)
class _Talk:
    ask: Ask
    prompt: str
    experts: Sequence[str]
    generalist: str
    most: int
    turns: list[Run] = field(default_factory=list[Run])
    parts: list[Run] = field(default_factory=list[Run])
    made: list[Invocation] = field(default_factory=list[Invocation])
    transcript: list[str] = field(default_factory=list[str])

    async def run(self) -> None:
        said = self.prompt
        while True:
            turn = await self.ask(said, self.generalist, earlier=self.turns[-1] if self.turns else None)
            self.turns.append(turn)
            own = _own_text(turn)
            wanted = invocations_in(own) if turn.stop == "answer" else ()
            self.transcript.append(_FAKED.sub("", own).strip())
            if not wanted or len(self.turns) > self.most + 1:
                return
            answers = [await self._invoke(item) for item in wanted]
            wrapped = "\n".join(_wrapped(item) for item in answers)
            self.transcript.append(wrapped)
            ended = len(self.made) >= self.most
            last = "No more experts can be asked." if ended else "You may ask another expert the same way."
            said = f"{FEEDBACK}goes on here, with what the experts said:\n{wrapped}\n{last} Answer now: {self.prompt}"

    async def _invoke(self, wanted: Wanted) -> Invocation:
        invocation = await self._answered(wanted)
        self.made.append(invocation)
        return invocation

    async def _answered(self, wanted: Wanted) -> Invocation:
        expert, question = clean(wanted.expert), wanted.question or self.prompt
        refusal = self._refusal(expert)
        if refusal:
            return Invocation(expert=expert, question=clean(question), answer=refusal, refused=True)
        for earlier in self.made:
            if (earlier.expert, earlier.question, earlier.refused) == (expert, clean(question), False):
                return earlier
        try:
            run = await self.ask(question, expert)
        except ConfigError as error:
            return Invocation(expert=expert, question=clean(question), answer=clean(str(error)), refused=True)
        self.parts.append(run)
        text = run.answer if run.stop == "answer" else f"({expert} gave no answer: {run.error or run.stop})"
        return Invocation(
            expert=expert,
            question=clean(question),
            run=run.id,
            verdict=run.verdict,
            answer=shorten(_MARKUP.sub("&lt;", clean(text)), _MOST_RESPONSE),
            nested=bool(invocations_in(bare(run))),
        )

    def _refusal(self, expert: str) -> str:
        known = ", ".join(name for name in self.experts if name != self.generalist)
        if len(self.made) >= self.most:
            return f"not asked: {self.most} experts were asked already; answer with what there is"
        if expert == self.generalist:
            return f"not asked: the generalist cannot invoke itself; there are {known}"
        return "" if expert in self.experts else f"there is no expert {expert!r}; there are {known}"


def _own_text(turn: Run) -> str:
    """Return the last words of the model itself: an answer may quote what a tool returned."""
    said = [item.text for item in turn.messages if item.role == "assistant" and item.text]
    return said[-1] if said else bare(turn)


def _wrapped(item: Invocation) -> str:
    nested = "\n(it tried to invoke an expert itself; that was not done)" if item.nested else ""
    name = _MARKUP.sub("&lt;", item.expert)
    return f"<INVOKE_EXPERT:{name}>\n<EXPERT_RESPONSE>\n{item.answer}{nested}\n</EXPERT_RESPONSE>"


async def run_generalist(
    prompt: str, *, ask: Ask, experts: Sequence[str], generalist: str = GENERALIST, most: int = 6
) -> Run:
    """Have the generalist answer `prompt`, with at most `most` invocations of `experts`; return the run of it all.

    Its answer is the generalist's last one. `metadata["generalist"]` has every invocation and the whole transcript in
    the protocol. Raises ConfigError where there is no such generalist.
    """
    begun = time.monotonic()
    talk = _Talk(ask=ask, prompt=prompt, experts=tuple(experts), generalist=generalist, most=most)
    await talk.run()
    last = talk.turns[-1]
    told: list[JsonValue] = [item.model_dump(mode="json") for item in talk.made]
    return joined(
        prompt,
        [*talk.turns, *talk.parts],
        expert=generalist,
        answer=_MARKUP.sub("&lt;", last.answer),
        verdict=last.verdict,
        checks=last.checks,
        stop=last.stop,
        error=last.error,
        begun=begun,
        metadata={"generalist": {"invocations": told, "transcript": "\n".join(filter(None, talk.transcript))}},
    )


def trace_lines(runs: Iterable[Run]) -> Iterator[str]:
    """Yield a line of JSON, in ASCII, for each answered run of the generalist that asked an expert and was not refuted.

    Fields: run, prompt, completion (the transcript in the protocol), experts, verdict, model. What is in them is as it
    was said: whoever trains on it has to take out secrets first.
    """
    for run in runs:
        told = run.metadata.get("generalist")
        if not isinstance(told, dict) or run.stop != "answer" or run.verdict == "refuted":
            continue
        made = [cast("dict[str, JsonValue]", item) for item in cast("list[JsonValue]", told.get("invocations") or [])]
        asked = [item["expert"] for item in made if not item.get("refused")]
        if asked:
            line = {"run": run.id, "prompt": run.prompt, "completion": told.get("transcript"), "experts": asked}
            yield json.dumps({**line, "verdict": run.verdict, "model": run.model})
