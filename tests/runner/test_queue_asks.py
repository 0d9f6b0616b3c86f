"""Questions of runs in the queue: put at the terminal of the one who waits, once, and answered by nobody elsewhere."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.asking import Question, Reply
from runner.queue.place import HERE
from runner.queue.questions import Asked, Questions
from schemas.run import Run
from tests.runner.queued import JOIN, PATIENCE, Queue, processes_with, until

pytestmark = pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")

ASKING = JOIN.replace(", allow=('hold',)", "")
"""A client whose tool `hold` runs programs, for all that is known of it, and has to be confirmed."""


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


class Terminal:
    """A client at a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self._screen = screen
        self.shown = ""

    def read_until(self, text: str, *, times: int = 1) -> None:
        """Read the screen until it has shown a text so often."""
        until(lambda: self._read().count(text) == times)

    def _read(self) -> str:
        while select.select([self._screen], [], [], 0)[0]:
            self.shown += os.read(self._screen, 65_536).decode()
        return self.shown

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._screen, f"{line}\n".encode())

    def ended(self) -> int:
        """Wait for its end, and return its status."""
        status = self.process.wait(PATIENCE)
        self._read()
        return status


@contextmanager
def at_a_terminal(queue: Queue, model: str) -> Generator[Terminal]:
    screen, inner = os.openpty()
    words = [sys.executable, "-c", ASKING, model]
    with subprocess.Popen(
        words, cwd=queue.folder, env=queue.environ, stdin=inner, stdout=inner, stderr=inner
    ) as client:
        try:
            yield Terminal(client, screen)
        finally:
            client.kill()
            os.close(screen)
            os.close(inner)


def last_run(queue: Queue) -> Run:
    (job,) = queue.ended(queue.jobs()[0].id)
    return queue.run(job.id)


def test_a_tool_that_was_confirmed_at_the_terminal_runs_in_the_queue(queue: Queue) -> None:
    with queue.served(), at_a_terminal(queue, queue.script("one", "two")) as client:
        client.read_until("run it?")
        assert not queue.held("one")
        client.type("y")
        until(lambda: queue.held("one"))
        queue.let_go("one")
        client.read_until("run it?", times=2)
        client.type("no")
        assert client.ended() == 0, client.shown
    run = last_run(queue)
    assert "done one two" in client.shown
    assert [record.ok for step in run.steps for record in step.calls] == [True, False]
    assert (queue.calls("one"), queue.held("two"), client.shown.count("run it?")) == (1, False, 2)


def test_calls_at_once_are_asked_for_one_after_the_other_and_always_counts_for_the_rest(queue: Queue) -> None:
    calls = [{"name": "hold", "arguments": {"name": name}} for name in ("one", "two")]
    (queue.folder / "both.json").write_text(json.dumps([{"calls": calls}, {"text": "done both"}]), encoding="utf-8")
    queue.let_go("one", "two")
    with queue.served(), at_a_terminal(queue, "scripted:both.json") as client:
        client.read_until("run it?")
        client.type("always")
        assert client.ended() == 0, client.shown
    assert (queue.calls("one"), queue.calls("two"), client.shown.count("run it?")) == (1, 1, 1)


def test_a_job_can_be_cancelled_while_its_question_is_open(queue: Queue) -> None:
    with queue.served(), at_a_terminal(queue, queue.script("one")) as client:
        client.read_until("run it?")
        (job,) = queue.jobs()
        queue.command("cancel", job.id)
        assert client.ended() == 1
        assert "withdrawn" in client.shown and "cancelled" in client.shown
    assert queue.job(job.id).state == "cancelled"
    assert not queue.held("one")


def test_an_interrupt_at_an_open_question_cancels_the_job(queue: Queue) -> None:
    with queue.served(), at_a_terminal(queue, queue.script("one")) as client:
        client.read_until("run it?")
        client.process.send_signal(signal.SIGINT)
        assert client.ended() == 130, client.shown
    assert last_run(queue).stop == "interrupted"
    assert not queue.held("one")
    assert not processes_with(str(queue.folder))


def test_a_question_whose_client_vanishes_is_refused_and_the_job_goes_on(queue: Queue) -> None:
    with queue.served(), at_a_terminal(queue, queue.script("one")) as client:
        client.read_until("run it?")
        client.process.kill()
        run = last_run(queue)
    ((record,),) = [step.calls for step in run.steps if step.calls]
    assert "nobody is here to confirm it" in record.text
    assert (run.stop, run.answer, queue.held("one")) == ("answer", "done one", False)


def test_a_job_that_nobody_follows_at_a_terminal_is_refused_at_once(queue: Queue) -> None:
    with queue.served():
        done = queue.command(queue.script("one"), code=ASKING)
        run = last_run(queue)
    assert done.returncode == 0, done.stderr
    ((record,),) = [step.calls for step in run.steps if step.calls]
    assert "nobody is here to confirm it" in record.text
    assert not queue.held("one")


class Heard:
    """A client and a worker, as far as questions go."""

    def __init__(self, *, takes: bool = True) -> None:
        self.asked: list[int] = []
        self.answers: list[tuple[int, Reply]] = []
        self.takes = takes

    def tell(self, frame: dict[str, object]) -> bool:
        self.asked.append(Asked.model_validate(frame).ask)
        return self.takes

    def answer(self, number: int, reply: Reply) -> None:
        self.answers.append((number, reply))


def put(number: object, *, takes: bool = True, offered: bool = True) -> tuple[Questions, Heard]:
    questions, heard = Questions(), Heard(takes=takes)
    if offered:
        questions.offer("job", heard.tell)
    frame = Asked.of(1, Question("m", "run", (), "why", False)).model_dump(mode="json")
    questions.put("job", {**frame, "ask": number}, heard.answer)
    return questions, heard


def test_an_answer_counts_once_and_for_the_open_question_alone() -> None:
    questions, heard = put(1)
    for frame in ({"ask": 2, "reply": "yes"}, {"ask": 1, "reply": "maybe"}, {"ask": 1, "reply": ["yes"]}, {}):
        questions.answer("job", frame)
    assert heard.answers == []
    questions.answer("other", {"ask": 1, "reply": "yes"})
    questions.answer("job", {"ask": 1, "reply": "no"})
    questions.answer("job", {"ask": 1, "reply": "yes"})
    questions.withdraw("job")
    assert (heard.asked, heard.answers) == ([1], [(1, "no")])


@pytest.mark.parametrize(
    "case",
    [
        lambda: put(1, offered=False),
        lambda: put(1, takes=False),
    ],
)
def test_where_no_client_takes_a_question_nobody_answers_it(case: Callable[[], tuple[Questions, Heard]]) -> None:
    assert case()[1].answers == [(1, "nobody")]


def test_a_question_that_is_open_when_its_client_goes_is_answered_by_nobody() -> None:
    questions, heard = put(1)
    questions.withdraw("job")
    questions.withdraw("job")
    assert heard.answers == [(1, "nobody")]


def test_what_is_no_question_is_dropped() -> None:
    assert put("one")[1].answers == []


def test_a_question_is_cleaned_before_it_reaches_the_terminal() -> None:
    told = Asked.of(1, Question("m\x1b[2J", "run\u202e", ("a = \x1b[2J",), "\x07", True)).question()
    assert not [text for text in (told.server, told.tool, *told.arguments, told.why) if not text.isprintable()]
