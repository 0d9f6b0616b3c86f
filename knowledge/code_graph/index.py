"""`CodeIndex`: source trees as routines, labels, calls, reads and writes with their places, in one SQLite file."""

import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from pathlib import Path
from typing import Any, Literal, NamedTuple

from knowledge.code_graph.expressions import Number, evaluate
from knowledge.code_graph.operands import MNEMONICS, Operand, read_operand, resized
from knowledge.code_graph.parsed import unpack
from knowledge.code_graph.search import Embed, Found, search
from knowledge.code_graph.store import Store
from knowledge.code_graph.targets import Known, Names, fact_ref
from knowledge.code_graph.types import (
    Access,
    AccessKind,
    Body,
    Codebase,
    CodeError,
    Line,
    Progress,
    Report,
    SourceFile,
    Symbol,
    SymbolKind,
)
from knowledge.code_graph.view import CodeView
from knowledge.code_graph.words import clean

__all__ = ["CodeIndex"]

_MOST_LINES = 200
_MOST_TEXTS = 4
_SYMBOL = "s.name, s.kind, f.path, s.first, s.last, s.address, s.parent, s.text"
_ACCESS = (
    "SELECT f.path, a.line, coalesce(s.name, f.path), a.kind, t.name, t.kind, t.ref, t.address, t.text, a.indexed, "
    "a.indirect, a.via FROM access a JOIN target t ON t.id = a.target JOIN file f ON f.id = a.file "
    "LEFT JOIN symbol s ON s.id = a.owner"
)


class _Numbers(NamedTuple):
    """The names of one state of a codebase."""

    stamp: str
    names: Names


