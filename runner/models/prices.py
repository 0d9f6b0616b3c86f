"""What tokens cost: a dated table of public prices, and the user's own rows before it.

A model that no row fits is unpriced, which is said and never taken for free; models that run on the user's own
machine are free.
"""

import datetime
import fnmatch
import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import Field, ValidationError

from runner.errors import ConfigError
from runner.misfits import line_of, misfit_in
from schemas.frozen import Frozen
from schemas.message import Usage

__all__ = ["LOCAL", "Cost", "Price", "cost_of", "load_prices", "price_of"]

LOCAL = frozenset(["embedded", "ollama", "scripted"])
"""Providers whose models run on the user's own machine."""

_SHIPPED = Path(__file__).with_name("prices.toml")
_LARGEST_FILE = 1024 * 1024
_MILLION = 1_000_000
_HEADER = r"\[\[[ \t]*price[ \t]*\]\]"


class Price(Frozen):
    """One row of the table: US dollars for a million tokens."""

    provider: str = Field(description="claude, gemini, openai")
    model: str = Field(description="a pattern as of a shell, e.g. claude-sonnet-4*")
    prompt: float = Field(ge=0.0, allow_inf_nan=False)
    cached: float | None = Field(default=None, ge=0.0, allow_inf_nan=False, description="as `prompt` where missing")
    written: float | None = Field(default=None, ge=0.0, allow_inf_nan=False, description="as `prompt` where missing")
    answer: float = Field(ge=0.0, allow_inf_nan=False)
    above: int = Field(default=0, ge=0, description="the row is for prompts of more tokens than this")
    until: datetime.date | None = Field(default=None, description="the last day on which the row holds")
    date: datetime.date = Field(description="when the price was read")
    source: str = Field(min_length=1, description="the name of the page that says so")


class Cost(NamedTuple):
    """What one reply cost, and what is to be said about it."""

    dollars: float
    note: str
    """Why the dollars are not the whole truth; empty where they are."""


def load_prices(environ: Mapping[str, str] | None = None) -> tuple[Price, ...]:
    """Return the rows of the table, the user's (AFS_PRICES) first.

    Raises:
        ConfigError: the user's file cannot be read, or is not such a table.
    """
    given = (os.environ if environ is None else environ).get("AFS_PRICES", "").strip()
    own = _read(Path(given).expanduser()) if given else ()
    return own + _shipped()


@lru_cache(maxsize=1)
def _shipped() -> tuple[Price, ...]:
    return _read(_SHIPPED)


def _read(path: Path) -> tuple[Price, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) > _LARGEST_FILE:
            raise ValueError(f"more than {_LARGEST_FILE} bytes")
        text = data.decode("utf-8")
        table: dict[str, Any] = tomllib.loads(text)
        rows = table.get("price")
        if set(table) != {"price"} or not isinstance(rows, list):
            raise ValueError("it holds [[price]] rows only")
    except OSError as error:
        raise ConfigError(f"no prices at {path} ({error.strerror}); set AFS_PRICES to a file, or unset it") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no table of prices ({error}); write rows as in {_SHIPPED}") from error
    found = cast("list[Any]", rows)  # type: ignore[redundant-cast]  # pyright sees list[Unknown] without it
    return tuple(_row(path, text, number, row) for number, row in enumerate(found))


def _row(path: Path, text: str, number: int, row: Any) -> Price:
    try:
        return Price.model_validate(row)
    except ValidationError as error:
        found = misfit_in(error, fields=list(Price.model_fields))
        at = f"{path}{line_of(text, _HEADER, field=found.field, number=number)}: [[price]] row {number + 1}"
        raise ConfigError(f"{at}: {found.text}; write rows as in {_SHIPPED}") from None


def price_of(
    provider: str,
    model: str,
    *,
    prompt_tokens: int = 0,
    prices: tuple[Price, ...] | None = None,
    today: datetime.date | None = None,
) -> Price | None:
    """Return the row for a model and a prompt of so many tokens, or None where the model is unpriced."""
    day = today or datetime.date.today()
    name = model.rpartition("/")[2] if provider != "openai" else model  # models/gemini-...
    for row in load_prices() if prices is None else prices:
        if row.provider != provider or not fnmatch.fnmatchcase(name, row.model):
            continue
        if (row.until is None or day <= row.until) and (prompt_tokens > row.above or not row.above):
            return row
    return None


def cost_of(
    provider: str,
    model: str,
    usage: Usage,
    *,
    written_tokens: int = 0,
    local: bool = False,
    prices: tuple[Price, ...] | None = None,
) -> Cost:
    """Return what the tokens of one reply cost.

    `written_tokens` is the part of `usage.prompt_tokens` that the provider put into its cache. `local` says that
    the request went to the user's own machine: what has no price is free there, what has one may be a proxy's.
    """
    row = price_of(provider, model, prompt_tokens=usage.prompt_tokens, prices=prices)
    if row is None and (local or provider in LOCAL):
        return Cost(0.0, "")
    if row is None:
        return Cost(0.0, f"{provider}:{model} has no price in the table, so its cost is unknown; add one by AFS_PRICES")
    fresh = max(0, usage.prompt_tokens - usage.cached_tokens - written_tokens)
    cached = row.prompt if row.cached is None else row.cached
    written = row.prompt if row.written is None else row.written
    dollars = fresh * row.prompt + usage.cached_tokens * cached + written_tokens * written
    return Cost((dollars + usage.answer_tokens * row.answer) / _MILLION, "")
