"""What a set of sentences is, in one dict: how many, of which words, how long, what is twice, and what was cut or left out and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.data.text import TextSet
from models.data.vocabulary import RESERVED

EXAMPLES = 6  # sentences shown
BAR = 24  # columns of the longest bar of the histogram
_NAMES = {"words": "words", "chars": "characters", "numbers": "numbers"}


def card(data: TextSet) -> dict[str, Any]:
    """The data card, for JSON.

    Keys: title, spec, id, kind ("text"), count, train, held_out, T, V, unit ("words", "chars", "numbers"), ends, read (lines), empty, tokens,
    distinct (different tokens before the vocabulary was chosen), unknown (share of all tokens), lengths (min, median, mean, max, histogram of
    [from, to, count], before anything was cut), cut, dropped, duplicates (count of sentences that equal an earlier one; examples), skipped (a
    sentence each), left_out (empty or dropped), notes, common ([token, count], the commonest first), examples (sentences). Of an oracle also hash,
    floor, floor_se and ceiling, in nats a token. Of a toy also p (the probability of every cell) and shape ([rows, columns], rows 1 in a line).
    """
    about = data.about
    twins = about["duplicates"]
    out: dict[str, Any] = {"title": data.title, "spec": data.spec, "id": data.id, "kind": "text"}
    out |= {"count": len(data), "train": len(data.train), "held_out": len(data.held_out), "T": data.T, "V": data.V}
    out |= {"unit": unit(data), "ends": data.ends}
    out |= {key: about[key] for key in ("read", "empty", "tokens", "distinct", "unknown", "lengths", "cut", "dropped")}
    out["duplicates"] = {"count": twins["count"], "examples": [data.text(second) for _, second in twins["examples"]]}
    out |= {"skipped": list(data.skipped), "left_out": about["left_out"], "notes": list(about["notes"]), "common": about["common"]}
    out["examples"] = [data.text(int(i)) for i in data.order(0, 0, min(EXAMPLES, len(data.train)))]
    out |= {key: about[key] for key in ("hash", "floor", "floor_se", "ceiling") if key in about}
    if hasattr(data, "p"):
        out |= {"p": np.asarray(data.p, float).ravel().tolist(), "shape": [int(side) for side in data.shape]}  # pyright: ignore[reportAttributeAccessIssue]
    return out


def unit(data: TextSet) -> str:
    """What a token is: "words", "chars" or "numbers"."""
    if not data.words:
        return "numbers"
    return "words" if data.joiner else "chars"


def text(about: dict[str, Any]) -> str:
    """The card for a terminal, in two columns."""
    if "p" in about:
        return _columns(_toy(about))
    long, twins, oracle = about["lengths"], about["duplicates"], "hash" in about
    rows = [
        ("data", about["title"]),
        ("id", about["id"]),
        ("sentences", f"{about['count']:,}: {about['train']:,} to train on, {about['held_out']:,} held out"),
        ("tokens", f"{about['tokens']:,} {_NAMES[about['unit']]}"),
        ("vocabulary", _vocabulary(about)),
    ]
    if long["min"] < long["max"]:
        rows.append(("lengths", f"{long['min']:,} to {long['max']:,}, median {long['median']:,}, mean {long['mean']:.1f}"))
        rows += [("", line) for line in _histogram(long["histogram"])]
    else:
        rows.append(("lengths", f"all {long['max']:,}"))
    rows.append(("commonest", ", ".join(f"{word} {count:,}" for word, count in about["common"][:12])))
    rows.append(("cut", f"{about['cut']:,} to {about['T']} tokens" if about["cut"] else "none"))
    rows.append(("duplicates", f"{twins['count']:,} ({'; '.join(twins['examples'][:2])})" if twins["count"] else "none"))
    parts = [f"{about[key]:,} {name}" for key, name in (("empty", "empty"), ("dropped", "too long")) if about[key]]
    rows.append(("left out", ", ".join(parts) or "none"))
    rows += [("", sentence) for sentence in about["skipped"][:5]]
    if len(about["skipped"]) > 5:
        rows.append(("", "…; --json lists more."))
    if oracle:
        rows.append(("oracle", about["hash"]))
        rows.append(("NLL", f"floor {about['floor']:.3f} ± {about['floor_se']:.3f}, of an untrained net {about['ceiling']:.3f} nats a token"))
    rows += [("for example" if not k else "", sentence) for k, sentence in enumerate(about["examples"])]
    return _columns(rows + [("note", sentence) for sentence in about["notes"]])


def _columns(rows: list[tuple[str, str]]) -> str:
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{wide}}  {value}".rstrip() for name, value in rows)


def _toy(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Of a known distribution."""
    p, (high, across) = about["p"], about["shape"]
    shape = f"{high} × {across}" if high > 1 else "in one row"
    return [
        ("data", about["title"]),
        ("id", about["id"]),
        ("cells", f"{len(p):,}, {shape}"),
        ("probabilities", f"{min(p):.2g} to {max(p):.2g}"),
        ("draws", f"{about['count']:,}: {about['train']:,} to train on, {about['held_out']:,} held out"),
        *(("note", sentence) for sentence in about["notes"]),
    ]


def _vocabulary(about: dict[str, Any]) -> str:
    if about["unit"] == "numbers":
        return f"{about['V']:,} numbers, {about['distinct']:,} of which occur"
    known = f"{about['V'] - RESERVED:,} of {about['distinct']:,} different {_NAMES[about['unit']]}"
    return f"{known}, with two reserved numbers V = {about['V']:,}; unknown: {about['unknown']:.2%} of all tokens"


def _histogram(bins: list[list[int]]) -> list[str]:
    most = max(count for *_, count in bins)
    names = [f"{low:,}" if low == high else f"{low:,}-{high:,}" for low, high, _ in bins]
    wide = max(map(len, names))
    return [f"{name:>{wide}} {'█' * round(BAR * n / most) or ('▏' if n else '')} {n:,}" for name, (*_, n) in zip(names, bins, strict=True)]
