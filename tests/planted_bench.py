"""A home with a bench of ROM hacks, models and tools in it, for tests, and forty questions an assistant is asked."""

from pathlib import Path

from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_bench"]

_FILES = r"""
roms/snes/Super Metroid (USA).sfc|3072000|900|
roms/snes/The Legend of Zelda - A Link to the Past (USA).sfc|1024000|900|
roms/snes/EarthBound (USA).sfc|3072000|880|
roms/snes/Chrono Trigger (USA).sfc|4096000|870|
roms/snes/Mega Man X (USA).sfc|1536000|860|
roms/snes/Final Fantasy III (USA).sfc|3072000|850|
roms/gba/Metroid Fusion (USA).gba|4096000|700|
roms/gba/Pokemon Emerald (USA).gba|5120000|700|
roms/gba/Golden Sun (USA).gba|4096000|690|
roms/nes/Metroid (USA).nes|131072|720|
roms/nes/Castlevania III (USA).nes|393216|720|
roms/n64/Majora's Mask (USA).z64|5120000|640|
hacking/alttp-hollow-hill/main.asm|74|2|; Hollow Hill, overworld and dungeons\norg $008000\nincsrc sprites/armos.asm
hacking/alttp-hollow-hill/README.md|50|2|# Hollow Hill\nA Zelda 3 hack with a new dark world
hacking/alttp-hollow-hill/build.sh|21|3|asar main.asm out.sfc
hacking/alttp-hollow-hill/TODO.txt|32|4|fix the palette of the boss room
hacking/alttp-hollow-hill/.git/HEAD|20|2|ref: refs/heads/main
hacking/alttp-hollow-hill/.git/config|63|60|[remote "origin"]\nurl = https://example.org/kit/hollow-hill.git
hacking/alttp-hollow-hill/sprites/armos.asm|38|6|; Armos knight jumps twice\nArmos_Main:
hacking/alttp-hollow-hill/sprites/gibdo.asm|20|30|; Gibdo walks slower
hacking/alttp-hollow-hill/sprites/soldier_new.asm|12|50|; soldier AI
hacking/alttp-hollow-hill/gfx/link_sheet.4bpp|28672|40|
hacking/alttp-hollow-hill/gfx/overworld_tiles.bin|32768|45|
hacking/alttp-hollow-hill/gfx/palettes.pal|2048|45|
hacking/alttp-hollow-hill/out/hollow-hill-0.3.sfc|2048000|90|
hacking/alttp-hollow-hill/out/hollow-hill-0.4.sfc|2048000|35|
hacking/alttp-hollow-hill/out/hollow-hill-0.5.sfc|2048000|3|
hacking/sm-cold-vault/notes.md|51|1100|# Cold Vault\nplan for the ice area of super metroid
hacking/sm-cold-vault/rooms.asm|14|1150|; room headers
hacking/sm-cold-vault/items.asm|17|1160|; item placements
hacking/sm-cold-vault/cold-vault.smc|3072000|1150|
hacking/smw-kaizo-kitchen/levels.mwl|8192|500|
hacking/smw-kaizo-kitchen/kitchen.smc|1024000|490|
hacking/smw-kaizo-kitchen/uberasm_list.txt|18|495|level 105 lava.asm
hacking/smw-kaizo-kitchen/blocks/oven.asm|18|492|; block that burns
hacking/eb-text-edit/dialog_dump.txt|24|210|Ness: hello\nPaula: smile
hacking/eb-text-edit/script_insert.py|13|205|import struct
hacking/eb-text-edit/eb-edit.sfc|3072000|204|
hacking/emerald-hard/data.s|17|320|.include trainers
hacking/emerald-hard/trainers.inc|13|321|trainer party
hacking/emerald-hard/Makefile|13|330|all:\n\tarmips
hacking/emerald-hard/emerald-hard.gba|5120000|322|
patches/hollow-hill-0.5.bps|40960|3|
patches/hollow-hill-0.4.bps|38912|35|
patches/cold-vault-beta.ips|122880|1140|
patches/goddess-of-wisdom.bps|307200|400|
patches/redux-alttp.ips|61440|430|
patches/msu1-alttp.ips|2048|450|
patches/emerald-hard-v2.ups|92160|322|
patches/ffvi-brave-new-world.ips|409600|610|
disasm/zelda3-c/src/player.c|18|150|void Link_Main() {
disasm/zelda3-c/src/overworld.c|23|155|void Overworld_Load() {
disasm/zelda3-c/src/dungeon.c|21|150|void Dungeon_Load() {
disasm/zelda3-c/src/types.h|28|160|typedef unsigned char uint8;
disasm/zelda3-c/Makefile|6|160|CC=gcc
disasm/zelda3-c/README.md|42|160|Reverse engineered A Link to the Past in C
disasm/zelda3-c/LICENSE.txt|3|160|MIT
disasm/jp-alttp/bank_00.asm|19|260|; bank 00 main loop
disasm/jp-alttp/bank_02.asm|19|262|; bank 02 overworld
disasm/jp-alttp/bank_06.asm|17|262|; bank 06 sprites
disasm/jp-alttp/bank_07.asm|34|263|; bank 07 player, Link_HandleSword
disasm/jp-alttp/symbols.sym|13|264|00:8000 Reset
disasm/supermetroid-banks/bank_80.asm|17|540|; system routines
disasm/supermetroid-banks/bank_90.asm|16|541|; Samus movement
disasm/supermetroid-banks/bank_A0.asm|12|541|; enemy main
disasm/pokeemerald-main/src/battle_main.c|15|333|void BattleMain
disasm/pokeemerald-main/src/pokemon.c|14|333|struct Pokemon
disasm/pokeemerald-main/INSTALL.md|17|335|install devkitARM
disasm/pokeemerald-main/.git/HEAD|22|333|ref: refs/heads/master
tools/asar-1.91/asar.exe|716800|450|
tools/asar-1.91/asar.dll|614400|450|
tools/asar-1.91/manual.txt|36|450|Asar manual: freecode, freedata, org
tools/asar-1.91/license.txt|4|450|LGPL
tools/Lunar Magic 3.51/Lunar Magic.exe|2560000|420|
tools/Lunar Magic 3.51/Readme.txt|24|420|Lunar Magic level editor
tools/flips/flips-linux|204800|600|
tools/flips/flips.exe|194560|600|
tools/yychr/yychr.exe|512000|800|
tools/yychr/readme_jp.txt|6|800|YY-CHR
tools/hyrule-magic/hmagic.exe|819200|1300|
tools/hyrule-magic/help.txt|19|1300|Hyrule Magic editor
tools/mine/rom_diff.py|36|12|import sys\ndef diff_roms(a, b): pass
tools/mine/checksum_fix.py|32|80|fix the internal header checksum
tools/mine/lz2_pack.py|14|100|lz2 compressor
tools/mine/tilemap2png.py|21|14|from PIL import Image
emulators/bsnes-plus/bsnes.exe|3072000|700|
emulators/bsnes-plus/bsnes.cfg|19|40|video.driver=opengl
emulators/mesen2/Mesen|4096000|100|
emulators/mesen2/settings.json|12|10|{"Video": 1}
emulators/retroarch/retroarch.cfg|26|15|savefile_directory = saves
emulators/retroarch/cores/snes9x_libretro.so|2662400|300|
emulators/retroarch/saves/Super Metroid (USA).srm|8192|15|
emulators/retroarch/saves/hollow-hill-0.5.srm|8192|2|
emulators/retroarch/saves/Chrono Trigger (USA).srm|8192|77|
emulators/retroarch/states/Super Metroid (USA).state1|204800|16|
emulators/retroarch/states/hollow-hill-0.5.state|215040|2|
emulators/retroarch/states/hollow-hill-0.5.state1|215040|3|
emulators/retroarch/states/Chrono Trigger (USA).state|204800|78|
llm/models/qwen2.5-coder-1.5b-instruct-q8_0.gguf|9216000|60|
llm/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf|14336000|240|
llm/models/phi-2.Q5_K_M.gguf|6144000|580|
llm/models/nomic-embed-text-v1.5.f16.gguf|2048000|200|
llm/loras/asm65816-v1/adapter_model.safetensors|819200|75|
llm/loras/asm65816-v1/adapter_config.json|9|75|{"r": 16}
llm/loras/asm65816-v2/adapter_model.safetensors|819200|20|
llm/loras/asm65816-v2/adapter_config.json|9|20|{"r": 32}
llm/loras/asm65816-v2/README.md|35|20|lora for 65816 assembly, second try
llm/datasets/asm_pairs_train.jsonl|20|82|{"prompt": "load A"}
llm/datasets/asm_pairs_eval.jsonl|19|82|{"prompt": "store"}
llm/datasets/oracle_lore.csv|10|140|name,place
llm/runs/2026-v1/train.log|34|75|step 10 loss 2.31\nstep 20 loss 1.9
llm/runs/2026-v1/trainer_state.json|12|75|{"epoch": 3}
llm/runs/2026-v2/train.log|36|20|step 10 loss 2.01\nCUDA out of memory
llm/runs/2026-v2/trainer_state.json|12|20|{"epoch": 3}
llm/runs/2026-v2/checkpoint-500/optimizer.pt|5120000|21|
llm/runs/2026-v2/checkpoint-500/model.safetensors|819200|21|
llm/finetune/train.py|32|22|from transformers import Trainer
llm/finetune/requirements.txt|17|90|transformers\npeft
llm/finetune/merge_lora.py|17|19|merge the adapter
llm/finetune/.venv/pyvenv.cfg|15|90|home = /usr/bin
llm/finetune/.venv/lib/python3.11/site-packages/torch/big.so|6144000|90|
llm/finetune/.venv/lib/python3.11/site-packages/peft/lora.py|10|90|class Lora
web/patch-page/package.json|22|380|{"name": "patch-page"}
web/patch-page/index.html|22|380|<title>patcher</title>
web/patch-page/app.js|24|381|function applyPatch() {}
web/patch-page/style.css|6|381|body{}
web/patch-page/node_modules/left/index.js|1|380|x
web/patch-page/node_modules/right/index.js|921600|380|
web/patch-page/node_modules/down/package.json|2|380|{}
games/tiny-quest/project.godot|16|950|config_version=4
games/tiny-quest/player.gd|23|960|extends KinematicBody2D
games/tiny-quest/scenes/town.tscn|10|955|[gd_scene]
games/tiny-quest/art/hero.png|12288|970|
games/love-breakout/main.lua|24|1400|function love.load() end
games/love-breakout/conf.lua|25|1400|function love.conf(t) end
Documents/snes-docs/65816_opcodes.pdf|409600|1500|
Documents/snes-docs/fullsnes.txt|50|1500|SNES hardware specification DMA HDMA PPU registers
Documents/snes-docs/spc700.txt|31|1500|sound processor instruction set
Documents/snes-docs/rom_map_lorom.md|22|200|LoROM mapping of banks
Documents/notes/ideas.md|27|18|dungeon with mirrored rooms
Documents/notes/freespace.txt|32|110|free space in bank 22 at $22F000
Documents/notes/dungeon-plan.md|29|8|# Dungeon plan\nkeys and doors
Documents/notes/sprite-slots.txt|11|62|slots 0..15
Documents/notes/passwords-old.txt|31|1200|metroid passwords JUSTIN BAILEY
Documents/taxes/2024_return.pdf|204800|610|
Documents/taxes/2025_return.pdf|215040|240|
Documents/taxes/receipt_flashcart.pdf|92160|300|
Documents/cv.odt|40960|500|
Documents/letter_landlord.docx|20480|130|
Documents/budget.xlsx|30720|33|
Pictures/Screenshots/Screenshot from 2026-11-10.png|92160|11|
Pictures/Screenshots/Screenshot from 2026-08-02.png|90112|111|
Pictures/Screenshots/hollow-hill-title.png|40960|36|
Pictures/Screenshots/bug-palette-boss.png|45056|5|
Pictures/holiday-lisbon/IMG_2001.jpg|307200|480|
Pictures/holiday-lisbon/IMG_2002.jpg|317440|480|
Pictures/holiday-lisbon/IMG_2003.jpg|296960|480|
Pictures/fanart/samus_vault.kra|716800|1100|
Pictures/fanart/hollow_hill_poster.xcf|921600|44|
Music/ost/01 - Brinstar.flac|921600|1000|
Music/ost/02 - Maridia.flac|972800|1000|
Music/ost/Corridors of Time.mp3|512000|990|
Music/my-spc-ports/dark_world_remix.spc|65536|170|
Music/my-spc-ports/boss_theme.mml|13|168|t120 o4 c d e
Music/my-spc-ports/village.it|81920|165|
msu-packs/alttp_msu/alttp_msu-1.pcm|4096000|450|
msu-packs/alttp_msu/alttp_msu-2.pcm|3993600|450|
msu-packs/alttp_msu/alttp_msu.msu|1024|450|
Videos/hollow-hill-trailer.mp4|5120000|30|
Videos/tas_practice.mkv|4096000|400|
Videos/obs 2026-10-30.mkv|3584000|22|
Downloads/asar-1.91.zip|921600|451|PK
Downloads/asar-1.91 (1).zip|921600|449|PK
Downloads/Mesen_2.0_Linux.zip|3072000|101|
Downloads/ubuntu-24.04.iso|12288000|400|
Downloads/redux-alttp.zip|71680|430|
Downloads/invoice_Nov.pdf|61440|9|
Downloads/sdkmanager_setup.exe|2048000|350|
Downloads/sprite-pack-link.zip|409600|41|
Backups/hacking-2025-06.tar.gz|6144000|520|
Backups/hacking-2026-05.tar.gz|7168000|190|
Backups/saves_old.7z|409600|640|
Backups/phone_contacts.vcf|12288|900|
Backups/alttp-hollow-hill (copy)/main.asm|36|120|; Hollow Hill, overworld\norg $008000
Backups/alttp-hollow-hill (copy)/sprites/armos.asm|37|120|; Armos knight jumps once\nArmos_Main:
old/java-randomizer/pom.xml|9|1900|<project>
old/java-randomizer/src/main/java/Rando.java|13|1900|class Rando {
old/java-randomizer/src/main/java/Items.java|13|1905|class Items {
old/vb-tracker/Form1.vb|18|2600|Public Class Form1
old/vb-tracker/tracker.sln|32|2600|Microsoft Visual Studio Solution
rust/bpsr/Cargo.toml|23|65|[package]\nname = "bpsr"
rust/bpsr/src/main.rs|11|62|fn main() {
rust/bpsr/src/patch.rs|12|62|pub fn apply
rust/bpsr/target/debug/bpsr|3072000|62|
rust/bpsr/target/debug/deps/libx.rlib|2048000|62|
dotfiles/.bashrc|11|55|export PATH
dotfiles/.vimrc|10|300|set number
dotfiles/install.sh|5|310|ln -s
.cache/huggingface/hub/models--Qwen--Qwen2.5/model.safetensors|8192000|61|
.cache/pip/http/aa01|512000|90|
.cache/pip/http/bb02|716800|90|
.cache/thumbnails/t1.png|9216|11|
.cache/thumbnails/t2.png|9216|11|
.local/share/Trash/files/old_dump.sfc|3072000|70|
fonts/press_start.ttf|81920|740|
fonts/hylian_symbols.otf|61440|745|
3d/cartridge_shell.stl|614400|640|
3d/stand.blend|921600|650|
db/tracker.sqlite|307200|27|
db/lore.db|122880|140|
"""
QUESTIONS: tuple[Question, ...] = questions_of("""
where are my ROM hacks?&hacking/alttp-hollow-hill&hacking/sm-cold-vault&hacking/smw-kaizo-kitchen&hacking/eb-text-edit
&hacking/emerald-hard
Where do I keep the vanilla roms?|roms|roms/snes
show me every patch file I have&patches/hollow-hill-0.5.bps&patches/cold-vault-beta.ips&patches/emerald-hard-v2.ups
&patches/redux-alttp.ips
what's the latest build of hollow hill?|hacking/alttp-hollow-hill/out/hollow-hill-0.5.sfc|patches/hollow-hill-0.5.bps
which file has the code for the armos knight|hacking/alttp-hollow-hill/sprites/armos.asm
where's the zelda disassembly|disasm/zelda3-c|disasm/jp-alttp
where did I put my save states for hollow hill|emulators/retroarch/states
where are my .srm saves&emulators/retroarch/saves/Super Metroid (USA).srm
&emulators/retroarch/saves/hollow-hill-0.5.srm
which llm takes up the most space?|llm/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf
what GGUF models have I got?&llm/models/qwen2.5-coder-1.5b-instruct-q8_0.gguf
&llm/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf&llm/models/phi-2.Q5_K_M.gguf
&llm/models/nomic-embed-text-v1.5.f16.gguf
where did the second lora run write its weights|llm/loras/asm65816-v2|llm/runs/2026-v2
find the training log with the out of memory error|llm/runs/2026-v2/train.log
where is the dataset for finetuning on assembly|llm/datasets/asm_pairs_train.jsonl|llm/datasets
which emulators are installed?&emulators/bsnes-plus&emulators/mesen2&emulators/retroarch
do I have the asar manual somewhere|tools/asar-1.91/manual.txt
is there a doc about the SPC700 sound chip?|Documents/snes-docs/spc700.txt
what was I working on in the last few days?|hacking/alttp-hollow-hill
Any projects I gave up on years ago?|old/vb-tracker|old/java-randomizer|games/love-breakout|games/tiny-quest
|hacking/sm-cold-vault
list duplicate downloads|Downloads/asar-1.91.zip|Downloads/asar-1.91 (1).zip
can I free space by clearing caches? which ones|.cache|llm/finetune/.venv|web/patch-page/node_modules|rust/bpsr/target
what's the single largest file on here|llm/models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf
where's that iso I downloaded|Downloads/ubuntu-24.04.iso
python scripts I wrote for rom stuff|tools/mine
my newest screenshot|Pictures/Screenshots/bug-palette-boss.png
the picture of the palette bug|Pictures/Screenshots/bug-palette-boss.png
backups of my hacking folder?|Backups/hacking-2025-06.tar.gz|Backups/hacking-2026-05.tar.gz|Backups
do I still have an older copy of hollow hill's source|Backups/alttp-hollow-hill (copy)
where is my note on free space in the rom|Documents/notes/freespace.txt
where's the MSU-1 music for link to the past|msu-packs/alttp_msu|patches/msu1-alttp.ips
which project is written in rust|rust/bpsr
my godot game|games/tiny-quest
tax return for last year|Documents/taxes/2025_return.pdf
where do the SPC ports of the songs live|Music/my-spc-ports
the trailer video|Videos/hollow-hill-trailer.mp4
super metroid hack from ages ago, where is it|hacking/sm-cold-vault
ff6 patch|patches/ffvi-brave-new-world.ips
what's the level editor for mario world called and where is it|tools/Lunar Magic 3.51
where is my kubernetes cluster config?|-
did I save the wedding speech anywhere|-
krita files|Pictures/fanart/samus_vault.kra
""")


def plant_bench(root: Path) -> None:
    """Write the files below a folder."""
    write_lines(root, _FILES)
