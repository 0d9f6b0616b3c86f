"""A home that was never tidied: dated folders, dumps, mods of three games, training at night, and papers in between."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_barn"]

_FILES = r"""
mods/lttp/shadow-sanctuary/sanctuary.asm|9900|1|; Shadow Sanctuary\nlorom\n
mods/lttp/shadow-sanctuary/hooks.asm|5100|2|; hooks into the sprite loop\n
mods/lttp/shadow-sanctuary/music/organ.txt|2100|16|; organ tune\n
mods/lttp/shadow-sanctuary/release/ShadowSanctuary-0.9.bps|95000|1|BPS1
mods/lttp/shadow-sanctuary/release/ShadowSanctuary-0.8.bps|90000|45|BPS1
mods/lttp/shadow-sanctuary/PLAYTEST.md|1900|3|# Playtest\nthe third boss is too hard\n
mods/lttp/enemizer-fork/Enemizer.sln|900|1500|Microsoft\n
mods/lttp/enemizer-fork/EnemizerLibrary/Randomizer.cs|14000|1500|class Randomizer {}\n
mods/metroid/ridley-returns/ridley.asm|7700|520|; ridley fights twice\n
mods/metroid/ridley-returns/ridley.sfc|3145728|520|RIDLEY
mods/metroid/ridley-returns/escape_timer.asm|1400|525|; three minutes\n
mods/ff6/magicite-balance/balance.py|4100|880|"changes magicite"\n
mods/ff6/magicite-balance/magicite.csv|2600|880|name,cost\n
mods/ff6/magicite-balance/ff6_balanced.smc|3146240|880|FF6
dumps/sfc/Zelda 3 US.sfc|1048576|2300|
dumps/sfc/Super Metroid US.sfc|3145728|2300|
dumps/sfc/FF6 US.smc|3146240|2300|
dumps/sfc/Yoshi's Island US.sfc|2097152|2300|
dumps/gb/Wario Land.gb|524288|2300|
dumps/gb/Zelda DX.gbc|1048576|2300|
dumps/own carts/link_awakening_my_cart.sav|8192|1200|
dumps/own carts/pokemon_gold_my_cart.gbc|2097152|1200|
asm-study/day1_hello/hello.asm|400|1000|; hello\n
asm-study/day2_dma/dma.asm|900|999|; moves a tilemap by dma\n
asm-study/day3_hdma/gradient.asm|1200|998|; a sky with a gradient\n
asm-study/Makefile|300|998|all:\n
tools/bin/asar|900000|350|ELF
tools/bin/wla-65816|500000|900|ELF
tools/bin/superfamiconv|800000|340|ELF
tools/zscream-linux/ZScream|3300000|170|ELF
tools/bsnes-plus/bsnes|6400000|640|ELF
tools/bsnes-plus/sanctuary-1.bst|310000|1|
tools/mame/mame|310000000|730|ELF
tools/scripts/rename_dumps.sh|700|1300|#!/bin/sh\n
tools/scripts/make_ips.py|1500|530|"makes an ips"\n
tools/scripts/checksum_fix.py|900|200|"repairs the checksum in the header"\n
papers/attention_is_all_you_need.pdf|2200000|900|%PDF
papers/lora_low_rank_adaptation.pdf|1600000|700|%PDF
papers/wavefunction_collapse_levels.pdf|3100000|420|%PDF
papers/snes/snes_memory_mapping.pdf|900000|1100|%PDF
papers/snes/superfx_gsu_manual.pdf|5100000|1150|%PDF
papers/to-read.md|700|8|- wavefunction collapse\n
nn/weights/Phi-4-mini-Q6_K.gguf|3200000000|95|GGUF
nn/weights/granite-3.1-8b-Q4_K_M.gguf|4900000000|310|GGUF
nn/weights/olmo-2-7b-Q8_0.gguf|7700000000|205|GGUF
nn/weights/olmo-2-7b-Q4_K_M.gguf|4400000000|205|GGUF
nn/weights/kokoro-tts.onnx|330000000|88|
nn/weights/yolov8n.pt|6500000|600|
nn/finetunes/shopkeeper/2026-10-02/adapter_model.safetensors|71000000|50|
nn/finetunes/shopkeeper/2026-11-10/adapter_model.safetensors|71000001|11|
nn/finetunes/shopkeeper/2026-11-10/eval.json|4000|11|{"score": 0.8}
nn/finetunes/opcode-tutor/2026-05-20/adapter_model.safetensors|83000000|185|
nn/finetunes/opcode-tutor/2026-05-20/loss.csv|9000|185|step,loss
nn/corpus/shopkeeper_lines.jsonl|1900000|53|{"line": "Buy something"}\n
nn/corpus/opcode_tutor_pairs.jsonl|12000000|190|{"q": "What does XBA do"}\n
nn/corpus/forum_dump_2024.jsonl|880000000|600|{"post": "hi"}\n
nn/corpus/raw/romhacking_wiki.xml.bz2|410000000|610|BZh
nn/train/sft.py|7100|54|import torch\n
nn/train/configs/shopkeeper.yaml|900|52|rank: 16\n
nn/train/configs/opcode.yaml|900|188|rank: 32\n
nn/train/logs/2026-11-10.log|210000|11|step 1 loss 2\n
nn/train/logs/2026-05-20.log|200000|185|step 1 loss 2\n
nn/serve/start_llama.sh|300|94|#!/bin/sh\nllama-server -m x\n
nn/serve/openwebui-compose.yaml|1100|92|services:\n
nn/bench/tokens_per_second.md|1800|93|# Speed\nolmo 41, granite 38\n
www/blog/hugo.toml|500|65|title = "blog"\n
www/blog/content/posts/how-i-patch.md|6100|66|# How I patch\n
www/blog/content/posts/my-first-lora.md|5200|180|# My first LoRA\n
www/blog/public/index.html|9000|65|<html>
www/guestbook-php/index.php|2900|2900|<?php echo 1;\n
lab/esp32-cartridge-reader/src/main.cpp|7100|370|// reads carts\n
lab/esp32-cartridge-reader/platformio.ini|400|370|[env]\n
lab/esp32-cartridge-reader/board/reader.kicad_pcb|310000|372|
lab/pico-snes-pad/main.py|2100|240|from machine import Pin\n
lab/3dprints/cart_case.stl|900000|410|
lab/3dprints/cart_case.gcode|6100000|410|
2024-03 laptop rescue/Desktop/notes.txt|2000|970|old notes\n
2024-03 laptop rescue/Desktop/zelda fan novel.odt|91000|1800|
2024-03 laptop rescue/Pictures/prom.jpg|3100000|4000|
2024-03 laptop rescue/Projects/qt-hexviewer/hexviewer.pro|600|3300|TEMPLATE=app\n
2024-03 laptop rescue/Projects/qt-hexviewer/main.cpp|5100|3300|int main() {}\n
2024-03 laptop rescue/disk.img|64000000000|970|
screens/2026-11/sanctuary_altar.png|91000|2|
screens/2026-11/sanctuary_boss3.png|95000|3|
screens/2026-05/ff6 battle glitch.png|88000|190|
rec/sanctuary_playtest_ben.mp4|1200000000|3|
rec/ridley_fight.webm|91000000|521|
rec/band rehearsal.wav|610000000|820|
art/altar_tiles.ase|14000|19|
art/ben_portrait.kra|8100000|23|
art/logo sanctuary.svg|41000|28|
art/brushes/inkwash.abr|2100000|1400|
tunes/organ_v3.mmpz|180000|15|
tunes/organ_v3.ogg|4100000|15|
tunes/jukebox/Yasunori Mitsuda - Scars of Time.flac|34000000|1900|
tunes/jukebox/Koji Kondo - Dark World.mp3|5100000|1900|
paper/2026/electricity_bill_march.pdf|88000|240|%PDF
paper/2026/dentist_invoice.pdf|61000|130|%PDF
paper/2025/tax_assessment.pdf|310000|420|%PDF
paper/flat/lease_2023.pdf|510000|1150|%PDF
paper/flat/landlord_phone.txt|80|1150|555\n
paper/job/cv_english.pdf|140000|95|%PDF
paper/job/cv_deutsch.pdf|141000|95|%PDF
paper/travel/japan_itinerary_2027.ods|21000|14|PK
paper/cooking/grandmas dumplings.md|1200|700|# Dumplings\n
paper/keys.kdbx|4100|33|
inbox/ShadowSanctuary-0.9.bps|95000|1|BPS1
inbox/granite-3.1-8b-Q4_K_M.gguf|4900000000|310|GGUF
inbox/kubuntu-25.10-desktop.iso|4600000000|55|
inbox/vs_buildtools.exe|4100000|150|MZ
inbox/Metroid - Rogue Dawn.ips|310000|260|PATCH
inbox/scan0007.pdf|900000|77|%PDF
inbox/part3.rar.part|510000000|81|
inbox/yume-nikki.zip|71000000|1250|PK
vault/monthly-2026-10.tar.zst|22000000000|35|
vault/monthly-2026-04.tar.zst|19000000000|215|
vault/shadow-sanctuary-june/sanctuary.asm|8100|160|; Shadow Sanctuary, june\n
vault/shadow-sanctuary-june/hooks.asm|5000|165|; hooks\n
.cache/pip/wheels/aa/torch.whl|780000000|200|PK
.cache/mesa_shader_cache/index|9000000|4|
.local/share/lutris/games/celeste.yml|900|300|game\n
.config/kitty/kitty.conf|2100|210|font_size 12\n
.config/helix/config.toml|900|20|theme = "x"\n
"""

_QUESTIONS = """
where are my ROM hacks?|mods|mods/lttp|mods/lttp/shadow-sanctuary
current release of shadow sanctuary|mods/lttp/shadow-sanctuary/release/ShadowSanctuary-0.9.bps\
|mods/lttp/shadow-sanctuary/release
did anyone playtest my hack? where's the feedback|mods/lttp/shadow-sanctuary/PLAYTEST.md
|rec/sanctuary_playtest_ben.mp4
which of my metroid hacks has an escape timer|mods/metroid/ridley-returns
|mods/metroid/ridley-returns/escape_timer.asm
unmodified ROM of Super Metroid|dumps/sfc/Super Metroid US.sfc
roms with a copier header&dumps/sfc/FF6 US.smc&mods/ff6/magicite-balance/ff6_balanced.smc
dumps I made from my own cartridges|dumps/own carts|dumps/own carts/pokemon_gold_my_cart.gbc
where did I learn about HDMA, some gradient example|asm-study/day3_hdma|asm-study/day3_hdma/gradient.asm
script to repair the checksum|tools/scripts/checksum_fix.py
which assemblers do I have installed?|tools/bin/asar|tools/bin/wla-65816
paper on LoRA|papers/lora_low_rank_adaptation.pdf
super fx manual|papers/snes/superfx_gsu_manual.pdf
biggest language model|nn/weights/olmo-2-7b-Q8_0.gguf
both quantizations of olmo&nn/weights/olmo-2-7b-Q8_0.gguf&nn/weights/olmo-2-7b-Q4_K_M.gguf
a model for text to speech|nn/weights/kokoro-tts.onnx
latest version of the shopkeeper adapter|nn/finetunes/shopkeeper/2026-11-10/adapter_model.safetensors\
|nn/finetunes/shopkeeper/2026-11-10
what was the opcode tutor trained on?|nn/corpus/opcode_tutor_pairs.jsonl
training config for the shopkeeper|nn/train/configs/shopkeeper.yaml
how fast are my models? I measured tokens per second|nn/bench/tokens_per_second.md
the training log of may|nn/train/logs/2026-05-20.log
blog post about my first LoRA|www/blog/content/posts/my-first-lora.md
old PHP site|www/guestbook-php|www/guestbook-php/index.php
microcontroller projects|lab|lab/esp32-cartridge-reader|lab/pico-snes-pad
3D print files of the cartridge case&lab/3dprints/cart_case.stl&lab/3dprints/cart_case.gcode
what takes the most space?|2024-03 laptop rescue/disk.img|vault|2024-03 laptop rescue
novel I wrote about zelda|2024-03 laptop rescue/Desktop/zelda fan novel.odt
screenshots from this month|screens/2026-11|screens/2026-11/sanctuary_altar.png
video of the playtest|rec/sanctuary_playtest_ben.mp4
krita painting of Ben|art/ben_portrait.kra
organ music for the sanctuary|tunes/organ_v3.ogg|tunes/organ_v3.mmpz|mods/lttp/shadow-sanctuary/music/organ.txt
rental agreement|paper/flat/lease_2023.pdf
electricity bill|paper/2026/electricity_bill_march.pdf
plan for the trip to Japan|paper/travel/japan_itinerary_2027.ods
which files in inbox exist elsewhere too?|inbox/granite-3.1-8b-Q4_K_M.gguf|inbox/ShadowSanctuary-0.9.bps
projects untouched since 2019|2024-03 laptop rescue/Projects/qt-hexviewer|www/guestbook-php
monthly backups&vault/monthly-2026-10.tar.zst&vault/monthly-2026-04.tar.zst
window settings of my terminal kitty|.config/kitty/kitty.conf|.config/kitty
where is the sheet music for the tuba?|-
my skydiving certificate|-
any hack of Super Mario Kart?|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_barn(root: Path) -> None:
    """Plant the home: 170 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(40):
        write_lines(root, f"2024-03 laptop rescue/Pictures/2016/P10{at:02}.JPG|{3100000 + at}|3700|")
    for path in ("inbox/granite-3.1-8b-Q4_K_M.gguf", "nn/weights/granite-3.1-8b-Q4_K_M.gguf"):
        write_lines(root, f"{path}|49000000|310|GGUF granite")
    for path in ("inbox/ShadowSanctuary-0.9.bps", "mods/lttp/shadow-sanctuary/release/ShadowSanctuary-0.9.bps"):
        write_lines(root, f"{path}|95000|1|BPS1 sanctuary")
    plant_git(root, "mods/lttp/shadow-sanctuary", "git@codeberg.org:vi/sanctuary.git", 1, ahead=1, open_files=0)
    plant_git(root, "www/blog", "https://github.com/vi/blog.git", 65, ahead=0, open_files=0)
