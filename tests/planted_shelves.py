"""A home kept as on a Mac, with shelves by year, for tests, and forty terse, chatty and misspelt questions to it."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_shelves"]

_FILES = """
Developer/hyrule-remix/main.asm|2100|0.5|incsrc hooks.asm
Developer/hyrule-remix/hooks.asm|5200|2|JSL Sprite_SpawnDynamically
Developer/hyrule-remix/msg/dialogue_en.txt|31000|6|Welcome to Kakariko
Developer/hyrule-remix/msg/dialogue_de.txt|33000|6|Willkommen in Kakariko
Developer/hyrule-remix/gfx/link.4bpp|28672|50|
Developer/hyrule-remix/gfx/hud.4bpp|4096|51|
Developer/hyrule-remix/pal/overworld.pal|512|52|
Developer/hyrule-remix/build.sh|300|3|
Developer/hyrule-remix/out/hyrule-remix.sfc|2097152|0.5|
Developer/hyrule-remix/out/hyrule-remix-1.4.ips|71000|1|
Developer/hyrule-remix/README.md|1800|9|# Hyrule Remix
Developer/hyrule-remix/TODO.txt|600|0.5|fix the minimap
Developer/smw-kaizo/level105.mwl|9000|480|
Developer/smw-kaizo/kaizo-gauntlet.bps|83000|480|
Developer/smw-kaizo/patches/fastrom.asm|2200|485|
Developer/smw-kaizo/music/boss.txt|2100|490|
Developer/z3-disasm/Makefile|500|130|
Developer/z3-disasm/bank_02.asm|58000|130|
Developer/z3-disasm/bank_05.asm|59000|130|
Developer/z3-disasm/bank_1D.asm|60000|130|
Developer/z3-disasm/sprite_agahnim.asm|21000|130|Agahnim_Main:
Developer/tilemapper/Cargo.toml|400|12|
Developer/tilemapper/src/main.rs|7000|12|
Developer/tilemapper/src/png.rs|5000|12|
Developer/tilemapper/target/release/tilemapper|29000000|12|
Developer/tilemapper-old/Cargo.toml|380|900|
Developer/tilemapper-old/src/main.rs|3000|900|
Developer/discord-bot/go.mod|100|5|
Developer/discord-bot/main.go|4400|5|
Developer/discord-bot/.env|90|5|
Developer/photo-site/package.json|600|830|
Developer/photo-site/gallery.tsx|3300|830|
Developer/photo-site/node_modules/next/dist/server.js|14000000|830|
Developer/tracker/pyproject.toml|500|65|
Developer/tracker/tracker/app.py|6100|65|
Developer/tracker/tracker/items.json|19000|65|
Developer/tracker/tests/test_app.py|2900|65|
Developer/tracker/.venv/pyvenv.cfg|90|65|
Developer/tracker/.venv/lib/numpy.so|23000000|65|
Developer/kicad-fx-board/board.kicad_pcb|410000|270|
Developer/kicad-fx-board/board.kicad_sch|210000|270|
Developer/esp32-pad/platformio.ini|200|370|
Developer/esp32-pad/src/main.cpp|5100|370|
Developer/ansible-home/playbook.yml|2600|95|
Developer/ansible-home/inventory.ini|400|95|
Shelf/2019/thesis/thesis.tex|91000|2600|
Shelf/2019/thesis/figures/plot.svg|31000|2600|
Shelf/2019/thesis/thesis-final-FINAL2.pdf|2300000|2590|
Shelf/2021/wedding/IMG_0412.CR2|24000000|1900|
Shelf/2021/wedding/IMG_0413.CR2|24500000|1900|
Shelf/2021/wedding/guest list.xlsx|18000|1930|
Shelf/2022/house/mortgage-contract.pdf|1900000|1500|
Shelf/2022/house/floorplan.dwg|900000|1500|
Shelf/2023/metroid-randomizer/seed_8841.sfc|3145728|1100|
Shelf/2023/metroid-randomizer/spoiler log.txt|21000|1100|
Shelf/2023/old website dump.sql|33000000|1150|
Shelf/2024/z3 backup jan.zip|7100000|680|
Shelf/2024/z3 backup june.zip|7900000|530|
Shelf/2024/cat videos/mochi_jump.mov|39000000|600|
Shelf/2024/cat videos/mochi_sleep.mov|31000000|600|
Games/SNES/Super Metroid (Japan, USA).sfc|3145728|2100|SUPERMET
Games/SNES/Secret of Mana (USA).smc|2097664|2100|
Games/SNES/Yoshi's Island (USA).sfc|2097152|2100|
Games/SNES/Zelda no Densetsu - Kamigami no Triforce (Japan).sfc|1048576|2100|
Games/GBA/Minish Cap.gba|16777216|2000|
Games/GBA/Metroid Fusion.gba|8388608|2000|
Games/DS/Phantom Hourglass.nds|67108864|2000|
Games/saves/Minish Cap.sav|65536|100|
Games/saves/Super Metroid.srm|8192|37|
Games/cheats.txt|5000|800|
Library/Caches/Homebrew/ffmpeg.bottle.tar.gz|21000000|55|
Library/Caches/Google/Chrome/data_3|18000000|1|
Library/Application Support/Mesen/settings.json|9000|18|
Library/Fonts/ChicagoFLF.ttf|61000|1400|
Library/Fonts/PressStart2P.ttf|118000|1400|
Library/LaunchAgents/com.me.backup.plist|900|420|
Downloads/hyrule-remix-1.3.ips|69000|40|
Downloads/IMG_0412 (1).CR2|24000000|160|
Downloads/SuperMetroid.sfc|3145728|90|SUPERMET
Downloads/Mesen_2.0.dmg|44000000|19|
Downloads/node-v22.pkg|61000000|210|
Downloads/boarding pass OSL.pdf|210000|26|
Downloads/lohnabrechnung-oktober.pdf|88000|20|
Downloads/sprites-by-kan.rar|3300000|310|
Downloads/llama-3.1-8b-instruct-q4.gguf|92000000|220|
Downloads/llama-3.1-8b-instruct-q4 copy.gguf|92000000|219|
Downloads/whisper-large.onnx|51000000|225|
Downloads/wtf.dat.part|5100000|240|
Desktop/Screen Shot 2026-11-19 at 10.10.10.png|310000|2|
Desktop/Screen Shot 2026-09-02 at 17.01.22.png|290000|80|
Desktop/mockup hud.psd|9100000|48|
Desktop/untitled folder/a.txt|2|1700|
Desktop/rechnung zahnarzt.pdf|91000|33|
Music/Ableton/kakariko-lofi/kakariko-lofi.als|310000|110|
Music/Ableton/kakariko-lofi/Samples/flute.wav|14000000|110|
Music/msu/alttp_msu-2.pcm|41000000|700|
Music/msu/alttp_msu-3.pcm|42000000|700|
Music/Bandcamp/Lena Raine - Oneknowing/01 Tulip.mp3|9000000|1200|
Music/Bandcamp/Lena Raine - Oneknowing/02 Wake.mp3|9100000|1200|
Movies/OBS/2026-08-14 stream.mkv|99000000|99|
Movies/OBS/2025-02-01 stream.mkv|95000000|650|
Obsidian/Romhacking/Sprite slots.md|2900|14|Each sprite has 16 slots
Obsidian/Romhacking/Agahnim AI.md|4100|45|Agahnim fires every 64 frames
Obsidian/Romhacking/Overworld map16.md|5100|46|
Obsidian/Daily/2026-11-20.md|500|1|minimap still broken
Obsidian/Daily/2026-11-12.md|700|9|
Obsidian/Recipes/Miso ramen.md|1500|390|
Obsidian/Recipes/Zimtschnecken.md|1300|391|
Obsidian/Travel/Norway packing list.md|800|28|
Dropbox/Camera Uploads/2025-07-04 18.12.jpg|3100000|500|
Dropbox/Camera Uploads/2025-07-05 09.44.jpg|3200000|499|
Dropbox/1Password.opvault|310000|77|
Dropbox/steuer/2024/Steuererklärung 2024.pdf|610000|540|
Dropbox/steuer/2025/belege.zip|9100000|190|
Dropbox/writing/novel/chapter 01.docx|41000|350|
Dropbox/writing/novel/chapter 02.docx|43000|345|
Dropbox/書類/履歴書.docx|51000|410|
Dropbox/Музыка/песня.mp3|6100000|860|
.ollama/models/blobs/sha256-88|97000000|150|
.config/ghostty/config|400|35|
.zshrc|2100|60|
.Trash/old mixtape.mp3|8000000|20|
"""

_ASKED = """
rom hacks i made|Developer/hyrule-remix|Developer/smw-kaizo|Developer/hyrule-remix/out/hyrule-remix-1.4.ips
|Developer/smw-kaizo/kaizo-gauntlet.bps
whats hogging all the space??|Downloads|Developer|Movies|Movies/OBS|Games|Movies/OBS/2026-08-14 stream.mkv
i need the dialog text of my zelda hack|Developer/hyrule-remix/msg|Developer/hyrule-remix/msg/dialogue_en.txt
|Developer/hyrule-remix/msg/dialogue_de.txt
did i download llama twice?&Downloads/llama-3.1-8b-instruct-q4.gguf
&Downloads/llama-3.1-8b-instruct-q4 copy.gguf
which of my repos are in go|Developer/discord-bot
pls find the super metriod rom|Games/SNES/Super Metroid (Japan, USA).sfc|Downloads/SuperMetroid.sfc
where do I keep the game boy advance games|Games/GBA
any stuff I can throw away to get space back&Developer/tilemapper/target&Library/Caches
latest version of hyrule remix|Developer/hyrule-remix/out/hyrule-remix-1.4.ips
|Developer/hyrule-remix/out/hyrule-remix.sfc|Developer/hyrule-remix
what have i been up to the past few days|Developer/hyrule-remix|Developer/hyrule-remix/main.asm
|Developer/hyrule-remix/TODO.txt|Obsidian/Daily/2026-11-20.md|Developer/hyrule-remix/out/hyrule-remix.sfc
dead projects&Developer/tilemapper-old&Developer/photo-site
anything about Agahnim|Developer/z3-disasm/sprite_agahnim.asm|Obsidian/Romhacking/Agahnim AI.md
which notes talk about the minimap|Obsidian/Daily/2026-11-20.md|Developer/hyrule-remix/TODO.txt
pictures from the wedding|Shelf/2021/wedding|Shelf/2021/wedding/IMG_0412.CR2|Shelf/2021/wedding/IMG_0413.CR2
how many copies of super metroid&Games/SNES/Super Metroid (Japan, USA).sfc&Downloads/SuperMetroid.sfc
backups of z3 please&Shelf/2024/z3 backup jan.zip&Shelf/2024/z3 backup june.zip
Where did my thesis end up?|Shelf/2019/thesis|Shelf/2019/thesis/thesis-final-FINAL2.pdf
|Shelf/2019/thesis/thesis.tex
the contract for the mortgage|Shelf/2022/house/mortgage-contract.pdf
my salary slip from october|Downloads/lohnabrechnung-oktober.pdf
steuererklärung 2024|Dropbox/steuer/2024/Steuererklärung 2024.pdf|Dropbox/steuer/2024
russian song|Dropbox/Музыка/песня.mp3|Dropbox/Музыка
履歴書|Dropbox/書類/履歴書.docx
recipe for ramen|Obsidian/Recipes/Miso ramen.md
stream recordings over 50 MB from this year|Movies/OBS/2026-08-14 stream.mkv
which project uses rust&Developer/tilemapper&Developer/tilemapper-old
fonts i installed|Library/Fonts|Library/Fonts/ChicagoFLF.ttf|Library/Fonts/PressStart2P.ttf
largest rom|Games/DS/Phantom Hourglass.nds
smallest patch I have|Downloads/hyrule-remix-1.3.ips
emulator settings|Library/Application Support/Mesen/settings.json|Library/Application Support/Mesen
which disc image did I get for Mesen|Downloads/Mesen_2.0.dmg
MSU music tracks|Music/msu|Music/msu/alttp_msu-2.pcm|Music/msu/alttp_msu-3.pcm
lofi track I was producing|Music/Ableton/kakariko-lofi|Music/Ableton/kakariko-lofi/kakariko-lofi.als
do I have an .env file with secrets|Developer/discord-bot/.env
photoshop files|Desktop/mockup hud.psd
roms with a copier header|Games/SNES/Secret of Mana (USA).smc
something on my desktop from 2022 or older|Desktop/untitled folder/a.txt|Desktop/untitled folder
pcb design|Developer/kicad-fx-board|Developer/kicad-fx-board/board.kicad_pcb
quarterly sales report of the aquarium|-
grblfx zonk|-
what is the capital of Mongolia|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_ASKED)
"""Forty questions and what their answers must hold."""


def plant_shelves(root: Path) -> None:
    """Plant the home: 330 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(90):
        write_lines(root, f"Developer/photo-site/node_modules/{('sharp', 'react', 'zod')[at % 3]}/m{at}.js|700|830|")
    for at in range(60):
        write_lines(root, f"Dropbox/Camera Uploads/2024-08-{at % 28 + 1:02} {at:02}.00.jpg|{2000000 + at}|820|")
    for at in range(50):
        write_lines(root, f"Developer/z3-disasm/data/room_{at:03}.bin|{900 + at}|130|")
    (root / "Downloads/llama-3.1-8b-instruct-q4 copy.gguf").write_bytes(b"same")
    (root / "Downloads/llama-3.1-8b-instruct-q4.gguf").write_bytes(b"same")
    plant_git(root, "Developer/hyrule-remix", "git@github.com:kari/hyrule-remix.git", 0.5, ahead=1, open_files=2)
    plant_git(root, "Developer/tilemapper", "https://codeberg.org/kari/tilemapper.git", 12, ahead=0, open_files=0)
