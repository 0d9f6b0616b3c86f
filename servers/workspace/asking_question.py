"""A question about files taken apart: what is asked for, which kinds, when, how large, in what order, what names."""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

from servers.workspace.asking_games import as_said, one_name
from servers.workspace.asking_time import Span, read_span
from servers.workspace.asking_words import (
    ART_WORDS,
    CONSOLE_WORDS,
    DISK_WORDS,
    FORMAT_WORDS,
    KIND_WORDS,
    LANGUAGE_WORDS,
    NOISE,
    PROGRAM_WORDS,
    SAME,
    SAVE_WORDS,
    SUBJECTS,
    TOPICAL,
    TRACKED_WORDS,
)
from servers.workspace.scan_kinds import KINDS

__all__ = ["Wish", "alike", "read_question", "stem"]

_READ = 500
"""Characters of a question that are read."""
_STEPS = {"b": 1, "byte": 1, "bytes": 1, "k": 10**3, "kb": 10**3, "kib": 1 << 10, "kilobytes": 10**3, "m": 10**6,
          "mb": 10**6, "mib": 1 << 20, "megabytes": 10**6, "megabyte": 10**6, "meg": 10**6, "megs": 10**6, "g": 10**9,
          "gb": 10**9, "gib": 1 << 30, "gigabytes": 10**9, "gigabyte": 10**9, "gig": 10**9, "gigs": 10**9,
          "tb": 10**12}  # fmt: skip
_AMOUNT = r"(\d{1,12}(?:\.\d{1,3})?) ?(" + "|".join(sorted(_STEPS, key=len, reverse=True)) + r")\b"
_OVER = re.compile(
    r"(?:over|above|larger than|bigger than|greater than|more than|at least|exceed\w*|>=?|beyond|heavier than)"
    rf" ?{_AMOUNT}"
)
_UNDER = re.compile(rf"(?:under|below|smaller than|less than|at most|<=?|up to|lighter than) ?{_AMOUNT}")
_BETWEEN = re.compile(rf"\b(?:between|from) {_AMOUNT} (?:and|to) {_AMOUNT}")
_MOST_FILES = re.compile(r"\bmost files\b")
_MANY = r"(?:(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|twenty|couple of|few) )?"
_LARGEST = re.compile(
    r"\b" + _MANY + r"(?:largest|biggest|heaviest|huge|large|big|hugest|greatest|top \d+ by size|fattest)\b"
)
_SMALLEST = re.compile(r"\b" + _MANY + r"(?:smallest|tiniest|tiny|lightest)\b")
_NEWEST = re.compile(
    r"\b" + _MANY + r"(?:newest|latest|last|most recent\w*|recently|recent|just|youngest|freshest)\b"
    r"(?! (?:week|month|year|\d))"
)
_OLDEST = re.compile(
    r"\b" + _MANY + r"(?:oldest|most ancient|ancient|prehistoric|earliest|longest ago|first created)\b"
)
_OLD = re.compile(r"\b(?:old|ancient|outdated|unused|stale|forgotten|abandoned|dead)\b")
_CACHES = re.compile(
    r"\b(?:(?:build |compiler )?caches?|node.modules|virtual ?env\w*|venvs?|pycache"
    r"|build (?:output|artifact|artefact|folder|director)\w*)\b"
)
_PROJECTS = re.compile(
    r"\b(?:projects?|repos?|repositor(?:y|ies)|codebases?|clones?|checkouts?|working trees?|git trees?|source trees?)\b"
)
_FOLDERS = re.compile(r"\b(?:folders?|director(?:y|ies)|place|dirs?)\b")
_HOW_LARGE = re.compile(r"\bhow (?:big|large|heavy) (?:is|are)\b")
_FILES = re.compile(r"\bfiles?\b")
_WHERE = re.compile(r"\bwhere\b|\bfind\b|\blocat\w+|\bwhich (?:folder|director)")
_HEADER = re.compile(r"\b(?:un)?header(?:s|ed|less)?\b|\bcopier\b")
_NO_HEADER = re.compile(r"unheadered|headerless|\bno\b|\bnot\b|without|n't")
_NAME = re.compile(r"[\w.+#~-]*[\w+#~]")
_ENDING = re.compile(r"(?<![\w.])\*?\.([a-z0-9]{1,8})\b")
_SHORT = re.compile(r"\b\w+n't\b|'(?:s|m|d|re|ve|ll)\b")
"""What says nothing: `haven't`, and what stands behind an apostrophe."""
_WRITTEN = frozenset(("code", "assembly", "notebook", "build output", "program", "configuration"))
"""Kinds of files that are in a language; of others its name is a word: a document about Python."""
_MADE_OF_CODE = frozenset(("app", "application", "homework", "assignment", "stuff", "thing", "program", "tool"))
"""What is written in a language, where one is said."""
_HALF = re.compile(r"\bhalf (?:a )?year\b")
_BUILT = re.compile(r"\b(?:builds?|releases?)\b(?! (?:scripts?|files?|notes?|system|tools?|folder))")
"""What a build made, where the newest of it is asked for: a ROM, a patch, a program."""
_ABOUT = re.compile(
    r"(?<!what )(?<!how )\b(?:about|regarding|describing|explaining|concerning) (?!\d)"
    r"|\b(?:notes?|docs?|documents?|documentation|pdfs?|guides?|articles?|tutorials?|manuals?|papers?) "
    r"(?:\w+ ){0,2}?on "
)
"""What a text is about stands behind it: words, whatever they mean elsewhere."""
_HERE = re.compile(
    r"\b(?:on|in) (?:my|this|the|our) (?:whole |entire |old )?(?:machine|computer|laptop|pc|box|system|disk|drive|ssd"
    r"|hard drive|home(?: folder| directory)?)\b"
)
_FETCHED = re.compile(r"\bdownload(?:ed|s)? (?:\w+ )?(?:off|from) (?:the )?(?:web|internet|net)\b|\bdownloaded\b")
_OF = re.compile(
    r"\b(?:for|of|about|on|with|from|to|in|inside|regarding|explaining|describing|that|which|whose|where|i|we)\b"
)
_QUOTED = re.compile(r"[\"'`\u201c\u2018]([^\"'`\u201d\u2019]{2,80})[\"'`\u201d\u2019]")
_SINGLE = re.compile(r"(?<![\w.*-])([\w~-][\w.~()-]{0,80}\.[a-z][a-z0-9]{1,7}|[\w~-]+\.[a-z])\b(?![/.])")


