"""Words that mean the same in this field, the same exactly or nearly, and common words that say nothing of a fact."""

from collections.abc import Callable

__all__ = ["COMMON_WORDS", "LOOSE", "SAME", "related"]

SAME = (
    "health hp hitpoint",
    "heart hearts",
    "rupee money cash rupy wallet gem",
    "position coordinate coord pos",
    "horizontal x",
    "vertical y",
    "height z altitude",
    "underworld dungeon indoor inside",
    "overworld outdoor outside",
    "link player hero",
    "guard soldier knight",
    "cucco chicken",
    "fairy faerie",
    "joypad controller pad gamepad joy",
    "screen display picture",
    "cgram palette pal",
    "colour color",
    "sound sfx",
    "music song track tune bgm theme",
    "random rng prng rnd",
    "invincible invincibility iframe invulnerable invulnerability",
    "speed velocity vel",
    "direction facing dir",
    "maximum max cap limit",
    "timer countdown",
    "count number quantity amount counter",
    "flute ocarina",
    "message dialogue dialog",
    "death die dead",
    "follower tagalong companion",
    "magic mp mana",
    "bunny rabbit",
    "current cur",
    "mail armor armour tunic",
    "boots boot shoe",
    "sram save",
    "glove gloves mitt",
    "oam object obj",
    "background bg",
    "center centre",
    "submodule submode",
    "divide division dividing",
    "multiply multiplication multiplying",
    "interrupt irq",
    "lamp lantern",
    "net bugnet",
    "hammer mallet",
    "recoil knockback",
    "arrow quiver",
    "apu spc700 spc",
    "kiki monkey",
    "skeleton stalfos",
    "bat keese",
    "mummy gibdo",
    "wizard wizzrobe mage",
    "turtle terrorpin",
    "ghost poe",
    "moth mothula",
    "jellyfish bari",
    "centaur lynel",
    "cyclops hinox",
    "smith smithy blacksmith smithi",
    "merchant seller shopkeeper vendor salesman",
    "pot jar vase",
    "cave cavern",
    "house home hut",
    "stair staircase stairway",
    "chest treasure",
    "initialize initialise init setup",
    "decompress unpack decompression",
    "explosion explode blast",
    "bee honeybee",
    "bomb explosive",
    "sleep sleeping",
    "swim swimming",
    "jump hop leap",
    "graphic gfx tile",
    "hitbox collision",
    "weapon sword",
    "collapse crumble",
    "pixelation pixelate pixelated mosaic",
    "hidden hide invisible visible visibility",
    "pit hole",
    "coprocessor polyhedral",
)
"""Words that stand for one another."""

LOOSE = (
    "health life heart",
    "position where location place",
    "capacity max upgrade",
    "effect sfx sound",
    "colour color palette pal cgram",
    "immune invincible invincibility",
    "face heading direction facing look",
    "timer time delay frame cooldown",
    "whistle flute",
    "text message dialogue",
    "kill death",
    "damage hurt hit pain",
    "spawn create make add",
    "enable start turn activate",
    "index id type kind number",
    "mode module",
    "brightness bright fade",
    "collision collide touch",
    "give grant receive get",
    "camera scroll",
    "held hold pressed press",
    "button input joypad key",
    "result quotient product remainder",
    "draw redraw render rebuild",
    "show shown display displayed",
    "previous last old past",
    "nmi interrupt vblank",
    "ganon ganondorf",
    "progress story gamestate phase",
    "bounce recoil",
    "lit light burn",
    "process handle",
    "bird raven crow duck",
    "rat mouse",
    "worm moldorm lanmola",
    "elder sahasrahla",
    "fountain fairy pond",
    "shop store",
    "owner guy man",
    "peg block",
    "freeze pause halt stop lock",
    "file save",
    "transfer upload copy send",
    "reset initialize clear",
    "load read fetch",
    "clear erase wipe zero reset",
    "projectile shot missile",
    "shadow mirror copy queue buffer",
    "collapse fall",
    "state status",
    "room chamber",
    "level tier strength",
    "select choose pick chosen",
    "map chart",
    "dark night",
    "field property attribute flag",
    "use activate",
    "wear worn on",
    "floor ground story",
    "own have held",
    "water swim",
    "boss lair",
    "cutscene scene event",
    "dwarf smith",
    "slot entry",
)
"""Words of which one may be meant by another."""

COMMON_WORDS = (
    "able about above across after again against ago all almost already also always amount and another any "
    "anything around ask away back because become before began begin behind below best better between big both "
    "bring broken but call came can cannot care carry case cause certain check close come comes coming common "
    "control could course cover create data deal decide depend describe detail determine did different do does "
    "doing done down during each early easy effect either else end enough entire especially etc even ever every "
    "exist explain far feel few figure final find fine first follow for form found free from full gave general "
    "get gets getting give given gives go goes going gone good got had half handle happen happens hard has have "
    "having he help her here hers him his how however if important in include indicate inside instead into "
    "involve is it its just keep kept kind knew know known large last late later lead learn least leave left let "
    "like likely line list little load loaded loads long longer look lot made main make makes making many matter "
    "may me mean means meant might mine more most move moved much must my near nearly need needed needs never "
    "new next nice no none nor not note nothing now of off often old on once one only onto open or order other "
    "others select selects our out over own part particular per perhaps piece place play please point possible "
    "pretty probably provide put question quick quite rather reach ready real really reason related responsible "
    "rest return right run said same saw say says second see seem seen self set several shall she short should "
    "show shown shows side similar simple simply since single small so some somehow someone something sometimes "
    "somewhere soon sort start started starts stay still stop such sure take taken takes taking talk tell than "
    "thank thanks that the their them then there these they thing things think this those though through "
    "throughout thus time to together told too took total toward track tried try trying turn turned twice two "
    "type under understand unless until up upon us use used useful user uses using usual usually value various "
    "very via want wants was watch way we well went were what whatever when whenever where whether which while "
    "who whole whose why will wish with within without wonder work works worn would write wrong yes yet you your "
    "happening stored dealing thrown throw hold holds holding held being worth anybody everybody hey hi hello ok "
    "okay folks guys dude mate curious figuring wondering remind quickly exact exactly correct proper properly "
    "actual actually"
)
"""Common words; what none of the tables has of them says nothing, and of what they have it says little."""


def related(groups: tuple[str, ...], stem: Callable[[str], str]) -> dict[str, frozenset[str]]:
    """Return stem to the stems of the words that share a group with it."""
    out: dict[str, set[str]] = {}
    for group in groups:
        members = {stem(word) for word in group.split()}
        for word in members:
            out.setdefault(word, set()).update(members - {word})
    return {word: frozenset(others) for word, others in out.items()}
