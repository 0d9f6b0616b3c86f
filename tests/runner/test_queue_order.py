"""Whose turn it is, in the queue."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from runner.queue.job import PRIORITIES, Job, Priority, Submission
from runner.queue.order import Slots, in_turn, moves, turn

AGE = 600.0


def job(number: int, priority: Priority = "interactive", *, at: float = 0.0, model: str = "") -> Job:
    submission = Submission(
        id=f"{number:016x}", priority=priority, request={"model": model}, cwd="", context_root="", environ={}
    )
    return Job(submission=submission, number=number, submitted=at)


def ids(jobs: Iterable[Job]) -> tuple[str, ...]:
    return tuple(item.id for item in jobs)


def test_the_classes_go_in_their_order_and_within_one_the_first_comes_first() -> None:
    jobs = [job(number, priority) for number, priority in enumerate(PRIORITIES[::-1] + PRIORITIES)]
    assert [item.priority for item in in_turn(jobs, AGE)] == [name for name in PRIORITIES for _ in (1, 2)]
    assert [item.number for item in in_turn(jobs, AGE)][:2] == [3, 4]


def test_a_job_that_has_waited_for_an_age_goes_before_a_new_one_of_the_class_above() -> None:
    old, new = job(1, "scheduled", at=0.0), job(2, "analysis", at=AGE + 1)
    assert ids(in_turn([new, old], AGE)) == ids([old, new])
    assert ids(in_turn([job(2, "analysis", at=AGE - 1), old], AGE)) == (new.id, old.id)


@given(
    st.lists(st.tuples(st.sampled_from(PRIORITIES), st.floats(0, 3000)), min_size=1, max_size=60),
    st.floats(1, 900),
    st.integers(1, 3),
)
def test_nothing_starves_however_much_arrives(
    arrivals: list[tuple[Priority, float]], length: float, total: int
) -> None:
    """Every job is begun before any that arrives an age for each class after it, whatever the load."""
    coming = sorted((job(n, priority, at=at) for n, (priority, at) in enumerate(arrivals)), key=lambda j: j.submitted)
    waiting: list[Job] = []
    running: list[tuple[float, Job]] = []
    begun: list[Job] = []
    now = 0.0
    while coming or waiting or running:
        waiting += [item for item in coming if item.submitted <= now]
        coming = [item for item in coming if item.submitted > now]
        busy = [item for _, item in running]
        started = moves(waiting, busy, Slots(total=total, each=total), age=AGE).start
        running += [(now + length, item) for item in waiting if item.id in started]
        begun += [item for item in waiting if item.id in started]
        waiting = [item for item in waiting if item.id not in started]
        now = min([end for end, _ in running] + [item.submitted for item in coming], default=now)
        running = [(end, item) for end, item in running if end > now]
    assert len(begun) == len(arrivals)
    for place, item in enumerate(begun):
        assert all(other.submitted - item.submitted <= AGE * 3 for other in begun[:place])


@given(
    st.lists(st.tuples(st.sampled_from(PRIORITIES), st.sampled_from("abc"), st.booleans()), max_size=30),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_no_limit_is_ever_passed(jobs: list[tuple[Priority, str, bool]], total: int, each: int) -> None:
    slots = Slots(total=total, each=each, models={"a": 1})
    made = [(job(n, priority, model=model), runs) for n, (priority, model, runs) in enumerate(jobs)]
    running: list[Job] = []
    for item, runs in made:
        same = sum(other.model == item.model for other in running)
        if runs and len(running) < total and same < slots.of(item.model):
            running.append(item)
    ready = [item for item, _ in made if item not in running]
    decided = moves(ready, running, slots, age=AGE)
    after = [*running, *(item for item in ready if item.id in decided.start)]
    assert len(after) <= total
    assert all(sum(item.model == model for item in after) <= slots.of(model) for model in "abc")
    assert set(decided.give_way) <= set(ids(running))
    assert len(decided.give_way) <= len(ready) - len(decided.start)


def test_a_lower_job_makes_room_once_and_an_equal_one_never() -> None:
    low, high = job(1, "analysis"), job(2, "interactive")
    assert moves([high], [low], Slots(), age=AGE) == ((), (low.id,))
    assert moves([high], [low], Slots(), yielding=[low.id], age=AGE) == ((), ())
    assert moves([job(3, "analysis"), job(4, "scheduled")], [low], Slots(), age=AGE) == ((), ())


def test_a_job_that_has_aged_is_not_put_aside_for_a_new_one() -> None:
    old, new = job(1, "scheduled", at=0.0), job(2, "analysis", at=AGE * 2)
    assert moves([new], [old], Slots(), age=AGE) == ((), ())


def test_of_several_the_last_in_turn_makes_room_and_only_where_it_helps() -> None:
    a, b, other = job(1, "analysis"), job(2, "scheduled"), job(3, "scheduled", model="other")
    high = job(4, "training")
    slots = Slots(total=9, each=2)
    assert moves([high], [a, b, other], slots, age=AGE).give_way == (b.id,)
    assert moves([job(5, "training", model="third")], [a, b, other], slots, age=AGE).start == (f"{5:016x}",)


def test_a_job_that_is_held_back_keeps_no_other_from_running() -> None:
    first, second = job(1, "training"), job(2, "scheduled")
    decided = moves([first, second], [], Slots(), age=AGE, held=lambda item: "no" if item is first else "")
    assert decided.start == (second.id,)


def test_the_order_does_not_depend_on_how_the_jobs_are_listed() -> None:
    jobs = [job(number, PRIORITIES[number % 4], at=number % 7 * 200.0) for number in range(40)]
    shuffled = random.Random(1).sample(jobs, len(jobs))
    assert in_turn(shuffled, AGE) == sorted(jobs, key=lambda item: turn(item, AGE))
