"""Feedback: ratings are kept beside the runs, nothing is lost, the last word counts."""

import json
import multiprocessing
import os
import select
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest
from click.testing import CliRunner

from runner.errors import ConfigError, KeepError
from runner.feedback import TEXT_LIMIT, Feedback, Tally, rating_line, tally
from runner.feedback_cli import ask_rating, rate_command
from runner.recorder import Recorder, new_run_id
from schemas.run import Run


def kept_run(root: Path, **fields: object) -> Run:
    told = {"stop": "answer", "answer": "LDA #$00", **fields}
    run = Run(id=new_run_id(), prompt="hi", model="scripted:x", started="2026-11-21T17:00:00Z").model_copy(update=told)
    Recorder(root).keep(run)
    return run


def feedback_in(root: Path) -> Feedback:
    return Feedback(Recorder(root))


def rate(root: Path, *arguments: str) -> str:
    done = CliRunner().invoke(rate_command, [*arguments, "--context-root", str(root)])
    return f"{done.exit_code} {done.output}"


def test_the_last_word_on_a_run_counts_and_the_others_stay_in_the_file(tmp_path: Path) -> None:
    first, second = kept_run(tmp_path), kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    feedback.rate(first.id, 1, text="assembled at once")
    feedback.rate(second.id, 1, by="tool")
    feedback.rate(first.id, -1, text="but the wrong register", by="terminal")
    words = feedback.last_words()
    assert {name: word.rating for name, word in words.items()} == {first.id: -1, second.id: 1}
    assert words[first.id].text == "but the wrong register"
    assert len(list(feedback.all())) == 3
    assert tally(words) == Tally(good=1, bad=1)
    assert tally(words, [first.id, "another"]) == Tally(good=0, bad=1)


def test_a_run_is_named_as_everywhere_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    assert feedback.rate("last", 1).run == feedback.rate(run.id[-8:], 1).run == run.id
    with pytest.raises(ConfigError, match="afs agent runs"):
        feedback.rate("20260101T000000Z-00000000", 1)
    with pytest.raises(ConfigError, match="4,000 at most"):
        feedback.rate("last", 1, text="x" * (TEXT_LIMIT + 1))


def test_nothing_is_read_or_made_where_nothing_was_rated(tmp_path: Path) -> None:
    assert feedback_in(tmp_path).last_words() == {}
    assert list(tmp_path.iterdir()) == []


def test_damaged_lines_and_hostile_text_cost_no_other_rating(tmp_path: Path) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    feedback.rate(run.id, 1, text="\x1b[2J\ud800\u202e" + "\U000e0041" * (TEXT_LIMIT - 10))
    with feedback.file.open("ab") as file:
        file.write(b"not json\n" + b"[" * 5_000 + b"\n" + b"\xff\n" + b"x" * 200_000 + b'\n{"run": 1}\n{"run": "torn')
    feedback.rate(run.id, -1, text="after the torn line")
    assert [word.rating for word in feedback.all()] == [1, -1]
    shown = rating_line(next(feedback.all()))
    assert shown.isascii() and "\x1b" not in shown


def rate_many(root: str, run: str, name: str) -> None:
    feedback = feedback_in(Path(root))
    for number in range(25):
        feedback.rate(run, 1, text=f"{name} {number} " + "x" * 3_000)


def test_processes_that_rate_at_once_lose_nothing(tmp_path: Path) -> None:
    run = kept_run(tmp_path)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=rate_many, args=(str(tmp_path), run.id, name)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    said = [word.text.rsplit(" ", 1)[0] for word in feedback_in(tmp_path).all()]
    assert sorted(said) == sorted(f"{name} {number}" for name in "abc" for number in range(25))
    assert [text for text in said if text.startswith("a")] == [f"a {number}" for number in range(25)]


def test_a_rating_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    feedback.file.mkdir()
    with pytest.raises(KeepError, match="the rating could not be kept"):
        feedback.rate(run.id, 1)
    with pytest.raises(ConfigError, match="check its permissions"):
        feedback.last_words()


