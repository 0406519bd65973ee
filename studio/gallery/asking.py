"""What can be asked of the gallery, in the words of SQLite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SORTS: Mapping[str, tuple[str, str]] = {  # name -> what it says, and how it is asked for
    "newest": ("Newest first", "made DESC, id"),
    "oldest": ("Oldest first", "made, id"),
    "run": ("Run", "run COLLATE NOCASE, run_id, step, seed, row, id"),
    "step": ("Step", "step, run, seed, row, id"),
    "score": ("Score, best first", "score IS NULL, score_name, score * better DESC, id"),
    "class": ("Class", "label = '', label COLLATE NOCASE, id"),
}
SEARCHED = ("text", "note", "run", "label", "system", "data")
LOWER_IS_BETTER = ("L(v)", "L(G(z))", "error", "distance")  # scores of which the lowest come first


def condition(
    text: str = "",
    system: str = "",
    run: str = "",
    label: str = "",
    kind: str = "",
    starred: bool = False,
    tag: str = "",
    board: str | None = None,
) -> tuple[str, str, list[Any]]:
    """Tables, condition and values of a question, see `Gallery.query`."""
    where, given = ["gone IS NULL"], list[Any]()
    for column, value in (("system", system), ("run_id", run), ("label", label), ("kind", kind)):
        if value:
            where.append(f"{column} = ?")
            given.append(value)
    if starred:
        where.append("star = 1")
    if tag:
        where.append("entries.id IN (SELECT entry FROM tags WHERE tag = ?)")
        given.append(tag)
    for word in text.split():
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        said = [*(f"{column} LIKE ? ESCAPE '\\'" for column in SEARCHED), "entries.id IN (SELECT entry FROM tags WHERE tag LIKE ? ESCAPE '\\')"]
        where.append(f"({' OR '.join(said)})")
        given += [like] * len(said)
    if board is None:
        return "entries", " AND ".join(where), given
    where.append("board = (SELECT id FROM boards WHERE name = ?)")
    return "board_entries JOIN entries ON entries.id = board_entries.entry", " AND ".join(where), [*given, board]


def order(sort: str, board: str | None) -> tuple[str, list[Any]]:
    """In which order, and the values that this needs."""
    found = "board_entries.place" if sort == "board" and board is not None else SORTS.get(sort, SORTS["newest"])[1]
    if "better" not in found:
        return found, []
    return found.replace("better", f"CASE WHEN score_name IN ({', '.join('?' * len(LOWER_IS_BETTER))}) THEN -1 ELSE 1 END"), [*LOWER_IS_BETTER]
