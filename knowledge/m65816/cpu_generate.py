"""`python -m knowledge.m65816.cpu_generate [--check]`: writes, or checks, all that is made from the spec of the CPU."""

import sys
from pathlib import Path

import click

from knowledge.m65816.cpu_generate_python import python_text

__all__ = ["main", "texts"]

_HERE = Path(__file__).parent


def texts() -> dict[str, str]:
    """Return the generated modules by file name."""
    return {"cpu_python.py": python_text(), "cpu_python_recorded.py": python_text(recorded=True)}


@click.command()
@click.option("--check", is_flag=True, help="write nothing; exit with 1 when a file is not what the spec makes")
def main(*, check: bool) -> None:
    """Write the generated files of the CPU, or check them."""
    stale: list[str] = []
    for name, text in texts().items():
        path = _HERE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        click.echo(f"{name}: {'not what the spec makes; run this without --check' if check else 'written'}")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
