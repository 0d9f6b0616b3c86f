"""Which paths are in which folders by their spelling, on every platform that a path can come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from servers.machine.containment import Platform, contains

PLATFORMS: dict[str, Platform] = {"any": "posix", "not-darwin": "posix", "win32": "win32", "darwin": "darwin"}


def test_the_shared_containment_cases_hold(shared: Path) -> None:
    count, wrong = 0, list[str]()
    for line in (shared / "cases" / "path_cases.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row["kind"] != "contains":
            continue
        count += 1
        answer = contains(row["setup"]["allowed"], row["input"], platform=PLATFORMS[row["platform"]])
        if answer != (row["expected"] == "allow"):
            wrong.append(row["case"])
    assert wrong == []
    assert count >= 118


@pytest.mark.parametrize(
    ("folder", "path", "platform", "inside"),
    [
        ("C:\\Users\\project", "c:\\USERS\\Project\\x", "win32", True),
        ("C:\\Users\\project", "C:\\Users\\project\\..\\other", "win32", False),
        ("C:\\Users\\project", "C:Users\\project", "win32", False),
        ("C:\\Users\\project", "\\Users\\project", "win32", False),
        ("C:\\Users\\project", "\\\\?\\C:\\Users\\project", "win32", False),
        ("\\\\server\\share\\a", "\\\\SERVER\\share\\a\\b", "win32", True),
        ("/Users/caf\u00e9", "/users/cafe\u0301/x", "darwin", True),
        ("/Users/a", "/Users/ab", "darwin", False),
        ("/a/b", "/A/b", "linux", False),
        ("/a/b", "//a/b/c", "posix", True),
        ("/", "/../../etc", "posix", True),
        ("/a", "/../a/b", "posix", True),
        ("/a", "relative/a", "posix", False),
    ],
)
def test_each_platform_compares_as_its_file_systems_do(
    folder: str, path: str, platform: Platform, *, inside: bool
) -> None:
    assert contains([folder], path, platform=platform) is inside