class Wish(NamedTuple):
    """What a question asks for. Times are nanoseconds, sizes bytes; empty and none where nothing is said."""

    text: str
    subject: str
    """A wish of `SUBJECTS`, or empty."""
    kinds: tuple[str, ...]
    kind_words: tuple[str, ...]
    """The words that the kinds were said by, which may stand in names too."""
    languages: tuple[str, ...]
    names: tuple[str, ...]
    """Names of files that were said: `zelda3.sfc`."""
    endings: tuple[str, ...]
    words: tuple[str, ...]
    span: Span | None
    least: int
    most: int
    order: str
    """`size`, `-size`, `newest`, `oldest`, `files` (most of them first) or empty."""
    target: str
    """`file`, `folder`, `project` or empty."""
    header: int
    """1: with a copier header, 0: without, -1: not asked."""
    old: bool
    where: bool
    about: tuple[str, ...]
    """Those of the words that stand behind `about`, `of`, `for`: what files of a kind are to have to do with."""

    def understood(self) -> str:
        """Return how the question was read."""
        said = [
            self.subject,
            f"kinds: {', '.join(self.kinds)}" if self.kinds else "",
            f"languages: {', '.join(self.languages)}" if self.languages else "",
            f"names: {', '.join((*self.names, *(f'*.{each}' for each in self.endings)))}"
            if self.names or self.endings
            else "",
            f"words: {', '.join(map(as_said, self.words))}" if self.words else "",
            f"time: {self.span.said}" if self.span else "",
            f"at least {self.least} bytes" if self.least else "",
            f"at most {self.most} bytes" if self.most else "",
            f"order: {self.order}" if self.order else "",
            f"only: {self.target}s" if self.target else "",
        ]
        return "; ".join(filter(None, said)) or "nothing in particular"


class _Left:
    """The text of a question that is not understood yet."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take out the first match, if there is one."""
        match = pattern.search(self.text)
        if match:
            self.text = f"{self.text[: match.start()]} {self.text[match.end() :]}"
        return match

    def cut(self, pattern: re.Pattern[str]) -> str:
        """Cut off what stands behind the first match, and return it."""
        match = pattern.search(self.text)
        rest = self.text[match.end() :] if match else ""
        self.text = self.text[: match.end()] if match else self.text
        return rest


