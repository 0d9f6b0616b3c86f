"""Prices: dated rows, the user's first, and no model that is free because nobody knows it."""

import datetime
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.models.prices import LOCAL, Price, cost_of, load_prices, price_of
from schemas.message import Usage

ROW = Price(
    provider="claude", model="claude-x*", prompt=4, cached=1, answer=20, date=datetime.date(2026, 1, 2), source="p"
)


def test_every_shipped_row_has_a_date_a_source_and_is_cheaper_from_the_cache() -> None:
    rows = load_prices({})
    assert len(rows) >= 15 and {row.provider for row in rows} == {"claude", "gemini", "openai"}
    assert [row for row in rows if row.date < datetime.date(2026, 1, 1) or not row.source] == []
    assert [row for row in rows if row.cached is None or not row.cached < row.prompt < row.answer] == []


def test_no_shipped_row_is_hidden_by_one_before_it() -> None:
    rows = load_prices({})
    found = [
        price_of(
            row.provider, row.model.strip("*").replace("[5678]", "7"), prompt_tokens=row.above + 1, today=row.until
        )
        for row in rows
    ]
    late = [price_of("gemini", "gemini-3.8-flash", today=datetime.date(2027, 1, 1))]
    assert {row.model_dump_json() for row in [*found, *late] if row} == {row.model_dump_json() for row in rows}


def test_tokens_from_the_cache_and_into_it_have_their_own_price() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=600, answer_tokens=50)
    row = ROW.model_copy(update={"written": 5.0})
    cost = cost_of("claude", "claude-x-1", usage, written_tokens=300, prices=(row,))
    assert cost.dollars == pytest.approx((100 * 4 + 600 * 1 + 300 * 5 + 50 * 20) / 1e6) and cost.note == ""


def test_without_prices_of_their_own_they_cost_as_the_prompt() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=600)
    row = ROW.model_copy(update={"cached": None})
    assert cost_of("claude", "claude-x", usage, written_tokens=300, prices=(row,)).dollars == pytest.approx(0.004)


def test_a_long_prompt_takes_the_row_for_long_prompts() -> None:
    names = [price_of("gemini", "models/gemini-2.5-pro", prompt_tokens=tokens) for tokens in (200_000, 200_001)]
    assert [row.prompt for row in names if row] == [1.25, 2.5]


def test_a_price_that_has_ended_gives_way_to_the_next() -> None:
    days = (datetime.date(2026, 12, 31), datetime.date(2027, 1, 1))
    rows = [price_of("gemini", "gemini-3.8-flash", today=day) for day in days]
    assert [row.answer for row in rows if row] == [3.75, 7.5]


def test_an_unknown_model_is_said_to_be_unpriced_and_a_local_one_is_free() -> None:
    usage = Usage(prompt_tokens=10, answer_tokens=10)
    dollars, note = cost_of("claude", "claude-next", usage, prices=(ROW,))
    assert dollars == 0.0 and "no price" in note and "AFS_PRICES" in note
    assert [cost_of(provider, "any", usage) for provider in sorted(LOCAL)] == [(0.0, "")] * 3
    assert cost_of("openai", "qwen", usage, local=True) == (0.0, "")


def test_a_priced_model_behind_a_proxy_on_this_machine_costs_what_it_costs() -> None:
    assert cost_of("claude", "claude-x", Usage(prompt_tokens=1_000_000), local=True, prices=(ROW,)).dollars == 4.0


def test_the_users_rows_come_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nprovider = "claude"\nmodel = "*"\nprompt = 1\nanswer = 2\ndate = 2026-11-01\nsource = "contract"\n',
        encoding="utf-8",
    )
    rows = load_prices({"AFS_PRICES": str(own)})
    found = price_of("claude", "claude-opus-5-5", prices=rows)
    assert found is not None and (found.prompt, found.source) == (1.0, "contract")
    assert price_of("gemini", "gemini-2.5-pro", prices=rows) is not None


@pytest.mark.parametrize(
    "text",
    ["price = 7", "nonsense", "[other]\nx = 1", '[[price]]\nprovider = "claude"', "[[price]]\nprompt = nan", "\x00"],
)
def test_a_broken_table_is_named_with_the_form_to_use(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="write rows as in"):
        load_prices({"AFS_PRICES": str(tmp_path / "prices.toml")})


def test_a_row_that_does_not_fit_is_told_by_its_line_and_field(tmp_path: Path) -> None:
    row = '[[price]]\nprovider = "claude"\nmodel = "*"\nprompt = {}\nanswer = 2\ndate = 2026-11-01\nsource = "x"\n'
    (tmp_path / "prices.toml").write_text(row.format(1) + row.format('"dear"'), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_prices({"AFS_PRICES": str(tmp_path / "prices.toml")})
    told = str(caught.value)
    assert "prices.toml:11: [[price]] row 2: `prompt` is 'dear' and takes a number" in told and "Input" not in told


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AFS_PRICES"):
        load_prices({"AFS_PRICES": str(tmp_path / "none.toml")})
