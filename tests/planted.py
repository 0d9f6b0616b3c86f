"""A home folder as a ROM hacker has one, planted for tests: projects, ROMs, hacks, caches, copies, old work."""

import os
import struct
import time
from pathlib import Path

__all__ = ["DAY", "QUESTIONS", "plant", "plant_git"]

DAY = 86_400

_GIT = (
    ("src/oracle-of-secrets", "git@github.com:scawful/Oracle-of-Secrets.git", 3, 1, 1),
    ("src/yaze", "https://github.com/scawful/yaze.git", 10, 0, 0),
    ("src/alttp-disasm", "https://github.com/spannerisms/jpdasm.git", 120, 0, 0),
    ("src/afs", "https://token:secret@gitlab.com/me/afs.git", 1, 0, 2),
    ("old/afs-copy", "https://gitlab.com/me/afs", 400, 0, 0),
    ("src/pixel-garden", "", 700, 0, 3),
    ("src/web-shop", "https://github.com/me/web-shop.git", 900, 1, 0),
)
"""Folder, remote, days since the last work, whether it is ahead of the remote, files that are not committed."""

_FILES: dict[str, tuple[int, float]] = {
    "src/oracle-of-secrets/Oracle_main.asm": (9_000, 3),
    "src/oracle-of-secrets/Sprites/farore.asm": (4_000, 3),
    "src/oracle-of-secrets/Sprites/kydrog_boss.asm": (5_000, 5),
    "src/oracle-of-secrets/Roms/oos168.sfc": (2_097_152 // 8, 4),
    "src/oracle-of-secrets/README.md": (900, 30),
    "src/oracle-of-secrets/Docs/dungeon_map_notes.md": (700, 8),
    "src/yaze/CMakeLists.txt": (700, 10),
    "src/yaze/src/app/editor.cc": (30_000, 10),
    "src/yaze/src/app/rom.cc": (20_000, 12),
    "src/yaze/src/app/rom.h": (2_000, 12),
    "src/yaze/build/CMakeCache.txt": (5_000, 11),
    "src/yaze/build/yaze.o": (90_000, 11),
    "src/alttp-disasm/bank_00.asm": (40_000, 120),
    "src/alttp-disasm/bank_07.asm": (41_000, 120),
    "src/alttp-disasm/sprites/guard.asm": (7_000, 121),
    "src/afs/pyproject.toml": (400, 2),
    "src/afs/afs/loader.py": (3_000, 1),
    "src/afs/tests/test_loader.py": (2_500, 1),
    "src/afs/.venv/pyvenv.cfg": (80, 40),
    "src/afs/.venv/lib/site.py": (60_000, 40),
    "src/afs/__pycache__/loader.cpython-311.pyc": (2_000, 1),
    "old/afs-copy/pyproject.toml": (410, 400),
    "old/afs-copy/afs/loader.py": (2_600, 400),
    "src/pixel-garden/Cargo.toml": (300, 700),
    "src/pixel-garden/src/main.rs": (8_000, 700),
    "src/pixel-garden/target/debug/pixel-garden": (400_000, 700),
    "src/web-shop/package.json": (600, 900),
    "src/web-shop/index.js": (4_000, 900),
    "src/web-shop/node_modules/left-pad/index.js": (120_000, 900),
    "src/site/package.json": (500, 6),
    "src/site/app.ts": (3_000, 6),
    "src/site/node_modules/react/index.js": (150_000, 6),
    "src/go-tracker/go.mod": (90, 260),
    "src/go-tracker/main.go": (4_100, 260),
    "roms/originals/zelda3.sfc": (131_072, 2_000),
    "roms/originals/super_metroid.smc": (131_072 + 512, 2_000),
    "roms/originals/Chrono Trigger (USA).sfc": (196_608, 1_900),
    "roms/hacks/parallel_worlds.bps": (30_000, 500),
    "roms/hacks/goddess_of_wisdom.ips": (25_000, 450),
    "roms/hacks/oracle_of_secrets_v2.bps": (31_000, 20),
    "roms/saves/zelda3.srm": (8_192, 15),
    "roms/saves/zelda3.state": (90_000, 15),
    "Downloads/zelda3.sfc": (131_072, 300),
    "Downloads/zelda3 (1).sfc": (131_072, 290),
    "Downloads/linux-mint.iso": (1_500_000, 350),
    "Downloads/asar-1.91.zip": (80_000, 200),
    "Downloads/yaze-nightly.tar.gz": (150_000, 30),
    "Downloads/invoice_2024.pdf": (20_000, 310),
    "models/qwen2.5-coder-7b-q4_k_m.gguf": (2_500_000, 60),
    "models/veran-lora/adapter_model.safetensors": (300_000, 25),
    "datasets/training/alttp_samples.jsonl": (700_000, 22),
    "datasets/training/eval.parquet": (90_000, 24),
    "Documents/notes/sprite_collision.md": (1_200, 50),
    "Documents/notes/groceries.txt": (100, 7),
    "Documents/thesis/thesis_final.docx": (60_000, 1_000),
    "Documents/taxes/2023_return.pdf": (44_000, 600),
    "Pictures/screenshots/boss_fight_01.png": (70_000, 9),
    "Pictures/screenshots/boss_fight_02.png": (71_000, 9),
    "Pictures/holiday/beach.jpg": (210_000, 800),
    "Videos/oos_trailer.mp4": (1_100_000, 45),
    "Music/overworld.spc": (66_000, 1_500),
    "Music/album/track01.flac": (330_000, 1_300),
    "backup/old_laptop/zelda3.sfc": (131_072, 1_100),
    "backup/old_laptop/Documents/thesis_final.docx": (60_000, 1_000),
    "logs/emulator.log": (48_000, 2),
    "tmp/scratch.tmp": (5_000, 70),
    ".cache/pip/http/a.bin": (260_000, 130),
    "gfx/link_sheet.4bpp": (28_672, 33),
    "gfx/dungeon.pal": (512, 33),
    "db/library.sqlite": (120_000, 77),
    "empty_here/.keep_nothing/x.txt": (0, 10),
}
"""Path -> bytes and days since its last change; files of one name and size are copies."""
_SAME_CONTENT = ("zelda3.sfc", "zelda3 (1).sfc", "thesis_final.docx")

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("where are my ROM hacks?", ("roms/hacks",)),
    ("Where is my Oracle of Secrets work?", ("src/oracle-of-secrets",)),
    ("what takes most space?", ("models", "models/qwen2.5-coder-7b-q4_k_m.gguf")),
    ("where are my disassemblies", ("src/alttp-disasm",)),
    ("which projects did I touch last month?", ("src/oracle-of-secrets", "src/yaze", "src/afs", "src/site")),
    ("old node_modules", ("src/web-shop/node_modules",)),
    ("largest ROM", ("roms/originals/Chrono Trigger (USA).sfc", "src/oracle-of-secrets/Roms/oos168.sfc")),
    ("duplicates of zelda3.sfc", ("Downloads/zelda3 (1).sfc",)),
    ("Where are all my machine learning datasets?", ("datasets/training",)),
    ("Show me abandoned projects from 2 years ago or so", ("src/pixel-garden",)),
    ("projects I have not touched in over a year", ("src/pixel-garden", "src/web-shop", "old/afs-copy")),
    ("find the notes about sprite collision", ("Documents/notes/sprite_collision.md",)),
    ("which of my repos have uncommitted changes?", ("src/afs", "src/pixel-garden", "src/oracle-of-secrets")),
    ("what have I not pushed yet? unpushed repos", ("src/oracle-of-secrets", "src/web-shop", "src/pixel-garden")),
    ("which projects have no remote", ("src/pixel-garden",)),
    ("rust projects", ("src/pixel-garden",)),
    ("my python repositories", ("src/afs",)),
    ("where do I keep GGUF models", ("models", "models/qwen2.5-coder-7b-q4_k_m.gguf")),
    (
        "files bigger than 1 MB",
        ("models/qwen2.5-coder-7b-q4_k_m.gguf", "Downloads/linux-mint.iso", "Videos/oos_trailer.mp4"),
    ),
    ("biggest files in my downloads", ("Downloads/linux-mint.iso",)),
    (
        "what is the newest screenshot?",
        ("Pictures/screenshots/boss_fight_01.png", "Pictures/screenshots/boss_fight_02.png"),
    ),
    ("which ROMs have a copier header?", ("roms/originals/super_metroid.smc",)),
    ("headerless roms", ("roms/originals/zelda3.sfc", "Downloads/zelda3.sfc")),
    ("where are the save states of zelda", ("roms/saves", "roms/saves/zelda3.state")),
    ("zip archives in downloads", ("Downloads/asar-1.91.zip",)),
    ("which caches can I safely delete?", ("src/pixel-garden/target", ".cache", "src/site/node_modules")),
    ("python virtual environments", ("src/afs/.venv",)),
    ("is there more than one clone of the same repo?", ("src/afs", "old/afs-copy")),
    ("where's my thesis", ("Documents/thesis/thesis_final.docx", "Documents/thesis")),
    ("pdf files from 2 years ago or older", ("Documents/taxes/2023_return.pdf",)),
    ("tax return", ("Documents/taxes/2023_return.pdf", "Documents/taxes")),
    ("the kydrog boss code", ("src/oracle-of-secrets/Sprites/kydrog_boss.asm",)),
    ("where are my ips patches", ("roms/hacks", "roms/hacks/goddess_of_wisdom.ips")),
    ("oldest file I own", ("roms/originals/zelda3.sfc", "roms/originals/super_metroid.smc")),
    ("Which files changed in the last 3 days?", ("logs/emulator.log", "src/afs/afs/loader.py")),
    ("emulator logs", ("logs/emulator.log", "logs")),
    ("spc music", ("Music/overworld.spc",)),
    ("the yaze editor source", ("src/yaze/src/app/editor.cc",)),
    ("projects cloned from gitlab", ("src/afs", "old/afs-copy")),
    ("similar projects to ALTTP", ("src/alttp-disasm",)),
    ("temporary files older than a month", ("tmp/scratch.tmp",)),
    ("where did I put the linux iso", ("Downloads/linux-mint.iso", "Downloads")),
    ("empty files", ("empty_here/.keep_nothing/x.txt",)),
    ("wheer is the parralel worlds patch", ("roms/hacks/parallel_worlds.bps",)),
    ("go project", ("src/go-tracker",)),
    ("videos over 500 KB", ("Videos/oos_trailer.mp4",)),
    ("palettes and tilesets", ("gfx", "gfx/dungeon.pal")),
    ("holiday photos", ("Pictures/holiday/beach.jpg", "Pictures/holiday")),
    ("duplicate documents", ("Documents/thesis/thesis_final.docx",)),
    ("sqlite databases", ("db/library.sqlite", "db")),
    ("what did I work on this week?", ("src/oracle-of-secrets", "src/afs", "src/site", "src/afs/afs/loader.py")),
    ("safetensors", ("models/veran-lora/adapter_model.safetensors", "models/veran-lora")),
)
"""A question, and the paths of which one has to be among the first three of the answer."""


