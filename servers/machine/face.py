"""The face that every server shows: strict arguments, results complete in both halves, errors that help.

`Face` is the SDK's `MCPServer` with the house rules added once: unknown arguments are refused, schemas lose
their noise, a result's text half is written for reading while its structured half is the same data, all that
leaves is cleaned, and nothing above the size limit leaves.
"""

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import server as sdk
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, JsonValue, ValidationError

from servers.machine.answered import Answered
from servers.machine.arguments import misfits
from servers.machine.errors import ServerError
from servers.machine.stdio import stdio
from servers.machine.wire import RESULT_LIMIT, clean, clean_value, shorten, written

__all__ = ["APPENDS", "EXECUTES", "READS", "WRITES", "Face"]

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
APPENDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
EXECUTES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
"""Runs what it is given: a host asks its user first."""

_ERROR_LIMIT = 4_000
"""Characters of an error: what a caller sent can stand in it."""
_INTERRUPTED = 130
"""Status of a program that was interrupted, as shells give it."""
_COMPLETED = 100
"""Most values of one completion, by the protocol."""
_TYPE_ERROR = "a tool returns a pydantic model, so that both halves of its result are complete"


def _text(model: BaseModel) -> str:
    as_text: Callable[[], str] | None = getattr(model, "as_text", None)
    return as_text() if as_text else model.model_dump_json(indent=1)


def _pack(model: BaseModel) -> CallToolResult:
    text = clean(_text(model))
    structured = clean_value(model.model_dump(mode="json"))
    size = max(len(text), written(structured))
    if size > RESULT_LIMIT:
        raise ToolError(
            f"the result has {size} characters, more than {RESULT_LIMIT}; ask for less (a smaller limit or range)"
        )
    if not isinstance(structured, dict):
        raise TypeError(_TYPE_ERROR)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=structured)


def _strip_titles(schema: JsonValue) -> JsonValue:
    if isinstance(schema, list):
        return [_strip_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, JsonValue] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs") and isinstance(value, dict):
            out[key] = {name: _strip_titles(item) for name, item in value.items()}
        else:
            out[key] = _strip_titles(value)
    return out


def _taken(name: str, known: Iterable[str], lines: Sequence[str]) -> str:
    return f"{name} takes {', '.join(known) or 'no arguments'}; " + "; ".join(lines[:8])


def _problems(error: ToolError, name: str, known: Iterable[str]) -> str:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return str(error).removeprefix(f"Error executing tool {name}: ")
    lines = [f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}" for item in cause.errors()]
    return _taken(name, known, lines)


def _log_plainly(level: str = "WARNING") -> None:
    """Log to standard error in plain lines: a host keeps them in a file, and rich would cost each start its import."""
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


sdk.configure_logging = _log_plainly  # type: ignore[attr-defined]  # imported there, not exported


