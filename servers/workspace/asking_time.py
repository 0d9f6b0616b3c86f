"""Spans of time in a question: `last month`, `in 2023`, `older than 6 months`, `before March 2024`."""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

__all__ = ["Span", "read_span"]

_UNITS = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_NAME = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
_NUMBERS = {name: number for number, name in enumerate(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
)} | {"fifteen": 15, "twenty": 20, "thirty": 30, "a few": 3, "few": 3, "several": 3, "some": 3, "couple of": 2,
      "a couple of": 2, "dozen": 12, "a dozen": 12}  # fmt: skip
_COUNT = rf"(\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))}|an?)"
_UNIT = r"(day|week|month|year)s?"
_OLDER = re.compile(
    r"(?:older than|more than|over|for over|for more than|at least"
    r"|(?:untouched|unused|unchanged|unmodified|idle) (?:for|in|since)"
    rf"|not (?:\w+ ){{0,3}}(?:for|in)|(?:haven't|have not|hasn't|has not|didn't|did not) (?:\w+ ){{0,4}}(?:for|in)|for)"
    rf"(?: (?:over|more than|the last|the past|at least))? {_COUNT} {_UNIT}(?: old| ago)?"
)
_AGED = re.compile(rf"{_COUNT} {_UNIT} (?:old|ago) or more|{_COUNT} {_UNIT} old")
_AGO = re.compile(rf"{_COUNT} {_UNIT} ago")
_PAST = re.compile(
    r"(?:in |within |during |over |from )?(?:the |these )?(?:last|past|previous) "
    rf"(?:{_COUNT} {_UNIT}|(day|week|month|year)s)"
)
_LAST = re.compile(
    r"(?:in |within |during |over |from )?(?:the )?(last|past|previous|this|current) (day|week|month|year)"
)
_DAY = re.compile(
    r"\b(?:today (?:or|and) )?(today|yesterday|(?<!most )recently|lately|(?<!most )recent)(?: (?:or|and) today)?\b"
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"\b(since|after|before|until|on|last|this)(?: last)? ({'|'.join(_DAYS)})\b")
_MONTH = re.compile(rf"(?:(since|after|before|until|by|from) )?\b(?:in |of )?({_NAME})(?: of)? ((?:19|20)\d\d)\b")
_SOLO = re.compile(rf"\b(since|after|before|in|from|during) ({_NAME})\b(?! \d)")
_YEAR = re.compile(
    r"(?:\b(since|after|before|until|older than|newer than|from|in|of|during)\b )?\b((?:19|20)\d\d)\b(?!\.\w)"
)


_NOT = re.compile(r"\b(?:not|never|nobody|no one|nothing|without|un(?:used|touched|changed|modified))\b|n't\b")
_DONE = re.compile(r"\b(?:chang|modif|edit|touch|work|wr[io]te?|creat|updat|access|open|us(?:ed|ing))")
"""Signs that a time is when something was done, and not one that stands in a name."""


class Span(NamedTuple):
    """A span of time in nanoseconds since 1970, from `start` up to `end`; how it was said; the text without it."""

    start: int
    end: int
    said: str
    rest: str
    named: tuple[str, ...] = ()
    """How the year or the month may stand in names: a tax return for 2023 was not written in that year."""


class _Days(NamedTuple):
    start: datetime.datetime | None
    end: datetime.datetime | None


def read_span(text: str, now: datetime.datetime) -> Span | None:
    """Return the span that a question (lower case) names; none where it names none."""
    for pattern, way in (
        (_OLDER, _older), (_AGED, _older), (_AGO, _ago), (_PAST, _past), (_LAST, _last), (_DAY, _day),
        (_WEEKDAY, _weekday), (_MONTH, _month), (_SOLO, _solo), (_YEAR, _year),
    ):  # fmt: skip
        match = pattern.search(text)
        days = way(match, now) if match else None
        if match and days:
            rest = f"{text[: match.start()]} {text[match.end() :]}"
            if days.start and not days.end and _NOT.search(text[: match.start()]):  # not since then: before
                days = _Days(None, days.start)
            named = _named(match, days) if pattern in (_YEAR, _MONTH, _LAST) and not _DONE.search(text) else ()
            return Span(_ns(days.start, 0), _ns(days.end, 1 << 62), match.group().strip(), rest, named)
    return None


