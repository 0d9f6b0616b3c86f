"""Files that tell others what to run: no tool and no command of an agent writes them, wherever they lie.

Whoever writes a git hook, a git config, an agent's settings or a shell's start-up file runs commands as the user, at
the next `git status` of an editor. The tools that write and the sandbox of `run_shell` go by this one list.
"""

from collections.abc import Mapping

__all__ = ["AGENT_FILES", "REPOSITORY"]

REPOSITORY = ".git"
"""A folder of this name is a repository; a file or link of this name says where one is, and is sealed."""

_GIT = "git runs what it names, so no tool writes it; edit it yourself"
_AGENT = "it tells agents and editors what to run, so no tool writes it; edit it yourself"
_SHELL = "programs that you start run what it says, so no tool writes it; edit it yourself"
_OF_GIT = ("hooks", "config", "config.worktree", "commondir")
_FILES = {
    _GIT: (
        *(f".git/{name}" for name in _OF_GIT),
        *(f".git/modules/**/{name}" for name in _OF_GIT),
        *(f".git/worktrees/*/{name}" for name in _OF_GIT),
        *(".gitconfig", ".gitmodules", ".config/git"),
    ),
    _AGENT: (
        *(".mcp.json", ".claude", ".gemini", ".codex", ".cursor", ".vscode", ".idea"),
        *("claude.md", "claude.local.md", "gemini.md", "agents.md"),
    ),
    _SHELL: (
        *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile"),
        *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".config/fish"),
        *(".ripgreprc", ".inputrc", ".direnvrc", ".ssh", ".config/autostart", ".config/systemd"),
    ),
}
AGENT_FILES: Mapping[str, str] = {rule: reason for reason, rules in _FILES.items() for rule in rules}
"""Each rule with its reason. A rule holds at any depth, for all below it, and in any case of its letters; `*` is any
one part of a path, `**` any number of them."""