def _content(name: str, path: str, size: int) -> bytes:
    sign = (name.replace(" (1)", "") if name in _SAME_CONTENT else path).encode()
    return (sign + b"\n") * (size // (len(sign) + 1)) + sign[: size % (len(sign) + 1)]


def _index(entries: list[tuple[str, int]]) -> bytes:
    """Return the index of a git tree that has these files with these sizes."""
    out = b"DIRC" + struct.pack(">LL", 2, len(entries))
    for path, size in sorted(entries):
        name = path.encode()
        entry = struct.pack(">10L20sH", 0, 0, 0, 0, 0, 0, 0o100644, 0, 0, size, b"\1" * 20, len(name)) + name
        out += entry + b"\0" * (8 - len(entry) % 8)
    return out


def plant_git(root: Path, folder: str, remote: str, days: float, *, ahead: int, open_files: int) -> None:
    """Write a `.git` into a folder: last work so many days ago, whether it is ahead, files that are not committed."""
    git = root / folder / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "refs/remotes/origin").mkdir(parents=True)
    (git / "logs").mkdir()
    section = f'[remote "origin"]\n\turl = {remote}\n' if remote else ""
    (git / "config").write_text(f"[core]\n\tbare = false\n{section}", encoding="utf-8")
    (git / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (git / "refs/heads/main").write_text("1" * 40 + "\n", encoding="utf-8")
    if remote:
        (git / "refs/remotes/origin/main").write_text(("2" if ahead else "1") * 40 + "\n", encoding="utf-8")
    when = int(time.time() - days * DAY)
    line = f"{'0' * 40} {'1' * 40} Me <me@example.org> {when} +0100\tcommit: work\n"
    (git / "logs/HEAD").write_text(line, encoding="utf-8")
    tracked = [
        (str(path.relative_to(root / folder)), path.stat().st_size)
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and ".git" not in path.parts and "node_modules" not in path.parts
    ]
    (git / "index").write_bytes(_index([(path, size + (n < open_files)) for n, (path, size) in enumerate(tracked)]))


def plant(root: Path) -> None:
    """Write the tree below a folder, with the times of its files."""
    for path, (size, days) in _FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_content(file.name, path, size))
        when = time.time() - days * DAY
        os.utime(file, (when, when))
    (root / "empty_folder").mkdir()
    for folder, remote, days, ahead, open_files in _GIT:
        plant_git(root, folder, remote, days, ahead=ahead, open_files=open_files)