def test_the_command_rates_up_and_down_with_a_text(tmp_path: Path) -> None:
    run = kept_run(tmp_path)
    assert rate(tmp_path, "last", "+1").startswith(f"0 {run.id} +1 (command")
    assert "wrong bank" in rate(tmp_path, run.id, "-1", "--text", "wrong bank")
    assert feedback_in(tmp_path).last_words()[run.id].rating == -1
    assert rate(tmp_path, run.id, "5").startswith("2 ")
    assert "afs agent runs" in rate(tmp_path, "nothing", "+1")
    line = json.loads(feedback_in(tmp_path).file.read_text(encoding="utf-8").splitlines()[0])
    assert (line["run"], line["rating"], line["by"]) == (run.id, 1, "command")


class Terminal(NamedTuple):
    """A terminal: what is typed at its keyboard, and the two ends that a program holds."""

    keyboard: int
    source: TextIO
    sink: TextIO

    def shown(self, until: str) -> str:
        """Return what the screen shows, up to a text."""
        read = ""
        while until not in read:
            assert select.select([self.keyboard], [], [], 20)[0], f"only {read!r} was shown"
            read += os.read(self.keyboard, 4096).decode()
        return read

    def press(self, key: str) -> threading.Thread:
        """Press a key as soon as the question is there: what comes before it is dropped."""

        def typing() -> None:
            self.shown("go on")
            os.write(self.keyboard, key.encode())

        thread = threading.Thread(target=typing)
        thread.start()
        return thread


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    keyboard, screen = os.openpty()
    with open(screen, encoding="utf-8") as source, open(os.dup(screen), "w", encoding="utf-8") as sink:
        yield Terminal(keyboard, source, sink)
    os.close(keyboard)


@pytest.mark.parametrize(("key", "rating"), [("+", 1), ("-", -1), ("\n", None), ("q", None), ("\x1b[A", None)])
def test_one_key_rates_a_run_and_any_other_goes_on(
    tmp_path: Path, terminal: Terminal, key: str, rating: int | None
) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    typing = terminal.press(key)
    said = ask_rating(run, feedback, environ={}, source=terminal.source, sink=terminal.sink, seconds=20)
    typing.join(20)
    assert (said.rating if said else None) == rating
    assert [(word.run, word.by) for word in feedback.all()] == ([(run.id, "terminal")] if rating else [])


def test_the_question_does_not_wait_for_ever_and_leaves_the_terminal_as_it_was(
    tmp_path: Path, terminal: Terminal
) -> None:
    import termios

    before = termios.tcgetattr(terminal.source.fileno())
    run = kept_run(tmp_path)
    said = ask_rating(run, feedback_in(tmp_path), environ={}, source=terminal.source, sink=terminal.sink, seconds=0.01)
    assert said is None
    assert termios.tcgetattr(terminal.source.fileno()) == before


def test_nobody_is_asked_without_a_terminal_an_answer_or_by_the_switch(tmp_path: Path, terminal: Terminal) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    ask = partial(ask_rating, feedback=feedback, source=terminal.source, sink=terminal.sink)
    with open(os.devnull, encoding="utf-8") as nothing:
        assert ask_rating(run, feedback, environ={}, source=nothing, sink=terminal.sink) is None
    assert ask(run, environ={"AFS_NO_RATE": "1"}) is None
    assert ask(kept_run(tmp_path, stop="budget"), environ={}) is None
    os.set_blocking(terminal.keyboard, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal.keyboard, 100)


def test_a_rating_that_cannot_be_kept_is_told_and_costs_nothing_else(tmp_path: Path, terminal: Terminal) -> None:
    run = kept_run(tmp_path)
    feedback = feedback_in(tmp_path)
    feedback.file.mkdir()
    typing = terminal.press("+")
    said = ask_rating(run, feedback, environ={}, source=terminal.source, sink=terminal.sink, seconds=20)
    typing.join(20)
    assert said is None
    assert "the rating could not be kept" in terminal.shown("ratings.jsonl")
