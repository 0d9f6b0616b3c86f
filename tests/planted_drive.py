"""A drive of a Windows user, for tests, and forty questions: short ones, whole sentences, slips and two wishes."""

from pathlib import Path

from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_drive"]

_FILES = r"""
Desktop/todo.txt|20|1|buy cartridge shells
Desktop/Thingy to sort.zip|307200|70|
Desktop/hi-res map.png|921600|44|
Desktop/New Text Document (3).txt|4|500|asdf
Desktop/DOOM_SNES.lnk|1024|800|
Desktop/stuff/patch testing/crystal_clear.bps|81920|64|
Desktop/stuff/patch testing/smrpg-armageddon.bps|71680|66|
Desktop/stuff/patch testing/test_output.smc|2048000|63|
Desktop/stuff/patch testing/broken.ips|1024|65|
My Documents/Projects/mmx-helmetless/x_sprites.asm|18|130|; X without helmet
My Documents/Projects/mmx-helmetless/hook.asm|11|131|org $80FFD8
My Documents/Projects/mmx-helmetless/compile.bat|13|140|asar hook.asm
My Documents/Projects/mmx-helmetless/readme.txt|25|140|Mega Man X helmetless mod
My Documents/Projects/mmx-helmetless/mmx_helmetless.sfc|1536000|130|
My Documents/Projects/z3-spanish/texto.tbl|4|740|00=A
My Documents/Projects/z3-spanish/dialogos.txt|9|735|Hola Link
My Documents/Projects/z3-spanish/insertar.py|10|735|import sys
My Documents/Projects/z3-spanish/z3-es-0.9.ips|40960|735|
My Documents/Projects/yi-level-pack/world1.yil|6144|28|
My Documents/Projects/yi-level-pack/world2.yil|6144|25|
My Documents/Projects/yi-level-pack/export.log|17|25|exported 8 levels
My Documents/Projects/yi-level-pack/screenshots/w1-1.png|30720|28|
My Documents/Projects/yi-level-pack/screenshots/w2-4.png|31744|25|
My Documents/Projects/sprite-forge/Cargo.toml|31|9|[package]\nname = "sprite-forge"
My Documents/Projects/sprite-forge/src/main.rs|12|9|fn main() {}
My Documents/Projects/sprite-forge/src/palette.rs|18|10|pub struct Palette
My Documents/Projects/sprite-forge/target/release/sprite-forge|2560000|9|
My Documents/Projects/sprite-forge/.git/HEAD|20|9|ref: refs/heads/main
My Documents/Projects/rom-library-site/package.json|22|410|{"name":"rom-library"}
My Documents/Projects/rom-library-site/src/App.tsx|27|410|export default function App
My Documents/Projects/rom-library-site/src/Search.tsx|22|411|export function Search
My Documents/Projects/rom-library-site/node_modules/react/index.js|819200|411|
My Documents/Projects/rom-library-site/node_modules/vite/bin.js|1228800|411|
My Documents/Projects/Platformer3D/Assets/Scripts/PlayerMove.cs|18|1010|using UnityEngine;
My Documents/Projects/Platformer3D/Assets/Scenes/Level1.unity|40960|1010|
My Documents/Projects/Platformer3D/Assets/Prefabs/Coin.prefab|4096|1012|
My Documents/Projects/Platformer3D/ProjectSettings/ProjectVersion.txt|21|1015|m_EditorVersion: 2021
My Documents/Projects/Platformer3D/Library/ArtifactDB|3072000|1010|
My Documents/Projects/discord-bot/bot.py|14|47|import discord
My Documents/Projects/discord-bot/cogs/roms.py|10|48|class Roms
My Documents/Projects/discord-bot/.env|7|300|TOKEN=x
My Documents/Projects/discord-bot/requirements.txt|10|300|discord.py
My Documents/Projects/discord-bot/venv/pyvenv.cfg|4|300|home
My Documents/Projects/discord-bot/venv/Lib/site-packages/discord/client.py|12|300|class Client
My Documents/School/thesis_final.docx|409600|1700|
My Documents/School/thesis_final_v2 (really).docx|430080|1690|
My Documents/School/slides defense.pptx|921600|1688|
My Documents/Money/electricity bill march.pdf|51200|255|
My Documents/Money/bank statement 2026-09.pdf|61440|50|
My Documents/Money/warranty everdrive.pdf|40960|620|
My Documents/Letters/complaint to shop.odt|12288|88|
My Documents/Letters/birthday grandma.odt|11264|360|
My Documents/Reference/anomie_dma.txt|28|1400|DMA and HDMA registers $4300
My Documents/Reference/superfx_manual.pdf|921600|1400|
My Documents/Reference/65c816 cheatsheet.png|307200|1380|
My Documents/Reference/alttp-ram-map.xlsx|92160|340|
My Documents/Reference/hex math.md|16|200|bank and address
My Documents/Reference/How to make a randomizer.epub|716800|820|
My Documents/Journal/2026-10.md|33|24|worked on yi levels, trained lora
My Documents/Journal/2026-11.md|26|1|sprite forge palettes done
My Documents/Journal/passwords.kdbx|20480|33|
Games/ROMs/Super Nintendo/Yoshi's Island (USA).sfc|2048000|1600|
Games/ROMs/Super Nintendo/Mega Man X (Europe).smc|1536000|1600|
Games/ROMs/Super Nintendo/Super Mario RPG (USA).sfc|4096000|1600|
Games/ROMs/Super Nintendo/Zelda no Densetsu - Kamigami no Triforce (Japan).sfc|1024000|1600|
Games/ROMs/Super Nintendo/Star Fox (USA).sfc|1024000|1590|
Games/ROMs/Genesis/Sonic 3.gen|2048000|1600|
Games/ROMs/Genesis/Phantasy Star IV.md|1|1600|x
Games/ROMs/Game Boy/Pokemon Crystal.gbc|2048000|1550|
Games/ROMs/Game Boy/Link's Awakening DX.gbc|1024000|1550|
Games/ROMs/Game Boy/Tetris.gb|32768|1550|
Games/ROMs/PS1/Castlevania SOTN.cue|4|1500|FILE
Games/ROMs/PS1/Castlevania SOTN.bin|7168000|1500|
Games/Emulators/snes9x-1.62/snes9x-x64.exe|2457600|500|
Games/Emulators/snes9x-1.62/snes9x.conf|18|6|Fullscreen = false
Games/Emulators/snes9x-1.62/Saves/Yoshi's Island (USA).srm|8192|6|
Games/Emulators/snes9x-1.62/Saves/Yoshi's Island (USA).000|143360|6|
Games/Emulators/snes9x-1.62/Screenshots/Yoshi's Island (USA)000.png|20480|6|
Games/Emulators/no$gba/NO$GBA.EXE|307200|2100|
Games/Emulators/no$gba/readme.txt|7|2100|no cash
Games/Steam/userdata/config.vdf|1|40|x
Games/Steam/userdata/celeste_save0.celeste|30720|95|
Toolbox/asm/asar_190.zip|819200|480|
Toolbox/asm/xkas-plus.exe|307200|1900|
Toolbox/asm/wla-dx/wla-65816.exe|409600|1200|
Toolbox/asm/wla-dx/wlalink.exe|307200|1200|
Toolbox/gfx/tilemolester.jar|921600|1500|
Toolbox/gfx/superfamiconv.exe|409600|270|
Toolbox/gfx/aseprite-export.lua|15|66|-- export sheet
Toolbox/patchers/FloatingIPS.exe|204800|900|
Toolbox/patchers/xdelta3.exe|307200|900|
Toolbox/hex/HxD.exe|3072000|1000|
Toolbox/hex/imhex.AppImage|5120000|150|
Source/bsnes-git/bsnes/sfc/cpu/cpu.cpp|16|430|void CPU::main()
Source/bsnes-git/bsnes/sfc/ppu/ppu.cpp|16|430|void PPU::main()
Source/bsnes-git/GNUmakefile|4|430|all:
Source/bsnes-git/README.md|34|430|bsnes is a Super Nintendo emulator
Source/bsnes-git/.git/config|53|430|[remote "origin"]\nurl = https://example.org/bsnes.git
Source/sm64-decomp/src/game/mario.c|12|680|void mario()
Source/sm64-decomp/Makefile|4|680|all:
Source/sm64-decomp/assets.json|2|680|{}
Source/smrpg-disassembly/bank_c0.asm|14|77|; battle entry
Source/smrpg-disassembly/bank_c1.asm|11|77|; menu code
Source/smrpg-disassembly/notes/event_opcodes.md|20|76|event script opcodes
Source/ct-disasm/bank_c0.asm|13|1250|; chrono main
Source/ct-disasm/bank_fd.asm|13|1252|; map loading
AI/weights/gemma-2-2b-it-Q6_K.gguf|8192000|90|
AI/weights/codellama-7b.Q4_0.gguf|11264000|700|
AI/weights/all-MiniLM-L6-v2.onnx|921600|310|
AI/weights/sdxl_pixelart.safetensors|9216000|270|
AI/weights/whisper-small.pt|2048000|390|
AI/training/lore-lora/train_lora.py|15|37|peft LoraConfig
AI/training/lore-lora/config.yaml|7|38|rank: 8
AI/training/lore-lora/output/adapter_model.safetensors|716800|36|
AI/training/lore-lora/output/training_args.json|2|36|{}
AI/training/lore-lora/logs/loss.csv|9|36|step,loss
AI/training/lore-lora/logs/run1.log|16|36|epoch 1 loss 1.8
AI/training/pixel-diffusion/finetune.ipynb|204800|320|
AI/training/pixel-diffusion/samples/epoch_10.png|92160|318|
AI/training/pixel-diffusion/ckpt/last.ckpt|6144000|318|
AI/data/hyrule_dialogue.jsonl|8|42|{"q": 1}
AI/data/sprites_labeled.parquet|1228800|330|
AI/data/quiz_eval_set.json|2|41|[]
AI/data/wiki_dump/zeldapedia.xml|3072000|600|
AI/prompts/system_navi.txt|12|35|Hey, listen!
AI/prompts/review_template.md|19|58|review the assembly
AI/outputs/2026-10-20/transcript.md|16|32|chat about armos
AI/outputs/2026-10-20/benchmark_results.csv|11|32|model,score
Audio/OSTs/mmx/01 Opening Stage.mp3|409600|1100|
Audio/OSTs/mmx/02 Storm Eagle.mp3|419840|1100|
Audio/OSTs/Chrono Trigger/Corridors of Time.flac|921600|1100|
Audio/OSTs/Chrono Trigger/Schala.flac|901120|1100|
Audio/compositions/castle_theme_v3.flp|92160|52|
Audio/compositions/castle_theme_v3.wav|2048000|52|
Audio/compositions/lost_woods.mid|12288|600|
Audio/compositions/sample pack/kick.brr|2048|650|
Audio/compositions/sample pack/strings.brr|3072|650|
Audio/podcast/retro-hour-400.mp3|2048000|210|
Pics/2019 Japan/DSCF0001.JPG|409600|2600|
Pics/2019 Japan/DSCF0002.JPG|419840|2600|
Pics/2019 Japan/akihabara super potato.jpg|399360|2600|
Pics/pixel art/knight.aseprite|20480|15|
Pics/pixel art/knight_sheet.png|12288|15|
Pics/pixel art/slime_idle.gif|8192|100|
Pics/pixel art/hyrule tileset.png|40960|180|
Pics/memes/cat_debugging.jpg|40960|300|
Pics/memes/lda_sta.png|30720|200|
Clips/yi_world2_playthrough.mp4|6144000|24|
Clips/boss glitch.mkv|2560000|250|
Clips/tutorial-asar-basics.webm|3072000|900|
From Internet/snes9x-1.62-win32-x64.zip|921600|501|
From Internet/HxD_setup.zip|1024000|1001|
From Internet/crystal_clear.zip|92160|64|
From Internet/gimp-2.10-setup.exe|4096000|370|
From Internet/manjaro-xfce.iso|12800000|600|
From Internet/weird_rom_collection.rar|6144000|900|
From Internet/font_triforce.ttf|61440|400|
From Internet/setup (1).crdownload|716800|20|
Backup 2024/Projects.7z|7680000|700|
Backup 2024/Saves.zip|204800|702|
Backup 2024/phone/DCIM/IMG_1.jpg|307200|900|
Backup 2024/bookmarks.html|92160|705|
Backup 2024/z3-spanish/dialogos.txt|9|735|Hola Link
Backup 2024/z3-spanish/texto.tbl|4|740|00=A
Backup 2024/z3-spanish/insertar.py|16|760|import sys # old
zzz_old/pascal-tiles/TILES.PAS|9216|3900|
zzz_old/pascal-tiles/TILES.EXE|61440|3900|
zzz_old/pascal-tiles/README|24|3900|turbo pascal tile editor
zzz_old/qbasic/GORILLA.BAS|29696|4000|
zzz_old/qbasic/NIBBLES.BAS|24576|4000|
AppData/Local/Temp/tmp1234.tmp|409600|12|
AppData/Local/Temp/~df3.tmp|20480|12|
AppData/Local/pip/cache/wheel1.whl|921600|80|
AppData/Local/pip/cache/wheel2.whl|819200|81|
.cache/huggingface/hub/models--google--gemma-2-2b-it/blob1|7168000|91|
.cache/yarn/pkg.tgz|512000|410|
.ssh/id_ed25519|3|900|key
.ssh/config|8|300|Host nas
.config/mesen/settings.json|2|120|{}
.config/nvim/init.lua|21|70|vim.opt.number = true
CAD/everdrive case.stl|409600|430|
CAD/controller_grip.f3d|512000|450|
CAD/pcb/snes_flash.kicad_pcb|716800|515|
CAD/pcb/snes_flash.kicad_sch|307200|516|
Databases/collection.db|512000|14|
Databases/romhacks_catalog.sqlite|921600|160|
Databases/notes.db|102400|58|
"""
QUESTIONS: tuple[Question, ...] = questions_of("""
romhacks?|My Documents/Projects/mmx-helmetless|Desktop/stuff/patch testing|My Documents/Projects/z3-spanish
|My Documents/Projects
I made a mod that removes Mega Man's helmet. Where is it?|My Documents/Projects/mmx-helmetless
locate the spanish translation of zelda|My Documents/Projects/z3-spanish|Backup 2024/z3-spanish
Which of my projects use Rust?|My Documents/Projects/sprite-forge
unity project|My Documents/Projects/Platformer3D
my super mario rpg dissasembly|Source/smrpg-disassembly
is there any disassembly of chrono trigger|Source/ct-disasm
mario 64 decompilation source|Source/sm64-decomp
Where do I have Genesis games?|Games/ROMs/Genesis
gameboy roms|Games/ROMs/Game Boy
Yoshi's Island save file|Games/Emulators/snes9x-1.62/Saves/Yoshi's Island (USA).srm
|Games/Emulators/snes9x-1.62/Saves/Yoshi's Island (USA).000
stuff I downloaded off the web|From Internet
half-finished downloads|From Internet/setup (1).crdownload
what's hogging the drive|From Internet|AI|AI/weights|From Internet/manjaro-xfce.iso|AI/weights/codellama-7b.Q4_0.gguf
|Games
Top 3 biggest ai models|AI/weights/codellama-7b.Q4_0.gguf
where's the output of my lore lora|AI/training/lore-lora/output|AI/training/lore-lora
loss curves from training|AI/training/lore-lora/logs/loss.csv
jupyter notebook for pixel diffusion|AI/training/pixel-diffusion/finetune.ipynb
the dialogue dataset|AI/data/hyrule_dialogue.jsonl
which system prompts have I written?|AI/prompts/system_navi.txt|AI/prompts
Mega Man X soundtrack|Audio/OSTs/mmx
music I composed myself|Audio/compositions
brr samples&Audio/compositions/sample pack/kick.brr&Audio/compositions/sample pack/strings.brr
pixel art of the knight|Pics/pixel art/knight.aseprite|Pics/pixel art/knight_sheet.png
Fotos from the trip to japan|Pics/2019 Japan
documentation for the SuperFX chip|My Documents/Reference/superfx_manual.pdf
where is the ram map spreadsheet|My Documents/Reference/alttp-ram-map.xlsx
my newest journal entry|My Documents/Journal/2026-11.md
electricity bill|My Documents/Money/electricity bill march.pdf
final version of my thesis?|My Documents/School/thesis_final_v2 (really).docx|My Documents/School/thesis_final.docx
which tools do I have for applying patches|Toolbox/patchers
a hex editor, did I install one?|Toolbox/hex|From Internet/HxD_setup.zip
do I own the same file twice? show duplicates of the spanish script|My Documents/Projects/z3-spanish/dialogos.txt
|Backup 2024/z3-spanish/dialogos.txt
what can be deleted without regret? caches, temp files|.cache|AppData/Local/Temp|AppData/Local/pip/cache
|My Documents/Projects/rom-library-site/node_modules|My Documents/Projects/discord-bot/venv
|My Documents/Projects/sprite-forge/target
ancient code from my childhood|zzz_old|zzz_old/pascal-tiles|zzz_old/qbasic
the circuit board design for the flash cart|CAD/pcb|CAD/pcb/snes_flash.kicad_pcb
recording of the boss glitch|Clips/boss glitch.mkv
database of romhacks|Databases/romhacks_catalog.sqlite
where is my marriage certificate|-
have I got a Quake level editor project?|-
""")


def plant_drive(root: Path) -> None:
    """Write the files below a folder."""
    write_lines(root, _FILES)
