"""The words of questions about files: which kinds, languages and wishes they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.workspace.asking_games import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ART_WORDS",
    "CONSOLE_WORDS",
    "DISK_WORDS",
    "FORMAT_WORDS",
    "KIND_WORDS",
    "LANGUAGE_WORDS",
    "NARROW",
    "NOISE",
    "PROGRAM_WORDS",
    "SAME",
    "SAVE_WORDS",
    "SUBJECTS",
    "TOPICAL",
    "TRACKED_WORDS",
    "WEAK",
]

KIND_WORDS: Mapping[str, tuple[str, ...]] = {
    "rom hacks|rom hack|romhacks|romhack|hacks|hack": ("patch", "rom"),
    "rom files|rom images|roms|rom|cartridges|cartridge dumps|game dumps|snes games|nes games": ("rom",),
    "patch files|patches|bps|ips|xdelta": ("patch",),
    "disassemblies|disassembly|assembly files|assembly code|assembly sources|asm files|asm code": ("assembly",),
    "assembler code|assembler files": ("assembly",),
    "assembly|asm": ("assembly",),
    "symbol files|symbols|label files": ("symbols",),
    "tilesets|tileset|tilemaps|palettes|palette files|game graphics|chr files": ("game graphics",),
    "spc files|spc|chiptunes|game music|midi files|midi": ("game music",),
    "save files|save states|savestates|saved games|save games|savegames|saves|sram": ("save",),
    "language models|llms|llm|model weights|model files|models|weights|checkpoints|gguf|ggufs|safetensors": ("model",),
    "training data|training sets|training set|datasets|dataset|data sets|data set|corpora|corpus|jsonl": ("dataset",),
    "jupyter notebooks|notebooks|notebook": ("notebook",),
    "archives|archive files|zip files|zips|zip archives|tarballs|tarball|compressed files|backups archives": (
        "archive",
    ),
    "install images|installation images|installer images|boot images|live images|disk images|disc images": (
        "disk image",
    ),
    "iso images|iso files|isos|iso|virtual machines|vm images|virtual disks": ("disk image",),
    "documents|document|pdfs|pdf files|spreadsheets|presentations|slides|ebooks|papers|manuals": ("document",),
    "documentation": ("document", "note", "web page"),
    "notes|markdown files|markdown|text files|readmes": ("note",),
    "screenshots|screenshot|pictures|picture|photos|photo|images|image files|wallpapers|drawings": ("image",),
    "scans|scanned documents|scanned pages": ("document", "image"),
    "voice recordings|sound recordings|audio recordings|voice memos": ("audio",),
    "videos|video|movies|movie|screen recordings|recordings|films|clips": ("video",),
    "songs|music|audio files|audio|sound files|mp3s|podcasts|soundtracks": ("audio", "game music"),
    "fonts|font files|typefaces": ("font",),
    "databases|database files|database|sqlite files": ("database",),
    "log files|logs|log|logfiles|training runs|training run|training logs": ("log",),
    "|".join(
        f"{half} downloads"
        for half in (
            "unfinished",
            "incomplete",
            "interrupted",
            "broken",
            "partial",
            "partly finished",
            "half finished",
            "half-finished",
            "half done",
            "half",
            "aborted",
            "cancelled",
            "canceled",
            "failed",
            "stuck",
        )
    ): ("temporary",),
    "temporary files|temp files|tmp files|leftovers|swap files|backup files": ("temporary",),
    "config files|configuration files|configurations|configs|settings files|dotfiles": ("configuration",),
    "programs|executables|installers|binaries|libraries": ("program",),
    "source code|source files|code files|scripts|code": ("code", "assembly"),
    "web pages|html files|stylesheets": ("web page",),
    "object files|compiled files": ("build output",),
}
"""Words of a question -> the kinds of files that they mean."""
CONSOLE_WORDS: Mapping[str, str] = {
    "snes|super nintendo|super famicom|super nes": "sfc smc fig swc",
    "game ?boy advance|gba": "gba",
    "game ?boy(?: colou?r)?|gbc?": "gb gbc",
    "nes|famicom": "nes fds",
    "nintendo 64|n64": "n64 z64 v64",
    "nintendo ds|nds|ds": "nds",
    "mega ?drive|(?:sega )?genesis": "gen smd",
    "master system": "sms",
}
"""Names of consoles, as expressions, the longer ones first -> the endings of their ROMs."""
FORMAT_WORDS: Mapping[str, str] = {
    "(?:ms |microsoft )?word (?:documents?|files?)|letters? in word": "doc docx odt rtf",
    "excel (?:sheets?|files?|tables?|documents?)|spreadsheets?": "xls xlsx ods csv",
    "power ?points?(?: files?| presentations?)?|presentations?|slide ?decks?|slides": "ppt pptx odp key",
    "e-?books?": "epub mobi azw3",
}
"""Names of sorts of documents, as expressions -> their endings."""
PROGRAM_WORDS: Mapping[str, str] = {
    "(?:adobe )?photoshop": "psd psb",
    "illustrator": "ai eps",
    "gimp": "xcf",
    "krita": "kra",
    "aseprite|asesprite": "ase aseprite",
    "blender": "blend",
    "inkscape|vector": "svg",
    "raw": "raw cr2 cr3 nef arw dng",
}
"""Names of programs, as expressions that stand before `files` or `pictures` -> the endings of what they make."""
ART_WORDS: Mapping[str, str] = {
    "pixel ?art(?:work)?(?: (?:sources?|originals?|files?|drawings?))?|sprite sources?": "ase aseprite pyxel piskel",
}
"""Names of sorts of pictures, as expressions -> their endings."""
TRACKED_WORDS: Mapping[str, str] = {
    "tracker (?:modules?|files?|songs?|music|projects?)|music modules?|modules? music": "xm it s3m mod mptm fur dmf",
}
"""Names of sorts of music, as expressions -> their endings."""
SAVE_WORDS: Mapping[str, str] = {
    "save ?states?|states? saves?": "state state0 state1 state2 state3 zst zs1 s9x mss mst frz 000 001 dss st0 st1",
    "battery saves?|sram(?: files?| saves?)?": "srm sav sra",
}
"""Names of sorts of saved games, as expressions -> their endings."""
DISK_WORDS: Mapping[str, str] = {
    "(?:virtual|vm) ?(?:machines?|disks?|images?)(?: disks?| images?)?|vms": "vmdk vdi qcow2 vhd vhdx",
    "(?:operating systems?|os|linux|windows|install\\w*) (?:disk |disc )?(?:images?|isos?|media)": "iso img dmg",
}
"""Names of sorts of disk images, as expressions -> their endings."""
NARROW = frozenset(
    ("screenshot", "wallpaper", "drawing", "recording", "podcast", "soundtrack", "readme", "manual", "checkpoint",
     "palette", "tileset", "savestate", "ebook")
)  # fmt: skip
"""Words for a part of a kind, which stand in names where that part is kept."""
LANGUAGE_WORDS: Mapping[str, str] = {
    "python": "Python", "rust": "Rust", "javascript": "JavaScript", "typescript": "TypeScript", "golang": "Go",
    "go": "Go", "c++": "C++", "cpp": "C++", "c#": "C#", "csharp": "C#", "java": "Java", "kotlin": "Kotlin",
    "swift": "Swift", "ruby": "Ruby", "php": "PHP", "lua": "Lua", "shell": "Shell", "bash": "Shell",
    "emacs lisp": "Emacs Lisp", "elisp": "Emacs Lisp", "zig": "Zig", "haskell": "Haskell", "elixir": "Elixir",
    "perl": "Perl", "julia": "Julia", "dart": "Dart", "scala": "Scala", "sql": "SQL", "godot": "Godot", "c": "C",
    "nim": "Nim", "ocaml": "OCaml", "65816": "65816 assembly", "node": "JavaScript", "nodejs": "JavaScript",
}  # fmt: skip
SUBJECTS: Mapping[str, str] = {
    "duplicates": r"duplicat\w*|dupes?|copies|identical|redundant|same (?:file|content)s?|twice|more than once"
    r"|wast\w*(?! (?:my |the |so much |disk )*(?:space|disk|room|storage))",
    "scattered": r"scattered|several places|multiple places|different places|more than one place|many places|spread"
    r"|cloned (?:twice|more than once|several times)|multiple clones|two clones|same (?:git )?(?:remote|repo\w*)",
    "uncommitted": r"(?:forg[eo]t|need|have|left|still|something|anything|what) to commit|uncommit\w*|haven't committed"
    r"|work in progress|not committed|(?:unsaved|local|pending) changes|dirty",
    "unpushed": r"(?:forg[eo]t|need|have|left|still|something|anything|what) to push|unpushed"
    r"|not (?:been )?pushed|never pushed|un-pushed|haven't (?:been )?pushed"
    r"|have not pushed|ahead of",
    "unkept": r"(?:no|without|lack\w*|missing)(?: an?| any)? (?:git )?remotes?|not backed up"
    r"|without (?:an? |any )?backups?"
    r"|not on (?:github|gitlab|any server)"
    r"|only (?:exist )?(?:here|locally)",
    "abandoned": r"abandon\w*|stale|forgotten|dead|neglected|dormant|inactive|unfinished(?! downloads?)"
    r"|given up|gave up|left behind|(?:stopped|quit) (?:working|using|developing)"
    r"|(?:haven't|have not|hasn't|has not|didn't|did not|never) (?:\w+ ){0,3}?(?:touch|work|used?\b|open)(?:ed|ing)?"
    r"|not (?:been )?touched|untouched",
    "caches": r"caches?|node.modules|virtual ?envs?|virtual environments?|venvs?|\.venvs?|pycache|__pycache__"
    r"|build (?:output|artifact|folder|director)\w*|build artefacts|regenerat\w*|rebuil[dt]\w*|made again|\.gradle"
    r"|safe(?:ly)? (?:to )?(?:delete|remove|clean)|(?:can|could|should) i (?:safely )?(?:delete|remove|clean|throw)"
    r"|(?:can|could|may|should) (?:i |we |be )(?:\w+ )?(?:delet|remov|clean|throw|toss|purg|wip|trash|dump|get rid)\w*"
    r"|(?:free|get|gain|win|make|reclaim|recover|save)(?:ing)? (?:up )?(?:me )?(?:some |more )?(?:disk )?(?:space|room)"
    r"|clean(?:ed)? ?up",
    "mentions": r"mention(?:s|ed|ing)?|(?:talk\w*|speak\w*|says? (?:something|anything)) about|refer\w* to"
    r"|(?:contain(?:s|ing)?|with|us(?:e|es|ing)) the (?:word|text|string|name|label|phrase|line)s?"
    r"|(?:the )?words? .{2,40} (?:in|inside) (?:it|them|the text)",
    "empty": r"empty",
    "trash": r"in (?:my |the )?trash|(?:my|the) trash(?: ?can| bin| folder)?|trashed|recycle bin|wastebasket",
    "space": r"wast\w* (?:my |the |so much |disk )*(?:space|disk|room|storage)"
    r"|(?:most|so much|too much|much|all my|lots? of|loads of|tons of|plenty of)(?: the| my)? "
    r"(?:disk |hard drive |storage )?(?:space|room|storage)|disk usage"
    r"|(?:eat|hog|fill|us|gobbl|consum|clog|chew|swallow|occup|suck)\w* (?:(?:up|through|all|of|the|my|this|so|hard"
    r"|much|most) )*(?:disk|drive|ssd|space|storage|room|laptop|machine|computer)"
    r"|(?:disk|space|storage) hogs?|(?:out of|low on|no|little) (?:disk |free )?(?:space|storage|room)"
    r"|(?:disk|drive|ssd|laptop|machine|computer|storage) (?:is )?(?:so |nearly |almost |always |getting )?full"
    r"|where did (?:all )?my (?:disk )?space go|tak\w* up (?:the most )?space",
}
"""A wish -> how it is said, as an expression over the question in lower case."""
_NOISE = """
a about above accessed actually again ago all almost already also am among an and another any anyhow anything anywhere
are around as ask at away be been before being belong belongs below best between big bigger biggest both bunch but by
called came can change changed changes checked clone cloned collection come comes concerning contain containing
contains could created current currently date did directories directory disk do does doing done down drive drives each
edit edited editing else entries entry ever every everything exactly exist existing exists fetched few file filename
files find folder folders folders' for free from full gb get give go going gone got had has have haven't having hello
help here hold holding holds hosted how huge i i'm i've if in include includes including inside into involving is it
item items its itself ive just kb keep kept kind kinds know large larger largest last latest lie lies like list lists
little live lives located location look looking lot lots lying made make many matching may maybe mb me mention
mentioned mentions might mine modified more most much must my myself named near need newer newest no nobody not now
nowadays occupies occupy of off old older oldest on one ones only open opened or other our out over own path paths per
piece pieces place placed places please possible pulled put recent recently regarding related remaining reside resides
s save saved see several shall should show similar since sit sits size sized sizes small smaller smallest so some
something somewhere sort sorted space still stopped store stored stuff such take taken takes taking tell than thank
that the their them then there these they thing things this those through time to together too top total touch touched
tree type types under unused up us use used uses using very want was way we were what what's whats when where where's
wheres which while who whole whose why will with within without work worked working works would write written wrote
you your pls plz hey hi remember forgot forget recall think thought guess ok okay thanks cheers lately days weeks months
years past end ended back version versions really probably maybe rather somehow gonna wanna dunno
single entire absolute ages mine anyone anybody someone somebody everyone everybody installed
"""
NOISE = frozenset(_NOISE.split())
"""Words that say nothing about a name."""
TOPICAL = frozenset(("free", "space", "full", "size", "sizes", "save", "tree", "types", "memory", "size", "key"))
"""Words of noise that say something where they are what a text is about."""
_WEAK = """
vanilla original clean favourite favorite cool good bad best nice pretty great funny personal private own legit official
important random various finished working unpatched unmodified fresh local quantized retro classic silly weird secret
actual real main current proper different certain usual special public boring interesting cute long short bunch english
machine learning neural network deep training ml ai llm
local vintage plain rare modern simple everyday homemade handmade professional digital virtual precious beloved
emulator emulators
"""
WEAK = frozenset(_WEAK.split())
"""Words that say how something is, not what: files of a kind are meant even where no name has them."""
_ALSO = """
password passwords keepass kdbx bitwarden 1password lastpass passwort passwörter
gpu graphicscard grafikkarte geforce radeon
benchmark benchmarks bench eval evals evaluation evaluations
entrenar entrenamiento entrainement training train trained trainings finetune finetunes finetuned finetuning
thesis dissertation masterarbeit bachelorarbeit
university uni college school schule studium universidad escuela université
birthday bday geburtstag cumpleaños anniversaire
wedding marriage hochzeit boda mariage matrimonio
christmas xmas weihnachten
passport reisepass passeport pasaporte passaporto
licence license führerschein
subtitle subtitles subs srt untertitel
contacts addressbook vcf kontakte
calendar ics kalender
email emails mail mails mbox thunderbird eml outlook pst
diffusion sdxl sd15 flux
embedding embeddings embed bge nomic minilm
coding coder codellama starcoder
upscaler upscaling upscale esrgan realesrgan
soundtrack ost
printing stl gcode 3mf printer
circuit schematic schematics pcb kicad
comic comics cbz cbr manga
translation translations translated translate localization localisation übersetzung
enemy enemies monster monsters
widescreen ultrawide
graphics gfx
sprite sprites
adapter adapters adaptadores
game games juegos spiele jeux
hack hacks romhack romhacks romhacking mods
microcontroller microcontrollers arduino esp32 esp8266 pico rp2040 platformio teensy stm32
terminal kitty alacritty wezterm
vision vl vlm llava multimodal moondream
decompilation decompilations decomp decompiled
tutorial tutorials howto guide
manual manuals handbook handbuch
credential credentials secrets
phone phones cellphone smartphone iphone android handy movil móvil telefono teléfono
electricity power strom luz electricité
book books buch bücher libro libros livre
chapter chapters kapitel capitulo capítulo chapitre
bank banking banco konto kontoauszug statement statements
health medical doctor arzt krankenkasse
novel story stories geschichte novela roman
draft drafts entwurf
diary journal tagebuch
letter letters briefe carta cartas
photo photos fotos bilder
music musik musica música musique
video videos
document documents dokumente documentos
patch patches
"""
"""Words that mean the same, a line for each."""
SAME: tuple[frozenset[str], ...] = (
    *map(frozenset, WRITTEN.values()),
    frozenset(("japanese", "japan", "jpn", "jp")),
    frozenset(("american", "usa", "ntsc")),
    frozenset(("european", "europe", "eur", "pal")),
    frozenset(("german", "germany", "deutsch", "ger")),
    frozenset(("french", "france", "francais", "français", "fra")),
    frozenset(("spanish", "spain", "español", "spa")),
    frozenset(("italian", "italy", "italiano", "ita")),
    frozenset(("clean", "vanilla", "original", "originals", "unmodified", "unpatched", "stock", "nointro", "base")),
    frozenset(("pics", "pictures", "photos")),
    frozenset(("docs", "documents", "documentation")),
    frozenset(("downloads", "download", "dl", "incoming", "internet", "descargas", "téléchargements", "scaricati")),
    frozenset(("disasm", "disassembly", "disassemblies")),
    frozenset(("randomizer", "rando")),
    frozenset(("asm", "assembly")),
    frozenset(("configuration", "config", "configs")),
    frozenset(("backup", "backups", "bak", "copia", "copias", "respaldo", "sauvegarde", "sicherung")),
    frozenset(("linux", "ubuntu", "debian", "fedora", "archlinux", "mint")),
    frozenset(("neovim", "nvim")),
    frozenset(("website", "homepage", "web", "site")),
    frozenset(("cv", "resume", "curriculum", "lebenslauf", "履歴書")),
    frozenset(("invoice", "invoices", "bill", "bills", "rechnung", "facture", "factura")),
    frozenset(("receipt", "receipts", "belege", "beleg", "quittung")),
    frozenset(("tax", "taxes", "steuer", "steuern", "steuererklärung", "impots", "impuestos", "renta", "hacienda")),
    frozenset(("contract", "contracts", "vertrag", "contrat", "contrato")),
    frozenset(("salary", "payslip", "payslips", "lohnabrechnung", "gehaltsabrechnung", "payroll")),
    frozenset(("rent", "rental", "lease", "miete", "mietvertrag", "loyer")),
    frozenset(("insurance", "versicherung", "assurance", "seguro")),
    frozenset(("application", "bewerbung")),
    frozenset(("timesheet", "timesheets", "hours", "stundenzettel")),
    frozenset(("holiday", "holidays", "vacation", "urlaub", "vacances", "trip")),
    frozenset(("recipe", "recipes", "rezept", "rezepte", "recette")),
    frozenset(("wallpaper", "wallpapers", "background", "backgrounds")),
    frozenset(("dialogue", "dialog", "dialogues", "dialogs")),
    *(frozenset(line.split()) for line in _ALSO.strip().split("\n")),
)
"""Words that mean the same."""