class Face(MCPServer):
    """An MCP server of this suite. Add tools with `offer`."""

    def __init__(self, name: str, *, title: str, instructions: str, version: str) -> None:
        super().__init__(name, title=title, instructions=instructions, version=version, log_level="WARNING")
        self._known: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._ending = ExitStack()
        self._completed: dict[str, Callable[[str, Mapping[str, str]], Sequence[str]]] = {}

    def at_end(self, close: Callable[[], None]) -> None:
        """Call `close` when the server has served: for files that are better left closed."""
        self._ending.callback(close)

    def serve(self) -> None:
        """Serve on stdio until the input ends, then close what `at_end` was told of; Ctrl-C ends with status 130."""
        with self._ending:
            try:
                self.run()
            except KeyboardInterrupt:
                raise SystemExit(_INTERRUPTED) from None

    def end(self) -> None:
        """Close what `at_end` was told of, for a server that has not been served on stdio."""
        self._ending.close()

    async def run_stdio_async(self) -> None:
        """Serve on stdio; a request that cannot be read is answered too."""
        options = self._lowlevel_server.create_initialization_options()
        async with stdio() as (source, sink):
            await self._lowlevel_server.run(Answered(source, sink), sink, options)

    def answer(self, method: str, params: type[BaseModel], handler: Callable[..., Any]) -> None:
        """Answer a method of the protocol that the SDK leaves to its servers, e.g. `resources/subscribe`."""
        self._lowlevel_server.add_request_handler(method, params, handler)

    def offer(self, annotations: ToolAnnotations, *, title: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Offer a plain function as a tool.

        The function returns a pydantic model. If the model has `as_text()`, that text is the text half and must say
        everything that the fields say; otherwise the text half is the model's JSON. A `ServerError` reaches the
        model as it is.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            described = inspect.getdoc(function)  # before Python 3.13 a bare __doc__ keeps its indentation
            self.add_tool(_wire(function), title=title, description=described, annotations=annotations)
            return function

        return register

    def completes(self, argument: str, found: Callable[[str, Mapping[str, str]], Sequence[str]]) -> None:
        """Complete an argument of the resource templates.

        `found` gets what is typed so far and the other arguments, and returns all values that fit, best first.
        """
        if not self._completed:
            self.completion()(self._complete)  # type: ignore[no-untyped-call]  # the SDK has not typed it
        self._completed[argument] = found

    async def _complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        found = self._completed.get(argument.name)
        if found is None or not isinstance(ref, ResourceTemplateReference):
            return None
        values = [clean(value) for value in found(argument.value, (context.arguments or {}) if context else {})]
        return Completion(values=values[:_COMPLETED], total=len(values), has_more=len(values) > _COMPLETED)

    async def list_tools(self) -> list[Tool]:
        """List the tools, their schemas without pydantic's titles."""
        return [
            tool.model_copy(
                update={
                    "input_schema": _strip_titles(tool.input_schema),
                    "output_schema": _strip_titles(tool.output_schema),
                }
            )
            for tool in await super().list_tools()
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Any = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; unknown arguments and wrong types are told apart and named, and nothing is made to fit."""
        known = await self._parameters(name)
        if known is None:
            raise _wrong(f"there is no tool {name!r}; the tools are {', '.join(self._known)}")
        unknown = [key for key in arguments if key not in known]
        if unknown:
            raise _wrong(
                f"{name} has no argument {', '.join(map(repr, unknown))}; it takes {', '.join(known) or 'none'}"
            )
        if lines := misfits(arguments, known):
            raise _wrong(_taken(name, known, lines))
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if type(error) is not ToolError:
                raise
            raise _wrong(_problems(error, name, known)) from error.__cause__

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Any = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt; an unknown name and a missing argument are the caller's to mend, and are told so."""
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            known = ", ".join(sorted(prompt.name for prompt in await self.list_prompts()))
            said = clean(
                shorten(f"{error}; the prompts are {known}, each with its arguments in the list", _ERROR_LIMIT)
            )
            raise MCPError(INVALID_PARAMS, said) from error

    async def _parameters(self, name: str) -> Mapping[str, Mapping[str, Any]] | None:
        if not self._known:
            self._known = {tool.name: tool.input_schema["properties"] for tool in await super().list_tools()}
        return self._known.get(name)


def _wrong(said: str) -> ToolError:
    return ToolError(clean(shorten(said, _ERROR_LIMIT)))


def _wire(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function, eval_str=True)
    model = signature.return_annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(_TYPE_ERROR)
    returns = Annotated[CallToolResult, model]

    wired = _awaited(function) if inspect.iscoroutinefunction(function) else _called(function)
    annotations = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    wired.__annotations__ = {**annotations, "return": returns}
    wired.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]  # read by inspect.signature
    return wired


def _awaited(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wired(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return _pack(await function(*args, **kwargs))
        except ServerError as error:
            raise _wrong(str(error)) from error

    return wired


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wired(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return _pack(function(*args, **kwargs))
        except ServerError as error:
            raise _wrong(str(error)) from error

    return wired
