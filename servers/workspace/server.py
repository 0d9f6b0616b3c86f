"""The workspace server: the files of a project, search in them, and a shell that cannot leave them.

Its parts are imported by `build`, as `serve` wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.start import serve

if TYPE_CHECKING:
    from servers.machine.face import Face
    from servers.settings import Settings

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "Files of the user's project: list_files and grep_codebase find, read_file shows, edit_file changes by exact text "
    "(give the etag that read_file gave), run_shell runs a command in a sandbox without network. Paths are relative "
    "to the workspace root, or absolute inside it. Nothing outside can be read or written."
)


def build(settings: Settings) -> Face:
    """Build the server; the folders are opened by the first call that needs them."""
    from servers.machine.face import Face
    from servers.settings import version
    from servers.workspace.asking import offer_asking
    from servers.workspace.cleanup import offer_cleanup
    from servers.workspace.duplicates import offer_duplicates
    from servers.workspace.grep import offer_grep
    from servers.workspace.listing import offer_listing
    from servers.workspace.opened import Opened
    from servers.workspace.projects import offer_projects
    from servers.workspace.reading import offer_reading
    from servers.workspace.references import offer_references
    from servers.workspace.scan import offer_scan
    from servers.workspace.shell import offer_shell
    from servers.workspace.writing import offer_writing

    face = Face("afs-workspace", title="Workspace", instructions=_INSTRUCTIONS, version=version())
    opened = Opened(settings)
    face.at_end(opened.close)
    for offer in (
        offer_reading,
        offer_listing,
        offer_grep,
        offer_writing,
        offer_projects,
        offer_shell,
        offer_scan,
        offer_duplicates,
        offer_cleanup,
        offer_asking,
        offer_references,
    ):
        offer(face, opened)
    return face


def _told(settings: Settings) -> Settings:
    import argparse
    import dataclasses
    from pathlib import Path

    parser = argparse.ArgumentParser(prog="afs-workspace", description="Serve files of a project over stdio (MCP).")
    parser.add_argument("root", nargs="*", help="folder to work in (default: AFS_WORKSPACE_ROOTS, AFS_PROJECT_ROOT)")
    parser.add_argument(
        "--unsandboxed", action="store_true", help="run_shell may run without a sandbox where none works: dangerous"
    )
    said = parser.parse_args()
    roots = tuple(Path(name).expanduser().absolute() for name in said.root)
    return dataclasses.replace(
        settings, roots=roots or settings.roots, unsandboxed=said.unsandboxed or settings.unsandboxed
    )


def main() -> None:
    """Serve on stdio."""
    serve(build, _told)


if __name__ == "__main__":
    main()