def _named(match: re.Match[str], days: _Days) -> tuple[str, ...]:
    if not (days.start and days.end):
        return ()
    if match.re is _LAST:  # what is for last year says so in its name
        whole = days.start.month == 1 and (days.end - days.start).days > 360
        return (str(days.start.year),) if whole else ()
    year, month = match.groups()[-1], f"{days.start.month:02}"
    return (year,) if match.re is _YEAR else (f"{year}-{month}", f"{year}_{month}", f"{year}{month}")


def _ns(moment: datetime.datetime | None, default: int) -> int:
    return int(moment.timestamp()) * 1_000_000_000 if moment else default


def _days(count: str, unit: str) -> float:
    number = _NUMBERS.get(count) or (int(count) if count.isdigit() else 1)
    return min(number * _UNITS[unit], 36_500)


def _counted(match: re.Match[str]) -> datetime.timedelta:
    count, unit = ["few", *(group for group in match.groups() if group)][-2:]
    return datetime.timedelta(days=_days(count, unit))


def _older(match: re.Match[str], now: datetime.datetime) -> _Days:
    return _Days(None, now - _counted(match))


def _past(match: re.Match[str], now: datetime.datetime) -> _Days:
    return _Days(now - _counted(match), None)


def _ago(match: re.Match[str], now: datetime.datetime) -> _Days:
    """Return the day, or as long around it as the unit is."""
    unit = [group for group in match.groups() if group][1]
    middle, slack = now - _counted(match), datetime.timedelta(days=_UNITS[unit])
    return _Days(middle - slack, middle + slack)


def _last(match: re.Match[str], now: datetime.datetime) -> _Days:
    """Return from the beginning of the calendar's last day, week, month or year up to now: people mean either."""
    which, unit = match.groups()
    start = _midnight(now)
    if unit == "week":
        start -= datetime.timedelta(days=start.weekday())
    elif unit != "day":
        start = start.replace(day=1) if unit == "month" else start.replace(month=1, day=1)
    if which in ("this", "current"):
        return _Days(start, None)
    before = start - datetime.timedelta(days=7 if unit == "week" else 1)
    if unit == "year":
        return _Days(before.replace(month=1, day=1), start)
    return _Days(before.replace(day=1) if unit == "month" else before, None)


def _midnight(now: datetime.datetime) -> datetime.datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _day(match: re.Match[str], now: datetime.datetime) -> _Days:
    days = {"today": 0, "yesterday": 1}.get(match.group(1), 30)
    return _Days(_midnight(now) - datetime.timedelta(days=days), None)


def _weekday(match: re.Match[str], now: datetime.datetime) -> _Days:
    """Return the last day of that name before today, or what is after or before it."""
    word, name = match.groups()
    start = _midnight(now) - datetime.timedelta(days=(now.weekday() - _DAYS.index(name)) % 7 or 7)
    return _bounds(None if word in ("on", "last", "this") else word, start, start + datetime.timedelta(days=1))


def _bounds(word: str | None, start: datetime.datetime, end: datetime.datetime) -> _Days:
    if word in ("since", "from"):
        return _Days(start, None)
    if word in ("after", "newer than"):
        return _Days(end, None)
    if word in ("before", "older than"):
        return _Days(None, start)
    return _Days(None, end) if word in ("until", "by") else _Days(start, end)


def _month_of(year: int, name: str, word: str | None, now: datetime.datetime) -> _Days:
    number = next(place for place, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3]))
    start = _midnight(now).replace(year=year, month=number, day=1)
    end = start.replace(year=year + number // 12, month=number % 12 + 1)
    return _bounds(word, start, end)


def _month(match: re.Match[str], now: datetime.datetime) -> _Days:
    word, name, year = match.groups()
    return _month_of(int(year), name, word, now)


def _solo(match: re.Match[str], now: datetime.datetime) -> _Days | None:
    """Return the last month of that name; `may` alone is no month."""
    word, name = match.groups()
    number = next(place for place, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3]))
    year = now.year if number <= now.month else now.year - 1
    return _month_of(year, name, None if word in ("in", "during") else word, now)


def _year(match: re.Match[str], now: datetime.datetime) -> _Days:
    word, year = match.groups()
    start = _midnight(now).replace(year=int(year), month=1, day=1)
    return _bounds(None if word in ("from", "in", "of", "during") else word, start, start.replace(year=int(year) + 1))
