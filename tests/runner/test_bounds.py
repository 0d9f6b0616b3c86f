"""What a run may do with models: money that is held for each request, and addresses that nothing may go to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ConfigError, OverBudget
from runner.models.bounds import Bounds, Spending, cloud_model, request_bound, text_bound
from runner.routing.switches import Switches, switches_of
from schemas.message import Image, Message, ToolSpec

CLAUDE = "claude-haiku-4-5"


@given(
    st.floats(0.0, 1.0),
    st.lists(
        st.tuples(st.integers(0, 100_000), st.integers(1, 16_000), st.floats(0.0, 1.0), st.booleans()), max_size=20
    ),
)
def test_no_sequence_of_requests_costs_more_than_it_may(
    most: float, requests: list[tuple[int, int, float, bool]]
) -> None:
    spending = Spending(most)
    paid = 0.0
    for prompt_tokens, max_tokens, used, fails in requests:
        try:
            held = spending.hold("claude", CLAUDE, prompt_tokens=prompt_tokens, max_tokens=max_tokens)
        except OverBudget:
            continue
        assert 0 < held.max_tokens <= max_tokens
        model = cloud_model("claude", CLAUDE)
        assert model is not None
        cost = model.dearest(int(prompt_tokens * used), int(held.max_tokens * used))
        paid += cost
        if not fails:
            spending.settle(held, cost)
    assert paid <= max(most, 1e-12) * (1 + 1e-9)


def test_a_text_has_fewer_tokens_than_it_is_bounded_by() -> None:
    assert text_bound("") == 0
    assert text_bound("explain LDA $10") >= 6
    assert text_bound("1234567890") == 10
    assert text_bound("é中\ud800") == 2 + 3 + 3


def test_pictures_and_tools_count_in_a_request() -> None:
    plain = Message(role="user", text="hi")
    shown = Message(role="user", text="hi", images=(Image(mime_type="image/png", data="AAAA"),))
    tool = ToolSpec(name="look", description="Look at something.", parameters={"type": "object"})
    assert request_bound([plain], []) < request_bound([plain], [tool]) < request_bound([shown], [])


@pytest.mark.parametrize(
    ("provider", "name", "host", "here", "near"),
    [
        ("embedded", "qwen", "", True, True),
        ("ollama", "veran", "127.0.0.1:11434", True, True),
        ("ollama", "veran", "0.0.0.0", True, True),
        ("ollama", "veran", "192.168.1.9", False, True),
        ("ollama", "gpt-oss:120b-cloud", "127.0.0.1", False, False),
        ("ollama", "veran", "https://ollama.com", False, False),
        ("openai", "m", "http://localhost:1234/v1", True, True),
        ("openai", "m", "http://10.0.0.2/v1", False, True),
        ("openai", "m", "", False, False),
        ("claude", CLAUDE, "", False, False),
    ],
)
def test_what_leaves_the_machine_or_its_network_is_refused(
    monkeypatch: pytest.MonkeyPatch, provider: str, name: str, host: str, *, here: bool, near: bool
) -> None:
    monkeypatch.setenv("OLLAMA_HOST" if provider == "ollama" else "OPENAI_BASE_URL", host)
    for bounds, allowed in ((Bounds(local_only=True), here), (Bounds(offline=True), near), (Bounds(), True)):
        if allowed:
            bounds.check(provider, name)
        else:
            with pytest.raises(ConfigError, match=f"{provider}:.* is elsewhere; leave --"):
                bounds.check(provider, name)


def test_switches_are_read_from_the_environment_where_none_are_given() -> None:
    assert switches_of({}) == Switches()
    environ = {"AFS_OFFLINE": "1", "AFS_LOCAL_ONLY": "yes", "AFS_MAX_COST": "0.5", "AFS_ROUTE_THRESHOLD": "0.4"}
    assert switches_of(environ) == Switches(offline=True, local_only=True, max_cost=0.5, threshold=0.4)
    assert switches_of(environ, max_cost=2.0, threshold=0.0) == switches_of(environ).model_copy(
        update={"max_cost": 2.0, "threshold": 0.0}
    )


@pytest.mark.parametrize(
    "environ",
    [{"AFS_OFFLINE": "maybe"}, {"AFS_MAX_COST": "cheap"}, {"AFS_MAX_COST": "-1"}, {"AFS_ROUTE_THRESHOLD": "7"}],
)
def test_a_switch_that_cannot_be_understood_says_what_to_set(environ: dict[str, str]) -> None:
    (name,) = environ
    with pytest.raises(ConfigError, match=f"{name} is .*set it to"):
        switches_of(environ)
