"""German prompts, put into the English words that the router knows: a glossary (german.txt), no translation.

Only routing sees it. A prompt is taken for German by its small words; any other is left as it is.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["in_english"]

_LOOKED_AT = 8_000
"""Characters of a prompt that are looked at; the rest is left as it is."""
_ENOUGH = 2
"""So many different words that only German has make a prompt German."""
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]+")
_GERMAN = frozenset(
    re.findall(
        r"\w+",
        "warum wieso weshalb ist nicht ich mein meine meinen meinem meiner dieser diese diesen diesem dieses der das "
        "den dem des eine einen einem einer und mit für wie wird sind macht mach bitte mir kannst welche welcher "
        "welches erkläre schreibe optimiere finde behebe zeige fasse wenn beim auf von hilfe kaputt fehler schleife "
        "immer datei ordner stürzt hängt läuft geht zu zum zur aus viele takte",
    )
)


class _Glossary(NamedTuple):
    words: dict[str, str]
    stems: tuple[tuple[str, str], ...]
    phrases: tuple[tuple[re.Pattern[str], str], ...]


def in_english(prompt: str) -> str:
    """Return a German prompt with the words of the glossary in English, in their places; any other as it is."""
    head = prompt[:_LOOKED_AT]
    if len({word.lower() for word in _WORD.findall(head)} & _GERMAN) < _ENOUGH:
        return prompt
    for pattern, english in _glossary().phrases:
        head = pattern.sub(rf"{english}\1", head)
    return _WORD.sub(lambda match: _english(match[0]), head) + prompt[_LOOKED_AT:]


def _english(word: str) -> str:
    plain, glossary = word.lower(), _glossary()
    if plain in glossary.words:
        return glossary.words[plain]
    return next((english for stem, english in glossary.stems if plain.startswith(stem)), word)


@cache
def _glossary() -> _Glossary:
    words: dict[str, str] = {}
    stems: list[tuple[str, str]] = []
    phrases: list[tuple[re.Pattern[str], str]] = []
    for line in Path(__file__).with_name("german.txt").read_text(encoding="utf-8").splitlines():
        english, _, german = line.partition(": ")
        for entry in german.split() if not line.startswith("#") else ():
            first, plus, second = entry.partition("+")
            if plus:
                between = r"\b([^.?!\n]{0,60}?)\s"
                phrases.append((re.compile(rf"\b{_pattern(first)}{between}{second}\b", re.IGNORECASE), english))
            elif first.endswith("*"):
                stems.append((first[:-1], english))
            else:
                words[first] = english
    return _Glossary(words, tuple(sorted(stems, key=lambda item: -len(item[0]))), tuple(phrases))


def _pattern(word: str) -> str:
    return rf"{word[:-1]}\w*" if word.endswith("*") else word
