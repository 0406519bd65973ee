"""What a data set is, in one dict: how many pictures, of which sizes and classes, what is twice, and what was left out and why.

Sentences have a card of their own, in `models.data.textcard`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.data import textcard
from models.data.images import ImageSet
from models.data.text import TextSet

FEW = 64  # pictures to train on, below which a batch is likely to repeat some


def card(data: ImageSet | TextSet) -> dict[str, Any]:
    """The data card, for JSON; of sentences, that of `textcard.card`.

    Keys: title, spec, id, kind ("pictures"), count, train, held_out, size (pixels a side), channels, original (smallest, largest and commonest
    [width, height]), palette ("#rrggbb" of every colour, where all pictures have a few), colour ("colour", "grey", "binary"), classes (attribute ->
    value -> how many), duplicates (count of pictures that equal an earlier one; examples, pairs of names), skipped (a sentence each), left_out (how
    many pictures were skipped), notes (a sentence each).
    """
    if isinstance(data, TextSet):
        return textcard.card(data)
    twins = data.about.get("duplicates") or {"count": 0, "examples": []}
    return {
        "title": data.title,
        "spec": data.spec,
        "id": data.id,
        "kind": "pictures",
        "count": len(data),
        "train": len(data.train),
        "held_out": len(data.held_out),
        "size": data.size,
        "channels": data.channels,
        "original": data.about.get("original") or {key: [data.size, data.size] for key in ("smallest", "largest", "common")},
        **_palette(data),
        "colour": data.about.get("colour", "colour" if data.channels == 3 else "grey"),
        "classes": _classes(data),
        "duplicates": {"count": twins["count"], "examples": [[data.names[i] for i in pair] for pair in twins["examples"]]},
        "skipped": list(data.skipped),
        "left_out": data.about.get("left_out", len(data.skipped)),
        "notes": [*data.about.get("notes", ()), *_notes(data)],
    }


def sample(data: ImageSet, n: int) -> np.ndarray:
    """Indices of up to n pictures that show what there is: as many of every class, class by class; without classes a fixed choice, rising."""
    mixed = np.random.Generator(np.random.Philox(0)).permutation(len(data))
    if data.labels and len(data.labels) == 1:
        codes = next(iter(data.labels.values()))[mixed]
        rank = np.zeros(len(codes), np.int64)  # which of its class a picture is
        for code in np.unique(codes):
            where = codes == code
            rank[where] = np.arange(np.count_nonzero(where))
        order = np.lexsort((codes, rank))[:n]
        return mixed[order[np.argsort(codes[order], kind="stable")]]
    return np.sort(mixed[:n])


def text(about: dict[str, Any]) -> str:
    """The card for a terminal, in two columns."""
    if about["kind"] == "text":
        return textcard.text(about)
    rows = [
        ("data", about["title"]),
        ("id", about["id"]),
        ("pictures", f"{about['count']:,}: {about['train']:,} to train on, {about['held_out']:,} held out"),
        ("size", f"{about['size']} × {about['size']}{_originally(about)}"),
        ("colour", {"binary": "black and white alone"}.get(about["colour"], about["colour"])),
    ]
    if about.get("palette"):
        rows.append(("palette", f"{len(about['palette'])} colours: {' '.join(about['palette'])}"))
    taken = {name for name, _ in rows}
    rows += [(f"class {name}" if name in taken else name, _values(counts)) for name, counts in about["classes"].items()]
    twins = about["duplicates"]
    pairs = "; ".join(f"{b} is {a}" for a, b in twins["examples"][:3])
    rows.append(("duplicates", f"{twins['count']:,} ({pairs}{'; …' if twins['count'] > 3 else ''})" if twins["count"] else "none"))
    rows.append(("left out", f"{about['left_out']:,}" if about["left_out"] else "none"))
    rows += [("", sentence) for sentence in about["skipped"][:10]]
    if len(about["skipped"]) > 10:
        rows.append(("", f"… and {about['left_out'] - 10:,} more; --json lists them."))
    rows += [("note", sentence) for sentence in about["notes"]]
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {value}".rstrip() for name, value in rows)


def _palette(data: ImageSet) -> dict[str, list[str]]:
    """The colours that all pixels have, where the data were made to have a few: `palette` (K, 3) uint8."""
    found = getattr(data, "palette", None)
    return {} if found is None else {"palette": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.asarray(found).tolist()]}


def _classes(data: ImageSet) -> dict[str, dict[str, int]]:
    if not data.labels or not data.values:
        return {}
    return {
        attribute: dict(zip(data.values[attribute], np.bincount(codes, minlength=len(data.values[attribute])).tolist(), strict=True))
        for attribute, codes in data.labels.items()
    }


def _notes(data: ImageSet) -> list[str]:
    notes = []
    if len(data.train) < FEW:
        some = "is only 1 picture" if len(data.train) == 1 else f"are only {len(data.train)} pictures"
        notes.append(f"There {some} to train on: a larger batch repeats them.")
    if not len(data.held_out):
        notes.append("No picture is held out, so nothing can be measured on pictures that were never seen.")
    return notes


def _originally(about: dict[str, Any]) -> str:
    small, large, common = (" × ".join(f"{side:,}" for side in about["original"][k]) for k in ("smallest", "largest", "common"))
    if small != large:
        return f", originally {small} to {large}, most often {common}"
    return "" if about["original"]["common"] == [about["size"]] * 2 else f", originally {common}"


def _values(counts: dict[str, int]) -> str:
    """How often each value occurs, the commonest first where there are many."""
    shown = list(counts.items())
    if len(shown) > 12:
        shown = sorted(shown, key=lambda item: -item[1])[:12]
    more = f", … ({len(counts):,} in all)" if len(counts) > 12 else ""
    return ", ".join(f"{value}: {count:,}" for value, count in shown) + more
