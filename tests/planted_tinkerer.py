"""A tinkerer's home folder for tests, with forty plain questions to it: places, lists, copies, and things not there."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_tinkerer"]

_FILES = """
Emulation/Roms/SNES/EarthBound (USA).sfc|3145728|1500|
Emulation/Roms/SNES/F-ZERO (USA).sfc|524288|1500|
Emulation/Roms/SNES/Final Fantasy III (USA) (Rev 1).sfc|3145728|1400|
Emulation/Roms/SNES/Legend of Zelda, The - A Link to the Past (USA).sfc|1048576|1500|ALTTP
Emulation/Roms/Genesis/Sonic 2.md|1048576|1600|
Emulation/Roms/Genesis/Streets of Rage 2.gen|2097152|1600|
Emulation/Roms/N64/Ocarina.z64|33554432|1600|
Emulation/Bios/gba_bios.bin|16384|2000|
Emulation/retroarch/saves/EarthBound (USA).srm|8192|9|
Emulation/retroarch/states/EarthBound (USA).state1|240000|9|
Emulation/retroarch/retroarch.cfg|90000|11|
Romhacking/finished/mother-remastered/mother-remastered.ips|31000|420|
Romhacking/finished/mother-remastered/credits.txt|900|420|
Romhacking/finished/ff6-brave-new-world/bnw_2.1.bps|180000|700|
Romhacking/finished/ff6-brave-new-world/Brave New World.sfc|4194304|700|
Romhacking/wip/armos-quest/src/main.asm|4100|0.2|org $8000\\n; Armos Knights get a second phase
Romhacking/wip/armos-quest/src/bank_07.asm|61000|0.3|BANK7
Romhacking/wip/armos-quest/src/sprites/armos_knight.asm|7200|0.2|ArmosKnight_Main:
Romhacking/wip/armos-quest/src/sprites/octorok.asm|5200|4|
Romhacking/wip/armos-quest/src/gfx/sheet_00.bin|16384|12|
Romhacking/wip/armos-quest/src/gfx/sheet_01.bin|16400|12|
Romhacking/wip/armos-quest/src/gfx/sprite_sheets.png|52000|12|
Romhacking/wip/armos-quest/Makefile|700|6|
Romhacking/wip/armos-quest/build/armos-quest.sfc|2097152|0.2|
Romhacking/wip/armos-quest/dist/armos-quest-v0.9.bps|44000|0.4|
Romhacking/wip/armos-quest/CHANGELOG.md|2100|0.4|0.9: Armos room
Romhacking/wip/armos-quest/docs/dungeon-map.png|300000|30|
Romhacking/wip/fzero-tracks/tracks.asm|9000|610|
Romhacking/wip/fzero-tracks/palette.pal|512|610|
Romhacking/wip/fzero-tracks/build.bat|100|610|
Romhacking/disassemblies/usdasm/bank_00.asm|62000|210|
Romhacking/disassemblies/usdasm/bank_07.asm|61000|210|BANK7
Romhacking/disassemblies/usdasm/bank_0E.asm|63000|210|
Romhacking/disassemblies/usdasm/README.md|1800|210|
Romhacking/disassemblies/ebsrc/Makefile|800|95|
Romhacking/disassemblies/ebsrc/src/battle/init.asm|12000|95|
Romhacking/disassemblies/ebsrc/src/text/ceremony.asm|13000|95|
Romhacking/tools/asar/asar.exe|640000|800|
Romhacking/tools/Lunar Magic/Lunar Magic.exe|3400000|650|
Romhacking/tools/flips-linux|310000|500|
Romhacking/tools/Tile Layer Pro.zip|420000|1900|
Backups/2024-05-zelda3-backup.tar.gz|6300000|560|
Backups/thinkpad/home.tar.zst|91000000|980|
Backups/thinkpad/package-list.txt|8000|980|
Backups/phone/DCIM/IMG_2041.jpg|3100000|730|
Backups/phone/DCIM/IMG_2042.jpg|3200000|730|
Backups/phone/contacts.vcf|21000|730|
Backups/keepass-2025-01.kdbx|40000|300|
Downloads/armos-quest-v0.8.bps|41000|33|
Downloads/usdasm-main.zip|2400000|212|
Downloads/Blender-4.2.tar.xz|83000000|120|
Downloads/ubuntu-24.04-desktop.iso|120000000|390|
Downloads/invoice_2291.pdf|88000|17|
Downloads/MSU-1 audio pack.7z|64000000|260|
Downloads/setup(1).exe|5400000|44|SETUP
Downloads/setup.exe|5400000|45|SETUP
Downloads/alttp.sfc|1048576|30|ALTTP
Downloads/Unconfirmed 20381.crdownload|7000000|66|
Code/py/lora-lab/pyproject.toml|600|3|
Code/py/lora-lab/lora/train.py|8100|3|
Code/py/lora-lab/lora/data.py|4100|3|
Code/py/lora-lab/lora/merge.py|3100|3|
Code/py/lora-lab/lora/evaluate.py|3900|3|
Code/py/lora-lab/lora/export.py|3700|3|
Code/py/lora-lab/configs/qwen.yaml|900|3|
Code/py/lora-lab/.venv/pyvenv.cfg|90|200|
Code/py/lora-lab/.venv/lib/python3.12/site-packages/torch/_C.so|41000000|200|
Code/py/spriteripper/ripper.py|5300|450|
Code/py/spriteripper/requirements.txt|90|450|
Code/py/spriteripper/__pycache__/ripper.cpython-311.pyc|4000|450|
Code/js/tracker-overlay/package.json|700|1|
Code/js/tracker-overlay/src/App.tsx|5100|1|
Code/js/tracker-overlay/src/overlay.css|2100|1|
Code/js/old-homepage/package.json|500|1300|
Code/js/old-homepage/index.html|2500|1300|
Code/rust/bpsdiff/Cargo.toml|300|75|
Code/rust/bpsdiff/src/main.rs|9100|75|
Code/rust/bpsdiff/src/delta.rs|7200|75|
Code/rust/bpsdiff/target/debug/bpsdiff|38000000|75|
Code/cpp/spc-player/CMakeLists.txt|1100|880|
Code/cpp/spc-player/dsp.cpp|17000|880|
Code/cpp/spc-player/cmake-build-debug/dsp.o|2100000|880|
Code/scripts/backup-home.sh|1400|230|
Code/scripts/rename_roms.ps1|1900|800|
Code/scripts/fix-headers.lua|700|640|
Models/qwen2.5-coder-7b-q5.gguf|79000000|130|
Models/whisper/ggml-base.en.bin|14000000|400|
Models/lora/oot-style.safetensors|22000000|60|
Music/SPC/EarthBound/eb-012.spc|66048|900|
Music/SPC/EarthBound/eb-013.spc|66050|900|
Music/Albums/Chrono Symphonic/01 Arrival.flac|21000000|1000|
Music/Albums/Chrono Symphonic/02 Darkness.flac|22000000|1000|
Music/demos/armos theme idea.mid|9000|14|
Pictures/Screenshots/Screenshot 2026-11-02 at 21.14.png|410000|19|
Pictures/Screenshots/Screenshot 2026-10-11 at 09.01.png|390000|41|
Pictures/Screenshots/armos-room-glitch.png|380000|8|
Pictures/scans/passport.jpg|2200000|1100|
Pictures/pixelart/link-recolor.aseprite|18000|150|
Pictures/pixelart/tileset-desert.aseprite|28000|151|
Notes/ideas/armos boss fight.md|1900|10|Armos Knights: three waves
Notes/ideas/randomizer logic.md|3900|70|
Notes/snes/dma-and-hdma.md|6300|320|
Notes/snes/lorom memory map.md|5200|330|
Notes/journal/2026-11.md|7100|1|
Notes/journal/2026-10.md|9100|22|
Notes/shopping.txt|300|5|
Notes/wifi passwords.txt|200|620|
Documents/taxes/2023/return.pdf|410000|900|
Documents/taxes/2024/return.pdf|420000|560|
Documents/cv/lebenslauf_mara.docx|61000|260|
Documents/cv/cover letter nintendo.odt|31000|255|
Documents/manuals/SNES Development Manual.pdf|9100000|1800|
Documents/manuals/65816-primer.pdf|1100000|1800|
Documents/budget.xlsx|51000|28|
Documents/Überweisungen/März.csv|9000|250|
Documents/日本語/聖剣伝説メモ.txt|2000|340|
Videos/speedrun-any%.mkv|71000000|310|
Videos/tutorials/asm-hacking-part1.mp4|52000000|600|
Videos/tutorials/asm-hacking-part2.mp4|53000000|600|
Game Dev/godot/moonlit/project.godot|900|15|
Game Dev/godot/moonlit/player.gd|3100|15|
Game Dev/unity-test/Assets/Scene.unity|90000|1250|
Game Dev/unity-test/Library/ArtifactDB|17000000|1250|
.cache/pip/http/0a/1b/blob|19000000|60|
.cache/huggingface/hub/models--Qwen/blobs/9f3a|55000000|130|
.cargo/registry/cache/serde.crate|91000|80|
.config/nvim/init.lua|5100|90|
.config/bsnes/settings.bml|3100|40|
.ssh/config|500|700|
.bashrc|3900|140|
desktop/New folder (2)/untitled.txt|40|1400|
desktop/TODO.md|900|2|
"""

_ASKED = """
where are my ROM hacks?|Romhacking|Romhacking/finished|Romhacking/wip
what is eating my disk|Downloads|Downloads/ubuntu-24.04-desktop.iso|Backups
which projects haven't I touched this year&Code/js/old-homepage&Code/cpp/spc-player&Game Dev/unity-test
do I have two copies of the bank 07 source&Romhacking/wip/armos-quest/src/bank_07.asm
&Romhacking/disassemblies/usdasm/bank_07.asm
where did I put the sprite sheets|Romhacking/wip/armos-quest/src/gfx/sprite_sheets.png
|Romhacking/wip/armos-quest/src/gfx
which folder has the most python|Code/py/lora-lab|Code/py/lora-lab/lora|Code/py
can I delete build caches&Code/rust/bpsdiff/target&Code/cpp/spc-player/cmake-build-debug
what did I change last week|Romhacking/wip/armos-quest|Code/py/lora-lab|Code/js/tracker-overlay
|Romhacking/wip/armos-quest/src/main.asm|Romhacking/wip/armos-quest/src/sprites/armos_knight.asm
|Pictures/Screenshots/armos-room-glitch.png|Notes/journal/2026-11.md
|Romhacking/wip/armos-quest/build/armos-quest.sfc
is there a backup of zelda3|Backups/2024-05-zelda3-backup.tar.gz
which files mention Armos|Romhacking/wip/armos-quest/src/main.asm
|Romhacking/wip/armos-quest/src/sprites/armos_knight.asm|Notes/ideas/armos boss fight.md
where is the newest patch|Romhacking/wip/armos-quest/dist/armos-quest-v0.9.bps
find the biggest zip|Downloads/usdasm-main.zip
got any unity stuff lying around?|Game Dev/unity-test
where do my emulator save games live|Emulation/retroarch/saves|Emulation/retroarch/saves/EarthBound (USA).srm
what was I working on yesterday or today|Romhacking/wip/armos-quest|Romhacking/wip/armos-quest/src/main.asm
|Romhacking/wip/armos-quest/src/sprites/armos_knight.asm|Code/js/tracker-overlay|Notes/journal/2026-11.md
|Romhacking/wip/armos-quest/build/armos-quest.sfc
show me the rust project|Code/rust/bpsdiff
where's that pdf about the 65816|Documents/manuals/65816-primer.pdf
my resume|Documents/cv|Documents/cv/lebenslauf_mara.docx
which installers did I download twice&Downloads/setup.exe&Downloads/setup(1).exe
list every flac&Music/Albums/Chrono Symphonic/01 Arrival.flac&Music/Albums/Chrono Symphonic/02 Darkness.flac
how much do virtual environments take|Code/py/lora-lab/.venv
the notes on HDMA|Notes/snes/dma-and-hdma.md
the original Link to the Past rom|Emulation/Roms/SNES/Legend of Zelda, The - A Link to the Past (USA).sfc
which language models do I have&Models/qwen2.5-coder-7b-q5.gguf
where is my tax return for 2024|Documents/taxes/2024/return.pdf|Documents/taxes/2024
half finished downloads|Downloads/Unconfirmed 20381.crdownload
any disassembly of EarthBound?|Romhacking/disassemblies/ebsrc
where's the thing that renames roms|Code/scripts/rename_roms.ps1
which zelda rom do I have twice&Downloads/alttp.sfc
&Emulation/Roms/SNES/Legend of Zelda, The - A Link to the Past (USA).sfc
screenshots from this month or last|Pictures/Screenshots
|Pictures/Screenshots/Screenshot 2026-11-02 at 21.14.png|Pictures/Screenshots/armos-room-glitch.png
who wrote the sequel to Hamlet|-
where are my kubernetes manifests|-
the oldest rom I own|Emulation/Roms/N64/Ocarina.z64|Emulation/Roms/Genesis/Sonic 2.md
|Emulation/Roms/Genesis/Streets of Rage 2.gen
what's the source of the F-Zero track hack|Romhacking/wip/fzero-tracks|Romhacking/wip/fzero-tracks/tracks.asm
videos longer than... well, bigger than 60 MB|Videos/speedrun-any%.mkv
my pixel art|Pictures/pixelart|Pictures/pixelart/link-recolor.aseprite
|Pictures/pixelart/tileset-desert.aseprite
the emulator's config|Emulation/retroarch/retroarch.cfg|.config/bsnes/settings.bml|.config/bsnes
seiken densetsu or 聖剣 memo|Documents/日本語/聖剣伝説メモ.txt
what's in the thinkpad backup|Backups/thinkpad|Backups/thinkpad/home.tar.zst
xqzzy flurble|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_ASKED)
"""Forty questions and what their answers must hold."""


def plant_tinkerer(root: Path) -> None:
    """Plant the home: 350 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(120):
        name = ("react", "vite", "lodash", "esbuild")[at % 4]
        write_lines(
            root, f"Code/js/{('tracker-overlay', 'old-homepage')[at % 2]}/node_modules/{name}/f{at}.js|900|200|"
        )
    for at in range(40):
        write_lines(root, f"Pictures/2019 Japan/DSC_{at:04}.jpg|{900000 + at}|2500|")
    for at in range(40):
        write_lines(root, f"Romhacking/disassemblies/ebsrc/src/data/table_{at:02}.asm|{2000 + at}|95|")
    for at in range(12):
        write_lines(root, f"Code/py/lora-lab/data/shard-{at:02}.jsonl|{500000 + at}|20|")
    plant_git(root, "Romhacking/wip/armos-quest", "", 0.2, ahead=0, open_files=1)
    plant_git(root, "Code/rust/bpsdiff", "https://codeberg.org/mara/bpsdiff.git", 75, ahead=0, open_files=0)
