"""The eight intents and the expert that each one goes to."""

from collections.abc import Mapping

from schemas.route import Intent

__all__ = ["EXPERT_OF", "INTENTS"]

EXPERT_OF: Mapping[Intent, str] = {
    "optimize": "din",
    "generate": "nayru",
    "debug": "farore",
    "explain": "veran",
    "performance": "majora",
    "tools": "afs-operator",
    "docs": "summarizer",
    "general": "default",
}
"""Intent -> who answers it, unless a more particular expert for it is named by its own keywords."""

INTENTS: tuple[Intent, ...] = tuple(EXPERT_OF)
"""All intents, in the order of the trained weights."""
