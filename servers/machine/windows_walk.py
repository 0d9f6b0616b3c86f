"""A walk through a tree of folders on Windows: each folder is held, and must still be in the tree, while it is read."""

import os
from collections.abc import Callable, Generator, Iterator

from servers.machine.beneath_values import Kind, Seen, kind_of
from servers.machine.containment import contains
from servers.machine.store import is_temporary
from servers.machine.windows_files import is_link, raw
from servers.machine.windows_handles import PLATFORM, held_folder

__all__ = ["WindowsWalk"]


class WindowsWalk(Iterator[Seen]):
    """Everything below a folder, as `beneath_walk.Walk`; each folder is held while its names are read."""

    def __init__(
        self,
        top: str,
        parts: tuple[str, ...],
        *,
        cap: int,
        enter: Callable[[bytes], bool] | None = None,
        leftovers: bool = False,
    ) -> None:
        """Walk below the folder with the final path `top`; `parts` go before each path."""
        self.problems = 0
        self.complete = True
        self._cap = cap
        self._enter = enter
        self._leftovers = leftovers
        self._steps = self._walk(top, parts)

    def __iter__(self) -> Generator[Seen]:
        return self._steps

    def __next__(self) -> Seen:
        return next(self._steps)

    def close(self) -> None:
        """End the walk early."""
        self._steps.close()

    def _walk(self, top: str, parts: tuple[str, ...]) -> Generator[Seen]:
        todo = [(top, parts)]
        while todo and self.complete:
            path, inner = todo.pop()
            if inner != parts and self._enter is not None and not self._enter(raw(inner)):
                continue
            folders: list[str] = []
            try:
                with held_folder(path) as final:
                    if contains([top], final, platform=PLATFORM):
                        yield from self._names(final, inner, folders)
                    else:
                        self.problems += 1
            except OSError:
                self.problems += 1
            todo += [(os.path.join(path, name), (*inner, name)) for name in sorted(folders, reverse=True)]

    def _names(self, folder: str, parts: tuple[str, ...], folders: list[str]) -> Generator[Seen]:
        with os.scandir(folder) as names:
            for item in names:
                if is_temporary(os.fsencode(item.name)) and not self._leftovers:
                    continue
                if self._cap <= 0:
                    self.complete = False
                    return
                state = item.stat(follow_symlinks=False)
                kind: Kind = "link" if is_link(item) else kind_of(state.st_mode)
                if kind == "folder":
                    folders.append(item.name)
                self._cap -= 1
                path = raw((*parts, item.name))
                yield Seen(path, kind, state.st_size, state.st_mtime_ns, state.st_dev, state.st_ino)
