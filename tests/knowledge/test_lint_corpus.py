"""The linter against programs whose findings are known: recall, precision, and nothing on correct code."""

from collections import Counter

import pytest

from knowledge.m65816.lint.catalogue import rules
from servers.machine.asar import find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings
from tests.knowledge.assemble_lint_cases import assembled
from tests.knowledge.lint_cases import (
    CORPUS,
    KNOWN_GOOD,
    Case,
    Judgement,
    cases,
    compared,
    examples,
    judged,
    stored,
)

RECALL, PRECISION = 0.99, 1.0


def asar_there() -> bool:
    try:
        find_asar(Settings.from_environment())
    except ServerError:
        return False
    return True


def judge(wanted: list[Case]) -> Judgement:
    made = stored(CORPUS) | stored(KNOWN_GOOD)
    right, missed, wrong = 0, list[str](), list[str]()
    for case in wanted:
        judgement = compared(case, judged(case, made[case.key]))
        right += judgement.right
        missed += judgement.missed
        wrong += judgement.wrong
    return Judgement(right, missed, wrong)


def test_the_corpus_is_judged_with_full_precision_and_recall() -> None:
    every = list(cases(CORPUS))
    result = judge(every)
    recall = result.right / (result.right + len(result.missed))
    precision = result.right / (result.right + len(result.wrong))
    assert len(every) >= 150
    assert recall >= RECALL, result.missed
    assert precision >= PRECISION, result.wrong


def test_the_example_of_each_rule_is_reported_and_its_correction_is_not() -> None:
    result = judge(list(examples()))
    assert (result.missed, result.wrong) == ([], [])


def test_each_rule_is_expected_somewhere_and_has_near_misses_around_it() -> None:
    every = [*cases(CORPUS), *examples()]
    expected = Counter(wanted.partition("@")[0] for case in every for wanted in case.expected)
    shown = {rule.id for rule in rules() if rule.bad}
    assert shown <= set(expected)
    assert set(expected) <= {rule.id for rule in rules()}
    assert sum(not case.expected for case in every) >= 100


def test_correct_routines_raise_no_warning() -> None:
    every = list(cases(KNOWN_GOOD))
    made = stored(KNOWN_GOOD)
    found = [
        f"{case.key}: {item}"
        for case in every
        for item in judged(case, made[case.key])
        if item.severity != "suggestion"
    ]
    assert len(every) >= 40
    assert found == []


def test_correct_routines_raise_no_warning_without_their_text_either() -> None:
    made = stored(KNOWN_GOOD)
    found = [
        f"{case.key}: {item}"
        for case in cases(KNOWN_GOOD)
        for item in judged(case._replace(options=("bytes",)), made[case.key])
        if item.severity != "suggestion"
    ]
    assert found == []


@pytest.mark.anyio
@pytest.mark.asar
@pytest.mark.skipif(not asar_there(), reason="asar is absent: afs fetch asar")
async def test_what_is_stored_is_what_the_real_asar_makes() -> None:
    every = [*cases(CORPUS), *examples(), *cases(KNOWN_GOOD)]
    assert await assembled(every) == stored(CORPUS) | stored(KNOWN_GOOD)
