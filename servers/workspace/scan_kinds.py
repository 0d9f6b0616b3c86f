"""What names tell: kinds of files and languages by their endings, caches by their folders, signs of projects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CACHES",
    "CODE",
    "KINDS",
    "LANGUAGES",
    "NEEDING",
    "PROJECT_SIGNS",
    "TELLING",
    "TRASH",
    "kind_of_name",
    "language_of_name",
    "trait_of",
]

KINDS: Mapping[str, str] = {
    "rom": "sfc smc fig swc gb gbc gba nes fds n64 z64 v64 nds 3ds cia gen smd 32x sms gg pce ngp ngc ws wsc "
    "a26 a78 lnx vb gcm rvz wbfs cso pbp",
    "patch": "bps ips ups xdelta xdelta3 ppf vcdiff bsdiff",
    "assembly": "asm s 65s a65 inc z80 i65",
    "symbols": "sym mlb nl cdb dbg wla",
    "game graphics": "chr pal tpl gfx 2bpp 3bpp 4bpp 8bpp zspr rdc mw3 map tilemap mwl lvl tmx tsx_tiled ase aseprite",
    "game music": "spc brr mml nsf nsfe vgm vgz xm s3m it mptm fur dmf mid midi sf2 sfz",
    "save": "srm sav state state0 state1 zst zs1 s9x mss mst frz 000 dsv sps",
    "model": "gguf ggml safetensors ckpt pt pth onnx tflite mlmodel keras h5 mlpackage",
    "dataset": "jsonl ndjson parquet arrow feather csv tsv npy npz tfrecord hdf5 lmdb",
    "notebook": "ipynb",
    "archive": "zip 7z rar tar gz tgz bz2 tbz tbz2 xz txz zst_tar lz lz4 lzma cab jar whl deb rpm apk crx",
    "disk image": "iso img dmg vmdk vdi qcow2 vhd vhdx wim cue chd",
    "document": "pdf doc docx odt rtf epub mobi ppt pptx odp xls xlsx ods tex pages key numbers",
    "note": "md txt rst org adoc markdown mdx",
    "image": "png jpg jpeg gif bmp webp tif tiff svg psd xcf ico heic raw cr2 nef avif kra",
    "video": "mp4 mkv avi mov webm wmv flv m4v mpg mpeg",
    "audio": "mp3 wav flac ogg opus m4a aac aiff wma",
    "font": "ttf otf woff woff2 eot",
    "database": "sqlite sqlite3 db mdb sqlitedb duckdb rdb",
    "log": "log",
    "temporary": "tmp temp bak old orig swp swo part crdownload download partial dmp core",
    "configuration": "json toml yaml yml ini cfg conf xml plist env lock editorconfig properties",
    "program": "exe dll so dylib app msi appimage com elf a lib",
    "build output": "o obj class pyc pyo pdb ilk d gch rlib rmeta wasm map_js",
    "web page": "html htm css scss less",
}
"""kind -> the endings of its files, lower case."""
LANGUAGES: Mapping[str, str] = {
    "asm s 65s a65 i65": "65816 assembly",
    "py pyi pyx": "Python",
    "js mjs cjs jsx": "JavaScript",
    "ts tsx": "TypeScript",
    "rs": "Rust",
    "go": "Go",
    "c h": "C",
    "cc cpp cxx hpp hh hxx": "C++",
    "cs": "C#",
    "java": "Java",
    "kt kts": "Kotlin",
    "swift": "Swift",
    "rb": "Ruby",
    "php": "PHP",
    "lua": "Lua",
    "sh bash zsh fish": "Shell",
    "ps1 bat cmd": "Windows scripts",
    "el": "Emacs Lisp",
    "lisp cl scm clj": "Lisp",
    "zig": "Zig",
    "nim": "Nim",
    "hs": "Haskell",
    "ml mli": "OCaml",
    "ex exs erl": "Elixir",
    "pl pm": "Perl",
    "r rmd": "R",
    "jl": "Julia",
    "dart": "Dart",
    "scala": "Scala",
    "sql": "SQL",
    "gd": "Godot",
    "vue svelte": "JavaScript",
    "glsl frag vert hlsl": "Shaders",
    "m mm": "Objective-C",
    "bas vb": "Basic",
    "pas": "Pascal",
    "f f90 for": "Fortran",
    "ino": "C++",
    "tcl": "Tcl",
}
"""endings -> language."""
CODE = "code"
"""The kind of a file in a language that has no kind of its own."""
_OTHER = "other"
_KIND_OF = {ending.encode(): CODE for endings in LANGUAGES for ending in endings.split()} | {
    ending.encode(): kind for kind, endings in KINDS.items() for ending in endings.split()
}
_LANGUAGE_OF = {ending.encode(): name for endings, name in LANGUAGES.items() for ending in endings.split()}

_DUMPED = frozenset((b"md", b"bin", b"sg"))
"""Endings of dumps of cartridges that mean another thing elsewhere."""
_COUNTRY = re.compile(rb"\((?:[^()]*, ?)?(?:USA|World|Europe|Japan|Germany|France|Spain|Italy|UE?|JUE?|E|J)[,)]|\[!\]")
"""What collections of dumps write behind the name of a game."""

CACHES: Mapping[str, str] = {
    "node_modules": "packages of npm",
    "bower_components": "packages of bower",
    ".venv": "virtual environment of Python",
    "venv": "virtual environment of Python",
    ".virtualenv": "virtual environment of Python",
    "virtualenv": "virtual environment of Python",
    "env": "virtual environment of Python",
    "__pycache__": "compiled Python",
    ".pytest_cache": "cache of pytest",
    ".mypy_cache": "cache of mypy",
    ".ruff_cache": "cache of ruff",
    ".hypothesis": "examples of hypothesis",
    ".tox": "environments of tox",
    ".nox": "environments of nox",
    ".eggs": "packages of setuptools",
    ".ipynb_checkpoints": "saved states of notebooks",
    "target": "build output of Rust or Java",
    "build": "build output",
    "dist": "build output",
    "out": "build output",
    "obj": "build output",
    "cmake-build-debug": "build output of CMake",
    "cmake-build-release": "build output of CMake",
    "CMakeFiles": "build output of CMake",
    ".gradle": "cache of Gradle",
    ".next": "build output of Next.js",
    ".nuxt": "build output of Nuxt",
    ".parcel-cache": "cache of Parcel",
    ".turbo": "cache of Turborepo",
    ".svelte-kit": "build output of SvelteKit",
    "DerivedData": "build output of Xcode",
    ".dart_tool": "cache of Dart",
    ".terraform": "providers of Terraform",
    ".cache": "caches of programs",
    "Caches": "caches of programs",
    ".npm": "cache of npm",
    "_cacache": "cache of npm",
    ".yarn": "cache of Yarn",
    ".pnpm-store": "packages of pnpm",
    ".ccache": "cache of ccache",
    ".sass-cache": "cache of Sass",
    "pip-cache": "cache of pip",
    "GPUCache": "cache of a browser",
    "zig-cache": "cache of Zig",
    ".zig-cache": "cache of Zig",
}
"""Name of a folder whose content some program makes again -> what it is."""
_MANIFESTS = frozenset(
    b"Cargo.toml pom.xml build.gradle build.gradle.kts CMakeLists.txt package.json pyproject.toml setup.py Makefile "
    b"meson.build go.mod configure build.zig composer.json tsconfig.json build.sh".split()
)
NEEDING: Mapping[str, frozenset[bytes]] = {
    "target": frozenset((b"Cargo.toml", b"pom.xml", b"build.sbt")),
    "build": _MANIFESTS,
    "dist": _MANIFESTS,
    "out": _MANIFESTS,
    "obj": _MANIFESTS,
}
"""Name of a folder -> the files beside it without one of which it is no build output."""
_INSIDE = {"env": b"pyvenv.cfg", "venv": b"pyvenv.cfg", "virtualenv": b"pyvenv.cfg"}
TRASH = "trash"
"""What the folders are that a desktop moves files to."""
CACHE_TAG = b"CACHEDIR.TAG"
_TAG_MAKES = "cache that says so itself"

PROJECT_SIGNS: Mapping[bytes, str] = {
    b"pyproject.toml": "Python",
    b"setup.py": "Python",
    b"package.json": "JavaScript",
    b"Cargo.toml": "Rust",
    b"go.mod": "Go",
    b"CMakeLists.txt": "C++",
    b"meson.build": "C",
    b"Makefile": "",
    b"pom.xml": "Java",
    b"build.gradle": "Java",
    b"build.gradle.kts": "Kotlin",
    b"Gemfile": "Ruby",
    b"composer.json": "PHP",
    b"Package.swift": "Swift",
    b"mix.exs": "Elixir",
    b"build.zig": "Zig",
    b"project.godot": "Godot",
}
"""Name of a file that makes its folder a project -> the language that it tells."""


def kind_of_name(name: bytes) -> str:
    """Return the kind of a file by its name."""
    stem, dot, ending = name.rpartition(b".")
    if not dot or not stem:
        return "note" if name.upper() in (b"README", b"TODO", b"NOTES") else _OTHER
    if ending.lower() in _DUMPED and _COUNTRY.search(stem):
        return "rom"
    return _KIND_OF.get(ending.lower()) or ("temporary" if name.endswith(b"~") else _OTHER)


def language_of_name(name: bytes) -> str:
    """Return the language of a file of code; empty for others."""
    return _LANGUAGE_OF.get(name.rpartition(b".")[2].lower(), "")


def trait_of(path: bytes, beside: frozenset[bytes], inside: frozenset[bytes]) -> str:
    """Return what a folder is when programs make its content again, or it is the trash; else nothing.

    `beside` and `inside` are the telling names (`TELLING`) of files beside the folder and in it.
    """
    raw = path.rpartition(b"/")[2]
    name = raw.decode("utf-8", "replace")
    if name.startswith(".Trash") or path.endswith(b".local/share/Trash") or name == "$RECYCLE.BIN":
        return TRASH
    if CACHE_TAG in inside and name != ".git":
        return CACHES.get(name, _TAG_MAKES)
    if name not in CACHES:
        return ""
    if name in NEEDING and not NEEDING[name] & beside:
        return ""
    if name in _INSIDE and _INSIDE[name] not in inside:
        return ""
    return CACHES[name]


TELLING = frozenset((*_MANIFESTS, *PROJECT_SIGNS, CACHE_TAG, b"pyvenv.cfg", b"build.sbt", b".git"))
"""Names of files that say something of their folder or of one beside them."""
