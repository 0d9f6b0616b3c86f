"""A home with a server's share in it, for tests, and forty questions in whole sentences: sizes, times, states."""

from pathlib import Path

from tests.planted import plant_git
from tests.planted_ways import Question, questions_of, write_lines

__all__ = ["QUESTIONS", "plant_attic"]

_FILES = """
git/lttp-dungeons/src/dungeon.asm|7100|4|org $01C000
git/lttp-dungeons/src/chests.asm|3100|4|ChestItems:
git/lttp-dungeons/src/torches.asm|2100|33|
git/lttp-dungeons/assets/tileset.chr|16384|60|
git/lttp-dungeons/tools/extract.py|3300|60|
git/lttp-dungeons/build.sh|200|60|
git/lttp-dungeons/dist/dungeons-beta2.bps|51000|4|
git/mmx-zero/x.asm|41000|520|
git/mmx-zero/zero.asm|38000|520|
git/mmx-zero/notes.md|2900|520|Zero saber hitbox
git/romtool/Cargo.toml|300|22|
git/romtool/src/lib.rs|9000|22|
git/romtool/target/debug/romtool.bin|61000000|22|
git/webmap/package.json|400|260|
git/webmap/src/index.ts|3000|260|
git/webmap/node_modules/leaflet/leaflet.js|9000000|260|
git/api-tests/package.json|300|45|
git/api-tests/run.js|2000|45|
git/api-tests/node_modules/jest/jest.js|21000000|45|
git/dotfiles/install.sh|900|200|
git/dotfiles/vimrc|3000|200|
git/ml-sprites/setup.py|400|75|
git/ml-sprites/model.py|6100|75|
git/ml-sprites/data/labels.csv|810000|80|
git/ml-sprites/runs/epoch-40.pt|43000000|78|
git/kotlin-notes/build.gradle.kts|900|1000|
git/kotlin-notes/app/Main.kt|5000|1000|
git/arduino-clock/clock.ino|4000|1500|
mnt/nas/roms/snes/Mega Man X (USA).sfc|1572864|1800|MMX
mnt/nas/roms/snes/Chrono Trigger (USA).sfc|4194304|1800|
mnt/nas/roms/snes/Zelda ALttP (USA).sfc|1048576|1800|
mnt/nas/roms/nes/Metroid.nes|131088|1800|
mnt/nas/roms/nes/Kirby's Adventure.nes|786448|1800|
mnt/nas/roms/psx/Xenogears.cue|300|1700|
mnt/nas/roms/psx/Xenogears.bin|90000000|1700|
mnt/nas/roms/hacks/Redux.ips|92000|450|
mnt/nas/roms/hacks/Gold Quest v2.bps|131000|600|
mnt/nas/roms/hacks/Gold Quest v3.bps|135000|310|
mnt/nas/music/Nobuo Uematsu/Terra.flac|31000000|1300|
mnt/nas/music/Nobuo Uematsu/Aerith.flac|33000000|1300|
mnt/nas/music/vinyl rips/side a.wav|71000000|1100|
mnt/nas/video/family/birthday 2018.mp4|88000000|3000|
mnt/nas/video/lectures/compilers-03.mp4|64000000|1400|
mnt/nas/backup/laptop-2022.tar.gz|95000000|1420|
mnt/nas/backup/laptop-2024.tar.gz|97000000|700|
mnt/nas/backup/router-config.bak|11000|230|
mnt/nas/photos/2018/rome/DSC1.NEF|22000000|3050|
mnt/nas/photos/2018/rome/DSC2.NEF|22100000|3050|
mnt/nas/photos/2023/hike/p1.jpg|4000000|1200|
mnt/nas/iso/debian-12.iso|66000000|880|
mnt/nas/iso/win11.iso|99000000|860|
mnt/nas/books/Gödel Escher Bach.epub|3100000|2200|
mnt/nas/books/6502 Assembly Language.pdf|5100000|2200|
mnt/nas/books/Crafting Interpreters.epub|7000000|1900|
tmp-stuff/mmx.sfc|1572864|70|MMX
tmp-stuff/dump.core|31000000|350|
tmp-stuff/empty.log|0|350|
tmp-stuff/server.log|8100000|3|
tmp-stuff/trace-mesen.log|44000000|14|
tmp-stuff/asdf.txt|10|700|
papers/lease_agreement_2023.pdf|800000|1200|
papers/health insurance card.png|300000|900|
papers/contract-acme.docx|41000|480|
papers/cover_letter.odt|21000|470|
papers/invoices/2026-01.pdf|51000|300|
papers/invoices/2026-02.pdf|52000|270|
papers/invoices/2025-11.pdf|50000|365|
papers/driver licence scan.tiff|9000000|1300|
vault/passwords.kdbx|60000|12|
vault/ssh/id_ed25519.pub|100|1300|
vault/2fa-recovery-codes.txt|500|640|
wiki/index.md|1200|20|# start
wiki/snes/oam.md|3100|22|OAM holds 128 sprites
wiki/snes/mode7.md|4100|150|Matrix registers $211B
wiki/snes/spc700.md|5100|152|the DSP has eight voices
wiki/household/boiler manual notes.md|900|410|
wiki/meetings/2026-11-10 guild.md|1100|11|we agreed on the dungeon shuffle
llm/mistral-7b.Q4_K_M.gguf|83000000|330|
llm/embeddings/bge-small.onnx|13000000|300|
vm/win98.qcow2|78000000|990|
vm/haiku.vdi|54000000|610|
shots/2026-11-18-bsnes.png|210000|3|
shots/2026-11-03-lag.png|220000|18|
shots/2024-05-01-title.png|200000|930|
blender/sword.blend|7100000|140|
blender/sword.blend1|7000000|141|
blender/castle/castle.blend|39000000|520|
podcasts/retronauts-512.mp3|48000000|55|
podcasts/retronauts-513.mp3|49000000|48|
.local/share/Trash/files/junk.zip|5000000|40|
.local/share/mesen/SaveStates/zelda_1.mss|210000|16|
.local/share/mesen/Saves/zelda.srm|8192|16|
.cache/thumbnails/large/a.png|410000|30|
.cache/mozilla/entries/x|33000000|2|
.config/mpv/mpv.conf|300|600|
.vimrc|2900|500|
"""

