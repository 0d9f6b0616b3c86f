"""Another home folder of a ROM hacker for tests, with plain questions to it: other names, other habits."""

import os
import random
import time
from pathlib import Path

from tests.planted import DAY, plant_git

__all__ = ["QUESTIONS", "plant_other"]

_FILES = """
Games/SNES/originals/Zelda - A Link to the Past (USA).sfc|1048576|2000|
Games/SNES/originals/Super Metroid (JU).smc|3146240|2000|
Games/SNES/originals/Chrono Trigger.sfc|4194304|2000|
Games/SNES/hacks/Parallel Worlds v1.1.sfc|2097152|900|
Games/SNES/hacks/hyper-metroid.ips|40000|800|
Games/SNES/hacks/Goddess of Wisdom.bps|60000|300|
Games/SNES/hacks/readme.txt|2000|300|
Games/NES/smb3.nes|400000|1500|
Games/GB/links-awakening.gbc|1048576|1500|
Games/saves/zelda3.srm|8192|20|
Games/saves/metroid.state|200000|60|
Downloads/redux-translation.bps|90000|5|
Downloads/zelda3 (copy).sfc|1048576|15|ZELDA
Games/SNES/originals/zelda3.sfc|1048576|700|ZELDA
src/jpdasm/bank_00.asm|50000|40|
src/jpdasm/bank_01.asm|50000|40|
src/jpdasm/main.asm|50000|40|
src/jpdasm/rooms.inc|50000|40|
src/sm_disassembly/sm_bank80.asm|80000|500|
src/sm_disassembly/sm_bank82.asm|80000|500|
src/sm_disassembly/samus.asm|80000|500|
src/hobby/Oracle-of-Secrets/main.asm|3000|3|
src/hobby/Oracle-of-Secrets/sprites/kydrog.asm|3000|3|
src/hobby/Oracle-of-Secrets/sprites/minecart.asm|3000|3|
src/hobby/Oracle-of-Secrets/dungeons/tail.asm|3000|3|
src/hobby/Oracle-of-Secrets/Roms/oos168.sfc|2097152|3|
src/hobby/Oracle-of-Secrets/README.md|3000|3|
src/hobby/Oracle-of-Secrets/build.sh|3000|3|
src/hobby/Oracle-of-Secrets/new_menu.asm|900|1|
src/yaze/CMakeLists.txt|9000|8|
src/yaze/src/app/editor.cc|9000|8|
src/yaze/src/app/zelda3/overworld.cc|9000|8|
src/yaze/src/lib/x.h|9000|8|
old-laptop/yaze/CMakeLists.txt|9000|900|
old-laptop/yaze/src/app/editor.cc|8800|900|
web/portfolio/package.json|500|30|
web/portfolio/src/index.tsx|3000|30|
web/recipe-app/package.json|500|700|
web/recipe-app/app.js|3000|700|
src/tracker-rs/Cargo.toml|300|20|
src/tracker-rs/src/main.rs|4000|20|
src/llm-tuner/pyproject.toml|400|2|
src/llm-tuner/train.py|5000|2|
src/llm-tuner/data/train.jsonl|5000000|6|
src/llm-tuner/data/eval.jsonl|500000|6|
src/llm-tuner/.venv/pyvenv.cfg|100|50|
src/llm-tuner/notebooks/loss-curves.ipynb|70000|12|
src/weather-bot/setup.py|400|1200|
src/weather-bot/bot.py|3000|1200|
src/gopher-chat/go.mod|100|150|
src/gopher-chat/main.go|2000|150|
models/llama/llama-3.2-3b-q4_k_m.gguf|60000000|90|
models/embeddings/all-MiniLM-L6-v2.safetensors|9000000|200|
models/stable-diffusion/sdxl.ckpt|70000000|400|
src/llm-tuner/checkpoints/step-2000.pt|20000000|3|
Music/zelda-ost/01 Dark World.mp3|5000000|1000|
Music/zelda-ost/02 Hyrule Field.mp3|5000000|1000|
Music/zelda-ost/03 Kakariko.mp3|5000000|1000|
Music/jazz/Take Five.flac|30000000|2000|
Music/chiptunes/light-world.spc|66000|600|
Music/own/melody.mid|3000|45|
Documents/taxes/2023/return-2023.pdf|400000|600|
Documents/taxes/2024/return-2024.pdf|420000|240|
Documents/cv/resume.docx|50000|100|
Documents/manuals/65816-programming-manual.pdf|12000000|1500|
Documents/letters/landlord.odt|20000|50|
Documents/budget.xlsx|30000|7|
Documents/notes/asm-tricks.md|5000|9|
Documents/notes/oracle-todo.md|2000|2|
Documents/notes/shopping.txt|200|1|
Pictures/Screenshots/Screenshot from 2024-03-01.png|300000|500|
Pictures/Screenshots/Screenshot from 2024-03-02.png|300000|499|
Pictures/Screenshots/Screenshot from 2024-03-03.png|300000|498|
Pictures/Screenshots/Screenshot from 2024-03-04.png|300000|497|
Pictures/Screenshots/Screenshot from 2024-03-05.png|300000|496|
Pictures/Screenshots/Screenshot from 2024-03-06.png|300000|495|
Pictures/holiday-iceland/IMG_0000.jpg|4000000|800|
Pictures/holiday-iceland/IMG_0001.jpg|4000000|800|
Pictures/holiday-iceland/IMG_0002.jpg|4000000|800|
Pictures/holiday-iceland/IMG_0003.jpg|4000000|800|
Pictures/wallpapers/triforce.png|2000000|400|
Videos/speedrun-any-percent.mp4|80000000|90|
Videos/wedding.mov|50000000|1500|
.zshrc|3000|60|
.vimrc|2000|300|
.config/nvim/init.lua|4000|25|
.config/kitty/kitty.conf|1000|200|
.gitconfig|300|500|
.emacs.d/init.el|5000|365|
.ssh/config|200|400|
dotfiles/install.sh|500|70|
dotfiles/zsh/.zshrc|3000|70|
backups/2022-laptop.tar.gz|40000000|1000|
backups/phone-2024.zip|25000000|300|
backups/site.sql|900000|400|
Downloads/asar-1.91.zip|1000000|33|
Downloads/ubuntu-24.04.iso|90000000|120|
Downloads/lunar-magic.7z|2000000|250|
Downloads/setup-mesen.exe|8000000|250|
Downloads/bigfile.iso.part|7000000|200|
Downloads/Invoice-8841.pdf|60000|12|
Downloads/triforce.png|2000000|10|TRITR
Downloads/triforce (1).png|2000000|10|TRITR
.cache/pip/http/aa|6000000|30|
.cache/mesa/x|2000000|5|
.npm/_cacache/content/aa|12000000|200|
.local/share/Trash/files/oldrom.sfc|1048576|30|
.local/share/Trash/info/oldrom.sfc.trashinfo|90|30|
logs/syslog-dump.log|15000000|80|
empty.txt|0|9|
fonts/FiraCode.ttf|200000|700|
Library.db|3000000|40|
src/sprites/link.chr|8192|66|
src/sprites/tiles.4bpp|32768|66|
src/sprites/link.pal|512|66|
recording.wav|20000000|17|
"""
"""Path, bytes, days since the last change, and what it is filled with (nothing: by chance)."""
_MANY = """
web/portfolio/node_modules/pkg{}/index.js|30|90000|400
web/recipe-app/node_modules/dep{}/lib.js|60|50000|700
src/tracker-rs/target/debug/bin{}|5|3000000|20
src/llm-tuner/.venv/lib/python3.11/site-packages/m{}/__init__.py|20|90000|50
"""
"""Path of a number, how many, bytes, days since the last change."""
_GIT = (
    ("src/jpdasm", "https://github.com/spannerism/jpdasm.git", 40, 0),
    ("src/sm_disassembly", "git@github.com:strager/supermetroid.git", 500, 0),
    ("src/hobby/Oracle-of-Secrets", "https://github.com/scawful/Oracle-of-Secrets.git", 3, 1),
    ("src/yaze", "https://github.com/scawful/yaze", 8, 0),
    ("old-laptop/yaze", "https://github.com/scawful/yaze.git", 900, 0),
    ("web/portfolio", "https://github.com/me/portfolio", 30, 0),
    ("src/tracker-rs", "", 20, 0),
    ("src/llm-tuner", "https://gitlab.com/me/llm-tuner.git", 2, 0),
    ("src/weather-bot", "", 1200, 0),
    ("src/gopher-chat", "https://github.com/me/gopher-chat", 150, 0),
    ("dotfiles", "git@github.com:me/dotfiles.git", 70, 0),
)
"""Folder, remote, days since the last work, whether it is ahead of the remote."""
_ASKED = """
where do I keep my snes hacks|Games/SNES/hacks|Games/SNES/hacks/Parallel Worlds v1.1.sfc
which folders have disassemblies in them|src/jpdasm|src/sm_disassembly
show me everything taking up a lot of room|Videos/speedrun-any-percent.mp4|Downloads/ubuntu-24.04.iso|models|Videos
|Downloads
where is Oracle of Secrets|src/hobby/Oracle-of-Secrets
where did I put the parallel worlds rom|Games/SNES/hacks/Parallel Worlds v1.1.sfc
which rom is the biggest|Games/SNES/originals/Chrono Trigger.sfc
do I have a copy of zelda3.sfc somewhere|Games/SNES/originals/zelda3.sfc|Downloads/zelda3 (copy).sfc
any node_modules I haven't touched in over a year?|web/recipe-app/node_modules|web/portfolio/node_modules
what python projects are there|src/llm-tuner|src/weather-bot
my rust code|src/tracker-rs
language models on this machine|models|models/llama|models/llama/llama-3.2-3b-q4_k_m.gguf|models/stable-diffusion
|models/stable-diffusion/sdxl.ckpt
where are the screenshots from march 2024|Pictures/Screenshots
pdf manual for the 65816|Documents/manuals/65816-programming-manual.pdf
where is my resume|Documents/cv/resume.docx|Documents/cv
tax return for 2023|Documents/taxes/2023/return-2023.pdf|Documents/taxes/2023
photos of iceland|Pictures/holiday-iceland
zelda soundtrack|Music/zelda-ost
where is my zsh configuration|.zshrc|dotfiles/zsh/.zshrc|dotfiles/zsh
neovim config|.config/nvim|.config/nvim/init.lua
which projects have not been pushed|src/hobby/Oracle-of-Secrets|src/tracker-rs|src/weather-bot
large log files|logs/syslog-dump.log|logs
which repos do I have twice|src/yaze|old-laptop/yaze
what can I delete to free up space|src/tracker-rs/target|.npm|.cache|web/recipe-app/node_modules
|web/portfolio/node_modules
abandoned projects|src/weather-bot|web/recipe-app|src/sm_disassembly|old-laptop/yaze
training data for the llm tuner|src/llm-tuner/data|src/llm-tuner/data/train.jsonl|src/llm-tuner
where are my save files|Games/saves|Games/saves/zelda3.srm|Games/saves/metroid.state
rom with a copier header|Games/SNES/originals/Super Metroid (JU).smc
bps patches I downloaded|Downloads/redux-translation.bps|Downloads
archives older than two years|backups/2022-laptop.tar.gz|backups
videos bigger than 60 MB|Videos/speedrun-any-percent.mp4
where's the linux install image|Downloads/ubuntu-24.04.iso
unfinished downloads|Downloads/bigfile.iso.part
duplicate pictures|Downloads/triforce.png|Downloads/triforce (1).png
kydrog sprite|src/hobby/Oracle-of-Secrets/sprites/kydrog.asm
jupyter notebooks about loss|src/llm-tuner/notebooks/loss-curves.ipynb|src/llm-tuner/notebooks
super metroid source code|src/sm_disassembly
old backups of my laptop|backups/2022-laptop.tar.gz|backups|old-laptop
notes about assembly tricks|Documents/notes/asm-tricks.md
emacs setup|.emacs.d|.emacs.d/init.el
is there a virtual environment I could throw away|src/llm-tuner/.venv
game boy games|Games/GB|Games/GB/links-awakening.gbc
where is the level editor lunar magic|Downloads/lunar-magic.7z
repositories hosted on gitlab|src/llm-tuner
what's the oldest song I have|Music/jazz/Take Five.flac
graphics for link's sprite|src/sprites|src/sprites/link.chr|src/sprites/link.pal|src/sprites/tiles.4bpp
files I changed today or yesterday|Documents/notes/shopping.txt|src/hobby/Oracle-of-Secrets/new_menu.asm
letter to my landlord|Documents/letters/landlord.odt
spreadsheet with the budget|Documents/budget.xlsx
checkpoints from training|src/llm-tuner/checkpoints|src/llm-tuner/checkpoints/step-2000.pt
installers in downloads|Downloads/setup-mesen.exe
c++ projects|src/yaze|old-laptop/yaze
database dump of the site|backups/site.sql
empty folders|Projects-empty
rust build artifacts|src/tracker-rs/target
translation patch|Downloads/redux-translation.bps
biggest folder under src|src/llm-tuner|src/tracker-rs|src/llm-tuner/checkpoints|src/tracker-rs/target
wedding video|Videos/wedding.mov
projects without any remote|src/tracker-rs|src/weather-bot|web/recipe-app
where's my hyrule field mp3|Music/zelda-ost/02 Hyrule Field.mp3
find my zelda 3 rom|Games/SNES/originals/zelda3.sfc|Games/SNES/originals/Zelda - A Link to the Past (USA).sfc
|Downloads/zelda3 (copy).sfc
where's the yaze source|src/yaze|old-laptop/yaze
what haven't I touched in two years|src/weather-bot|old-laptop/yaze
list all gguf files|models/llama/llama-3.2-3b-q4_k_m.gguf|models/llama
what is eating my disk|Downloads|Videos|Downloads/ubuntu-24.04.iso|Videos/speedrun-any-percent.mp4|models
are there any duplicate roms|Games/SNES/originals/zelda3.sfc|Downloads/zelda3 (copy).sfc
which project is written in go|src/gopher-chat
the web site about recipes|web/recipe-app
newest download|Downloads/redux-translation.bps
game saves for metroid|Games/saves/metroid.state
menu code of oracle of secrets|src/hobby/Oracle-of-Secrets/new_menu.asm|src/hobby/Oracle-of-Secrets
how much space do my caches use|src/tracker-rs/target|.npm|.cache|web/recipe-app/node_modules
|web/portfolio/node_modules|src/llm-tuner/.venv
flac files|Music/jazz/Take Five.flac|Music/jazz
pictures over 3 MB|Pictures/holiday-iceland|Pictures/holiday-iceland/IMG_0000.jpg
|Pictures/holiday-iceland/IMG_0001.jpg|Pictures/holiday-iceland/IMG_0002.jpg|Pictures/holiday-iceland/IMG_0003.jpg
what's in the trash|.local/share/Trash|.local/share/Trash/files|.local/share/Trash/files/oldrom.sfc
backup of my phone|backups/phone-2024.zip
where is asar|Downloads/asar-1.91.zip
sprite code with minecart|src/hobby/Oracle-of-Secrets/sprites/minecart.asm
my dotfiles repository|dotfiles
where did I save the sprite graphics of link|src/sprites|src/sprites/link.chr
which of my projects use assembly|src/hobby/Oracle-of-Secrets|src/jpdasm|src/sm_disassembly
latest screenshot|Pictures/Screenshots/Screenshot from 2024-03-06.png
anything about taxes|Documents/taxes
largest model|models/stable-diffusion/sdxl.ckpt
hacks of super metroid|Games/SNES/hacks/hyper-metroid.ips|Games/SNES/hacks
node modules of the recipe app|web/recipe-app/node_modules
where are the fonts|fonts|fonts/FiraCode.ttf
typescript files|web/portfolio/src/index.tsx|web/portfolio|web/portfolio/src
emulator installers|Downloads/setup-mesen.exe|Downloads
how big is my music collection|Music|Music/zelda-ost|Music/jazz
chrono trigger|Games/SNES/originals/Chrono Trigger.sfc
which repository has the branch of supermetroid from strager|src/sm_disassembly
vim settings|.vimrc|.config/nvim|.config/nvim/init.lua
word documents|Documents/cv/resume.docx|Documents/cv
where are my spc files|Music/chiptunes|Music/chiptunes/light-world.spc
which files are bigger than 50 MB|Downloads/ubuntu-24.04.iso|Videos/speedrun-any-percent.mp4
|models/stable-diffusion/sdxl.ckpt|models/llama/llama-3.2-3b-q4_k_m.gguf
ssh config|.ssh/config|.ssh
where did my ALTTP rom go|Games/SNES/originals/Zelda - A Link to the Past (USA).sfc|Games/SNES/originals/zelda3.sfc
|Downloads/zelda3 (copy).sfc
all .bps files|Games/SNES/hacks/Goddess of Wisdom.bps|Downloads/redux-translation.bps
which folder is the largest|Downloads|Videos|models|src
C++ code for the zelda editor|src/yaze|old-laptop/yaze|src/yaze/src/app/zelda3/overworld.cc|src/yaze/src/app
files nobody touched for five years|Music/jazz/Take Five.flac|Games/SNES/originals/Super Metroid (JU).smc
|Games/SNES/originals/Chrono Trigger.sfc|Games/SNES/originals/Zelda - A Link to the Past (USA).sfc
find the house of the kakariko song|Music/zelda-ost/03 Kakariko.mp3
stale build folders|src/tracker-rs/target
did I clone yaze more than once?|src/yaze|old-laptop/yaze
my kitty terminal settings|.config/kitty/kitty.conf|.config/kitty
biggest zip|backups/phone-2024.zip
disassembly of super metroid|src/sm_disassembly
things in Downloads I no longer need|Downloads/bigfile.iso.part|Downloads/triforce (1).png
|Downloads/zelda3 (copy).sfc|Downloads
invoices|Downloads/Invoice-8841.pdf
where are machine learning datasets|src/llm-tuner/data|src/llm-tuner/data/train.jsonl|src/llm-tuner/data/eval.jsonl
asm files about rooms|src/jpdasm/rooms.inc|src/jpdasm
recently changed notes|Documents/notes/shopping.txt|Documents/notes/oracle-todo.md
how much does node_modules take|web/recipe-app/node_modules|web/portfolio/node_modules
javascript projects I have not used this year|web/recipe-app
where is the git repo of my website|web/portfolio|web/recipe-app
empty files|empty.txt
where do I keep emulator save states|Games/saves/metroid.state|Games/saves
ips patch for metroid|Games/SNES/hacks/hyper-metroid.ips
show duplicate images|Downloads/triforce.png|Downloads/triforce (1).png
what are my 3 largest videos|Videos/speedrun-any-percent.mp4
where's the source of the tracker|src/tracker-rs
which python virtualenvs exist|src/llm-tuner/.venv
documents from 2024|Documents/taxes/2024/return-2024.pdf|Documents/taxes/2024
sprites of oracle of secrets|src/hobby/Oracle-of-Secrets/sprites|src/hobby/Oracle-of-Secrets
gameboy color rom|Games/GB/links-awakening.gbc
where is my wallpaper with the triforce|Pictures/wallpapers/triforce.png
trained checkpoints bigger than 10 MB|src/llm-tuner/checkpoints/step-2000.pt|src/llm-tuner/checkpoints
old copies of yaze|old-laptop/yaze
midi files I composed|Music/own/melody.mid|Music/own
which projects are on github|src/hobby/Oracle-of-Secrets|src/jpdasm|src/yaze|web/portfolio|src/gopher-chat
|src/sm_disassembly
logs that waste space|logs/syslog-dump.log|logs
where can I find the file new_menu.asm|src/hobby/Oracle-of-Secrets/new_menu.asm
weather bot|src/weather-bot
are there ROMs in my downloads|Downloads/zelda3 (copy).sfc
rust projects without a remote|src/tracker-rs
oldest project|src/weather-bot
"""
QUESTIONS = tuple(
    (question, tuple(paths))
    for question, *paths in (line.split("|") for line in _ASKED.replace("\n|", "|").split("\n")[1:-1])
)
"""A question, and paths of which one has to be among the first three of the answer."""


def _write(path: Path, size: int, days: float, filling: bytes, now: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(filling[:size])
        file.truncate(size)
    os.utime(path, (now - days * DAY, now - days * DAY))


def plant_other(root: Path) -> None:
    """Fill a folder; the large files have holes."""
    now = time.time()
    chance = random.Random(11)
    for line in _FILES.split("\n")[1:-1]:
        path, size, days, word = line.split("|")
        _write(root / path, int(size), float(days), word.encode() * 50 or chance.randbytes(4_096), now)
    for line in _MANY.split("\n")[1:-1]:
        path, count, size, days = line.split("|")
        for number in range(int(count)):
            _write(root / path.format(number), int(size), float(days), chance.randbytes(4_096), now)
    (root / "Projects-empty").mkdir()
    for folder, remote, idle, ahead in _GIT:
        plant_git(root, folder, remote, idle, ahead=ahead, open_files=0)