def stem(word: str) -> str:
    """Return a word without its plural's ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def read_question(question: str, now: datetime.datetime) -> Wish:
    """Take a question apart; whatever is sent can be read, and what is not understood is taken for names."""
    text = " ".join(question[:_READ].replace("\u2019", "'").split())
    left = _Left(one_name(_HALF.sub("6 months", text.casefold().strip(" ?!."))))
    quoted = tuple(match.group(1).strip() for match in _QUOTED.finditer(text.casefold()))
    single = tuple(match.group(1) for match in _SINGLE.finditer(left.text))
    names = tuple(dict.fromkeys(name for name in (*quoted, *single) if "." in name))
    left.text = _SINGLE.sub(" ", left.text)
    endings = tuple(match.group(1) for match in _ENDING.finditer(left.text))
    left.text = _ENDING.sub(" ", left.text)
    least, most = _bounds(left)
    span = read_span(left.text, now)
    if span:
        left.text = span.rest
    left.text = _FETCHED.sub("downloads", _HERE.sub(" ", left.text))
    topic = left.cut(_ABOUT)
    subject = _subject(left)
    target = _target(left.text)
    where = bool(_WHERE.search(left.text))
    header = _header(left, text.casefold())
    order = _order(left, subject)
    about = _words(topic)
    topic = _behind_kind(left)
    about = [word for word in _words(topic) if _plain(word)] + [
        word for word in about if _plain(word) or word in TOPICAL
    ]
    endings += _meant(left)
    kinds, kind_words = _kinds(left)
    if order == "newest" and not kinds and left.take(_BUILT):
        kinds = _BUILDS
    endings += _told_endings(kinds, kind_words)
    languages = _languages(left, target) if not kinds or set(kinds) & _WRITTEN else ()
    words = _names_said(left, about, languages)
    return Wish(
        text=text, subject=subject, kinds=kinds, kind_words=kind_words, languages=languages, names=names,
        endings=tuple(dict.fromkeys(endings)), words=words, span=span, least=least, most=most, order=order,
        target=target, header=header, about=tuple(about), old=bool(_OLD.search(text.casefold())), where=where,
    )  # fmt: skip


def _names_said(left: _Left, about: list[str], languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words that may stand in names: of `a Kotlin app` none."""
    words = tuple(dict.fromkeys((*filter(_plain, _words(left.text)), *about)))
    return tuple(word for word in words if stem(word) not in _MADE_OF_CODE) if languages else words


class _Bounds(NamedTuple):
    least: int
    most: int


def _bounds(left: _Left) -> _Bounds:
    between = left.take(_BETWEEN)
    if between:
        return _Bounds(_bound(between.groups()[:2]), _bound(between.groups()[2:]))
    return _Bounds(_bound(_amount(left.take(_OVER))), _bound(_amount(left.take(_UNDER))))


def _amount(match: re.Match[str] | None) -> tuple[str, ...]:
    return match.groups() if match else ()


def _bound(amount: tuple[str, ...]) -> int:
    return min(int(float(amount[0]) * _STEPS[amount[1]]), 1 << 62) if amount else 0


def _subject(left: _Left) -> str:
    for subject, pattern in _SUBJECTS.items():
        if left.take(pattern):
            cached = subject in ("abandoned", "caches") and left.take(_CACHES)
            return "caches" if cached else subject
    return ""


_SUBJECTS = {subject: re.compile(rf"\b(?:{pattern})(?:\b|(?=\W))") for subject, pattern in SUBJECTS.items()}


def _target(text: str) -> str:
    if _PROJECTS.search(text):
        return "project"
    if _FOLDERS.search(text) or _HOW_LARGE.search(text):
        return "folder"
    return "file" if _FILES.search(text) else ""


def _plain(word: str) -> bool:
    """Tell whether a word may stand in a name for what is asked for."""
    return not {word, stem(word)} & NOISE and not _is_target(word)


def _is_target(word: str) -> bool:
    return _PROJECTS.fullmatch(word) is not None or word in ("git", "copier", "header", "headers", "headered")


def _header(left: _Left, text: str) -> int:
    if not left.take(_HEADER):
        return -1
    return 0 if _NO_HEADER.search(text) else 1


def _order(left: _Left, subject: str) -> str:
    if left.take(_MOST_FILES):
        return "files"
    if subject == "space" or left.take(_LARGEST):
        return "size"
    if left.take(_SMALLEST):
        return "-size"
    if left.take(_OLDEST):
        return "oldest"
    return "newest" if left.take(_NEWEST) else ""