_ASKED = """
How big is my music collection?|mnt/nas/music
Which node_modules folder is the heaviest?|git/api-tests/node_modules
Do I have unpushed work anywhere?|git/lttp-dungeons
In which repos did I forget to commit something?|git/lttp-dungeons
What is the oldest project that I have?|git/arduino-clock|git/kotlin-notes
Are there any empty log files?|tmp-stuff/empty.log
Which ROMs exist twice on this machine?&mnt/nas/roms/snes/Mega Man X (USA).sfc&tmp-stuff/mmx.sfc
Where is the most recent beta of the dungeon hack?|git/lttp-dungeons/dist/dungeons-beta2.bps
I am looking for the pdf about 6502 assembly.|mnt/nas/books/6502 Assembly Language.pdf
Which of my laptop backups is the newer one?|mnt/nas/backup/laptop-2024.tar.gz
List the virtual machine disks.&vm/win98.qcow2&vm/haiku.vdi
Where do the mesen save states go?|.local/share/mesen/SaveStates|.local/share/mesen/SaveStates/zelda_1.mss
Which document mentions the dungeon shuffle?|wiki/meetings/2026-11-10 guild.md
Where did I write down how many sprites OAM holds?|wiki/snes/oam.md
Which log files are larger than 5 MB?&tmp-stuff/trace-mesen.log&tmp-stuff/server.log
Show the invoices of 2026.&papers/invoices/2026-01.pdf&papers/invoices/2026-02.pdf
Where is the rental contract for the flat?|papers/lease_agreement_2023.pdf
Where are the raw photos from Rome?|mnt/nas/photos/2018/rome|mnt/nas/photos/2018/rome/DSC1.NEF
|mnt/nas/photos/2018/rome/DSC2.NEF
What takes up the most room on the NAS?|mnt/nas|mnt/nas/backup|mnt/nas/roms|mnt/nas/iso|mnt/nas/photos
|mnt/nas/music
Give me all Blender files.&blender/sword.blend&blender/castle/castle.blend
Which projects are written in Kotlin?&git/kotlin-notes
Which patch belongs to Gold Quest, the newest one?|mnt/nas/roms/hacks/Gold Quest v3.bps
Which screenshots did I take this month?&shots/2026-11-18-bsnes.png&shots/2026-11-03-lag.png
Is there something in the trash?|.local/share/Trash|.local/share/Trash/files/junk.zip
What was the last thing I touched in the wiki?|wiki/meetings/2026-11-10 guild.md|wiki/meetings
Which files are more than eight years old?|mnt/nas/video/family/birthday 2018.mp4
|mnt/nas/photos/2018/rome/DSC1.NEF|mnt/nas/photos/2018/rome/DSC2.NEF
Where is my password database?|vault/passwords.kdbx|vault
Which neural network checkpoints are on this disk?|git/ml-sprites/runs/epoch-40.pt
|llm/embeddings/bge-small.onnx|llm/mistral-7b.Q4_K_M.gguf
Where is the source for the Mega Man X hack with Zero?|git/mmx-zero|git/mmx-zero/zero.asm
Which podcasts did I download?|podcasts|podcasts/retronauts-512.mp3|podcasts/retronauts-513.mp3
What is the biggest file in tmp-stuff?|tmp-stuff/trace-mesen.log
Where is the Playstation game with the cue file?|mnt/nas/roms/psx|mnt/nas/roms/psx/Xenogears.cue
Which operating system images did I download?&mnt/nas/iso/debian-12.iso&mnt/nas/iso/win11.iso
Which ebooks do I own?|mnt/nas/books|mnt/nas/books/Gödel Escher Bach.epub
|mnt/nas/books/Crafting Interpreters.epub
Where is the scan of my driving license?|papers/driver licence scan.tiff
Where do I have Python code for sprites?|git/ml-sprites|git/ml-sprites/model.py
Which caches grew the largest?|git/romtool/target|.cache
Do I own a book about gardening orchids?|-
Where is the treaty of Westphalia?|-
How tall is Mount Everest?|-
"""

QUESTIONS: tuple[Question, ...] = questions_of(_ASKED)
"""Forty questions and what their answers must hold."""


def plant_attic(root: Path) -> None:
    """Plant the home: 300 files, of which most of the bytes are holes."""
    write_lines(root, _FILES)
    for at in range(100):
        write_lines(root, f"mnt/nas/photos/{2019 + at % 4}/phone/IMG_{at:04}.jpg|{1500000 + at}|{1500 + at}|")
    for at in range(70):
        write_lines(root, f"git/webmap/node_modules/{('d3', 'vite')[at % 2]}/m{at}.js|700|260|")
    for at in range(40):
        write_lines(root, f"git/ml-sprites/data/sprite_{at:03}.png|{4000 + at}|80|")
    plant_git(root, "git/lttp-dungeons", "git@codeberg.org:ben/lttp-dungeons.git", 4, ahead=1, open_files=2)
    plant_git(root, "git/romtool", "https://codeberg.org/ben/romtool.git", 22, ahead=0, open_files=0)