class CodeIndex:
    """An index of source code. One object belongs to one thread at a time; several may share the file."""

    def __init__(self, path: Path, *, name_of: Callable[[int], str] = fact_ref) -> None:
        """Open the index at a path, or make it. CodeError when that is no file of an index.

        `name_of` gives the ref of the fact about an address (24 bits, mirrors folded), empty where there is none.
        """
        self._store = Store(path)
        self._name_of = name_of
        self._numbers: dict[str, _Numbers] = {}
        self._texts: dict[str, list[str]] = {}

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    @property
    def db(self) -> sqlite3.Connection:
        """The connection that reads."""
        return self._store.db

    def ref_of(self, address: int) -> str:
        """Return the ref of the fact about an address, empty where there is none."""
        return self._name_of(address)

    # writing

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection, None, None]:
        try:
            with self._store.writing() as db:
                yield db
        except sqlite3.Error as error:
            raise CodeError(
                f"the code index {self._store.path.name} cannot be written ({error}); it is as it was before: try "
                "again, free space, or name another file"
            ) from error

    def update(
        self,
        codebase: str,
        files: Sequence[SourceFile],
        *,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Report:
        """Bring a codebase up to date with all its files: new and changed ones are read, others kept, absent ones
        dropped. All of it happens or, with CodeError, nothing. `cancelled` is asked between files; Cancelled then."""
        from knowledge.code_graph.update import checked_name, update  # reading needs none of it

        checked_name(codebase)
        with self._writing() as db:
            report = update(db, codebase, tuple(files), name_of=self._name_of, progress=progress, cancelled=cancelled)
        self._store.tidy()
        return report

    def forget(self, codebase: str) -> bool:
        """Delete a codebase, and say whether it was there."""
        from knowledge.code_graph.update import forget  # reading needs none of it

        with self._writing() as db:
            return forget(db, clean(codebase))

    def embed(self, codebase: str, embed: Embed, *, model: str, cancelled: Callable[[], bool] | None = None) -> int:
        """Keep a vector of each routine that has none of this model yet, and return how many were made."""
        from knowledge.code_graph.vectors import embed_routines  # few have a model for it

        number = self._id(codebase)
        return embed_routines(self._writing, self.db, number, embed, model=clean(model), cancelled=cancelled)

    # reading

    def codebases(self) -> tuple[Codebase, ...]:
        """Return what is indexed, by name."""
        rows = self.db.execute(
            "SELECT name, (SELECT count(*) FROM file WHERE codebase = c.id), "
            "(SELECT coalesce(sum(lines), 0) FROM file WHERE codebase = c.id), "
            "(SELECT count(*) FROM symbol WHERE codebase = c.id AND kind IN ('routine', 'macro')), "
            "(SELECT count(*) FROM symbol WHERE codebase = c.id AND kind IN ('label', 'data')), "
            "(SELECT count(*) FROM access WHERE codebase = c.id) FROM codebase c ORDER BY name"
        )
        return tuple(Codebase(*row) for row in rows)

    def _id(self, codebase: str) -> int:
        row = self.db.execute("SELECT id FROM codebase WHERE name = ?", (clean(codebase),)).fetchone()
        if row is None:
            known = ", ".join(name for (name,) in self.db.execute("SELECT name FROM codebase ORDER BY name LIMIT 20"))
            raise CodeError(f"no codebase {codebase[:40]!r}; index it first" + (f", or take {known}" if known else ""))
        return int(row[0])

    def stamp(self, codebase: str) -> str:
        """Return a text that differs once one of the files differs."""
        self._id(codebase)
        return str(self.db.execute("SELECT stamp FROM codebase WHERE name = ?", (codebase,)).fetchone()[0])

    def symbols(self, codebase: str, *, kind: SymbolKind | Literal[""] = "") -> Iterator[Symbol]:
        """Give the symbols of a codebase, of all kinds or one, by file and line."""
        rows = self.db.execute(
            f"SELECT {_SYMBOL} FROM symbol s JOIN file f ON f.id = s.file WHERE s.codebase = ? AND ? IN ('', s.kind) "
            "ORDER BY f.path, s.first, s.id",
            (self._id(codebase), kind),
        )
        return (Symbol(codebase, *row) for row in rows)

    def routine(self, codebase: str, name: str) -> tuple[Symbol, ...]:
        """Return the symbols of exactly this name: several where it is defined more than once."""
        rows = self.db.execute(
            f"SELECT {_SYMBOL} FROM symbol s JOIN file f ON f.id = s.file WHERE s.codebase = ? AND s.name = ? "
            "ORDER BY f.path, s.first, s.id",
            (self._id(codebase), clean(name)),
        )
        return tuple(Symbol(codebase, *row) for row in rows)

    def bodies(self, codebase: str, *, name: str = "") -> Iterator[Body]:
        """Give the routines, tables and macros with their lines, by file and line; with `name` those of that name."""
        number, numbers = self._id(codebase), self._names(codebase)
        values = _Values(numbers)
        one = "AND s.name = ?" if name else ""
        rows = self.db.execute(
            f"SELECT {_SYMBOL}, f.dialect IN ('asar', 'listing'), s.scope, s.lines FROM symbol s "
            f"JOIN file f ON f.id = s.file WHERE s.codebase = ? AND s.lines <> '' {one} ORDER BY f.path, s.first, s.id",
            (number, clean(name)) if name else (number,),
        )
        for *symbol, asar, scope, lines in rows:
            yield Body(
                Symbol(codebase, *symbol),
                tuple(values.line(text, scope, least=2 if asar else 1) for text in lines.split("\n")),
            )

    def _names(self, codebase: str) -> Names:
        stamp = self.stamp(codebase)
        kept = self._numbers.get(codebase)
        if kept is None or kept.stamp != stamp:
            rows = self.db.execute(
                "SELECT name, kind, address, CASE kind WHEN 'define' THEN text ELSE '' END, scope FROM symbol "
                "WHERE codebase = ? ORDER BY id",
                (self._id(codebase),),
            )
            kept = _Numbers(stamp, Names((Known(*row) for row in rows), self._name_of))
            self._numbers = {codebase: kept}
        return kept.names

    def accesses(self, codebase: str, *, owner: str = "") -> Iterator[Access]:
        """Give the accesses of a codebase, by file and line; with `owner` those of one routine, table or macro."""
        number, owner = self._id(codebase), clean(owner)
        one, given = ("AND s.name = ?", (number, owner)) if owner else ("", (number,))
        rows = self.db.execute(f"{_ACCESS} WHERE a.codebase = ? {one} ORDER BY f.path, a.line, a.id", given)
        includes = self.db.execute(
            "SELECT f.path, i.line, f.path, 'include', coalesce(g.path, ''), 'file', '', -1, i.path, 0, 0, '' "
            "FROM include i JOIN file f ON f.id = i.file LEFT JOIN file g ON g.id = i.found "
            "WHERE f.codebase = ? AND ? IN ('', f.path) ORDER BY f.path, i.line",
            (number, owner),
        )
        return map(_access, merge(rows, includes, key=_by_place))

    def excerpt(self, codebase: str, file: str, *, first: int, last: int) -> str:
        """Return lines of a file as they are written, without the line ends; at most 200 lines."""
        row = self.db.execute(
            "SELECT id, sha FROM file WHERE codebase = ? AND path = ?", (self._id(codebase), clean(file))
        ).fetchone()
        if row is None:
            raise CodeError(f"no file {file[:60]!r} in {codebase}; its places name the files that there are")
        lines = self._text(*row)
        first = max(first, 1)
        return "\n".join(lines[first - 1 : min(last, first + _MOST_LINES - 1)])

    def _text(self, file: int, sha: str) -> list[str]:
        if sha not in self._texts:
            row = self.db.execute("SELECT text FROM file WHERE id = ? AND sha = ?", (file, sha)).fetchone()
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.pop(next(iter(self._texts)))
            self._texts[sha] = zlib.decompress(row[0]).decode("utf-8").split("\n") if row else []
        return self._texts[sha]

    def search(
        self,
        question: str,
        *,
        codebases: Sequence[str] = (),
        kind: SymbolKind | Literal[""] = "",
        limit: int = 20,
        offset: int = 0,
        embed: Embed | None = None,
        model: str = "",
    ) -> Found:
        """Return the places that answer a question, best first: by words, names, addresses, registers and callers, and
        by meaning when `embed` gives vectors of the `model` that `embed()` was run with. All codebases without any."""
        wanted = {self._id(name): name for name in codebases or [known.name for known in self.codebases()]}
        found = search(
            self.db, wanted, clean(question), kind=kind, limit=limit, offset=offset, ref_of=self._name_of, embed=embed,
            model=clean(model),
        )  # fmt: skip
        return found

    def views(self) -> tuple[CodeView, ...]:
        """Return each codebase as a graph."""
        return tuple(CodeView(self.db, known.name, self._name_of) for known in self.codebases())


class _Values:
    """Puts numbers into lines."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._kept: dict[tuple[str, str, str, str, str, int], tuple[str, int]] = {}

    def line(self, text: str, scope: str, *, least: int) -> Line:
        """Return a packed line with its value, and with the mode that the value gives it; a label has `least` bytes."""
        line = unpack(text)
        if line.kind != "code" or not line.operand:
            return line
        key = (line.word, line.operand, line.width, line.target, scope, least)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._work_out(line, scope, least)
        mode: Any = found[0]
        return line._replace(mode=mode, value=found[1])

    def _work_out(self, line: Line, scope: str, least: int) -> tuple[str, int]:
        if line.word not in MNEMONICS:
            return line.mode, -1
        operand: Operand = read_operand(line.word, line.operand, line.width)

        def number(name: str) -> Number | None:
            local = name[:1] in (".", "@", "_")
            found = self._names.number(line.target if local else name.replace("{", "").replace("}", ""), scope)
            plain = found is not None and found.size and name[:1] != "!"
            return Number(found.value, max(found.size, least)) if found and plain else found

        value = evaluate(operand.expression, number) if operand.expression else None
        if value is None:
            return line.mode, -1
        mode = resized(operand, value.size).mode if line.width != "l" else line.mode
        return mode, value.value if 0 <= value.value < 1 << 32 else -1


def _by_place(row: tuple[Any, ...]) -> tuple[str, int]:
    return row[0], row[1]


def _access(row: tuple[Any, ...]) -> Access:
    path, line, owner, kind, name, target_kind, ref, address, text, indexed, indirect, via = row
    what: AccessKind = "use" if kind == "pointer" and target_kind == "define" else kind
    place = ref if what in ("read", "write", "call", "jump") and ref else name
    return Access(owner, what, place or text, path, line, address, text, bool(indexed), bool(indirect), via)
