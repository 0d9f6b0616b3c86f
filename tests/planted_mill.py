"""A home of a speedrunner who writes tools: few words in names, many dates, and what was made for each run."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_mill"]

_FILES = r"""
runs/2026/2026-11-14_any_percent.mkv|5100000000|7|
runs/2026/2026-10-30_100_percent.mkv|9800000000|22|
runs/2025/2025-07-04_low_percent.mkv|3100000000|505|
runs/splits/alttp_any.lss|21000|7|<Run>
runs/splits/sm_100.lss|24000|60|<Run>
runs/notes/desert palace skip.md|2100|12|# Skip\nclip through the statue\n
runs/notes/mother brain setup.md|1900|70|# Setup\n
practice/hack/practice.asm|14000|14|; practice hack of A Link to the Past\nlorom\n
practice/hack/menu.asm|9100|15|; menu of rooms\n
practice/hack/timer.asm|3100|90|; shows frames\n
practice/hack/build.py|1100|80|"builds"\n
practice/hack/dist/practice-1.4.bps|31000|14|BPS1
practice/hack/dist/practice-1.3.bps|30000|160|BPS1
practice/hack/CHANGELOG.md|1500|14|# 1.4\nroom menu\n
practice/roms/alttp_practice.sfc|2097152|14|PRACTICE
practice/states/agahnim.mss|300000|20|
practice/states/ganon.mss|300000|21|
practice/states/ridley.mss|300000|75|
hacks/mirror-world/mirror.asm|8100|200|; everything is mirrored\n
hacks/mirror-world/sprites.asm|7100|230|; mirrored sprites\n
hacks/mirror-world/mirror_world.smc|1049088|200|MIRROR
hacks/boss-rush/rush.asm|5100|980|; only bosses\n
hacks/boss-rush/order.txt|200|980|helmasaur\n
hacks/_finished/tiny-quest/tiny_quest_final.ips|8100|1400|PATCH
base/alttp_us.sfc|1048576|2000|
base/alttp_jp10.sfc|1048576|2001|
base/sm.sfc|3145728|2002|
base/metroid_fusion.gba|8388608|2003|
ref/alttp-disasm/bank_02.asm|210000|400|; bank 2\n
ref/alttp-disasm/bank_1D.asm|220000|400|; sprites of bosses\n
ref/sm-disasm/bank_82.asm|310000|405|; bank 82\n
ref/sm-disasm/bank_90.asm|320000|405|; samus\n
ref/enemy_hp.csv|4100|300|enemy,hp\n
ref/frame_rules.pdf|310000|310|%PDF
ref/controller_protocol.txt|2100|800|latch, clock\n
tools/inputviewer/CMakeLists.txt|300|33|project(iv)\n
tools/inputviewer/main.cpp|7100|33|int main() {}\n
tools/inputviewer/build/inputviewer|900000|33|ELF
tools/autosplitter/alttp.asl|5100|65|state("snes9x") {}\n
tools/route-solver/Cargo.toml|200|290|[package]\n
tools/route-solver/src/solve.rs|11000|290|fn solve() {}\n
tools/route-solver/target/release/solve|6100000|290|ELF
tools/lag-counter/lag.lua|2100|600|-- counts lag\n
tools/tas/ganon_fight.lsmv|91000|130|PK
tools/obs-overlay/package.json|300|170|{}
tools/obs-overlay/overlay.js|2900|170|export {}\n
emu/snes9x-rr/snes9x|5100000|900|ELF
emu/bizhawk-2.10/EmuHawk.exe|9100000|410|MZ
emu/lsnes/lsnes|7100000|1500|ELF
ai/commentator/train.py|6100|42|import torch\n
ai/commentator/data/casts.jsonl|5100000|47|{"cast": "what a clip"}\n
ai/commentator/data/casts_clean.jsonl|4300000|45|{"cast": "what a clip"}\n
ai/commentator/out/lora_r8/adapter_model.safetensors|31000000|41|
ai/commentator/out/lora_r32/adapter_model.safetensors|120000000|40|
ai/commentator/out/train_r8.log|31000|41|loss 1.3\n
ai/commentator/out/train_r32.log|33000|40|loss 1.1\n
ai/models/llama-3.2-3b-instruct-q6_k.gguf|2600000000|43|GGUF
ai/models/qwen2.5-14b-instruct-q4_k_m.gguf|9000000000|250|GGUF
ai/models/piper-en-joe.onnx|63000000|240|
ai/models/all-minilm-l6-v2.safetensors|91000000|260|
ai/pose-detector/weights/last.pt|14000000|720|
ai/pose-detector/detect.ipynb|310000|720|{"cells": []}
stream/emotes/hype.png|9100|220|
stream/emotes/sad_link.png|9200|222|
stream/alerts/follow.wav|410000|350|RIFF
stream/overlay_2026.psd|31000000|140|8BPS
stream/schedule.ods|11000|9|PK
stream/vod_titles.txt|3100|8|Any% grind\n
sound/remix/dark_world_lofi.flac|31000000|110|fLaC
sound/remix/dark_world_lofi.als|1100000|111|
sound/spc/light_world.spc|66048|1900|SNES-SPC700
life/rent/lease.pdf|310000|900|%PDF
life/rent/deposit_receipt.pdf|61000|905|%PDF
life/taxes/2025/return.pdf|410000|230|%PDF
life/taxes/2024/return.pdf|400000|590|%PDF
life/health/vaccination.pdf|91000|1100|%PDF
life/job/resume.docx|31000|150|PK
life/bike/invoice_gravel_bike.pdf|71000|380|%PDF
life/family/grandpa_80.mov|2100000000|660|
life/family/tree.svg|51000|640|
life/recipes/chili.txt|900|770|beans\n
dl/retroarch.7z|180000000|410|7z
dl/arch-2026.11.01.iso|1200000000|19|
dl/alttp_vt_rando_seed.bps|41000|17|BPS1
dl/qwen2.5-14b-instruct-q4_k_m.gguf|9000000000|250|GGUF
dl/gdq_2024_finale.mp4|2900000000|480|
dl/unfinished.zip.part|91000000|77|
bak/home_2025-01.tar.gz|33000000000|690|
bak/home_2026-07.tar.gz|36000000000|130|
bak/practice_2026-02/practice.asm|11000|290|; practice hack\n
bak/practice_2026-02/timer.asm|3100|90|; shows frames\n
.cache/yarn/v6/a.tgz|61000000|170|
.cache/huggingface/hub/q|90000000|43|
.config/obs-studio/basic/scenes/run.json|21000|6|{}
"""

_QUESTIONS = """
Where are my ROM hacks?|hacks|hacks/mirror-world|practice/hack
where is the practice hack|practice/hack|practice
latest patch of the practice hack|practice/hack/dist/practice-1.4.bps
my last any% run|runs/2026/2026-11-14_any_percent.mkv
runs from 2025|runs/2025|runs/2025/2025-07-04_low_percent.mkv
splits for super metroid|runs/splits/sm_100.lss
how does the desert palace skip work|runs/notes/desert palace skip.md
save state before Agahnim|practice/states/agahnim.mss
Japanese link to the past rom|base/alttp_jp10.sfc
disassembly of super metroid|ref/sm-disasm
where are bosses in the alttp disassembly?|ref/alttp-disasm/bank_1D.asm|ref/alttp-disasm
hit points of enemies|ref/enemy_hp.csv
which hack mirrors everything|hacks/mirror-world|hacks/mirror-world/mirror.asm
hacks older than 2 years|hacks/boss-rush|hacks/_finished/tiny-quest|hacks/_finished/tiny-quest/tiny_quest_final.ips
my c++ tools|tools/inputviewer
lua script that counts lag|tools/lag-counter/lag.lua|tools/lag-counter
what does the controller send? I have a text on its protocol|ref/controller_protocol.txt
emulators for TAS work|emu/lsnes|emu/bizhawk-2.10|emu
rank 32 LoRA|ai/commentator/out/lora_r32/adapter_model.safetensors|ai/commentator/out/lora_r32
cleaned dataset of the commentator|ai/commentator/data/casts_clean.jsonl
logs of both commentator trainings&ai/commentator/out/train_r8.log&ai/commentator/out/train_r32.log
models over 2 gigs&ai/models/llama-3.2-3b-instruct-q6_k.gguf
text to speech voice|ai/models/piper-en-joe.onnx
sentence embeddings model|ai/models/all-minilm-l6-v2.safetensors
the notebook I used for pose detection|ai/pose-detector/detect.ipynb
which ai project did I abandon|ai/pose-detector
duplicates in dl|dl/qwen2.5-14b-instruct-q4_k_m.gguf
three biggest files&bak/home_2026-07.tar.gz&bak/home_2025-01.tar.gz&runs/2026/2026-10-30_100_percent.mkv
streaming schedule|stream/schedule.ods
my twitch emotes|stream/emotes|stream/emotes/hype.png
photoshop file of the overlay|stream/overlay_2026.psd
lofi remix of the dark world|sound/remix/dark_world_lofi.flac
tax return for 2025|life/taxes/2025/return.pdf
video of grandpa's birthday|life/family/grandpa_80.mov
receipt for the bike|life/bike/invoice_gravel_bike.pdf
randomizer seed I downloaded|dl/alttp_vt_rando_seed.bps
newest full backup of my home|bak/home_2026-07.tar.gz
any knitting machine firmware?|-
letters from the tax lawyer in Boston|-
Illusion of Gaia hack|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_mill(root: Path) -> None:
    """Plant the home: 95 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for path in ("dl/qwen2.5-14b-instruct-q4_k_m.gguf", "ai/models/qwen2.5-14b-instruct-q4_k_m.gguf"):
        write_lines(root, f"{path}|90000000|250|GGUF qwen")
    plant_git(root, "practice/hack", "https://github.com/zo/practice.git", 14, ahead=1, open_files=0)
