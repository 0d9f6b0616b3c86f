"""The frozen model that every shared type is built on."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Frozen"]


class Frozen(BaseModel):
    """A value: immutable, with no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
