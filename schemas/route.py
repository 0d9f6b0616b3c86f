"""`Route`: who should answer a prompt, where, and why."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Intent", "Route", "Where"]

Intent = Literal["optimize", "generate", "debug", "explain", "performance", "tools", "docs", "general"]
"""What a prompt wants."""
Where = Literal["local", "cloud"]
"""On which side the model runs."""


class Route(Frozen):
    """The way of one prompt; kept in its Run."""

    intent: Intent
    expert: str = Field(description="name of the expert that answers")
    confidence: float = Field(ge=0.0, le=1.0, description="how sure the router is of the intent, calibrated")
    complexity: float = Field(ge=0.0, le=1.0, description="an estimate from the form of the prompt; 0 is trivial")
    why: str = Field(description="the reason in one line")
    where: Where | None = Field(default=None, description="local or cloud, once it is chosen")
    model: str = Field(default="", description="provider:name, once it is chosen")
    fallback: bool = Field(default=False, description="the model is a second choice: the first failed")
