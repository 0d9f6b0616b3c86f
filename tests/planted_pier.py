"""A home on a laptop with little room: English and Spanish names, school and hacks, phones and models side by side."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_pier"]

_FILES = r"""
Escritorio/to print/boarding pass.pdf|90000|12|%PDF
Escritorio/Captura de pantalla 2026-11-18.png|310000|3|
Escritorio/alttp ideas.txt|900|9|a dungeon made of clocks\n
Escritorio/clockwork.lnk|1200|60|
Romhacks/Clockwork Keep/keep.asm|8800|4|; Clockwork Keep for A Link to the Past\n
Romhacks/Clockwork Keep/gears.asm|4700|4|; turning gears\n
Romhacks/Clockwork Keep/pendulum_boss.asm|5200|10|; the pendulum\n
Romhacks/Clockwork Keep/keep_v5.sfc|1048576|4|KEEP
Romhacks/Clockwork Keep/old versions/keep_v3.sfc|1048576|120|KEEP3
Romhacks/Clockwork Keep/old versions/keep_v4.sfc|1048576|60|KEEP4
Romhacks/Clockwork Keep/testers feedback.csv|2100|6|who,said\n
Romhacks/Mario Spanish/mario_es.ips|21000|1300|PATCH
Romhacks/Mario Spanish/guion.txt|41000|1310|Hola\n
Romhacks/Samus Remix/samus.asm|3300|640|; new suit\n
Romhacks/Samus Remix/suit.pal|512|641|
Romhacks/_downloaded/Zelda Redux.bps|210000|500|BPS1
Romhacks/_downloaded/Kaizo World.bps|310000|520|BPS1
Emulacion/Snes9x/snes9x.conf|3100|4|
Emulacion/Snes9x/keep_v5.000|210000|4|
Emulacion/Snes9x/keep_v5.srm|8192|4|
Emulacion/RetroArch/states/Sonic.state|110000|900|
Emulacion/BIOS/gba_bios.bin|16384|1600|
Juegos/SNES/Zelda (USA).sfc|1048576|1700|
Juegos/SNES/Super Mario World (USA).sfc|524288|1700|
Juegos/SNES/Super Metroid (USA).smc|3146240|1700|
Juegos/Mega Drive/Sonic (World).gen|524288|1700|
Juegos/GBA/Golden Sun (Spain).gba|8388608|1700|
Juegos/PS1/Crash (Europe).bin|510000000|1700|
Codigo/gearbox/Cargo.toml|300|13|[package]\n
Codigo/gearbox/src/lib.rs|7100|13|// builds rooms\n
Codigo/gearbox/target/debug/libgearbox.rlib|51000000|13|
Codigo/spanish-tokenizer/pyproject.toml|300|330|[project]\n
Codigo/spanish-tokenizer/tok.py|4100|330|import re\n
Codigo/kotlin-flashcards/build.gradle.kts|900|710|plugins {}\n
Codigo/kotlin-flashcards/src/Main.kt|3100|710|fun main() {}\n
Codigo/uni-compiler/lexer.ml|4100|1900|let rec lex = 1\n
Codigo/uni-compiler/parser.ml|5100|1900|let rec parse = 1\n
Codigo/uni-compiler/report.tex|12000|1890|\\documentclass{article}\n
Codigo/snippets/bank_calc.py|500|220|# pc to snes address\n
Codigo/snippets/resize.sh|300|810|#!/bin/bash\n
IA/gguf/mistral-small-24b-Q3_K_M.gguf|11500000000|170|GGUF
IA/gguf/qwen3-4b-Q5_K_M.gguf|2900000000|75|GGUF
IA/gguf/gemma2-2b-Q8_0.gguf|2800000000|370|GGUF
IA/gguf/nomic-embed-text-v1.5.Q8_0.gguf|146000000|370|GGUF
IA/adaptadores/dungeon-namer/adapter_model.safetensors|48000000|28|
IA/adaptadores/dungeon-namer/adapter_config.json|600|28|{}
IA/adaptadores/es-dialogue/adapter_model.safetensors|51000000|300|
IA/datos/dungeon_names.jsonl|210000|31|{"name": "Keep of Hours"}\n
IA/datos/es_dialogue_pairs.jsonl|4100000|305|{"en": "Hi", "es": "Hola"}\n
IA/datos/opus_es_en.tsv|710000000|310|a\tb\n
IA/entrenar/train_namer.py|3900|30|import torch\n
IA/entrenar/train_namer.log|41000|28|loss 0.9\n
IA/entrenar/train_es.log|51000|300|loss 1.1\n
IA/entrenar/oom_2026-01.log|4100|301|CUDA out of memory\n
IA/llama.cpp/CMakeLists.txt|4000|74|project(llama)\n
IA/llama.cpp/build/llama-cli|41000000|74|ELF
IA/comparison q3 vs q5.xlsx|21000|70|PK
Documentos/Universidad/TFG/memoria.docx|810000|1500|PK
Documentos/Universidad/apuntes/compiladores.md|21000|1950|# Compiladores\n
Documentos/Universidad/titulo.pdf|410000|1400|%PDF
Documentos/Facturas/luz octubre 2026.pdf|61000|20|%PDF
Documentos/Facturas/portatil 2024.pdf|91000|810|%PDF
Documentos/contrato alquiler.pdf|310000|620|%PDF
Documentos/CV Lucia 2026.pdf|120000|100|%PDF
Documentos/renta 2025.pdf|310000|170|%PDF
Documentos/pasaporte.jpg|1100000|1000|
Documentos/manuals/65816 opcodes.pdf|710000|900|%PDF
Documentos/manuals/SNES graphics guide.pdf|2100000|900|%PDF
Documentos/manuals/espresso machine.pdf|3100000|450|%PDF
Documentos/novela/capitulo 1.docx|31000|260|PK
Documentos/novela/capitulo 2.docx|33000|240|PK
Imagenes/Clockwork/gear tileset.png|14000|8|
Imagenes/Clockwork/pendulum boss.aseprite|21000|11|
Imagenes/Lisboa 2025/P1010001.JPG|4100000|420|
Imagenes/Lisboa 2025/P1010002.JPG|4100001|420|
Imagenes/memes/it runs.png|91000|200|
Musica/keep/clock tower.it|110000|19|IMPM
Musica/keep/clock tower.mp3|5100000|18|ID3
Musica/Vinilos/Side A.flac|310000000|1300|fLaC
Videos/keep trailer draft.mp4|310000000|5|
Videos/boda prima/boda 2024.mp4|7100000000|880|
Descargas/ubuntu-26.04-desktop-amd64.iso|5900000000|110|
Descargas/qwen3-4b-Q5_K_M.gguf|2900000000|75|GGUF
Descargas/qwen3-4b-Q5_K_M(1).gguf|2900000000|75|GGUF
Descargas/discord-0.0.90.deb|91000000|40|
Descargas/fonts_pixel.zip|710000|330|PK
Descargas/peli.mkv.crdownload|1100000000|66|
Descargas/Lunar Magic 3.51.zip|2100000|190|PK
Copias/movil-2025-12.tar.gz|14000000000|340|
Copias/romhacks-2026-09.7z|21000000|70|7z
Copias/Clockwork Keep (copia)/keep.asm|7100|80|; Clockwork Keep\n
Copias/Clockwork Keep (copia)/gears.asm|4100|82|; gears\n
.cache/pip/http/a|81000000|90|
.cache/huggingface/hub/b|2900000000|75|
.gradle/caches/modules/c.jar|310000000|700|PK
.local/share/Trash/files/bad_take.wav|410000000|30|
"""

_QUESTIONS = """
Where are my ROM hacks?|Romhacks|Romhacks/Clockwork Keep
which version of clockwork keep is the newest|Romhacks/Clockwork Keep/keep_v5.sfc|Romhacks/Clockwork Keep
older builds of clockwork keep|Romhacks/Clockwork Keep/old versions
|Romhacks/Clockwork Keep/old versions/keep_v4.sfc
what did the testers say about my hack|Romhacks/Clockwork Keep/testers feedback.csv
hacks of others that I downloaded|Romhacks/_downloaded|Romhacks/_downloaded/Zelda Redux.bps
my spanish translation of mario|Romhacks/Mario Spanish|Romhacks/Mario Spanish/mario_es.ips
the code of the pendulum boss|Romhacks/Clockwork Keep/pendulum_boss.asm
emulator saves for the keep|Emulacion/Snes9x/keep_v5.srm|Emulacion/Snes9x/keep_v5.000
where are the SNES ROMs|Juegos/SNES
spanish GBA game|Juegos/GBA/Golden Sun (Spain).gba
largest gguf|IA/gguf/mistral-small-24b-Q3_K_M.gguf
which models did I download more than once?|Descargas/qwen3-4b-Q5_K_M.gguf|Descargas/qwen3-4b-Q5_K_M(1).gguf\
|IA/gguf/qwen3-4b-Q5_K_M.gguf
embedding model|IA/gguf/nomic-embed-text-v1.5.Q8_0.gguf
the LoRA that invents names for dungeons|IA/adaptadores/dungeon-namer\
|IA/adaptadores/dungeon-namer/adapter_model.safetensors
dataset with names of dungeons|IA/datos/dungeon_names.jsonl
which training ran out of memory?|IA/entrenar/oom_2026-01.log
biggest dataset|IA/datos/opus_es_en.tsv
comparison of quantized models|IA/comparison q3 vs q5.xlsx
OCaml homework from university|Codigo/uni-compiler|Codigo/uni-compiler/lexer.ml
kotlin app|Codigo/kotlin-flashcards
abandoned code projects|Codigo/uni-compiler|Codigo/kotlin-flashcards|Codigo/spanish-tokenizer|Romhacks/Samus Remix
python snippet that converts addresses|Codigo/snippets/bank_calc.py|Codigo/snippets
what can be deleted to free space?|.cache|.gradle|.cache/huggingface|.gradle/caches|Codigo/gearbox/target
electricity bill of october|Documentos/Facturas/luz octubre 2026.pdf
scan of my passport|Documentos/pasaporte.jpg
my curriculum vitae|Documentos/CV Lucia 2026.pdf
rental contract|Documentos/contrato alquiler.pdf
tax return 2025|Documentos/renta 2025.pdf
chapters of my novel|Documentos/novela|Documentos/novela/capitulo 1.docx
photos of Lisbon|Imagenes/Lisboa 2025
the gear tiles|Imagenes/Clockwork/gear tileset.png
tracker file of the clock tower song|Musica/keep/clock tower.it
trailer of my hack|Videos/keep trailer draft.mp4
video of the wedding|Videos/boda prima/boda 2024.mp4|Videos/boda prima
downloads older than six months|Descargas/fonts_pixel.zip|Descargas/Lunar Magic 3.51.zip
backup of the phone|Copias/movil-2025-12.tar.gz
how large is my trash|.local/share/Trash|.local/share/Trash/files
my hot air balloon log book|-
the Castlevania Bloodlines disassembly|-
satellite pictures of the volcano|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_pier(root: Path) -> None:
    """Plant the home: 130 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(30):
        write_lines(root, f"Imagenes/Lisboa 2025/P10100{at + 3:02}.JPG|{3900000 + at}|420|")
    for path in ("Descargas/qwen3-4b-Q5_K_M", "Descargas/qwen3-4b-Q5_K_M(1)", "IA/gguf/qwen3-4b-Q5_K_M"):
        write_lines(root, f"{path}.gguf|29000000|75|GGUF qwen")
    plant_git(root, "Codigo/gearbox", "https://github.com/lucia/gearbox.git", 13, ahead=0, open_files=0)
