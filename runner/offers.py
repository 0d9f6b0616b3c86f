"""What comes out of a server, made fit for a model: tools under names that providers take, and bounded text.

All of it was written by a stranger: it is cleaned of control and invisible characters, and bounded.
"""

import base64
import difflib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import JsonValue

from runner.pages import READ_RESULT
from runner.untrusted import defused, defused_value
from schemas.message import Image, ToolSpec
from servers.machine.wire import clean, clean_value, shorten

__all__ = [
    "BLOCK_LIMIT",
    "DESCRIPTION_LIMIT",
    "MOST_PICTURES",
    "PICTURES_LIMIT",
    "RESULT_LIMIT",
    "SCHEMA_LIMIT",
    "Answer",
    "Listing",
    "Offer",
    "Offers",
    "answer",
    "name_apart",
]

DESCRIPTION_LIMIT = 4096
"""Characters of a tool's description."""
SCHEMA_LIMIT = 64 << 10
"""Characters of a tool's input schema as JSON."""
RESULT_LIMIT = 1_000_000
"""Characters of a result that are taken; a model sees less of it at a time (see `runner.pages`)."""
BLOCK_LIMIT = 1_000
"""Parts of a result that are taken."""
STRUCTURED_LIMIT = 64 << 10
"""Characters of a structured result, as JSON, that a record keeps."""
PICTURES_LIMIT = 5 << 20
"""Bytes of all pictures of a result that are taken: the least that a provider takes."""
MOST_PICTURES = 4
"""Pictures of a result that are taken."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PICTURE = re.compile(r"image/[a-z0-9.+-]{1,40}")


class Offer(NamedTuple):
    """A tool of one server that has passed."""

    spec: ToolSpec
    schema: dict[str, Any]
    """Its input schema exactly as the server sent it: what arguments are checked against."""
    read_only: bool
    """Its annotation says that it changes nothing."""

    @property
    def remote_name(self) -> str:
        """The name that its server knows it by."""
        return self.spec.remote_name or self.spec.name


class Listing:
    """Takes in the tools of one server, page by page, and refuses what does not pass."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._offers: dict[str, Offer] = {}
        self._refused: list[str] = []
        self.definitions: dict[str, Mapping[str, Any]] = {}
        """The definitions of the tools that passed, by their names on the server, word for word."""

    def __len__(self) -> int:
        return len(self._offers) + len(self._refused)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The tools that passed, in the server's order."""
        return tuple(self._offers.values())

    @property
    def note(self) -> str:
        """One line about what was left out; empty when nothing was."""
        count = len(self._refused)
        more = ", ..." if count > 3 else ""
        return f"{count} left out: {', '.join(self._refused[:3])}{more}" if count else ""

    def take(self, defined: Mapping[str, Any], *, read_only: bool) -> None:
        """Take in one tool by its `definition` (see `runner.trust`), or refuse it and remember why."""
        name, schema = str(defined["name"]), cast("dict[str, Any]", defined["inputSchema"])
        plain = name if _NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name[:64])
        if not plain.strip("_-"):
            self.refuse(name, reason="its name has no letter or digit")
        elif plain in self._offers:
            self.refuse(name, reason="its name is there twice")
        elif len(json.dumps(schema)) > SCHEMA_LIMIT:
            self.refuse(name, reason=f"its schema is longer than {SCHEMA_LIMIT >> 10} KiB")
        else:
            spec = ToolSpec(
                name=plain,
                description=_bounded(str(defined["description"]), DESCRIPTION_LIMIT),
                parameters=cast("dict[str, JsonValue]", defused_value(clean_value(dict(schema)))),
                server=self._server,
                remote_name="" if plain == name else name,
            )
            self._offers[plain] = Offer(spec=spec, schema=dict(schema), read_only=read_only)
            self.definitions[name] = defined

    def refuse(self, name: str, *, reason: str) -> None:
        """Leave a tool out."""
        self._refused.append(f"{_bounded(name, 64)!r} ({reason})")


class Offers(NamedTuple):
    """The tools of all servers."""

    by_name: dict[str, Offer]
    left_out: tuple[Offer, ...]
    """Tools for which no name was left."""


