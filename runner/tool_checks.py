"""The tools that judge answers, each asked over the toolbox about one claim: what it says becomes a `Checked`."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from pydantic import JsonValue

from runner.claims import Promise, ending, plain
from runner.finish import Tools
from runner.wishes import Ended, Wish, carry_between
from schemas.message import ToolCall
from schemas.run import CallRecord
from schemas.verdict import Checked, Verdict
from servers.machine.wire import clean, shorten

__all__ = ["ASSEMBLES", "CAN_SAVE", "DOES_ALL", "HAS_BUG", "SAME", "SAVES", "Asked", "Judges"]

ASSEMBLES = "the code assembles"
CLEAN = "the code has no bug that the linter knows"
SAME = "the code does what the original does"
SAVES = "the code takes fewer bytes or clocks than the original"
DOES_ALL = "the code does all that the prompt asks for"
DOES_PART = "the code does what the prompt says of memory and of its return"
TRUE = "no statement contradicts a known fact"
CAN_SAVE = "the code of the question can be made cheaper"
HAS_BUG = "the code of the question has a bug that the linter knows"

_MOST_SAID = 700
_MOST_CODE = 2_000
_MISSING = frozenset(["Elabel_not_found", "Edefine_not_found"])


class Asked(NamedTuple):
    """What a tool returned."""

    record: CallRecord
    fields: dict[str, Any]
    """The fields of its result; none when it failed."""


class Judges:
    """The judging tools of a toolbox; one that is not there leaves its claim unchecked, and says so."""

    def __init__(self, toolbox: Tools) -> None:
        self._toolbox = toolbox
        self._names = {tool.remote_name or tool.name: tool.name for tool in reversed(toolbox.tools)}
        self._asked = 0

    def has(self, tool: str) -> bool:
        """Tell whether a tool is there, by its name on its server."""
        return tool in self._names

    async def assembles(self, code: str, *, known: str) -> Checked:
        """Judge whether code assembles; names that are missing are no fault where `known`, a text, holds them."""
        asked = await self._ask("assemble", {"code": code})
        if not asked.fields:
            return _unchecked("assemble", ASSEMBLES, asked, code)
        if asked.fields.get("ok") is True:
            return _checked("assemble", ASSEMBLES, "proved", f"{asked.fields.get('size', 0)} bytes", code=code)
        found = [item for item in _list(asked.fields.get("diagnostics")) if item.get("severity") == "error"]
        outside = bool(found) and all(
            str(item.get("code")) in _MISSING and _quoted(str(item.get("message", ""))) in known for item in found
        )
        said = "\n".join(_line_of(item) for item in found[:4]) or asked.record.text
        return _checked("assemble", ASSEMBLES, "unchecked" if outside else "refuted", said, code=code)

    async def is_clean(self, code: str, *, entry: str = "") -> Checked:
        """Judge whether the linter knows a bug of code that assembles; only errors refute."""
        asked = await self._ask("lint", {"code": code, "entry": entry, "level": "warning"})
        if not isinstance(asked.fields.get("errors"), int):
            return _unchecked("lint", CLEAN, asked, code)
        errors = [item for item in _list(asked.fields.get("findings")) if item.get("severity") == "error"]
        if errors or asked.fields.get("errors"):
            said = "\n".join(_finding(item) for item in errors[:3]) or asked.record.text
            return _checked("lint", CLEAN, "refuted", said, code=code)
        warned = asked.fields.get("warnings") or 0
        return _checked("lint", CLEAN, "tested", f"no errors, {warned} warnings", code=code)

    async def is_true(self, text: str) -> Checked:
        """Judge whether a text contradicts a fact of the game or the machine."""
        asked = await self._ask("validate_output", {"text": text})
        if not isinstance(asked.fields.get("findings"), list):
            return _unchecked("validate_output", TRUE, asked)
        found = _list(asked.fields.get("findings"))
        if not found:
            return _checked("validate_output", TRUE, "tested", "what no fact covers was not checked")
        said = "\n".join(f"{item.get('problem', '')} {item.get('right', '')}" for item in found[:4])
        return _checked("validate_output", TRUE, "refuted", said)

    async def does(self, code: str, wish: Wish, *, entry: str = "") -> Checked:
        """Judge whether code does what a prompt says in so many words, by running it from several states."""
        claim = DOES_ALL if wish.whole else DOES_PART
        wrongs: list[str] = []
        for trial in wish.trials:
            asked = await self._ask("run_code", {"code": code, "entry": entry}, inputs=trial.inputs)
            if not asked.fields:
                return _unchecked("run_code", claim, asked, code)
            ended = Ended.of(asked.fields)
            if ended is None or not ended.tells(wish):
                return _checked("run_code", claim, "unchecked", str(asked.fields.get("reason", "")), code=code)
            wrongs.append(ended.wrong(trial, wish))
        first = next(filter(None, wrongs), "")
        if not first:
            return _checked("run_code", claim, "tested", f"run from {len(wish.trials)} states", code=code)
        return _checked("run_code", claim, "refuted", first + carry_between(wish.trials, wrongs), code=code)

    async def is_same(self, original: str, candidate: str, promise: Promise) -> tuple[Checked, ...]:
        """Judge whether code does what the original does, and whether it saves anything."""
        original = _ended(original, candidate)
        told = {"original": original, "candidate": candidate, "entry": promise.entry}
        asked = await self._ask("compare_code", {**told, "live": promise.live, "clobbers": promise.clobbers})
        result = asked.fields.get("result")
        if result not in ("proved", "tested", "refuted"):
            return (_unchecked("compare_code", SAME, asked, candidate),)
        if result == "refuted":
            same = await self._as_promised(asked, told, promise)
        else:
            verdict: Verdict = "proved" if result == "proved" else "tested"
            said = f"{asked.fields.get('reason', '')} {asked.fields.get('contract', '')}"
            same = _checked("compare_code", SAME, verdict, said, code=candidate)
        if same.verdict == "refuted":
            return (same,)
        sizes = (asked.fields.get("original_bytes", 0), asked.fields.get("candidate_bytes", 0))
        return same, await self._saves(original, candidate, promise.entry, sizes)

    async def cheaper(self, original: str, promise: Promise) -> Checked | None:
        """Return cheaper code that does the same as that of a question, as the optimiser found it; None: none."""
        part = "" if ending(original) else "\nrts"  # the optimiser sees nothing behind code that runs off its end
        told = {"code": original + part, "entry": promise.entry, "live": promise.live, "clobbers": _dead(promise)}
        asked = await self._ask("optimize_code", told)
        best = asked.fields.get("best")
        found = cast("dict[str, Any]", best) if isinstance(best, dict) else {}
        result = found.get("result")
        if asked.fields.get("improved") is not True or result not in ("proved", "tested"):
            return None
        verdict: Verdict = "proved" if result == "proved" else "tested"
        code = _unplaced(found, original)
        if not code.endswith(part):
            return None
        said = _saved(asked.fields, found, less=1 if part else 0)
        return _checked("optimize_code", CAN_SAVE, verdict, said, code=code.removesuffix(part))

    async def known_bug(self, original: str, *, entry: str = "") -> Checked | None:
        """Return what the linter knows to be wrong with the code of a question; None: nothing."""
        asked = await self._ask("lint", {"code": original, "entry": entry, "level": "warning"})
        found = _list(asked.fields.get("findings"))
        if not found:
            return None
        return _checked("lint", HAS_BUG, "proved", "\n".join(map(_finding, found[:3])), code=original)

    async def _as_promised(self, refuted: Asked, told: dict[str, str], promise: Promise) -> Checked:
        """Judge code that differs from the original in what perhaps nobody uses.

        Flags are a register's by-product: where the prompt says that a register is dead, they are taken as dead too.
        Where it says nothing, code that leaves the same memory is neither right nor wrong.
        """
        said = _counterexample(refuted)
        if promise.live or not _writes(told["original"]):
            return _checked("compare_code", SAME, "refuted", said, code=told["candidate"])
        loose = {"clobbers": _dead(promise)} if promise.clobbers else {"live": "none"}
        asked = await self._ask("compare_code", {**told, **loose})
        result = asked.fields.get("result")
        if result not in ("proved", "tested"):
            said = _counterexample(asked) if asked.fields else said
            return _checked("compare_code", SAME, "refuted", said, code=told["candidate"])
        if promise.clobbers:
            verdict: Verdict = "proved" if result == "proved" else "tested"
            return _checked(
                "compare_code", SAME, verdict, f"{asked.fields.get('contract', '')}", code=told["candidate"]
            )
        first = str(refuted.fields.get("reason", ""))
        said = f"It leaves the same memory ({result}), but not the same registers and flags, which may be used: {first}"
        return _checked("compare_code", SAME, "unchecked", said, code=told["candidate"])

    async def _saves(self, original: str, candidate: str, entry: str, sizes: tuple[Any, Any]) -> Checked:
        before, after = sizes
        if isinstance(before, int) and isinstance(after, int) and after < before:
            return _checked("compare_code", SAVES, "proved", f"{after} bytes instead of {before}", code=candidate)
        if plain(original) == plain(candidate):
            return _checked("compare_code", SAVES, "refuted", "it is the original", code=candidate)
        counts = [await self._ask("count_cycles", {"code": code, "entry": entry}) for code in (original, candidate)]
        clocks = [_most(asked.fields.get("clocks")) for asked in counts]
        if None in clocks:
            return _unchecked("count_cycles", SAVES, counts[0], candidate)
        was, now = cast("list[int]", clocks)
        if now < was:
            return _checked("count_cycles", SAVES, "proved", f"{now} clocks instead of {was}", code=candidate)
        said = f"{after} bytes, {before} before; {now} clocks, {was} before"
        return _checked("count_cycles", SAVES, "refuted", said, code=candidate)

    async def _ask(self, tool: str, arguments: dict[str, str], *, inputs: Sequence[str] = ()) -> Asked:
        self._asked += 1
        given: dict[str, JsonValue] = {name: value for name, value in arguments.items() if value}
        if inputs:
            given["inputs"] = [*inputs]
        call = ToolCall(id=f"check_{self._asked}", name=self._names.get(tool, tool), arguments=given)
        if tool not in self._names:
            return Asked(CallRecord(call=call, ok=False, text=f"no server offers {tool}"), {})
        (record,) = await self._toolbox.call_all([call])
        fields = record.structured if record.ok and isinstance(record.structured, dict) else {}
        return Asked(record, dict(fields))


def _checked(tool: str, claim: str, verdict: Verdict, said: str, *, code: str = "") -> Checked:
    shown = shorten(clean(said).strip(), _MOST_SAID)
    return Checked(tool=tool, claim=claim, verdict=verdict, said=shown, code=shorten(clean(code), _MOST_CODE))


def _unchecked(tool: str, claim: str, asked: Asked, code: str = "") -> Checked:
    return _checked(tool, claim, "unchecked", asked.record.text, code=code)


def _list(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list that a tool sent."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def _line_of(item: dict[str, Any]) -> str:
    step = f" -> {item['next_step']}" if item.get("next_step") else ""
    return f"line {item.get('line', 0)}: {item.get('message', '')} [{item.get('source', '')}]{step}"


def _finding(item: dict[str, Any]) -> str:
    fix = f" fix: {item['fix']}" if item.get("fix") else ""
    return f"{item.get('place', '')}: {item.get('name', '')}: {item.get('message', '')} [{item.get('source', '')}]{fix}"


def _saved(fields: dict[str, Any], best: dict[str, Any], *, less: int) -> str:
    """Say what the optimiser has saved; `less` bytes of both versions are not of the question."""
    sizes = (best.get("bytes"), fields.get("original_bytes"))
    now, before = (size - less if isinstance(size, int) else "?" for size in sizes)
    changes = [f"{item.get('what', '')}; {item.get('why', '')}" for item in _list(best.get("changes"))[:3]]
    was, takes, saved = fields.get("original_clocks"), best.get("clocks"), ""
    if isinstance(was, int | float) and isinstance(takes, int | float):
        saved = f", {was - takes:g} master clocks saved"
    return "\n".join([f"{now} bytes instead of {before}{saved}", *changes])


def _unplaced(best: dict[str, Any], original: str) -> str:
    """Return the code of the optimiser without indents and map, and without an address where the original had none."""
    lines = [line.strip() for line in str(best.get("code", "")).splitlines() if line.strip()]
    placed = re.search(r"^\s*org\s", original, re.IGNORECASE | re.MULTILINE)
    return "\n".join(line for line in lines if line != "lorom" and (placed or not line.startswith("org ")))


def _quoted(message: str) -> str:
    parts = message.split("'")
    return parts[1] if len(parts) > 2 and parts[1] else "\0"


def _counterexample(asked: Asked) -> str:
    """Return the head of a refutation: why, the input, and the differences."""
    lines = asked.record.text.splitlines()
    kept: Sequence[str] = [line for line in lines if line.startswith(("REFUTED", "with ", "  "))]
    return "\n".join(kept[:8]) or str(asked.fields.get("reason", ""))


def _dead(promise: Promise) -> str:
    """Return what is dead at exit where a prompt says that registers are: the flags too, and of A the high byte."""
    told = promise.clobbers.split()
    return " ".join(dict.fromkeys([*told, *(["B"] if "A" in told else []), *"nzvc"])) if told else ""


def _ended(original: str, candidate: str) -> str:
    """End a fragment as the candidate ends, where it does not end by itself: prompts often leave the return out."""
    end = ending(candidate)
    return f"{original}\n{end}" if end in ("rts", "rtl") and not ending(original) else original


def _writes(code: str) -> bool:
    """Tell whether code writes memory at all; where it does not, its registers are its result."""
    words = [line.split() for line in plain(code).splitlines()]
    stores = ("sta", "stx", "sty", "stz", "mvn", "mvp", "tsb", "trb", "jsr", "jsl")
    return any(
        part[:3] in stores or (part[:3] in ("inc", "dec", "asl", "lsr", "rol", "ror") and line[-1] not in (part, "a"))
        for line in words
        for part in line
    )


def _most(span: object) -> int | None:
    most = cast("dict[str, Any]", span).get("most") if isinstance(span, dict) else None
    return most if isinstance(most, int) and most >= 0 else None
