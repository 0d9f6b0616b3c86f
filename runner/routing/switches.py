"""The switches of the user: whether a prompt may leave this machine, when it goes to the cloud, what it may cost."""

import math
import os
from collections.abc import Mapping

from pydantic import Field

from runner.errors import ConfigError
from runner.models.bounds import Bounds, Spending
from runner.routing.choice import THRESHOLD
from schemas.frozen import Frozen

__all__ = ["Switches", "switches_of"]

_ON = frozenset(["1", "true", "yes", "on"])
_OFF = frozenset(["", "0", "false", "no", "off"])


class Switches(Frozen):
    """What the user decides about where prompts may go."""

    offline: bool = False
    local_only: bool = False
    max_cost: float | None = Field(default=None, ge=0.0, allow_inf_nan=False, description="US dollars; none: no limit")
    threshold: float = Field(default=THRESHOLD, ge=0.0, le=1.0)

    def bounds(self) -> Bounds:
        """Return what follows for models; the money is counted from here on."""
        spending = None if self.max_cost is None else Spending(self.max_cost)
        return Bounds(local_only=self.local_only, offline=self.offline, spending=spending)


def switches_of(
    environ: Mapping[str, str] = os.environ,
    *,
    offline: bool = False,
    local_only: bool = False,
    max_cost: float | None = None,
    threshold: float | None = None,
) -> Switches:
    """Return the switches: what is given, else AFS_OFFLINE, AFS_LOCAL_ONLY, AFS_MAX_COST and AFS_ROUTE_THRESHOLD.

    Raises:
        ConfigError: a variable cannot be understood.
    """
    cost = _number(environ, "AFS_MAX_COST", math.inf) if max_cost is None else max_cost
    limit = _number(environ, "AFS_ROUTE_THRESHOLD", 1.0) if threshold is None else threshold
    return Switches(
        offline=offline or _switch(environ, "AFS_OFFLINE"),
        local_only=local_only or _switch(environ, "AFS_LOCAL_ONLY"),
        max_cost=cost,
        threshold=THRESHOLD if limit is None else limit,
    )


def _switch(environ: Mapping[str, str], name: str) -> bool:
    given = environ.get(name, "").strip().lower()
    if given not in _ON | _OFF:
        raise ConfigError(f"{name} is {given[:40]!r}; set it to 1 or 0")
    return given in _ON


def _number(environ: Mapping[str, str], name: str, most: float) -> float | None:
    given = environ.get(name, "").strip()
    if not given:
        return None
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and 0.0 <= value <= most):
        raise ConfigError(
            f"{name} is {given[:40]!r}; set it to a number{' of 0 to 1' if most == 1.0 else ', 0 or more'}"
        )
    return value
