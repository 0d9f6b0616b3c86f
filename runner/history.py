"""The history that a model is shown: the whole conversation while it fits its window, then the oldest parts shortened.

Nothing is taken from the conversation itself, which a run keeps whole; what is left out is left out of what is sent.
First the oldest results shrink to a line that says where their text is, then whole exchanges go, oldest first, then
the newest results are cut, and last the examples go. A call is never parted from its result, and the system text, the
question and the newest exchange always stay. What was left out once stays out, so that the beginning of what is sent
changes seldom and a provider's cache of it holds.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from schemas.message import Message, ToolSpec

__all__ = ["CHARACTERS_PER_TOKEN", "Estimate", "History", "Shown", "question_in", "window_of"]

CHARACTERS_PER_TOKEN = 3.5
"""The estimate before a model has said how many tokens it read."""
_PER_MESSAGE = 4
_PER_IMAGE = 1_000
_LEAST, _MOST = 0.6, 2.5
"""Bounds of what is learnt."""
_CUT = 0.5
"""A count below this part of the estimate is of a prompt that was cut, or partly taken from a cache."""
_GONE = "[its pictures are left out to save room; call the tool again to see them]"
_PICTURES, _PICTURE_CHARACTERS = 10, 20 << 20
"""Pictures of results, and characters of them in base64, that one request takes; the newest are sent."""
_ENOUGH = 0.8
"""What is left of the room after trimming, so that not every step trims."""
_SHORTEST = 300
"""Characters of a result that is not worth a line in its place; of longer newest ones half as many stay."""


_MOST_KNOWN = 4096
"""Messages and tools whose weight is kept."""
_Item = TypeVar("_Item", Message, ToolSpec)

_WINDOWS = {"claude": 180_000, "gemini": 900_000, "openai": 32_768}
"""Tokens of hosted models by provider: a little less than their smallest has; a server that is compatible with OpenAI
does not say, and most local ones are started with less than a hosted model has."""


def window_of(model: str, num_ctx: int) -> int:
    """Return the tokens that a model (`provider:name`) can read and write; 0: nobody knows, and nothing is left out."""
    provider = model.partition(":")[0]
    return num_ctx if provider in ("embedded", "ollama") else _WINDOWS.get(provider, 0)


def weight(message: Message) -> int:
    """Return the tokens of a message, estimated by its characters."""
    said = len(message.text) + len(message.thinking)
    calls = sum(len(call.name) + len(json.dumps(call.arguments)) + 20 for call in message.calls)
    return int((said + calls) / CHARACTERS_PER_TOKEN) + _PER_MESSAGE + _PER_IMAGE * len(message.images)


def _characters(tool: ToolSpec) -> int:
    return len(tool.name) + len(tool.description) + len(json.dumps(tool.parameters))


class _Weighed(NamedTuple):
    item: Message | ToolSpec
    """Held, so that its id stays its own."""
    weight: int


class Estimate:
    """How many tokens a request has for one model: by characters, corrected by what the model says that it read."""

    def __init__(self) -> None:
        self.factor = 1.0
        """Tokens of the model for each estimated one."""
        self._known: dict[int, _Weighed] = {}

    def of(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> int:
        """Return the estimated tokens of a request."""
        said = self._sum(messages, weight)
        offered = self._sum(tools, _characters)
        return int((said + offered / CHARACTERS_PER_TOKEN) * self.factor)

    def _sum(self, items: Sequence[_Item], weigh: Callable[[_Item], int]) -> int:
        """Add up the weights of items, each weighed once: a request holds all that the one before it held."""
        total = 0
        for item in items:
            known = self._known.get(id(item))
            if known is None or known.item is not item:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                known = self._known[id(item)] = _Weighed(item, weigh(item))
            total += known.weight
        return total

    def learn(self, estimated: int, read: int) -> None:
        """Take in that a request estimated at `estimated` tokens had `read`; 0: the model did not say."""
        if estimated > 0 and read > estimated * _CUT:
            self.factor = min(_MOST, max(_LEAST, self.factor * read / estimated))


def question_in(messages: Sequence[Message], prompt: str) -> int:
    """Return the index of the message that asks `prompt`: the last that ends with it, else the first of the user's."""
    asked = [index for index, item in enumerate(messages) if item.role == "user" and not item.example]
    return next((index for index in reversed(asked) if messages[index].text.endswith(prompt)), asked[0] if asked else 0)


