"""Whether a call may run: by the class of its tool, by what has been read before, and by the user's word.

`read` runs. `write` runs, since only the suite's own table and the user's give that class. `exec` is asked for, or
allowed by name beforehand; where nobody can be asked it is refused. An `exec` call that was recognised in printed text
is always asked for, a `write` call too where it was printed after words, and so is every `exec` call, whatever was said
before, once something from outside has been read.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import anyio

from runner.classes import Classes, Grade, load_classes
from runner.offers import Offer
from schemas.message import ToolCall
from servers.machine.wire import clean, shorten

__all__ = ["Ask", "Decision", "Gate", "Policy", "Question", "Reply"]

Reply = Literal["yes", "no", "always", "nobody"]
"""The user's word; `always` holds for the tool, until something from outside has been read; `nobody` says
that none was there to say it."""
_EVERY = "*"


class Question(NamedTuple):
    """What the user is asked."""

    server: str
    """The server's name in mcp.json and how it is started."""
    tool: str
    arguments: tuple[str, ...]
    """Each as `name = JSON`, whole, in one line, cleaned."""
    why: str
    may_always: bool
    """Whether `always` would count."""


Ask = Callable[[Question], Awaitable[Reply]]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What may run without a question, whom to ask, and where that is kept."""

    allow: tuple[str, ...] = ()
    """Tools of the class exec that run unasked: `tool`, `server.tool`, or `*` for every one."""
    ask: Ask | None = None
    """Asks the user; None: there is nobody, so what would be asked for is refused."""
    classes: Classes = field(default_factory=load_classes)
    pins: Path | None = None
    """Folder of the user's pins; None: the user's own folder of settings."""
    audit: Path | None = None
    """File that gets a line for every call; None: none is kept."""


class Decision(NamedTuple):
    """Whether a call runs, and why."""

    runs: bool
    word: str
    """For the audit: ran, allowed, asked-yes, asked-always, always, asked-no, refused."""
    why: str = ""
    """What the model is told when it does not run."""


class Gate:
    """Decides on the calls of one run. Questions are put one after another, whatever runs at the same time."""

    def __init__(self, policy: Policy, *, tainted: bool = False) -> None:
        self._policy = policy
        self._always: set[str] = set()
        self._asking = anyio.Lock()
        self.tainted = tainted
        """Whether something from outside has been read in this run."""

    async def decide(self, call: ToolCall, offer: Offer, grade: Grade, *, server: str) -> Decision:
        """Decide on a call with its final arguments; waits for the user where he has to be asked."""
        if grade.kind == "read" or (grade.kind == "write" and not call.in_prose):
            return Decision(runs=True, word="ran")
        if not call.from_text and self._allowed(offer):
            return Decision(runs=True, word="allowed")
        async with self._asking:  # the answer to an earlier question may be `always`
            if not call.from_text and not self.tainted and offer.spec.name in self._always:
                return Decision(runs=True, word="always")
            if self._policy.ask is None:
                return _refused(call, offer)
            return await self._ask(self._policy.ask, call, offer, server, grade=grade)

    async def _ask(self, ask: Ask, call: ToolCall, offer: Offer, server: str, *, grade: Grade) -> Decision:
        may_always = not call.from_text and not self.tainted
        writes = grade.kind == "write"
        why = "it writes in your folders" if writes else "it runs programs, or reaches outside your folders"
        if call.from_text:
            why += "; the model only printed this call"
        elif self.tainted:
            why += "; text from outside has been read, which may have led to this call"
        shown = tuple(
            clean(f"{name} = {json.dumps(value, ensure_ascii=False)}") for name, value in call.arguments.items()
        )
        asked = Question(server, clean(offer.remote_name), shown, why, may_always)
        said = await ask(asked)
        if said == "nobody":
            return _refused(call, offer)
        if said == "no":
            return Decision(runs=False, word="asked-no", why=f"the user refused {call.name}; go on without it")
        if said == "always" and may_always:
            self._always.add(offer.spec.name)
            return Decision(runs=True, word="asked-always")
        return Decision(runs=True, word="asked-yes")

    def _allowed(self, offer: Offer) -> bool:
        names = (_EVERY, offer.spec.name, f"{offer.spec.server}.{offer.remote_name}")
        return any(name in self._policy.allow for name in names)


def _refused(call: ToolCall, offer: Offer) -> Decision:
    name = shorten(call.name, 64)
    if call.from_text:
        why = (
            f"{name} was not run: the call was printed as text, and nobody is here to confirm it. Call the tool itself"
        )
    else:
        why = (
            f"{name} was not run: it runs programs or reaches outside, and nobody is here to confirm it. Go on without "
            f"it; the user can allow it with --allow {clean(offer.spec.server)}.{clean(offer.remote_name)}"
        )
    return Decision(runs=False, word="refused", why=why)
