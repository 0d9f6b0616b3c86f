"""How many bytes data takes."""

from knowledge.code_graph.dialect import DATA
from knowledge.code_graph.expressions import literal

__all__ = ["data_size", "elements"]


def elements(text: str) -> list[str]:
    """Return the elements of a data directive: split at commas, not within quotes or brackets."""
    if '"' not in text and "(" not in text:
        return text.split(",")
    found, start, depth, quoted = list[str](), 0, 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "," and not depth:
            found.append(text[start:place])
            start = place + 1
        else:
            depth += (letter == "(") - (letter == ")")
    return [*found, text[start:]]


def data_size(word: str, text: str) -> int:
    """Return the bytes that a data directive makes; -1 when its text does not tell."""
    size = DATA.get(word, 0)
    if not size or not text.strip() or any(mark in text for mark in ("<", "!", "%(", "{")):
        return -1
    if size < 0:
        number = literal(text.split(",")[0])
        return number.value * -size if number and number.value <= 1 << 20 else -1
    total = 1 if word == "asciiz" else 0
    for element in elements(text):
        plain = element.strip()
        quoted = len(plain) > 1 and plain[0] == plain[-1] == '"'
        total += size * (len(plain) - 2 if quoted else 1)
    return total
