"""What is to be read rather than called: the folders of the workspace and what is kept from tools; prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.agent_files import AGENT_FILES
from servers.machine.names import escape

if TYPE_CHECKING:
    from servers.machine.face import Face
    from servers.workspace.opened import Opened

__all__ = ["offer_references"]

_MARKDOWN = "text/markdown"


def _roots(opened: Opened) -> str:
    first, *more = (f"`{escape(bytes(folder))}`" for folder in opened.settings.workspace_roots)
    lines = ["Folders of the workspace; nothing outside them can be read or written:", ""]
    lines += [f"- {first} (relative paths begin here)", *(f"- {folder} (by absolute paths)" for folder in more)]
    lines += ["", "No tool writes these, at any depth, since they tell programs what to run:", ""]
    for reason in dict.fromkeys(AGENT_FILES.values()):
        names = (f"`{rule}`" for rule, why in AGENT_FILES.items() if why == reason)
        lines.append(f"- {', '.join(names)}: {reason}")
    return "\n".join(lines)


def offer_references(face: Face, opened: Opened) -> None:
    """Offer the resources and the prompts."""

    @face.resource("workspace://roots", title="The folders of the workspace", mime_type=_MARKDOWN)
    def roots() -> str:
        """Say which folders can be read and written, and what in them cannot be written."""
        return _roots(opened)

    @face.prompt(title="Find where something is done")
    def locate(what: str) -> str:
        """Find the place in the project where something is done."""
        return (
            f"Find where this is done in the workspace: {what}\n\nCall list_files for the lie of the land, then "
            "grep_codebase with the two or three words or labels that such code must hold. Read the matching lines "
            "with read_file (line and lines) before you answer, and name file and line."
        )

    @face.prompt(title="Change a file safely")
    def change(path: str, wish: str) -> str:
        """Change a file of the project so that nobody's work is lost."""
        return (
            f"Change {path}: {wish}\n\nCall read_file and keep its etag. Make each change with edit_file (old is exact "
            "text, with its indentation) and that etag, first with mode dry_run. Afterwards read what you changed, "
            "and run the project's own check with run_shell where it has one."
        )
