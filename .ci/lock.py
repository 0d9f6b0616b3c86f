"""Writes requirements.lock, and the same versions as constraints for uv into pyproject.toml.

`make lock` keeps the versions that are locked and adds what is new; `make lock UPGRADE=1` takes the newest ones.
`--check` writes nothing and fails when the two files do not agree with each other or with the dependencies.
The lock holds hashes of every file of every version for all platforms and Pythons, and no address of an index:
pip takes the files from wherever its user has told it to.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
BEGIN = "# constraints: written by `make lock`"
END = "# constraints: end"
HEADER = """\
# Every dependency and development tool of this project, with hashes for all platforms and Python 3.11 and newer.
# Written by `make lock` (.ci/lock.py) from pyproject.toml. Install: pip install --require-hashes -r requirements.lock
"""
HELD = ["python-ripgrep<0.0.9"]
"""Kept back: 0.0.9 declares Python <3.13 (an upper bound that uv overlooks and pip does not)."""
BUILD = {"editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
"""What the build back end is made of: uv builds in a room of its own, with constraints of its own."""
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def wanted() -> list[str]:
    """Return what pyproject.toml asks for: dependencies, the group dev and the build back end."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    return [*asked, *project["build-system"]["requires"], *HELD]


def compiled(*, upgrade: bool) -> str:
    """Resolve what is wanted, universally, and return the text of the lock.

    Raises:
        SystemExit: the resolver failed; its own words are on standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder, "asked.in"), Path(folder, "requirements.lock")
        asked.write_text("\n".join(wanted()) + "\n", encoding="utf-8")
        if LOCK.exists() and not upgrade:
            out.write_bytes(LOCK.read_bytes())
        command = [sys.executable, "-m", "uv", "pip", "compile", "--no-config", "--quiet", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]
        command += ["--no-annotate", "--output-file", str(out), str(asked)]
        done = subprocess.run(command, cwd=folder, check=False)
        if done.returncode:
            raise SystemExit("the resolver failed: nothing was written")
        return HEADER + out.read_text(encoding="utf-8")


def pins(lock: str) -> list[str]:
    """Return the locked requirements with their markers and without their hashes, in the lock's order."""
    return [line.removesuffix("\\").strip() for line in lock.splitlines() if _NAME.match(line)]


def with_constraints(project: str, lock: str) -> str:
    """Return the text of pyproject.toml with the lock's versions between the two marks.

    Raises:
        SystemExit: the marks are not there.
    """
    build = [pin for pin in pins(lock) if _canonical(pin) in BUILD]
    tables = _array("constraint-dependencies", pins(lock)) + _array("build-constraint-dependencies", build)
    block = f"{BEGIN}\n{tables}{END}"
    text, count = re.subn(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: block, project, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"pyproject.toml: [tool.uv] needs the marks {BEGIN!r} and {END!r} once")
    return text


def _array(name: str, items: list[str]) -> str:
    return f"{name} = [\n" + "".join(f'  "{item}",\n' for item in items) + "]\n"


def check() -> int:
    """Return 0 when the lock names everything that is wanted and pyproject.toml holds its versions."""
    lock, project = LOCK.read_text(encoding="utf-8"), PROJECT.read_text(encoding="utf-8")
    locked = {_canonical(pin) for pin in pins(lock)}
    missing = sorted({_canonical(item) for item in wanted()} - locked)
    for name in missing:
        sys.stderr.write(f"requirements.lock has no {name}: run `make lock`\n")
    stale = with_constraints(project, lock) != project
    if stale:
        sys.stderr.write("the constraints in pyproject.toml are not those of requirements.lock: run `make lock`\n")
    return 1 if missing or stale else 0


def _canonical(requirement: str) -> str:
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else requirement


def main() -> int:
    """Write both files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args()
    if options.check:
        return check()
    lock = compiled(upgrade=options.upgrade)
    project = with_constraints(PROJECT.read_text(encoding="utf-8"), lock)
    LOCK.write_text(lock, encoding="utf-8")
    PROJECT.write_text(project, encoding="utf-8")
    sys.stdout.write(f"locked {len(pins(lock))} packages\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
