"""A developer's home on a Mac, for tests, and forty questions as they are put to an assistant."""

from pathlib import Path

from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_mac"]

_FILES = r"""
code/asm/lttp-bombshop/src/main.asm|30|12|org $1E8000\n; bomb shop keeper
code/asm/lttp-bombshop/src/shopkeeper.asm|16|13|ShopKeeper_Draw:
code/asm/lttp-bombshop/src/text/messages.asm|10|14|; messages
code/asm/lttp-bombshop/tools/build.py|17|40|import subprocess
code/asm/lttp-bombshop/README.md|40|40|# Bomb shop plus\nA Link to the Past hack
code/asm/lttp-bombshop/Makefile|4|40|all:
code/asm/lttp-bombshop/build/bombshop.sfc|2048000|12|
code/asm/lttp-bombshop/build/bombshop.bps|30720|12|
code/asm/lttp-bombshop/build/symbols.sym|9|12|00:8000 A
code/asm/metroid-suitless/suitless.asm|20|460|; varia suit removed
code/asm/metroid-suitless/patch.ips|2048|459|
code/asm/metroid-suitless/metroid_suitless.smc|3072000|459|
code/asm/earthbound-homesick/homesick.ccs|19|900|// no more homesick
code/asm/earthbound-homesick/project.snake|2|905|{}
code/asm/earthbound-homesick/eb_homesick.sfc|3072000|899|
code/c/zelda3/zelda_main.c|13|600|int main() {}
code/c/zelda3/player.c|7|600|// Link
code/c/zelda3/sprite_main.c|31|600|void Sprite_91_ArmosKnight() {}
code/c/zelda3/sprite.h|12|600|#pragma once
code/c/zelda3/Makefile|5|600|CC=cc
code/c/zelda3/.git/config|54|600|[remote "origin"]\nurl = https://example.org/zelda3.git
code/python/romlint/romlint/cli.py|15|5|import argparse
code/python/romlint/romlint/header.py|20|6|def checksum(): pass
code/python/romlint/romlint/__init__.py|1|6|x
code/python/romlint/tests/test_header.py|25|6|def test_checksum(): pass
code/python/romlint/pyproject.toml|26|30|[project]\nname = "romlint"
code/python/romlint/.pytest_cache/v.txt|1|6|x
code/python/savegame-sync/sync.py|13|280|import shutil
code/python/savegame-sync/watch.py|11|281|import time
code/python/savegame-sync/setup.py|28|290|from setuptools import setup
code/go/patchd/go.mod|13|1200|module patchd
code/go/patchd/main.go|12|1200|package main
code/go/patchd/server.go|12|1201|package main
code/js/tilepaint/package.json|21|150|{"name": "tilepaint"}
code/js/tilepaint/src/canvas.js|25|150|export function draw() {}
code/js/tilepaint/src/palette.js|24|151|export const colors = []
code/js/tilepaint/dist/bundle.js|716800|150|
code/js/tilepaint/node_modules/pixi/pixi.js|2560000|151|
code/js/tilepaint/node_modules/esbuild/bin.js|3072000|151|
code/lua/mesen-scripts/hitbox_viewer.lua|17|55|-- draws hitboxes
code/lua/mesen-scripts/ram_watch.lua|20|380|emu.addEventCallback
code/lua/mesen-scripts/autosplit.lua|9|600|-- splits
code/gb/frog-quest/main.gbasm|6|1500|; frog
code/gb/frog-quest/frog.c|18|1500|#include <gb/gb.h>
code/gb/frog-quest/frog.gb|65536|1499|
code/experiments/emulator-in-rust/Cargo.toml|26|830|[package]\nname = "nes-emu"
code/experiments/emulator-in-rust/src/cpu.rs|14|830|pub struct Cpu
code/experiments/emulator-in-rust/src/ppu.rs|14|831|pub struct Ppu
games/snes/usa/ActRaiser.sfc|1024000|2000|
games/snes/usa/F-ZERO.sfc|524288|2000|
games/snes/usa/Secret of Mana.sfc|2048000|2000|
games/snes/usa/Super Mario Kart.sfc|524288|2000|
games/snes/usa/Super Mario World.sfc|524288|2000|
games/snes/japan/Seiken Densetsu 3.sfc|4096000|2000|
games/snes/japan/Bahamut Lagoon.sfc|3072000|2000|
games/snes/homebrew/nova the squirrel 2.sfc|1024000|700|
games/snes/homebrew/super boss gaiden.sfc|1024000|720|
games/hacks/SMW - Grand Poo World 2.bps|716800|300|
games/hacks/SMW - Invictus.bps|819200|310|
games/hacks/Zelda - Parallel Worlds.ips|307200|1000|
games/hacks/Zelda - Goddess of Wisdom.bps|409600|350|
games/hacks/Metroid - Ascent.ips|256000|1100|
games/hacks/Metroid - Y-Faster.ips|10240|1100|
games/hacks/F-Zero - BS Deluxe.ips|92160|290|
games/saves/Secret of Mana.srm|8192|44|
games/saves/Super Mario World.srm|2048|17|
games/saves/bombshop.srm|8192|11|
games/saves/ActRaiser.st0|204800|900|
games/mac apps/OpenEmu.app/Contents/Info.plist|7|800|<plist>
games/mac apps/OpenEmu.app/Contents/MacOS/OpenEmu|2048000|800|
ml/checkpoints/navi-lora-r16.safetensors|307200|48|
ml/checkpoints/navi-lora-r64.safetensors|921600|16|
ml/checkpoints/base-tinyllama.Q8_0.gguf|5632000|200|
ml/checkpoints/mistral-nemo-12b.Q4_K_M.gguf|15360000|130|
ml/checkpoints/embeddinggemma.gguf|1331200|88|
ml/sft/train.py|26|17|from trl import SFTTrainer
ml/sft/evaluate.py|17|15|score the experts
ml/sft/accelerate.yaml|16|60|num_processes: 1
ml/sft/logs/2026-11-05.log|22|16|loss 1.2 eval_loss 1.5
ml/sft/logs/2026-10-04.log|21|48|loss 1.9 nan detected
ml/data/raw/forum_threads.jsonl|2|170|{}
ml/data/raw/disassembly_pairs.jsonl|2|62|{}
ml/data/clean/sft_v2.parquet|921600|50|
ml/data/clean/sft_v1.parquet|716800|120|
ml/vision/sprites_yolo.pt|1228800|400|
ml/vision/sprite_labels.csv|3|401|x,y
docs/hardware/SNES dev manual book1.pdf|3072000|2500|PDF
docs/hardware/SNES dev manual book2.pdf|2867200|2500|
docs/hardware/SA-1 notes.md|16|420|SA-1 coprocessor
docs/hardware/mode7 explained.html|16|1300|<p>mode 7 matrix
docs/personal/passport_scan.pdf|921600|1000|
docs/personal/rental agreement 2025.pdf|153600|330|
docs/personal/vet invoice luna.pdf|81920|75|
docs/personal/resume_2026.tex|15|210|\\documentclass
docs/personal/workout plan.ods|12288|66|
docs/wiki-drafts/how to expand a rom.md|14|26|expand to 2 MB
docs/wiki-drafts/tilemap format.md|13|92|bits vhopppcc
docs/wiki-drafts/list of sprites.md|28|93|91 Armos Knight\n92 Helmasaur
pictures/mockups/title screen idea 3.png|51200|21|
pictures/mockups/hud redesign.psd|2048000|57|
pictures/mockups/old logo.svg|9216|1100|
pictures/screens/bombshop_crash.png|40960|12|
pictures/screens/glitchworld 001.png|45056|500|
pictures/photos/crt setup/crt1.heic|716800|365|
pictures/photos/crt setup/crt2.heic|727040|365|
audio/covers/Fear of the Heavens.mp3|512000|250|
audio/covers/Gusty Garden.ogg|460800|255|
audio/spc rips/actraiser/bloodpool.spc|67584|1000|
audio/spc rips/som/intro.spc|67584|1000|
audio/spc rips/som/forest.spc|67584|1000|
audio/sfx/item_get.wav|40960|100|
audio/sfx/bomb_blast.wav|51200|13|
video/speedruns/alttp nmg 1h32.mp4|6656000|77|
video/speedruns/smw 96exit wip.mkv|5324800|230|
archive/website-2019.zip|1536000|2400|
archive/old-laptop-home.tar.xz|9728000|1300|
archive/zelda3-2025-03-01.zip|819200|620|
archive/bsnes-hd-configs.zip|20480|900|
Downloads/mistral-nemo-12b.Q4_K_M.gguf.part|3072000|131|
Downloads/Grand Poo World 2.zip|737280|300|
Downloads/snes9x-1.63.tar.gz|1843200|95|
Downloads/SNES dev manual book1.pdf|3072000|110|PDF
Downloads/Firefox Setup.dmg|2150400|260|
Downloads/luna.jpg|204800|74|
Downloads/Untitled 7.rtf|3072|8|
Library/Caches/Homebrew/bottle1.tar.gz|2560000|70|
Library/Caches/Homebrew/bottle2.tar.gz|1536000|71|
Library/Preferences/com.openemu.plist|1|800|x
.config/retroarch/retroarch.cfg|1|44|x
.local/bin/asar|307200|180|
.local/bin/flips|204800|180|
.local/bin/rg|4096000|300|
sync-conflicts/todo (conflicted copy).md|20|41|finish the bomb shop
sync-conflicts/todo.md|37|40|finish the bomb shop, test on console
vm/win98.qcow2|8704000|1600|
vm/haiku.iso|1433600|1600|
"""
QUESTIONS: tuple[Question, ...] = questions_of("""
Where are my ROM hacks?|games/hacks|code/asm|code/asm/lttp-bombshop
What's eating my disk?|ml|ml/checkpoints|ml/checkpoints/mistral-nemo-12b.Q4_K_M.gguf|vm
Which folder has the most Python?|code/python/romlint|code/python|code/python/romlint/romlint
What did I change in the last two weeks?|code/asm/lttp-bombshop|code/python/romlint|docs/Untitled 7.rtf
|Downloads/Untitled 7.rtf|code/python/romlint/romlint/cli.py|code/python/romlint/romlint/header.py
|games/saves/bombshop.srm
is there a backup of zelda3|archive/zelda3-2025-03-01.zip
Which files mention Armos?|code/c/zelda3/sprite_main.c|docs/wiki-drafts/list of sprites.md
where is the newest patch|code/asm/lttp-bombshop/build/bombshop.bps
find the biggest zip|archive/website-2019.zip
Could you tell me where my bomb shop hack lives?|code/asm/lttp-bombshop
the file that draws the shop keeper|code/asm/lttp-bombshop/src/shopkeeper.asm
Which hacks of Super Mario World do I have?&games/hacks/SMW - Grand Poo World 2.bps&games/hacks/SMW - Invictus.bps
I had some Metroid patches, where did they go?|games/hacks/Metroid - Ascent.ips|games/hacks/Metroid - Y-Faster.ips
|games/hacks
Earthbound project|code/asm/earthbound-homesick
japanese snes games|games/snes/japan
homebrew roms please|games/snes/homebrew
game boy game I was writing about a frog|code/gb/frog-quest
which of my projects are dead?|code/go/patchd|code/experiments/emulator-in-rust|code/c/zelda3|code/gb/frog-quest
Did I ever start writing an emulator?|code/experiments/emulator-in-rust
lua scripts for the emulator|code/lua/mesen-scripts
where is the Mistral model|ml/checkpoints/mistral-nemo-12b.Q4_K_M.gguf
latest navi lora weights|ml/checkpoints/navi-lora-r64.safetensors
which training run had NaNs in the loss|ml/sft/logs/2026-10-04.log
cleaned training data, newest version|ml/data/clean/sft_v2.parquet
which parquet files exist&ml/data/clean/sft_v2.parquet&ml/data/clean/sft_v1.parquet
official SNES developer manual|docs/hardware/SNES dev manual book1.pdf|docs/hardware/SNES dev manual book2.pdf
|docs/hardware
Do I have anything about mode 7?|docs/hardware/mode7 explained.html
draft of the wiki article on expanding a ROM|docs/wiki-drafts/how to expand a rom.md
the lease for my flat|docs/personal/rental agreement 2025.pdf
bill from the vet|docs/personal/vet invoice luna.pdf
my CV|docs/personal/resume_2026.tex
photoshop mockup of the HUD|pictures/mockups/hud redesign.psd
screenshot of the crash|pictures/screens/bombshop_crash.png
Secret of Mana SPCs|audio/spc rips/som|audio/spc rips/som/intro.spc|audio/spc rips/som/forest.spc
the explosion sound effect for the bomb|audio/sfx/bomb_blast.wav
speedrun videos|video/speedruns
which files are stored twice?|docs/hardware/SNES dev manual book1.pdf|Downloads/SNES dev manual book1.pdf
build artifacts and caches I may wipe|Library/Caches|Library/Caches/Homebrew|code/js/tilepaint/node_modules
|code/asm/lttp-bombshop/build|code/js/tilepaint/dist
conflicted copies from syncing|sync-conflicts/todo (conflicted copy).md
where do I keep my beehive inspection logs|-
My pilot licence scan|-
""")


def plant_mac(root: Path) -> None:
    """Write the files below a folder."""
    write_lines(root, _FILES)
