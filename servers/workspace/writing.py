"""Changing the files of the workspace: each change whole, each refused where the file is no longer what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.beneath import Written
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, WRITES, Face
from servers.machine.names import show
from servers.workspace.opened import Opened, named
from servers.workspace.replacing import Replacement

if TYPE_CHECKING:
    from servers.machine.beneath import Root

__all__ = ["Edited", "FileMoved", "FileWritten", "FolderMade", "edit", "make_folder", "move", "offer_writing", "write"]

CONTENT_LIMIT = 4_000_000
"""Largest file that a tool writes or edits, in bytes."""

Action = Literal["created", "replaced", "appended to"]
Mode = Literal["write", "create", "append"]


class FileWritten(Frozen):
    """What a write did; sizes are bytes."""

    path: str
    action: Action
    written: int = Field(description="bytes of the content given")
    size: int = Field(description="bytes of the file now")
    etag: str

    def as_text(self) -> str:
        """Return one line."""
        return f"{self.action} {self.path}: wrote {self.written} bytes, now {self.size} bytes (etag {self.etag})"


class Edited(Frozen):
    """What an edit did, or would do."""

    path: str
    replaced: int = Field(description="places replaced")
    written: bool = Field(description="false for a dry run")
    size: int = Field(description="bytes of the file, with the edit")
    etag: str = Field(description="etag of the file now; empty for a dry run")
    diff: str

    def as_text(self) -> str:
        """Return a line, then the difference."""
        done = "edited" if self.written else "would edit (dry run)"
        tag = f", etag {self.etag}" if self.etag else ""
        return f"{done} {self.path}: {self.replaced} replaced, {self.size} bytes{tag}\n\n{self.diff}"


class FileMoved(Frozen):
    """A file or folder under its new path."""

    source: str
    path: str
    replaced: bool

    def as_text(self) -> str:
        """Return one line."""
        return f"moved {self.source} to {self.path}" + (" (replaced what was there)" if self.replaced else "")


class FolderMade(Frozen):
    """A folder that is there now."""

    path: str
    made: bool = Field(description="false when it was there already")

    def as_text(self) -> str:
        """Return one line."""
        return f"made the folder {self.path}" if self.made else f"the folder {self.path} was there already"


def _bytes(text: str) -> bytes:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ServerError("the text is not valid Unicode (a lone surrogate); send plain text") from error
    if len(data) > CONTENT_LIMIT:
        raise ServerError(f"the text has {len(data)} bytes, more than {CONTENT_LIMIT}; write it in parts")
    return data


def write(opened: Opened, path: str, content: str, *, mode: Mode, etag: str) -> FileWritten:
    """Write a text file, atomically; missing folders are made. Raises ServerError."""
    data = _bytes(content)
    with opened.at(named(path)) as (root, inner):
        if mode == "append":
            done = root.append(inner, data, limit=CONTENT_LIMIT, etag=etag)
        else:
            done = root.write(inner, data, mode="create" if mode == "create" else "replace", etag=etag)
    changed: Action = "appended to" if mode == "append" else "replaced"
    action: Action = changed if done.existed else "created"
    return FileWritten(path=path, action=action, written=len(data), size=done.size, etag=done.etag)


def edit(opened: Opened, path: str, old: str, new: str, *, count: int, etag: str, dry: bool) -> Edited:
    """Replace exact text; `count` says how often it must be there, and see `Replacement`.

    Raises ServerError: not there, or not as often; nothing is written then.
    """
    if not old:
        raise ServerError("old is empty; give the exact text to replace, or call write_file with mode append")
    edits = Replacement(path, _bytes(old), _bytes(new), count)
    with opened.at(named(path)) as (root, inner):
        done = _looked_at(root, inner, edits, etag) if dry else root.edit(inner, edits, limit=CONTENT_LIMIT, etag=etag)
    return Edited(
        path=path, replaced=count, written=not dry, size=done.size, etag="" if dry else done.etag, diff=edits.diff()
    )


def _looked_at(root: Root, path: str, edits: Replacement, etag: str) -> Written:
    chunk = root.read(path, limit=CONTENT_LIMIT + 1)
    if chunk.size > CONTENT_LIMIT:
        raise ServerError(f"{show(path)} has {chunk.size} bytes, more than {CONTENT_LIMIT}; edit a smaller file")
    if etag and etag != chunk.etag:
        raise ServerError(f"{show(path)} has changed since it was read (etag {show(etag)}); read it again, then edit")
    return Written(path, len(edits(chunk.data)), chunk.etag, existed=True)


def move(opened: Opened, source: str, destination: str, *, replace: bool) -> FileMoved:
    """Move a file or folder within its root; never over a folder. Raises ServerError."""
    with opened.at(named(source)) as (root, inner):
        other, target = opened.roots.at(named(destination))
        if other is not root:
            raise ServerError(
                "source and destination are in different roots; write the file there, then remove this one"
            )
        done = root.move(inner, target, replace=replace)
    return FileMoved(source=source, path=destination, replaced=done.existed)


def make_folder(opened: Opened, path: str) -> FolderMade:
    """Make a folder and those above it. Raises ServerError."""
    with opened.at(named(path)) as (root, inner):
        return FolderMade(path=path, made=root.make_folder(inner))


_Path = Annotated[str, Field(description="path relative to the workspace root, or absolute inside it")]
_Etag = Annotated[str, Field(description="etag of read_file; refuses if the file changed since")]


def offer_writing(face: Face, opened: Opened) -> None:
    """Offer the tools that change files."""
    _offer_texts(face, opened)
    _offer_folders(face, opened)


def _offer_texts(face: Face, opened: Opened) -> None:
    @face.offer(WRITES, title="Write a file")
    def write_file(
        path: _Path,
        content: Annotated[str, Field(description="the text, at most 4,000,000 bytes of UTF-8")],
        mode: Annotated[
            Mode, Field(description="write: create or replace; create: a new file only; append: add lines at the end")
        ] = "write",
        etag: _Etag = "",
    ) -> FileWritten:
        """Write a text file of the workspace, whole. To change a part of a file, call edit_file."""
        return write(opened, path, content, mode=mode, etag=etag)

    @face.offer(WRITES, title="Edit a file")
    def edit_file(
        path: _Path,
        old: Annotated[str, Field(description="the exact text to replace, with its indentation; at least 1 character")],
        new: Annotated[str, Field(description="the text to put there; empty removes it")],
        count: Annotated[int, Field(ge=1, le=10_000, description="how often old is in the file, 1 to 10000")] = 1,
        etag: _Etag = "",
        mode: Annotated[Literal["write", "dry_run"], Field(description="dry_run: show the difference only")] = "write",
    ) -> Edited:
        """Replace exact text in a file and show the difference. Refused where old is not there exactly count times."""
        return edit(opened, path, old, new, count=count, etag=etag, dry=mode == "dry_run")


def _offer_folders(face: Face, opened: Opened) -> None:
    @face.offer(WRITES, title="Move a file")
    def move_file(
        source: _Path,
        destination: _Path,
        mode: Annotated[
            Literal["create", "replace"], Field(description="replace: over a file that is there")
        ] = "create",
    ) -> FileMoved:
        """Move or rename a file or folder of the workspace. Missing folders are made."""
        return move(opened, source, destination, replace=mode == "replace")

    @face.offer(APPENDS, title="Make a folder")
    def make_directory(path: _Path) -> FolderMade:
        """Make a folder of the workspace, and the folders above it. One that is there is no error."""
        return make_folder(opened, path)
