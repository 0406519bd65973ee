"""What is kept, and the ways to it: `Gallery.open()`, `keep`, `query`, `entry`, `png`, `recipe`; stars, tags, notes; boards.

The pictures are in the file, as PNG. A recipe is stored once for each export and shared by its samples.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from models.errors import BadInput, DiskTrouble, StudioError
from models.files import home, trouble
from studio.gallery import schema
from studio.gallery.asking import SORTS, condition, order
from studio.gallery.entries import Entry, Sample, row_of, run_id_of
from studio.gallery.schema import told

__all__ = ["SORTS", "Entry", "Gallery", "Sample", "gallery_path"]

KEPT = 24 * 3600.0  # seconds after which what was removed is really gone: until then Undo brings it back
CHUNK = 500  # numbers in one question to SQLite
_COLUMNS = "id, kind, system, run, run_id, data, step, seed, row, label, score, score_name, scores, made, width, height, text, star, note"
_NAMES = tuple(_COLUMNS.split(", "))


class Gallery:
    """The file and one connection, which any thread may use.

    Attributes:
        path: of the file.
        problem: what was wrong with the file that was there before and was set aside; "" if nothing was.
        writes: off while it is only read, because its disk is full or gives no permission; the first change that goes through turns it on.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, problem: str = "", *, writes: bool = True) -> None:
        self.path, self.problem, self.writes = path, problem, writes
        self._db, self._lock = db, threading.RLock()
        self._writes = 0

    @staticmethod
    def open(path: Path | None = None) -> Gallery:
        """The gallery of the studio's home, or another; made if it is not there. A damaged or newer one is set aside, and `problem` says so.

        Raises:
            DiskTrouble: it cannot be read or made there.
        """
        path = gallery_path() if path is None else path
        try:
            db, problem = _connected(path)
        except DiskTrouble:  # full, or no permission: what was kept can be read all the same
            with suppress(sqlite3.Error, OSError):
                return Gallery(path, schema.reading(path), writes=False)
            raise
        gallery = Gallery(path, db, problem)
        with suppress(DiskTrouble):
            gallery._forget()
        return gallery

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._db.close()

    def version(self) -> tuple[int, int]:
        """Changes whenever the content does, by whatever window."""
        return self._one("PRAGMA data_version")[0], self._writes

    # --- keeping ----------------------------------------------------------------------------------------------

    def keep(self, record: Any, rows: Sequence[int] | None = None, labels: Sequence[str] | None = None) -> list[int]:
        """Keep samples of a Record, a ChainsRecord or a DeskRecord; returns their numbers. The same sample twice has the same number.

        Args:
            rows: which of them; all if None.
            labels: a class for each of the record's samples, where the record does not know them.

        Raises:
            BadInput: there is nothing to keep. DiskTrouble: the disk is full.
        """
        from studio.gallery.keeping import samples_of

        return self.add(*samples_of(record, rows, labels))

    def add(self, recipe: Mapping[str, Any], samples: Sequence[Sample]) -> list[int]:
        """Keep samples that share a recipe."""
        text = json.dumps(recipe, sort_keys=True, allow_nan=False, ensure_ascii=False)
        now = time.time()
        with self._writing() as db:
            held = hashlib.sha256(text.encode()).hexdigest()
            db.execute("INSERT OR IGNORE INTO recipes (hash, text) VALUES (?, ?)", (held, text))
            number = db.execute("SELECT id FROM recipes WHERE hash = ?", (held,)).fetchone()[0]
            return [self._add(db, recipe, number, sample, now) for sample in samples]

    def _add(self, db: sqlite3.Connection, recipe: Mapping[str, Any], number: int, sample: Sample, now: float) -> int:
        run, made = recipe.get("run") or {}, recipe.get("made") or {}
        run_id = run_id_of(recipe)
        content = sample.png or sample.text.encode()
        how, row = row_of(recipe, sample.place)
        key = f"{run_id} {recipe.get('state_hash')} {made.get('seed')} {how} {row} ".encode()
        held = hashlib.sha256(key + content).hexdigest()
        name, score = next(iter(sample.scores.items()), ("", None))
        values = {
            "hash": held,
            "recipe": number,
            "place": sample.place,
            "row": row,
            "kind": "picture" if sample.png else "text",
            "system": str(recipe.get("system", "")),
            "run": str(run.get("name", "")),
            "run_id": run_id,
            "data": str((recipe.get("data") or {}).get("title", "")),
            "step": int(recipe.get("step") or 0),
            "seed": int(made.get("seed") or 0),
            "label": sample.label,
            "score": score,
            "score_name": name,
            "scores": json.dumps(dict(sample.scores), allow_nan=False),
            "made": now,
            "width": sample.width,
            "height": sample.height,
            "text": sample.text,
        }
        found = db.execute("SELECT id, gone FROM entries WHERE hash = ?", (held,)).fetchone()
        if found is not None:
            db.execute("UPDATE entries SET gone = NULL WHERE id = ?", (found[0],))
            return int(found[0])
        cursor = db.execute(f"INSERT INTO entries ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))
        entry = int(cursor.lastrowid or 0)
        if sample.png:
            db.execute("INSERT INTO pictures VALUES (?, ?)", (entry, sample.png))
            db.execute("INSERT INTO codes VALUES (?, ?)", (entry, sample.code))
        return entry

    # --- finding ----------------------------------------------------------------------------------------------

    def query(self, *, sort: str = "newest", **asked: Any) -> array[int]:
        """The numbers of all entries that fit, in order; "" filters nothing.

        Args:
            text: words that all occur in sentence, note, run, class, system, data or tags.
            system, run, label, kind, tag: exactly these; a run by its id, a kind is "picture" or "text".
            starred: only those with a star. board: its name; None for everything.
            sort: one of SORTS, or "board" for the order of the board.
        """
        source, where, given = condition(**asked)
        by, more = order(sort, asked.get("board"))
        return array("q", (r[0] for r in self._all(f"SELECT entries.id FROM {source} WHERE {where} ORDER BY {by}", [*given, *more])))

    def any(self, **asked: Any) -> bool:
        """Whether anything fits what `query` is asked."""
        source, where, given = condition(**asked)
        return self._one(f"SELECT 1 FROM {source} WHERE {where} LIMIT 1", given) is not None

    def count(self, *, starred: bool = False) -> int:
        """Entries in all, or those with a star."""
        return int(self._one(f"SELECT count(*) FROM entries WHERE gone IS NULL{' AND star = 1' if starred else ''}")[0])

    def newest(self) -> int:
        """The highest number that any entry has, of those that are gone as well; 0 of an empty gallery. What is kept later has a higher one."""
        return int(self._one("SELECT coalesce(max(id), 0) FROM entries")[0])

    def choices(self) -> dict[str, list[tuple[str, str, int]]]:
        """What can be filtered by: "system", "run", "label", "tag", "kind" -> (value, what it says, how many), the most frequent kinds first."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        for name, said in (("system", "system"), ("run_id", "max(run)"), ("label", "label"), ("kind", "kind")):
            sql = f"SELECT {name}, {said}, count(*) FROM entries WHERE gone IS NULL AND {name} != '' GROUP BY {name} ORDER BY 2 COLLATE NOCASE"
            found[name.removesuffix("_id")] = self._all(sql)
        sql = "SELECT tag, tag, count(*) FROM tags JOIN entries ON id = entry WHERE gone IS NULL GROUP BY tag ORDER BY tag COLLATE NOCASE"
        found["tag"] = self._all(sql)
        return found

    def entries(self, ids: Sequence[int]) -> list[Entry]:
        """Entries in the order asked for; those that are gone are left out."""
        rows: dict[int, Entry] = {}
        for part in _chunks(ids):
            marks = ", ".join("?" * len(part))
            tags: dict[int, list[str]] = {}
            for entry, tag in self._all(f"SELECT entry, tag FROM tags WHERE entry IN ({marks}) ORDER BY tag", part):
                tags.setdefault(entry, []).append(tag)
            for row in self._all(f"SELECT {_COLUMNS} FROM entries WHERE id IN ({marks}) AND gone IS NULL", part):
                values = dict(zip(_NAMES, row, strict=True)) | {"scores": json.loads(row[12]), "star": bool(row[17])}
                rows[row[0]] = Entry(**values, tags=tuple(tags.get(row[0], ())))
        return [rows[i] for i in ids if i in rows]

    def which(self, ids: Sequence[int], **asked: Any) -> set[int]:
        """Those of some entries that fit what `query` is asked, such as `starred=True`."""
        source, where, given = condition(**asked)
        found: set[int] = set()
        for part in _chunks(ids):
            sql = f"SELECT entries.id FROM {source} WHERE {where} AND entries.id IN ({', '.join('?' * len(part))})"
            found.update(r[0] for r in self._all(sql, [*given, *part]))
        return found

    def entry(self, number: int) -> Entry:
        """One entry; raises BadInput if it is gone."""
        found = self.entries([number])
        if not found:
            raise BadInput(f"There is no sample {number:,} in the gallery any more: another window has removed it.")
        return found[0]

    def png(self, number: int) -> bytes:
        """The picture of an entry; b"" of a sentence."""
        found = self._one("SELECT png FROM pictures WHERE entry = ?", (number,))
        return bytes(found[0]) if found else b""

    def recipe(self, number: int) -> dict[str, Any]:
        """How this one sample was made, see `recipe.of_sample`."""
        from studio.recipe import of_sample

        return of_sample(*self.shared(number))

    def shared(self, number: int) -> tuple[dict[str, Any], int]:
        """The recipe that an entry shares with those kept together with it, and its place in it; raises BadInput if it is gone."""
        found = self._one("SELECT recipes.text, place FROM entries JOIN recipes ON recipes.id = recipe WHERE entries.id = ?", (number,))
        if found is None:
            raise BadInput(f"There is no sample {number:,} in the gallery any more: another window has removed it.")
        return json.loads(found[0]), int(found[1])

    def shared_key(self, number: int) -> tuple[int, int]:
        """The number of that recipe, and the place; raises BadInput if the entry is gone."""
        found = self._one("SELECT recipe, place FROM entries WHERE id = ?", (number,))
        if found is None:
            raise BadInput(f"There is no sample {number:,} in the gallery any more: another window has removed it.")
        return int(found[0]), int(found[1])

    def codes(self) -> tuple[array[int], bytes]:
        """The numbers of all pictures, and their codes one after the other."""
        rows = self._all("SELECT entry, code FROM codes JOIN entries ON id = entry WHERE gone IS NULL ORDER BY entry")
        return array("q", (r[0] for r in rows)), b"".join(r[1] for r in rows)

    def sentences(self) -> tuple[array[int], list[str]]:
        """The numbers of all sentences, and they themselves."""
        rows = self._all("SELECT id, text FROM entries WHERE kind = 'text' AND gone IS NULL ORDER BY id")
        return array("q", (r[0] for r in rows)), [r[1] for r in rows]

    # --- what a person adds -----------------------------------------------------------------------------------

    def star(self, ids: Sequence[int], on: bool = True) -> None:
        """Star entries, or take the star away."""
        self._each("UPDATE entries SET star = ? WHERE id = ?", ((int(on), i) for i in ids))

    def note(self, number: int, text: str) -> None:
        """A note of any length; "" for none."""
        self._each("UPDATE entries SET note = ? WHERE id = ?", [(text, number)])

    def tag(self, ids: Sequence[int], tag: str, on: bool = True) -> None:
        """Tag entries, or take the tag away; raises BadInput for a tag without letters, or with more than 60."""
        tag = " ".join(tag.replace(",", " ").split())
        if not tag or len(tag) > 60:
            raise BadInput(f"A tag has 1 to 60 letters; got {tag[:80]!r}.")
        sql = "INSERT OR IGNORE INTO tags (tag, entry) VALUES (?, ?)" if on else "DELETE FROM tags WHERE tag = ? AND entry = ?"
        self._each(sql, ((tag, i) for i in ids))

    def remove(self, ids: Sequence[int]) -> None:
        """Take entries out; `restore` brings them back for a day, to their boards as well."""
        self._each("UPDATE entries SET gone = ? WHERE id = ?", ((time.time(), i) for i in ids))

    def restore(self, ids: Sequence[int]) -> None:
        """Bring back what was removed."""
        self._each("UPDATE entries SET gone = NULL WHERE id = ?", ((i,) for i in ids))

    # --- boards -----------------------------------------------------------------------------------------------

    def boards(self) -> list[tuple[str, int]]:
        """All boards by name, and how many entries each has."""
        sql = (
            "SELECT name, count(entries.id) FROM boards LEFT JOIN board_entries ON board = boards.id "
            "LEFT JOIN entries ON entries.id = entry AND gone IS NULL GROUP BY boards.id ORDER BY name COLLATE NOCASE"
        )
        return self._all(sql)

    def board(self, name: str) -> list[int]:
        """The entries of a board in their order; raises BadInput if there is no such board."""
        if self._one("SELECT id FROM boards WHERE name = ?", (name,)) is None:
            known = ", ".join(n for n, _ in self.boards()) or "none yet"
            raise BadInput(f"There is no board {name!r}; there are: {known}.")
        return list(self.query(board=name, sort="board"))

    def set_board(self, name: str, ids: Sequence[int] | None) -> None:
        """Make a board, or give it another content and order (each entry once); None takes it away. Raises BadInput for a name of no use."""
        name = name.strip()
        if not 1 <= len(name) <= 80 or any(letter in name for letter in "\r\n\t"):
            raise BadInput(f"A board's name has 1 to 80 letters on one line; got {name[:90]!r}.")
        with self._writing() as db:
            if ids is None:
                db.execute("DELETE FROM boards WHERE name = ?", (name,))
                return
            db.execute("INSERT OR IGNORE INTO boards (name) VALUES (?)", (name,))
            board = db.execute("SELECT id FROM boards WHERE name = ?", (name,)).fetchone()[0]
            db.execute("DELETE FROM board_entries WHERE board = ?", (board,))
            there = {i for part in _chunks(ids) for (i,) in db.execute(f"SELECT id FROM entries WHERE id IN ({', '.join('?' * len(part))})", part)}
            placed = ((board, place, i) for place, i in enumerate(i for i in dict.fromkeys(ids) if i in there))
            db.executemany("INSERT INTO board_entries VALUES (?, ?, ?)", placed)

    def rename_board(self, name: str, new: str) -> None:
        """Another name for a board; raises BadInput if another board has it."""
        new = new.strip()
        if new != name and any(n == new for n, _ in self.boards()):
            raise BadInput(f"There is a board {new!r} already: choose another name.")
        content = self.board(name)
        self.set_board(new, content)
        if new != name:
            self.set_board(name, None)

    # --- inside -----------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """What was removed long ago goes, and recipes that nobody shares any more."""
        if self._one("SELECT 1 FROM entries WHERE gone < ? LIMIT 1", (time.time() - KEPT,)):
            with self._writing() as db:
                db.execute("DELETE FROM entries WHERE gone < ?", (time.time() - KEPT,))
                db.execute("DELETE FROM recipes WHERE id NOT IN (SELECT recipe FROM entries)")

    def _reopen(self) -> None:
        """Once more for writing; raises DiskTrouble where it still cannot be."""
        self._db.close()  # it may have the file to itself
        try:
            self._db, self.problem = _connected(self.path)
            self.writes = True
        except StudioError:
            self._db = schema.reading(self.path)
            raise

    def _each(self, sql: str, values: Iterator[tuple[Any, ...]] | Sequence[tuple[Any, ...]]) -> None:
        with self._writing() as db:
            db.executemany(sql, values)

    def _one(self, sql: str, given: Sequence[Any] = ()) -> Any:
        with self._lock, told(self.path):
            return self._db.execute(sql, given).fetchone()

    def _all(self, sql: str, given: Sequence[Any] = ()) -> list[Any]:
        with self._lock, told(self.path):
            return self._db.execute(sql, given).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it."""
        with self._lock, told(self.path):
            if not self.writes:
                self._reopen()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
                self._writes += 1
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _connected(path: Path) -> tuple[sqlite3.Connection, str]:
    """A connection that reads and writes, and what was wrong with a file that was set aside; raises DiskTrouble, or BadFile for a folder."""
    problem = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(path.name + ".lock"), timeout=30), told(path):
            try:
                db = schema.connect(path)
            except schema.Damaged as error:
                aside = schema.set_aside(path, str(error))
                what = "was made by a newer version" if str(error) == "newer" else "could not be read"
                problem = f"The gallery {what}, so it was set aside as {aside.name} in {aside.parent} and a new one begun."
                db = schema.connect(path)
    except filelock.Timeout:
        raise DiskTrouble(f"The gallery {path} is being opened by another window for too long: close that window.") from None
    except OSError as error:
        raise trouble(error, path) from error
    return db, problem


def gallery_path() -> Path:
    """Where the gallery of this studio's home is."""
    return home() / "gallery.db"


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield list(ids[start : start + CHUNK])
