"""Columns of text that fit the terminal, 80 characters where nobody says how wide it is; names and ids stay whole."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence

__all__ = ["columns", "folded", "width"]

_NARROWEST = 60


def width() -> int:
    """Return how many characters a line may have."""
    return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)


def columns(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of two columns, the second one wrapped to the terminal; the first is never cut."""
    first = max(len(name) for name, _ in rows) + 2
    for name, text in rows:
        yield from folded(name.ljust(first), text)


def folded(label: str, text: str) -> Iterator[str]:
    """Yield a label and a text after it, wrapped to the terminal and indented by the label's length."""
    yield from textwrap.wrap(
        text,
        width(),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [label.rstrip()]
