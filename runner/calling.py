"""The calls of one run: looked up, checked, decided on, sent, and each kept as a record and a line of the audit."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import anyio

from runner.arguments import ArgumentCheck, repair, unsendable
from runner.asking import Decision, Gate
from runner.audit import Audit
from runner.classes import Classes, Grade
from runner.connection import Connection, Outcome
from runner.models.keys import hide, known_keys
from runner.offers import Answer, Offer
from schemas.message import ToolCall, ToolSpec
from schemas.run import CallRecord, ServerState
from servers.machine.wire import clean, shorten

__all__ = ["Calls", "Desk"]


class Desk(NamedTuple):
    """What the calls of all runs share."""

    offers: Mapping[str, Offer]
    by_server: Mapping[str, Connection]
    checks: dict[str, ArgumentCheck]
    classes: Classes
    unknown: Callable[[str], str]
    """Says what there is instead of a tool that is not there."""
    states: Callable[[], tuple[ServerState, ...]]


class _Passed(NamedTuple):
    """A call that may run, or why it may not."""

    call: ToolCall
    grade: Grade
    decision: Decision


_OUT = Grade("exec", outside=False)
_INTERRUPTED = Outcome(ok=False, answer=Answer(text="", structured=None))


class Calls:
    """Makes the calls of one run: what was allowed or read in it does not count for another."""

    def __init__(self, desk: Desk, gate: Gate, audit: Audit) -> None:
        self._desk = desk
        self._gate = gate
        self._audit = audit

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, in the order of the servers; they stay the same for the whole run."""
        return tuple(offer.spec for offer in self._desk.offers.values())

    @property
    def states(self) -> tuple[ServerState, ...]:
        """How each server is now, in their order."""
        return self._desk.states()

    async def call_all(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
        """Run the calls at the same time; one record each, in order; never raises but for cancellation."""
        if len(calls) == 1:
            return (await self.call(calls[0]),)
        records: dict[int, CallRecord] = {}

        async def one(index: int, call: ToolCall) -> None:
            records[index] = await self.call(call)

        async with anyio.create_task_group() as group:
            for index, call in enumerate(calls):
                group.start_soon(one, index, call)
        return tuple(records[index] for index in range(len(calls)))

    async def call(self, call: ToolCall) -> CallRecord:
        """Run a call; never raises but for cancellation.

        The record's `call` holds the arguments as they were sent, lossless repairs included. A call that could
        not be read, names no tool, has wrong arguments or is not allowed is not run: its record says why.
        """
        begun = time.monotonic()
        offer = self._desk.offers.get(call.name)
        passed = _Passed(call, _OUT, Decision(runs=False, word="interrupted"))
        outcome = _INTERRUPTED
        try:
            passed = await self._pass(call, offer)
            if offer is not None and passed.decision.runs:
                outcome = _keyless(await self._desk.by_server[offer.spec.server].call(offer, passed.call.arguments))
            else:
                outcome = _refusal(passed.decision.why)
        finally:
            self._keep(passed, offer, outcome)
        return CallRecord(
            call=passed.call,
            server=offer.spec.server if offer else "",
            ok=outcome.ok,
            text=outcome.answer.text,
            structured=outcome.answer.structured,
            images=outcome.answer.images,
            seconds=time.monotonic() - begun,
            outside=passed.decision.runs and passed.grade.outside,
        )

    async def _pass(self, call: ToolCall, offer: Offer | None) -> _Passed:
        problem = ""
        if call.problem:
            problem = f"the call of {shorten(call.name, 64)!r} could not be read: {call.problem}"
        elif offer is None:
            problem = self._desk.unknown(call.name)
        if problem or offer is None:
            return _Passed(call, _OUT, Decision(runs=False, word="invalid", why=problem))
        connection = self._desk.by_server[offer.spec.server]
        grade = self._desk.classes.grade(connection.identity, offer.remote_name)
        if blocked := connection.accepted.refusal(offer.remote_name):
            return _Passed(call, grade, Decision(runs=False, word="pinned-out", why=blocked))
        problem = unsendable(call.arguments)
        if not problem:
            call = call.model_copy(update={"arguments": repair(offer.schema, call.arguments)})
            problem = self._check(call.name, offer).problems(call.arguments)
        if problem:
            return _Passed(call, grade, Decision(runs=False, word="invalid", why=problem))
        server = f"{offer.spec.server} ({connection.identity.title})"
        return _Passed(call, grade, await self._gate.decide(call, offer, grade, server=server))

    def _check(self, name: str, offer: Offer) -> ArgumentCheck:
        if name not in self._desk.checks:
            self._desk.checks[name] = ArgumentCheck(name, offer.schema)
        return self._desk.checks[name]

    def _keep(self, passed: _Passed, offer: Offer | None, outcome: Outcome) -> None:
        """Note what came of a call, an interrupted one too: from then on it counts that something was read."""
        if passed.decision.runs and passed.grade.outside:
            self._gate.tainted = True
        word = "pinned-out" if outcome.blocked else passed.decision.word
        self._audit.add(
            server=offer.spec.server if offer else "",
            tool=offer.remote_name if offer else passed.call.name,
            kind=passed.grade.kind if offer else "",
            decision=word,
            arguments=passed.call.arguments,
            result=outcome.answer.text,
        )


def _keyless(outcome: Outcome) -> Outcome:
    """Return what came back without the user's keys: a tool may read a file, or run a program, that shows one."""
    keys = known_keys()
    if not keys:
        return outcome
    given = outcome.answer
    whole = json.dumps(given.structured)
    kept = hide(whole, keys)
    structured = given.structured if kept == whole else json.loads(kept)
    return outcome._replace(answer=given._replace(text=hide(given.text, keys), structured=structured))


def _refusal(text: str) -> Outcome:
    return Outcome(ok=False, answer=Answer(text=shorten(clean(text), 4000), structured=None))
