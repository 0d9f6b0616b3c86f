"""Pictures on their way to a model: what cannot be sent is said in words, so that no request fails for it."""

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import NamedTuple

from schemas.message import Image

__all__ = ["LARGEST_PICTURE", "Shown", "Sorted", "look_at", "sort"]

LARGEST_PICTURE = 5 * 1024 * 1024
"""Bytes of one picture: the least that a provider takes."""


class Shown(NamedTuple):
    """A picture that can be sent, or the words to send for it."""

    data: bytes
    problem: str


def look_at(image: Image, types: Collection[str]) -> Shown:
    """Decode a picture, and refuse what is no base64, too large, or of none of the MIME `types`."""
    kind = image.mime_type.strip().lower()
    if kind not in types:
        return Shown(b"", f"[a picture of the type {kind[:40]!r}, which this model cannot read]")
    if len(image.data) > LARGEST_PICTURE * 4 // 3 + 4:
        return Shown(b"", f"[a picture of more than {LARGEST_PICTURE} bytes, which is too large to send]")
    try:
        data = base64.b64decode(image.data, validate=True)
    except (binascii.Error, ValueError):
        return Shown(b"", "[a picture that is broken]")
    return Shown(data, "" if data else "[a picture that is empty]")


class Sorted(NamedTuple):
    """Pictures that can be sent, and a text with a word for each that cannot."""

    images: tuple[Image, ...]
    text: str


def sort(text: str, images: Sequence[Image], types: Collection[str]) -> Sorted:
    """Part the pictures that go with `text` into those of the MIME `types` that can be sent, and words for the rest."""
    problems = [look_at(image, types).problem for image in images]
    good = tuple(image for image, problem in zip(images, problems, strict=True) if not problem)
    return Sorted(good, "\n".join([*([text] if text else []), *filter(None, problems)]))
