"""A home with an old computer's disk and a server in it, for tests, and forty questions."""

from pathlib import Path

from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_cellar"]

_FILES = r"""
0_INBOX/scan0001.pdf|204800|3|
0_INBOX/IMG_0042.png|921600|2|
0_INBOX/aaa.zip|307200|1|
0_INBOX/note to self.txt|19|1|call the print shop
hobby/snes/projects/ffvi-hardtype/bosses.asm|20|21|; boss stats doubled
hobby/snes/projects/ffvi-hardtype/ai_scripts.asm|12|22|; monster ai
hobby/snes/projects/ffvi-hardtype/items.csv|7|70|id,name
hobby/snes/projects/ffvi-hardtype/assemble.sh|15|90|asar bosses.asm
hobby/snes/projects/ffvi-hardtype/ffvi_hardtype_b7.smc|3072000|21|
hobby/snes/projects/chrono-color/palettes.asm|15|390|; recolor Crono
hobby/snes/projects/chrono-color/colors.pal|1024|391|
hobby/snes/projects/chrono-color/chrono-color.ips|20480|389|
hobby/snes/projects/Oracle-fan/Oracle_main.asm|13|1|; fan chapter
hobby/snes/projects/Oracle-fan/dungeons/d1.asm|4|1|; d1
hobby/snes/projects/Oracle-fan/.git/HEAD|24|1|ref: refs/heads/dungeon1
hobby/snes/projects/Oracle-fan/.git/config|57|1|[remote "origin"]\nurl = git@example.org:me/oracle-fan.git
hobby/snes/projects/dkc-coins (dead)/coins.asm|13|1700|; count coins
hobby/snes/projects/dkc-coins (dead)/ideas.txt|7|1710|bananas
hobby/snes/rips/graphics/crono_sprites.png|61440|395|
hobby/snes/rips/graphics/terra_portrait.bmp|40960|800|
hobby/snes/rips/graphics/kraid.4bpp|16384|805|
hobby/snes/rips/sound/samus_fanfare.brr|3072|640|
hobby/snes/rips/sound/zelda_secret.wav|51200|640|
hobby/snes/reference/snes_registers.html|15|1100|<p>INIDISP 2100
hobby/snes/reference/asar_commands.pdf|307200|390|
hobby/snes/reference/ff6_memory_map.txt|22|395|7E:1600 character data
hobby/snes/reference/brr format.txt|13|640|9 byte blocks
hobby/snes/disassemblies/ff6/c0.asm|7|410|; field
hobby/snes/disassemblies/ff6/c1.asm|8|410|; btlgfx
hobby/snes/disassemblies/ff6/c2.asm|8|411|; battle
hobby/snes/disassemblies/ff6/README.md|15|410|ff6 disassembly
hobby/snes/disassemblies/yi/sprites.asm|9|900|; shy guy
hobby/snes/disassemblies/yi/levels.asm|12|900|; level data
hobby/snes/flashcart/firmware_1.11.bin|512000|270|
hobby/snes/flashcart/sd2snes_settings.yml|12|15|region: auto
hobby/snes/flashcart/saves/ff6.srm|8192|19|
hobby/snes/flashcart/saves/crono.srm|8192|300|
hobby/snes/cover art/ff6_box_front.tif|2560000|1400|
hobby/snes/cover art/dkc_box.jpg|512000|1400|
hobby/electronics/snes-usb-adapter/firmware.ino|15|530|void setup() {}
hobby/electronics/snes-usb-adapter/schematic.fzz|92160|535|
hobby/electronics/snes-usb-adapter/bom.xlsx|10240|533|
hobby/godot/slime-shooter/project.godot|16|250|config_version=5
hobby/godot/slime-shooter/main.tscn|10|250|[gd_scene]
hobby/godot/slime-shooter/slime.gd|14|249|extends Node2D
hobby/pico8/moonrunner.p8|30720|330|
hobby/pico8/tetra.p8|28672|1000|
roms_backup_hdd/SFC/Final Fantasy VI (J).sfc|3072000|2200|
roms_backup_hdd/SFC/Donkey Kong Country (U).smc|4096000|2200|
roms_backup_hdd/SFC/Super Metroid (E).sfc|3072000|2200|
roms_backup_hdd/SFC/Terranigma (E).smc|4096000|2200|
roms_backup_hdd/FC/Kirby.nes|786432|2200|
roms_backup_hdd/FC/Zelda II.nes|262144|2200|
roms_backup_hdd/MD/Shining Force.md|1|2200|x
roms_backup_hdd/MD/Ristar.gen|2048000|2200|
srv/ollama/models/blobs/sha256-aaa|12288000|140|
srv/ollama/models/blobs/sha256-bbb|6144000|300|
srv/llama.cpp/main.cpp|8|180|int main
srv/llama.cpp/ggml.c|7|180|// ggml
srv/llama.cpp/CMakeLists.txt|14|180|project(llama)
srv/llama.cpp/models/Qwen2.5-7B-Q5_K_M.gguf|13312000|150|
srv/llama.cpp/models/smollm2-360m.gguf|921600|60|
srv/llama.cpp/models/grammar.gbnf|10|150|root ::= x
srv/finetunes/farore/adapter_model.safetensors|256000|34|
srv/finetunes/farore/adapter_config.json|2|34|{}
srv/finetunes/farore/loss.png|30720|34|
srv/finetunes/farore/train.log|17|34|step 100 loss 0.9
srv/finetunes/farore/dataset.jsonl|18|40|{"text": "farore"}
srv/finetunes/din-v0/adapter_model.safetensors|256000|95|
srv/finetunes/din-v0/train.log|16|95|step 10 loss nan
srv/rag-index/vectors.faiss|3072000|55|
srv/rag-index/chunks.parquet|819200|55|
srv/rag-index/build_index.py|12|56|import faiss
srv/home-assistant/configuration.yaml|13|85|automation: x
srv/home-assistant/automations.yaml|14|84|- alias: porch
srv/minecraft/world/level.dat|20480|480|
srv/minecraft/world/region/r.0.0.mca|5120000|480|
work/2025/offer_acme.docx|40960|500|
work/2025/hours.xlsx|20480|420|
work/2025/nda signed.pdf|92160|510|
work/2026/offer_globex.docx|43008|120|
work/2026/hours.xlsx|21504|13|
work/2026/deck kickoff.pptx|921600|118|
private/health/blood_test_may.pdf|71680|190|
private/health/prescription.jpg|204800|187|
private/house/floor plan.dwg|409600|1000|
private/house/mortgage.pdf|307200|1100|
private/house/energy_2025.csv|8192|330|
private/recipes/ramen.md|5|420|broth
private/recipes/lentil curry.txt|7|40|lentils
private/keys/backup codes.txt|4|600|1234
private/keys/wallet.dat|10240|1900|
media/books/Game Sound Black Book.epub|921600|800|
media/books/SICP.pdf|2048000|1500|
media/books/Masters of Doom.mobi|716800|1300|
media/anime/ep01.mkv|6144000|700|
media/anime/ep02.mkv|6348800|700|
media/music/OC ReMix/Terra in Black.mp3|409600|900|
media/music/OC ReMix/Dancing Mad.flac|972800|900|
media/music/my tracks/boss rush demo.wav|2560000|63|
media/music/my tracks/boss rush.als|81920|63|
media/camera/2026-07 Iceland/P100.rw2|3072000|130|
media/camera/2026-07 Iceland/P101.rw2|3174400|130|
media/camera/2026-07 Iceland/P102.jpg|512000|130|
media/memes/this is fine.gif|92160|200|
bin/backup.sh|5|45|rsync
bin/rom-rename.pl|18|1500|rename roms by crc
bin/gifski|1536000|400|
tmp/core.1234|4096000|9|
tmp/out.txt|1|9|x
tmp/test.sfc|1024000|9|
old-pc/C/Desktop/ff6_hardtype_old.zip|204800|900|
old-pc/C/Desktop/homework.doc|30720|3000|
old-pc/C/Desktop/zsnesw.exe|614400|3500|
old-pc/C/ZSNES/zsnesw.cfg|3072|3500|
old-pc/C/ZSNES/FF6.zst|204800|3500|
old-pc/C/ZSNES/FF6.srm|8192|3500|
node/patcher-web/package.json|18|700|{"name":"patcher"}
node/patcher-web/index.js|7|700|apply()
node/patcher-web/node_modules/rom-patcher/index.js|614400|701|
haskell/bps-hs/bps-hs.cabal|9|1300|name: bps
haskell/bps-hs/src/Bps.hs|16|1300|module Bps where
go/romserve/go.mod|15|33|module romserve
go/romserve/main.go|12|33|package main
.cargo/registry/crate1.crate|921600|100|
.cache/torch/ckpt.bin|4608000|130|
"""
QUESTIONS: tuple[Question, ...] = questions_of("""
Can you show me all of my rom hacks?|hobby/snes/projects|hobby/snes/projects/ffvi-hardtype
|hobby/snes/projects/chrono-color|hobby/snes/projects/Oracle-fan
where's the final fantasy 6 hack with the harder bosses|hobby/snes/projects/ffvi-hardtype
Which branch project did I touch most recently?|hobby/snes/projects/Oracle-fan
ff6 disassembly|hobby/snes/disassemblies/ff6
Yoshi's Island source|hobby/snes/disassemblies/yi
where is the memory map of FF6 written down|hobby/snes/reference/ff6_memory_map.txt
portrait of Terra|hobby/snes/rips/graphics/terra_portrait.bmp
Samus' fanfare sample|hobby/snes/rips/sound/samus_fanfare.brr
flash cart settings|hobby/snes/flashcart/sd2snes_settings.yml|hobby/snes/flashcart
My arduino sketch for the controller adapter|hobby/electronics/snes-usb-adapter/firmware.ino
|hobby/electronics/snes-usb-adapter
Which game did I make in Godot?|hobby/godot/slime-shooter
pico-8 carts|hobby/pico8|hobby/pico8/moonrunner.p8
European SNES roms|roms_backup_hdd/SFC|roms_backup_hdd/SFC/Super Metroid (E).sfc
|roms_backup_hdd/SFC/Terranigma (E).smc
NES games|roms_backup_hdd/FC|roms_backup_hdd/FC/Kirby.nes|roms_backup_hdd/FC/Zelda II.nes
Which local language models do I have on disk?&srv/llama.cpp/models/Qwen2.5-7B-Q5_K_M.gguf
&srv/llama.cpp/models/smollm2-360m.gguf
smallest gguf|srv/llama.cpp/models/smollm2-360m.gguf
the LoRA adapter for Farore|srv/finetunes/farore/adapter_model.safetensors|srv/finetunes/farore
Which finetune diverged to nan|srv/finetunes/din-v0/train.log|srv/finetunes/din-v0
what data was farore trained on|srv/finetunes/farore/dataset.jsonl|srv/finetunes/farore
vector index for RAG|srv/rag-index/vectors.faiss|srv/rag-index
home automation config|srv/home-assistant/configuration.yaml|srv/home-assistant/automations.yaml|srv/home-assistant
minecraft world|srv/minecraft/world|srv/minecraft
the timesheet for this year|work/2026/hours.xlsx
signed NDA|work/2025/nda signed.pdf
results of my blood test|private/health/blood_test_may.pdf
How do I cook ramen? I wrote it down|private/recipes/ramen.md
ebooks&media/books/Game Sound Black Book.epub&media/books/Masters of Doom.mobi
raw photos of iceland|media/camera/2026-07 Iceland/P100.rw2|media/camera/2026-07 Iceland/P101.rw2
|media/camera/2026-07 Iceland
ReMixes|media/music/OC ReMix
unfinished song of mine, boss rush|media/music/my tracks/boss rush demo.wav|media/music/my tracks/boss rush.als
perl script that renames roms|bin/rom-rename.pl
anything left over from ZSNES?|old-pc/C/ZSNES|old-pc/C/Desktop/zsnesw.exe
ancient save states|old-pc/C/ZSNES/FF6.zst
Is there Haskell code?|haskell/bps-hs|haskell/bps-hs/src/Bps.hs
core dumps|tmp/core.1234
five largest videos|media/anime/ep02.mkv
stuff in the root cache that can go|.cache|node/patcher-web/node_modules|.cache/torch
what landed here since yesterday|0_INBOX/aaa.zip|0_INBOX/note to self.txt|hobby/snes/projects/Oracle-fan
|hobby/snes/projects/Oracle-fan/Oracle_main.asm|hobby/snes/projects/Oracle-fan/dungeons/d1.asm
photos of my horse|-
do we have the Boeing maintenance handbook|-
""")


def plant_cellar(root: Path) -> None:
    """Write the files below a folder."""
    write_lines(root, _FILES)
