"""The gallery's file: its tables, how an older one is brought up to date, and what SQLite's errors mean for a person."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from models.errors import BadFile, BadInput, DiskTrouble

SCHEMA = 1
MARK = 0x53534741  # SQLite's application_id: whose file it is
MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {}  # from this schema to the next
PATIENCE = 10.0  # seconds that one window waits for another to finish writing
ROOM = 65_536  # bytes; with less SQLite cannot begin to write
TABLES = """
CREATE TABLE recipes (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, recipe INTEGER NOT NULL REFERENCES recipes(id), place INTEGER NOT NULL, row INTEGER NOT NULL,
    kind TEXT NOT NULL, system TEXT NOT NULL, run TEXT NOT NULL, run_id TEXT NOT NULL, data TEXT NOT NULL,
    step INTEGER NOT NULL, seed INTEGER NOT NULL,
    label TEXT NOT NULL DEFAULT '', score REAL, score_name TEXT NOT NULL DEFAULT '', scores TEXT NOT NULL DEFAULT '{}', made REAL NOT NULL,
    width INTEGER NOT NULL DEFAULT 0, height INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',
    star INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', gone REAL);
CREATE TABLE pictures (entry INTEGER PRIMARY KEY REFERENCES entries(id) ON DELETE CASCADE, png BLOB NOT NULL);
CREATE TABLE codes (entry INTEGER PRIMARY KEY REFERENCES entries(id) ON DELETE CASCADE, code BLOB NOT NULL);
CREATE TABLE tags (entry INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE, tag TEXT NOT NULL, PRIMARY KEY (tag, entry)) WITHOUT ROWID;
CREATE TABLE boards (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE board_entries (board INTEGER NOT NULL REFERENCES boards(id) ON DELETE CASCADE, place INTEGER NOT NULL,
    entry INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE, PRIMARY KEY (board, place)) WITHOUT ROWID;
CREATE INDEX entries_seen ON entries (gone, made, id);
CREATE INDEX entries_system ON entries (gone, system);
CREATE INDEX entries_run ON entries (gone, run_id, run);
CREATE INDEX entries_label ON entries (gone, label);
CREATE INDEX entries_kind ON entries (gone, kind);
CREATE INDEX entries_star ON entries (gone, star);
CREATE INDEX tags_entry ON tags (entry);
CREATE INDEX board_entries_entry ON board_entries (entry);
"""


class Damaged(Exception):
    """The file is no gallery of this version; the word says what it is: "damaged" or "newer"."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a file of the present schema, made or brought up to date where need be.

    Raises:
        Damaged: it cannot be read, or belongs to a newer version.
        sqlite3.Error: the disk is full, or there is no permission.
    """
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db)
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            raise Damaged("damaged") from error
        raise
    return db


def reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and writes nothing at all, not even what SQLite keeps beside a file: for a full disk, or one without permission.

    Raises:
        sqlite3.Error: it cannot be read so either, or is to be made or brought up to date first.
    """
    beside = path.with_name(path.name + "-wal")
    if beside.exists() and beside.stat().st_size:  # the newest changes are there: the one who has the file to himself needs no -shm to read them
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        start = "PRAGMA locking_mode = EXCLUSIVE"
    else:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
        start = "PRAGMA query_only = ON"
    try:
        db.execute(start)
        if _number(db, "application_id") != MARK or _number(db, "user_version") != SCHEMA:
            raise sqlite3.OperationalError("unable to open: it is to be made or brought up to date first")
        db.execute("SELECT max(id) FROM entries").fetchone()
        db.execute("PRAGMA query_only = ON")
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA cache_size = -8000")
    version, mark, tables = _number(db, "user_version"), _number(db, "application_id"), db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and mark != MARK:
        raise Damaged("damaged")
    if version > SCHEMA:
        raise Damaged("newer")
    if version == SCHEMA:
        db.execute("SELECT max(id) FROM entries").fetchone()  # a file that was cut short shows here
        return
    db.execute("BEGIN IMMEDIATE")  # of two windows that start together the second finds it done
    try:
        version = _number(db, "user_version")
        if version == 0:
            for statement in filter(str.strip, TABLES.split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {MARK}")
        else:
            for step in range(version, SCHEMA):
                MIGRATIONS[step](db)
        db.execute(f"PRAGMA user_version = {SCHEMA}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _number(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def set_aside(path: Path, why: str) -> Path:
    """Give a file that cannot be used, with what SQLite keeps beside it, a name of its own; returns it."""
    free = next(p for i in count(1) if not (p := path.with_name(f"{path.stem}-{why}-{i}{path.suffix}")).exists())
    for ending in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            os.replace(beside, free.with_name(free.name + ending))
    return free


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's errors as sentences: DiskTrouble, BadInput where another window holds the file, BadFile where it is damaged."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if path.is_dir():
            raise BadFile(f"{path} is a folder, where the gallery's file should be: move it away, and a new gallery is begun.") from error
        if "full" in text or ("locked" not in text and _full(path.parent)):  # what SQLite cannot make beside the file it "cannot open"
            raise DiskTrouble(f"The disk that holds {path.parent} is full: free some space; nothing kept before is lost.") from error
        if "locked" in text or "busy" in text:
            raise BadInput(f"Another window has been writing to the gallery for {PATIENCE:.0f} seconds: try again when it is done.") from error
        if "readonly" in text or "unable to open" in text:
            raise DiskTrouble(f"There is no permission to write to {path}: change the permissions of {path.parent}.") from error
        if "malformed" in text or "no such" in text:
            raise _damaged(path) from error
        raise DiskTrouble(f"{path} could not be read or written ({text}): look after the disk that holds it.") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path) from error


def _full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM
    except OSError:
        return False


def _damaged(path: Path) -> BadFile:
    return BadFile(f"The gallery {path} is damaged: start Sampling Studio again, and it is set aside and a new one begun.")
