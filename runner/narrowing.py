"""Narrowing: which of many tools a small model is shown for a prompt. It reads the list before anything else, and a
long one costs it seconds and leads it astray.

What the expert names stays. Of what is only there as well (`*`), those are added that the prompt's words speak of.
Small talk ("hi", "what can you do?") is shown no tool at all: a small model would call one.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.message import ToolSpec

__all__ = ["MOST_TOOLS", "is_small", "left_out_line", "narrowed"]

MOST_TOOLS = 10
"""So many are all shown; of more, those named and at most BY_WORDS others, or this many where none is named."""
BY_WORDS = 3
_LOCAL = ("embedded", "ollama")
_PROMPT = 8_000
"""Characters of a prompt that are looked at."""
_NAME = 2.0
"""Weight of a word of a tool's name, and of one of its description that at most RARE tools have; another has 1."""
_RARE = 2
_ENOUGH = 2.0
"""So much has to speak for a tool."""
_USUAL = 0.2
"""A word that more than this part of the tools share speaks for none of them."""
_SENTENCE = re.compile(r"[.!?:;](?:\s|$)")
_WORD = re.compile(r"[a-z]{3,}")
_ENDING = re.compile(r"(?:ences?|ations?|ies|ing|ed|es|s|e|y)$")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "the and for with from that this what which who how why when where are was can could will would "
        "should has have had not but you your all any one two its into out off over under about after before "
        "then than there here please does did done make made give get got use used let want need like show "
        "tell say says know",
    )
)
_TALK = _EMPTY | frozenset(
    re.findall(
        r"\w+",
        "a i am an be by do go he hi hm if in is it me my no of oh ok on or so to up us we hello hey hallo moin yo "
        "thanks thank thx cheers bye goodbye good morning evening afternoon day night nice great cool fine well meet "
        "see later okay yes nope sorry welcome today again able capable help assist name called lot doing much very "
        "really danke bitte guten tag morgen abend servus wer was wie bist du kannst geht dir gut",
    )
)
_LONGEST_TALK = 12


def is_small(model: str) -> bool:
    """Tell whether a model, as `provider:name`, runs on this machine, where a long list of tools is too much."""
    return model.partition(":")[0] in _LOCAL


def narrowed(tools: Sequence[ToolSpec], named: Sequence[ToolSpec], prompt: str) -> tuple[ToolSpec, ...]:
    """Return the tools to show for `prompt`, in their order: those `named`, and some more; all where they are few.

    `prompt` is all that the user has said.
    """
    if _is_talk(prompt):
        return ()
    if len(tools) <= MOST_TOOLS:
        return tuple(tools)
    kept = {tool.name for tool in named}
    rest = [tool for tool in tools if tool.name not in kept]
    worth = _worth(rest, prompt)
    room = BY_WORDS if kept else MOST_TOOLS
    best = sorted((tool for tool in rest if worth[tool.name] >= _ENOUGH), key=lambda tool: -worth[tool.name])
    kept |= {tool.name for tool in best[:room]} or ({tool.name for tool in rest[:room]} if not kept else set())
    return tuple(tool for tool in tools if tool.name in kept)


def left_out_line(shown: int, there: int) -> str:
    """Say how many tools are shown, and how to get the others."""
    why = "a long list misleads a small one" if shown else "nothing in the prompt is for a tool"
    return (
        f"the model is shown {shown or 'none'} of {there} tools, since {why}; "
        "--tools NAME,NAME shows those you name, --tools '*' all, and an expert (--expert) brings its own"
    )


def _is_talk(prompt: str) -> bool:
    """Tell whether a prompt holds nothing that a tool could be asked about."""
    words = re.findall(r"[^\s.,;:!?'\u2019()-]+", prompt[:_PROMPT])
    plain = [word.lower() for word in words if word != "A" or word is words[0]]  # the register, else an article
    few = len(words) == len(plain) <= _LONGEST_TALK
    return few and all(word in _TALK or word in ("s", "re", "m", "d") for word in plain)


def _worth(tools: Sequence[ToolSpec], prompt: str) -> Mapping[str, float]:
    """Return by name how much the words of a prompt speak for each tool."""
    asked = _stems(prompt[:_PROMPT])
    names = {tool.name: _stems(tool.name.replace("_", " ")) for tool in tools}
    told = {tool.name: _stems(_SENTENCE.split(tool.description, maxsplit=1)[0]) for tool in tools}
    uses = Counter(word for name in names for word in names[name] | told[name])
    limit = max(2, math.ceil(len(tools) * _USUAL))
    telling = {word for word in asked if uses[word] <= limit}
    rare = {word for word in telling if uses[word] <= _RARE}
    return {
        name: _NAME * len(telling & words | rare & told[name]) + len((telling - rare) & (told[name] - words))
        for name, words in names.items()
    }


def _stems(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower())
    return frozenset(
        _ENDING.sub("", word) if len(word) > 4 else word.rstrip("s") for word in words if word not in _EMPTY
    )
