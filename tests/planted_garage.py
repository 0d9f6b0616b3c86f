"""A home on a Linux desktop: hacks under working titles, models of three makers, and years of what was left lying."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_garage"]

_FILES = r"""
romhacking/wip/sunken-temple/main.asm|8200|3|; Sunken Temple, a dungeon for A Link to the Past\nlorom\norg $008000\n
romhacking/wip/sunken-temple/src/water_physics.asm|5100|4|; swimming speed and currents\norg $0A8000\n
romhacking/wip/sunken-temple/src/boss_octoroc.asm|7300|9|; the octorok boss\n
romhacking/wip/sunken-temple/gfx/tiles.4bpp|32768|30|
romhacking/wip/sunken-temple/build.sh|310|40|#!/bin/sh\nasar main.asm out/sunken.sfc\n
romhacking/wip/sunken-temple/out/sunken.sfc|1048576|3|SUNKEN
romhacking/wip/sunken-temple/README.md|900|20|# Sunken Temple\nA Zelda 3 hack with a swamp palace under the lake.\n
romhacking/wip/sunken-temple/TODO.txt|410|5|- fix the whirlpool warp\n- dialogue for the zora\n
romhacking/wip/norfair-nights/patch.asm|4100|260|; Super Metroid: night mode for Norfair\nlorom\n
romhacking/wip/norfair-nights/palettes/lava_dark.pal|512|265|
romhacking/wip/norfair-nights/notes.md|1300|261|# Norfair Nights\nheat damage at night is halved\n
romhacking/wip/yoshi-kaizo/levels/105.mwl|6100|1100|
romhacking/wip/yoshi-kaizo/levels/106.mwl|6400|1105|
romhacking/wip/yoshi-kaizo/yoshi-kaizo.smc|2097664|1100|SMW
romhacking/wip/yoshi-kaizo/list.txt|300|1120|00 koopa.cfg\n
romhacking/released/Hookshot Heaven v1.2/HookshotHeaven.bps|48000|420|BPS1
romhacking/released/Hookshot Heaven v1.2/readme.txt|2100|420|Hookshot Heaven\nApply to the US ROM of Zelda 3.\n
romhacking/released/Hookshot Heaven v1.1/HookshotHeaven.bps|46000|500|BPS1
romhacking/released/Crateria Express/crateria_express.ips|9100|700|PATCH
romhacking/released/Crateria Express/credits.txt|800|700|Thanks to everyone on the forum.\n
romhacking/base/Legend of Zelda, The - A Link to the Past (USA).sfc|1048576|2000|ZELDA
romhacking/base/Super Metroid (Japan, USA).sfc|3145728|2000|METROID
romhacking/base/Super Mario World (USA).sfc|524288|2000|MARIO
romhacking/base/Zelda no Densetsu (Japan).sfc|1048576|1800|ZELDAJ
romhacking/patches-from-others/alttp-msu1-v3.ips|3000|900|PATCH
romhacking/patches-from-others/sm-redux.bps|120000|850|BPS1
romhacking/patches-from-others/ct-plus.xdelta|240000|640|
romhacking/patches-from-others/eb-restored.ups|66000|630|UPS1
romhacking/tools/Lunar Magic/lm333.exe|5200000|980|MZ
romhacking/tools/asar/asar|2100000|300|ELF
romhacking/tools/asar/docs/manual.html|90000|300|<html>
romhacking/tools/floating-ips/flips|480000|870|ELF
romhacking/tools/yychr/YY-CHR.exe|900000|1400|MZ
romhacking/tools/hex/ImHex.AppImage|41000000|210|ELF
romhacking/docs/snes_ppu_timing.pdf|2300000|1500|%PDF
romhacking/docs/65816_opcodes.txt|64000|1600|LDA STA LDX\n
romhacking/docs/alttp_ram_map.csv|88000|480|address,name\n7E0010,module\n
romhacking/docs/spc700_reference.html|120000|1550|<html>
src/z3dasm/bank_00.asm|220000|180|; bank 00\norg $008000\n
src/z3dasm/bank_01.asm|240000|180|; bank 01\n
src/z3dasm/bank_0D.asm|210000|180|; bank 0D\n
src/z3dasm/symbols.sym|91000|180|
src/sm_disassembly/src/bank_80.asm|310000|520|; bank 80\n
src/sm_disassembly/src/bank_A0.asm|330000|520|; bank A0\n
src/sm_disassembly/README.md|1800|520|# Super Metroid disassembly\n
src/spritebuddy/pyproject.toml|800|15|[project]\nname = "spritebuddy"\n
src/spritebuddy/spritebuddy/__init__.py|10|60|
src/spritebuddy/spritebuddy/palette.py|6100|15|# Palettes of SNES sprites.\n
src/spritebuddy/spritebuddy/export.py|7100|18|# Export sprite sheets as PNG.\n
src/spritebuddy/tests/test_palette.py|2100|15|def test_palette():\n
src/warpmap/Cargo.toml|500|400|[package]\nname = "warpmap"\n
src/warpmap/src/main.rs|8800|400|fn main() {}\n
src/warpmap/target/debug/warpmap|9000000|400|ELF
src/warpmap/target/debug/deps/libserde.rlib|4000000|400|
src/hud-overlay/package.json|700|1300|{"name": "hud-overlay"}
src/hud-overlay/index.ts|3300|1300|export const hud = 1\n
src/spc-player/CMakeLists.txt|600|760|project(spc-player)\n
src/spc-player/src/dsp.cpp|15000|760|// the DSP\n
src/spc-player/src/main.cpp|4000|765|int main() {}\n
src/dotfiles/.zshrc|2200|90|export EDITOR=nvim\n
src/dotfiles/nvim/init.lua|5200|70|vim.opt.number = true\n
src/dotfiles/tmux.conf|900|500|set -g mouse on\n
emu/bsnes/bsnes|7800000|1000|ELF
emu/bsnes/settings.bml|6000|2|
emu/bsnes/states/Super Metroid-1.bst|400000|33|
emu/mesen/Mesen.AppImage|90000000|150|ELF
emu/mesen/SaveStates/sunken_1.mss|300000|2|
emu/mesen/SaveStates/sunken_2.mss|300000|3|
emu/mesen/SaveStates/castlevania_1.mss|310000|610|
emu/mesen/Saves/sunken.srm|8192|2|
emu/mesen/Saves/Super Mario World (USA).srm|2048|800|
emu/retroarch/cores/snes9x_libretro.so|6000000|350|ELF
emu/retroarch/retroarch.cfg|80000|340|video_driver = "vulkan"\n
emu/retroarch/system/dmg_boot.bin|256|350|
emu/roms/gba/Metroid Fusion (USA).gba|8388608|1900|
emu/roms/gba/Advance Wars (USA).gba|4194304|1900|
emu/roms/nes/Castlevania (USA).nes|131088|1900|NES
emu/roms/n64/Super Mario 64 (USA).z64|8388608|1900|
emu/roms/gb/Tetris (World).gb|32768|1900|
ai/models/qwen2.5-coder-7b-instruct-q5_k_m.gguf|5400000000|100|GGUF
ai/models/mistral-7b-v0.3-q4_0.gguf|4100000000|300|GGUF
ai/models/phi-3-mini-4k-q8.gguf|4060000000|420|GGUF
ai/models/nomic-embed-text-v1.5.f16.gguf|274000000|130|GGUF
ai/models/sdxl/sd_xl_base_1.0.safetensors|6900000000|500|
ai/models/whisper/ggml-base.en.bin|148000000|610|
ai/finetunes/zora-dialogue-lora/adapter_model.safetensors|84000000|25|
ai/finetunes/zora-dialogue-lora/adapter_config.json|700|25|{"base_model": "mistral-7b", "r": 16}
ai/finetunes/zora-dialogue-lora/checkpoint-400/optimizer.pt|168000000|26|
ai/finetunes/zora-dialogue-lora/checkpoint-800/optimizer.pt|168000000|25|
ai/finetunes/asm-coder-lora/adapter_model.safetensors|92000000|90|
ai/finetunes/asm-coder-lora/adapter_config.json|700|90|{"base_model": "qwen2.5-coder-7b", "r": 32}
ai/finetunes/runs/2025-asm-coder/train.log|400000|90|step 1 loss 2.31\nstep 2 loss 2.29\n
ai/finetunes/runs/2025-zora/train.log|240000|25|step 1 loss 1.90\n
ai/finetunes/runs/2025-zora/events.out.tfevents.171|900000|25|
ai/datasets/zora_dialogue.jsonl|3100000|32|{"prompt": "A zora says", "response": "Splash"}\n
ai/datasets/asm_pairs_65816.jsonl|48000000|110|{"prompt": "write a DMA routine", "response": "LDA #$01"}\n
ai/datasets/alpaca_cleaned.parquet|24000000|600|PAR1
ai/datasets/forum_scrape/posts_01.jsonl|7000000|640|{"post": "hello"}\n
ai/datasets/forum_scrape/posts_02.jsonl|7100000|640|{"post": "hi"}\n
ai/scripts/train_lora.py|5400|27|# Train a LoRA.\nimport torch\n
ai/scripts/merge_adapter.py|2100|24|# Merge an adapter into its base.\n
ai/scripts/dedupe.py|1900|115|# Drop rows that are double.\n
ai/scripts/quantize.sh|400|99|#!/bin/sh\nllama-quantize $1 $2 q5_k_m\n
ai/notebooks/loss_curves.ipynb|210000|23|{"cells": []}
ai/notebooks/tokenizer_play.ipynb|90000|450|{"cells": []}
ai/llama.cpp/build/bin/llama-server|14000000|95|ELF
ai/llama.cpp/Makefile|9000|95|all:\n
ai/llama.cpp/CMakeLists.txt|4000|95|project(llama)\n
ai/prompts/dungeon_designer.txt|1800|50|You are a designer of dungeons.\n
ai/prompts/code_reviewer.md|1500|130|You review 65816 assembly.\n
Music/hack-ost/lake_theme.spc|66048|44|SNES-SPC700
Music/hack-ost/boss_fight_draft.it|90000|60|IMPM
Music/hack-ost/overworld_remix.flac|31000000|70|fLaC
Music/albums/Chrono Symphony/01 Peaceful Days.mp3|7000000|1700|ID3
Music/albums/Chrono Symphony/02 Wind Scene.mp3|7400000|1700|ID3
Music/soundfonts/GeneralUser.sf2|31000000|1800|RIFF
Pictures/Screenshots/Screenshot from 2025-11-03 temple entrance.png|310000|18|
Pictures/Screenshots/mesen_crash.png|220000|37|
Pictures/Screenshots/lunar_magic_layer2.png|280000|1090|
Pictures/sprites/link_alt_costume.aseprite|16000|55|
Pictures/sprites/zora_guard.aseprite|14000|35|
Pictures/sprites/zora_guard_sheet.png|21000|35|
Pictures/lan-party-2019/IMG_0231.JPG|4200000|2300|
Pictures/lan-party-2019/IMG_0232.JPG|4100000|2300|
Videos/speedrun_any_percent_pb.mkv|2400000000|330|
Videos/sunken_trailer_v2.mp4|180000000|12|
Videos/obs/2025-09-12 21-14-05.mkv|5200000000|70|
Documents/taxes/2024_return.pdf|410000|210|%PDF
Documents/taxes/2023_return.pdf|400000|580|%PDF
Documents/cv_2025.odt|48000|140|
Documents/contest_rules_2025.md|2600|75|# Summer hack contest\nEntries are due on the first of August.\n
Documents/letters/landlord_heating.odt|21000|310|
Documents/level_design_notes.md|5100|28|# Level design\nTeach, test, twist.\n
Documents/budget.ods|30000|45|
Documents/recipes/ramen.md|1400|900|# Ramen\nsoy, egg, noodles\n
Documents/passwords_old.kdbx|5200|1000|
Downloads/parallel-worlds-v2.zip|700000|600|PK
Downloads/SNES_dev_manual_book1.pdf|11000000|1200|%PDF
Downloads/ubuntu-24.04-desktop-amd64.iso|6100000000|400|
Downloads/Mesen.AppImage|90000000|150|ELF
Downloads/llama-3.2-3b-instruct.Q4_K_M.gguf|2000000000|200|GGUF
Downloads/flips-linux.zip|210000|870|PK
Downloads/setup_discord.deb|82000000|95|
Downloads/model.safetensors.part|900000000|220|
Backups/phone_2022.tar.gz|9000000000|1250|
Backups/romhacking-2024-12-31.7z|340000000|330|
Backups/sunken-temple_old/main.asm|7000|120|; Sunken Temple, old\n
Backups/sunken-temple_old/src/water_physics.asm|5100|121|; swimming speed and currents\norg $0A8000\n
Backups/thunderbird.tar|2200000000|700|
.cache/huggingface/hub/models--mistralai--Mistral-7B-v0.3/blobs/aa11|4100000000|300|
.cache/pip/http/0a/1b/wheel|52000000|200|
.cache/mozilla/firefox/x.default/cache2/entries/AAAA|31000000|1|
.cache/thumbnails/large/1.png|21000|3|
.config/nvim/init.lua|5200|70|vim.opt.number = true\n
.ollama/models/blobs/sha256-99ff|4700000000|160|GGUF
hardware/flashcart/fxpak_menu.bin|900000|420|
hardware/flashcart/firmware/sd2snes_1.11.img|600000|430|
hardware/snes-mod/region_switch.kicad_pcb|180000|820|
hardware/snes-mod/bom.csv|2200|820|part,count\n
hardware/arcade-stick/stick_case.stl|3200000|1020|
hardware/raspberry/retropie_backup.img|15000000000|1130|
"""

_QUESTIONS = """
where are my ROM hacks?|romhacking/wip|romhacking|romhacking/released|romhacking/wip/sunken-temple
|romhacking/wip/norfair-nights
which GGUF models do I have?&ai/models/qwen2.5-coder-7b-instruct-q5_k_m.gguf&ai/models/mistral-7b-v0.3-q4_0.gguf
&ai/models/phi-3-mini-4k-q8.gguf&ai/models/nomic-embed-text-v1.5.f16.gguf
&Downloads/llama-3.2-3b-instruct.Q4_K_M.gguf
what is the largest file on this disk?|hardware/raspberry/retropie_backup.img
where is the swimming code of the sunken temple hack?|romhacking/wip/sunken-temple/src/water_physics.asm
where did I put the Super Metroid disassembly?|src/sm_disassembly
show me the patches other people made&romhacking/patches-from-others/alttp-msu1-v3.ips
&romhacking/patches-from-others/sm-redux.bps&romhacking/patches-from-others/ct-plus.xdelta
&romhacking/patches-from-others/eb-restored.ups
which hacks have I not touched for more than two years?|romhacking/wip/yoshi-kaizo
do I have any save states for castlevania?|emu/mesen/SaveStates/castlevania_1.mss
what did I fine-tune last?|ai/finetunes/zora-dialogue-lora
|ai/finetunes/zora-dialogue-lora/adapter_model.safetensors
where is the training data for the zora dialogue?|ai/datasets/zora_dialogue.jsonl
where are the training logs?&ai/finetunes/runs/2025-asm-coder/train.log&ai/finetunes/runs/2025-zora/train.log
which python projects do I have?|src/spritebuddy
which emulators are installed?&emu/bsnes&emu/mesen&emu/retroarch
where is the newest release of Hookshot Heaven?|romhacking/released/Hookshot Heaven v1.2/HookshotHeaven.bps
|romhacking/released/Hookshot Heaven v1.2
are there files that exist twice?|Downloads/Mesen.AppImage|emu/mesen/Mesen.AppImage|src/dotfiles/nvim/init.lua
|.config/nvim/init.lua
which caches could I clear to free space?|.cache/huggingface|.cache/huggingface/hub|.cache|.cache/pip
my tax return of 2024|Documents/taxes/2024_return.pdf
where is the script that merges a LoRA into the base model?|ai/scripts/merge_adapter.py
half-finished downloads|Downloads/model.safetensors.part
do I own the Japanese version of zelda?|romhacking/base/Zelda no Densetsu (Japan).sfc
which tool do I use to apply BPS patches?|romhacking/tools/floating-ips/flips|romhacking/tools/floating-ips
|Downloads/flips-linux.zip
where are the Game Boy Advance games?&emu/roms/gba/Metroid Fusion (USA).gba&emu/roms/gba/Advance Wars (USA).gba
what did I work on this week?|romhacking/wip/sunken-temple|romhacking/wip/sunken-temple/main.asm
|romhacking/wip/sunken-temple/out/sunken.sfc|romhacking/wip/sunken-temple/src/water_physics.asm
the document about PPU timing|romhacking/docs/snes_ppu_timing.pdf
the music I wrote for my hack|Music/hack-ost|Music/hack-ost/lake_theme.spc|Music/hack-ost/boss_fight_draft.it
where are the pixel art sources of the zora?|Pictures/sprites/zora_guard.aseprite
videos bigger than 1 GB&Videos/speedrun_any_percent_pb.mkv&Videos/obs/2025-09-12 21-14-05.mkv
which backups are older than a year?&Backups/phone_2022.tar.gz&Backups/thunderbird.tar
which rust build output can be thrown away?|src/warpmap/target
where is the RAM map?|romhacking/docs/alttp_ram_map.csv
where is the system prompt for designing dungeons?|ai/prompts/dungeon_designer.txt
which LoRA adapters have I trained?&ai/finetunes/zora-dialogue-lora/adapter_model.safetensors
&ai/finetunes/asm-coder-lora/adapter_model.safetensors
the picture of the crash in Mesen|Pictures/Screenshots/mesen_crash.png
where do I keep the clean ROMs that I patch?|romhacking/base
which C++ project was about sound?|src/spc-player
which jupyter notebooks are there?&ai/notebooks/loss_curves.ipynb&ai/notebooks/tokenizer_play.ipynb
do I have unpushed commits anywhere?|src/spritebuddy
where is my Terranigma randomizer?|-
any photogrammetry scans of the cathedral?|-
the stable diffusion base model|ai/models/sdxl/sd_xl_base_1.0.safetensors
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_garage(root: Path) -> None:
    """Plant the home: 290 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(70):
        write_lines(root, f"src/hud-overlay/node_modules/{('vite', 'pixi', 'zod')[at % 3]}/lib/m{at}.js|900|1300|")
    for at in range(40):
        write_lines(root, f"Pictures/lan-party-2019/DSC_{at:04}.JPG|{3900000 + at}|2301|")
    for at in range(24):
        write_lines(root, f"src/z3dasm/bin/gfx_{at:02X}.bin|{2048 + at}|180|")
    for path in ("Downloads/Mesen.AppImage", "emu/mesen/Mesen.AppImage"):
        write_lines(root, f"{path}|90000000|150|ELF mesen")
    plant_git(root, "src/spritebuddy", "git@github.com:mika/spritebuddy.git", 15, ahead=1, open_files=0)
    plant_git(root, "src/warpmap", "https://github.com/mika/warpmap.git", 400, ahead=0, open_files=0)
    plant_git(root, "src/z3dasm", "https://github.com/mika/z3dasm.git", 180, ahead=0, open_files=0)
