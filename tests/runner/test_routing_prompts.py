"""The router on labelled prompts by authors who worked apart; it was never trained on four of them."""

import importlib
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner.errors import ConfigError
from runner.experts import load_experts
from runner.routing.classifier import WEIGHTS, read_weights
from runner.routing.cli import train_router_command
from runner.routing.intents import INTENTS
from runner.routing.keywords import by_keywords
from runner.routing.router import route
from runner.routing.teaching import Prompt, patterns, taught
from runner.routing.training import (
    PROMPTS,
    differences,
    digest,
    expected_calibration_error,
    measure,
    read_prompts,
    train,
    write_weights,
)

UNSEEN = Path(__file__).with_name("prompts_unseen.csv")
NEAR_DUPLICATE = 0.7
SEEN_AUTHORS = ("a", "c", "d")
"""The authors whose prompts are trained on as the unseen ones were written; all else was written for training."""
UNSEEN_AUTHORS = {"e": 100, "h": 84, "i": 100, "j": 85}
"""The authors nothing of whom is trained on; of h and j what shares a template with a prompt that is stays out."""


def seen() -> tuple[Prompt, ...]:
    return read_prompts(PROMPTS)


def shingles(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[place : place + 3]) for place in range(max(1, len(words) - 2))}


def signature(text: str) -> Any:
    found = importlib.import_module("datasketch").MinHash(num_perm=64)
    found.update_batch([shingle.encode() for shingle in sorted(shingles(text))])
    return found


def test_there_are_669_prompts_of_seven_authors_and_a_quarter_has_words_of_other_intents() -> None:
    unseen = read_prompts(UNSEEN)
    labelled = [*(prompt for prompt in seen() if prompt.author in SEEN_AUTHORS), *unseen]
    assert Counter(prompt.author for prompt in labelled) == dict.fromkeys(SEEN_AUTHORS, 100) | UNSEEN_AUTHORS
    assert sum(prompt.conflict for prompt in labelled) >= len(labelled) / 4
    assert sum(prompt.conflict for prompt in unseen) >= len(unseen) / 4
    assert {prompt.intent for prompt in labelled} == set(INTENTS)


def test_neither_author_nor_template_of_the_unseen_prompts_is_trained_on() -> None:
    unseen = read_prompts(UNSEEN)
    assert not {name for prompt in seen() for name in prompt.author.split("+")} & {prompt.author for prompt in unseen}
    known = {prompt.template for prompt in seen()} | {pattern.id for pattern in patterns(INTENTS)}
    assert not known & {prompt.template for prompt in unseen}


def test_no_unseen_prompt_is_nearly_one_that_is_trained_on() -> None:
    index = importlib.import_module("datasketch").MinHashLSH(threshold=NEAR_DUPLICATE, num_perm=64)
    unseen = read_prompts(UNSEEN)
    for place, prompt in enumerate(unseen):
        index.insert(str(place), signature(prompt.text))
    near = [
        (prompt.text, found) for prompt in (*seen(), *taught(INTENTS)) for found in index.query(signature(prompt.text))
    ]
    alike = [
        (text, unseen[int(found)].text)
        for text, found in near
        if len(shingles(text) & shingles(unseen[int(found)].text))
        >= NEAR_DUPLICATE * len(shingles(text) | shingles(unseen[int(found)].text))
    ]
    assert alike == []


def right(prompts: Sequence[Prompt]) -> tuple[int, int]:
    experts = load_experts({})
    return (
        sum(route(prompt.text, experts).intent == prompt.intent for prompt in prompts),
        sum(by_keywords(prompt.text, experts.experts) == prompt.intent for prompt in prompts),
    )


@pytest.mark.parametrize("author", ["", *UNSEEN_AUTHORS])
def test_unseen_authors_are_understood_far_better_than_by_keywords(author: str) -> None:
    unseen = [prompt for prompt in read_prompts(UNSEEN) if not author or prompt.author == author]
    routed, keywords = right(unseen)
    assert routed / len(unseen) >= 0.92
    assert routed - keywords >= 0.1 * len(unseen)


def test_the_confidence_is_about_how_often_it_is_right() -> None:
    assert measure(read_weights(WEIGHTS), read_prompts(UNSEEN)).calibration_error < 0.1


def test_the_shipped_weights_come_from_the_shipped_prompts() -> None:
    assert f'"{digest([*taught(INTENTS), *seen()])}"' in WEIGHTS.read_text(encoding="utf-8")


def test_the_patterns_give_the_same_prompts_every_time() -> None:
    assert taught(INTENTS) == taught(INTENTS)
    assert taught(INTENTS) != taught(INTENTS, seed=1)
    assert not [prompt.text for prompt in taught(INTENTS) if re.search(r"[{}|]|\)\?|\[(?!A-Z)", prompt.text)][:3]


def test_a_pattern_changes_no_prompt_of_another() -> None:
    alone = [prompt.text for prompt in taught(INTENTS[1:]) if prompt.intent == INTENTS[1]]
    assert set(alone) == {prompt.text for prompt in taught(INTENTS) if prompt.intent == INTENTS[1]}


def test_training_is_repeatable_and_its_check_finds_a_change(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn (the extra train-router)")
    some = [prompt for prompt in seen() if prompt.author in ("a", "c")][::3]
    first, second = (train(some, patterned=some[::4]) for _ in range(2))
    assert first.data == second.data
    assert set(first.by_author) == {"a", "c"}
    assert 0 < first.all_authors.low < first.all_authors.accuracy < first.all_authors.high < 1
    target = tmp_path / "weights.json"
    write_weights(first.data, target)
    assert differences(second.data, target) == ()
    assert measure(read_weights(target), some).accuracy > 0.8
    other = train(some[:-1], patterned=some[::4])
    assert "prompts_sha256" in differences(other.data, target)


def test_calibration_error_is_zero_when_as_sure_as_right_and_one_when_sure_and_wrong() -> None:
    assert expected_calibration_error([0.5, 0.5], [True, False]) == 0.0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1.0


def test_prompts_with_an_unknown_intent_or_no_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("prompt,intent,conflict,author,template\nx,cook,0,a,t\n", encoding="utf-8")
    done = CliRunner().invoke(train_router_command, ["--prompts", str(path)])
    assert (done.exit_code, "cook" in done.output) == (1, True)
    path.write_text("text\nx\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="columns"):
        read_prompts(path)


def test_a_route_takes_less_time_than_reading_the_experts() -> None:
    experts = load_experts({})
    routed = [seconds(partial(route, prompt.text, experts)) for prompt in read_prompts(UNSEEN)]
    loaded = [seconds(partial(load_experts, {})) for _ in range(15)]
    assert statistics.median(routed) < statistics.median(loaded)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