def name_apart(offers: Sequence[Offer], *, ours: Collection[str] = ()) -> Offers:
    """Give every offer a name of its own: a name that two servers use becomes `server_tool` on both.

    The tools of the servers in `ours` keep their names: whoever has the same name, or one that looks like it, is told
    apart from them by its server's. `read_result` is the runner's own, and nobody's on a server.
    """
    own = Counter(offer.spec.name for offer in offers if offer.spec.server in ours)
    own[READ_RESULT.name] += 1
    uses = Counter(offer.spec.name for offer in offers)

    def crowded(offer: Offer) -> bool:
        name = offer.spec.name
        return own[name] > 1 if offer.spec.server in ours else uses[name] > 1 or _looks_like(name, own)

    apart = [_prefixed(offer) if crowded(offer) else offer for offer in offers]
    taken = {offer.spec.name for offer, given in zip(apart, offers, strict=True) if offer is given}
    by_name: dict[str, Offer] = {}
    left_out: list[Offer] = []
    for offer, given in zip(apart, offers, strict=True):
        if offer is not given and offer.spec.name in taken:
            left_out.append(given)
            continue
        taken.add(offer.spec.name)
        by_name[offer.spec.name] = offer
    return Offers(by_name, tuple(left_out))


_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": None, "-": None})


def _looks_like(name: str, own: Collection[str]) -> bool:
    """Tell whether a name could be taken for one of ours: other case, a letter more, l for I."""
    plain = name.lower().translate(_ALIKE)
    return bool(difflib.get_close_matches(plain, [known.lower().translate(_ALIKE) for known in own], n=1, cutoff=0.9))


def _prefixed(offer: Offer) -> Offer:
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", f"{offer.spec.server}_{offer.spec.name}")[:64]
    return offer._replace(spec=offer.spec.model_copy(update={"name": name, "remote_name": offer.remote_name}))


class Answer(NamedTuple):
    """A result as a record keeps it."""

    text: str
    structured: JsonValue
    images: tuple[Image, ...] = ()


def answer(blocks: Iterable[Any], structured: Any) -> Answer:
    """Return a result in RESULT_LIMIT: its text blocks, or its structure where there is no text, and its pictures."""
    parts: list[str] = []
    others: list[str] = []
    images: list[Image] = []
    for block in list(blocks)[:BLOCK_LIMIT]:
        kind = getattr(block, "type", "")
        if kind == "text":
            parts.append(str(block.text))
        elif kind == "image" and (picture := _picture(block, images)) is not None:
            images.append(picture)
            others.append(f"[image {picture.mime_type}, {_size(picture.data)} bytes]")
        else:
            others.append(_described(kind, block))
    kept = _kept(structured)
    if not any(part.strip() for part in parts) and structured is not None:
        parts = [json.dumps(structured, ensure_ascii=False, separators=(",", ":"))]
    text = _bounded("\n".join((*parts, *others)), RESULT_LIMIT)
    return Answer(text if text.strip() else "(the tool answered with nothing)", kept, tuple(images))


def _picture(block: Any, before: Sequence[Image]) -> Image | None:
    """Return a picture that can be passed on beside those `before` it, else None."""
    data, kind = str(block.data), str(block.mime_type).strip().lower()
    room = PICTURES_LIMIT - sum(_size(picture.data) for picture in before)
    if len(before) >= MOST_PICTURES or _size(data) > room or not _PICTURE.fullmatch(kind):
        return None
    try:
        base64.b64decode(data, validate=True)
    except ValueError:
        return None
    return Image(data=data, mime_type=kind) if data else None


def _size(data: str) -> int:
    return len(data) * 3 // 4


def _kept(structured: Any) -> JsonValue:
    if structured is None or len(json.dumps(structured)) > STRUCTURED_LIMIT:
        return None
    return clean_value(structured)


def _described(kind: str, block: Any) -> str:
    if kind in ("image", "audio"):
        return f"[{kind} {shorten(str(block.mime_type), 80)}, {_size(str(block.data))} bytes, not shown]"
    if kind == "resource_link":
        about = f": {shorten(block.description, 200)}" if block.description else ""
        return f"[link {shorten(block.name, 100)}: {shorten(str(block.uri), 300)}{about}]"
    if kind == "resource":
        text = getattr(block.resource, "text", None)
        where = shorten(str(block.resource.uri), 300)
        return f"[resource {where}]\n{text}" if isinstance(text, str) else f"[resource {where}, binary, not shown]"
    return f"[{shorten(kind, 40)}, not shown]"


def _bounded(text: str, limit: int) -> str:
    """Clean, defuse and bound a text; cut before cleaning, since cleaning megabytes takes its time."""
    return shorten(defused(clean(shorten(text, limit))), limit)
