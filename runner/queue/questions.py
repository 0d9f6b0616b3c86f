"""Questions: what a run in the queue wants confirmed goes to the client that waits for it, and is answered once.

A worker asks its server, the server the one client that handed the job in, follows it and said that it can ask; that
one asks its user. Where no such client is there, or it goes, or takes too long, the answer is `nobody`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from runner.asking import Question, Reply
from schemas.frozen import Frozen
from servers.machine.wire import clean

__all__ = ["ANSWER_SECONDS", "Asked", "Questions", "reply_of"]

ANSWER_SECONDS = 300.0
"""How long the user may take; the job keeps its place meanwhile."""
_REPLIES: tuple[Reply, ...] = get_args(Reply)

Tell = Callable[[dict[str, Any]], bool]
"""Hands a frame to a client; False where it takes none."""
Answer = Callable[[int, Reply], None]
"""Hands the answer to a question, by its number, to the worker."""


class Asked(Frozen):
    """A question as a frame."""

    ask: int
    """Its number, of this attempt."""
    server: str
    tool: str
    arguments: tuple[str, ...]
    why: str
    may_always: bool

    @classmethod
    def of(cls, number: int, question: Question) -> "Asked":
        """Return the frame of a question."""
        return cls(ask=number, **question._asdict())

    def question(self) -> Question:
        """Return the question, cleaned: it is shown on a terminal."""
        shown = tuple(clean(line) for line in self.arguments)
        return Question(clean(self.server), clean(self.tool), shown, clean(self.why), self.may_always)


class _Open(NamedTuple):
    number: int
    answer: Answer


class Questions:
    """The open questions of a server, one a job, and the clients that can be asked."""

    def __init__(self) -> None:
        self._askers: dict[str, Tell] = {}
        self._open: dict[str, _Open] = {}

    def offer(self, job: str, tell: Tell) -> None:
        """Have the questions of a job told to this client."""
        self._askers[job] = tell

    def withdraw(self, job: str) -> None:
        """Let the client of a job go; what it was asked is answered by nobody."""
        self._askers.pop(job, None)
        if (asked := self._open.pop(job, None)) is not None:
            asked.answer(asked.number, "nobody")

    def put(self, job: str, frame: dict[str, Any], answer: Answer) -> None:
        """Put a worker's question to the client of its job."""
        number = frame.get("ask")
        if not isinstance(number, int):
            return
        tell = self._askers.get(job)
        if tell is not None and tell(frame):
            self._open[job] = _Open(number, answer)
        else:
            answer(number, "nobody")

    def answer(self, job: str, frame: dict[str, Any]) -> None:
        """Hand a client's answer on; one to a question that is not open is dropped."""
        asked = self._open.get(job)
        reply = reply_of(frame.get("reply"))
        if asked is not None and reply is not None and frame.get("ask") == asked.number:
            del self._open[job]
            asked.answer(asked.number, reply)

    def drop(self, job: str) -> None:
        """Forget what a worker asked that has ended."""
        self._open.pop(job, None)


def reply_of(word: object) -> Reply | None:
    """Return the reply that a word is; None: it is none."""
    return next((reply for reply in _REPLIES if reply == word), None)
