"""The router: hard rules first, then the trained classifier; keywords say which expert of an intent it is.

1. Named: a prompt that begins with the name of an expert ("din: ...", "@veran ...", "ask farore ...") goes to it.
2. Bare: nothing but addresses, registers or instructions, with or without a question word or "explain" ("$2100?",
   "What is $2100?", "explain LDA $10"), asks for an explanation. An empty prompt is `general`.
3. Everything else is judged by the classifier. Where it is less than UNSURE sure, and the keyword router's intent is
   the classifier's second choice, and near the first, the keywords decide.
4. Each intent has its expert (intents.py). Another expert for the same intent (`intent` in its configuration; the
   user's own too) takes over where one of its keywords stands in the prompt: "context as files" goes to farore-afs.

German words are read as the English ones that they mean (german.py).
"""

import re
from typing import NamedTuple

from runner.experts import DEFAULT, Experts
from runner.routing.classifier import Judgement, load_classifier
from runner.routing.complexity import Complexity, estimate
from runner.routing.german import in_english
from runner.routing.intents import EXPERT_OF, INTENTS
from runner.routing.keywords import Hits, by_keywords, keyword_hits
from runner.routing.reasons import Reason, reasons
from runner.routing.tokens import Reading, read_prompt
from schemas.route import Intent, Route

__all__ = ["Explained", "explain_route", "route"]

UNSURE = 0.45
"""Below this probability the keywords may decide."""
NEAR = 0.6
"""A second choice is near when it has this part of the first one's probability."""

_NAMED = re.compile(r"\s*(?:(?:ask|use|let|hey|dear)\s+)?@?([a-z][a-z0-9-]{1,30})\s*(?P<colon>[:,])?\s", re.IGNORECASE)
_BARE = frozenset(["<addr>", "<reg>", "<op>", "<hex>", "<imm>", "?"])
_ASKING = re.compile(
    r"what|what's|whats|is|are|does|do|mean|the|a|an|at|in|explain|describe|address|register|ram|about|tell|me|please|pls|"
    r"and|for|of|stand|instruction|opcode"
)


class Explained(NamedTuple):
    """A route, and all that it was made of."""

    route: Route
    judgement: Judgement
    reasons: tuple[Reason, ...]
    """What spoke most for the intent."""
    hits: tuple[Hits, ...]
    """The keywords found, by expert."""
    complexity: Complexity


class _Decision(NamedTuple):
    intent: Intent
    expert: str
    confidence: float
    why: str


def route(prompt: str, experts: Experts) -> Route:
    """Say who should answer `prompt`, and how complex it is. Where it runs is chosen by choice.py."""
    return explain_route(prompt, experts).route


def explain_route(prompt: str, experts: Experts) -> Explained:
    """Return the route of `prompt` with the reasons for it.

    Raises:
        ConfigError: the weights of the classifier cannot be read.
    """
    told = in_english(prompt)
    reading = read_prompt(told)
    classifier = load_classifier()
    judgement = classifier.judge(reading)
    hits = keyword_hits(told, experts.experts)
    decision = _named(prompt, experts) or _bare(told, reading) or _judged(told, judgement, experts)
    expert, why = _particular(decision, hits, experts)
    complexity = estimate(told, reading, decision.intent)
    found = Route(
        intent=decision.intent,
        expert=expert,
        confidence=round(decision.confidence, 3),
        complexity=complexity.value,
        why=why,
    )
    return Explained(found, judgement, reasons(classifier, judgement, reading, decision.intent), hits, complexity)


def _named(prompt: str, experts: Experts) -> _Decision | None:
    match = _NAMED.match(prompt[:80] + " ")
    if not match:
        return None
    name = match.group(1).lower()
    called = match.group("colon") or match.group()[: match.start(1)].strip()
    if name not in experts.experts or name == DEFAULT or not called:
        return None
    return _Decision(_intent_of(name, experts), name, 1.0, f"the prompt names {name}")


def _intent_of(name: str, experts: Experts) -> Intent:
    told = experts.experts[name].intent
    served: list[Intent] = [intent for intent in INTENTS if EXPERT_OF[intent] == name]
    return told or (served[0] if served else "general")


def _bare(prompt: str, reading: Reading) -> _Decision | None:
    if not prompt.strip():
        return _Decision("general", DEFAULT, 1.0, "the prompt is empty")
    things = [token for token in reading.tokens if token in _BARE and token != "?"]
    words = [token for token in reading.tokens if token not in _BARE]
    if (
        not things
        or len(reading.tokens) > 12
        or reading.code_lines
        or not all(_ASKING.fullmatch(word) for word in words)
    ):
        return None
    return _Decision("explain", EXPERT_OF["explain"], 0.99, "it asks for nothing but what an address or instruction is")


def _judged(prompt: str, judgement: Judgement, experts: Experts) -> _Decision:
    first, second = sorted(INTENTS, key=lambda intent: -judgement.probabilities[intent])[:2]
    sure = judgement.probabilities[first]
    if sure < UNSURE and judgement.probabilities[second] > NEAR * sure:
        told = by_keywords(prompt, experts.experts)
        if told == second:
            share = judgement.probabilities[second]
            return _Decision(second, EXPERT_OF[second], share, f"{first} or {second}: the keywords decide")
    return _Decision(first, EXPERT_OF[first], sure, f"the classifier is {sure:.0%} sure of {first}")


def _particular(decision: _Decision, hits: tuple[Hits, ...], experts: Experts) -> tuple[str, str]:
    """Return the expert of the decision, or a more particular one for the same intent, and why."""
    if decision.expert != EXPERT_OF[decision.intent]:
        return decision.expert, decision.why
    rivals = [hit for hit in hits if hit.expert != decision.expert]
    rivals = [hit for hit in rivals if experts.experts[hit.expert].intent == decision.intent]
    if not rivals:
        name = decision.expert if decision.expert in experts.experts else DEFAULT
        return name, decision.why
    best = max(rivals, key=lambda hit: hit.score)
    return best.expert, f"{decision.why}; {best.expert} by the keyword {best.words[0]!r}"
