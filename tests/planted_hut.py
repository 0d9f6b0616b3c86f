"""A home of somebody who starts much: the same hack in three places, prototypes, rented models, and a lot to tidy."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_hut"]

_FILES = r"""
Projects/crystal-caverns/src/caverns.asm|11000|2|; Crystal Caverns, Link's third quest\nlorom\n
Projects/crystal-caverns/src/ice_rod.asm|3900|3|; the ice rod freezes water\n
Projects/crystal-caverns/src/inventory/menu.asm|5200|12|; item menu\n
Projects/crystal-caverns/data/rooms/room_012.bin|512|20|
Projects/crystal-caverns/gfx/crystal_tiles.4bpp|16384|33|
Projects/crystal-caverns/build/crystal-caverns.sfc|2097152|2|CRYSTAL
Projects/crystal-caverns/Makefile|800|50|rom:\n
Projects/crystal-caverns/docs/design.md|4100|31|# Crystal Caverns\ntwelve dungeons\n
Projects/metroid-coop/coop.asm|6700|700|; two players in super metroid\n
Projects/metroid-coop/netcode.lua|5200|690|-- sends positions\n
Projects/metroid-coop/readme.txt|900|700|Super Metroid for two\n
Projects/rng-viewer/Cargo.toml|300|44|[package]\n
Projects/rng-viewer/src/main.rs|5100|44|fn main() {}\n
Projects/rng-viewer/target/release/rng-viewer|8800000|44|ELF
Projects/lua-scripts/hitboxes.lua|3100|130|-- draws hit boxes\n
Projects/lua-scripts/autosplit.lua|2900|640|-- splits\n
Projects/portfolio-site/package.json|500|200|{}
Projects/portfolio-site/src/index.tsx|2200|200|export {}\n
Projects/synth-plugin/CMakeLists.txt|700|1600|project(synth)\n
Projects/synth-plugin/src/osc.cpp|6600|1600|// oscillator\n
Projects/dialogue-gen/generate.py|5100|36|"makes lines for villagers"\n
Projects/dialogue-gen/requirements.txt|60|36|torch\n
Projects/dialogue-gen/.venv/pyvenv.cfg|80|80|home = /usr\n
Projects/dialogue-gen/.venv/lib/site.so|310000000|80|ELF
Projects/dialogue-gen/__pycache__/generate.cpython-311.pyc|9000|36|
ROM Hacking/ROMs/Legend of Zelda, The - A Link to the Past (USA).sfc|1048576|1900|
ROM Hacking/ROMs/Super Metroid (Japan, USA) (En,Ja).sfc|3145728|1900|
ROM Hacking/ROMs/Chrono Trigger (USA).sfc|4194304|1900|
ROM Hacking/ROMs/Final Fantasy III (USA).sfc|3145728|1900|
ROM Hacking/Patched/crystal-caverns-2026-06.sfc|2097152|150|
ROM Hacking/Patched/FF6 T-Edition.sfc|6291456|810|
ROM Hacking/Patches/T-Edition_EN.bps|2400000|811|BPS1
ROM Hacking/Patches/chrono-prophets-guile.ips|510000|1110|PATCH
ROM Hacking/Patches/sm-hyper.ips|880000|1200|PATCH
ROM Hacking/Editors/ZScream/ZScreamMagic.exe|4100000|500|MZ
ROM Hacking/Editors/SMILE RF/SMILE.exe|3100000|1200|MZ
ROM Hacking/Editors/yy-chr.net/YYCHR.exe|800000|900|MZ
ROM Hacking/Disassembly/usdasm/bank_00.asm|250000|600|; bank 0 of zelda 3\n
ROM Hacking/Disassembly/usdasm/bank_06.asm|240000|600|; sprites\n
ROM Hacking/Disassembly/usdasm/README.md|1500|600|# usdasm\nA Link to the Past (US), byte for byte\n
ROM Hacking/Disassembly/ct-disasm/ct_bank_c0.asm|310000|820|; chrono trigger\n
ROM Hacking/Disassembly/ct-disasm/ct_bank_c1.asm|300000|820|; battle\n
ROM Hacking/Notes/sprite ids.csv|8100|450|id,name\n09,Poe\n
ROM Hacking/Notes/compression formats.md|6200|470|# LZ2 and LZ3\n
ROM Hacking/Notes/spc engine commands.txt|4100|510|e0 instrument\n
Emulators/Mesen2.app/Contents/MacOS/Mesen|44000000|190|
Emulators/OpenEmu.app/Contents/MacOS/OpenEmu|39000000|1200|
Emulators/States/crystal boss room.mss|310000|2|
Emulators/States/super metroid ceres.mss|305000|690|
Emulators/Saves/crystal-caverns.srm|8192|2|
Emulators/Saves/Chrono Trigger (USA).srm|8192|1800|
AI/models/Meta-Llama-3.1-8B-Instruct-Q5_K_M.gguf|5730000000|350|GGUF
AI/models/Mistral-Nemo-12B-Q4_K_S.gguf|7100000000|260|GGUF
AI/models/TinyLlama-1.1B-Q8_0.gguf|1170000000|720|GGUF
AI/models/gemma-3-4b-it-Q4_0.gguf|2500000000|140|GGUF
AI/models/stable-diffusion-v1-5.ckpt|4270000000|1100|
AI/lora/villager-talk/adapter_model.safetensors|52000000|34|
AI/lora/villager-talk/training_log.txt|61000|34|epoch 1 loss 1.8\n
AI/lora/villager-talk/checkpoint-200/model.pt|104000000|35|
AI/lora/asm-explain/adapter_model.safetensors|58000000|240|
AI/lora/asm-explain/train.log|51000|240|epoch 1 loss 2.2\n
AI/lora/tileset-style/pytorch_lora_weights.safetensors|38000000|410|
AI/datasets/villager_lines.jsonl|2100000|38|{"text": "Nice weather"}\n
AI/datasets/asm_explained.jsonl|17000000|245|{"asm": "rep #$30", "says": "wide"}\n
AI/datasets/tiles_16x16.zip|230000000|415|PK
AI/datasets/wikipedia_subset.parquet|1900000000|530|PAR1
AI/experiments/2026-03 context length/results.csv|4100|240|n,score\n
AI/experiments/2026-03 context length/plot.png|91000|240|
AI/experiments/2026-08 temperature/results.csv|3900|90|n,score\n
AI/ComfyUI/main.py|9000|420|import torch\n
AI/ComfyUI/requirements.txt|200|420|torch\n
AI/ComfyUI/output/ComfyUI_00001_.png|1400000|412|
AI/ComfyUI/output/ComfyUI_00002_.png|1500000|411|
AI/prompts/quest_writer.md|2100|37|You write quests.\n
AI/prompts/commit_messages.md|700|170|Write a short subject.\n
Music/Compositions/crystal theme.mid|7000|27|MThd
Music/Compositions/crystal theme.flp|410000|26|FLhd
Music/Compositions/crystal theme master.wav|61000000|25|RIFF
Music/SPC/Super Metroid/Brinstar.spc|66048|1700|SNES-SPC700
Music/SPC/Chrono Trigger/Corridors of Time.spc|66048|1700|SNES-SPC700
Music/Library/Nobuo Uematsu - One-Winged Angel.m4a|9100000|1500|
Pictures/Screenshots/Screenshot 2026-11-19 at 21.14.02.png|410000|2|
Pictures/Screenshots/Screenshot 2026-05-02 at 10.02.11.png|390000|203|
Pictures/Pixel Art/ice_rod_icon.aseprite|9000|15|
Pictures/Pixel Art/overworld mockup.psd|21000000|64|8BPS
Pictures/Photos/2023 Kyoto/IMG_5001.HEIC|2400000|1120|
Pictures/Photos/2023 Kyoto/IMG_5002.HEIC|2400001|1120|
Pictures/Photos/cat/mochi asleep.jpg|1900000|400|
Movies/crystal caverns teaser.mov|410000000|10|
Movies/OBS/2026-11-15 20-00-12.mkv|6100000000|6|
Movies/OBS/2025-12-24 18-30-00.mkv|4400000000|332|
Movies/tutorials/65816 basics part 1.mp4|300000000|1300|
Documents/Finance/taxes 2025.pdf|420000|200|%PDF
Documents/Finance/taxes 2023.pdf|410000|940|%PDF
Documents/Finance/rent contract.pdf|300000|1400|%PDF
Documents/Work/resume_2026.docx|41000|80|PK
Documents/Work/cover letter insomniac.docx|22000|78|PK
Documents/Books/Programming the 65816.pdf|22000000|1500|%PDF
Documents/Books/Game Feel.epub|9000000|1400|PK
Documents/Recipes/okonomiyaki.txt|900|300|cabbage, batter\n
Documents/Journal/2026-10.md|5100|40|October\nMochi broke a mug.\n
Documents/Journal/2026-11.md|3900|1|November\n
Documents/wedding speech draft.docx|19000|520|PK
Documents/beta testers.xlsx|14000|18|PK
Documents/untitled.txt|0|300|
Downloads/gemma-3-4b-it-Q4_0.gguf|2500000000|140|GGUF
Downloads/Mesen2-macos.zip|44000000|190|PK
Downloads/debian-12.7.0-netinst.iso|660000000|430|
Downloads/Xcode_16.xip|3300000000|410|
Downloads/soundfont-collection.torrent|41000|700|d8:
Downloads/Unconfirmed 88231.crdownload|710000000|66|
Downloads/Another Metroid 2 Remake.zip|81000000|1500|PK
Downloads/z3-tracker-master.zip|3100000|260|PK
Backups/crystal-caverns 2026-01/src/caverns.asm|8000|320|; Crystal Caverns, early\n
Backups/crystal-caverns 2026-01/src/ice_rod.asm|3900|3|; the ice rod freezes water\n
Backups/iphone-2024.tar|31000000000|780|
Backups/notes-export.zip|9000000|360|PK
Dropbox/crystal-caverns/src/caverns.asm|9500|190|; Crystal Caverns, mid\n
Dropbox/crystal-caverns/Makefile|800|190|rom:\n
Dropbox/shared with Ana/dungeon map 7.png|610000|29|
Dropbox/shared with Ana/boss ideas.docx|18000|29|PK
Library/Caches/com.apple.Safari/cache.db|210000000|1|
Library/Caches/Homebrew/downloads/llvm.tar.gz|900000000|160|
Library/Application Support/Steam/steamapps/common/Celeste/Celeste.exe|1100000000|600|
.cache/huggingface/hub/models--runwayml--sd/blobs/ff00|4270000000|1100|
.ollama/models/blobs/sha256-aa01|4700000000|120|GGUF
.npm/_cacache/index/1|31000000|200|
.zshrc|1100|70|alias r=rg\n
"""

_QUESTIONS = """
Where are my ROM hacks?|Projects|Projects/crystal-caverns|ROM Hacking/Patched|ROM Hacking|Projects/metroid-coop
Which project is scattered over several folders?|Projects/crystal-caverns|Dropbox/crystal-caverns
What are the five biggest files?&Backups/iphone-2024.tar&AI/models/Mistral-Nemo-12B-Q4_K_S.gguf\
&Movies/OBS/2026-11-15 20-00-12.mkv&AI/models/Meta-Llama-3.1-8B-Instruct-Q5_K_M.gguf
Which folders can be regenerated by tools and deleted safely?|Projects/dialogue-gen/.venv|Library/Caches\
|.cache|Projects/rng-viewer/target|.npm
Where is the Final Fantasy VI disassembly?|-
Where is my Chrono Trigger disassembly?|ROM Hacking/Disassembly/ct-disasm
Which ROM did I patch with T-Edition?|ROM Hacking/Patched/FF6 T-Edition.sfc
What language models do I keep locally?|AI/models
Smallest gguf model|AI/models/TinyLlama-1.1B-Q8_0.gguf
Training data used for the villager LoRA|AI/datasets/villager_lines.jsonl
Loss logs of asm-explain|AI/lora/asm-explain/train.log
Which of my projects have been dead for more than a year?|Projects/metroid-coop|Projects/synth-plugin
The teaser video|Movies/crystal caverns teaser.mov
I need the ice rod icon|Pictures/Pixel Art/ice_rod_icon.aseprite
Where do I keep information about compression?|ROM Hacking/Notes/compression formats.md
Sprite id table|ROM Hacking/Notes/sprite ids.csv
Show SPC files from Super Metroid|Music/SPC/Super Metroid/Brinstar.spc
Is there a level editor for Super Metroid?|ROM Hacking/Editors/SMILE RF|ROM Hacking/Editors/SMILE RF/SMILE.exe
Is there a zelda editor installed?|ROM Hacking/Editors/ZScream|ROM Hacking/Editors/ZScream/ZScreamMagic.exe
Which lua scripts draw hitboxes?|Projects/lua-scripts/hitboxes.lua
The plugin I wrote in C++ for making sounds|Projects/synth-plugin
What did I download but not finish?|Downloads/Unconfirmed 88231.crdownload
Linux installer image|Downloads/debian-12.7.0-netinst.iso
Most recent save state|Emulators/States/crystal boss room.mss
Newest screenshot|Pictures/Screenshots/Screenshot 2026-11-19 at 21.14.02.png
Files I share with Ana|Dropbox/shared with Ana|Dropbox/shared with Ana/boss ideas.docx
List of people who test my hack|Documents/beta testers.xlsx
Pictures of my cat Mochi|Pictures/Photos/cat/mochi asleep.jpg|Pictures/Photos/cat
images generated by ComfyUI&AI/ComfyUI/output/ComfyUI_00001_.png&AI/ComfyUI/output/ComfyUI_00002_.png
Experiments about temperature|AI/experiments/2026-08 temperature
my most recent resume|Documents/Work/resume_2026.docx
duplicate models|AI/models/gemma-3-4b-it-Q4_0.gguf|Downloads/gemma-3-4b-it-Q4_0.gguf
empty files|Documents/untitled.txt
Backups older than two years|Backups/iphone-2024.tar
Japan trip photos|Pictures/Photos/2023 Kyoto|Pictures/Photos/2023 Kyoto/IMG_5001.HEIC
where is the makefile of crystal caverns|Projects/crystal-caverns/Makefile
diary of october|Documents/Journal/2026-10.md
Which repositories lack a remote?|Projects/crystal-caverns
My Gregorian chant transcriptions|-
the tractor repair handbook|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_hut(root: Path) -> None:
    """Plant the home: 240 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(60):
        write_lines(root, f"Projects/portfolio-site/node_modules/{('react', 'vite', 'zod')[at % 3]}/m{at}.js|800|200|")
    for at in range(30):
        write_lines(root, f"Pictures/Photos/2023 Kyoto/IMG_{5003 + at}.HEIC|{2300000 + at}|1119|")
    for path in ("Downloads/gemma-3-4b-it-Q4_0.gguf", "AI/models/gemma-3-4b-it-Q4_0.gguf"):
        write_lines(root, f"{path}|25000000|140|GGUF gemma")
    plant_git(root, "Projects/crystal-caverns", "", 2, ahead=0, open_files=2)
    plant_git(root, "Projects/rng-viewer", "https://github.com/kim/rng-viewer.git", 44, ahead=0, open_files=0)
