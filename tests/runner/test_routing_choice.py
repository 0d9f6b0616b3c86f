"""Where a prompt runs: threshold, switches, budget, and the second choice after a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ConfigError
from runner.routing.choice import (
    Budget,
    CloudModel,
    Situation,
    after_failure,
    answer_tokens,
    choose,
    not_asked,
    placed,
)
from schemas.route import Route

CLOUD = CloudModel("gemini:flash", prompt_price=1.0, answer_price=10.0)
CHEAP = CloudModel("gemini:lite", prompt_price=0.1, answer_price=0.4)
LOCAL = {"din": "ollama:din-v3-fewshot:latest"}
BOTH = Situation(local=LOCAL, cloud=(CLOUD, CHEAP))


def route(complexity: float, expert: str = "din") -> Route:
    return Route(intent="optimize", expert=expert, confidence=0.9, complexity=complexity, why="because")


@pytest.mark.parametrize(("complexity", "where"), [(0.0, "local"), (0.69, "local"), (0.7, "cloud"), (1.0, "cloud")])
def test_what_is_below_the_threshold_stays_local(complexity: float, where: str) -> None:
    assert choose(route(complexity), BOTH).where == where


def test_an_expert_without_a_local_model_goes_to_the_cloud() -> None:
    assert choose(route(0.1, "zelda"), BOTH)[:2] == ("cloud", "gemini:flash")


@pytest.mark.parametrize("situation", [BOTH._replace(offline=True), BOTH._replace(local_only=True)])
def test_offline_and_local_only_stay_local_whatever_the_complexity(situation: Situation) -> None:
    choice = choose(route(1.0), situation)
    assert choice[:2] == ("local", LOCAL["din"])
    assert after_failure(choice, situation, problem="refuted", expert="din") is None


def test_nothing_to_run_on_is_an_error_that_says_what_to_set_up() -> None:
    with pytest.raises(ConfigError, match="afs fetch model"):
        choose(route(0.1, "zelda"), BOTH._replace(local_only=True))
    with pytest.raises(ConfigError, match="GEMINI_API_KEY"):
        choose(route(0.9), Situation())
    with pytest.raises(ConfigError, match="--max-cost"):
        choose(route(0.9), Situation(cloud=(CLOUD,), budget=Budget(0.001)))


def test_without_a_cloud_model_a_complex_prompt_runs_locally_and_says_so() -> None:
    choice = choose(route(0.9), Situation(local=LOCAL))
    assert (choice.where, "no cloud model" in choice.why) == ("local", True)


def test_the_budget_chooses_a_cheaper_model_and_then_none() -> None:
    assert choose(route(0.9), BOTH._replace(budget=Budget(0.014))).model == "gemini:flash"
    assert choose(route(0.9), BOTH._replace(budget=Budget(0.014, spent=0.01))).model == "gemini:lite"
    assert choose(route(0.9), BOTH._replace(budget=Budget(0.014, spent=0.014))).where == "local"


def test_a_failure_on_a_local_model_falls_back_to_the_cloud_once() -> None:
    first = choose(route(0.1), BOTH)
    second = after_failure(first, BOTH, problem="refuted", expert="din")
    assert second is not None
    assert (second.where, second.fallback, "refuted" in second.why) == ("cloud", True, True)
    assert after_failure(second, BOTH, problem="503", expert="din") is None


def test_a_cloud_that_fails_is_followed_by_the_local_model_of_the_expert_once() -> None:
    first = choose(route(0.9), BOTH)
    second = after_failure(first, BOTH, problem="no network", expert="din")
    assert second is not None
    assert second[:2] == ("local", LOCAL["din"]) and second.fallback and "no network" in second.why
    assert after_failure(second, BOTH, problem="503", expert="din") is None
    assert after_failure(first, BOTH, problem="no network", expert="zelda") is None


def test_a_cloud_that_may_not_be_asked_is_named_with_the_switch_that_keeps_it_out() -> None:
    local = choose(route(0.1), BOTH)
    for switched, word in (
        (BOTH._replace(local_only=True), "leave --local-only out"),
        (BOTH._replace(offline=True), "leave --offline out"),
        (BOTH._replace(budget=Budget(1e-12)), "--max-cost; raise it"),
    ):
        told = not_asked(local, switched)
        assert "gemini:flash, gemini:lite" in told and word in told
    assert not_asked(local, BOTH) == "" == not_asked(local, Situation(local=LOCAL, local_only=True))


def test_the_kept_route_says_where_it_ran_and_that_it_was_a_second_choice() -> None:
    second = after_failure(choose(route(0.1), BOTH), BOTH, problem="model error", expert="din")
    assert second is not None
    kept = placed(route(0.1), second)
    assert (kept.where, kept.model, kept.fallback) == ("cloud", "gemini:flash", True)


prices = st.floats(0, 100)


@given(
    st.floats(0.0001, 10), st.floats(0, 10), prices, prices, st.lists(st.integers(0, 100_000), min_size=1, max_size=8)
)
def test_a_run_that_keeps_to_its_tokens_never_exceeds_its_budget(
    most: float, spent: float, prompt_price: float, answer_price: float, prompts: list[int]
) -> None:
    model = CloudModel("m", prompt_price, answer_price)
    budget = Budget(most, min(spent, most))
    for tokens in prompts:
        limit = answer_tokens(model, budget, tokens)
        if limit == 0:
            continue
        written = 8_000 if limit is None else limit
        assert budget.spent + model.dearest(tokens, written) <= most * (1 + 1e-9) or limit is None
        if limit is None and not answer_price:
            assert model.dearest(tokens, 0) <= budget.left
        budget = budget._replace(spent=budget.spent + model.dearest(tokens, written))


def test_without_a_limit_the_model_writes_as_much_as_it_likes() -> None:
    assert answer_tokens(CLOUD, Budget(), 1_000_000) is None
    assert answer_tokens(CLOUD, Budget(0.5), 1_000_000) == 0
