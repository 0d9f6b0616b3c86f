"""A home as a tool might plant one: plain folders, plain names, a few of each kind, and some that look like others."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_cabin"]

_FILES = r"""
hacks/oracle-of-storms/Main.asm|12000|3|; Oracle of Storms\nlorom\n
hacks/oracle-of-storms/Sprites/thunder_boss.asm|6100|5|; boss of the storm tower\n
hacks/oracle-of-storms/Items/feather.asm|3900|21|; roc's feather: jump\n
hacks/oracle-of-storms/Masks/wolf.asm|2900|40|; wolf mask\n
hacks/oracle-of-storms/Docs/Roadmap.md|1900|7|# Roadmap\n1.0 in spring\n
hacks/oracle-of-storms/Roms/oos_test.sfc|2097152|3|OOS
hacks/oracle-of-storms/build.sh|200|60|#!/bin/sh\n
hacks/four-swords-demake/fs.asm|7000|430|; four players\n
hacks/four-swords-demake/players.asm|6400|431|; colours of players\n
hacks/hyrule-kart/kart.c|8100|610|// karts\n
hacks/hyrule-kart/README.md|600|610|# Hyrule Kart\nhomebrew racer\n
hacks/gloom-castle/gloom.ips|42000|1250|PATCH
hacks/gloom-castle/gloom.smc|1049088|1250|GLOOM
hacks/templates/empty_hack/main.asm|100|900|lorom\n
roms/snes/zelda3_us.sfc|1048576|1500|
roms/snes/zelda3_jp.sfc|1048577|1500|
roms/snes/smw.sfc|524288|1500|
roms/snes/dkc.sfc|4194304|1500|
roms/gba/minish_cap.gba|16777216|1500|
roms/gb/oracle_of_ages.gbc|1048576|1500|
roms/nes/zelda1.nes|131088|1500|
roms/saves/zelda3_us.srm|8192|33|
roms/saves/oos_test.srm|8192|4|
roms/states/oos_thunder.mss|310000|4|
roms/states/dkc_mine.mss|310000|1100|
disassembly/zelda3-c/src/player.c|88000|220|// Link\n
disassembly/zelda3-c/src/dungeon.c|91000|221|// rooms\n
disassembly/zelda3-c/Makefile|3000|220|all:\n
disassembly/jpdasm/bank_00.asm|240000|310|; bank 0\n
disassembly/jpdasm/bank_1B.asm|230000|310|; palettes\n
disassembly/oracles-disasm/code/bank0.s|120000|650|; oracle games of the game boy\n
disassembly/oracles-disasm/Makefile|900|650|all:\n
code/yaze-fork/CMakeLists.txt|3100|9|project(yaze)\n
code/yaze-fork/src/app/editor.cc|41000|9|// editor of zelda 3\n
code/yaze-fork/src/gui/canvas.cc|16000|14|// canvas\n
code/yaze-fork/build/yaze|31000000|9|ELF
code/afs-scratch/pyproject.toml|400|27|[project]\n
code/afs-scratch/agent.py|6100|27|"an agent"\n
code/afs-scratch/memory.py|4400|29|"memory of the agent"\n
code/oldsite/index.php|2200|2000|<?php\n
code/weather-cli/Cargo.toml|200|830|[package]\n
code/weather-cli/src/main.rs|3000|830|fn main() {}\n
code/weather-cli/target/debug/weather|6100000|830|ELF
code/chess-engine/main.go|7100|1400|package main\n
code/chess-engine/go.mod|40|1400|module chess\n
code/notes-app/package.json|400|500|{}
code/notes-app/app.ts|3100|500|export {}\n
models/zelda-expert-7b-q4_k_m.gguf|4100000000|60|GGUF
models/asm-helper-3b-q8_0.gguf|3300000000|45|GGUF
models/llama3-8b-q4_0.gguf|4700000000|400|GGUF
models/deepseek-r1-distill-qwen-14b-q4.gguf|9000000000|280|GGUF
models/nomic-embed.gguf|270000000|190|GGUF
models/adapters/zelda-expert-lora/adapter_model.safetensors|160000000|61|
models/adapters/asm-helper-lora/adapter_model.safetensors|91000000|46|
training/datasets/zelda_qa_v3.jsonl|9100000|63|{"q": "Where is the master sword"}\n
training/datasets/zelda_qa_v2.jsonl|7100000|110|{"q": "Who is Ganon"}\n
training/datasets/asm_instructions.jsonl|21000000|48|{"i": "write a loop"}\n
training/datasets/rejected/asm_bad_rows.jsonl|400000|48|{"i": "x"}\n
training/logs/zelda_expert_run1.log|310000|62|loss 2\n
training/logs/zelda_expert_run2.log|330000|61|loss 1.5\n
training/logs/asm_helper.log|150000|46|loss 1.9\n
training/scripts/train.py|7100|62|import torch\n
training/scripts/export_gguf.py|2900|60|"to gguf"\n
training/scripts/clean_dataset.py|3300|64|"drops rows"\n
training/evals/zelda_quiz_results.json|9100|59|{"right": 31}\n
training/notebooks/token_lengths.ipynb|81000|65|{"cells": []}
docs/snes/65816_reference.pdf|2100000|1100|%PDF
docs/snes/ppu_registers.md|9100|800|# PPU\n2100 screen\n
docs/zelda/sprite_list.txt|14000|420|09 moldorm\n
docs/zelda/item_ids.csv|3100|420|id,item\n
docs/zelda/overworld_map.png|3100000|420|
docs/ai/prompting_guide.md|4100|75|# Prompts\n
docs/personal/budget_2026.xlsx|31000|20|PK
docs/personal/resume.pdf|110000|210|%PDF
docs/personal/marathon_plan.md|1100|49|# Marathon\nlong run on sunday\n
docs/personal/insurance/car_policy.pdf|240000|370|%PDF
docs/thesis/main.tex|71000|1700|\\documentclass{book}\n
docs/thesis/refs.bib|19000|1700|@book\n
music/osts/zelda3_dark_world.spc|66048|900|SNES-SPC700
music/osts/smw_athletic.spc|66048|900|SNES-SPC700
music/own/storm_tower_loop.wav|31000000|6|RIFF
music/own/feather_jingle.mid|2000|22|MThd
pictures/screenshots/thunder_boss_fight.png|88000|5|
pictures/screenshots/yaze_crash_dialog.png|120000|13|
pictures/art/wolf_mask_sketch.png|910000|41|
pictures/2022-wedding/img_01.jpg|4100000|1480|
pictures/2022-wedding/img_02.jpg|4100001|1480|
videos/devlog_03_storm_tower.mp4|910000000|8|
videos/devlog_02_feather.mp4|870000000|24|
videos/concert_radio_band.mkv|5100000000|700|
archives/hacks_2025_full.zip|210000000|330|PK
archives/photos_2015_2019.tar|41000000000|2400|
archives/old_phone/sms_export.xml|3100000|1300|<sms/>
archives/dead_projects/mud-server/server.pl|9100|4100|print 1;\n
archives/dead_projects/flash-game/main.as|4100|4700|package {}\n
downloads/yaze-linux.tar.gz|31000000|100|GZ
downloads/zelda3_msu_pack.zip|610000000|720|PK
downloads/llama3-8b-q4_0.gguf|4700000000|400|GGUF
downloads/fedora-43.iso|2600000000|36|
downloads/manual_washing_machine.pdf|4100000|500|%PDF
downloads/goldenaxe.part|31000000|88|
tmp/scratch.asm|300|2|nop\n
tmp/diff_output.txt|91000|2|changed\n
tmp/test.sfc|1048576|45|
.cache/uv/wheels/x.whl|410000000|12|PK
.cache/huggingface/hub/m/blobs/b1|4700000000|400|
.config/yaze/settings.ini|900|9|theme=dark\n
.bash_history|31000|0|ls\n
"""

_QUESTIONS = """
where are my ROM hacks?|hacks|hacks/oracle-of-storms
Which model files take more than 4 GB?&models/zelda-expert-7b-q4_k_m.gguf\
&models/deepseek-r1-distill-qwen-14b-q4.gguf
where is the disassembly of the Japanese Zelda 3?|disassembly/jpdasm
where is the C port of zelda 3|disassembly/zelda3-c|disassembly/zelda3-c/src
what projects have I abandoned?|archives/dead_projects|hacks/four-swords-demake|hacks/hyrule-kart\
|code/weather-cli|code/chess-engine|code/oldsite|code/notes-app
which files are duplicates?|downloads/llama3-8b-q4_0.gguf|models/llama3-8b-q4_0.gguf
where are my training datasets?|training/datasets
newest dataset for the zelda expert|training/datasets/zelda_qa_v3.jsonl
where is the adapter of the asm helper|models/adapters/asm-helper-lora\
|models/adapters/asm-helper-lora/adapter_model.safetensors
which caches can I delete?|.cache|.cache/huggingface|code/weather-cli/target
the thunder boss sprite code|hacks/oracle-of-storms/Sprites/thunder_boss.asm
save state at the thunder boss|roms/states/oos_thunder.mss
my Game Boy Color ROMs|roms/gb/oracle_of_ages.gbc|roms/gb
largest videos|videos/concert_radio_band.mkv
what did I edit yesterday or today?|.bash_history|tmp/scratch.asm|tmp
which zelda editor am I working on?|code/yaze-fork
where do I keep saves of emulators|roms/saves|roms/states
where's my thesis|docs/thesis|docs/thesis/main.tex
list of sprites in zelda|docs/zelda/sprite_list.txt
table of item ids|docs/zelda/item_ids.csv
documentation of the PPU|docs/snes/ppu_registers.md
rust projects|code/weather-cli
how did the zelda model do in the quiz?|training/evals/zelda_quiz_results.json
script that exports to gguf|training/scripts/export_gguf.py
devlog about the feather|videos/devlog_02_feather.mp4
music I made for the storm tower|music/own/storm_tower_loop.wav
the world map picture|docs/zelda/overworld_map.png
screenshot of yaze crashing|pictures/screenshots/yaze_crash_dialog.png
wedding pictures|pictures/2022-wedding|pictures/2022-wedding/img_01.jpg
car insurance|docs/personal/insurance/car_policy.pdf|docs/personal/insurance
training plan for the marathon|docs/personal/marathon_plan.md
washing machine manual|downloads/manual_washing_machine.pdf
old perl server|archives/dead_projects/mud-server|archives/dead_projects/mud-server/server.pl
which archive has my hacks of 2025|archives/hacks_2025_full.zip
linux iso|downloads/fedora-43.iso
roadmap for 1.0|hacks/oracle-of-storms/Docs/Roadmap.md
text messages from my old phone|archives/old_phone/sms_export.xml|archives/old_phone
where are my hacks of Golden Sun?|-
the blueprint of my greenhouse|-
recordings of whale songs|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_cabin(root: Path) -> None:
    """Plant the home: 150 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(30):
        write_lines(root, f"pictures/2022-wedding/img_{at + 3:02}.jpg|{3900000 + at}|1480|")
    for path in ("downloads/llama3-8b-q4_0.gguf", "models/llama3-8b-q4_0.gguf"):
        write_lines(root, f"{path}|47000000|400|GGUF llama")
    plant_git(root, "code/yaze-fork", "https://github.com/me/yaze.git", 9, ahead=0, open_files=0)
    plant_git(root, "hacks/oracle-of-storms", "https://github.com/me/oos.git", 3, ahead=0, open_files=2)
