"""How much a prompt asks of a model, from 0 (a look-up) to 1 (a design over many files), by a sum one can read.

    part        at most   what it measures
    length       0.20     words of prose, full at 120
    code         0.20     lines of code, full at 60
    tasks        0.25     requests after the first ("then", "and also", a numbered list), full at 4
    scope        0.25     words for a whole ("entire", "all banks", "architecture", "from scratch"), full at 2
    reasoning    0.15     words for hard causes ("intermittent", "race", "prove", "why", "trade-off"), full at 2
    intent       0.15     generate 0.15, debug 0.12, optimize 0.10, performance 0.06, explain 0.05, docs 0.05

The sum is cut off at 1. It knows nothing of the subject: it is there to keep hard work away from small models.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from runner.routing.tokens import Reading
from schemas.route import Intent

__all__ = ["Complexity", "estimate"]

_TASKS = re.compile(
    r"\b(?:and then|then|also|afterwards|after that|in addition|additionally|finally|as well as|plus)\b|;\s"
    r"|^[ \t]*(?:\d+[.)]|[-*])[ \t]+\S",
    re.IGNORECASE | re.MULTILINE,
)
_SCOPE = re.compile(
    r"\b(?:whole|entire(?:ly)?|complete(?:ly)?|every (?:bank|routine|file|sprite|module)|across|throughout|"
    r"all (?:the )?(?:banks|routines|files|sprites|modules|callers)|architecture|redesign|from scratch|system|"
    r"framework|re-?architect|migrate|port the|design an?|end to end|multi(?:ple)? (?:banks|files|routines))\b",
    re.IGNORECASE,
)
_REASONING = re.compile(
    r"\b(?:why|intermittent(?:ly)?|random(?:ly)?|sometimes|race|prove|proof|guarantee|trade-?offs?|worst[- ]case|"
    r"optimal|real hardware|corner cases?|edge cases?|re-?entran\w+|deadlock|root cause|step by step)\b",
    re.IGNORECASE,
)
_INTENT: Mapping[Intent, float] = {
    "generate": 0.15,
    "debug": 0.12,
    "optimize": 0.10,
    "performance": 0.06,
    "explain": 0.05,
    "docs": 0.05,
    "tools": 0.0,
    "general": 0.0,
}
_LOOKED_AT = 6_000


class Complexity(NamedTuple):
    """The estimate and its parts by name."""

    value: float
    parts: Mapping[str, float]


def estimate(prompt: str, reading: Reading, intent: Intent) -> Complexity:
    """Estimate the complexity of a prompt, in [0, 1]."""
    text = prompt[:_LOOKED_AT]
    parts = {
        "length": 0.20 * min(1.0, reading.prose / 120),
        "code": 0.20 * min(1.0, reading.code_lines / 60),
        "tasks": 0.25 * min(1.0, len(_TASKS.findall(text)) / 4),
        "scope": 0.25 * min(1.0, len(_SCOPE.findall(text)) / 2),
        "reasoning": 0.15 * min(1.0, len(_REASONING.findall(text)) / 2),
        "intent": _INTENT[intent],
    }
    rounded = {name: round(value, 3) for name, value in parts.items()}
    return Complexity(round(min(1.0, sum(rounded.values())), 3), rounded)
