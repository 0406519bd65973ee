"""Made-up fillings, for what shows and writes them; and a system that fills in milliseconds, for what asks it to."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models import catalog
from models.algorithms import maskgan
from models.algorithms.maskgan.fillings import COLUMNS, Desk, Fillings
from models.contract import View
from models.errors import BadInput
from tests.studio.toytext import SYSTEM, WORDS

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
        end = max((j + 1 for j, word in enumerate(row) if word), default=0)
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


# --- a system that fills in milliseconds ------------------------------------------------------------------------------


def _fill(
    state: Any, data: Any, knobs: Any, *, n: int, seed: int, net: str, temperature: float, top_k: int, nucleus: float, shown: int, k: int, **on: Any
) -> View:
    """Words of the Markov chain of toytext: of what follows the word before, whatever comes after; an open end is two blanks more."""
    del data, knobs
    if not (on["blanks"] or on["open_end"]):
        raise BadInput("There is no blank on the desk: write ___ where a word is to be filled.")
    desk, fixed = Desk(*(on[name] for name in Desk._fields)), dict(on["fixed"])
    L = len(desk.tokens) + 2 * desk.open_end
    blanks = (*desk.blanks, *range(len(desk.tokens), L))
    table = state.net.weight.detach().numpy().astype(np.float64) * (1 if net == "maskgan" else 0.5)
    rows, p = [], np.full((n, len(blanks)), np.nan)
    for i in range(n):
        rng = np.random.Generator(np.random.Philox(key=[seed, i]))
        row = [*desk.tokens, *[""] * (L - len(desk.tokens))]
        for b, blank in enumerate(blanks):
            chances = _chances(table, row[blank - 1] if blank else "")
            kept = np.argsort(-chances)[: top_k or None]
            kept = kept[: 1 + int(np.searchsorted(np.cumsum(chances[kept]), nucleus))]
            sharp = chances[kept] ** (1 / temperature)
            row[blank] = fixed.get(blank) or WORDS[int(rng.choice(kept, p=sharp / sharp.sum()))]
            p[i, b] = chances[WORDS.index(row[blank])]
            if not row[blank]:
                break
        rows.append(tuple(row))
    before = [rows[shown][blank - 1] if blank else "" for blank in blanks]
    likeliest = [np.argsort(-_chances(table, word))[:k] for word in before]
    found = replace(made_up(desk, tuple(rows), net=net, truth=False), p=p, log_p=np.nansum(np.log(p), 1), shown=shown, step=state.step)
    named = tuple(tuple(WORDS[w] or "(end)" for w in row) for row in likeliest)
    shares = np.array([_chances(table, word)[row] for word, row in zip(before, likeliest, strict=True)])
    return replace(found, candidates=named, candidates_p=shares).view()


def _chances(table: np.ndarray, word: str) -> np.ndarray:
    """p of each of WORDS after one; an end ("") only after the third word of them."""
    logits = table[WORDS.index(word) if word in WORDS else 0].copy()
    if word != WORDS[3]:
        logits[0] = -30
    return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()


def parse(state: Any, text: str, open_end: bool = False) -> Desk:
    """As that of MaskGAN."""
    del state
    words = text.split()
    blanks = tuple(i for i, word in enumerate(words) if set(word) == {"_"} and len(word) > 1)
    if not blanks and not open_end:
        raise BadInput("There is no blank in this sentence: write ___ where a word is to be filled.")
    return Desk(tuple("" if i in blanks else word for i, word in enumerate(words)), blanks, open_end, ())


FILLS: Any = SimpleNamespace(**{**vars(SYSTEM), "NAME": "toyfill", "TITLE": "Toy fill", "views": {"fill": _fill}})


def listed(patch: pytest.MonkeyPatch) -> None:
    """Put the system into the catalog, beside toytext, and its reading of a sentence in the place of MaskGAN's."""
    real = catalog.algorithm
    patch.setattr(catalog, "algorithm", lambda name: {"toyfill": FILLS, "toytext": SYSTEM}.get(name) or real(name))
    patch.setattr(maskgan, "filling", SimpleNamespace(parse=parse), raising=False)
