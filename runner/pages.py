"""The results of a run: what the model sees of them is bounded, their full text lies in files beside the run.

Results are numbered in the order in which they came. One that is longer than the limit is cut, and the model can read
on with a tool of the runner's own, `read_result`, which is offered from then on. A result that the history shortens
later is kept in the same way. Pictures of results lie beside them: what is written of a run names their files.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from schemas.message import Image, Message, ToolCall, ToolSpec
from schemas.run import CallRecord
from servers.machine.errors import ServerError
from servers.machine.store import write_atomic

__all__ = ["READ_RESULT", "Pages", "kept_pages", "result_limit", "with_pictures"]

RESULT_LIMIT = 16_000
"""Characters of a result that a model with a large window sees."""
_PLACE = re.compile(r"[0-9A-Za-z-]+\.results/[0-9]+\.txt")
_PICTURE = re.compile(r"[0-9A-Za-z-]+\.results/[0-9]+-[0-9]+\.(?:gif|jpeg|png|webp|picture)")
_PICTURE_LIMIT = 16 << 20
_GONE = "[a picture that is not kept any more: call the tool again to see it]"
READ_RESULT = ToolSpec(
    name="read_result",
    description="Read on in a result of this run that was cut. `call` is the number of the result.",
    parameters={
        "type": "object",
        "properties": {
            "call": {"type": "integer", "description": "the number of the result"},
            "offset": {"type": "integer", "description": "the first character to show", "default": 0},
        },
        "required": ["call"],
    },
)


def result_limit(model: str, num_ctx: int) -> int:
    """Return the characters of a result for a model (`provider:name`): about an eighth of a local one's window."""
    local = model.partition(":")[0] in ("embedded", "ollama")
    return min(RESULT_LIMIT, num_ctx * 11 // 25) if local else RESULT_LIMIT


def kept_pages(folder: Path, results: JsonValue) -> dict[int, Path]:
    """Return the files of an earlier run's results from its metadata: those that lie below `folder`, by number."""
    found: dict[int, Path] = {}
    for number, place in results.items() if isinstance(results, dict) else ():
        if number.isdecimal() and isinstance(place, str) and _PLACE.fullmatch(place):
            found[int(number)] = folder / place
    return found


def with_pictures(message: Message, folder: Path | None) -> Message:
    """Return a message of an earlier run with the pictures of its files below `folder`; one that is gone is told."""
    if all(image.data for image in message.images):
        return message
    found = [image if image.data else _read_picture(image, folder) for image in message.images]
    lost = [_GONE] * found.count(None)
    text = "\n".join(filter(None, (message.text, *lost)))
    return message.model_copy(update={"images": tuple(image for image in found if image), "text": text})


def _read_picture(image: Image, folder: Path | None) -> Image | None:
    if folder is None or not _PICTURE.fullmatch(image.file):
        return None
    path = folder / image.file
    try:
        data = path.read_bytes() if path.stat().st_size <= _PICTURE_LIMIT else b""
    except OSError:
        return None
    return image.model_copy(update={"data": base64.b64encode(data).decode("ascii")}) if data else None


class Pages:
    """The full texts of a run's results.

    `folder` is where their files go; None keeps them in memory. `kept` holds those of the runs that this one goes on
    from, by number.
    """

    def __init__(
        self, folder: Path | None = None, limit: int = RESULT_LIMIT, kept: Mapping[int, Path] | None = None
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._files: dict[int, Path] = dict(kept or {})
        self._texts: dict[int, str] = {}
        self.problem = ""
        """Why a text is held in memory only; empty: none is."""

    @property
    def places(self) -> dict[str, JsonValue]:
        """The files of the results that were cut, from the folder of the runs, by number; for the run's metadata."""
        return {str(number): self.place(number) for number in sorted(self._files)}

    def offered(self, tools: Sequence[ToolSpec]) -> tuple[ToolSpec, ...]:
        """Return `read_result` once there is something to read with it, unless a server has a tool of that name."""
        there = self._files or self._texts
        return (READ_RESULT,) if there and all(tool.name != READ_RESULT.name for tool in tools) else ()

    def take(self, number: int, record: CallRecord) -> CallRecord:
        """Return a record with the text that the model is to see; keep the whole of a longer one, and its pictures."""
        if record.images:
            images = tuple(self._picture(number, index, image) for index, image in enumerate(record.images, 1))
            record = record.model_copy(update={"images": images})
        if len(record.text) <= self._limit:
            return record
        self.keep(number, record.text)
        end = self._limit - 150
        more = f"\n[cut: characters 0 to {end} of {len(record.text)}; read_result(call={number}, offset={end}) goes on]"
        return record.model_copy(update={"text": record.text[:end] + more, "file": self.place(number)})

    def _picture(self, number: int, index: int, image: Image) -> Image:
        """Write a picture into a file of its own, and return it with the name of the file."""
        if self._folder is None:
            return image
        kind = image.mime_type.rpartition("/")[2]
        ending = kind if kind in ("gif", "jpeg", "png", "webp") else "picture"
        path = self._folder / f"{number:02}-{index}.{ending}"
        try:
            write_atomic(path, base64.b64decode(image.data))
        except (ServerError, binascii.Error) as error:
            self.problem = str(error)
            return image
        return image.model_copy(update={"file": f"{path.parent.name}/{path.name}"})

    def keep(self, number: int, text: str) -> None:
        """Keep the full text of a result."""
        if number in self._files or number in self._texts:
            return
        if self._folder is not None:
            path = self._folder / f"{number:02}.txt"
            try:
                write_atomic(path, text.encode("utf-8", "replace"))
                self._files[number] = path
                return
            except ServerError as error:
                self.problem = str(error)
        self._texts[number] = text

    def place(self, number: int) -> str:
        """Return the file of a result, from the folder of the runs; empty: it has none."""
        path = self._files.get(number)
        return f"{path.parent.name}/{path.name}" if path else ""

    def left_out(self, number: int, message: Message) -> str:
        """Keep a result that the history leaves out, and return the line that stands for it."""
        self.keep(number, message.text)
        place = self.place(number)
        where = f", in {place}" if place else ""
        return f"[{len(message.text)} characters left out to save room{where}; read_result(call={number}) shows them]"

    def read(self, call: ToolCall) -> CallRecord:
        """Answer a call of `read_result` with the next characters."""
        number, offset = _whole(call.arguments.get("call")), _whole(call.arguments.get("offset", 0))
        if number is None or offset is None or offset < 0:
            return _refused(call, "give `call`, the number of the result, and `offset`, a number of characters")
        known = sorted({*self._files, *self._texts})
        if number not in known:
            return _refused(call, f"there is no result {number} to read; there are {', '.join(map(str, known))}")
        try:
            text = self._texts[number] if number in self._texts else self._files[number].read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            return _refused(call, f"result {number} cannot be read any more ({error}); call its tool again")
        return _page(call, text, number=number, offset=offset, size=self._limit - 150)


def _page(call: ToolCall, text: str, *, number: int, offset: int, size: int) -> CallRecord:
    if offset >= len(text):
        return _refused(call, f"result {number} has only {len(text)} characters; choose a smaller offset")
    end = min(len(text), offset + size)
    more = f"; read_result(call={number}, offset={end}) goes on" if end < len(text) else "; that is all"
    shown = f"{text[offset:end]}\n[characters {offset} to {end} of {len(text)}{more}]"
    return CallRecord(call=call, ok=True, text=shown)


def _whole(value: JsonValue) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value)


def _refused(call: ToolCall, why: str) -> CallRecord:
    return CallRecord(call=call, ok=False, text=why)