class _Marks(NamedTuple):
    """What is left out, by the index of a message."""

    shortened: int = 0
    """Results before it are a line each."""
    dropped: int = 0
    """Exchanges before it are gone, but for the system text, the examples and the question."""
    examples: bool = True
    """The examples are shown."""
    longest: int = 0
    """Characters that stay of each newer result; 0: all."""


class Shown(NamedTuple):
    """What is sent of a conversation."""

    messages: tuple[Message, ...]
    tokens: int
    """Estimated, of the whole request."""


class History:
    """What of one run's conversation is sent. `line` names, for the index of a result, where its full text is."""

    def __init__(self, question: int, *, window: int, line: Callable[[int], str]) -> None:
        self._question = question
        self._window = window
        self._line = line
        self._marks = _Marks()
        self.estimate = Estimate()

    @property
    def trimmed(self) -> bool:
        """Tell whether something is left out."""
        return self._marks != _Marks()

    def shown(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Shown:
        """Return what is sent of `messages`, with room left for the tools and an answer.

        The tools count as a quarter of the window at most: models that are driven by actions see a line of each, and
        it is not known here which are.
        """
        offered = self.estimate.of((), tools)
        if self._window:
            offered = min(offered, self._window // 4)
        room = self._window - min(self._window // 4, 2048) - offered
        view = self._view(messages)
        size = self.estimate.of(view)
        if not self._window or size <= room:
            return Shown(tuple(view), size + offered)
        for marks in self._tighter(messages):
            self._marks = marks
            view = self._view(messages)
            size = self.estimate.of(view)
            newest = marks.longest or not marks.examples
            if size <= (room if newest else room * _ENOUGH):
                break
        return Shown(tuple(view), size + offered)

    def _tighter(self, messages: Sequence[Message]) -> "list[_Marks]":
        """Return the marks to try, each leaving out more than the one before."""
        starts = [*_exchanges(messages, self._question)]
        newest = starts[-1] if starts else len(messages)
        marks = self._marks
        found: list[_Marks] = []
        for index in range(marks.shortened, newest):
            if messages[index].role == "tool":
                found.append(marks := marks._replace(shortened=index + 1))
        for start in starts:
            if start > marks.dropped:
                found.append(marks := marks._replace(dropped=start))
        longest = marks.longest or max((len(item.text) for item in messages[newest:]), default=0)
        while longest > _SHORTEST:
            longest = max(_SHORTEST, longest // 2)
            found.append(marks := marks._replace(longest=longest))
        return [*found, marks._replace(examples=False)]

    def _view(self, messages: Sequence[Message]) -> list[Message]:
        view = list(messages)
        if self.trimmed:
            view = [self._item(index, item) for index, item in enumerate(messages) if self._stays(index, item)]
        count = size = 0
        for place in range(len(view) - 1, -1, -1):
            if view[place].images and view[place].role == "tool":
                count += len(view[place].images)
                size += sum(len(image.data) for image in view[place].images)
                if count > _PICTURES or size > _PICTURE_CHARACTERS:
                    view[place] = _without_pictures(view[place])
        return view

    def _stays(self, index: int, item: Message) -> bool:
        if item.example:
            return self._marks.examples
        return index >= self._marks.dropped or index == self._question or item.role == "system"

    def _item(self, index: int, item: Message) -> Message:
        if item.role != "tool" or item.example:
            return item
        if index < self._marks.shortened:
            item = _without_pictures(item)
        if len(item.text) <= _SHORTEST:
            return item
        if index < self._marks.shortened:
            return item.model_copy(update={"text": self._line(index)})
        if self._marks.longest and len(item.text) > self._marks.longest:
            text = f"{item.text[: self._marks.longest // 2]}\n{self._line(index)}"
            return item.model_copy(update={"text": text})
        return item


def _without_pictures(item: Message) -> Message:
    return item.model_copy(update={"text": f"{item.text}\n{_GONE}", "images": ()}) if item.images else item


def _exchanges(messages: Sequence[Message], question: int) -> list[int]:
    """Return where each exchange begins that may be parted from the one before it.

    Before the question an exchange begins with a message of the user that the model replied to, so that what is left
    begins with one; after it, with one of the model.
    """
    replied = [*(item.role == "assistant" for item in messages[1:]), False]
    return [
        index
        for index, item in enumerate(messages)
        if not item.example
        and (
            (index < question and item.role == "user" and replied[index])
            or (index > question and item.role == "assistant")
        )
    ]
