"""A home on a small server: short names in lower case, decompilations, homebrew, training on a rented card."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_loft"]

_FILES = r"""
work/kdl3-hard/kdl3hard.asm|9100|17|; Kirby's Dream Land 3 hard mode\nlorom\n
work/kdl3-hard/enemies.asm|6400|19|; enemies have twice the health\n
work/kdl3-hard/make.bat|120|60|asar kdl3hard.asm\n
work/kdl3-hard/kdl3hard.sfc|4194304|17|KIRBY
work/kdl3-hard/ideas.org|1500|30|* more bosses\n
work/pokered-nuzlocke/engine/battle/core.asm|88000|75|; battle\n
work/pokered-nuzlocke/engine/nuzlocke.asm|4200|70|; one catch for each route\n
work/pokered-nuzlocke/maps/pallet_town.asm|3300|340|; map\n
work/pokered-nuzlocke/Makefile|5200|75|rom:\n
work/pokered-nuzlocke/pokered.gbc|1048576|70|POKE
work/z3-minimap/minimap.asm|7100|220|; draws a map in the corner, zelda 3\n
work/z3-minimap/tiles.chr|8192|225|
work/z3-minimap/minimap.bps|9100|219|BPS1
work/z3-minimap/readme.md|1200|219|# minimap\nShows rooms that were seen.\n
work/mother3-menu-fix/fix.asm|2100|1400|; gba menu fix\n
work/mother3-menu-fix/fix.ips|900|1400|PATCH
homebrew/snake-nes/snake.s|6100|830|; snake for the nes\n
homebrew/snake-nes/snake.nes|40976|829|NES
homebrew/gb-tamagotchi/src/main.c|7700|13|// pet\n
homebrew/gb-tamagotchi/src/hunger.c|3100|13|// the pet gets hungry\n
homebrew/gb-tamagotchi/res/pet.png|2100|21|
homebrew/gb-tamagotchi/Makefile|900|40|all:\n
homebrew/moonlander-godot/project.godot|900|390|[application]\n
homebrew/moonlander-godot/lander.gd|4100|388|extends Node\n
ref/pokeemerald/src/battle_ai.c|64000|900|// ai\n
ref/pokeemerald/include/global.h|22000|900|// g\n
ref/pokeemerald/Makefile|9000|900|all:\n
ref/sm64/src/game/mario.c|70000|870|// mario\n
ref/sm64/Makefile|20000|870|all:\n
ref/kdl3-disasm/bank00.asm|210000|150|; bank 0\n
ref/kdl3-disasm/bank01.asm|200000|150|; bank 1\n
ref/docs/gbdev_pandocs.pdf|3100000|700|%PDF
ref/docs/gbatek.html|2100000|710|<html>
ref/docs/nes_6502_cheatsheet.pdf|190000|820|%PDF
ref/docs/snes_dma_explained.md|5200|320|# DMA\nchannels and modes\n
ref/docs/zelda3_room_format.txt|9900|260|rooms are 64 by 64 tiles\n
roms/gb/Pokemon Red (U) [S][!].gb|1048576|2200|
roms/gb/Tetris DX (W) [C][!].gbc|524288|2200|
roms/gba/Mother 3 (J).gba|33554432|2200|
roms/snes/Kirby's Dream Land 3 (U) [!].smc|4194304|2200|
roms/snes/Legend of Zelda, The - A Link to the Past (U) [!].smc|1048576|2200|
roms/snes/Donkey Kong Country 2 (E).smc|4194816|2200|
roms/nes/Metroid (U).nes|131088|2200|
roms/n64/Zelda - Ocarina of Time (U).z64|33554432|2200|
roms/psx/Castlevania - Symphony of the Night.chd|310000000|2100|
roms/md/Phantasy Star IV (USA).md|3145728|2100|
saves/mgba/Mother 3 (J).sav|131072|900|
saves/mgba/Mother 3 (J).ss1|90000|901|
saves/snes9x/kdl3hard.srm|8192|16|
saves/snes9x/Donkey Kong Country 2 (E).srm|2048|1300|
bin/asar|900000|410|ELF
bin/rgbasm|1400000|420|ELF
bin/flips|400000|800|ELF
bin/backup.sh|900|140|#!/bin/sh\nrsync -a ~/work nas:\n
bin/romcheck.py|2600|310|"checks sums of roms"\n
bin/gguf-info|1100|200|#!/usr/bin/env python3\n
apps/mGBA-0.10.3.appimage|40000000|380|ELF
apps/Tiled-1.11.AppImage|60000000|250|ELF
apps/furnace/furnace|12000000|290|ELF
ml/weights/llama-3.1-8b-instruct-q8_0.gguf|8500000000|270|GGUF
ml/weights/smollm2-1.7b-q4_k_m.gguf|1060000000|120|GGUF
ml/weights/qwen2-vl-7b-q4.gguf|4700000000|110|GGUF
ml/weights/codestral-22b-q3.gguf|90000000|400|GGUF
ml/weights/flux1-schnell.safetensors|23800000000|330|
ml/weights/whisper-large-v3.bin|3100000000|450|
ml/lora/npc-voice-r32/adapter_model.safetensors|130000000|44|
ml/lora/npc-voice-r32/trainer_state.json|61000|44|{"best": 0.91}
ml/lora/rgbds-coder-r16/adapter_model.safetensors|77000000|205|
ml/lora/rgbds-coder-r16/training_args.bin|5500|205|
ml/data/npc_lines.jsonl|5200000|47|{"npc": "old man", "line": "It is dangerous"}\n
ml/data/rgbds_functions.jsonl|31000000|210|{"asm": "ld a, b"}\n
ml/data/pixel_portraits/p0001.png|3100|360|
ml/data/pixel_portraits/p0002.png|3200|360|
ml/data/pixel_portraits/labels.csv|9100|360|file,label\n
ml/data/common_crawl_sample.parquet|910000000|480|PAR1
ml/runs/npc-voice/tb/events.out.tfevents.99|400000|44|
ml/runs/npc-voice/stdout.log|88000|44|step 10 loss 2.0\n
ml/runs/rgbds-coder/stdout.log|91000|205|step 10 loss 2.4\n
ml/runs/rgbds-coder/nan_crash_0712.log|12000|212|loss is nan\n
ml/scripts/finetune_npc.py|7100|45|import torch\n
ml/scripts/eval_perplexity.py|3300|43|import math\n
ml/scripts/scrape_wiki.py|2900|490|import urllib\n
ml/nb/portrait_gan.ipynb|510000|355|{"cells": []}
ml/nb/npc_eval.ipynb|120000|42|{"cells": []}
ml/vast-ai-invoice-2026-09.pdf|61000|55|%PDF
ml/notes/quantization_comparison.md|3900|119|# q4 against q8\n
code/tilewrangler/Cargo.toml|400|260|[package]\n
code/tilewrangler/src/main.rs|9100|258|fn main() {}\n
code/tilewrangler/target/release/tilewrangler|7000000|258|ELF
code/sram-diff/go.mod|60|1200|module sramdiff\n
code/sram-diff/main.go|4400|1200|package main\n
code/homelab/docker-compose.yml|2800|33|services:\n  jellyfin:\n
code/homelab/traefik.toml|900|33|[entryPoints]\n
code/homelab/ansible/site.yml|1300|130|- hosts: all\n
code/mcp-rom-server/pyproject.toml|700|4|[project]\n
code/mcp-rom-server/server.py|8800|4|# serves roms to agents\n
code/mcp-rom-server/tests/test_server.py|3100|4|def test(): pass\n
code/old/twitter-bot/bot.rb|2900|2600|puts 1\n
code/old/irc-client-tcl/irc.tcl|5100|3100|puts hi\n
music/mods/lava_castle.xm|310000|640|Extended Module
music/mods/kdl3_remix.it|280000|25|IMPM
music/mods/kdl3_remix.fur|120000|26|
music/ripped/kdl3_ost.zip|4100000|800|PK
music/vinyl_rips/kraftwerk/side_a.flac|240000000|1500|fLaC
media/captures/kdl3_boss_glitch.mp4|88000000|18|
media/captures/speedrun_attempt_42.mkv|3600000000|510|
media/shots/minimap_v1.png|61000|221|
media/shots/minimap_v2.png|63000|219|
media/shots/nuzlocke_rip_screen.png|59000|71|
media/family/2021-12 christmas/IMG_1001.HEIC|2900000|1800|
media/family/2021-12 christmas/IMG_1002.HEIC|2800000|1800|
media/family/2024-05 hiking alps/GX010031.MP4|1900000000|920|
docs/house/mortgage_contract.pdf|900000|1600|%PDF
docs/house/heat_pump_manual.pdf|4100000|500|%PDF
docs/medical/bloodwork_2026.pdf|310000|66|%PDF
docs/talks/romhack_meetup_slides.odp|5100000|280|
docs/talks/speaker_bio.txt|600|285|I patch games.\n
docs/books/game_programming_patterns.epub|7100000|1300|PK
docs/books/6502_assembly_guide.epub|3100000|1310|PK
docs/sourdough.md|1100|610|# Sourdough\nflour, water, salt\n
docs/2fa_backup_codes.txt|300|400|1234\n
vm/win98.qcow2|2100000000|1100|QFI
vm/haiku-r1.iso|700000000|1000|
vm/freebsd14.vmdk|9000000000|600|
dl/gba_bios.zip|16000|2000|PK
dl/codestral-22b-q3.gguf|90000000|400|GGUF
dl/mario_maker_clone_demo.rar|310000000|1150|Rar
dl/big_archive.7z.crdownload|4100000000|77|
dl/Lufia Restored.ips|210000|88|PATCH
arch/laptop-2019-home.tar.zst|41000000000|2500|
arch/work-snapshot-2026-08.tar.gz|310000000|95|
arch/z3-minimap.orig/minimap.asm|6900|260|; first try\n
arch/z3-minimap.orig/tiles.chr|8192|225|
.local/share/Trash/files/old_disk.img|1000000000|20|
.cache/torch/hub/checkpoints/resnet50.pth|102000000|370|
.cache/yay/neovim/pkg.tar|61000000|140|
.npm/_cacache/content-v2/aa|12000000|600|
.ssh/config|400|500|Host nas\n
.ssh/id_ed25519|411|1200|-----BEGIN\n
.vimrc|900|1300|set nu\n
"""

_QUESTIONS = """
hey, where do my rom hacks live?|work|work/kdl3-hard|work/z3-minimap|work/pokered-nuzlocke
which kirby files do I have|work/kdl3-hard|ref/kdl3-disasm|roms/snes/Kirby's Dream Land 3 (U) [!].smc
where is that pokemon red hack of mine|work/pokered-nuzlocke|work/pokered-nuzlocke/pokered.gbc
in which file did I write the one-catch-per-route rule?|work/pokered-nuzlocke/engine/nuzlocke.asm
what's the single biggest thing in my home?|arch/laptop-2019-home.tar.zst|arch
find models that can look at pictures|ml/weights/qwen2-vl-7b-q4.gguf
which model do I have twice on disk?|dl/codestral-22b-q3.gguf|ml/weights/codestral-22b-q3.gguf
gguf files bigger than 8 GB|ml/weights/llama-3.1-8b-instruct-q8_0.gguf
show all my adapters&ml/lora/npc-voice-r32/adapter_model.safetensors
&ml/lora/rgbds-coder-r16/adapter_model.safetensors
why did the rgbds coder training crash, where's the log|ml/runs/rgbds-coder/nan_crash_0712.log
the dataset with lines of NPCs|ml/data/npc_lines.jsonl
how do I compare quantizations, I wrote something about it|ml/notes/quantization_comparison.md
the notebook about the portrait GAN|ml/nb/portrait_gan.ipynb
what homebrew games have I started?|homebrew|homebrew/gb-tamagotchi|homebrew/snake-nes|homebrew/moonlander-godot
godot project|homebrew/moonlander-godot
what have I been working on lately?|code/mcp-rom-server|homebrew/gb-tamagotchi|work/kdl3-hard
ruby stuff|code/old/twitter-bot|code/old/twitter-bot/bot.rb
which repos have something I never pushed?|code/mcp-rom-server
where's my docker compose file|code/homelab/docker-compose.yml
which of my projects are the oldest?|code/old|code/old/irc-client-tcl|code/old/twitter-bot
how much space do virtual machines take, and where are they?&vm/win98.qcow2&vm/freebsd14.vmdk
a save file for mother 3|saves/mgba/Mother 3 (J).sav
is there a decompilation of mario 64?|ref/sm64
game boy documentation|ref/docs/gbdev_pandocs.pdf
how do dungeon rooms of zelda 3 look as data? I had a text on their format|ref/docs/zelda3_room_format.txt
tracker modules&music/mods/lava_castle.xm&music/mods/kdl3_remix.it
kirby remix I composed|music/mods/kdl3_remix.it|music/mods/kdl3_remix.fur
recording of the boss glitch|media/captures/kdl3_boss_glitch.mp4
slides of my talk|docs/talks/romhack_meetup_slides.odp
pics from the alps hike|media/family/2024-05 hiking alps|media/family/2024-05 hiking alps/GX010031.MP4
invoice for the rented GPU|ml/vast-ai-invoice-2026-09.pdf
blood test results|docs/medical/bloodwork_2026.pdf
incomplete download that I can throw away|dl/big_archive.7z.crdownload
what's in the trash?|.local/share/Trash|.local/share/Trash/files|.local/share/Trash/files/old_disk.img
my private ssh key|.ssh/id_ed25519|.ssh
patch files that I got from the internet|dl/Lufia Restored.ips
which script makes my backups?|bin/backup.sh
do I have chess opening databases?|-
minutes of the parish council|-
where did I put my Terranigma retranslation|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_loft(root: Path) -> None:
    """Plant the home: 230 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(50):
        write_lines(root, f"ml/data/pixel_portraits/p{at + 3:04}.png|{3000 + at}|360|")
    for at in range(30):
        write_lines(root, f"media/family/2021-12 christmas/IMG_{1003 + at}.HEIC|{2700000 + at}|1800|")
    for at in range(20):
        write_lines(root, f"ref/pokeemerald/data/maps/map_{at:02}.json|{900 + at}|900|")
    for path in ("dl/codestral-22b-q3.gguf", "ml/weights/codestral-22b-q3.gguf"):
        write_lines(root, f"{path}|90000000|400|GGUF codestral")
    plant_git(root, "code/mcp-rom-server", "git@github.com:rob/mcp-rom-server.git", 4, ahead=1, open_files=0)
    plant_git(root, "code/tilewrangler", "https://github.com/rob/tilewrangler.git", 258, ahead=0, open_files=0)
    plant_git(root, "ref/pokeemerald", "https://github.com/pret/pokeemerald.git", 900, ahead=0, open_files=0)
    plant_git(root, "ref/sm64", "https://github.com/n64decomp/sm64.git", 870, ahead=0, open_files=0)
