"""The tables of a graph file, as the steps by which older files became newer ones."""

import sqlite3

from knowledge.graph_view import GraphError
from knowledge.graph_words import index_words

__all__ = ["APPLICATION", "STEPS", "VERSION", "has_full_text", "migrate", "needs_migration"]

APPLICATION = 0x41465347
"""The application id in the header of a graph file: `AFSG`."""

STEPS: tuple[str, ...] = (
    # 1: what is known. Texts are numbered node * 2^20 + n, so that a row of the index tells its node.
    """
    CREATE TABLE node(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded TEXT NOT NULL, kind TEXT NOT NULL,
        source TEXT NOT NULL DEFAULT '', properties TEXT NOT NULL DEFAULT '{}', own INTEGER NOT NULL DEFAULT 1);
    CREATE INDEX node_folded ON node(folded);
    CREATE INDEX node_kind ON node(kind, id);
    CREATE TABLE text(
        id INTEGER PRIMARY KEY, node INTEGER NOT NULL REFERENCES node(id) ON DELETE CASCADE, digest BLOB NOT NULL,
        text TEXT NOT NULL, source TEXT NOT NULL DEFAULT '', UNIQUE(node, digest));
    CREATE TABLE edge(
        id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES node(id) ON DELETE CASCADE, relation TEXT NOT NULL,
        object INTEGER NOT NULL REFERENCES node(id) ON DELETE CASCADE, source TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '', count INTEGER NOT NULL DEFAULT 1 CHECK (count > 0),
        UNIQUE(subject, relation, object));
    CREATE INDEX edge_object ON edge(object);
    """,
    # 2: the rules that writes are held to, and what was removed, for undo.
    """
    CREATE TABLE rule(
        id INTEGER PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL, first TEXT NOT NULL DEFAULT '',
        second TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '', UNIQUE(rule, subject, first, second));
    CREATE INDEX edge_relation ON edge(relation);
    CREATE TABLE removal(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what TEXT NOT NULL);
    """,
    # 3: when a text was added, which index of words the file has, and how often edges were removed.
    """
    ALTER TABLE text ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO state VALUES ('edges removed', '0');
    CREATE TRIGGER edge_removed AFTER DELETE ON edge BEGIN
        UPDATE state SET value = value + 1 WHERE key = 'edges removed'; END;
    """,
)
"""The steps, oldest first; `user_version` of a file counts those that it has been through."""

VERSION = len(STEPS)

_INDEX = "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(name, text, content='', tokenize='unicode61')"
WORDS_VERSION = "1"
"""Changes when `index_words` would give other words for the same text."""


def has_full_text(con: sqlite3.Connection) -> bool:
    """Say whether this SQLite has FTS5."""
    try:
        con.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(x)")
    except sqlite3.OperationalError:
        return False
    con.execute("DROP TABLE temp.probe")
    return True


def _number(con: sqlite3.Connection, pragma: str) -> int:
    return int(con.execute(f"PRAGMA {pragma}").fetchone()[0])


def _indexed(con: sqlite3.Connection) -> str:
    row = con.execute("SELECT value FROM state WHERE key = 'words'").fetchone()
    return str(row[0]) if row else ""


def needs_migration(con: sqlite3.Connection, path: str, *, full_text: bool) -> bool:
    """Say whether the tables are not those of this version.

    Raises:
        GraphError: the file is of a newer version, or of another program.
    """
    version, application = _number(con, "user_version"), _number(con, "application_id")
    if version > VERSION:
        raise GraphError(
            f"{path} was written by a newer version (layout {version}, this one knows {VERSION}): "
            "update this program, or name another file"
        )
    if version == VERSION and application == APPLICATION:
        return full_text and _indexed(con) != WORDS_VERSION
    empty = con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not empty and application != APPLICATION:
        raise GraphError(f"{path} is an SQLite file of another program: name another file")
    return True


def migrate(con: sqlite3.Connection, path: str, *, full_text: bool) -> None:
    """Bring the tables to this version in one transaction; several programs may try at once."""
    con.execute("BEGIN IMMEDIATE")
    try:
        if needs_migration(con, path, full_text=full_text):
            for step in STEPS[_number(con, "user_version") :]:
                for statement in step.split(";\n"):
                    if statement.strip():
                        con.execute(statement)
            con.execute(f"PRAGMA user_version = {VERSION}")
            con.execute(f"PRAGMA application_id = {APPLICATION}")
            if full_text:
                _index_all(con)
        con.execute("COMMIT")
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise


def _index_all(con: sqlite3.Connection) -> None:
    con.execute("DROP TABLE IF EXISTS words")
    con.execute(_INDEX)
    insert = "INSERT INTO words(rowid, name, text) VALUES (?, ?, ?)"
    for node, name in con.execute("SELECT id, name FROM node WHERE own"):
        con.execute(insert, (node << 20, index_words(name), ""))
    rows = con.execute("SELECT text.id, name, text FROM text JOIN node ON node.id = text.node")
    for number, name, text in rows:
        con.execute(insert, (number, index_words(name), index_words(text)))
    con.execute("INSERT OR REPLACE INTO state VALUES ('words', ?)", (WORDS_VERSION,))
