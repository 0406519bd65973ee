"""Made-up fillings: what exporters and pages are tested with, without a net."""

from __future__ import annotations

import numpy as np

from models.algorithms.maskgan.fillings import COLUMNS, Desk, Fillings

SOURCE = {
    "system": "maskgan",
    "step": 300,
    "knob_history": [],
    "state_hash": "0123456789abcdef" * 4,
    "run": {"name": "grammar-1", "path": "/home/x"},
    "data": {"title": "grammar"},
    "config": {"unit": "words"},
}
DESK = Desk(("the", "cat", "sleeps", "."), (1, 2), False, ())
ROWS = (("the", "dog", "sleeps", "."), ("the", "dogs", "sleeps", "."), ("the", '<b a="1">&', "runs", "."))


def made_up(
    desk: Desk = DESK, rows: tuple[tuple[str, ...], ...] = ROWS, *, net: str = "maskgan", joiner: str = " ", truth: bool = True, seed: int = 0
) -> Fillings:
    """Fillings of a desk with these rows; with an open end, what lies behind the desk's tokens is a blank too."""
    rng = np.random.default_rng(seed)
    n, L = len(rows), len(rows[0])
    blanks = (*desk.blanks, *range(len(desk.tokens), L))
    B, words = len(blanks), tuple(dict.fromkeys(word for row in rows for word in row if word))
    p, realism = rng.random((n, B), np.float32), rng.random((n, L), np.float32)
    for i, row in enumerate(rows):
        end = row.index("") if "" in row else L
        realism[i, end:] = np.nan  # its end has a probability, and is no word that D sees
        p[i, [b for b, blank in enumerate(blanks) if blank > end]] = np.nan
    stood = (*desk.tokens, *[""] * (L - len(desk.tokens)))
    k = min(4, len(words))
    valid = np.array([1.0, 0.0, np.nan] * n)[:n]
    return Fillings(
        net=net,
        joiner=joiner,
        given=tuple("" if i in blanks else word for i, word in enumerate(stood)),
        truth=stood if truth else ("",) * L,
        blanks=blanks,
        fixed=tuple(at for at, _ in desk.fixed),
        tokens=rows,
        p=p,
        realism=realism,
        log_p=np.nansum(np.log(p), 1),
        candidates=tuple(tuple(words[(b + j) % len(words)] for j in range(k)) for b in range(B)),
        candidates_p=np.sort(rng.dirichlet(np.ones(k + 3), B)[:, :k])[:, ::-1],
        shown=0,
        table={name: rng.normal(size=L) for name in COLUMNS},
        valid=valid,
        why=tuple("'dogs … sleeps' do not agree in number." if v == 0 else "" for v in valid),
        notes=("'zebra' is not in the vocabulary; did you mean 'zero'?",),
        step=300,
    )
