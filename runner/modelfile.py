"""An expert as an Ollama Modelfile: FROM, PARAMETER, SYSTEM, and MESSAGE for its examples.

A Modelfile has no escapes: a text between triple quotes ends at a line that ends with three quotes. So three quotes
in a text are written as three apostrophes, and characters that can't be seen as escapes. TEMPLATE is left to the model
that it is made from. Examples that want a tool call are left out: they belong to the request, with the tools.
"""

import re

from runner.errors import ConfigError
from schemas.expert import Expert
from servers.machine.wire import clean

__all__ = ["modelfile"]

_NAME = re.compile(r"[\w.~/-][\w.:~/@ -]*[\w.]|[\w.]")


def modelfile(expert: Expert, *, made_from: str = "") -> str:
    """Return the Modelfile of an expert; `made_from` replaces the model or GGUF file that it starts from.

    Raises:
        ConfigError: it names no model to start from, or one that no FROM line can hold.
    """
    start = made_from or expert.made_from or expert.models.get("ollama", "")
    if not start:
        raise ConfigError(f"{expert.name} names no model to start from; name one with --from, e.g. qwen2.5-coder:7b")
    if not _NAME.fullmatch(start):
        raise ConfigError(
            f"{start!r} is no name of a model or file; write --from qwen2.5-coder:7b or --from ./model.gguf"
        )
    name = expert.models.get("ollama") or expert.name
    lines = [
        f"# {clean(expert.name)}: {_line(expert.summary)}",
        f"# ollama create {_line(name).removesuffix(':latest')} -f Modelfile",
        f"FROM {start}",
        f"PARAMETER temperature {expert.temperature:g}",
        f"PARAMETER num_ctx {expert.num_ctx}",
        f"SYSTEM {_quoted(expert.system)}",
    ]
    for example in expert.examples:
        if example.answer:
            lines += [f"MESSAGE user {_quoted(example.prompt)}", f"MESSAGE assistant {_quoted(example.answer.strip())}"]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return clean(" ".join(text.split()))


def _quoted(text: str) -> str:
    return '"""' + clean(text).replace('"""', "'''") + '"""'
