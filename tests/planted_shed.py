"""A home that was carried from computer to computer: blanks in names of folders, years, and copies of copies."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_shed"]

_FILES = r"""
Desktop/TODO today.txt|300|1|call dentist\nfix sprite flicker\n
Desktop/New folder/untitled.asm|900|410|lda #$00\n
Desktop/New folder (2)/scratch.py|700|200|print(1)\n
Desktop/Shortcut notes.txt|400|800|ctrl\n
Desktop/frostbite_hack_beta3.zip|900000|6|PK
My Hacks/Frostbite/frostbite.asm|14000|5|; Frostbite, ice hack of Super Mario World\nincsrc blocks.asm\n
My Hacks/Frostbite/blocks.asm|6000|8|; slippery blocks\n
My Hacks/Frostbite/sprites/penguin.asm|4800|7|; penguin enemy\n
My Hacks/Frostbite/sprites/penguin.cfg|120|7|01 00\n
My Hacks/Frostbite/levels/level 001.mwl|5300|11|
My Hacks/Frostbite/levels/level 002.mwl|5400|11|
My Hacks/Frostbite/frostbite.smc|2097664|5|SMW FROST
My Hacks/Frostbite/frostbite.bps|81000|5|BPS1
My Hacks/Frostbite/changelog.txt|1900|6|beta 3: less ice\n
My Hacks/Tomb of Kakariko/tomb.asm|9800|460|; Tomb of Kakariko, an A Link to the Past hack\n
My Hacks/Tomb of Kakariko/dungeon_rooms.asm|12000|461|; rooms of the tomb\n
My Hacks/Tomb of Kakariko/tomb.sfc|2097152|460|TOMB
My Hacks/Tomb of Kakariko/Story.docx|34000|480|PK
My Hacks/Zebes Gardens/zebes.ips|18000|1500|PATCH
My Hacks/Zebes Gardens/zebes.smc|3145728|1500|ZEBES
My Hacks/Zebes Gardens/smile_project.xml|3200|1510|<smile/>
My Hacks/EarthBound German/script_de.txt|240000|930|Guten Tag, Ness\n
My Hacks/EarthBound German/eb_de_v07.ups|210000|925|UPS1
My Hacks/EarthBound German/insert_text.py|5200|930|"inserts the script"\n
Reference/Disassemblies/SMWDisX/bank_00.asm|400000|700|; SMW bank 0\n
Reference/Disassemblies/SMWDisX/bank_01.asm|390000|700|; SMW bank 1\n
Reference/Disassemblies/SMWDisX/README.md|2100|700|# Super Mario World disassembly\n
Reference/Disassemblies/alttp-jp-1.0/src/main.asm|120000|640|; Zelda 3\n
Reference/Disassemblies/alttp-jp-1.0/src/dungeon.asm|180000|640|; dungeons\n
Reference/Manuals/fullsnes.htm|900000|1400|<html>
Reference/Manuals/65c816 programming manual.pdf|4100000|1400|%PDF
Reference/Manuals/Lunar Magic help.chm|1600000|990|ITSF
Reference/Cheat sheets/super fx opcodes.png|320000|870|
Reference/Cheat sheets/hdma tricks.md|4100|380|# HDMA\nwindowing and gradients\n
Reference/Cheat sheets/sram layout alttp.ods|22000|630|
Games/Roms/SNES/ActRaiser (USA).sfc|1048576|2100|
Games/Roms/SNES/EarthBound (USA).sfc|3145728|2100|
Games/Roms/SNES/F-Zero (Europe).sfc|524288|2100|
Games/Roms/SNES/Legend of Zelda, The - A Link to the Past (Germany).sfc|1048576|2100|
Games/Roms/SNES/Super Metroid (Europe) (En,Fr,De).sfc|3145728|2100|
Games/Roms/Mega Drive/Sonic The Hedgehog 2 (World).md|1048576|2100|
Games/Roms/DS/Mario Kart DS (Europe).nds|33554432|2000|
Games/Roms/PSX/Vagrant Story (Europe).chd|420000000|1900|
Games/Emulators/Snes9x 1.62/snes9x-x64.exe|4200000|880|MZ
Games/Emulators/Snes9x 1.62/Saves/EarthBound (USA).000|180000|420|
Games/Emulators/Snes9x 1.62/Saves/EarthBound (USA).srm|8192|418|
Games/Emulators/Snes9x 1.62/Saves/frostbite.srm|2048|5|
Games/Emulators/bizhawk/EmuHawk.exe|9000000|770|MZ
Games/Emulators/bizhawk/Movies/sonic2 any%.bk2|210000|760|PK
Games/Emulators/DuckStation/bios/scph5502.bin|524288|1900|
Games/Steam screenshots/celeste_2024.jpg|800000|700|
Tools/Asar 1.91/asar.exe|900000|400|MZ
Tools/Asar 1.91/changelog.txt|9000|400|1.91\n
Tools/Lunar Magic 3.40/Lunar Magic.exe|3300000|380|MZ
Tools/Tile Layer Pro/tlp.exe|700000|2400|MZ
Tools/AddmusicK 1.0.11/AddmusicK.exe|1200000|1000|MZ
Tools/AddmusicK 1.0.11/music/frost theme.txt|5100|40|#amk 4\n
Tools/HxD/HxD.exe|6600000|1200|MZ
Tools/Pixelorama/pixelorama.exe|60000000|330|MZ
Programming/frost-level-viewer/src/main.go|5200|90|package main\n
Programming/frost-level-viewer/src/render.go|7700|88|package main\n
Programming/frost-level-viewer/go.mod|60|91|module frost\n
Programming/Palette Swapper/PaletteSwapper.sln|2100|1250|Microsoft Visual Studio\n
Programming/Palette Swapper/PaletteSwapper/Program.cs|4800|1250|class Program {}\n
Programming/Palette Swapper/PaletteSwapper/bin/Debug/PaletteSwapper.exe|60000|1250|MZ
Programming/discord-bot/bot.js|8200|550|const discord = 1\n
Programming/discord-bot/package.json|700|550|{"name": "discord-bot"}
Programming/discord-bot/.env|120|550|TOKEN=abc\n
Programming/homepage/index.html|4100|320|<h1>my hacks</h1>
Programming/homepage/style.css|2100|320|h1 {}
Programming/Arduino/snes_pad_reader/snes_pad_reader.ino|3300|670|void setup() {}\n
Programming/advent of code 2023/day01.hs|900|1080|main = print 1\n
Programming/advent of code 2023/day02.hs|1000|1079|main = print 2\n
Programming/sprite-vision/train.py|9100|50|import torch\n
Programming/sprite-vision/model.py|6100|52|class Net: pass\n
Programming/sprite-vision/requirements.txt|80|60|torch\n
Programming/sprite-vision/runs/exp3/best.pt|44000000|49|
Programming/sprite-vision/runs/exp3/results.csv|6100|49|epoch,loss\n
Programming/sprite-vision/.venv/pyvenv.cfg|90|60|home = /usr\n
Programming/sprite-vision/.venv/lib/torch/libtorch.so|900000000|60|ELF
LLM/Models/gemma-2-9b-it-Q4_K_M.gguf|5800000000|310|GGUF
LLM/Models/Qwen2.5-7B-Instruct-Q6_K.gguf|6200000000|180|GGUF
LLM/Models/deepseek-coder-6.7b-Q5.gguf|4800000000|600|GGUF
LLM/Models/bge-small-en-v1.5/model.safetensors|133000000|290|
LLM/Loras/smw-asm-helper-v1/adapter_model.safetensors|66000000|150|
LLM/Loras/smw-asm-helper-v2/adapter_model.safetensors|67000000|21|
LLM/Loras/smw-asm-helper-v2/README.md|900|21|# second try, with more code of sprites\n
LLM/Loras/german-dialogue/adapter_model.safetensors|61000000|290|
LLM/Datasets/smw_sprites_qa.jsonl|8400000|24|{"q": "How does a koopa turn", "a": "JSR"}\n
LLM/Datasets/dialogue_de_en.csv|3700000|295|de,en\nHallo,Hello\n
LLM/Datasets/tilesets_captioned.parquet|41000000|500|PAR1
LLM/Training/logs/smw-asm-helper-v1.log|310000|150|loss 2.1\n
LLM/Training/logs/smw-asm-helper-v2.log|320000|21|loss 1.4\n
LLM/Training/axolotl_smw.yaml|2400|22|base_model: Qwen2.5-7B\n
LLM/KoboldCpp/koboldcpp.exe|480000000|170|MZ
LLM/KoboldCpp/presets.kcpps|1200|165|{}
LLM/Prompts/level critic.txt|2000|80|You judge levels of Super Mario World.\n
LLM/Prompts/translator german.txt|1500|294|Translate to German.\n
LLM/eval/bench_asm_2025-08.csv|9100|95|model,score\n
Musik/Eigene/frost theme final.spc|66048|38|SNES-SPC700
Musik/Eigene/frost theme sketch.mid|9000|60|MThd
Musik/Eigene/tomb ambience.wav|52000000|455|RIFF
Musik/Alben/Secret of Mana OST/03 Into the Thick of It.mp3|6100000|2000|ID3
Musik/Podcasts/retro_hour_412.mp3|71000000|240|ID3
Bilder/Frostbite/title screen.png|48000|9|
Bilder/Frostbite/penguin concept.psd|8800000|30|8BPS
Bilder/Urlaub 2022 Norwegen/DSC01001.jpg|5200000|1560|
Bilder/Urlaub 2022 Norwegen/DSC01002.jpg|5100000|1560|
Bilder/Wallpapers/hyrule field 4k.png|9900000|800|
Bilder/bugs/flickering sprite.png|210000|10|
Bilder/bugs/corrupt tilemap level 002.png|190000|12|
Videos/Streams/2025-10-04 frostbite dev stream.mp4|3900000000|48|
Videos/Streams/2025-06-18 tomb playtest.mp4|2700000000|156|
Videos/Tutorials/how to make custom blocks.mkv|640000000|900|
Dokumente/Bewerbung/Lebenslauf.pdf|240000|160|%PDF
Dokumente/Bewerbung/Anschreiben Nintendo.odt|22000|158|
Dokumente/Versicherung/Haftpflicht 2025.pdf|310000|330|%PDF
Dokumente/Rechnungen/2025-03 grafikkarte.pdf|120000|260|%PDF
Dokumente/Rechnungen/2025-09 strom.pdf|98000|70|%PDF
Dokumente/Uni/bachelor thesis/thesis.tex|88000|1300|\\documentclass{article}\n
Dokumente/Uni/bachelor thesis/thesis.pdf|2100000|1290|%PDF
Dokumente/Uni/bachelor thesis/thesis_old.pdf|1900000|1330|%PDF
Dokumente/Steuer/Steuererklärung 2024.pdf|510000|190|%PDF
Dokumente/hack ideas.md|3100|14|# Ideas\n- a hack where the floor is glass\n- mode 7 boss fight\n
Dokumente/level design principles.pdf|1400000|620|%PDF
Downloads/Qwen2.5-7B-Instruct-Q6_K.gguf|6200000000|180|GGUF
Downloads/Win11_24H2_German_x64.iso|5700000000|280|
Downloads/AddmusicK_1.0.11.zip|1400000|1000|PK
Downloads/Hyrule Conquest v9.bps|1100000|75|BPS1
Downloads/Super Mario Odyssey demake.xdelta|800000|430|
Downloads/cuda_12.4_installer.exe|3200000000|300|MZ
Downloads/dataset_kaggle_sprites.zip|780000000|505|PK
Downloads/movie.mkv.part|1200000000|220|
Downloads/invoice_gpu.pdf|120000|260|%PDF
Old PC/Desktop/mario hack first try/mario.smc|524800|4100|
Old PC/Desktop/mario hack first try/notes.txt|500|4100|my first hack!!\n
Old PC/My Documents/vb6 sprite editor/Form1.frm|8000|4600|VERSION 5.00\n
Old PC/My Documents/vb6 sprite editor/Module1.bas|6000|4600|Sub Main\n
Old PC/Backup 2014.rar|2600000000|4200|Rar
Backup/2025-08-15 My Hacks.zip|48000000|98|PK
Backup/keepass 2025.kdbx|9000|97|
Backup/Frostbite beta1/frostbite.asm|12000|190|; Frostbite beta 1\n
Backup/Frostbite beta1/blocks.asm|6000|8|; slippery blocks\n
AppData/Local/Temp/tmp8812.tmp|400000|3|
AppData/Local/pip/Cache/http/aa/wheel|210000000|60|
.cache/huggingface/hub/models--BAAI--bge-small-en/blobs/1f|133000000|290|
"""

_QUESTIONS = """
Where are my own ROM hacks?|My Hacks|My Hacks/Frostbite|My Hacks/Tomb of Kakariko
where's the code for the penguin enemy|My Hacks/Frostbite/sprites/penguin.asm
latest beta of frostbite I zipped up|Desktop/frostbite_hack_beta3.zip
which of my models is stored twice?|Downloads/Qwen2.5-7B-Instruct-Q6_K.gguf
|LLM/Models/Qwen2.5-7B-Instruct-Q6_K.gguf
I translated Earthbound into German once. Where did that end up?|My Hacks/EarthBound German
list every LoRA I made&LLM/Loras/smw-asm-helper-v1/adapter_model.safetensors\
&LLM/Loras/smw-asm-helper-v2/adapter_model.safetensors&LLM/Loras/german-dialogue/adapter_model.safetensors
what's eating my disk?|LLM|LLM/Models|Downloads
the log of the second asm helper training|LLM/Training/logs/smw-asm-helper-v2.log
which hack did I give up on longest ago?|Old PC/Desktop/mario hack first try|Old PC/Desktop|My Hacks/Zebes Gardens
find my bachelor thesis|Dokumente/Uni/bachelor thesis/thesis.pdf|Dokumente/Uni/bachelor thesis\
|Dokumente/Uni/bachelor thesis/thesis.tex
hdma gradients, I had notes about that|Reference/Cheat sheets/hdma tricks.md
is there a disassembly of super mario world around here?|Reference/Disassemblies/SMWDisX
my earthbound save game|Games/Emulators/Snes9x 1.62/Saves/EarthBound (USA).srm\
|Games/Emulators/Snes9x 1.62/Saves/EarthBound (USA).000
virtual environments I could delete|Programming/sprite-vision/.venv
which datasets have I collected?&LLM/Datasets/smw_sprites_qa.jsonl&LLM/Datasets/dialogue_de_en.csv\
&LLM/Datasets/tilesets_captioned.parquet
Go project that shows levels|Programming/frost-level-viewer
recordings of my streams&Videos/Streams/2025-10-04 frostbite dev stream.mp4\
&Videos/Streams/2025-06-18 tomb playtest.mp4
screenshot of the sprite flickering bug|Bilder/bugs/flickering sprite.png
what did I change in the last seven days?|My Hacks/Frostbite|My Hacks/Frostbite/frostbite.asm
|Desktop/TODO today.txt\
|Desktop/frostbite_hack_beta3.zip|My Hacks/Frostbite/frostbite.smc|My Hacks/Frostbite/frostbite.bps
where's my CV?|Dokumente/Bewerbung/Lebenslauf.pdf
european version of F-Zero|Games/Roms/SNES/F-Zero (Europe).sfc
which program did I use for inserting music into SMW?|Tools/AddmusicK 1.0.11|Tools/AddmusicK 1.0.11/AddmusicK.exe
anything about sram layout?|Reference/Cheat sheets/sram layout alttp.ods
tax stuff from 2024|Dokumente/Steuer/Steuererklärung 2024.pdf
Sonic 2 ROM|Games/Roms/Mega Drive/Sonic The Hedgehog 2 (World).md
the config file for training with axolotl|LLM/Training/axolotl_smw.yaml
c# projects|Programming/Palette Swapper
haskell code|Programming/advent of code 2023
patches that I downloaded but never applied&Downloads/Hyrule Conquest v9.bps\
&Downloads/Super Mario Odyssey demake.xdelta
which downloads are over 3 gigabytes?\
&Downloads/Win11_24H2_German_x64.iso&Downloads/cuda_12.4_installer.exe
photos from the trip to Norway|Bilder/Urlaub 2022 Norwegen
what embedding models have I got?|LLM/Models/bge-small-en-v1.5/model.safetensors|LLM/Models/bge-small-en-v1.5
theme song of the ice hack|Musik/Eigene/frost theme final.spc|Musik/Eigene/frost theme sketch.mid\
|Tools/AddmusicK 1.0.11/music/frost theme.txt
the story document of Tomb of Kakariko|My Hacks/Tomb of Kakariko/Story.docx
where are my passwords stored?|Backup/keepass 2025.kdbx
the bill for the graphics card|Dokumente/Rechnungen/2025-03 grafikkarte.pdf|Downloads/invoice_gpu.pdf
benchmark results of my models|LLM/eval/bench_asm_2025-08.csv|LLM/eval
where's the wiring diagram of the submarine?|-
do I have a Bulbasaur embroidery pattern?|-
the hack I made for Secret of Evermore|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_QUESTIONS)
"""Forty questions and what their answers must hold."""


def plant_shed(root: Path) -> None:
    """Plant the home: 250 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(60):
        write_lines(root, f"Programming/discord-bot/node_modules/discord.js/src/m{at}.js|{700 + at}|550|")
    for at in range(40):
        write_lines(root, f"Bilder/Urlaub 2022 Norwegen/DSC{1003 + at:05}.jpg|{4900000 + at}|1558|")
    for path in ("Downloads/invoice_gpu.pdf", "Dokumente/Rechnungen/2025-03 grafikkarte.pdf"):
        write_lines(root, f"{path}|120000|260|%PDF gpu")
    for path in ("Downloads/Qwen2.5-7B-Instruct-Q6_K.gguf", "LLM/Models/Qwen2.5-7B-Instruct-Q6_K.gguf"):
        write_lines(root, f"{path}|6200000|180|GGUF qwen")
    plant_git(root, "Programming/frost-level-viewer", "https://github.com/jo/frost.git", 88, ahead=0, open_files=1)
    plant_git(root, "Reference/Disassemblies/SMWDisX", "https://github.com/smw/SMWDisX.git", 700, ahead=0, open_files=0)