def _behind_kind(left: _Left) -> str:
    """Cut off what stands behind the first kind and a preposition: in `a database of notes` no notes are meant."""
    ends = [(match.start(), match.end()) for pattern, _ in _KINDS if (match := pattern.search(left.text))]
    ends += [(match.start(), match.end()) for pattern, _, _ in _CLOSER if (match := pattern.search(left.text))]
    if not ends:
        return ""
    end = max(end for start, end in ends if start == min(ends)[0])
    match = _OF.search(left.text, end)
    if not match:
        return ""
    rest = left.text[match.end() :]
    left.text = left.text[: match.end()]
    return rest


def _meant(left: _Left) -> tuple[str, ...]:
    """Return the endings of what is asked for more closely than by a kind, the word for which is left to be read."""
    for pattern, kind, endings in _CLOSER:
        match = pattern.search(left.text)
        if match:
            left.text = f"{left.text[: match.start()]} {kind} {left.text[match.end() :]}"
            return endings
    return ()


def _kinds(left: _Left) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kinds: list[str] = []
    said: list[str] = []
    for pattern, meant in _KINDS:
        while match := left.take(pattern):
            kinds += meant
            said += [word for word in match.group().split() if word not in NOISE]
    return tuple(dict.fromkeys(kinds)), tuple(dict.fromkeys(said))


def _told_endings(kinds: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...]:
    """Return the endings among the words that the kinds were said by: `ips patches` are files that end so."""
    known = {ending for kind in kinds for ending in KINDS.get(kind, "").split()}
    return tuple(dict.fromkeys(stem(word) for word in said if stem(word) in known - _TWO_WAYS))


def _variants(words: str) -> str:
    """Return an expression for any of some words, in the singular too; longer ones first."""
    each = {variant for word in words.split("|") for variant in (word, stem(word)) if variant not in _VERBS}
    return "|".join(re.escape(word) for word in sorted(each, key=lambda word: (-len(word), word)))


_BUILDS = ("rom", "patch", "program", "archive")
_VERBS = frozenset(("save",))
"""Words that are a kind of file in the plural only."""
_GAMES = r"(?:games?|roms?(?! hack)|rom files|cartridges?|dumps?)"
_CLOSER = tuple(
    (re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])"), kind, tuple(endings.split()))
    for words, kind, endings in (
        *((f"(?:{console}) {_GAMES}", "roms", endings) for console, endings in CONSOLE_WORDS.items()),
        *((words, "documents", endings) for words, endings in FORMAT_WORDS.items()),
        *((words, "saves", endings) for words, endings in SAVE_WORDS.items()),
        *((words, "disk images", endings) for words, endings in DISK_WORDS.items()),
        *((words, "pictures", endings) for words, endings in ART_WORDS.items()),
        *((words, "music", endings) for words, endings in TRACKED_WORDS.items()),
        *(
            (rf"(?:{words}) (?:files?|documents?|projects?|images?|pictures?|photos?|drawings?)", "pictures", endings)
            for words, endings in PROGRAM_WORDS.items()
        ),
    )
)
_TWO_WAYS = frozenset(("midi", "lock", "mod", "state", "env"))
"""Endings that are written in another way too, or that mean more than the ending."""
_KINDS = tuple(
    (re.compile(rf"(?<![\w.-])(?:{_variants(words)})(?![\w-])"), kinds) for words, kinds in KIND_WORDS.items()
)  # fmt: skip


def _languages(left: _Left, target: str) -> tuple[str, ...]:
    """Return the languages that are named; a short one, which is a word too, only beside `project` or `code`."""
    found: list[str] = []
    for word, language in LANGUAGE_WORDS.items():
        pattern = re.compile(rf"(?<![\w+#.-]){re.escape(word)}(?![\w+#-])")
        if (len(word) > 2 or target == "project" or _in_it(word, left.text)) and left.take(pattern):
            found.append(language)
    return tuple(dict.fromkeys(found))


def _in_it(word: str, text: str) -> bool:
    return re.search(rf"\b(?:written|coded|programmed|made) (?:in|with) {re.escape(word)}(?![\w+#])", text) is not None


def _words(text: str) -> list[str]:
    out: list[str] = []
    for match in _NAME.finditer(_SHORT.sub(" ", text).replace("/", " ")):
        out += [part for part in re.split(r"[^\w+#]+|_+", match.group()) if part]
    return out


def alike(word: str) -> tuple[str, ...]:
    """Return a word with others that mean the same; two words that names join, in each way of joining them."""
    if " " in word:
        return tuple(word.replace(" ", by) for by in ("", " ", "-", "_"))
    either = {word, stem(word)}
    return tuple(sorted({word}.union(*(same for same in SAME if either & same))))
