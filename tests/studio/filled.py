"""Made-up fillings, with numbers that tell where they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.algorithms.maskgan.fillings import COLUMNS, Fillings

CATS = ["the", "old", "cats", "near", "the", "house", "sleep", "quietly", "."]
BLANKS = (2, 5, 6)
ROWS = [["cats", "river", "run"], ["dogs", "river", "sleep"], ["cats", "tree", "sleeps"]]


def filled(
    tokens: Sequence[str] = CATS,
    blanks: Sequence[int] = BLANKS,
    rows: Sequence[Sequence[str]] = ROWS,
    *,
    shown: int = 0,
    fixed: Sequence[int] = (),
    k: int = 4,
    joiner: str = " ",
    **other,
) -> Fillings:
    """`rows`: the words of each alternative in the blanks; candidate j of blank b is its word for j = 1, else "b.j"."""
    L, B, n = max([len(tokens), *(b + 1 for b in blanks)]), len(blanks), len(rows)
    truth = (*tokens, *[""] * (L - len(tokens)))
    words = []
    for fill in rows:
        one = list(truth)
        for b, word in zip(blanks, fill, strict=True):
            one[b] = word
        words.append(tuple(one))
    realism = 0.1 + 0.8 * np.arange(n * L).reshape(n, L) / (n * L)
    realism[[[not w for w in row] for row in words]] = np.nan
    table = {name: np.full(L, np.nan) for name in COLUMNS}
    for i, b in enumerate(blanks):
        for c, name in enumerate(COLUMNS):
            table[name][b] = -(i + 1) - c / 10
    table["r"] = np.log(realism[shown])
    made = {
        "net": "maskgan",
        "joiner": joiner,
        "given": tuple("" if i in blanks else word for i, word in enumerate(truth)),
        "truth": truth,
        "blanks": tuple(blanks),
        "fixed": tuple(fixed),
        "tokens": tuple(words),
        "p": np.linspace(0.2, 0.6, n * B).reshape(n, B),
        "realism": realism,
        "log_p": -np.arange(1.0, n + 1),
        "candidates": tuple(tuple(rows[shown][i] if j == 1 else f"{b}.{j}" for j in range(k)) for i, b in enumerate(blanks)),
        "candidates_p": np.tile(np.linspace(0.5, 0.1, k), (B, 1)),
        "shown": shown,
        "table": table,
        "valid": np.array([1.0, 0.0, np.nan][:n]),
        "why": ("", "'cats … sleeps' do not agree in number.", "")[:n],
        "notes": (),
        "step": 1200,
    }
    return Fillings(**(made | other))
